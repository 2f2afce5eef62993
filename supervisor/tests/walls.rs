//! The walls of the house: reads the arrow table of ARCHITECTURE.md and fails on an import against it.
//!
//! It knows rooms, not items: the folders and files directly below `supervisor/src`. It reads the text of the sources,
//! with comments and strings taken out, so that both systems' halves are seen on either. What `#[cfg(test)]` stands
//! before, and what lies in `tests.rs` or `tests/`, counts as test code and has a column of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Begins the table in ARCHITECTURE.md.
const HEADER: &str = "| room | knows | its tests also |";

/// From one room to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    in_tests: bool,
}

/// The table: each room, whom it knows, whom its tests know besides.
type Table = BTreeMap<String, [BTreeSet<String>; 2]>;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn table_in(text: &str) -> Table {
    let mut table = Table::new();
    let rows = text.lines().skip_while(|line| line.trim() != HEADER).skip(2).take_while(|line| line.starts_with('|'));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [room, knows, tests] = cells.as_slice() else {
            panic!("the arrow table has a row of another width: {row}")
        };
        let names =
            |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let room = names(room).pop_first().unwrap_or_else(|| panic!("a row without a room: {row}"));
        assert!(table.insert(room.clone(), [names(knows), names(tests)]).is_none(), "{room} stands twice in the table");
    }
    assert!(!table.is_empty(), "ARCHITECTURE.md has no table that begins with {HEADER}");
    table
}

// ── Reading sources ─────────────────────────────────────────────────────────────────────────────────────────────────

/// The words and signs of a source, without comments, strings and numbers' insides.
fn tokens(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut tokens = Vec::new();
    let mut here = 0;
    while here < letters.len() {
        let letter = at(here);
        if letter == '/' && at(here + 1) == '/' {
            while here < letters.len() && at(here) != '\n' {
                here += 1;
            }
        } else if letter == '/' && at(here + 1) == '*' {
            here = after_block_comment(&letters, here);
        } else if let Some(after) = after_raw_string(&letters, here) {
            here = after;
        } else if letter == '"' {
            here += 1;
            while here < letters.len() && at(here) != '"' {
                here += if at(here) == '\\' { 2 } else { 1 };
            }
            here += 1;
        } else if letter == '\'' {
            // A letter between quotation marks, or a lifetime.
            here += match (at(here + 1), at(here + 2)) {
                ('\\', _) => 3 + (here + 3..letters.len()).take_while(|index| at(*index) != '\'').count() + 1,
                (_, '\'') => 3,
                _ => 1,
            };
        } else if is_word(letter) {
            let end = (here..letters.len()).find(|index| !is_word(at(*index))).unwrap_or(letters.len());
            tokens.push(letters[here..end].iter().collect());
            here = end;
        } else if letter == ':' && at(here + 1) == ':' {
            tokens.push("::".to_owned());
            here += 2;
        } else {
            if !letter.is_whitespace() {
                tokens.push(letter.to_string());
            }
            here += 1;
        }
    }
    tokens
}

fn after_block_comment(letters: &[char], begin: usize) -> usize {
    let (mut here, mut depth) = (begin, 0_u32);
    while here < letters.len() {
        match letters.get(here..here + 2) {
            Some(['/', '*']) => (depth, here) = (depth + 1, here + 2),
            Some(['*', '/']) => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            break;
        }
    }
    here
}

/// Where a raw string ends that begins here; none does.
fn after_raw_string(letters: &[char], begin: usize) -> Option<usize> {
    let is_inside_word = begin > 0 && (letters[begin - 1].is_alphanumeric() || letters[begin - 1] == '_');
    let quote = match letters.get(begin..)? {
        _ if is_inside_word => return None,
        ['r', ..] => begin + 1,
        ['b', 'r', ..] => begin + 2,
        _ => return None,
    };
    let fence = letters.get(quote..)?.iter().take_while(|letter| **letter == '#').count();
    if letters.get(quote + fence) != Some(&'"') {
        return None;
    }
    let mut here = quote + fence + 1;
    while here < letters.len() {
        let closes =
            letters[here] == '"' && letters[here + 1..].iter().take(fence).filter(|it| **it == '#').count() == fence;
        here += 1;
        if closes {
            return Some(here + fence);
        }
    }
    Some(here)
}

/// Which rooms a source names, and whether test code does. `path` is below `supervisor/src`.
fn rooms_named(path: &Path, text: &str) -> BTreeSet<(String, bool)> {
    let depth = module_depth(path);
    let is_test_file = path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
    let tokens = tokens(text);
    let token = |index: usize| tokens.get(index).map_or("", String::as_str);
    let mut named = BTreeSet::new();
    // For each open bracket: whether it is the body of a module, and whether all in it is test code.
    let mut open: Vec<(bool, bool)> = Vec::new();
    // How deep the item lies that `#[cfg(test)]` stands before.
    let mut test_item: Option<usize> = None;
    let mut module_begins = false;
    for index in 0..tokens.len() {
        let in_tests = is_test_file || test_item.is_some() || open.iter().any(|(_, test)| *test);
        let is_at_item = test_item == Some(open.len());
        match token(index) {
            "cfg" if begins_test_item(&tokens[index..]) => test_item = Some(open.len().saturating_sub(1)),
            "mod" => module_begins = true,
            // A group of imports belongs to its item, which ends at its semicolon.
            "{" if token(index.wrapping_sub(1)) == "::" => open.push((false, false)),
            "{" => {
                open.push((module_begins, is_at_item));
                module_begins = false;
                test_item = test_item.filter(|_| !is_at_item);
            }
            "(" | "[" => open.push((false, false)),
            "}" | ")" | "]" => {
                open.pop();
                test_item = test_item.filter(|level| *level <= open.len());
            }
            ";" | "," => {
                module_begins = false;
                test_item = test_item.filter(|_| !is_at_item);
            }
            "crate" | "kosmos" if token(index + 1) == "::" && token(index.wrapping_sub(1)) != "::" => {
                for room in heads(&tokens, index + 2) {
                    named.insert((room, in_tests));
                }
            }
            "super" if token(index.wrapping_sub(1)) != "::" => {
                let supers = (0..tokens.len()).take_while(|step| token(index + 2 * step) == "super").count();
                let inline = open.iter().filter(|(module, _)| *module).count();
                if supers >= depth + inline && token(index + 2 * supers - 1) == "::" {
                    for room in heads(&tokens, index + 2 * supers) {
                        named.insert((room, in_tests));
                    }
                }
            }
            _ => {}
        }
    }
    named
}

/// `cfg(test)`, or `cfg(all(test, …))`.
fn begins_test_item(tokens: &[String]) -> bool {
    let begins = |words: &[&str]| tokens.iter().zip(words).filter(|(token, word)| token == word).count() == words.len();
    begins(&["cfg", "(", "test", ")"]) || begins(&["cfg", "(", "all", "(", "test"])
}

/// The first names of a path, or of each path of a group.
fn heads(tokens: &[String], begin: usize) -> Vec<String> {
    let Some(first) = tokens.get(begin) else { return Vec::new() };
    if first != "{" {
        return vec![first.clone()];
    }
    let (mut heads, mut depth) = (Vec::new(), 0_u32);
    for pair in tokens[begin..].windows(2) {
        match pair[0].as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (pair[0] == "{" || pair[0] == ",") && pair[1] != "}" {
            heads.push(pair[1].clone());
        }
    }
    heads
}

/// How far below the root of the crate the module of a file is.
fn module_depth(path: &Path) -> usize {
    let parts = path.components().count();
    match path.file_name().and_then(|name| name.to_str()) {
        Some("lib.rs" | "main.rs") => 0,
        Some("mod.rs") => parts - 1,
        _ => parts,
    }
}

fn room_of(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

// ── Judging ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// All that is wrong, a line each.
fn wrongs(table: &Table, sources: &[(PathBuf, String)]) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut used = BTreeSet::new();
    let rooms: BTreeSet<String> = sources.iter().map(|(path, _)| room_of(path)).filter(|room| room != "lib").collect();
    for room in rooms.iter().filter(|room| !table.contains_key(*room)) {
        wrongs.push(format!("{room}: this room is not in the table"));
    }
    for room in table.keys().filter(|room| !rooms.contains(*room)) {
        wrongs.push(format!("{room}: the table has a room that is not there"));
    }
    for (path, text) in sources {
        let from = room_of(path);
        for (to, in_tests) in rooms_named(path, text) {
            if to == from || from == "lib" {
                continue;
            }
            if !rooms.contains(&to) {
                wrongs.push(format!("{}: names {to}, which is no room", path.display()));
                continue;
            }
            let [knows, tests] = table.get(&from).cloned().unwrap_or_default();
            if !(knows.contains(&to) || in_tests && tests.contains(&to)) {
                let who = if in_tests { "its tests" } else { "it" };
                wrongs.push(format!("{}: names {to}, and the table does not say that {who} may", path.display()));
            }
            used.insert(Arrow { from: from.clone(), to, in_tests });
        }
    }
    for (from, [knows, tests]) in table {
        let arrows = knows.iter().map(|to| (to, false)).chain(tests.iter().map(|to| (to, true)));
        for (to, in_tests) in arrows {
            let arrow = Arrow { from: from.clone(), to: to.clone(), in_tests };
            if !used.contains(&arrow) {
                let whose = if in_tests { "tests of " } else { "" };
                wrongs.push(format!("{whose}{from} -> {to}: the table has an arrow that nothing uses"));
            }
        }
        for to in knows.intersection(tests) {
            wrongs.push(format!("{from} -> {to}: stands in both columns"));
        }
    }
    wrongs
}

fn sources_below(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(folder).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources below {}", folder.display());
    found
}

fn architecture() -> Table {
    table_in(&std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap())
}

// ── The house ───────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_import_is_an_arrow_of_architecture_md_and_every_arrow_is_used() {
    let wrongs = wrongs(&architecture(), &sources_below(&workspace().join("supervisor/src")));
    assert!(wrongs.is_empty(), "against ARCHITECTURE.md:\n{}", wrongs.join("\n"));
}

#[test]
fn the_floor_does_not_know_who_stands_on_it() {
    for (path, text) in sources_below(&workspace().join("src")) {
        let tokens = tokens(&text);
        let kosmos = tokens.windows(2).any(|pair| pair[0] == "kosmos" && pair[1] == "::");
        assert!(!kosmos, "src/{}: efm names kosmos", path.display());
    }
    let cargo: toml::Table = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap().parse().unwrap();
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let knows = cargo.get(table).is_some_and(|table| table.get("kosmos").is_some());
        assert!(!knows, "Cargo.toml: efm has kosmos in [{table}]");
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
    for folder in ["src", "supervisor/src", "supervisor/tests", "tests/src", "tests/tests"] {
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
    wrongs(&table_in(SMALL_TABLE), &sources)
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
        wrongs(&table, &sources),
        [
            "cellar: this room is not in the table",
            "ports: the table has a room that is not there",
            "cellar.rs: names attic, which is no room",
            "config -> ports: the table has an arrow that nothing uses",
        ]
    );
}
