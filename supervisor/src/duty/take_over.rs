//! Taking over what was here before us: a jar that KOSMOS or a person left is verified, moves into the vault and is
//! pointed at. What runs goes on meanwhile.

use std::time::Duration;

use efm::chain::Chain;
use tokio::time::Instant;

use super::Duty;
use super::work::{Done, Work};
use crate::ports::{Child, Doors, Happening, Process, Remedy, Vault};
use crate::release::{Tag, Version};
use crate::update::compare::{Refusal, Wish};
use crate::update::reconcile::same_file;
use crate::update::{Running, UpdateError, Verified, World, take_over};

/// The pauses between tries to take over what was here before us.
const FIRST_TAKE_OVER_PAUSE: Duration = Duration::from_secs(5);

const LONGEST_TAKE_OVER_PAUSE: Duration = Duration::from_mins(15);

/// So often an upgrade waits for it.
const TAKE_OVER_TRIES: u32 = 10;

/// What was here before us is to be taken over.
#[derive(Clone, Copy, Debug)]
pub(super) struct TakeOver {
    pub(super) at: Instant,
    pause: Duration,
    tries: u32,
}

impl TakeOver {
    pub(super) fn now() -> Self {
        Self { at: Instant::now(), pause: FIRST_TAKE_OVER_PAUSE, tries: 0 }
    }

    /// It could not be verified yet: the source may be away, or a key file missing.
    fn again(self) -> Self {
        let pause = (self.pause * 2).min(LONGEST_TAKE_OVER_PAUSE);
        Self { at: Instant::now() + self.pause, pause, tries: self.tries.saturating_add(1) }
    }

    /// Without it there is no way back from an upgrade; but a release whose signature is gone for ever keeps a site on
    /// an old version for no longer than about an hour.
    pub(super) fn is_worth_waiting_for(self) -> bool {
        self.tries < TAKE_OVER_TRIES
    }
}

/// What KOSMOS or a person left: its archive is verified, moves into the vault and is pointed at. What runs goes on.
pub(super) fn what_was_here<D: Doors>(world: &World<D>, running: Option<Running>) -> Work<'_> {
    Work::Look(Box::pin(async move {
        let seen = match &running {
            Some(running) => version_that_runs(world, &running.process).await,
            None => None,
        };
        Done::TookOver(seen.clone(), take_over_now(world, running, seen).await)
    }))
}

async fn take_over_now<D: Doors>(
    world: &World<D>,
    running: Option<Running>,
    seen: Option<Version>,
) -> Result<Option<Verified>, UpdateError> {
    let mut last = None;
    for (tag, jar) in world.vault.jars_in_home()? {
        let is_what_runs = match &running {
            Some(running) => {
                running.process.archive.as_deref().is_some_and(|archive| same_file(archive, &jar))
                    || seen.as_ref() == Some(tag.version())
            }
            None => true,
        };
        if !is_what_runs {
            continue;
        }
        if running.is_none() && !may_be_started(world, &tag)? {
            continue;
        }
        match take_over::import(world, &tag, &jar).await {
            Ok(verified) => return Ok(Some(verified)),
            // What ran here last comes first: another one takes its place only if it is refused for good.
            Err(error) if error.remedy() != Remedy::GiveUp => return Err(error),
            Err(error) => {
                tracing::warn!(%tag, error = %Chain(&error), "cannot take over");
                last = Some(error);
            }
        }
    }
    last.map_or(Ok(None), Err)
}

/// KOSMOS' own markers, and what has run here since, count for a jar that would be started.
fn may_be_started<D: Doors>(world: &World<D>, tag: &Tag) -> Result<bool, UpdateError> {
    let blocked = world.vault.blocklisted(world.clock.now())?.iter().any(|(it, _)| it.version() == tag.version());
    let below = world.vault.floors()?.version.is_some_and(|floor| *tag.version() < floor);
    if blocked || below {
        tracing::info!(%tag, blocked, below, "a jar in the home folder is left alone");
    }
    Ok(!blocked && !below)
}

/// What it says that it is; else what its file is called. Nobody has vouched for either: it only ever forbids.
async fn version_that_runs<D: Doors>(world: &World<D>, process: &Process) -> Option<Version> {
    let said = world.child.examine(process).await.ok().and_then(|said| said.version);
    if let Some(tag) = said.and_then(|said| said.parse::<Tag>().ok()) {
        return Some(tag.version().clone());
    }
    let archive = process.archive.as_deref()?;
    let jars = world.vault.jars_in_home().ok()?;
    jars.into_iter().find(|(_, jar)| same_file(archive, jar)).map(|(tag, _)| tag.version().clone())
}

impl<D: Doors> Duty<'_, D> {
    pub(super) fn after_take_over(&mut self, seen: Option<Version>, result: Result<Option<Verified>, UpdateError>) {
        if let Some(version) = seen {
            self.waiting.unverified = Some(version.to_string());
        }
        match result {
            Ok(Some(verified)) => self.took_over(&verified),
            // No jar, or none that says it is what runs: nothing can be taken over, but what runs goes on.
            Ok(None) => {
                if self.running.is_some() {
                    tracing::warn!(
                        "what runs came from an archive that is not in the home folder; it goes on as it is"
                    );
                }
                self.take_over = None;
            }
            Err(error) => {
                let text = format!("not taken over yet: {}", Chain(&error));
                tracing::warn!(%text, "take over");
                self.tell_refusal(&error, &text);
                self.tell(Happening::Warning, Some(text));
                let may_pass = matches!(error.remedy(), Remedy::Retry(_) | Remedy::CallAPerson);
                let waited = self.take_over.is_some_and(TakeOver::is_worth_waiting_for);
                self.take_over = self.take_over.filter(|_| may_pass).map(TakeOver::again);
                if waited && self.running.is_some() && !self.take_over.is_some_and(TakeOver::is_worth_waiting_for) {
                    self.tell_that_there_is_no_way_back(&error);
                }
            }
        }
    }

    /// Said before an upgrade goes on without one. Only what was verified is ever started by us, also on the way back.
    fn tell_that_there_is_no_way_back(&self, error: &UpdateError) {
        let version = self.waiting.unverified.as_deref().unwrap_or("what runs");
        let reason = format!(
            "{version} runs and cannot be verified: {}. An upgrade waits for that no longer, and there is no way back from it: \
             if the new version fails, nothing runs until its signature can be had or a person starts it by hand. Put its \
             signature beside its jar, under the jar's name with .asc, or hold upgrades: kosmos hold",
            Chain(error)
        );
        tracing::warn!(%reason, "no way back");
        self.tell(Happening::Warning, Some(reason));
    }

    /// Nothing older than what runs here is taken by itself, though nobody could verify what runs.
    pub(super) fn older_than_what_runs(&self, verified: &Verified, wish: &Wish) -> Option<Refusal> {
        let has_run = self.waiting.unverified.as_deref()?.parse::<Tag>().ok()?;
        let version = verified.stored().version();
        let said = matches!(wish, Wish::This { downgrade: Some(_), .. });
        (version < has_run.version() && !said)
            .then(|| Refusal::Older { version: version.clone(), floor: has_run.version().clone() })
    }

    fn took_over(&mut self, verified: &Verified) {
        let stored = verified.stored().clone();
        if let Err(error) = self.world.vault.point_at(&stored).and_then(|()| self.world.vault.raise_floors(&stored)) {
            tracing::error!(error = %Chain(&error), "cannot point at what was taken over");
            self.take_over = self.take_over.map(TakeOver::again);
            return;
        }
        self.take_over = None;
        self.waiting.unverified = None;
        tracing::info!(version = %stored.version(), "took over");
        let version = stored.version().to_string();
        let pid = self.running.as_ref().map(|running| running.process.pid);
        self.tell(Happening::Adopted { version, pid }, None);
        if let Some(running) = &mut self.running {
            running.stored = Some(stored);
            // No archive: it is not started from where the vault has it, but the pointer speaks of it from now on.
            let process = Process { archive: None, ..running.process.clone() };
            if let Err(error) = self.world.vault.remember_child(Some(&process)) {
                tracing::warn!(error = %Chain(&error), "cannot remember the process");
            }
            // Its version is known now: whether it is up is asked at once.
            self.pulse = None;
        } else {
            self.bring_up = Some(verified.clone());
            self.restart_at = Some(Instant::now());
        }
    }
}
