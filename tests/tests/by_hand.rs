//! The simulators as a person starts them: their help, and the recipe of `docs/outside-world.md` as it stands there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use outside_world::child::program;
use std::process::Command;

const PROGRAMS: [&str; 4] = ["altinn-broker", "false-maskinporten", "false-registry", "webhook-sink"];

#[test]
fn each_simulator_says_what_it_does_and_what_it_does_not_know() {
    for name in PROGRAMS {
        let path = program(name).unwrap();
        let helped = Command::new(&path).arg("--help").output().unwrap();
        let text = String::from_utf8(helped.stdout).unwrap();
        assert!(helped.status.success(), "{name}");
        for word in ["Example\n", "--port N", "--latency MS", "--fail-rate 0..1", "--help", name] {
            assert!(text.contains(word), "{name} does not tell of {word}:\n{text}");
        }
        let refused = Command::new(path).args(["--strange", "1"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(String::from_utf8(refused.stderr).unwrap().starts_with("--strange is no word"), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn the_recipe_of_the_documentation_sends_a_letter() {
    use std::net::TcpListener;
    use std::path::Path;
    use std::process::Stdio;

    let has = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !["bash", "curl"].into_iter().all(has) {
        return outside_world::left_out("the recipe of docs/outside-world.md: it needs bash and curl");
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let recipe = std::fs::read_to_string(top.join("docs/outside-world.md")).unwrap();
    let mut script = String::from("set -eu\ntrap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n");
    for block in recipe.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for line in block.lines().filter(|line| !line.starts_with("cargo build")) {
            // A person looks again; a script has to be told so.
            let line = if line.ends_with("/api/messages/in/peek") {
                "for _ in $(seq 300); do curl -s -f -o peeked URL && test -s peeked && break; sleep 0.1; done"
                    .replace("URL", line.split(' ').next_back().unwrap())
            } else if line.starts_with("curl -o asic.zip") {
                line.replace("curl", "curl -f")
            } else if line.contains("/api/statuses/") {
                format!("for _ in $(seq 300); do {line} > statuses; grep -q LEVERT statuses && break; sleep 0.1; done")
            } else {
                line.to_owned()
            };
            script.push_str(&line);
            script.push('\n');
        }
    }
    let held: Vec<_> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for (told, socket) in ["9101", "9102", "9103", "9093", "9094"].into_iter().zip(&held) {
        script = script.replace(told, &socket.local_addr().unwrap().port().to_string());
    }
    drop(held);
    let place = tempfile::tempdir().unwrap();
    for name in ["tests", "agent", "README.md"] {
        std::os::unix::fs::symlink(top.join(name), place.path().join(name)).unwrap();
    }
    let built = place.path().join("target/debug");
    std::fs::create_dir_all(&built).unwrap();
    let agent = ("integrasjonspunkt-under-test", "integrasjonspunkt");
    for (built_as, name) in PROGRAMS.into_iter().map(|name| (name, name)).chain([agent]) {
        std::os::unix::fs::symlink(program(built_as).unwrap(), built.join(name)).unwrap();
    }
    let done = Command::new("bash").args(["-c", &script]).current_dir(place.path()).output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap_or_default();
    assert!(done.status.success(), "{told}\n{script}");
    assert!(read("peeked").contains("\"hoveddokument\" : \"brev.pdf\""), "{}\n{told}", read("peeked"));
    for status in ["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"] {
        assert!(read("statuses").contains(status), "{}\n{told}", read("statuses"));
    }
    let package = std::fs::read(place.path().join("asic.zip")).unwrap();
    assert!(package.windows(12).any(|window| window == b"ASiCManifest"), "it is sealed and signed");
}
