//! Windows' service control as the one that keeps us: the main of the service, what it asks of us, what it is told.
//! Safe: the calls are in the file above and in their crate.
//!
//! What the control asks arrives on a thread of the system; all of it goes through one static [`Kept`]. Its handler
//! holds nothing of its own, because its crate frees it at the first stop although more may be asked after that.

#![deny(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{ServiceControlHandlerResult, ServiceStatusHandle, register};
use windows_service::service_dispatcher;

use super::main_of_service;
use crate::host::events::{self, Entry};
use crate::host::manager::Word;
use crate::host::scm::NAME;

/// While we begin or end the control hears from us so often.
const PROGRESS_EACH: Duration = Duration::from_secs(2);
/// What is said to be needed until the next word; the control believes that we hang when it is over.
const NEXT_WORD_WITHIN: Duration = Duration::from_secs(30);
/// The loop must turn within this many looks of the watchdog, which come each [`LOOK_EACH`]. Looks and not a span of
/// time: a machine that slept for an hour has missed one look.
const LOOKS: u32 = 12;
/// Between two looks.
const LOOK_EACH: Duration = Duration::from_secs(5);

/// Set once, when the control has started us.
static KEPT: OnceLock<Kept> = OnceLock::new();
/// What the service is to do; taken by its main.
static JOB: Mutex<Option<Job>> = Mutex::new(None);

type Job = Box<dyn FnOnce() -> u8 + Send>;

/// Us, as the control knows us.
struct Kept {
    status: ServiceStatusHandle,
    asked: watch::Sender<Option<Asked>>,
    told: Mutex<Told>,
    /// How often the watchdog has looked without a turn in between.
    looks: AtomicU32,
    over: (Mutex<bool>, Condvar),
}

/// Why we are asked to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Stop,
    Shutdown,
    Preshutdown,
}

#[derive(Clone, Copy)]
struct Told {
    state: ServiceState,
    word: u32,
    within: Duration,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

/// The service control, if it keeps us.
#[derive(Debug, Default)]
pub struct Manager {
    kept: Option<&'static Kept>,
}

impl Manager {
    /// Who keeps us, as the system says.
    pub fn found() -> Self {
        Self { kept: KEPT.get() }
    }

    /// How long the loop may take for a turn before we are restarted; none: nobody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.kept.map(|_| LOOK_EACH * LOOKS)
    }

    /// Tells it.
    pub fn tell(&self, word: Word<'_>) {
        let Some(kept) = self.kept else { return };
        match word {
            Word::Turn(_) => kept.turned(),
            Word::Reloading => {}
            Word::Leaving(within) => kept.say(ServiceState::StopPending, within),
        }
    }

    /// Whether we are asked to leave because the machine goes down.
    #[allow(clippy::unused_async, reason = "its twin on Linux asks systemd")]
    pub async fn machine_goes_down(&self) -> bool {
        self.kept.is_some_and(|kept| matches!(*kept.asked.borrow(), Some(Asked::Shutdown | Asked::Preshutdown)))
    }
}

/// Does the job as a service that the control has started; gives the job's exit code.
///
/// # Errors
/// The control has not started us.
pub fn as_service(job: impl FnOnce() -> u8 + Send + 'static) -> io::Result<u8> {
    *lock(&JOB) = Some(Box::new(job));
    // Returns when the service has ended. The name does not matter to a service with a process of its own.
    service_dispatcher::start(NAME, main_of_service).map_err(said)?;
    Ok(u8::try_from(EXIT.load(Ordering::Acquire)).unwrap_or(u8::MAX))
}

/// How the job ended.
static EXIT: AtomicU32 = AtomicU32::new(0);

/// The main of the service, on a thread of the system's.
pub(super) fn main(_words: Vec<OsString>) {
    let Some(job) = lock(&JOB).take() else { return };
    let status = match register(NAME, answer) {
        Ok(status) => status,
        Err(error) => {
            EXIT.store(1, Ordering::Release);
            record(&events::failed(&format!("the service control does not hear us: {}", said(error))));
            return;
        }
    };
    let told = Told { state: ServiceState::StartPending, word: 0, within: NEXT_WORD_WITHIN };
    let kept = KEPT.get_or_init(|| Kept {
        status,
        asked: watch::channel(None).0,
        told: Mutex::new(told),
        looks: AtomicU32::new(0),
        over: (Mutex::new(false), Condvar::new()),
    });
    kept.say(ServiceState::StartPending, NEXT_WORD_WITHIN);
    let watchdog = std::thread::Builder::new().name("watchdog".to_owned()).spawn(|| kept.watch());
    record(&events::started());
    let exit = job();
    EXIT.store(exit.into(), Ordering::Release);
    record(&if exit == 0 {
        events::left()
    } else {
        events::failed(&format!("exit code {exit}: see logs\\kosmos.log"))
    });
    *lock(&kept.over.0) = true;
    kept.over.1.notify_all();
    if let Ok(watchdog) = watchdog {
        let _ = watchdog.join();
    }
    kept.ended(exit);
}

/// On a thread of the system's.
fn answer(control: ServiceControl) -> ServiceControlHandlerResult {
    #[allow(clippy::wildcard_enum_match_arm, reason = "what we have not said that we take does not come")]
    let asked = match control {
        ServiceControl::Interrogate => return ServiceControlHandlerResult::NoError,
        ServiceControl::Stop => Asked::Stop,
        ServiceControl::Shutdown => Asked::Shutdown,
        ServiceControl::Preshutdown => Asked::Preshutdown,
        _ => return ServiceControlHandlerResult::NotImplemented,
    };
    if let Some(kept) = KEPT.get() {
        kept.say(ServiceState::StopPending, NEXT_WORD_WITHIN);
        // A machine that goes down while we are stopping takes the child with it: that counts more.
        kept.asked.send_if_modified(|before| {
            let is_news = before.is_none() || (*before == Some(Asked::Stop) && asked != Asked::Stop);
            if is_news {
                *before = Some(asked);
            }
            is_news
        });
    }
    ServiceControlHandlerResult::NoError
}

impl Kept {
    /// The loop has turned: we are at work.
    fn turned(&self) {
        self.looks.store(0, Ordering::Relaxed);
        let state = lock(&self.told).state;
        if state == ServiceState::StartPending {
            self.say(ServiceState::Running, Duration::ZERO);
        }
    }

    fn say(&self, state: ServiceState, within: Duration) {
        let mut told = lock(&self.told);
        // A stop is never taken back.
        let state = if told.state == ServiceState::StopPending { told.state } else { state };
        let is_pending = state != ServiceState::Running;
        let within = if state == told.state && told.word > 0 { within.max(told.within) } else { within };
        *told = Told { state, word: if is_pending { told.word.saturating_add(1) } else { 0 }, within };
        self.set(*told, ServiceExitCode::Win32(0));
    }

    /// Still at it. Only who waits for the end of what we do may say so.
    fn progress(&self) {
        let mut told = lock(&self.told);
        if told.state == ServiceState::Running {
            return;
        }
        told.word = told.word.saturating_add(1);
        self.set(*told, ServiceExitCode::Win32(0));
    }

    fn ended(&self, exit: u8) {
        let exit = if exit == 0 { ServiceExitCode::Win32(0) } else { ServiceExitCode::ServiceSpecific(exit.into()) };
        self.set(Told { state: ServiceState::Stopped, word: 0, within: Duration::ZERO }, exit);
    }

    fn set(&self, told: Told, exit_code: ServiceExitCode) {
        let takes = match told.state {
            ServiceState::Running => {
                ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN
            }
            // Somebody stops us while the machine begins to go down.
            ServiceState::StopPending => ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN,
            ServiceState::StartPending
            | ServiceState::Stopped
            | ServiceState::ContinuePending
            | ServiceState::PausePending
            | ServiceState::Paused => ServiceControlAccept::empty(),
        };
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: told.state,
            controls_accepted: takes,
            exit_code,
            checkpoint: told.word,
            wait_hint: told.within,
            process_id: None,
        };
        if let Err(error) = self.status.set_service_status(status) {
            tracing::warn!(error = %said(error), state = ?told.state, "the service control does not listen");
        }
    }

    /// Ends us when the loop hangs; the control's recovery starts us again, and the next one adopts what runs.
    fn watch(&self) {
        let (over, ring) = &self.over;
        let mut is_over = lock(over);
        while !*is_over {
            is_over = ring.wait_timeout(is_over, LOOK_EACH).unwrap_or_else(PoisonError::into_inner).0;
            if lock(&self.told).state != ServiceState::Running {
                self.looks.store(0, Ordering::Relaxed);
            } else if self.looks.fetch_add(1, Ordering::Relaxed) >= LOOKS {
                record(&events::hung());
                // Not `exit`: a destructor may be what hangs.
                std::process::abort();
            }
        }
    }
}

/// What the service control asks, for whoever waits for it. Without one: nothing, for ever.
#[derive(Debug)]
pub struct Asks {
    kept: Option<(&'static Kept, watch::Receiver<Option<Asked>>)>,
}

impl Asks {
    /// Of the one that keeps us.
    pub fn listen() -> Self {
        Self { kept: KEPT.get().map(|kept| (kept, kept.asked.subscribe())) }
    }

    /// Resolves when we are asked to leave, and says by what; until then it tells the control that we are still at what
    /// we began. It shares a task with the duty loop: one that hangs tells nothing. Cancel safe.
    pub async fn heard(&mut self) -> &'static str {
        let Some((kept, asked)) = &mut self.kept else { return std::future::pending().await };
        loop {
            match tokio::time::timeout(PROGRESS_EACH, asked.changed()).await {
                Ok(Ok(())) => match *asked.borrow_and_update() {
                    Some(Asked::Stop) => return "service stop",
                    Some(Asked::Shutdown) => return "shutdown",
                    Some(Asked::Preshutdown) => return "preshutdown",
                    None => {}
                },
                // The sender lives as long as we do.
                Ok(Err(_)) => return std::future::pending().await,
                Err(_) => kept.progress(),
            }
        }
    }
}

/// Puts it into the system's event log, where a service keeps us; otherwise there is a person who reads the terminal.
pub fn record(entry: &Entry) {
    if KEPT.get().is_none() {
        return;
    }
    if let Err(error) = super::write_event(NAME, entry.kind.number(), entry.number, &entry.text) {
        tracing::debug!(%error, number = entry.number, "the event log does not take it");
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking thread left is as good as what it found.
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What went wrong, with the system's own words.
pub(super) fn said(error: windows_service::Error) -> io::Error {
    if let windows_service::Error::Winapi(error) = error { error } else { io::Error::other(error) }
}
