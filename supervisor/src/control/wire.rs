//! The words on the wire, and of `kosmos status --json`. Their own types, with a schema number: the supervisor that
//! runs may be older or newer than the one that asks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Of everything here.
pub const SCHEMA: u32 = 1;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// How it stands.
    Status,
    /// Look, fetch, verify; install now, or in the next window.
    Upgrade {
        /// A version; none: what the channel offers.
        to: Option<String>,
        /// Not in the next window but now.
        now: bool,
        /// The reason for going below what has run here; none: not allowed.
        downgrade: Option<String>,
    },
    /// Let a version that was given up be tried again.
    Forgive {
        /// Which.
        version: String,
    },
    /// Read the settings again.
    Reload,
    /// Stop the integration point and the supervisor.
    Stop,
}

/// What is answered, a line each; the last one is not [`Line::Progress`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// Where it is.
    Progress(Progress),
    /// How it stands.
    Status(Box<Live>),
    /// How it ended.
    Answer(Answer),
    /// The question was not understood or could not be asked.
    Error {
        /// What is wrong.
        text: String,
    },
}

/// Where an upgrade is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// In words: `fetching 4.0.8`.
    pub text: String,
    /// Of so many bytes or milliseconds…
    pub total: Option<u64>,
    /// … so many are done.
    pub done: Option<u64>,
    /// Whether they are bytes.
    pub bytes: bool,
}

/// How an upgrade ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which way.
    pub kind: AnswerKind,
    /// In words.
    pub text: String,
}

/// Which way an upgrade ended; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// Done, or nothing to do.
    Done,
    /// Staged; it waits.
    Staged,
    /// Failed and rolled back.
    RolledBack,
    /// Failed, and nothing runs.
    NothingRuns,
    /// Refused by verification.
    RefusedByVerification,
    /// Refused by policy.
    RefusedByPolicy,
    /// The release source gave nothing; nothing was touched.
    SourceUnreachable,
    /// It could not be done; nothing was touched.
    Failed,
}

/// How it stands, as the running supervisor knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Of this document.
    pub schema: u32,
    /// The supervisor's process.
    pub pid: u32,
    /// The supervisor's version.
    pub supervisor: String,
    /// What runs.
    pub runs: Option<Runs>,
    /// What is being done.
    pub doing: Option<Progress>,
    /// What is staged.
    pub staged: Option<Staged>,
    /// What is wrong with the settings that are set; older ones are in force. None: nothing, or it is too old to say.
    #[serde(default)]
    pub wrong_settings: Option<String>,
    /// How often the child has ended without a steady time since.
    pub crashes: u32,
    /// The next look.
    pub next_look: Option<Timestamp>,
    /// The window that is open, or the next one: when it opens.
    pub window_opens: Option<Timestamp>,
    /// And when it closes.
    pub window_closes: Option<Timestamp>,
}

/// The integration point as it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    /// Its process.
    pub pid: u32,
    /// Its version; none: it was taken over and its archive is not verified.
    pub version: Option<String>,
    /// Whether it is healthy.
    pub up: bool,
    /// What is not.
    pub trouble: Option<String>,
}

/// A version that is verified and waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Which.
    pub version: String,
    /// What for.
    pub waits_for: String,
}

impl From<&crate::update::Progress> for Option<Progress> {
    fn from(progress: &crate::update::Progress) -> Self {
        use crate::update::Progress as Is;
        let plain = |text: String| Some(Progress { text, total: None, done: None, bytes: false });
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match progress {
            Is::Idle => None,
            Is::Waiting(waits_for) => plain(format!("waiting for {waits_for}")),
            Is::Looking => plain("looking for releases".to_owned()),
            Is::Fetching { version, done, total } => {
                Some(Progress { text: format!("fetching {version}"), total: *total, done: Some(*done), bytes: true })
            }
            Is::Verifying(version) => plain(format!("verifying {version}")),
            Is::Stopping(Some(version)) => plain(format!("stopping {version}")),
            Is::Stopping(None) => plain("stopping what runs".to_owned()),
            Is::BackingUp => plain("copying the data".to_owned()),
            Is::Starting(version) => plain(format!("starting {version}")),
            Is::Watching { version, held, of } => Some(Progress {
                text: format!("watching {version}"),
                total: Some(millis(*of)),
                done: Some(millis(*held).min(millis(*of))),
                bytes: false,
            }),
            Is::RollingBack(Some(version)) => plain(format!("rolling back to {version}")),
            Is::RollingBack(None) => plain("rolling back to nothing".to_owned()),
        }
    }
}

impl From<crate::duty::command::Answer> for Answer {
    fn from(answer: crate::duty::command::Answer) -> Self {
        use crate::duty::command::Answer as Is;
        let (kind, text) = match answer {
            Is::UpToDate { version: Some(version) } => {
                (AnswerKind::Done, format!("{version} runs; there is nothing newer"))
            }
            Is::UpToDate { version: None } => (AnswerKind::Done, "there is nothing newer".to_owned()),
            Is::Upgraded { version, downtime } => {
                (AnswerKind::Done, format!("{version} runs; it was down for {}", crate::schedule::span(downtime)))
            }
            Is::Staged { version, waits_for } => {
                (AnswerKind::Staged, format!("{version} is verified and staged; it waits for {waits_for}"))
            }
            Is::RolledBack { why } => (AnswerKind::RolledBack, format!("failed and rolled back: {why}")),
            Is::NothingRuns { why } => (AnswerKind::NothingRuns, format!("failed, and nothing runs: {why}")),
            Is::RefusedByVerification { why } => (AnswerKind::RefusedByVerification, why),
            Is::RefusedByPolicy { why } => (AnswerKind::RefusedByPolicy, why),
            Is::SourceUnreachable { why } => (AnswerKind::SourceUnreachable, why),
            Is::Failed { why } => (AnswerKind::Failed, format!("not done, nothing was touched: {why}")),
            Is::Forgiven(0) => (AnswerKind::Done, "nothing was held against it".to_owned()),
            Is::Forgiven(_) => (AnswerKind::Done, "it may be tried again".to_owned()),
            Is::Done => (AnswerKind::Done, "done".to_owned()),
        };
        Self { kind, text }
    }
}
