//! Reads the arrow tables of ARCHITECTURE.md and the imports of a crate's sources, and tells where they differ. Included
//! by the walls test of each crate.
//!
//! It knows rooms, not items: the folders and files directly below a crate's `src`. It reads the text of the sources,
//! with comments and strings taken out, so that both systems' halves are seen on either. What `#[cfg(test)]` stands
//! before, and what lies in `tests.rs` or `tests/`, counts as test code and has a column of its own.
#![allow(dead_code, reason = "not each crate's test calls all of it")]

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
pub type Table = BTreeMap<String, [BTreeSet<String>; 2]>;

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub fn table_in(text: &str) -> Table {
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
pub fn tokens(text: &str) -> Vec<String> {
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

/// Which rooms a source of this crate names, and whether test code does. `path` is below its `src`.
fn rooms_named(krate: &str, path: &Path, text: &str) -> BTreeSet<(String, bool)> {
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
            word if (word == "crate" || word == krate)
                && token(index + 1) == "::"
                && token(index.wrapping_sub(1)) != "::" =>
            {
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

/// All that is wrong in a crate of this name, a line each.
pub fn wrongs(krate: &str, table: &Table, sources: &[(PathBuf, String)]) -> Vec<String> {
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
        for (to, in_tests) in rooms_named(krate, path, text) {
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

pub fn sources_below(folder: &Path) -> Vec<(PathBuf, String)> {
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

/// The table below this heading of ARCHITECTURE.md.
pub fn architecture(heading: &str) -> Table {
    let text = std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let section = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}")).1;
    table_in(section.split("\n## ").next().unwrap())
}
