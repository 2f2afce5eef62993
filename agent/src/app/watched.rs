//! A keystore that is looked at again: whoever puts a right one in its place need not restart anything.

use super::keys;
use crate::keystore::{Location, Opened, Whence};
use efm::chain::Chain;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// A file that cannot be used is looked at so often, and tried so often even where it looks the same: a right was given,
/// perhaps, or a share came.
const WANTED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));
/// One that is in use is looked at so often.
const IN_USE: Duration = Duration::from_secs(10);

/// How eagerly it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It could not be used.
    Wanted,
    /// It is in use.
    InUse,
}

/// Whoever writes the file changes one of these.
type Look = Option<(u64, Option<SystemTime>)>;

/// A keystore, and how it was last.
pub(super) struct Watched {
    location: Location,
    last: Look,
    tried: Instant,
}

impl Watched {
    /// As it is now it is known, or about to be.
    pub(super) fn of(location: Location) -> Self {
        let last = look(&location.whence);
        Self { location, last, tried: Instant::now() }
    }

    /// Resolves when it is worth a try. Cancel safe.
    pub(super) async fn changed(&mut self, pace: Pace) -> bool {
        loop {
            sleep(if pace == Pace::Wanted { WANTED.0 } else { IN_USE }).await;
            let whence = self.location.whence.clone();
            // A share may hang.
            let Ok(now) = tokio::task::spawn_blocking(move || look(&whence)).await else { continue };
            let is_time = pace == Pace::Wanted && self.tried.elapsed() >= WANTED.1;
            if now != self.last || is_time {
                self.last = now;
                self.tried = Instant::now();
                return true;
            }
        }
    }

    /// What it holds now, or why it cannot be used.
    pub(super) async fn open(&self, now: Timestamp) -> Result<Opened, String> {
        let location = self.location.clone();
        let opened = tokio::task::spawn_blocking(move || keys::told(&location, now)).await;
        opened.map_err(|error| error.to_string())?.map_err(|error| Chain(&error).to_string())
    }
}

fn look(whence: &Whence) -> Look {
    match whence {
        Whence::File(path) => std::fs::metadata(path).ok().map(|of| (of.len(), of.modified().ok())),
        Whence::Inline(_) | Whence::Vault => None,
    }
}
