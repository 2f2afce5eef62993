//! What is wrong with the settings, for people: where, what, and what would be right.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The embedded defaults.
    Default,
    /// Worked out from another setting.
    From(&'static str),
    /// A file; with the line where one can be named, from one.
    File {
        /// As people name it: without the home folder where it lies there.
        path: PathBuf,
        /// From one.
        line: Option<u32>,
    },
    /// An environment variable.
    Environment(String),
    /// The command line.
    CommandLine,
}

impl Place {
    pub(super) fn is_environment(&self) -> bool {
        matches!(self, Self::Environment(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::From(setting) => write!(f, "from {setting}"),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

impl From<efm::properties::Place> for Place {
    fn from(place: efm::properties::Place) -> Self {
        match place {
            efm::properties::Place::File { path, line } => Self::File { path, line: Some(line) },
            efm::properties::Place::Environment(name) => Self::Environment(name),
        }
    }
}

/// Whether the settings can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// They cannot.
    Error,
    /// They can; a person should look at it.
    Warning,
}

/// One thing that is wrong, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the settings can be used in spite of it.
    pub severity: Severity,
    /// Where it stands.
    pub place: Place,
    /// The setting as it is written there; empty where the file itself is meant.
    pub setting: String,
    /// What is wrong.
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

/// What a value should not be, before it is known where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) wrong: String,
    pub(super) right: String,
}

pub(super) fn wrong(wrong: impl Into<String>, right: impl Into<String>) -> Wrong {
    Wrong { wrong: wrong.into(), right: right.into() }
}

impl Wrong {
    pub(super) fn at(self, place: Place, setting: impl Into<String>) -> Problem {
        Problem { severity: Severity::Error, place, setting: setting.into(), wrong: self.wrong, right: self.right }
    }

    pub(super) fn warn_at(self, place: Place, setting: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..self.at(place, setting) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        let is_said = matches!(&self.place, Place::Environment(name) if *name == self.setting);
        if !self.setting.is_empty() && !is_said {
            write!(f, "{}: ", self.setting)?;
        }
        write!(f, "{}\n    right: {}", self.wrong, self.right)
    }
}

/// All of them, a person's reading.
pub fn problems_text(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let _ = writeln!(text, "{problem}");
    }
    text
}

/// A value in a message: short, on one line, in marks, without the password of an address.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let masked = mask(text);
    let mut shown: String = masked.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    // A quotation mark inside these marks needs no escape, and a Windows path reads better without.
    shown = shown.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\");
    if masked.chars().count() > LONGEST {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Puts stars for the password in an address, also where the rest of it is broken, and for what follows a name
/// such as `-Dkeystore.password=`.
pub(super) fn mask(text: &str) -> String {
    const STARS: &str = "********";
    if let Some((scheme, rest)) = text.split_once("://") {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // A password may itself hold a slash that should have been escaped: then the last at-sign of all ends it.
        let (authority, path) = if authority.contains('@') { (authority, path) } else { (rest, "") };
        return match authority.rsplit_once('@') {
            Some((login, host)) => match login.split_once(':') {
                Some((user, _)) => format!("{scheme}://{user}:{STARS}@{host}{path}"),
                None => text.to_owned(),
            },
            None => text.to_owned(),
        };
    }
    match text.split_once('=') {
        Some((name, _)) if is_secret_name(name) => format!("{name}={STARS}"),
        _ => text.to_owned(),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "passord"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (given, shown) in [
            ("http://proxy:8080", "http://proxy:8080"),
            ("http://user@proxy:8080/x", "http://user@proxy:8080/x"),
            ("http://user:hunter2@proxy:8080/x", "http://user:********@proxy:8080/x"),
            ("http://user:hun@ter2@proxy", "http://user:********@proxy"),
            ("http://user:hun/ter2@proxy", "http://user:********@proxy"),
            ("httpx://user:hunter2@", "httpx://user:********@"),
            ("https://host/path?a=b@c", "https://host/path?a=b@c"),
            ("-Djavax.net.ssl.keyStorePassword=hunter2", "-Djavax.net.ssl.keyStorePassword=********"),
            ("-Xmx1g", "-Xmx1g"),
        ] {
            assert_eq!(mask(given), shown);
        }
    }

    #[test]
    fn a_quoted_value_is_short_and_on_one_line() {
        assert_eq!(quoted("a\nb\u{7}"), "`a\\nb\\u{7}`");
        assert_eq!(quoted(r"C:\kosmos"), r"`C:\kosmos`");
        assert_eq!(quoted(&"x".repeat(200)).chars().count(), 83);
    }
}
