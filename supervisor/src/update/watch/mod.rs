//! Watch: the new version must come up, say itself that it is the version on trial, and hold through the probation.
//!
//! [`judge`] decides with values; this file asks and waits. What is waited for is the end of the process; the answers
//! of `/manage` can only be polled, at first each 10 ms.

pub mod judge;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::roll_back::Failed;
use super::start::Started;
use super::{Progress, Verified, World};
use crate::ports::{Child, Doors, Examination, Exit, Process, Stored, Trial, Vault};
use crate::release::Version;
pub use judge::{ITSELF, red};
use judge::{Judge, Verdict};

/// Proof that the version on trial says itself that it is healthy, and held.
#[derive(Debug)]
pub struct Healthy {
    pub(super) trial: Trial,
    pub(super) new: Verified,
    pub(super) old: Option<Stored>,
    pub(super) process: Process,
    pub(super) downtime: Duration,
}

/// How a watch ended, if not in a failure.
#[derive(Debug)]
pub enum Watched {
    /// It held.
    Healthy(Box<Healthy>),
    /// The supervisor was asked to leave; the trial is on disk, and the next one goes on.
    Left,
}

/// Waits until the new version is up, then through the probation.
pub async fn until_healthy<D: Doors>(world: &World<D>, started: Started) -> Result<Watched, Failed> {
    let Started { mut trial, new, old, process, ended } = started;
    let version = new.stored().version().clone();
    let began = ended.unwrap_or_else(Instant::now);
    let up = tokio::select! {
        up = come_up(world, &process, &version, &trial.red_before) => up,
        () = world.asked_to_leave() => return Ok(leave(world, trial)),
    };
    let up = match up {
        Ok(up) => up,
        Err(why) => return Err(Failed::of_release(trial, new, old, process, why)),
    };
    let downtime = up.duration_since(began);
    tracing::info!(%version, downtime_ms = downtime.as_millis(), "up");
    // From here on it takes messages: what is rolled back from now on keeps its data.
    trial.came_up = true;
    if let Err(error) = world.vault.write_trial(&trial) {
        return Err(Failed::of_machine(trial, new, old, Some(process), &error));
    }
    world.steps.begin("watch");
    match hold(world, &process, &version, &trial.red_before).await {
        Ok(true) => {
            tracing::info!(%version, "held");
            Ok(Watched::Healthy(Box::new(Healthy { trial, new, old, process, downtime })))
        }
        Ok(false) => Ok(leave(world, trial)),
        Err(why) => Err(Failed::of_release(trial, new, old, process, why)),
    }
}

/// The trial stays open; the next supervisor goes on with it.
fn leave<D: Doors>(world: &World<D>, mut trial: Trial) -> Watched {
    trial.left = true;
    if let Err(error) = world.vault.write_trial(&trial) {
        tracing::warn!(error = %efm::chain::Chain(&error), "cannot write down that we leave; it counts as a death");
    }
    Watched::Left
}

/// Waits until the process answers as the version it should be, and is not red. Patience is extended while its log or
/// its database still grows, up to the bound: a migration is not cut off in the middle.
pub async fn come_up<D: Doors>(
    world: &World<D>,
    process: &Process,
    version: &Version,
    red_before: &[String],
) -> Result<Instant, String> {
    let rules = &world.settings.child;
    let began = Instant::now();
    let bound = began + rules.start_patience_bound.max(rules.start_patience);
    let mut until = began + rules.start_patience;
    let mut pause = judge::FIRST_PAUSE;
    let mut progress = world.child.signs_of_progress();
    let mut last;
    let mut answers;
    let ended = world.child.ended(process);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            exit = &mut ended => return Err(ended_by_itself(exit)),
            answer = world.child.examine(process) => match answer {
                Ok(examination) => match judge::is_up(&examination, version, red_before, &rules.own_components) {
                    Ok(()) => return Ok(Instant::now()),
                    Err(why_not) => (answers, last) = (true, why_not),
                },
                Err(error) => (answers, last) = (false, efm::chain::Chain(&error).to_string()),
            },
        }
        let now = Instant::now();
        if now >= until {
            let grown = world.child.signs_of_progress();
            if grown == progress || now >= bound {
                return Err(format!("did not come up within {} s: {last}", now.duration_since(began).as_secs()));
            }
            progress = grown;
            until = (now + rules.start_patience / 5).min(bound);
            tracing::info!(%version, "not up yet, but it still works on its start: wait");
        }
        tokio::select! {
            exit = &mut ended => return Err(ended_by_itself(exit)),
            () = sleep_until((now + pause).min(until)) => {}
        }
        pause = judge::next_pause(pause, answers);
    }
}

/// Through the probation. `false`: asked to leave.
async fn hold<D: Doors>(
    world: &World<D>,
    process: &Process,
    version: &Version,
    red_before: &[String],
) -> Result<bool, String> {
    let rules = &world.settings.child;
    let mut judge = Judge::new(rules.probation, version, red_before, &rules.own_components);
    let began = Instant::now();
    let ended = world.child.ended(process);
    tokio::pin!(ended);
    loop {
        let held = began.elapsed();
        world.progress.send_replace(Progress::Watching { version: version.clone(), held, of: rules.probation });
        let answer: Result<Examination, String> = tokio::select! {
            exit = &mut ended => return Err(ended_by_itself(exit)),
            answer = world.child.examine(process) => answer.map_err(|error| efm::chain::Chain(&error).to_string()),
        };
        match judge.hears(answer, began.elapsed()) {
            Verdict::GoOn(pause) => {
                let next = Instant::now() + pause;
                tokio::select! {
                    exit = &mut ended => return Err(ended_by_itself(exit)),
                    () = world.asked_to_leave() => return Ok(false),
                    () = sleep_until(next) => {}
                }
            }
            Verdict::Healthy => return Ok(true),
            Verdict::Failed(why) => return Err(why),
        }
    }
}

fn ended_by_itself(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("the process ended by itself with code {code}"),
        Exit::Signal(signal) => format!("the process was ended by signal {signal}"),
        Exit::Gone => "the process ended by itself".to_owned(),
    }
}
