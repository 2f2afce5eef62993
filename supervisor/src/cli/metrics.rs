//! The file for Prometheus while `kosmos run` is on duty: written when something changed, and at least each minute.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::house::Real;
use crate::duty::{Snapshot, hold, housekeeping};
use crate::host::machine;
use crate::notice::{OnDuty, Runs, Standing};
use crate::ports::{Vault, state_folder};
use crate::update::{World, verify};

/// At least so often.
const EACH: Duration = Duration::from_mins(1);
/// No more often.
const BREATH: Duration = Duration::from_secs(1);
/// Key files are read again after this.
const KEYS_EACH: Duration = Duration::from_mins(10);
/// So long a folder that hangs keeps us from leaving.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Writes it for as long as it is polled. Cancel safe.
pub(super) async fn keep_written(world: &World<Real>, mut seen: watch::Receiver<Snapshot>) -> Infallible {
    if !world.notice.has_metrics() {
        return std::future::pending().await;
    }
    let mut keys = Keys::default();
    loop {
        let snapshot = seen.borrow_and_update().clone();
        world.notice.write_metrics(&standing(world, &snapshot, keys.now(world))).await;
        tokio::time::sleep(BREATH).await;
        tokio::select! {
            () = changed(&mut seen, &snapshot) => {}
            () = world.notice.something_told() => {}
            () = tokio::time::sleep(EACH.saturating_sub(BREATH)) => {}
        }
    }
}

/// What stays in the file when we have left: what was counted, and that nobody looks any more.
pub(super) async fn say_goodbye(world: &World<Real>) {
    let standing = Standing { home: world.settings.home.display().to_string(), on_duty: None };
    let _ = tokio::time::timeout(LAST_WORDS, world.notice.write_metrics(&standing)).await;
}

/// Until the duty says something else than this. It says the same again whenever it wakes up.
async fn changed(seen: &mut watch::Receiver<Snapshot>, known: &Snapshot) {
    loop {
        if seen.changed().await.is_err() {
            return std::future::pending().await;
        }
        if *seen.borrow_and_update() != *known {
            return;
        }
    }
}

/// When each key ends, and when that was read.
#[derive(Default)]
struct Keys {
    ends: Vec<(String, Timestamp)>,
    read: Option<Instant>,
}

impl Keys {
    fn now(&mut self, world: &World<Real>) -> Vec<(String, Timestamp)> {
        if self.read.is_none_or(|at| at.elapsed() >= KEYS_EACH) {
            // That a key cannot be read is told by the housekeeping.
            let ring = verify::read_keys(world);
            let ends = ring.map(|ring| ring.expiries(world.clock.now())).unwrap_or_default();
            // The soonest comes first, and no fingerprint may come twice.
            let mut soonest = BTreeMap::new();
            for key in ends {
                soonest.entry(key.who.fingerprint).or_insert(key.ends);
            }
            self.ends = soonest.into_iter().collect();
            self.read = Some(Instant::now());
        }
        self.ends.clone()
    }
}

fn standing(world: &World<Real>, seen: &Snapshot, keys: Vec<(String, Timestamp)>) -> Standing {
    let state = state_folder(&world.settings.home);
    let remembered = || housekeeping::remembered_look(&state).map(|look| (look.at, look.at == look.reached));
    let runs = seen.running.as_ref().map(|running| Runs {
        version: running.stored.as_ref().map(|stored| stored.version().to_string()),
        started: machine::date_of(running.process.started),
    });
    // Two builds of one version are one sample.
    let held: BTreeSet<_> = world
        .vault
        .all_held()
        .unwrap_or_default()
        .into_iter()
        .map(|(_, held)| (held.version.to_string(), held.given_up.is_some()))
        .collect();
    Standing {
        home: world.settings.home.display().to_string(),
        on_duty: Some(OnDuty {
            runs,
            up: seen.up,
            crashes_in_a_row: seen.crashes,
            last_look: seen.last_look.as_ref().map(|look| (look.at, look.reached)).or_else(remembered),
            next_look: seen.next_look,
            window: seen.window.as_ref().map(|window| (window.opens, window.closes)),
            staged: seen.staged.as_ref().map(|(version, _)| version.to_string()),
            keys,
            held: held.into_iter().collect(),
            on_hold: hold::now_in_force(&state, world.clock.now()).is_some(),
        }),
    }
}
