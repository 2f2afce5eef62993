//! `kosmos run`: the lock, the doors, and the three things that live side by side — the duty loop, those who ask, and
//! the outbox. One task: when it ends, nothing is left over.

use std::path::Path;

use efm::chain::Chain;
use tokio::sync::{mpsc, watch};

use super::exit::Exit;
use super::house::{self, Real};
use super::settings_folder::SettingsFolder;
use crate::config::{self, Settings};
use crate::control::door::Listener;
use crate::control::serve::{Desk, serve};
use crate::duty::command::Command;
use crate::duty::{Duty, Ending, Snapshot};
use crate::host::console::Stop;
use crate::ports::{VaultError, state_folder};
use crate::update::World;
use crate::vault;

/// So many words may wait for the duty loop.
const WORDS_WAITING: usize = 4;
/// A home folder that another process has only for a moment (a `kosmos import`) is waited for.
const LOCK_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// So long the ones who have asked are waited for when the duty is over: their answers are on the way.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs until asked to leave. Settings that are read again take the place of the old ones without touching the child.
pub async fn run(folder: &SettingsFolder, level: tracing::Level) -> Exit {
    let Some(loaded) = folder.load_or_complain() else { return Exit::Settings };
    // Where the settings say that the integration point lives elsewhere, the lock, the state and the log are there.
    let home = loaded.settings.home.clone();
    let log = home.join("logs").join("kosmos.log");
    if let Err(error) = efm::telemetry::begin(level, house::OUR_CRATES, Some(&log)) {
        eprintln!("kosmos: open {}: {error}; the log goes to stderr alone", log.display());
    }
    // A key that is missing keeps no version from being started, only new ones from being verified.
    let files = config::check_files(&loaded);
    let access = config::check_access(&loaded);
    for problem in loaded.warnings.iter().chain(&files).chain(&access) {
        tracing::warn!(%problem, "settings");
    }
    let mut settings = loaded.settings;
    let lock = match lock(&home).await {
        Ok(lock) => lock,
        Err(error) => {
            super::complain(&error);
            return if matches!(error, VaultError::Locked { .. }) { Exit::Locked } else { Exit::Failed };
        }
    };
    let (leave, left) = watch::channel(false);
    let duty = async {
        loop {
            let world = house::to_work_in(settings.clone(), lock.clone(), left.clone());
            match on_duty(&world).await {
                Some(Ending::Reload) => settings = reloaded(folder, settings),
                Some(Ending::ChildGoesOn | Ending::BothStopped) => return Exit::Done,
                None => return Exit::Failed,
            }
        }
    };
    tokio::select! {
        ended = duty => ended,
        never = hear_signals(&leave) => match never {},
    }
}

async fn lock(home: &Path) -> Result<vault::HomeLock, VaultError> {
    let until = tokio::time::Instant::now() + LOCK_PATIENCE;
    loop {
        match vault::lock(home) {
            Err(VaultError::Locked { .. }) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            done => return done,
        }
    }
}

/// Ctrl-C, SIGTERM and the like ask us to leave. An attempt that is under way is ended first; the child goes on.
async fn hear_signals(leave: &watch::Sender<bool>) -> std::convert::Infallible {
    match Stop::listen() {
        Ok(mut stop) => loop {
            let by = stop.asked().await;
            tracing::info!(by, "asked to leave");
            leave.send_replace(true);
        },
        Err(error) => {
            tracing::warn!(%error, "cannot hear signals");
            std::future::pending().await
        }
    }
}

/// One set of settings' time on duty.
async fn on_duty(world: &World<Real>) -> Option<Ending> {
    let (commands, mut heard) = mpsc::channel::<Command>(WORDS_WAITING);
    let (snapshot, seen) = watch::channel(Snapshot::default());
    let desk = Desk { commands, snapshot: seen, progress: world.progress.subscribe() };
    let (leave, leaving) = watch::channel(false);
    let answering = async {
        match Listener::bind(&state_folder(&world.settings.home)) {
            Ok(listener) => serve(listener, desk, leaving).await,
            Err(error) => {
                tracing::warn!(%error, "nobody can ask: the control door cannot be opened");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::pin!(answering);
    let duty = Duty::new(world, house::site(&world.settings), snapshot);
    let ended = tokio::select! {
        ended = duty.run(&mut heard) => ended,
        () = &mut answering => return None,
        () = world.notice.deliver() => return None,
        never = world.child.include_log() => match never {},
    };
    // Who asks now is told that we are leaving; who asked for this is told that it is done.
    drop(heard);
    leave.send_replace(true);
    let _ = tokio::time::timeout(LAST_WORDS, answering).await;
    match ended {
        Ok(ending) => Some(ending),
        Err(error) => {
            tracing::error!(error = %Chain(&error), "off duty");
            None
        }
    }
}

/// Settings that are wrong are told, and the old ones stay.
fn reloaded(folder: &SettingsFolder, before: Settings) -> Settings {
    match folder.load() {
        Ok(loaded) if loaded.settings.home != before.home => {
            tracing::error!("the home folder cannot change while we run; the old settings stay until a restart");
            before
        }
        Ok(loaded) => {
            tracing::info!("settings were read again");
            loaded.settings
        }
        Err(problems) => {
            tracing::error!(problems = %config::problems_text(&problems), "the settings are wrong; the old ones stay");
            before
        }
    }
}
