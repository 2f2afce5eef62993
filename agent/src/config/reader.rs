//! Takes settings one by one, notes each for people, and collects what is wrong.

use super::keys::{KEYS, Key};
use super::problem::{Place, Problem, Severity};
use efm::masking::mask;
use efm::properties::{CannotExpand, Found, Sources};

const STARS: &str = "********";

/// A setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its key.
    pub key: &'static str,
    /// Its value, without secrets.
    pub value: Option<String>,
    /// Where it came from.
    pub place: Place,
}

pub(super) struct Reader {
    sources: Sources,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(sources: Sources, problems: Vec<Problem>) -> Self {
        Self { sources, problems }
    }

    pub(super) fn end(mut self) -> (Vec<Problem>, Vec<Shown>) {
        let shown = KEYS.iter().map(|key| self.shown(key)).collect();
        (self.problems, shown)
    }

    fn shown(&mut self, key: &Key) -> Shown {
        // What cannot be expanded was told when it was read.
        let found = self.sources.text(key.name).ok().flatten().filter(|found| !found.text.is_empty());
        let place = found.as_ref().map_or(Place::Default, |found| Place::of(found.place.clone()));
        let value = found.map(|found| masked(key.is_secret, &found.text));
        Shown { key: key.name, value, place }
    }

    /// A setting that may be left out; none also where it is wrong, which is told.
    pub(super) fn maybe<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, &'static str>) -> Option<T> {
        let found = self.found(key)?;
        match read(found.text.trim()) {
            Ok(value) => Some(value),
            Err(right) => {
                let is_secret = KEYS.iter().any(|known| known.name == key && known.is_secret);
                let text = masked(is_secret, &found.text);
                self.problem(Severity::Error, Place::of(found.place), found.name, format!("it is '{text}'"), right);
                None
            }
        }
    }

    /// Whether it says anything at all.
    pub(super) fn is_set(&self, key: &str) -> bool {
        !self.sources.text(key).is_ok_and(|found| found.is_none_or(|found| found.text.trim().is_empty()))
    }

    /// A setting that must be there.
    pub(super) fn need<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, &'static str>) -> Option<T> {
        if !self.is_set(key) {
            let right = read("").err().unwrap_or("a value");
            self.problem(Severity::Error, Place::Default, key.into(), "it is not set".into(), right);
            return None;
        }
        self.maybe(key, read)
    }

    /// Whether one of a row of settings, `…[n]…` with this number, is there.
    pub(super) fn has_numbered(&self, pattern: &str, number: usize) -> bool {
        self.sources.text(&numbered(pattern, number)).is_ok_and(|found| found.is_some())
    }

    /// One of a row of settings, which must be there.
    pub(super) fn need_numbered<T>(
        &mut self,
        pattern: &str,
        number: usize,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let key = numbered(pattern, number);
        let Some(found) = self.found(&key) else {
            let right = read("").err().unwrap_or("a value");
            self.problem(Severity::Error, Place::Default, key, "it is not set".into(), right);
            return None;
        };
        match read(found.text.trim()) {
            Ok(value) => Some(value),
            Err(right) => {
                let wrong = format!("it is '{}'", mask(&found.text));
                self.problem(Severity::Error, Place::of(found.place), found.name, wrong, right);
                None
            }
        }
    }

    /// A list, at commas or with indices.
    pub(super) fn list<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, &'static str>) -> Vec<T> {
        let found = self.sources.list(key, true);
        let found = self.told(found).unwrap_or_default();
        let mut values = Vec::new();
        for Found { text, place, name } in found {
            match read(text.trim()) {
                Ok(value) => values.push(value),
                Err(right) => {
                    self.problem(Severity::Error, Place::of(place), name, format!("it has '{}'", mask(&text)), right);
                }
            }
        }
        values
    }

    /// Tells something about a setting.
    pub(super) fn tell(&mut self, severity: Severity, key: &'static str, wrong: &str, right: &str) {
        let place = self.sources.text(key).ok().flatten().map_or(Place::Default, |found| Place::of(found.place));
        self.problem(severity, place, key.into(), wrong.into(), right);
    }

    fn problem(&mut self, severity: Severity, place: Place, key: String, wrong: String, right: &str) {
        self.problems.push(Problem { severity, place, key, wrong, right: right.into() });
    }

    fn found(&mut self, key: &str) -> Option<Found> {
        let found = self.sources.text(key);
        self.told(found).filter(|found| !found.text.trim().is_empty())
    }

    fn told<T>(&mut self, found: Result<Option<T>, CannotExpand>) -> Option<T> {
        found.unwrap_or_else(|error| {
            let (place, why) = (Place::of(error.place), error.why.to_string());
            self.problem(Severity::Error, place, error.name, why, "a value, or a key that is set");
            None
        })
    }
}

fn numbered(pattern: &str, number: usize) -> String {
    pattern.replace("[n]", &format!("[{number}]"))
}

/// The URL of a database without what stands before an `@`: whoever writes a login there may write a password with slashes.
fn without_login(text: &str) -> String {
    let login = text.trim().strip_prefix("jdbc:").and_then(|url| url.split_once("://"));
    match login.and_then(|(kind, rest)| Some((kind, rest.rsplit_once('@')?.1))) {
        Some((kind, after)) => format!("jdbc:{kind}://{STARS}@{after}"),
        None => text.to_owned(),
    }
}

/// Without what is secret: a whole keystore may stand in a setting.
fn masked(is_secret: bool, text: &str) -> String {
    match text.trim().strip_prefix("base64:") {
        _ if is_secret => STARS.to_owned(),
        Some(_) => format!("base64:{STARS}"),
        None => mask(&without_login(text)),
    }
}
