//! What is done now and then while idle: throwing away what nobody needs, log files, and alarms ahead of time.

use std::time::Duration;

use efm::chain::Chain;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LookResult;
use crate::config::settings::{Look, Mode, Schedule};
use crate::ports::{Doors, Event, Happening, Keep, Notice, Vault, VaultError, state_folder};
use crate::release::Sha256;
use crate::update::{Running, World, verify};

/// Between two times.
pub const EACH: Duration = Duration::from_hours(1);

/// All of it. Each part that fails is told and leaves the others alone.
pub async fn all<D: Doors>(world: &World<D>, running: Option<&Running>, staged: Option<Sha256>) {
    let tidied = match keep(world, running, staged) {
        Ok(keep) => world.vault.tidy(&keep).await,
        Err(error) => Err(error),
    };
    if let Err(error) = tidied {
        tracing::warn!(error = %Chain(&error), "cannot tidy up");
    }
    end_what_is_over(world);
    tell_keys(world);
    tell_staleness(world);
}

/// While idle no trial is under way: one that is still written down could not be ended when it was over.
fn end_what_is_over<D: Doors>(world: &World<D>) {
    if let Ok(Some(trial)) = world.vault.trial() {
        tracing::info!(trial = %trial.id, "this trial is over");
        if let Err(error) = world.vault.end_trial() {
            tracing::warn!(error = %Chain(&error), "cannot end a trial");
        }
    }
}

/// What runs, what waits for a window, the newest version that may still be installed, and the newest one to go back to.
fn keep<D: Doors>(world: &World<D>, running: Option<&Running>, staged: Option<Sha256>) -> Result<Keep, VaultError> {
    let mut versions: Vec<_> =
        running.and_then(|running| running.stored.as_ref()).map(|stored| stored.sha256).into_iter().collect();
    versions.extend(staged);
    let pointer = world.vault.pointer()?;
    let all = world.vault.all_stored()?;
    let given_up: Vec<_> = world
        .vault
        .all_held()?
        .into_iter()
        .filter(|(_, held)| held.given_up.is_some())
        .map(|(bytes, _)| bytes)
        .collect();
    let mut usable = all.iter().filter(|stored| !given_up.contains(&stored.sha256));
    let Some(pointer) = pointer else {
        // What ran here is not known: any of them may be what is to run.
        versions.extend(usable.map(|stored| stored.sha256));
        return Ok(Keep { versions });
    };
    let now = pointer.tag.version();
    let newer = usable.clone().find(|stored| stored.version() > now);
    let older = usable.find(|stored| stored.version() < now);
    versions.extend(newer.into_iter().chain(older).map(|stored| stored.sha256));
    Ok(Keep { versions })
}

/// How many days each key has; that it is told at 90, 30 and 7, and each day once it has ended, is the outbox's business.
fn tell_keys<D: Doors>(world: &World<D>) {
    let now = world.clock.now();
    match verify::read_keys(world) {
        Ok(keyring) => {
            for key in keyring.expiries(now) {
                let reason = format!(
                    "the signing key {} ends at {}; put a refreshed key file in its place, or no release after that can be verified",
                    key.who, key.ends
                );
                let what = Happening::KeyExpires { fingerprint: key.who.fingerprint, days: key.days };
                world.notice.tell(Event { reason: Some(reason), ..Event::of(what) });
            }
        }
        Err(error) => tracing::warn!(error = %Chain(&error), "cannot read keys"),
    }
}

fn tell_staleness<D: Doors>(world: &World<D>) {
    if !somebody_looks(&world.settings.schedule) {
        return;
    }
    let Some(seen) = last_reached(world) else { return };
    let days = seen.duration_until(world.clock.now()).as_hours() / 24;
    let reason = format!("no look has reached the release source since {seen}");
    world.notice.tell(Event { reason: Some(reason), ..Event::of(Happening::Stale { days }) });
}

/// The last look as it is kept on disk, for `kosmos status` and for the alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// When the last look ended.
    pub at: Timestamp,
    /// In words.
    pub text: String,
    /// When a look last reached the source, or when we began to look.
    pub reached: Timestamp,
}

/// Writes down how a look ended. Failing to is told; it is only for people.
pub fn remember_look<D: Doors>(world: &World<D>, look: &LookResult) {
    let state = state_folder(&world.settings.home);
    let reached = if look.reached { look.at } else { remembered_look(&state).map_or(look.at, |before| before.reached) };
    let now = Remembered { at: look.at, text: look.text.clone(), reached };
    let written = serde_json::to_vec_pretty(&now)
        .map_err(std::io::Error::from)
        .and_then(|bytes| efm::atomic::replace(&state.join("last-look.json"), &bytes));
    if let Err(error) = written {
        tracing::debug!(%error, "cannot write down the last look");
    }
}

/// The last look that is on disk.
pub fn remembered_look(state: &std::path::Path) -> Option<Remembered> {
    serde_json::from_slice(&std::fs::read(state.join("last-look.json")).ok()?).ok()
}

fn last_reached<D: Doors>(world: &World<D>) -> Option<Timestamp> {
    remembered_look(&state_folder(&world.settings.home)).map(|look| look.reached)
}

/// Where a person switched looks off it is no news that none comes through.
fn somebody_looks(schedule: &Schedule) -> bool {
    schedule.mode != Mode::Off && !matches!(schedule.look, Look::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_alarm_where_a_person_switched_looks_off() {
        let home = tempfile::tempdir().unwrap();
        let looks = |name: &str, value: &str| {
            let flags = [(name.to_owned(), value.to_owned())];
            somebody_looks(&crate::config::load(home.path(), &[], &flags).unwrap().settings.schedule)
        };
        assert!(looks("schedule.mode", "auto") && looks("schedule.mode", "notify") && looks("schedule.look", "1h"));
        assert!(!looks("schedule.mode", "off"));
        assert!(!looks("schedule.look", "never"));
    }
}
