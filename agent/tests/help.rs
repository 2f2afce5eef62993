//! What `--help` of each word prints. People read it, scripts are written after it: a change must be seen.
#![allow(clippy::unwrap_used, reason = "a test")]

use clap::CommandFactory;
use integrasjonspunkt::cli::Cli;

/// As wide as the pages of the documentation.
const WIDTH: usize = 100;

/// Exit code, and what it said on stderr.
fn ended(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_integrasjonspunkt"));
    let output = program.current_dir(folder.path()).args(arguments).output().unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn words_that_make_no_sense_end_it_with_code_2_and_say_which() {
    let told = "integrasjonspunkt: demo takes no settings, and got --nonsense; right would be: --once, or nothing\n";
    assert_eq!(ended(&["demo", "--nonsense"]), (Some(2), told.to_owned()));
    // A password that was given by mistake is not said again.
    let (code, told) = ended(&["demo", "--once", "--difi.move.org.keystore.password=hunter2"]);
    assert!(code == Some(2) && !told.contains("hunter2"), "{told}");
    for words in [
        &["config", "check", "foo"][..],
        &["config", "show", "foo"],
        &["doctor", "foo"],
        &["run", "foo"],
        &["demo", "foo"],
    ] {
        let (code, told) = ended(words);
        assert!(code == Some(2) && told.contains("unexpected argument 'foo'"), "{words:?}: {told}");
    }
    for words in [&["config"][..], &["config", "foo"], &["nonsense"], &["run", "--once"]] {
        let (code, told) = ended(words);
        assert_eq!(code, Some(2), "{words:?}: {told}");
    }
}

#[test]
fn the_help_of_each_word_reads_well() {
    let mut all = String::new();
    for words in [
        &[][..],
        &["run"],
        &["doctor"],
        &["config"],
        &["config", "check"],
        &["config", "show"],
        &["service"],
        &["service", "install"],
        &["service", "status"],
    ] {
        let mut program = Cli::command().term_width(WIDTH);
        program.build();
        let word = words.iter().fold(&mut program, |word, name| word.find_subcommand_mut(name).unwrap());
        let printed = word.render_long_help().to_string();
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        all.push_str(&lines.join("\n"));
        all.push_str("\n\n――――\n\n");
    }
    insta::assert_snapshot!(all);
}
