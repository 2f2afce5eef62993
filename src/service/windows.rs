//! Windows' service control as the one that keeps us. Safe: the calls are in their crate, and what it would pass to the
//! main of the service is not looked at.
//!
//! Its handler holds nothing of its own, because its crate frees it at the first stop although more may be asked after
//! that: all goes through one static [`Kept`].

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock};

use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{ServiceControlHandlerResult, ServiceStatusHandle, register};
use windows_service::service_dispatcher;

use super::kept::{Asked, Happening, Kept, Life, lock};
use super::told::{State, Takes, Told};

/// Set once, when the control has started us.
static KEPT: OnceLock<Kept> = OnceLock::new();
/// What the service is to do; taken by its main.
static JOB: Mutex<Option<(&Life, Job)>> = Mutex::new(None);
/// How the job ended.
static EXIT: AtomicU8 = AtomicU8::new(0);

type Job = Box<dyn FnOnce() -> u8 + Send>;

/// The service control that keeps us; none: it has not started us.
pub fn kept() -> Option<&'static Kept> {
    KEPT.get()
}

/// Does the job as a service that the control has started; gives the job's exit code.
///
/// # Errors
/// The control has not started us.
pub fn as_service(life: &'static Life, job: impl FnOnce() -> u8 + Send + 'static) -> io::Result<u8> {
    *lock(&JOB) = Some((life, Box::new(job)));
    // Returns when the service has ended.
    service_dispatcher::start(life.name, main_of_service).map_err(said)?;
    Ok(EXIT.load(Ordering::Acquire))
}

/// The main of the service, on a thread of the system's. Its words are those of whoever started it; ours are in the
/// command line.
extern "system" fn main_of_service(_count: u32, _words: *mut *mut u16) {
    let Some((life, job)) = lock(&JOB).take() else { return };
    let status = match register(life.name, answer) {
        Ok(status) => status,
        Err(error) => {
            EXIT.store(1, Ordering::Release);
            (life.record)(&Happening::Unheard(said(error).to_string()));
            return;
        }
    };
    let kept = KEPT.get_or_init(|| Kept::begin(life, Box::new(move |told, exit| set(status, told, exit))));
    let watchdog = kept
        .watchdog()
        .and_then(|_| std::thread::Builder::new().name("watchdog".to_owned()).spawn(|| kept.watch()).ok());
    (life.record)(&Happening::Started);
    let exit = job();
    EXIT.store(exit, Ordering::Release);
    (life.record)(&Happening::Left(exit));
    kept.is_over();
    if let Some(watchdog) = watchdog {
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
        kept.ask(asked);
    }
    ServiceControlHandlerResult::NoError
}

fn set(control: ServiceStatusHandle, told: Told, exit: u8) {
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: match told.state {
            State::Starting => ServiceState::StartPending,
            State::Running => ServiceState::Running,
            State::Stopping => ServiceState::StopPending,
            State::Stopped => ServiceState::Stopped,
        },
        controls_accepted: match told.takes() {
            Takes::Nothing => ServiceControlAccept::empty(),
            Takes::GoingDown => ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN,
            Takes::All => {
                ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN
            }
        },
        exit_code: match exit {
            0 => ServiceExitCode::Win32(0),
            code => ServiceExitCode::ServiceSpecific(code.into()),
        },
        checkpoint: told.word,
        wait_hint: told.within,
        process_id: None,
    };
    if let Err(error) = control.set_service_status(status) {
        tracing::warn!(error = %said(error), state = ?told.state, "the service control does not listen");
    }
}

/// What went wrong, with the system's own words.
pub fn said(error: windows_service::Error) -> io::Error {
    if let windows_service::Error::Winapi(error) = error { error } else { io::Error::other(error) }
}
