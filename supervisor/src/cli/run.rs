//! `kosmos run` in one home: the lock, the doors, and the three things that live side by side — the duty loop, those who
//! ask, and the outbox. One task: when it ends, nothing is left over. Several homes are [`several`](super::several).

use std::path::Path;
use std::rc::Rc;

use efm::chain::Chain;
use tokio::sync::{mpsc, oneshot, watch};

use super::exit::Exit;
use super::house::{self, Real};
use super::kept::{self, Keeper};
use super::metrics;
use super::settings_folder::SettingsFolder;
use super::settled::{self, Settled};
use crate::config::{self, Settings};
use crate::control::door::Listener;
use crate::control::serve::{Desk, serve};
use crate::duty::command::Command;
use crate::duty::{Duty, Ending, Snapshot};
use crate::host::console::Stop;
use crate::host::system;
use crate::ports::{VaultError, state_folder};
use crate::siblings::Place;
use crate::sources::fetches::Fetches;
use crate::update::World;
use crate::vault;

/// So many words may wait for the duty loop.
const WORDS_WAITING: usize = 4;
/// A home folder that another process has only for a moment (a `kosmos import`) is waited for.
const LOCK_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// So often settings that are wrong are read again.
const READ_AGAIN_EACH: std::time::Duration = std::time::Duration::from_secs(2);
/// So long the ones who have asked are waited for when the duty is over: their answers are on the way.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

/// The loop turns so often in the time after which a watchdog bites.
const TURNS_SEEN: u32 = 3;

/// Runs until asked to leave. Settings that are read again take the place of the old ones without touching the child.
pub(super) async fn run(settings_folder: &SettingsFolder, level: tracing::Level) -> Exit {
    let settled = match settled::settle(settings_folder) {
        Ok(settled) => settled,
        Err(problems) => {
            super::complain_of(&problems);
            return Exit::Settings;
        }
    };
    // Where the settings say that the integration point lives elsewhere, the lock, the state and the log are there.
    let home = settled.settings().home.clone();
    let log = home.join("logs").join("kosmos.log");
    if let Err(error) = efm::telemetry::begin(level, house::OUR_CRATES, Some(&log)) {
        eprintln!("kosmos: open {}: {error}; the log goes to stderr alone", log.display());
    }
    let lock = match lock(&home).await {
        Ok(lock) => lock,
        Err(error) => {
            super::complain(&error);
            return if matches!(error, VaultError::Locked { .. }) { Exit::Locked } else { Exit::Failed };
        }
    };
    let terms = Terms::of(settled);
    let (leave, left) = watch::channel(false);
    let among = Among { place: Box::new(Place::alone), fetches: Fetches::default(), keeper: Rc::default() };
    tokio::select! {
        ended = keep(settings_folder, terms, lock, left, &among) => ended,
        never = hear_signals(&leave, &among.keeper) => match never {},
    }
}

/// Nobody adopts it when the machine goes down: it gets its grace, while its network and its disks are still there.
async fn end_with_the_machine(world: &World<Real>, keeper: &Keeper) -> Exit {
    tracing::info!("the machine goes down; what runs is stopped too");
    keeper.leaves(&world.settings);
    match kept::end_child(world).await {
        Ok(_) => Exit::Done,
        Err(error) => {
            tracing::error!(error = %Chain(&error), "cannot stop it before the machine goes down");
            Exit::Failed
        }
    }
}

/// What a home shares with the others of its supervisor.
pub(super) struct Among {
    /// Its place among them; asked for anew when its settings were read again.
    pub(super) place: Box<dyn Fn() -> Place>,
    /// How many fetch at a time.
    pub(super) fetches: Fetches,
    /// What the service manager that keeps us is told.
    pub(super) keeper: Rc<Keeper>,
}

/// Keeps one home until asked to leave. Not cancel safe: an attempt in its course must be polled to its end.
pub(super) async fn keep(
    settings_folder: &SettingsFolder,
    mut terms: Terms,
    lock: vault::HomeLock,
    left: watch::Receiver<bool>,
    among: &Among,
) -> Exit {
    let state = state_folder(&terms.settings.home);
    if let Err(error) = system::shut_out_others(&state) {
        tracing::warn!(folder = %state.display(), %error, "cannot keep ordinary users from writing here: an administrator may");
    }
    let mut before = None;
    loop {
        let mut world = house::to_work_in(terms.settings.clone(), lock.clone(), left.clone());
        if let Some(before) = before.take() {
            world.child = world.child.in_place_of(&before);
        }
        world.source.fetches = among.fetches.clone();
        let exit = match on_duty(&world, among, settings_folder, terms.wrong.as_deref()).await {
            Some(Ending::Reload) => {
                among.keeper.reloads();
                let metrics_before = terms.settings.notice.metrics.clone();
                terms = terms.read_again(settings_folder);
                if terms.settings.notice.metrics != metrics_before {
                    metrics::say_goodbye(&world).await;
                }
                before = Some(world.child);
                continue;
            }
            Some(Ending::ChildGoesOn) if among.keeper.machine_goes_down() => {
                end_with_the_machine(&world, &among.keeper).await
            }
            Some(Ending::ChildGoesOn | Ending::BothStopped) => Exit::Done,
            None => Exit::Failed,
        };
        among.keeper.lets_go_of(&world.settings);
        metrics::say_goodbye(&world).await;
        return exit;
    }
}

/// The settings that a supervisor goes by, and what is wrong with those that are set.
pub(super) struct Terms {
    settings: Settings,
    /// None: they are what is set.
    wrong: Option<String>,
}

impl Terms {
    /// Tells what is odd or wrong; keeps what is right.
    pub(super) fn of(settled: Settled) -> Self {
        match settled {
            Settled::Right(loaded) => {
                // A key that is missing keeps no version from being started, only new ones from being verified.
                let files = config::check_files(&loaded);
                let access = config::check_access(&loaded, system::ordinary_writers);
                for problem in loaded.warnings.iter().chain(&files).chain(&access) {
                    tracing::warn!(%problem, "settings");
                }
                settled::remember(&loaded);
                Self { settings: loaded.settings, wrong: None }
            }
            Settled::LastGood(settings, problems) => {
                for problem in &problems {
                    tracing::error!(%problem, "settings");
                }
                tracing::error!(
                    "the settings are wrong; the last good ones keep going what runs, and nothing new is installed"
                );
                Self { settings: *settings, wrong: Some(config::problems_text(&problems)) }
            }
        }
    }

    /// Settings that are wrong are told, and the old ones stay.
    fn read_again(self, folder: &SettingsFolder) -> Self {
        match settled::settle(folder) {
            Ok(Settled::Right(loaded)) if loaded.settings.home != self.settings.home => {
                tracing::error!("the home folder cannot change while we run; the old settings stay until a restart");
                self
            }
            Ok(right @ Settled::Right(_)) => {
                tracing::info!("settings were read again");
                Self::of(right)
            }
            Ok(Settled::LastGood(_, problems)) | Err(problems) => {
                let text = config::problems_text(&problems);
                tracing::error!(problems = %text, "the settings are wrong; the old ones stay");
                Self { wrong: self.wrong.is_some().then_some(text), ..self }
            }
        }
    }
}

/// While the settings are wrong they are read again and again: whatever mends them, no word is needed.
async fn hear_change(
    folder: &SettingsFolder,
    wrong: Option<&str>,
    commands: mpsc::Sender<Command>,
) -> std::convert::Infallible {
    let Some(wrong) = wrong else { return std::future::pending().await };
    loop {
        tokio::time::sleep(READ_AGAIN_EACH).await;
        let now = match folder.load() {
            Ok(_) => None,
            Err(problems) => Some(config::problems_text(&problems)),
        };
        if now.as_deref() != Some(wrong) {
            tracing::info!("the settings have changed");
            // The duty answers when it has heard it; that it then leaves for it is all that we want.
            let _ = commands.send(Command::Reload(oneshot::channel().0)).await;
            return std::future::pending().await;
        }
    }
}

pub(super) async fn lock(home: &Path) -> Result<vault::HomeLock, VaultError> {
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

/// Ctrl-C, SIGTERM and the like ask us to leave. An attempt that is under way is ended first; the child goes on, unless
/// the machine goes down.
pub(super) async fn hear_signals(leave: &watch::Sender<bool>, keeper: &Keeper) -> std::convert::Infallible {
    match Stop::listen() {
        Ok(mut stop) => loop {
            let by = stop.asked().await;
            tracing::info!(by, "asked to leave");
            keeper.ask_whether_the_machine_goes_down().await;
            leave.send_replace(true);
        },
        Err(error) => {
            tracing::warn!(%error, "cannot hear signals");
            std::future::pending().await
        }
    }
}

/// One set of settings' time on duty.
async fn on_duty(world: &World<Real>, among: &Among, folder: &SettingsFolder, wrong: Option<&str>) -> Option<Ending> {
    let (commands, mut heard) = mpsc::channel::<Command>(WORDS_WAITING);
    let (snapshot, seen) = watch::channel(Snapshot::default());
    let change = hear_change(folder, wrong, commands.clone());
    let desk = Desk { commands, snapshot: seen.clone(), progress: world.progress.subscribe() };
    let (leave, leaving) = watch::channel(false);
    // Open before the loop turns for the first time, which is when we are said to be at work.
    let door = Listener::bind(&state_folder(&world.settings.home));
    let answering = async {
        match door {
            Ok(listener) => serve(listener, desk, leaving).await,
            Err(error) => {
                tracing::warn!(%error, "nobody can ask: the control door cannot be opened");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::pin!(answering);
    let duty = Duty::new(world, house::site(&world.settings), snapshot);
    let mut duty = duty.among((among.place)()).under_wrong_settings(wrong);
    if let Some(limit) = among.keeper.watchdog() {
        duty = duty.napping_at_most(limit / TURNS_SEEN);
    }
    let ended = tokio::select! {
        ended = duty.run(&mut heard) => ended,
        () = &mut answering => return None,
        () = world.notice.deliver() => return None,
        never = world.child.include_log() => match never {},
        never = change => match never {},
        never = metrics::keep_written(world, seen.clone()) => match never {},
        never = among.keeper.hear(&world.settings, seen) => match never {},
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
