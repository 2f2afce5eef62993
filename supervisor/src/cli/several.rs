//! `kosmos run` for several homes: the same as for one, side by side in one task. Each has its own lock, state, settings,
//! control door, log and outbox; they share whose turn it is to be upgraded, and how many fetch at a time.
//!
//! A home that cannot be kept (wrong settings, somebody else's lock, state that cannot be read) is told, and tried again
//! with growing pauses; it keeps no other from running.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use efm::chain::Chain;
use efm::telemetry::Logs;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::exit::Exit;
use super::house;
use super::kept::Keeper;
use super::run::{Among, Terms, hear_signals, keep, lock};
use super::settings_folder::SettingsFolder;
use super::settled;
use crate::config::{self, Settings};
use crate::ports::VaultError;
use crate::siblings::{Home, Siblings};
use crate::sources::fetches::Fetches;
use crate::vault::Folder;

/// The pauses before a home is tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Runs until asked to leave, or until each home was stopped.
pub(super) async fn run(homes: Vec<SettingsFolder>, level: tracing::Level) -> Exit {
    let logs = efm::telemetry::begin_several(level, house::OUR_CRATES).unwrap_or_else(|error| {
        eprintln!("kosmos: {error}");
        Logs::default()
    });
    tracing::info!(homes = homes.len(), "keep several homes");
    let settled: Vec<_> = homes.iter().map(|home| Rc::new(RefCell::new(settled::home(home)))).collect();
    let siblings = Siblings::new(homes.iter().zip(&settled).map(|(home, settled)| as_sibling(home, settled)).collect());
    let fetches = Fetches::default();
    let keeper = Rc::<Keeper>::default();
    let (leave, left) = watch::channel(false);
    let mut kept: FuturesUnordered<_> = homes
        .into_iter()
        .zip(settled)
        .enumerate()
        .map(|(number, (folder, settled))| {
            let siblings = siblings.clone();
            let place = Box::new(move || siblings.place(number));
            let among = Among { place, fetches: fetches.clone(), keeper: keeper.clone() };
            let name = folder.path().display().to_string();
            let one =
                One { span: Logs::without_file(&name), folder, name, settled, among, log: None, said: String::new() };
            Box::pin(one.live(&logs, &left))
        })
        .collect();
    let all = async {
        let mut exits = Vec::new();
        while let Some(exit) = kept.next().await {
            exits.push(exit);
        }
        Exit::worst(exits)
    };
    tokio::select! {
        exit = all => exit,
        never = hear_signals(&leave, &keeper) => match never {},
    }
}

fn as_sibling(home: &SettingsFolder, settled: &Rc<RefCell<PathBuf>>) -> Home {
    let settled = settled.clone();
    Home { name: home.path().display().to_string(), held: Box::new(move || Folder::held_in(&settled.borrow())) }
}

/// One of the homes.
struct One {
    /// Where its settings are.
    folder: SettingsFolder,
    name: String,
    /// Where they say that it lives.
    settled: Rc<RefCell<PathBuf>>,
    among: Among,
    /// What is said in it goes to the log.
    span: Span,
    log: Option<PathBuf>,
    /// Why it could not be kept, when that was said last: the same is not said again and again.
    said: String,
}

impl One {
    /// Keeps it, and tries again where that is not possible. The exit code is the last try's.
    async fn live(mut self, logs: &Logs, left: &watch::Receiver<bool>) -> Exit {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let exit = self.keep(logs, left).await;
            if exit == Exit::Done || *left.borrow() {
                return exit;
            }
            pause = if began.elapsed() > LONGEST_PAUSE { FIRST_PAUSE } else { pause };
            self.span.in_scope(|| tracing::debug!(pause_s = pause.as_secs(), "tried again later"));
            let asked_to_leave = async {
                if left.clone().wait_for(|left| *left).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = asked_to_leave => return exit,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn keep(&mut self, logs: &Logs, left: &watch::Receiver<bool>) -> Exit {
        let settled = match settled::settle(&self.folder) {
            Ok(settled) => settled,
            Err(problems) => {
                let problems = config::problems_text(&problems);
                self.say(format!("the settings are wrong, and this home is not kept:\n{problems}"));
                return Exit::Settings;
            }
        };
        let home = settled.settings().home.clone();
        self.settled.replace(home.clone());
        self.log_to(logs, home.join("logs").join("kosmos.log"));
        let lock = match lock(&home).await {
            Ok(lock) => lock,
            Err(error) => {
                self.say(format!("this home is not kept: {}", Chain(&error)));
                return if matches!(error, VaultError::Locked { .. }) { Exit::Locked } else { Exit::Failed };
            }
        };
        self.said.clear();
        let terms = self.span.in_scope(|| {
            tell_nested(settled.settings());
            Terms::of(settled)
        });
        Box::pin(keep(&self.folder, terms, lock, left.clone(), &self.among)).instrument(self.span.clone()).await
    }

    fn log_to(&mut self, logs: &Logs, log: PathBuf) {
        if self.log.as_ref() == Some(&log) {
            return;
        }
        match logs.of(&self.name, &log) {
            Ok(span) => {
                self.span = span;
                self.log = Some(log);
            }
            Err(error) => self.span.in_scope(|| {
                tracing::warn!(log = %log.display(), %error, "the log cannot be opened; it goes to stderr alone");
            }),
        }
    }

    fn say(&mut self, why: String) {
        if self.said != why {
            self.span.in_scope(|| tracing::error!("{why}"));
            self.said = why;
        }
    }
}

/// A home names itself at the most.
fn tell_nested(settings: &Settings) {
    if settings.homes.iter().any(|home| *home != settings.home) {
        tracing::warn!("host.homes counts for nothing here: this home is one of several itself");
    }
}
