//! The walls of the supervisor: fails on an import against the arrow table of ARCHITECTURE.md, and on an arrow that nothing
//! uses. How sources are read is in `tests/house/walls.rs`; that it finds what is wrong is tested here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "../../tests/house/walls.rs"]
mod house;

use house::{architecture, sources_below, table_in, tokens, workspace, wrongs};
use std::path::PathBuf;

// ── The house ───────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_import_is_an_arrow_of_architecture_md_and_every_arrow_is_used() {
    let wrongs = wrongs(
        "kosmos",
        &architecture("## The rooms, and who knows whom"),
        &sources_below(&workspace().join("supervisor/src")),
    );
    assert!(wrongs.is_empty(), "against ARCHITECTURE.md:\n{}", wrongs.join("\n"));
}

#[test]
fn the_floor_does_not_know_who_stands_on_it() {
    for (path, text) in sources_below(&workspace().join("src")) {
        let tokens = tokens(&text);
        for upstairs in ["kosmos", "integrasjonspunkt"] {
            let is_named = tokens.windows(2).any(|pair| pair[0] == upstairs && pair[1] == "::");
            assert!(!is_named, "src/{}: efm names {upstairs}", path.display());
        }
    }
    let cargo: toml::Table = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap().parse().unwrap();
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for upstairs in ["kosmos", "integrasjonspunkt"] {
            let knows = cargo.get(table).is_some_and(|table| table.get(upstairs).is_some());
            assert!(!knows, "Cargo.toml: efm has {upstairs} in [{table}]");
        }
    }
}

#[test]
fn the_list_of_rooms_hides_nothing() {
    // A `pub use` there would be a door that the table does not show.
    let text = std::fs::read_to_string(workspace().join("supervisor/src/lib.rs")).unwrap();
    assert!(!tokens(&text).iter().any(|token| token == "use"), "supervisor/src/lib.rs hands something on");
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut silent = Vec::new();
    for folder in [
        "src",
        "supervisor/src",
        "supervisor/tests",
        "agent/src",
        "agent/tests",
        "tests/house",
        "tests/src",
        "tests/tests",
    ] {
        for (path, text) in sources_below(&workspace().join(folder)) {
            if !text.trim_start_matches('\u{feff}').trim_start().starts_with("//! ") {
                silent.push(format!("{folder}/{}", path.display()));
            }
        }
    }
    assert!(silent.is_empty(), "these files do not begin with `//! `: {silent:#?}");
}

// ── And the test itself can fail ────────────────────────────────────────────────────────────────────────────────────

const SMALL_TABLE: &str = "\
| room | knows | its tests also |
|---|---|---|
| `schedule` | `config` | `demo` |
| `config` | — | — |
| `demo` | `schedule` | — |
| `vault` | — | — |
";

/// What is wrong when one line is put into `schedule/windows.rs` of a small house that is in order.
fn with_line(line: &str) -> Vec<String> {
    let source = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
    let sources = [
        source("lib.rs", "pub mod schedule;"),
        source("schedule/mod.rs", "use crate::config::Settings;\n#[cfg(test)]\nmod tests { use crate::demo::story; }"),
        source("schedule/windows.rs", line),
        source("config/mod.rs", "pub struct Settings;"),
        source("demo.rs", "use crate::{schedule::{Cron, Looks}, demo::stage};"),
        source("vault/mod.rs", ""),
    ];
    wrongs("kosmos", &table_in(SMALL_TABLE), &sources)
}

#[test]
fn a_house_in_order_passes() {
    assert_eq!(with_line(""), Vec::<String>::new());
}

#[test]
fn an_import_that_is_not_in_the_table_is_found_however_it_is_written() {
    for line in [
        "use crate::vault::Folder;",
        "use kosmos::vault::Folder;",
        "use crate::{config::Settings, vault::Folder};",
        "use crate::{config::{Settings, Kind}, vault};",
        "fn f() { crate::vault::lock() }",
        "use super::super::vault::Folder;",
        "mod inner { use super::super::super::vault::Folder; }",
        "pub(in crate::vault) fn f() {}",
        "/* /* */ */ use crate::vault; // crate::config",
        "const A: char = '\"'; use crate::vault; const B: char = '\"';",
        "fn f<'a>(it: &'a str) -> crate::vault::It<'a> { it }",
        "const A: &str = r#\"\"#; use crate::vault;",
    ] {
        let wrongs = with_line(line);
        assert!(wrongs.len() == 1 && wrongs[0].contains("names vault"), "{line}: {wrongs:?}");
    }
}

#[test]
fn what_is_no_import_is_none() {
    for line in [
        "// use crate::vault::Folder;",
        "//! See [`crate::vault::Folder`].",
        "/* crate::vault */",
        "const A: &str = \"crate::vault\";",
        "const A: &str = r#\"a \" crate::vault\"#;",
        "use super::vault::Folder;",
        "mod inner { use super::super::vault::Folder; }",
        "pub(crate) fn vault() {}",
    ] {
        assert_eq!(with_line(line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn what_tests_may_the_program_may_not() {
    assert!(with_line("#[cfg(test)]\nuse crate::demo::{story, stage};").is_empty());
    assert!(with_line("#[cfg(test)]\nmod tests {\n fn f() { if true {} }\n use crate::demo::story;\n}").is_empty());
    assert!(with_line("#[cfg(all(test, unix))]\nfn f(a: [u8; 2], b: u8) { crate::demo::story() }").is_empty());
    for line in [
        "use crate::demo::story;",
        "#[cfg(test)]\nmod tests;\nuse crate::demo::story;",
        "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::demo::story;",
        "struct A { #[cfg(test)] power: B, fuse: C }\nfn f() { crate::demo::story() }",
        "#[cfg(not(test))]\nuse crate::demo::story;",
    ] {
        let wrongs = with_line(line);
        assert!(wrongs.len() == 1 && wrongs[0].contains("names demo"), "{line}: {wrongs:?}");
    }
}

#[test]
fn an_unused_arrow_a_missing_room_and_a_room_too_many_are_found() {
    let source = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
    let sources = [source("config/mod.rs", ""), source("cellar.rs", "use crate::attic::Box;")];
    let table =
        table_in("| room | knows | its tests also |\n|---|---|---|\n| `config` | `ports` | — |\n| `ports` | — | — |");
    assert_eq!(
        wrongs("kosmos", &table, &sources),
        [
            "cellar: this room is not in the table",
            "ports: the table has a room that is not there",
            "cellar.rs: names attic, which is no room",
            "config -> ports: the table has an arrow that nothing uses",
        ]
    );
}
