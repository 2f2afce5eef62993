//! Care for the child between upgrades: its end is an event, its health is felt now and then.

use std::time::Duration;

use efm::chain::Chain;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::Duty;
use crate::ports::{Child, Doors, Event, Exit, Happening, Notice, Process, Vault};
use crate::release::Version;
use crate::update::{Running, World, stop, watch};

/// Between two looks at its health.
const PULSE_EACH: Duration = Duration::from_secs(30);
/// What is wrong with it for longer than this is told; a short illness is not worth a mail at night.
const TROUBLE_TOLD_AFTER: Duration = Duration::from_mins(5);
/// After a start that could not be made at all.
const START_AGAIN: Duration = Duration::from_secs(1);

/// What was felt.
pub(super) enum Pulse {
    /// It came up.
    Up,
    /// It did not come up within its patience.
    NotUp(String),
    /// It answered; what is red.
    Answered(Vec<String>),
    /// It did not answer.
    Silent(String),
    /// It did not answer for longer than `hang_patience`, and is to be ended.
    Hung,
}

/// Resolves when the process ends; never if there is none.
pub(super) async fn ended<D: Doors>(world: &World<D>, process: Option<Process>) -> Exit {
    match process {
        Some(process) => world.child.ended(&process).await,
        None => std::future::pending().await,
    }
}

/// Resolves when something is felt; never if nobody feels.
pub(super) async fn felt(pulse: &mut Option<LocalBoxFuture<'_, Pulse>>) -> Pulse {
    match pulse {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn first_pulse<D: Doors>(world: &World<D>, process: Process, version: Version) -> Pulse {
    match watch::come_up(world, &process, &version, &[]).await {
        Ok(_) => Pulse::Up,
        Err(why) => Pulse::NotUp(why),
    }
}

async fn next_pulse<D: Doors>(world: &World<D>, process: Process, silent_since: Option<Instant>) -> Pulse {
    sleep(PULSE_EACH).await;
    if let Err(error) = world.child.turn_logs_over().await {
        tracing::warn!(%error, "cannot turn the log over");
    }
    match world.child.examine(&process).await {
        Ok(examination) => Pulse::Answered(watch::red(&examination.health)),
        Err(error) => {
            let patience = world.settings.child.hang_patience;
            let hung = silent_since.zip(patience).is_some_and(|(since, patience)| since.elapsed() >= patience);
            if hung { Pulse::Hung } else { Pulse::Silent(Chain(&error).to_string()) }
        }
    }
}

/// Its end is an event of its own; what comes of this is only felt where it will not end.
async fn end_what_hangs<D: Doors>(world: &World<D>, process: Process) -> Pulse {
    match stop::process_has_ended(world, &process).await {
        Ok(()) => std::future::pending().await,
        Err(error) => Pulse::Silent(Chain(&error).to_string()),
    }
}

/// Since when something is wrong with it, and whether that was told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    since: Option<Instant>,
    told: bool,
}

/// What is to be told about trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    Nothing,
    Trouble,
    Well,
}

impl Trouble {
    fn felt(&mut self, is_in_trouble: bool, now: Instant) -> Tell {
        if !is_in_trouble {
            let was_told = std::mem::take(self).told;
            return if was_told { Tell::Well } else { Tell::Nothing };
        }
        let since = *self.since.get_or_insert(now);
        if self.told || now.duration_since(since) < TROUBLE_TOLD_AFTER {
            return Tell::Nothing;
        }
        self.told = true;
        Tell::Trouble
    }
}

impl<D: Doors> Duty<'_, D> {
    /// This runs from now on.
    pub(super) fn now_runs(&mut self, running: Running) {
        self.crashes.started(Instant::now());
        self.restart_at = None;
        self.bring_up = None;
        self.pulse = None;
        self.up = false;
        self.silent_since = None;
        self.hangs = false;
        self.running = Some(running);
    }

    /// Nothing runs, and should: try again soon, with growing pauses.
    pub(super) fn start_again_later(&mut self) {
        self.running = None;
        self.pulse = None;
        if !matches!(self.world.vault.pointer(), Ok(None)) {
            let after = self.crashes.ended(Instant::now());
            self.restart_at = Some(Instant::now() + after.pause.max(START_AGAIN));
        }
    }

    pub(super) fn take_pulse(&mut self) {
        if self.pulse.is_some() {
            return;
        }
        let Some(process) = self.watched_child() else { return };
        let version = self.running.as_ref().and_then(|running| running.stored.as_ref()).map(|s| s.version().clone());
        self.pulse = Some(match version {
            Some(version) if !self.up => Box::pin(first_pulse(self.world, process, version)),
            Some(_) => Box::pin(next_pulse(self.world, process, self.silent_since)),
            // What nobody verified is not ended, however long it hangs: it would not be started again.
            None => Box::pin(next_pulse(self.world, process, None)),
        });
    }

    pub(super) fn feel(&mut self, pulse: Pulse) {
        self.pulse = None;
        let trouble = match pulse {
            Pulse::Up => {
                tracing::info!("the integration point is up");
                self.up = true;
                None
            }
            Pulse::NotUp(why) => {
                tracing::warn!(%why, "the integration point is not up");
                // It goes on being felt; whether it is ended is decided by `hang_patience`.
                self.up = true;
                Some(why)
            }
            Pulse::Answered(red) => {
                self.silent_since = None;
                self.hangs = false;
                // Of what nobody could verify this is all that is known.
                self.up = true;
                (!red.is_empty()).then(|| format!("{} down", red.join(", ")))
            }
            Pulse::Silent(why) => {
                self.silent_since.get_or_insert_with(Instant::now);
                self.hangs = false;
                Some(why)
            }
            Pulse::Hung => {
                let why = "it has not answered for too long, and is ended and started again".to_owned();
                self.tell(Happening::Warning, Some(why.clone()));
                self.hangs = true;
                self.pulse = self
                    .watched_child()
                    .map(|it| -> LocalBoxFuture<'_, Pulse> { Box::pin(end_what_hangs(self.world, it)) });
                Some(why)
            }
        };
        self.tell_trouble(trouble.as_deref());
        if self.crashes.loop_is_over(Instant::now())
            && let Some(version) = self.version()
        {
            self.tell(Happening::Steady { version }, None);
        }
        let up = self.up;
        self.snapshot.send_modify(|seen| {
            seen.up = up && trouble.is_none();
            seen.trouble = trouble;
        });
    }

    /// A person is told once, and once more when it is over.
    fn tell_trouble(&mut self, trouble: Option<&str>) {
        match self.trouble.felt(trouble.is_some(), Instant::now()) {
            Tell::Nothing => {}
            Tell::Trouble => {
                let why = trouble.unwrap_or_default();
                let minutes = TROUBLE_TOLD_AFTER.as_secs() / 60;
                tracing::warn!(%why, minutes, "the integration point is not well");
                self.tell(Happening::Trouble, Some(format!("for {minutes} minutes: {why}")));
            }
            Tell::Well => {
                tracing::info!("the integration point is well again");
                self.tell(Happening::Well, None);
            }
        }
    }

    /// It ended by itself: started again, at once the first time.
    pub(super) fn child_ended(&mut self, exit: Exit) {
        if std::mem::take(&mut self.hangs) {
            // By us, and told.
            self.running = None;
            self.pulse = None;
            self.up = false;
            self.silent_since = None;
            self.restart_at = Some(Instant::now());
            return;
        }
        let how = match exit {
            Exit::Code(code) => format!("it ended with code {code}"),
            Exit::Signal(signal) => format!("it was ended by signal {signal}"),
            Exit::Gone => "it ended".to_owned(),
        };
        let version = self.version();
        let log = self.running.as_ref().and_then(|running| self.world.child_log(&running.process));
        self.running = None;
        self.pulse = None;
        self.up = false;
        self.snapshot.send_modify(|seen| {
            seen.up = false;
            seen.trouble = Some(how.clone());
        });
        let after = self.crashes.ended(Instant::now());
        tracing::warn!(%how, pause_s = after.pause.as_secs(), "the integration point ended by itself");
        self.restart_at = Some(Instant::now() + after.pause);
        let Some(version) = version else { return self.what_nobody_verified_ended(&how) };
        if after.loop_began {
            let reason = Some(format!("{how}; it ends again and again, and is started again each minute"));
            self.world.notice.tell(Event { reason, log, ..Event::of(Happening::CrashLoop { version }) });
        } else if !self.crashes.is_looping() {
            self.world.notice.tell(Event { reason: Some(how), ..Event::of(Happening::Restarted { version }) });
        }
    }

    pub(super) fn tell_loop(&self, why: &str) {
        let Some(version) = self.world_pointer_version() else { return };
        self.tell(Happening::CrashLoop { version }, Some(format!("it cannot be started: {why}")));
    }

    fn version(&self) -> Option<Version> {
        self.running.as_ref().and_then(|running| running.stored.as_ref()).map(|stored| stored.version().clone())
    }
}
