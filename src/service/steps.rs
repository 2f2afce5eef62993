//! A word about a service as steps, how the service stands, and why a word cannot be carried out.

use std::fmt::{self, Display, Write as _};
use std::path::PathBuf;

/// Why a word cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not for this user.
    #[error("{act}: {right}")]
    NotAllowed {
        /// What was tried.
        act: String,
        /// Which right is missing, and how to get it.
        right: String,
    },
    /// The system has no such thing.
    #[error("{0}")]
    NoManager(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Refused(String),
    /// A step failed.
    #[error("{step}: {why}")]
    Failed {
        /// The step.
        step: String,
        /// In the words of the system.
        why: String,
    },
}

impl ServiceError {
    /// A step failed, as the system says.
    pub fn failed(step: &str) -> impl Fn(std::io::Error) -> Self {
        let step = step.to_owned();
        move |error| Self::Failed { step: step.clone(), why: error.to_string() }
    }
}

/// A word as steps, in order; each prints as what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<S> {
    /// What is done.
    pub steps: Vec<S>,
    /// What a person should know besides.
    pub remarks: Vec<String>,
    /// Where the integration point lives.
    pub home: PathBuf,
    /// The service runs when all is done.
    pub runs_then: bool,
}

impl<S: Display> Display for Plan<S> {
    /// What would be done, for `--dry-run`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            writeln!(f, "nothing to do")?;
        }
        for step in &self.steps {
            writeln!(f, "would: {step}")?;
        }
        for remark in &self.remarks {
            writeln!(f, "{remark}")?;
        }
        Ok(())
    }
}

/// How the service stands, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It runs.
    pub runs: bool,
    /// The home folder, where one is installed and ours.
    pub home: Option<PathBuf>,
    /// `unit  kosmos.service`, and so on: each a name and what there is to say.
    pub lines: Vec<(&'static str, String)>,
}

impl Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = String::new();
        for (name, text) in &self.lines {
            writeln!(all, "{name:<11} {text}")?;
        }
        f.write_str(&all)
    }
}
