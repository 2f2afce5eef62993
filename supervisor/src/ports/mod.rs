//! The doors: everything the process needs from the world, and nothing else of the world is reached but through them.
//!
//! [`ReleaseSource`], [`Child`], [`Vault`], [`Notice`]. The real ones are in `sources/`, `child/`, `vault/`, `notice/`;
//! tests put fakes here and only here.

#![allow(async_fn_in_trait, reason = "everything runs in one task on one thread; no future here need be Send")]

mod child;
mod notice;
mod source;
mod vault;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use child::{Child, ChildError, Examination, Exit, Launch, Needs, Process};
pub use notice::{Attempt, Event, Happening, Notice};
pub use source::{Body, Opened, ReleaseSource, Resume, SourceError};
pub use vault::{
    BackupId, Facts, Floors, Held, Keep, Mirror, Named, Staging, Stored, Trial, TrialStage, Vault, VaultError,
};

/// What a caller should do about an error that crossed a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It may pass: try again, not before the time given where one is.
    Retry(Option<Duration>),
    /// It will not pass for these bytes or this release.
    GiveUp,
    /// Somebody must change something on this machine.
    CallAPerson,
}

/// The four doors, so that the process is written once and tested with any of them.
pub trait Doors {
    /// Where releases come from.
    type Source: ReleaseSource;
    /// The integration point.
    type Child: Child;
    /// Versions on disk, and the state.
    type Vault: Vault;
    /// The outbox.
    type Notice: Notice;
}

/// The home folder of the state: `<home>/kosmos`.
pub fn state_folder(home: &Path) -> PathBuf {
    home.join("kosmos")
}
