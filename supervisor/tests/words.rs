//! The words of the house are true: words, exit codes, samples, commands and links in the documentation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use clap::{CommandFactory, Parser};
use kosmos::cli::args::Cli;
use kosmos::cli::exit;
use kosmos::config;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(name: &str) -> String {
    let path = workspace().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "docs/decisions"] {
        for entry in std::fs::read_dir(workspace().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    assert!(pages.len() > 15, "{pages:?}");
    pages.sort();
    pages
}

/// The texts of all fenced blocks of a language.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(said) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            if said == language {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

/// All that stands between single backticks outside fenced blocks.
fn inline_code(text: &str) -> Vec<String> {
    let mut is_fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced && !line.starts_with("    ") {
            prose.push_str(line);
            prose.push(' ');
        }
    }
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What is wrong with a command of ours as a page gives it; none: it could be typed so.
fn wrong_command(command: &str) -> Option<String> {
    let command = command.split(" #").next().unwrap().trim();
    let words = as_a_shell_does(command.strip_prefix("kosmos").unwrap());
    // `status|upgrade` means either.
    let first = words.first().cloned().unwrap_or_default();
    let alternatives = first.split('|').map(|word| {
        let own = [word.to_owned()].into_iter().filter(|word| !word.is_empty());
        own.chain(words.iter().skip(1).cloned()).collect::<Vec<String>>()
    });
    alternatives.into_iter().find_map(|words| {
        let parsed = Cli::try_parse_from(["kosmos"].into_iter().chain(words.iter().map(String::as_str)));
        match parsed {
            Ok(_) => None,
            Err(error) if !error.use_stderr() => None,
            // A word that wants one more is named, not typed.
            Err(error) if words.len() == 1 && error.kind() == clap::error::ErrorKind::MissingRequiredArgument => None,
            Err(error)
                if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    || error.kind() == clap::error::ErrorKind::MissingSubcommand =>
            {
                None
            }
            Err(error) => Some(format!("{command}: {error}")),
        }
    })
}

/// Words between white space, or between quotation marks.
fn as_a_shell_does(text: &str) -> Vec<String> {
    let words = text.split('"').enumerate().flat_map(|(index, part)| {
        if index % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    });
    words.collect()
}

#[test]
fn every_word_is_in_the_readme() {
    let readme = read("README.md");
    let mut program = Cli::command();
    program.build();
    let missing: Vec<&str> = program
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| !readme.contains(&format!("| `kosmos {name}")))
        .collect();
    assert!(missing.is_empty(), "README.md has no row for {missing:?}");
}

#[test]
fn every_exit_code_is_in_the_readme() {
    let readme = read("README.md");
    let section = readme.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
    let numbers = |text: &str| -> Vec<u8> {
        text.lines()
            .filter_map(|line| line.trim_start_matches('|').split_whitespace().next()?.parse::<u8>().ok())
            .collect()
    };
    let documented = numbers(exit::HELP);
    assert!(documented.len() > 10, "{documented:?}");
    assert_eq!(numbers(section), documented);
}

#[test]
fn the_samples_of_the_readme_load_without_a_word() {
    let readme = read("README.md");
    for (language, file) in [("toml", "kosmos.toml"), ("properties", "kosmos-local.properties")] {
        let samples = fenced(&readme, language);
        assert!(!samples.is_empty(), "README.md has no sample of {file}");
        for sample in samples {
            let home = tempfile::tempdir().unwrap();
            efm::atomic::replace(&home.path().join(file), sample.as_bytes()).unwrap();
            match config::load(home.path(), &[], &[]) {
                Ok(loaded) => assert_eq!(loaded.warnings, [], "{sample}"),
                Err(problems) => panic!("{sample}\n{}", config::problems_text(&problems)),
            }
        }
    }
}

#[test]
fn every_command_that_a_page_gives_could_be_typed() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let lines = fenced(&text, "sh")
            .iter()
            .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect::<Vec<_>>();
        for command in lines.into_iter().chain(inline_code(&text)) {
            if command == "kosmos" || command.starts_with("kosmos ") {
                seen += 1;
                wrong.extend(wrong_command(&command).map(|why| format!("{}: {why}", page.display())));
            }
        }
    }
    assert!(seen > 50, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") && !page.parent().unwrap().join(path).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_decision_is_in_the_index_and_has_a_number_of_its_own() {
    let index = read("docs/decisions/README.md");
    let mut numbers = Vec::new();
    for page in pages().iter().filter(|page| page.parent().unwrap().ends_with("decisions")) {
        let name = page.file_name().unwrap().to_str().unwrap();
        if name == "README.md" {
            continue;
        }
        let number: u32 = name[..4].parse().unwrap_or_else(|_| panic!("{name} has no number"));
        let title = std::fs::read_to_string(page).unwrap();
        assert!(title.starts_with(&format!("# {number}. ")), "{name}: its title does not begin with its number");
        assert!(index.contains(&format!("]({name})")), "{name} is not in the index");
        numbers.push(number);
    }
    // Pages are sorted by name; a number may be kept free for what is being decided.
    assert!(numbers.windows(2).all(|two| two[0] < two[1]), "{numbers:?}");
}

#[test]
fn a_page_with_a_wrong_word_would_be_found() {
    assert!(wrong_command("kosmos upgade --now").is_some());
    assert!(wrong_command("kosmos hold --untill 48h").is_some());
    assert!(wrong_command("kosmos status|histroy").is_some());
    assert!(wrong_command("kosmos forgive 4.1.0 4.1.1").is_some());
    assert!(wrong_command("kosmos status|history --json").is_none());
    assert!(wrong_command("kosmos hold --reason two words").is_some());
    assert!(wrong_command("kosmos hold --reason \"two words\"").is_none());
    assert_eq!(inline_code("a `b` c\n```sh\nx `y`\n```\n`d`"), ["b", "d"]);
    assert_eq!(fenced("```toml\na\n```\n```sh\nb\n```", "sh"), ["b"]);
}
