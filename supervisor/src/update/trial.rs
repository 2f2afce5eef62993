//! The trial record: a try is written down before the act, so that a release that takes the machine down is given up.

use super::{UpdateError, World};
use crate::ports::{Doors, Held, Named, Stored, Trial, TrialStage, Vault};
use crate::release::Sha256;

/// After so many supervisors have died with it on trial, a release is given up.
pub const DEATHS_ALLOWED: u32 = 2;

/// A new trial of `to`. Deaths that were counted against its bytes before go on counting.
pub(super) fn opened<D: Doors>(
    world: &World<D>,
    to: &Stored,
    from: Option<&Stored>,
    red_before: Vec<String>,
) -> Result<Trial, UpdateError> {
    let held = world.vault.held_against(&to.sha256)?;
    let stamp = world.clock.now().strftime("%Y-%m-%dT%H-%M-%S").to_string();
    Ok(Trial {
        id: format!("{stamp}-{}", to.version()),
        to: named(to),
        from: from.map(named),
        stage: TrialStage::Stopping,
        backup: None,
        child: None,
        came_up: false,
        deaths: held.map_or(0, |held| held.deaths),
        red_before,
        left: false,
    })
}

/// How a pointer or a trial speaks of stored bytes.
pub fn named(stored: &Stored) -> Named {
    Named { tag: stored.tag.clone(), sha256: stored.sha256 }
}

/// What a failed trial leaves against its bytes: the deaths, and for good if the release itself is to blame.
pub(super) fn hold_against<D: Doors>(world: &World<D>, trial: &Trial, signature: Sha256, blame: Option<&str>) {
    let too_many =
        (trial.deaths >= DEATHS_ALLOWED).then(|| format!("{} supervisors died while it was on trial", trial.deaths));
    let given_up = blame.map(str::to_owned).or(too_many);
    if given_up.is_none() && trial.deaths == 0 {
        return;
    }
    let held = Held { version: trial.to.tag.version().clone(), deaths: trial.deaths, given_up, signature };
    if let Err(error) = world.vault.hold_against(&trial.to.sha256, &held) {
        // Bringing the old version back matters more; the next failure writes it again.
        tracing::error!(error = %efm::chain::Chain(&error), "cannot write down what is held against a release");
    }
}
