//! What is wrong with the settings: where, what, and what would be right.

use std::fmt;
use std::path::{Path, PathBuf};

/// The layer of a pseudo file; see [`Place::of`].
pub(super) const DEFAULT: &str = "default";
pub(super) const PROFILE: &str = "profile";
pub(super) const COMMAND_LINE: &str = "command line";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The program's own default.
    Default,
    /// The profile's default.
    Profile,
    /// A file; with its line where it is known.
    File {
        /// Which.
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
    /// Layers that are no files are laid down as files with these names.
    pub(super) fn of(place: efm::properties::Place) -> Self {
        match place {
            efm::properties::Place::Default => Self::Default,
            efm::properties::Place::Environment(name) => Self::Environment(name),
            efm::properties::Place::File { path, .. } if path == Path::new(DEFAULT) => Self::Default,
            efm::properties::Place::File { path, .. } if path == Path::new(PROFILE) => Self::Profile,
            efm::properties::Place::File { path, .. } if path == Path::new(COMMAND_LINE) => Self::CommandLine,
            efm::properties::Place::File { path, line } => Self::File { path, line: (line > 0).then_some(line) },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str(DEFAULT),
            Self::Profile => f.write_str(PROFILE),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::CommandLine => f.write_str(COMMAND_LINE),
        }
    }
}

/// Whether it can run in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

/// One thing that is wrong, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it can run in spite of it.
    pub severity: Severity,
    /// Where it stands.
    pub place: Place,
    /// The key; empty where the file itself is meant.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        let colon = if self.key.is_empty() { "" } else { ": " };
        write!(f, "{severity}: {}{colon}{}: {}; right would be: {}", self.place, self.key, self.wrong, self.right)
    }
}
