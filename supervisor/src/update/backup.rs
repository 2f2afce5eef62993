//! Back up: a cold copy of the child's data while nothing runs. H2 and the queue are only whole when cold. Where nothing is
//! to be copied, as for a native one whose data is never put back, this takes no time.

use super::roll_back::Failed;
use super::stop::Stopped;
use super::{Progress, World};
use crate::ports::{BackupId, Doors, Vault};

/// Copies the data and writes down that the copy is whole.
pub async fn copy<D: Doors>(world: &World<D>, mut stopped: Stopped) -> Result<Stopped, Failed> {
    if world.settings.backup.paths.is_empty() {
        return Ok(stopped);
    }
    let is_first_install = stopped.old.is_none() && stopped.ended.is_none();
    if is_first_install && world.vault.data_size().await.is_ok_and(|bytes| bytes == 0) {
        // Nothing was here: there is nothing to go back to, and so nothing to put back.
        return Ok(stopped);
    }
    world.steps.begin("back up");
    world.progress.send_replace(Progress::BackingUp);
    let id = BackupId(stopped.trial.id.clone());
    tracing::info!(copy = %id.0, "back up");
    if let Err(error) = world.vault.back_up(&id).await {
        return Err(stopped.failed(&error));
    }
    stopped.trial.backup = Some(id);
    Ok(stopped)
}
