//! `integrasjonspunkt doctor`, as a process in an empty folder: what people read of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod program {
    #[allow(dead_code, reason = "others use more of it")]
    pub mod process;
}

use efm_world::faults::Faults;
use efm_world::identity::{NORD, SOR};
use efm_world::maskinporten::Account;
use efm_world::stage::{Stage, user};
use program::process::{Program, program};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/keystore/vectors").join(name)
}

/// Exit code and lines.
fn doctor(home: &Path, arguments: &[String]) -> (Option<i32>, String) {
    let begun = Instant::now();
    let mut command = Command::new(program());
    command.arg("doctor").current_dir(home).args(arguments).stdin(Stdio::null());
    // Whatever proxy this machine has is not the test's.
    command.arg("--integrasjonspunkt.proxy=none");
    let output = command.output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30), "it has no end");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Without what differs from machine to machine and from day to day.
fn redacted(text: &str, home: &Path, ports: &[u16]) -> String {
    let home = std::fs::canonicalize(home).unwrap();
    let mut text = text.replace(&home.display().to_string(), "<home>");
    text = text.replace(&vector("").display().to_string(), "<vectors>/");
    for port in ports {
        text = text.replace(&format!(":{port}"), ":<port>");
    }
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let is_number = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_serial = |part: &str| part.len() > 14 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        match bare {
            _ if is_number(bare) || is_serial(bare) => word.replace(bare, "…"),
            // A day.
            _ if bare.len() == 10 && bare.split('-').count() == 3 => word.replace(bare, "<day>"),
            _ => word.to_owned(),
        }
    });
    words.collect()
}

/// A server that says what time it is, so many seconds beside ours. Lives as long as the test.
fn endpoint(ahead_seconds: i64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let now = efm::clock::Clock::machine().now() + Duration::from_secs(ahead_seconds.unsigned_abs());
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
            let answer =
                format!("HTTP/1.1 404 Not Found\r\nDate: {date}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn enough(port: u16, registry: u16) -> Vec<String> {
    vec![
        "--difi.move.org.number=910077473".into(),
        "--server.address=127.0.0.1".into(),
        format!("--server.port={port}"),
        "--difi.security.enable=false".into(),
        format!("--difi.move.serviceregistryEndpoint=http://127.0.0.1:{registry}/adressetjeneste"),
        format!("--difi.move.oidc.url=http://127.0.0.1:{registry}/token"),
    ]
}

fn keystore(path: &str, more: &[&str]) -> Vec<String> {
    let mut arguments = vec![
        format!("--difi.move.org.keystore.path=file:{path}"),
        "--difi.move.org.keystore.password=changeit".into(),
        "--difi.move.org.keystore.alias=virksomhet".into(),
    ];
    arguments.extend(more.iter().map(|it| (*it).to_owned()));
    arguments
}

#[test]
fn a_folder_without_settings_is_told_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let registry = endpoint(0);
    let (code, said) = doctor(home.path(), &enough(0, registry)[4..]);
    assert_eq!(code, Some(3));
    insta::assert_snapshot!(redacted(&said, home.path(), &[registry]));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn what_does_not_depend_on_a_wrong_setting_is_looked_at_all_the_same() {
    let (home, registry) = (tempfile::tempdir().unwrap(), endpoint(400));
    let mut arguments = enough(0, registry);
    arguments.extend(keystore(&vector("expired.p12").display().to_string(), &["--difi.ssl.enabled=false"]));
    arguments.extend(["--difi.move.org.keystore.alias=gammel".into(), "--difi.datasource.url=jdbc:h2:mem:x".into()]);
    arguments.push("--difi.move.nextmove.lockTimeoutMinutes=never".into());
    let (code, said) = doctor(home.path(), &arguments);
    assert_eq!(code, Some(3), "{said}");
    let line =
        |about: &str| said.lines().find(|line| line.contains(about)).unwrap_or_else(|| panic!("{about}: {said}"));
    assert!(line("keystore ").starts_with("WRONG") && line("keystore ").contains("expired on"), "{said}");
    assert!(line("clock").contains("s behind"), "{said}");
    assert!(line("database ").contains("not looked at: difi.datasource.url is wrong"), "{said}");
    assert!(line("room").starts_with("ok"), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains(" settings ")).count(), 2, "{said}");
}

/// What is said of rights in the false world, where it is changed like this.
fn in_the_world(change: impl Fn(&Stage, Account), more: &[&str]) -> (Option<i32>, String) {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stage = Stage::set(folder.path(), &Faults::default()).unwrap();
    stage.know(&NORD, &[]).unwrap();
    stage.know(&SOR, &[]).unwrap();
    let account = Account {
        id: format!("MOVE_IP_{}", NORD.number),
        scopes: ["eformidling:dpo", "altinn:broker.read", "altinn:broker.write"].map(str::to_owned).into(),
        certificates: vec![NORD.certificate().unwrap()],
        system_users: [(format!("0192:{}", NORD.number), user(NORD.number))].into(),
        ..Account::default()
    };
    change(&stage, account);
    let mut arguments = stage.settings(&NORD, &folder.path().join("nord.pem")).unwrap();
    let plain =
        ["--server.address=127.0.0.1", "--server.port=0", "--difi.ssl.enabled=false", "--difi.security.enable=false"];
    arguments.extend(plain.iter().chain(more).map(|it| (*it).to_owned()));
    let (code, said) = doctor(home.path(), &arguments);
    let about = ["keystore ", "scopes ", "registered ", "system user"];
    let of_rights = said.lines().filter(|line| about.iter().any(|about| line[6..].starts_with(about)));
    let mut told = of_rights.collect::<Vec<_>>().join("\n");
    for (at, url) in arguments.iter().filter_map(|it| it.split_once("http://127.0.0.1:")) {
        let port = url.split('/').next().unwrap();
        assert!(!at.is_empty());
        told = told.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:<port>");
    }
    (code, told)
}

#[test]
fn rights_are_asked_for_outside_and_each_refusal_has_its_own_remedy() {
    let nothing = |_: &Stage, _: Account| {};
    let mut seen = String::new();
    let mut case = |name: &str, expected: i32, change: &dyn Fn(&Stage, Account), more: &[&str]| {
        let (code, said) = in_the_world(change, more);
        assert_eq!(code, Some(expected), "{name}: {said}");
        write!(seen, "# {name}\n{said}\n\n").unwrap();
    };
    case("all is well", 0, &nothing, &[]);
    case(
        "the client has no scope for the broker",
        1,
        &|stage, account| {
            let scopes = ["eformidling:dpo".to_owned()].into();
            stage.maskinporten.register(Account { scopes, ..account });
        },
        &[],
    );
    case(
        "the client has another certificate",
        1,
        &|stage, account| {
            let certificates = vec![SOR.certificate().unwrap()];
            stage.maskinporten.register(Account { certificates, ..account });
        },
        &[],
    );
    case("there is no such client", 1, &nothing, &["--difi.move.oidc.clientId=nobody"]);
    case("it is for another audience", 1, &nothing, &["--difi.move.oidc.audience=https://other.invalid/"]);
    case(
        "the system user was not approved",
        1,
        &|stage, account| {
            stage.maskinporten.register(Account { system_users: [].into(), ..account });
        },
        &[],
    );
    case(
        "another certificate is registered",
        1,
        &|stage, _| {
            stage.registry.put_certificate(NORD.number, SOR.certificate_pem());
        },
        &[],
    );
    case("the keystore is another organisation's", 1, &nothing, &["--difi.move.org.number=910075918"]);
    insta::assert_snapshot!(seen);
}

// The words and the paths of the system are in it.
#[cfg(unix)]
#[test]
fn a_site_that_is_well_gets_a_line_of_ok_for_each_thing() {
    let home = tempfile::tempdir().unwrap();
    let (port, registry) = (free_port(), endpoint(0));
    let mut arguments = enough(port, registry);
    arguments.extend(keystore(&vector("java.p12").display().to_string(), &["--difi.ssl.enabled=false"]));
    let (code, said) = doctor(home.path(), &arguments);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!(redacted(&said, home.path(), &[port, registry]));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "it leaves nothing behind");
}

// The words and the paths of the system are in it.
#[cfg(unix)]
#[test]
fn a_site_where_all_is_wrong_is_told_what_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, registry) = (holder.local_addr().unwrap().port(), free_port());
    efm::atomic::replace(&home.path().join("integrasjonspunkt.sqlite"), &b"no database at all ".repeat(300)).unwrap();
    let mut arguments = enough(port, registry);
    arguments.extend(keystore(
        &vector("java.p12").display().to_string(),
        &[
            "--difi.move.org.keystore.password=hunter2",
            "--difi.ssl.key-store=file:none.jks",
            "--difi.ssl.key-store-password=hunter2",
            "--some.unknown=1",
        ],
    ));
    let (code, said) = doctor(home.path(), &arguments);
    assert_eq!(code, Some(1), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(redacted(&said, home.path(), &[port, registry]));
    drop(holder);
}

#[test]
fn an_expired_certificate_and_a_wrong_clock_are_told() {
    let home = tempfile::tempdir().unwrap();
    let (port, registry) = (free_port(), endpoint(400));
    let mut arguments = enough(port, registry);
    arguments.extend(keystore(&vector("expired.p12").display().to_string(), &["--difi.ssl.enabled=false"]));
    arguments.push("--difi.move.org.keystore.alias=gammel".into());
    let (code, said) = doctor(home.path(), &arguments);
    assert_eq!(code, Some(1), "{said}");
    let line =
        |about: &str| said.lines().find(|line| line.contains(about)).unwrap_or_else(|| panic!("{about}: {said}"));
    assert!(line("keystore").starts_with("WRONG") && line("keystore").contains("expired on"), "{said}");
    assert!(line("clock").starts_with("WRONG") && line("clock").contains("s behind"), "{said}");
}

#[test]
fn a_port_that_our_own_holds_is_no_trouble_also_over_tls() {
    let between = tempfile::tempdir().unwrap();
    let tls = [
        "--difi.ssl.enabled=true".to_owned(),
        format!("--difi.ssl.key-store=file:{}", vector("java.jks").display()),
        "--difi.ssl.key-store-password=changeit".to_owned(),
        "--difi.ssl.key-alias=virksomhet".to_owned(),
    ];
    let more: Vec<&str> = tls.iter().map(String::as_str).collect();
    let running = Program::start_with("910077473", between.path(), &more);
    let mut arguments = enough(running.port, endpoint(0));
    arguments.extend(keystore(&vector("java.p12").display().to_string(), &more));
    let (code, said) = doctor(between.path(), &arguments);
    assert_eq!(code, Some(0), "{said}");
    let ours = format!("is ours: version {} runs", env!("CARGO_PKG_VERSION"));
    assert!(said.contains(&ours), "{said}");
}
