//! Preflight: all that can be checked before the stop is checked before the stop. The last step left of the bar.

use std::time::Duration;

use super::{Running, UpdateError, Verified, World, trial};
use crate::ports::{Child, Doors, Process, Stored, Trial, Vault};
use crate::update::compare::Refusal;

/// After this long the clock of any file system has moved on. Nothing is down meanwhile.
const SETTLE: Duration = Duration::from_millis(60);

/// Proof that nothing we could foresee stands in the way.
#[derive(Debug)]
pub struct Ready {
    pub(super) trial: Trial,
    pub(super) new: Verified,
    pub(super) old: Option<Stored>,
    pub(super) running: Option<Process>,
}

/// A JVM that is new enough, whole bytes of the new and of the old version, room for the copy, a free port if nothing
/// of ours runs, and what was already red.
pub async fn check<D: Doors>(world: &World<D>, new: Verified, running: Option<Running>) -> Result<Ready, UpdateError> {
    world.steps.forget();
    world.steps.begin("preflight");
    // It may have been staged for days: what was held against it since then counts.
    if let Some(reason) = world.vault.held_against(&new.stored().sha256)?.and_then(|held| held.given_up) {
        return Err(Refusal::GivenUp { version: new.stored().version().clone(), reason }.into());
    }
    world.child.can_run(&new.stored().needs).await?;
    let old = old_version(world, running.as_ref()).await?;
    // One that came in this very moment: its hash would not be believed after the stop.
    tokio::time::sleep(SETTLE).await;
    world.vault.hash_again(new.stored()).await?;
    check_room(world).await?;
    let process = running.map(|running| running.process);
    if process.is_none()
        && let Some(holder) = world.child.port_holder().await?
    {
        let base_url = world.settings.child.base_url.to_string();
        return Err(UpdateError::PortTaken { holder, base_url });
    }
    let red_before = match &process {
        Some(process) => red_components(world, process).await,
        None => Vec::new(),
    };
    let trial = trial::opened(world, new.stored(), old.as_ref(), red_before)?;
    Ok(Ready { trial, new, old, running: process })
}

/// What a roll-back would start. Bytes that no longer hash to what was verified are told now, not then: the upgrade
/// goes on, because it may be the cure, but it is known that there is no way back.
async fn old_version<D: Doors>(world: &World<D>, running: Option<&Running>) -> Result<Option<Stored>, UpdateError> {
    let old = match running.and_then(|running| running.stored.clone()) {
        Some(stored) => Some(stored),
        None => match world.vault.pointer()? {
            Some(pointer) => world.vault.stored(&pointer.sha256)?,
            None => None,
        },
    };
    if let Some(stored) = &old
        && let Err(error) = world.vault.hash_again(stored).await
    {
        tracing::warn!(version = %stored.version(), error = %efm::chain::Chain(&error), "cannot roll back to it");
        return Ok(None);
    }
    Ok(old)
}

async fn check_room<D: Doors>(world: &World<D>) -> Result<(), UpdateError> {
    let needed = world.vault.data_size().await?;
    let free = world.vault.free_bytes()?;
    if free < needed.saturating_add(needed / 10) {
        let what = "the backup".to_owned();
        return Err(crate::ports::VaultError::NoRoom { what, needed, free, path: world.settings.home.clone() }.into());
    }
    Ok(())
}

/// A service that is down, or does not answer, can still be upgraded: the release may be the cure.
async fn red_components<D: Doors>(world: &World<D>, process: &Process) -> Vec<String> {
    match world.child.examine(process).await {
        Ok(examination) => super::watch::red(&examination.health),
        Err(error) => {
            tracing::warn!(error = %efm::chain::Chain(&error), "no answer before the stop");
            vec![super::watch::ITSELF.to_owned()]
        }
    }
}
