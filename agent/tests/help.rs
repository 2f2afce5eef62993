//! What `--help` of each word prints. People read it, scripts are written after it: a change must be seen.
#![allow(clippy::unwrap_used, reason = "a test")]

use clap::CommandFactory;
use integrasjonspunkt::cli::Cli;

/// As wide as the pages of the documentation.
const WIDTH: usize = 100;

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
