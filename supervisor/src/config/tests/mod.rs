//! Whole folders in, settings or messages out.

mod access;
mod last_good;
mod layers;
mod paths;
mod samples;
mod shown;
mod wrong;

use super::{Loaded, Place, Problem, load, load_what_is_right, problems_text};
use std::io::Write as _;
use std::path::Path;
use tempfile::TempDir;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A home folder with these files.
fn home(files: Pairs<'_>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder, name, text.as_bytes());
    }
    folder
}

/// Not by `efm::atomic`: hundreds of these files are read once, and none must survive a power cut.
fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    std::fs::File::create(folder.path().join(name)).and_then(|mut file| file.write_all(bytes)).unwrap();
}

fn pairs(pairs: Pairs<'_>) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads, and fails with the messages when it cannot.
fn loaded(files: Pairs<'_>, environment: Pairs<'_>, flags: Pairs<'_>) -> Loaded {
    let folder = home(files);
    load(folder.path(), &pairs(environment), &pairs(flags))
        .unwrap_or_else(|problems| panic!("{}", problems_text(&problems)))
}

fn toml(text: &str) -> Loaded {
    loaded(&[("kosmos.toml", text)], &[], &[])
}

fn properties(text: &str) -> Loaded {
    loaded(&[("kosmos-local.properties", text)], &[], &[])
}

/// What is said about these files; that the profile is not set, which most of these tests do not, is left out.
fn told(files: Pairs<'_>, environment: Pairs<'_>, flags: Pairs<'_>) -> String {
    let folder = home(files);
    let problems = match load(folder.path(), &pairs(environment), &pairs(flags)) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    let no_profile = |problem: &Problem| problem.place == Place::Default && problem.setting == "child.profile";
    let problems: Vec<_> = problems.into_iter().filter(|problem| !no_profile(problem)).collect();
    plain(&problems_text(&problems), folder.path())
}

/// Without what differs from machine to machine.
fn plain(text: &str, home: &Path) -> String {
    let text = text.replace(&home.display().to_string(), "HOME");
    let mut pieces = text.split("HOME");
    let mut plain = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let path = piece.split_whitespace().next().filter(|path| piece.starts_with(path)).unwrap_or("");
        plain.push_str("HOME");
        plain.push_str(&path.replace(std::path::MAIN_SEPARATOR, "/"));
        plain.push_str(piece.strip_prefix(path).unwrap());
    }
    plain
}

fn value<'a>(loaded: &'a Loaded, name: &str) -> (&'a str, String) {
    let one = loaded.origins.iter().find(|one| one.name == name).unwrap();
    (one.value.as_deref().unwrap_or("-"), one.place.to_string())
}
