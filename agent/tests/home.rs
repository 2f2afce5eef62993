//! `--home`: in which folder the program works, whatever folder it is started in; and `service` where there is no service
//! control of Windows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::process::Command;

/// What it says, and its exit code.
fn said(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_integrasjonspunkt"));
    let output = program.current_dir(folder).args(words).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

#[test]
fn settings_are_those_of_the_home_folder_wherever_it_is_started() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let settings = "difi.move.org.number=910077473\nserver.port=many\n";
    efm::atomic::replace(&home.path().join("integrasjonspunkt-local.properties"), settings.as_bytes()).unwrap();
    let folder = home.path().to_str().unwrap();
    for words in [["--home", folder, "config", "check"], ["config", "check", "--home", folder]] {
        let (code, text) = said(elsewhere.path(), &words);
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains("integrasjonspunkt-local.properties") && text.contains("server.port"), "{text}");
    }
    let (_, text) = said(elsewhere.path(), &["config", "check"]);
    assert!(!text.contains("server.port"), "{text}");
}

#[test]
fn a_home_folder_that_is_not_there_is_told_with_a_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = said(folder.path(), &["run", "--home=not here"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.starts_with("integrasjonspunkt: --home not here: "), "{text}");
}

#[test]
fn settings_behind_service_are_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = said(folder.path(), &["service", "install", "--dry-run", "--server.port=9093"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("put server.port there"), "{text}");
    let (code, text) = said(folder.path(), &["service", "start", "--name", "a b"]);
    assert_eq!(code, Some(2), "{text}");
}

#[cfg(unix)]
#[test]
fn where_there_is_no_service_control_each_word_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for word in ["install", "uninstall", "start", "stop", "restart", "status"] {
        let (code, text) = said(folder.path(), &["service", word]);
        assert_eq!(code, Some(1), "{word}: {text}");
        assert!(text.contains("have systemd run `integrasjonspunkt run --home DIR`"), "{word}: {text}");
    }
}
