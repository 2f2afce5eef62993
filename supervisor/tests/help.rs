//! What `--help` of each word prints. People read it, scripts are written after it: a change must be seen.
#![allow(clippy::unwrap_used, reason = "a test")]

use clap::CommandFactory;
use kosmos::cli::args::Cli;

/// As wide as the pages of the documentation.
const WIDTH: usize = 100;

/// The help of the word at the end of this path of words.
fn help(words: &[&str]) -> String {
    let mut program = Cli::command().term_width(WIDTH);
    program.build();
    let word = words.iter().fold(&mut program, |word, name| word.find_subcommand_mut(name).unwrap());
    let printed = word.render_long_help().to_string();
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "wider than {WIDTH}:\n{printed}");
    lines.join("\n")
}

#[test]
fn the_help_of_each_word_reads_well() {
    let mut paths: Vec<Vec<String>> = vec![Vec::new()];
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    while let Some(path) = paths.pop() {
        let word = path.iter().fold(&program, |word, name| word.find_subcommand(name).unwrap());
        paths.extend(word.get_subcommands().filter(|word| word.get_name() != "help").map(|word| {
            let mut below = path.clone();
            below.push(word.get_name().to_owned());
            below
        }));
        pages.push(path);
    }
    pages.sort();
    assert!(pages.len() > 15, "{pages:?}");
    for page in pages {
        let words: Vec<&str> = page.iter().map(String::as_str).collect();
        let name = if words.is_empty() { "kosmos".to_owned() } else { words.join("-") };
        insta::assert_snapshot!(name, help(&words));
    }
}

#[test]
fn a_word_without_a_line_of_help_is_found() {
    let mut program = Cli::command();
    program.build();
    let mut words = vec![&program];
    while let Some(word) = words.pop() {
        assert!(word.get_about().is_some(), "{} says nothing about itself", word.get_name());
        for flag in word.get_arguments() {
            assert!(flag.get_help().is_some(), "{} {}: says nothing", word.get_name(), flag.get_id());
        }
        words.extend(word.get_subcommands());
    }
}
