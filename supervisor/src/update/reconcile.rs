//! Reconcile: the first thing a supervisor does. What runs is made to be what the pointer names; a trial that was cut
//! short is gone on with, cancelled or rolled back. No network, no mail, no lock on anything remote.
//!
//! [`decide`] decides with values; [`at_start`] asks the doors and returns what the duty loop is to do.

use super::roll_back::{Blame, Failed};
use super::start::Started;
use super::trial::DEATHS_ALLOWED;
use super::{Running, UpdateError, Verified, World, commit, trial, verify};
use crate::ports::{
    Child, Doors, Event, Happening, Named, Notice, Process, Stored, Trial, TrialStage, Vault, VaultError,
};
use crate::release::Tag;

/// What there is to do at the start.
#[derive(Debug)]
pub enum AtStart {
    /// It runs already: adopted.
    Runs(Running),
    /// The version that the pointer names is to be started.
    Start(Verified),
    /// A version on trial runs and is watched on.
    GoOn(Box<Started>),
    /// A trial was cut short and is rolled back.
    RollBack(Box<Failed>),
    /// Something runs that we did not start and that the pointer does not name.
    TakeOver(Process),
    /// Nothing runs and we have committed nothing, but jars lie in the home folder.
    TakeOverJars(Vec<(Tag, std::path::PathBuf)>),
    /// Nothing was ever installed here.
    FirstInstall,
}

/// What to do about a trial that another supervisor left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The pointer had moved: only the tidying up is missing.
    Finish,
    /// The new version was never started.
    Cancel,
    /// It runs: watch it from the beginning.
    GoOn,
    /// It does not run, or too many supervisors have died with it.
    RollBack {
        /// Why.
        why: String,
        /// Whether the release is to blame.
        blame: Blame,
    },
}

/// The decision about an open trial, after its deaths were counted.
pub fn decide(trial: &Trial, pointer: Option<&Named>, on_trial_lives: bool, same_boot: bool) -> Plan {
    if pointer == Some(&trial.to) {
        return Plan::Finish;
    }
    let deadly = trial.deaths >= DEATHS_ALLOWED;
    let blame = if deadly { Blame::Release } else { Blame::Machine };
    let died = match trial.deaths {
        0 | 1 => "a supervisor died while it was on trial".to_owned(),
        deaths => format!("{deaths} supervisors died while it was on trial"),
    };
    match trial.stage {
        TrialStage::Stopping => Plan::Cancel,
        TrialStage::Trying if on_trial_lives && !deadly => Plan::GoOn,
        TrialStage::Trying if on_trial_lives => Plan::RollBack { why: died, blame },
        // A machine that went down takes every process with it, the best one too.
        TrialStage::Trying if trial.left => {
            let blame = if same_boot { Blame::Release } else { Blame::Machine };
            Plan::RollBack { why: "it ended while no supervisor ran".to_owned(), blame }
        }
        TrialStage::Trying => Plan::RollBack { why: format!("{died}, and it runs no more"), blame },
        TrialStage::RollingBack => Plan::RollBack { why: "the roll-back was cut short".to_owned(), blame },
    }
}

/// Looks at what runs and what is written down, and says what to do.
pub async fn at_start<D: Doors>(world: &World<D>) -> Result<AtStart, UpdateError> {
    let trial = readable(world, "trial", world.vault.trial())?;
    let pointer = readable(world, "pointer", world.vault.pointer())?;
    let remembered = match &trial {
        Some(Trial { child: Some(child), .. }) if world.child.lives(child) => Some(child.clone()),
        Some(_) | None => readable(world, "child", world.vault.remembered_child())?,
    };
    let process = world.child.find(remembered.as_ref()).await?;
    if let Some(trial) = trial {
        return open_trial(world, trial, pointer, process, remembered).await;
    }
    settled(world, pointer, process, remembered.as_ref()).await
}

/// What is written down and makes no sense, in both its copies, does not keep the service down: it is told, and what is
/// in the vault is looked at instead.
fn readable<D: Doors, T>(
    world: &World<D>,
    what: &str,
    read: Result<Option<T>, VaultError>,
) -> Result<Option<T>, UpdateError> {
    match read {
        Err(error @ VaultError::Corrupt { .. }) => {
            let reason = format!("the {what} cannot be read: {}", efm::chain::Chain(&error));
            tracing::error!(%reason, "start from what is in the vault");
            world.notice.tell(Event { reason: Some(reason), ..Event::of(Happening::Warning) });
            Ok(None)
        }
        read => Ok(read?),
    }
}

async fn open_trial<D: Doors>(
    world: &World<D>,
    mut trial: Trial,
    pointer: Option<Named>,
    process: Option<Process>,
    remembered: Option<Process>,
) -> Result<AtStart, UpdateError> {
    let new = verify::lies_here(world, &trial.to.sha256)?;
    let on_trial = process.clone().filter(|process| is_on_trial(&trial, new.as_ref(), process));
    if trial.left {
        tracing::info!(trial = %trial.id, "go on with the trial that the last supervisor left");
    } else {
        trial.deaths += 1;
    }
    let same_boot = trial.child.as_ref().is_none_or(|child| child.boot == world.child.boot());
    let plan = decide(&trial, pointer.as_ref(), on_trial.is_some(), same_boot);
    trial.left = false;
    if let Err(error) = world.vault.write_trial(&trial) {
        // A disk that is full keeps nothing down: what runs, or ran, matters more than the count of the dead.
        tracing::error!(error = %efm::chain::Chain(&error), "cannot count a death");
    }
    tracing::warn!(trial = %trial.id, deaths = trial.deaths, ?plan, "a trial is open");
    match plan {
        Plan::Finish => {
            if let Some(new) = &new {
                commit::settle(world, &trial, new.stored(), None).await;
            }
            end(world);
            settled(world, pointer, process, remembered.as_ref()).await
        }
        Plan::Cancel => {
            if let Some(new) = &new {
                trial::hold_against(world, &trial, new.stored().signature, None);
            }
            end(world);
            settled(world, pointer, process, remembered.as_ref()).await
        }
        Plan::GoOn => {
            let (Some(new), Some(process)) = (new, on_trial) else {
                return settled(world, pointer, process, remembered.as_ref()).await;
            };
            trial.child = Some(process.clone());
            let old = old_of(world, &trial)?;
            Ok(AtStart::GoOn(Box::new(Started { trial, new, old, process, ended: None })))
        }
        Plan::RollBack { why, blame } => {
            let old = old_of(world, &trial)?;
            // It was started, and nobody was there to see whether it came up: days may have passed. But once its data
            // has begun to be put back, some of it is the copy's: the only way is on.
            let unseen = trial.stage != TrialStage::Stopping && !putting_back_has_begun(world, &trial);
            // Whatever runs now is not what is pointed at, unless the roll-back had already started the old one.
            let old_runs = process.as_ref().zip(old.as_ref()).is_some_and(|(process, old)| is_from(process, old));
            if old_runs {
                trial.stage = TrialStage::Stopping;
            }
            Ok(AtStart::RollBack(Box::new(Failed { trial, new, old, process, blame, why, unseen })))
        }
    }
}

/// A copy is being put back: some of the data is the copy's already, and the only way is on.
pub(super) fn putting_back_has_begun<D: Doors>(world: &World<D>, trial: &Trial) -> bool {
    let Some(id) = &trial.backup else { return false };
    world.vault.putting_back_has_begun(id).unwrap_or_else(|error| {
        tracing::error!(error = %efm::chain::Chain(&error), "cannot see whether data was being put back");
        false
    })
}

/// One that cannot be ended is ended when there is time to tidy up.
fn end<D: Doors>(world: &World<D>) {
    if let Err(error) = world.vault.end_trial() {
        tracing::warn!(error = %efm::chain::Chain(&error), "cannot end a trial");
    }
}

fn old_of<D: Doors>(world: &World<D>, trial: &Trial) -> Result<Option<Stored>, UpdateError> {
    match &trial.from {
        Some(from) => Ok(world.vault.stored(&from.sha256)?),
        None => Ok(None),
    }
}

/// The process that the trial names, or one that runs the archive on trial: the power may have gone between the start
/// and the line that says which process it is.
fn is_on_trial(trial: &Trial, new: Option<&Verified>, process: &Process) -> bool {
    let named = trial.child.as_ref().is_some_and(|child| child.is(process));
    named || new.is_some_and(|new| is_from(process, new.stored()))
}

/// One file may have two names: Windows writes a path that it has looked up in another way.
pub fn same_file(one: &std::path::Path, other: &std::path::Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn is_from(process: &Process, stored: &Stored) -> bool {
    process.archive.as_ref().is_some_and(|archive| same_file(archive, &stored.file))
}

/// No trial is open: adopt, start, or take over.
async fn settled<D: Doors>(
    world: &World<D>,
    pointer: Option<Named>,
    process: Option<Process>,
    remembered: Option<&Process>,
) -> Result<AtStart, UpdateError> {
    let Some(pointer) = pointer else {
        return match process {
            Some(process) => Ok(AtStart::TakeOver(process)),
            None => nothing_committed(world).await,
        };
    };
    let named_here = verify::lies_here(world, &pointer.sha256)?;
    match (process, named_here) {
        (Some(process), Some(named_here)) => {
            let ours = is_from(&process, named_here.stored())
                || (process.archive.is_none() && remembered.is_some_and(|remembered| remembered.is(&process)));
            if ours {
                tracing::info!(pid = process.pid, version = %named_here.stored().version(), "adopt");
                return Ok(AtStart::Runs(Running { process, stored: Some(named_here.stored().clone()) }));
            }
            Ok(AtStart::TakeOver(process))
        }
        (Some(process), None) => Ok(AtStart::TakeOver(process)),
        (None, Some(named_here)) => Ok(AtStart::Start(named_here)),
        (None, None) => {
            tracing::error!(version = %pointer.tag.version(), "the version that is pointed at is not in the vault");
            nothing_committed(world).await
        }
    }
}

/// No pointer that leads anywhere. If something was ever committed here, its bytes may still lie in the vault.
async fn nothing_committed<D: Doors>(world: &World<D>) -> Result<AtStart, UpdateError> {
    if world.vault.floors().map_or(true, |floors| floors.version.is_some())
        && let Some(verified) = next_best(world, None).await?
    {
        return Ok(AtStart::Start(verified));
    }
    let jars = world.vault.jars_in_home()?;
    Ok(if jars.is_empty() { AtStart::FirstInstall } else { AtStart::TakeOverJars(jars) })
}

/// The newest version here that is whole, was not given up, and is not `but`: for the day when the pointer, or the bytes
/// that it names, are damaged. What is newer than all that ever ran here has had no trial: it comes last.
pub async fn next_best<D: Doors>(world: &World<D>, but: Option<&Named>) -> Result<Option<Verified>, UpdateError> {
    let mut all = world.vault.all_stored()?;
    if let Ok(Some(floor)) = world.vault.floors().map(|floors| floors.version) {
        // Stable: within the two halves the newest stays first.
        all.sort_by_key(|stored| *stored.version() > floor);
    }
    for stored in all {
        let held = world.vault.held_against(&stored.sha256);
        let given_up = held.is_ok_and(|held| held.is_some_and(|held| held.given_up.is_some()));
        if but.is_some_and(|but| stored.sha256 == but.sha256)
            || given_up
            || world.vault.hash_again(&stored).await.is_err()
        {
            continue;
        }
        return verify::lies_here(world, &stored.sha256);
    }
    Ok(None)
}
