//! A person's and a machine's bad input at the edge, through the real program: the exit code that `kosmos help exit-codes`
//! documents, one clear error (what is wrong, where, what would be right), and everything else as it was.
//!
//! The transcripts in `snapshots/` are what a person sees; read them as a sysadmin at night before you accept a change.
//! `INSTA_UPDATE=always` rewrites them. They are compared on Unix: other systems have other words for the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test"
)]

mod site;

use site::{Said, Site, must_be_for_people};
use std::fs;

/// Exit codes, as documented.
const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const SETTINGS: i32 = 3;
const REFUSED_BY_VERIFICATION: i32 = 22;
const NO_SUPERVISOR: i32 = 30;
const SOURCE_UNREACHABLE: i32 = 32;

/// Compares what was said with what a person has read and found good.
fn read_by_people(name: &str, said: &[Said]) {
    let text: Vec<_> = said.iter().map(Said::transcript).collect();
    if cfg!(unix) {
        insta::assert_snapshot!(name, text.join("\n"));
    }
}

/// Says the words and checks code, text, and that nothing was touched.
fn refused(site: &Site, words: &[&str], code: i32) -> Said {
    let before = site.listing();
    let said = site.kosmos(words);
    said.must_refuse(code);
    assert_eq!(site.listing(), before, "kosmos {} left something behind", words.join(" "));
    said
}

#[test]
fn wrong_words_and_flags_are_told_and_change_nothing() {
    let site = Site::new();
    let said: Vec<_> = [
        &["frobnicate"][..],
        &["--hoem", "x"],
        &["--home"],
        &["--log", "loud", "status"],
        &["config", "frob"],
        &["history", "--last", "x"],
        &["history", "--last", "-1"],
        &["upgrade", "--to"],
        &["upgrade", "--to", "../../x"],
        &["upgrade", "--to", ""],
        &["upgrade", "--to", "4.0"],
        &["upgrade", "--allow-downgrade"],
        &["forgive", "../x"],
        &["forgive"],
        &["hold", "--until", "yesterday"],
        &["hold", "--until", "2020-01-01"],
        &["hold", "--until", "-48h"],
        &["hold", "--until", ""],
        &["hold", "--until", "48h", "--end"],
        &["hold", "--until", "9999999999999h"],
        &["import", "foo.jar"],
        &["import", "releases"],
        &["import", "integrasjonspunkt-..jar"],
        &["verify"],
        &["verify", "x.jar", "--fingerprint", "abc", "--key", "eformidling-key.asc"],
    ]
    .iter()
    .map(|words| refused(&site, words, USAGE))
    .collect();
    read_by_people("words", &said);
}

#[test]
fn a_home_that_cannot_be_one_is_told() {
    let site = Site::new();
    site.put("a-file", "");
    let said: Vec<_> = [
        &["--home", "nowhere", "status"][..],
        &["--home", "a-file", "status"],
        &["status", "--home", ""],
        &["--home", "nowhere", "run"],
        &["--home", "a-file/below", "config", "check"],
    ]
    .iter()
    .map(|words| refused(&site, words, USAGE))
    .collect();
    read_by_people("home", &said);
}

#[test]
fn words_for_a_supervisor_where_none_runs_are_told() {
    let site = Site::new();
    let words = [&["upgrade"][..], &["upgrade", "--now", "--to", "4.0.8"], &["reload"], &["stop"]];
    let said: Vec<_> = words.iter().map(|words| refused(&site, words, NO_SUPERVISOR)).collect();
    read_by_people("nobody-there", &said);
}

#[test]
fn settings_that_are_wrong_are_told_with_file_and_line() {
    let wrong = [
        ("kosmos.toml", "[release"),
        ("kosmos.toml", "[release]\nchanel = 'latest'\n"),
        ("kosmos.toml", "[child]\nprobation = 5\n"),
        ("kosmos.toml", "[schedule]\nwindow = ['30 5 * * MON']\n"),
        ("kosmos-local.properties", "kosmos.schedulerCronExpression=0 30 5 * *\n"),
        ("kosmos-local.properties", "kosmos.integrasjonspunkt.profile=${nowhere}\n"),
        ("kosmos-local.properties", "kosmos.integrasjonspunkt.earlybird=perhaps\n"),
        ("integrasjonspunkt-local.properties", "difi.move.org.number=12\n"),
    ];
    let mut said = Vec::new();
    for (file, text) in wrong {
        let site = Site::new();
        site.put(file, text);
        let before = site.listing();
        for words in [&["config", "check"][..], &["schedule"], &["run"]] {
            let mut one = site.kosmos(words);
            assert_eq!(one.code, SETTINGS, "{file} {text}: {}", one.transcript());
            must_be_for_people(&one.transcript());
            let told = format!("{}{}", one.out, one.err);
            assert!(told.contains(file) && told.contains("right: "), "{told}");
            if words[0] == "run" {
                // Its log is where a service's words are looked for.
                let _ = fs::remove_dir_all(site.home.join("logs"));
            }
            if words[0] == "config" {
                one.words = format!("config check        # {file}: {}", text.trim().replace('\n', " ⏎ "));
                said.push(one);
            }
        }
        assert_eq!(site.listing(), before);
    }
    read_by_people("settings", &said);
}

#[test]
fn a_settings_file_that_is_no_file_or_no_text_is_told() {
    let mut said = Vec::new();
    for file in ["kosmos.toml", "kosmos-local.properties", "integrasjonspunkt-local.properties"] {
        for (what, damage) in [("a folder", None), ("bytes", Some(b"\xff\xfe\x00k".as_slice()))] {
            let site = Site::new();
            let _ = fs::remove_file(site.home.join(file));
            match damage {
                None => fs::create_dir(site.home.join(file)).unwrap(),
                Some(bytes) => drop(site.put(file, bytes)),
            }
            let before = site.listing();
            let mut one = site.kosmos(&["config", "check"]);
            must_be_for_people(&one.transcript());
            assert_eq!(site.listing(), before);
            one.words = format!("config check        # {file} is {what}");
            said.push(one);
        }
    }
    read_by_people("settings-files", &said);
}

#[test]
fn keys_that_are_no_keys_are_told() {
    let secret = include_bytes!("../../keys/rsa3072-secret.asc");
    let damages: [(&str, Option<&[u8]>); 5] = [
        ("missing", None),
        ("empty", Some(b"")),
        ("garbage", Some(b"no key at all\n")),
        ("a secret key", Some(secret)),
        ("cut off", Some(&include_bytes!("../../keys/eformidling-key-2021.asc")[..400])),
    ];
    let mut said = Vec::new();
    for (what, damage) in damages {
        let site = Site::new();
        fs::remove_file(site.home.join("eformidling-key.asc")).unwrap();
        if let Some(bytes) = damage {
            site.put("eformidling-key.asc", bytes);
        }
        let jar = "releases/integrasjonspunkt-v4.0.8.jar";
        let code = if what == "missing" { FAILED } else { REFUSED_BY_VERIFICATION };
        let mut one = refused(&site, &["verify", jar], code);
        one.words = format!("{}        # the key file is {what}", one.words);
        said.push(one);
        let import = site.kosmos(&["import", jar]);
        import.must_refuse(REFUSED_BY_VERIFICATION);
        assert!(!site.state().join("versions").exists(), "{}", import.transcript());
    }
    read_by_people("keys", &said);
}

#[test]
fn files_that_are_no_releases_are_not_verified() {
    let site = Site::new();
    let signature = fs::read(site.home.join("releases/integrasjonspunkt-v4.0.8.jar.asc")).unwrap();
    let jar = fs::read(site.home.join("releases/integrasjonspunkt-v4.0.8.jar")).unwrap();
    for (name, bytes) in [("empty.jar", &b""[..]), ("text.jar", b"some words\n")] {
        site.put(name, bytes);
        site.put(&format!("{name}.asc"), &signature);
    }
    site.put("unsigned.jar", &jar);
    site.put("badly-signed.jar", &jar);
    site.put("badly-signed.jar.asc", "no signature");
    fs::create_dir(site.home.join("folder.jar")).unwrap();
    site.put("folder.jar.asc", &signature);
    fs::create_dir(site.home.join("signature-is-a-folder.jar.asc")).unwrap();
    site.put("signature-is-a-folder.jar", &jar);
    let huge = fs::File::create(site.home.join("huge.jar")).unwrap();
    huge.set_len(64 << 20).unwrap();
    site.put("huge.jar.asc", &signature);
    let files = [
        "empty",
        "text",
        "unsigned",
        "badly-signed",
        "folder",
        "signature-is-a-folder",
        "huge",
        "missing",
        "../missing",
    ];
    // What could not be read was not judged.
    let code = |file: &str| match file {
        "folder" | "signature-is-a-folder" | "missing" | "../missing" => FAILED,
        _ => REFUSED_BY_VERIFICATION,
    };
    let said: Vec<_> =
        files.iter().map(|file| refused(&site, &["verify", &format!("{file}.jar")], code(file))).collect();
    read_by_people("verify", &said);
}

#[test]
fn what_cannot_be_imported_is_told_and_nothing_comes_into_the_vault() {
    let site = Site::new();
    let signature = fs::read(site.home.join("releases/integrasjonspunkt-v4.0.8.jar.asc")).unwrap();
    fs::create_dir_all(site.home.join("in/integrasjonspunkt-v4.0.3.jar")).unwrap();
    site.put("in/integrasjonspunkt-v4.0.3.jar.asc", &signature);
    site.put("in/integrasjonspunkt-v4.0.4.jar", "text");
    site.put("in/integrasjonspunkt-v4.0.5.jar", "text");
    site.put("in/integrasjonspunkt-v4.0.5.jar.asc", &signature);
    let jar = fs::read(site.home.join("releases/integrasjonspunkt-v4.0.8.jar")).unwrap();
    site.put("in/integrasjonspunkt-v4.0.6.jar", jar);
    site.put("in/integrasjonspunkt-v4.0.6.jar.asc", &signature);
    let mut said = Vec::new();
    for (version, code) in [
        ("4.0.2", FAILED),
        ("4.0.3", FAILED),
        ("4.0.4", SOURCE_UNREACHABLE),
        ("4.0.5", REFUSED_BY_VERIFICATION),
        ("4.0.6", REFUSED_BY_VERIFICATION),
    ] {
        let one = site.kosmos(&["import", &format!("in/integrasjonspunkt-v{version}.jar")]);
        one.must_refuse(code);
        assert!(!site.state().join("versions").exists(), "{}", one.transcript());
        said.push(one);
    }
    read_by_people("import", &said);
}

/// What happens to files on a disk that fails, or under a person's hand.
const DAMAGES: [&str; 4] = ["garbage", "truncated", "emptied", "a folder"];

fn damage(path: &std::path::Path, how: &str) {
    let bytes = fs::read(path).unwrap();
    match how {
        "garbage" => efm::atomic::replace(path, b"\x00\x01{\"document\": \xff").unwrap(),
        "truncated" => efm::atomic::replace(path, &bytes[..bytes.len() / 2]).unwrap(),
        "emptied" => efm::atomic::replace(path, b"").unwrap(),
        _ => {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }
    }
}

#[test]
fn one_broken_copy_of_a_state_file_changes_nothing_that_is_said() {
    let site = Site::installed();
    let whole = site.kosmos(&["status", "--json"]);
    for document in ["current", "trial", "floors", "held", "child"] {
        for copy in ["json", "second.json"] {
            for how in DAMAGES {
                let path = site.state().join(format!("{document}.{copy}"));
                let bytes = fs::read(&path).unwrap();
                damage(&path, how);
                let before = site.listing();
                let said = site.kosmos(&["status", "--json"]);
                assert_eq!((said.out, said.code), (whole.out.clone(), whole.code), "{document}.{copy} is {how}");
                assert_eq!(site.listing(), before, "{document}.{copy} is {how}");
                if path.is_dir() {
                    fs::remove_dir(&path).unwrap();
                }
                efm::atomic::replace(&path, &bytes).unwrap();
            }
        }
    }
}

#[test]
fn a_state_file_with_both_copies_broken_is_told_and_left_for_a_person() {
    let site = Site::installed();
    let mut told = Vec::new();
    for document in ["current", "trial", "floors", "held"] {
        for how in DAMAGES {
            let paths = ["json", "second.json"].map(|copy| site.state().join(format!("{document}.{copy}")));
            let bytes = paths.clone().map(|path| fs::read(path).unwrap());
            for path in &paths {
                damage(path, how);
            }
            let mut said = refused(&site, &["status"], FAILED);
            said.words = format!("status        # both copies of {document}: {how}");
            told.push(said);
            for (path, bytes) in paths.iter().zip(bytes) {
                if path.is_dir() {
                    fs::remove_dir(path).unwrap();
                }
                efm::atomic::replace(path, &bytes).unwrap();
            }
        }
    }
    assert_eq!(site.kosmos(&["status"]).code, NO_SUPERVISOR);
    read_by_people("state", &told);
}

#[test]
fn a_supervisor_that_cannot_read_its_pointer_starts_what_was_verified_and_says_so() {
    let site = Site::installed();
    for document in ["current", "trial"] {
        for copy in ["json", "second.json"] {
            damage(&site.state().join(format!("{document}.{copy}")), "garbage");
        }
    }
    let mut running = site.run();
    running.wait_for_log("the integration point is up");
    let log = running.log();
    assert!(log.contains("the pointer cannot be read") && log.contains("current.json"), "{log}");
    must_be_for_people(&log);
    running.stop();
}

#[test]
fn files_that_are_only_for_people_may_be_garbage() {
    let site = Site::installed();
    site.put("kosmos/last-look.json", "{\"at\":");
    site.put("kosmos/hold.json", "until the new year");
    let history = site.state().join("history.jsonl");
    let whole = fs::read_to_string(&history).unwrap();
    site.put(
        "kosmos/history.jsonl",
        format!("{{\"schema\":1,\"at\":\n\u{0}\u{0}\n{whole}{}", &whole[..whole.len() / 2]),
    );
    let before = site.listing();
    let status = site.kosmos(&["status"]);
    assert_eq!(status.code, NO_SUPERVISOR);
    assert!(
        status.out.contains("hold.json"),
        "a hold that cannot be read holds, and is told:\n{}",
        status.transcript()
    );
    let history = site.kosmos(&["history"]);
    assert_eq!(history.code, DONE);
    assert_eq!(history.out.matches("staged").count(), 1, "{}", history.transcript());
    assert_eq!(site.listing(), before);
    for said in [&status, &history] {
        must_be_for_people(&said.transcript());
    }
}

#[test]
fn an_odd_home_does_not_keep_a_supervisor_from_its_work() {
    let site = Site::new();
    fs::create_dir(site.home.join("integrasjonspunkt-v4.0.5.jar")).unwrap();
    fs::create_dir(site.home.join("integrasjonspunkt-v4.0.5.allowlisted")).unwrap();
    for (name, bytes) in [
        ("integrasjonspunkt-v4.0.4.allowlisted", &b""[..]),
        ("integrasjonspunkt-v4.0.3.allowlisted", b"\xff\xfe\x00"),
        ("integrasjonspunkt-..allowlisted", b"2025-01-01T00:00:00"),
        ("integrasjonspunkt-v4.0.2.blocklisted", b"when it is ready"),
        (".allowlisted", b""),
        ("integrasjonspunkt-v4.0.6.jar", b""),
        ("kosmos/child.json", b"garbage"),
        ("kosmos/child.second.json", b"garbage"),
        ("kosmos/last-look.json", b"garbage"),
        ("kosmos/history.jsonl", b"{\"torn"),
        ("kosmos/lock.holder", b"\xff\xff"),
        ("kosmos/staging/v4.0.8/resume.json", b"garbage"),
        ("kosmos/staging/v4.0.8/archive.part", b"garbage"),
        ("kosmos/versions/what-is-this", b"garbage"),
        ("kosmos/outbox/garbage.json", b"garbage"),
    ] {
        site.put(name, bytes);
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"integrasjonspunkt-\xff\xfe.jar");
        fs::File::create(site.home.join(name)).unwrap();
        // A socket that nobody listens to.
        drop(std::os::unix::net::UnixListener::bind(site.state().join("control.sock")).unwrap());
        refused(&site, &["reload"], NO_SUPERVISOR);
    }
    let mut running = site.run();
    let status = running.status_with(": up");
    assert!(status.contains("4.0.8"), "{status}");
    must_be_for_people(&running.log());
    running.stop();
}

#[test]
fn a_home_may_be_called_as_people_call_folders() {
    let site = Site::named("Integrasjonspunkt for Å's blåbær & co (prøve)");
    let mut running = site.run();
    running.status_with(": up");
    let second = site.kosmos(&["run"]);
    assert_eq!(second.code, 31, "{}", second.transcript());
    running.stop();
}

#[cfg(unix)]
#[test]
fn a_home_whose_path_is_too_long_for_a_socket_can_be_asked_all_the_same() {
    let site = Site::named(&["a-folder-with-a-rather-long-name"; 5].join("/"));
    assert!(site.state().join("control.sock").as_os_str().len() > 108);
    let mut running = site.run();
    running.status_with(": up");
    running.stop();
}

#[cfg(unix)]
#[test]
fn folders_that_we_may_not_write_or_read_are_told() {
    use std::os::unix::fs::PermissionsExt;
    let chmod = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let site = Site::installed();
    // Whoever runs this must be able to come so far.
    chmod(site.home.parent().unwrap(), 0o755);
    let said = |words: &[&str], what: &str| {
        let before = site.listing();
        let mut said = site.kosmos_as_nobody(words);
        said.must_refuse(FAILED);
        assert_eq!(site.listing(), before);
        said.words = format!("{}        # {what}", said.words);
        said
    };
    let mut all = Vec::new();
    chmod(&site.home, 0o555);
    chmod(&site.state(), 0o555);
    all.push(said(&["hold"], "the state folder may only be read"));
    all.push(said(&["import", "releases/integrasjonspunkt-v4.0.8.jar"], "the same"));
    chmod(&site.state(), 0o000);
    all.push(said(&["status"], "the state folder may not be read"));
    chmod(&site.state(), 0o755);
    chmod(&site.home, 0o755);
    read_by_people("permissions", &all);
}
