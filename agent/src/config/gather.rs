//! From files, environment and arguments to layers.

use super::Arguments;
use super::keys::{KEYS, of_profile};
use super::problem::{COMMAND_LINE, DEFAULT, PROFILE, Place, Problem, Severity};
use super::yaml;
use efm::properties::{Properties, Sources, canonical};
use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A settings file larger than this is something else.
const LIMIT_BYTES: u64 = 1 << 20;
const STEM: &str = "integrasjonspunkt-local";
/// Spring takes `.properties` over YAML where both are.
const ENDINGS: [&str; 3] = ["yaml", "yml", "properties"];

/// Whether there is a file with settings in this folder.
pub fn has_settings(folder: &Path) -> bool {
    ENDINGS.iter().any(|ending| folder.join(format!("{STEM}.{ending}")).exists())
}

#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) sources: Sources,
    pub(super) problems: Vec<Problem>,
}

pub(super) fn gather(folder: &Path, environment: &[(String, String)], arguments: &Arguments) -> Gathered {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for ending in ENDINGS {
        let name = format!("{STEM}.{ending}");
        match read(&folder.join(&name)) {
            Ok(None) => {}
            Ok(Some(bytes)) => match understand(ending, &bytes) {
                Ok(properties) => files.push((name, properties)),
                Err(wrong) => problems.push(about_file(&name, None, wrong)),
            },
            Err(error) => problems.push(about_file(&name, None, format!("it cannot be read: {error}"))),
        }
    }
    let given = layers(&files, environment, arguments);
    let profile = given.text("spring.profiles.active").ok().flatten().map(|found| found.text).unwrap_or_default();

    let mut sources = Sources::default();
    let defaults = KEYS.iter().filter_map(|key| Some((key.name, key.default?)));
    sources.push_file(Path::new(DEFAULT), laid_down(defaults));
    for name in profile.split(',').map(str::trim) {
        sources.push_file(Path::new(PROFILE), laid_down(of_profile(name).unwrap_or_default().iter().copied()));
    }
    push(&mut sources, &files, environment, arguments);
    for (name, properties) in &files {
        for malformed in &properties.malformed {
            problems.push(about_file(name, Some(malformed.line), malformed.flaw.to_string()));
        }
        problems.extend(trimmed(name, properties));
    }
    problems.extend(unknown(&files, arguments));
    Gathered { sources, problems }
}

fn layers(files: &[(String, Properties)], environment: &[(String, String)], arguments: &Arguments) -> Sources {
    let mut sources = Sources::default();
    push(&mut sources, files, environment, arguments);
    sources
}

fn push(
    sources: &mut Sources,
    files: &[(String, Properties)],
    environment: &[(String, String)],
    arguments: &Arguments,
) {
    for (name, properties) in files {
        sources.push_file(Path::new(name), properties.clone());
    }
    sources.push_environment(environment);
    let settings = arguments.settings.iter().map(|(name, value)| (name.as_str(), value.trim()));
    sources.push_file(Path::new(COMMAND_LINE), laid_down(settings));
}

fn laid_down<'a>(settings: impl Iterator<Item = (&'a str, &'a str)>) -> Properties {
    Properties { entries: settings.map(|(name, value)| yaml::entry(name, value)).collect(), ..Properties::default() }
}

fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LIMIT_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

fn understand(ending: &str, bytes: &[u8]) -> Result<Properties, String> {
    if ending == "properties" {
        return Ok(Properties::read(bytes));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    yaml::read(text)
}

fn about_file(name: &str, line: Option<u32>, wrong: String) -> Problem {
    let place = Place::File { path: name.into(), line };
    Problem { severity: Severity::Error, place, key: String::new(), wrong, right: "a settings file".into() }
}

fn trimmed(name: &str, properties: &Properties) -> Vec<Problem> {
    let of = properties.entries.iter().filter(|entry| entry.trimmed).map(|entry| Problem {
        severity: Severity::Warning,
        place: Place::File { path: name.into(), line: Some(entry.line) },
        key: entry.key.clone(),
        wrong: "the value had white space at its end, which was dropped".into(),
        right: "no white space there".into(),
    });
    of.collect()
}

/// Keys that nobody here reads.
fn unknown(files: &[(String, Properties)], arguments: &Arguments) -> Vec<Problem> {
    let known: HashSet<String> = KEYS.iter().map(|key| canonical(key.name)).collect();
    let is_known = |name: &str| known.contains(&canonical(&any_number(name)));
    let problem = |place, name: &str| Problem {
        severity: Severity::Warning,
        place,
        key: name.to_owned(),
        wrong: "this version does not know it, and goes on without it".into(),
        right: "a key that `integrasjonspunkt config show` lists".into(),
    };
    let mut problems = Vec::new();
    for (file, properties) in files {
        for entry in properties.entries.iter().filter(|entry| !is_known(&entry.key)) {
            let place = Place::File { path: file.into(), line: (entry.line > 0).then_some(entry.line) };
            problems.push(problem(place, &entry.key));
        }
    }
    let strange = arguments.settings.iter().filter(|(name, _)| !is_known(name));
    problems.extend(strange.map(|(name, _)| problem(Place::CommandLine, name)));
    problems
}

/// `a[7].b` is one of `a[n].b`.
fn any_number(name: &str) -> String {
    match name.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once("].")?))) {
        Some((before, (number, after))) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{before}[n].{after}")
        }
        _ => name.to_owned(),
    }
}
