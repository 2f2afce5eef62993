//! The process: from a release that somebody published to a version that runs, is watched, and is pointed at.
//!
//! ```text
//! find → compare → download → verify → preflight │ stop → back up → start → watch → commit
//!                       nothing to undo          │  every way out is commit or roll back
//! ```
//!
//! Read the files in that order. Each step takes the proof that the step before it made and gives its own:
//! `Release → Upgrade → Downloaded → Verified → Ready │ Stopped → Started → Healthy`. Only [`verify`] makes a
//! [`Verified`], and only a `Verified` can be started.
//!
//! Left of the bar an error is an [`UpdateError`]: nothing was touched. Right of it a failure is a [`Failed`], which
//! only [`roll_back`] consumes, and nothing is cancelled. Losing power between any two instructions ends, at the next
//! start, in [`reconcile`]: what the pointer names runs.
//!
//! This module never waits for a window and never sends mail; `duty` and `notice` do.

pub mod backup;
pub mod commit;
pub mod compare;
pub mod download;
pub mod find;
pub mod preflight;
pub mod reconcile;
pub mod roll_back;
pub mod start;
pub mod stop;
pub mod take_over;
pub mod trial;
pub mod verify;
pub mod watch;

use std::cell::RefCell;
use std::time::Duration;

use efm::clock::Clock;
use tokio::sync::watch as channel;
use tokio::time::Instant;

use crate::config::Settings;
use crate::ports::{
    Attempt, Child as _, ChildError, Doors, Event, Happening, Notice as _, Process, Remedy, SourceError, Stored, Trial,
    Vault as _, VaultError,
};
use crate::release::{Release, Version};
pub use preflight::Ready;
pub use roll_back::Failed;
pub use verify::Verified;

/// All that the process reaches the world through.
pub struct World<D: Doors> {
    /// Where releases come from.
    pub source: D::Source,
    /// The integration point.
    pub child: D::Child,
    /// Versions on disk, and the state.
    pub vault: D::Vault,
    /// The outbox.
    pub notice: D::Notice,
    /// Checked settings.
    pub settings: Settings,
    /// What time it is.
    pub clock: Clock,
    /// Where we are, for those who look on.
    pub progress: channel::Sender<Progress>,
    /// How long each step of an attempt takes, for the history.
    pub steps: Steps,
    /// Becomes true when the supervisor is to leave; only a watch ends early for it.
    pub leave: channel::Receiver<bool>,
}

/// When the steps of the attempt that is under way began.
#[derive(Debug, Default)]
pub struct Steps(RefCell<Vec<(&'static str, Instant)>>);

impl Steps {
    /// A new attempt begins.
    fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    /// A step begins, and the one before it ends.
    fn begin(&self, step: &'static str) {
        self.0.borrow_mut().push((step, Instant::now()));
    }

    /// How long each took, up to now.
    fn took(&self) -> Vec<(&'static str, Duration)> {
        let steps = self.0.borrow();
        let ends = steps.iter().skip(1).map(|(_, began)| *began).chain([Instant::now()]);
        steps.iter().zip(ends).map(|((step, began), ended)| (*step, ended.duration_since(*began))).collect()
    }
}

impl<D: Doors> World<D> {
    /// Resolves when the supervisor is asked to leave. Cancel safe.
    pub async fn asked_to_leave(&self) {
        if self.leave.clone().wait_for(|leave| *leave).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }

    /// Tells what happened in a trial.
    fn tell(&self, trial: &Trial, what: Happening, reason: Option<String>, log: Option<String>) {
        let attempt = Attempt { id: trial.id.clone(), steps: self.steps.took() };
        self.notice.tell(Event { what, reason, log, attempt: Some(attempt) });
    }

    /// The child's output since its start, for mail; none where it said nothing.
    pub(crate) fn child_log(&self, process: &Process) -> Option<String> {
        Some(self.child.start_up_log(process)).filter(|log| !log.is_empty())
    }
}

/// Where the process is, for people who look on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is going on.
    #[default]
    Idle,
    /// An upgrade that a person wants now waits, and for what.
    Waiting(String),
    /// Asking the source.
    Looking,
    /// Fetching an archive.
    Fetching {
        /// Which.
        version: Version,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, where the source says it.
        total: Option<u64>,
    },
    /// Judging what was fetched.
    Verifying(Version),
    /// The old version is being stopped.
    Stopping(Option<Version>),
    /// The child's data is being copied.
    BackingUp,
    /// The new version is being started.
    Starting(Version),
    /// The new version is watched.
    Watching {
        /// Which.
        version: Version,
        /// How long it has held.
        held: Duration,
        /// How long it must hold.
        of: Duration,
    },
    /// The old version is being brought back.
    RollingBack(Option<Version>),
}

/// What runs, as far as we know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The process.
    pub process: Process,
    /// The bytes it was started from; none: it was taken over and its archive could not be verified.
    pub stored: Option<Stored>,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome {
    /// The new version runs and is pointed at.
    Committed {
        /// What runs now.
        running: Running,
        /// From the end of the old process to the first healthy answer of the new.
        downtime: Duration,
    },
    /// The new version failed; the old one runs again.
    RolledBack {
        /// What runs now.
        running: Running,
        /// Why.
        why: String,
    },
    /// The new version failed and nothing runs: a first install, or the old one did not come up either.
    NothingRuns {
        /// Why.
        why: String,
    },
    /// The attempt was given up before anything was touched, or the old process could not be stopped and still runs.
    NotTouched {
        /// What runs, as before.
        running: Option<Running>,
        /// Why.
        why: UpdateError,
    },
    /// The supervisor was asked to leave during the watch; the next one goes on with it.
    Left,
}

/// Why nothing was done. Nothing was touched.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The source gave nothing.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The release is not one that we want.
    #[error(transparent)]
    Policy(#[from] compare::Refusal),
    /// The bytes are not ones that we trust.
    #[error("verify {tag}: {reason}")]
    Verification {
        /// Which release.
        tag: String,
        /// Who signed what, and what would be right.
        reason: String,
    },
    /// The keys are not usable.
    #[error("read keys: {reason}")]
    Keys {
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The disk.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The new version cannot run on this machine, or we cannot look at what runs.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The old process does not end; it still runs, and the new one was not started beside it.
    #[error("stop process {pid}: it is still there after it was asked, terminated and killed")]
    WillNotStop {
        /// Which.
        pid: u32,
    },
    /// Something else is on the port.
    #[error("start beside {holder}: port of {base_url} is taken")]
    PortTaken {
        /// Who.
        holder: String,
        /// Which.
        base_url: String,
    },
}

impl UpdateError {
    /// Retry, give up, or call a person.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Source(error) => error.remedy(),
            Self::Policy(_) | Self::Verification { .. } => Remedy::GiveUp,
            Self::Keys { .. }
            | Self::WillNotStop { .. }
            | Self::PortTaken { .. }
            | Self::Vault(VaultError::NoRoom { .. } | VaultError::Locked { .. } | VaultError::Corrupt { .. })
            | Self::Child(ChildError::CannotRun { .. }) => Remedy::CallAPerson,
            Self::Vault(_) | Self::Child(_) => Remedy::Retry(None),
        }
    }
}

/// Left of the bar, from the source to the vault: find, compare, download, verify. Cancel safe: what was fetched stays
/// in staging and is gone on with.
pub async fn look<D: Doors>(world: &World<D>, wish: &compare::Wish) -> Result<Option<Verified>, UpdateError> {
    world.progress.send_replace(Progress::Looking);
    let found = match find::wanted(world, wish).await {
        Ok(release) => stage(world, release, wish).await,
        Err(error) => Err(error),
    };
    match found {
        // A version that a person names, for the way back, needs no source where it lies here already.
        Err(error @ UpdateError::Source(_)) => {
            verify::named_and_here(world, wish)?.map_or(Err(error), |it| Ok(Some(it)))
        }
        found => found,
    }
}

/// Asks and compares, and tells what is newer; fetches nothing.
pub async fn notify_only<D: Doors>(world: &World<D>, wish: &compare::Wish) -> Result<Option<Version>, UpdateError> {
    let release = find::wanted(world, wish).await?;
    let version = release.version().clone();
    if compare::with_what_is_here(world, release, wish)?.is_none() {
        return Ok(None);
    }
    world.notice.tell(Event::of(Happening::Available { version: version.clone() }));
    Ok(Some(version))
}

/// The part of [`look`] after the release is known.
pub async fn stage<D: Doors>(
    world: &World<D>,
    release: Release,
    wish: &compare::Wish,
) -> Result<Option<Verified>, UpdateError> {
    let Some(upgrade) = compare::with_what_is_here(world, release, wish)? else { return Ok(None) };
    let signature = download::signature(world, &upgrade).await?;
    if let Some(verified) = verify::already_here(world, &upgrade, &signature)? {
        match world.vault.hash_again(verified.stored()).await {
            Ok(()) => return Ok(Some(verified)),
            Err(error @ VaultError::Changed { .. }) => {
                tracing::warn!(error = %efm::chain::Chain(&error), "damaged since, fetch it again");
            }
            Err(error) => return Err(error.into()),
        }
    }
    let downloaded = download::archive(world, upgrade, signature).await?;
    verify::downloaded(world, downloaded).await.map(Some)
}

/// The whole of an attempt with a verified version. Not to be cancelled once it has begun: poll it to its end.
pub async fn attempt<D: Doors>(world: &World<D>, new: Verified, running: Option<Running>) -> Outcome {
    let as_before = running.clone();
    let ready = match preflight::check(world, new, running).await {
        Ok(ready) => ready,
        Err(why) => return Outcome::NotTouched { running: as_before, why },
    };
    conclude(world, cross(world, ready).await).await
}

/// What follows a watch, however it came to be: commit, leave, or roll back.
pub async fn conclude<D: Doors>(world: &World<D>, watched: Result<watch::Watched, Failed>) -> Outcome {
    match watched {
        Ok(watch::Watched::Healthy(healthy)) => match commit::point_at(world, *healthy).await {
            Ok(outcome) => outcome,
            Err(failed) => roll_back::to_previous(world, failed).await,
        },
        Ok(watch::Watched::Left) => Outcome::Left,
        Err(failed) => roll_back::to_previous(world, failed).await,
    }
}

async fn cross<D: Doors>(world: &World<D>, ready: Ready) -> Result<watch::Watched, Failed> {
    let stopped = stop::old(world, ready).await?;
    let stopped = backup::copy(world, stopped).await?;
    let started = start::new(world, stopped).await?;
    watch::until_healthy(world, started).await
}
