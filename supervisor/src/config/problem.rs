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
            efm::properties::Place::Default => Self::Default,
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
    /// The only way to a [`Problem`]: whatever was quoted on the way here, what looks like a secret is masked.
    pub(super) fn at(self, place: Place, setting: impl Into<String>) -> Problem {
        let [wrong, right] = [self.wrong, self.right].map(|text| efm::masking::mask(&text));
        Problem { severity: Severity::Error, place, setting: setting.into(), wrong, right }
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

/// Puts stars for the login in an address, also where the rest of it is broken, and for all that follows a name such as
/// `-Dkeystore.password=`: a value of the settings may hold blanks, so none of what follows is known to be harmless.
pub(super) fn mask(text: &str) -> String {
    efm::masking::mask(&without_rest_of_secret(&without_login(text)))
}

const STARS: &str = "********";

fn without_login(text: &str) -> String {
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
    // Somebody left the scheme out. A mail address has no colon before its at-sign.
    let is_login = |login: &str| {
        let parts = login.split_once(':');
        parts.is_some_and(|(user, rest)| !user.contains(char::is_whitespace) && !rest.starts_with(char::is_whitespace))
    };
    match text.rsplit_once('@') {
        Some((login, host)) if is_login(login) => format!("{STARS}@{host}"),
        _ => text.to_owned(),
    }
}

fn without_rest_of_secret(text: &str) -> String {
    let names = text.match_indices(['=', ':']).map(|(at, _)| (at, text.get(..at).unwrap_or_default()));
    let is_secret = |before: &str| before.split_whitespace().next_back().is_some_and(efm::masking::is_secret_name);
    match names.clone().find(|(_, before)| is_secret(before)) {
        Some((at, _)) => format!("{}{STARS}", text.get(..=at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (given, shown) in [
            ("http://proxy:8080", "http://proxy:8080"),
            ("http://user@proxy:8080/x", "http://********@proxy:8080/x"),
            ("http://user:hunter2@proxy:8080/x", "http://********@proxy:8080/x"),
            ("http://user:hun@ter2@proxy", "http://********@proxy"),
            ("http://user:hun/ter2@proxy", "http://********@proxy"),
            ("httpx://user:hunter2@", "httpx://********@"),
            ("user:hunter2@proxy:8080", "********@proxy:8080"),
            ("drift@kommune.no", "drift@kommune.no"),
            ("a\nBcc: x@y.no", "a\nBcc: x@y.no"),
            ("https://host/path?a=b@c", "https://host/path?a=b@c"),
            ("-Djavax.net.ssl.keyStorePassword=hunter2", "-Djavax.net.ssl.keyStorePassword=********"),
            ("--keystore.pwd=hunter2", "--keystore.pwd=********"),
            ("-Xmx1g -Dkeystore.pwd=hunter2 and more of it", "-Xmx1g -Dkeystore.pwd=********"),
            ("jdbc:h2://host/x?user=sa&password=hunter2", "jdbc:h2://host/x?user=sa&password=********"),
            ("-Xmx1g", "-Xmx1g"),
        ] {
            assert_eq!(mask(given), shown);
        }
    }

    #[test]
    fn what_somebody_forgot_to_mask_is_masked_in_the_problem() {
        let said = "-Dtrust.password=hunter2 -Xmx1g, http://ola:hunter2@proxy, token: \"hunter2\"";
        let problem = wrong(said, said).at(Place::Default, "child.arguments");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
        assert!(problem.wrong.contains("-Xmx1g") && problem.right.contains("@proxy"), "{problem}");
    }

    #[test]
    fn a_quoted_value_is_short_and_on_one_line() {
        assert_eq!(quoted("a\nb\u{7}"), "`a\\nb\\u{7}`");
        assert_eq!(quoted(r"C:\kosmos"), r"`C:\kosmos`");
        assert_eq!(quoted(&"x".repeat(200)).chars().count(), 83);
    }
}
