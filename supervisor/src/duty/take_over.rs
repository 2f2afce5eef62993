//! Taking over what was here before us: a jar that KOSMOS or a person left is verified, moves into the vault and is
//! pointed at. What runs goes on meanwhile.

use std::time::Duration;

use efm::chain::Chain;
use tokio::time::Instant;

use super::Duty;
use super::work::{Done, Work};
use crate::ports::{Child, Doors, Happening, Process, Remedy, Vault};
use crate::release::Tag;
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
    Work::Look(Box::pin(async move { Done::TookOver(take_over_now(world, running).await) }))
}

async fn take_over_now<D: Doors>(world: &World<D>, running: Option<Running>) -> Result<Option<Verified>, UpdateError> {
    let version = match &running {
        Some(running) => version_of(world, &running.process).await,
        None => None,
    };
    let mut last = None;
    for (tag, jar) in world.vault.jars_in_home()? {
        let is_what_runs = match &running {
            Some(running) => {
                running.process.archive.as_deref().is_some_and(|archive| same_file(archive, &jar))
                    || version.as_deref().is_some_and(|said| said == tag.version().to_string())
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

async fn version_of<D: Doors>(world: &World<D>, process: &Process) -> Option<String> {
    let said = world.child.examine(process).await.ok()?.version?;
    Some(said.strip_prefix('v').map_or(said.clone(), str::to_owned))
}

impl<D: Doors> Duty<'_, D> {
    pub(super) fn after_take_over(&mut self, result: Result<Option<Verified>, UpdateError>) {
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
                self.take_over = self.take_over.filter(|_| may_pass).map(TakeOver::again);
            }
        }
    }

    fn took_over(&mut self, verified: &Verified) {
        let stored = verified.stored().clone();
        if let Err(error) = self.world.vault.point_at(&stored).and_then(|()| self.world.vault.raise_floors(&stored)) {
            tracing::error!(error = %Chain(&error), "cannot point at what was taken over");
            self.take_over = self.take_over.map(TakeOver::again);
            return;
        }
        self.take_over = None;
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
