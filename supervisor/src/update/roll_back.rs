//! Roll back: the one consumer of a failure right of the bar.
//!
//! The new version is ended, its bytes are held against it if it is to blame, its data is put back if it never came
//! up, and the old version is started. No network, no mail and no write to the disk is needed on the way: what cannot
//! be written is told, and the old version is started all the same, because the pointer never moved.

use super::start;
use super::watch::come_up;
use super::{Outcome, Progress, Running, Verified, World, commit, reconcile, stop, trial, verify};
use crate::config::settings::Kind;
use crate::ports::{Child, Doors, Happening, Mirror, Process, Stored, Trial, TrialStage, Vault};

/// So often putting data back is tried before the old version is started on what lies there.
const PUT_BACK_TRIES: u32 = 3;
const PUT_BACK_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// Whose fault a failure is: a release that is to blame is not tried again, a machine that was full may not be tomorrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The release: it crashed, it never came up, it did not hold.
    Release,
    /// The machine: a full disk, a process that would not end, a supervisor that died.
    Machine,
}

/// A failure right of the bar.
#[derive(Debug)]
#[must_use = "right of the bar a failure must be rolled back"]
pub struct Failed {
    pub(super) trial: Trial,
    /// None only where the vault no longer has it.
    pub(super) new: Option<Verified>,
    pub(super) old: Option<Stored>,
    /// What may be running now: the new version, or the old one if it would not stop.
    pub(super) process: Option<Process>,
    pub(super) blame: Blame,
    pub(super) why: String,
    /// It may have come up while no supervisor was there to see it.
    pub(super) unseen: bool,
}

impl Failed {
    /// A failure of the version on trial, seen from here.
    pub(super) fn of_release(trial: Trial, new: Verified, old: Option<Stored>, process: Process, why: String) -> Self {
        Self { trial, new: Some(new), old, process: Some(process), blame: Blame::Release, why, unseen: false }
    }

    /// A failure that says nothing about the release.
    pub(super) fn of_machine(
        trial: Trial,
        new: Verified,
        old: Option<Stored>,
        process: Option<Process>,
        why: &dyn std::error::Error,
    ) -> Self {
        let why = efm::chain::Chain(why).to_string();
        Self { trial, new: Some(new), old, process, blame: Blame::Machine, why, unseen: false }
    }
}

/// Brings the old version back. Idempotent: cut short anywhere and called again, it ends the same.
pub async fn to_previous<D: Doors>(world: &World<D>, failed: Failed) -> Outcome {
    let Failed { mut trial, new, old, process, blame, why, unseen } = failed;
    let version = trial.to.tag.version().clone();
    tracing::error!(%version, %why, "failed, roll back");
    world.steps.begin("roll back");
    world.progress.send_replace(Progress::RollingBack(old.as_ref().map(|old| old.version().clone())));
    let log = process.as_ref().and_then(|process| world.child_log(process));
    let tried = trial.stage != TrialStage::Stopping;
    trial.stage = TrialStage::RollingBack;
    note(world.vault.write_trial(&trial), "write trial");
    hold_against(world, &trial, new.as_ref(), blame, &why).await;
    if !tried && let Some(process) = still_lives(world, process.as_ref()) {
        return the_old_one_still_runs(world, &trial, old, process, why).await;
    }
    if let Some(process) = &process
        && let Err(error) = stop::process_has_ended(world, process).await
    {
        return nothing_more_can_be_done(world, &trial, old.as_ref(), &format!("{why}; {error}"), log);
    }
    tell_failure(world, &trial, &why, log);
    point_back(world, &trial, old.as_ref());
    if trial.came_up || unseen || stays_as_it_is(world, &trial) {
        return keep_data_and_bring_back(world, trial, old, why).await;
    }
    let why = match put_back(world, &mut trial).await {
        Some(problem) => format!("{why}; {problem}"),
        None => why,
    };
    bring_back(world, &trial, old, why).await
}

async fn hold_against<D: Doors>(world: &World<D>, trial: &Trial, new: Option<&Verified>, blame: Blame, why: &str) {
    let blamed = (blame == Blame::Release).then_some(why);
    if let Some(new) = new {
        trial::hold_against(world, trial, new.stored().signature, blamed);
    }
    if blamed.is_some() {
        note(world.vault.mirror_for_kosmos(&Mirror::Blocklisted(trial.to.tag.clone())).await, "write marker");
    }
}

/// A native integration point takes messages from the moment when it listens, which is before anybody can see that it is
/// well, and one that says the wrong version takes them for as long as it is watched. Its releases run on what their
/// successors leave. So a copy of its data is for people alone; unless a supervisor that thought otherwise has begun.
fn stays_as_it_is<D: Doors>(world: &World<D>, trial: &Trial) -> bool {
    world.settings.child.kind == Kind::Native && !reconcile::putting_back_has_begun(world, trial)
}

/// The new version had come up, or may have while nobody looked: its data may hold messages that the copy lacks. The
/// old version is tried on it first. Only if nobody saw it come up and the old one cannot live with it, the copy is
/// put back, and what lay there is set aside: nothing is thrown away. Of a native one it is never put back.
async fn keep_data_and_bring_back<D: Doors>(
    world: &World<D>,
    mut trial: Trial,
    old: Option<Stored>,
    why: String,
) -> Outcome {
    let Some(id) = &trial.backup else { return bring_back(world, &trial, old, why).await };
    let is_native = stays_as_it_is(world, &trial);
    if is_native && trial.child.is_none() {
        // It was not started: what lies there is what was copied.
        return bring_back(world, &trial, old, why).await;
    }
    let kept = match (trial.came_up, is_native) {
        (true, _) => "it had come up",
        (false, true) => "it may have come up before that was seen",
        (false, false) => "it may have come up while no supervisor ran",
    };
    let why = format!(
        "{why}; its data was kept, because {kept} and may have taken messages; the copy from before is backup/{}",
        id.0
    );
    if trial.came_up || is_native {
        return bring_back(world, &trial, old, why).await;
    }
    let brought = bring_back(world, &trial, old.clone(), why).await;
    let Outcome::NothingRuns { why } = brought else { return brought };
    // Open again, or a supervisor that dies from here on leaves the data half put back, and nobody knows.
    if let Err(error) = world.vault.write_trial(&trial) {
        let error = efm::chain::Chain(&error);
        return Outcome::NothingRuns { why: format!("{why}; its data could not be put back: {error}") };
    }
    let put_back = put_back(world, &mut trial).await;
    let what = put_back.unwrap_or_else(|| "then the copy was put back, and that data set aside".to_owned());
    bring_back(world, &trial, old, format!("{why}; {what}")).await
}

/// A pointer that could not be written may have been written all the same.
fn point_back<D: Doors>(world: &World<D>, trial: &Trial, old: Option<&Stored>) {
    if let (Ok(Some(pointer)), Some(old)) = (world.vault.pointer(), old)
        && pointer == trial.to
    {
        note(world.vault.point_at(old), "point back");
    }
}

fn still_lives<D: Doors>(world: &World<D>, process: Option<&Process>) -> Option<Process> {
    process.filter(|process| world.child.lives(process)).cloned()
}

/// The stop itself failed and nothing was started; or an earlier supervisor had brought the old version back, and died
/// before it could say so.
async fn the_old_one_still_runs<D: Doors>(
    world: &World<D>,
    trial: &Trial,
    old: Option<Stored>,
    process: Process,
    why: String,
) -> Outcome {
    tell_failure(world, trial, &why, None);
    match old {
        Some(old) if trial.child.is_some() => see_it_come_up(world, trial, old, process, why).await,
        old => {
            note(world.vault.end_trial(), "end trial");
            Outcome::RolledBack { running: Running { process, stored: old }, why }
        }
    }
}

/// Puts the copy back; says what went wrong, if anything. That it was put back is written down before the old version
/// is started on it: from then on it takes messages, and putting the copy back once more would lose them.
async fn put_back<D: Doors>(world: &World<D>, trial: &mut Trial) -> Option<String> {
    let id = trial.backup.take()?;
    let mut tries = 1;
    while let Err(error) = world.vault.put_back(&id).await {
        let error = efm::chain::Chain(&error);
        if tries >= PUT_BACK_TRIES {
            return Some(format!("its data could not be put back: {error}"));
        }
        // It goes on where it was: a scanner that held a file, or a share that was away, may be the cause.
        tracing::warn!(%error, "cannot put data back; tried again");
        tries += 1;
        tokio::time::sleep(PUT_BACK_PAUSE).await;
    }
    note(world.vault.write_trial(trial), "write trial");
    None
}

async fn bring_back<D: Doors>(world: &World<D>, trial: &Trial, old: Option<Stored>, why: String) -> Outcome {
    let Some(old) = old else {
        let said = format!("nothing runs: there is no earlier version to go back to; {why}");
        world.tell(trial, Happening::Warning, Some(said), None);
        note(world.vault.end_trial(), "end trial");
        return Outcome::NothingRuns { why };
    };
    let verified = match verify::lies_here(world, &old.sha256) {
        Ok(Some(verified)) => verified,
        Ok(None) => return nothing_more_can_be_done(world, trial, Some(&old), &why, None),
        Err(error) => {
            let why = format!("{why}; {}", efm::chain::Chain(&error));
            return nothing_more_can_be_done(world, trial, Some(&old), &why, None);
        }
    };
    let process = match start::again(world, &verified).await {
        Ok(process) => process,
        Err(error) => {
            let why = format!("{why}; {}", efm::chain::Chain(&error));
            return nothing_more_can_be_done(world, trial, Some(&old), &why, None);
        }
    };
    see_it_come_up(world, trial, old, process, why).await
}

/// The old version was started: how it comes up is told, and then the trial is over. In this order: cut short in
/// between, the next supervisor comes here again, and the notices know that they had it.
async fn see_it_come_up<D: Doors>(
    world: &World<D>,
    trial: &Trial,
    old: Stored,
    process: Process,
    why: String,
) -> Outcome {
    // What was red before the stop may be red again; and here any answer of the old version is better than none.
    match come_up(world, &process, old.version(), &trial.red_before).await {
        Ok(_) => {
            tracing::info!(version = %old.version(), "rolled back");
            let archive = commit::archive_name(&old);
            world.tell(
                trial,
                Happening::RolledBack { archive, to: old.version().clone() },
                Some(why.clone()),
                world.child_log(&process),
            );
            note(world.vault.end_trial(), "end trial");
            Outcome::RolledBack { running: Running { process, stored: Some(old) }, why }
        }
        Err(not_up) if world.child.lives(&process) => {
            let why = format!("{why}; the old version was started again but {not_up}");
            let archive = commit::archive_name(&old);
            world.tell(
                trial,
                Happening::RollBackFailed { archive, to: old.version().clone(), still_lives: true },
                Some(why.clone()),
                world.child_log(&process),
            );
            note(world.vault.end_trial(), "end trial");
            Outcome::RolledBack { running: Running { process, stored: Some(old) }, why }
        }
        Err(not_up) => {
            let why = format!("{why}; the old version was started again but {not_up}");
            nothing_more_can_be_done(world, trial, Some(&old), &why, world.child_log(&process))
        }
    }
}

/// The supervisor goes on trying to start what the pointer names; a person is told.
fn nothing_more_can_be_done<D: Doors>(
    world: &World<D>,
    trial: &Trial,
    old: Option<&Stored>,
    why: &str,
    log: Option<String>,
) -> Outcome {
    let tag = old.map_or(&trial.to.tag, |old| &old.tag);
    let archive = old.map_or_else(|| commit::archive_name_of(tag), commit::archive_name);
    let to = tag.version().clone();
    world.tell(trial, Happening::RollBackFailed { archive, to, still_lives: false }, Some(why.to_owned()), log);
    note(world.vault.end_trial(), "end trial");
    Outcome::NothingRuns { why: why.to_owned() }
}

fn tell_failure<D: Doors>(world: &World<D>, trial: &Trial, why: &str, log: Option<String>) {
    let what = Happening::UpgradeFailed {
        archive: commit::archive_name_of(&trial.to.tag),
        from: trial.from.as_ref().map(|from| from.tag.version().clone()),
        to: trial.to.tag.version().clone(),
    };
    world.tell(trial, what, Some(why.to_owned()), log);
}

fn note(done: Result<(), crate::ports::VaultError>, act: &str) {
    if let Err(error) = done {
        tracing::warn!(act, error = %efm::chain::Chain(&error), "on the way back");
    }
}
