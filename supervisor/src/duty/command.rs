//! What a person can tell a running supervisor, and what it answers. The local socket or pipe in `control/` carries
//! these; the duty loop hears them between its other work.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::release::Version;
use crate::update::compare::Wish;

/// A word to the running supervisor.
#[derive(Debug)]
pub enum Command {
    /// Look, fetch and verify; then install at once, or in the next window.
    Upgrade {
        /// What is wished for.
        wish: Wish,
        /// Not in the next window but now.
        now: bool,
        /// Told how it ended.
        reply: oneshot::Sender<Answer>,
    },
    /// Let a version that was given up be tried again.
    Forgive {
        /// Which.
        version: Version,
        /// Told how many were forgiven.
        reply: oneshot::Sender<Answer>,
    },
    /// Read the settings again and go on with them; the child goes on running.
    Reload(oneshot::Sender<Answer>),
    /// Stop the child, and then leave.
    StopBoth(oneshot::Sender<Answer>),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is nothing newer.
    UpToDate {
        /// What runs.
        version: Option<Version>,
    },
    /// It runs, is watched, and is pointed at.
    Upgraded {
        /// What runs now.
        version: Version,
        /// How long nothing ran.
        downtime: Duration,
    },
    /// It is staged and waits; why.
    Staged {
        /// What waits.
        version: Version,
        /// For what.
        waits_for: String,
    },
    /// The new version failed; the old one runs again.
    RolledBack {
        /// Why.
        why: String,
    },
    /// The new version failed, and nothing runs.
    NothingRuns {
        /// Why.
        why: String,
    },
    /// Verification said no.
    RefusedByVerification {
        /// Why.
        why: String,
    },
    /// A rule of the site said no.
    RefusedByPolicy {
        /// Why.
        why: String,
    },
    /// The release source gave nothing.
    SourceUnreachable {
        /// Why.
        why: String,
    },
    /// It could not be done, and nothing was touched.
    Failed {
        /// Why.
        why: String,
    },
    /// So many bytes of that version may be tried again.
    Forgiven(usize),
    /// Done.
    Done,
}
