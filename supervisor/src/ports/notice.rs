//! Telling people and the history what happened.

use std::time::Duration;

use crate::release::Version;

/// Notices: rows in an outbox, sent by someone else. Never fails into the process.
pub trait Notice {
    /// Tell people and the history what happened.
    fn tell(&self, event: Event);
}

/// Something that happened and that a person or the history wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub what: Happening,
    /// In words: the reason, one line.
    pub reason: Option<String>,
    /// The child's start-up log, for mail; masked already.
    pub log: Option<String>,
    /// The attempt that it belongs to; none: it belongs to none.
    pub attempt: Option<Attempt>,
}

impl Event {
    /// What happened, without anything beside it.
    pub fn of(what: Happening) -> Self {
        Self { what, reason: None, log: None, attempt: None }
    }
}

/// An attempt as the history knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The name of its trial.
    pub id: String,
    /// The steps that it has been through, in order, and how long each took.
    pub steps: Vec<(&'static str, Duration)>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A release was found that is newer than what runs.
    Available { version: Version },
    /// A release was fetched and verified.
    Staged { version: Version, signer: String },
    /// A release was refused by verification or policy.
    Refused { version: Version },
    /// A release is not installed here by itself because it failed in another home of the same supervisor.
    FailedElsewhere { version: Version, home: String },
    /// An upgrade was committed. Without a downtime: the supervisor that would know it died right after the commit.
    Upgraded { archive: String, from: Option<Version>, to: Version, downtime: Option<Duration> },
    /// An upgrade failed; what follows is told by itself.
    UpgradeFailed { archive: String, from: Option<Version>, to: Version },
    /// The old version runs again.
    RolledBack { archive: String, to: Version },
    /// The old version could not be brought up.
    RollBackFailed {
        /// The archive's file name.
        archive: String,
        /// Which version.
        to: Version,
        /// Whether it was started and its process lives, though it does not come up.
        still_lives: bool,
    },
    /// The child ended by itself and was started again.
    Restarted { version: Version },
    /// The child ends again and again; told once.
    CrashLoop { version: Version },
    /// It runs steadily again after a crash loop.
    Steady { version: Version },
    /// What was here before us was verified and taken over; the process, where it ran.
    Adopted { version: String, pid: Option<u32> },
    /// A signing key nears its end, or has passed it.
    KeyExpires { fingerprint: String, days: i64 },
    /// No look has succeeded for so many days.
    Stale { days: i64 },
    /// A person changed what may run: hold, downgrade, cleared quarantine.
    PersonDecided,
    /// Something that a person must see and that fits nowhere else.
    Warning,
}
