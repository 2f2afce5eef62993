//! Commit: pointing is committing. What follows it is tidying up, and cannot undo it.

use std::time::Duration;

use super::watch::Healthy;
use super::{Failed, Outcome, Running, World};
use crate::ports::{Doors, Floors, Happening, Held, Mirror, Process, Stored, Trial, Vault};
use crate::release::Tag;

/// Points at the new version. If that cannot be written the old one is brought back: what runs must be what is
/// pointed at.
pub async fn point_at<D: Doors>(world: &World<D>, healthy: Healthy) -> Result<Outcome, Failed> {
    let Healthy { trial, new, old, process, downtime } = healthy;
    let stored = new.stored().clone();
    if let Err(error) = world.vault.point_at(&stored) {
        return Err(Failed::of_machine(trial, new, old, Some(process), &error));
    }
    tracing::info!(version = %stored.version(), "commit");
    if let Some(reason) = new.below_floor() {
        lower_floors(world, &trial, &stored, reason);
        leave_behind(world, old.as_ref(), reason);
    }
    settle(world, &trial, &stored, Some((&process, downtime))).await;
    Ok(Outcome::Committed { running: Running { process, stored: Some(stored) }, downtime })
}

/// All that follows the pointer. Each part is told if it fails, and done again at the next start or commit. It is told
/// before the trial ends: cut short in between, the next supervisor tells it again, and the notices know that they had
/// it. `seen` is the process and how long nothing ran, for the supervisor that saw it.
pub(super) async fn settle<D: Doors>(
    world: &World<D>,
    trial: &Trial,
    stored: &Stored,
    seen: Option<(&Process, Duration)>,
) {
    let told = |act: &str, done: Result<(), crate::ports::VaultError>| {
        if let Err(error) = done {
            tracing::warn!(act, error = %efm::chain::Chain(&error), "after the commit");
        }
    };
    told("raise floors", world.vault.raise_floors(stored));
    told("forgive", world.vault.forgive(&stored.sha256));
    let what = Happening::Upgraded {
        archive: archive_name(stored),
        from: trial.from.as_ref().map(|from| from.tag.version().clone()),
        to: stored.version().clone(),
        downtime: seen.map(|(_, downtime)| downtime),
    };
    world.tell(trial, what, None, seen.and_then(|(process, _)| world.child_log(process)));
    told("end trial", world.vault.end_trial());
    told("markers", world.vault.mirror_for_kosmos(&Mirror::Allowlisted(stored.clone())).await);
    tracing::debug!(trial = %trial.id, "settled");
}

fn lower_floors<D: Doors>(world: &World<D>, trial: &Trial, stored: &Stored, reason: &str) {
    if let Err(error) = world.vault.lower_floors(&Floors::of(stored)) {
        tracing::warn!(error = %efm::chain::Chain(&error), "cannot lower the floors");
    }
    let reason = format!("downgrade to {}: {reason}", stored.version());
    world.tell(trial, Happening::PersonDecided, Some(reason), None);
}

/// What a person went back from is not installed again by the next look.
fn leave_behind<D: Doors>(world: &World<D>, left: Option<&Stored>, reason: &str) {
    let Some(left) = left else { return };
    let given_up = Some(format!("a person went back from it: {reason}"));
    let held = Held { version: left.version().clone(), deaths: 0, given_up, signature: left.signature };
    if let Err(error) = world.vault.hold_against(&left.sha256, &held) {
        tracing::warn!(error = %efm::chain::Chain(&error), "cannot write down what a person went back from");
    }
}

/// The file name that mails and markers speak of.
pub fn archive_name(stored: &Stored) -> String {
    stored.archive.file_name().map_or_else(|| stored.tag.to_string(), |name| name.to_string_lossy().into_owned())
}

/// The file name that goes with a tag, for a version that is no longer here.
pub fn archive_name_of(tag: &Tag) -> String {
    format!("integrasjonspunkt-{tag}.jar")
}
