//! Start: the new version, after the old one has ended. The only caller of the door that starts a process, but for
//! [`again`], which starts what the pointer names.

use tokio::time::Instant;

use super::roll_back::Failed;
use super::stop::Stopped;
use super::{Progress, UpdateError, Verified, World};
use crate::ports::{Child, Doors, Launch, Process, Stored, Trial, TrialStage, Vault};

/// Proof that the new version was started and nothing else of ours runs.
#[derive(Debug)]
pub struct Started {
    pub(super) trial: Trial,
    pub(super) new: Verified,
    pub(super) old: Option<Stored>,
    pub(super) process: Process,
    pub(super) ended: Option<Instant>,
}

/// Starts the version on trial. That it is tried is on disk before the start, and which process it is right after.
pub async fn new<D: Doors>(world: &World<D>, mut stopped: Stopped) -> Result<Started, Failed> {
    world.steps.begin("start");
    world.progress.send_replace(Progress::Starting(stopped.new.stored().version().clone()));
    stopped.trial.stage = TrialStage::Trying;
    if let Err(error) = world.vault.write_trial(&stopped.trial) {
        return Err(stopped.failed(&error));
    }
    // The stop and the copy may have taken minutes since it was hashed.
    if let Err(error) = world.vault.untouched(stopped.new.stored()).await {
        return Err(stopped.failed(&error));
    }
    let process = match spawn(world, &stopped.new).await {
        Ok(process) => process,
        Err(error) => return Err(stopped.failed(&error)),
    };
    let Stopped { mut trial, new, old, ended } = stopped;
    trial.child = Some(process.clone());
    if let Err(error) = world.vault.write_trial(&trial) {
        return Err(Failed::of_machine(trial, new, old, Some(process), &error));
    }
    Ok(Started { trial, new, old, process, ended })
}

/// Starts what the pointer names, or what a roll-back brings back: hashed again, the port free, nothing beside it.
pub async fn again<D: Doors>(world: &World<D>, verified: &Verified) -> Result<Process, UpdateError> {
    let (hashed, free) = tokio::join!(world.vault.hash_again(verified.stored()), super::stop::port_is_free(world));
    hashed?;
    free?;
    spawn(world, verified).await
}

async fn spawn<D: Doors>(world: &World<D>, verified: &Verified) -> Result<Process, UpdateError> {
    let stored = verified.stored();
    let launch = Launch { file: stored.file.clone(), version: stored.version().clone() };
    tracing::info!(version = %launch.version, "start");
    let process = world.child.spawn(&launch).await?;
    if let Err(error) = world.vault.remember_child(Some(&process)) {
        // It is found again by its port and its command line.
        tracing::warn!(error = %efm::chain::Chain(&error), "cannot remember the process");
    }
    Ok(process)
}
