//! Windows' service control: a service in its list. Safe: the calls are in their crate.
//!
//! What an older or a false Windows refuses beside the service itself (recovery, delay, identity) is a [`Wrong`] to be
//! told, and the service stands all the same.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceExitCode,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceSidType, ServiceStartType, ServiceState,
    ServiceStatus, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::windows::said;
use super::{Account, Definition, FAILURES_FORGOTTEN, Known, LONGEST_PRESHUTDOWN, Put, RECOVERY, ServiceError, Start};

/// `ERROR_SERVICE_DOES_NOT_EXIST`
const NOT_THERE: i32 = 1060;
/// `ERROR_SERVICE_ALREADY_RUNNING`
const RUNS_ALREADY: i32 = 1056;
/// `ERROR_SERVICE_NOT_ACTIVE`
const RUNS_NOT: i32 = 1062;
/// `ERROR_SERVICE_MARKED_FOR_DELETE`
const GOES_AWAY: i32 = 1072;

/// How often the control is asked while something changes.
const POLL: Duration = Duration::from_millis(100);

/// What could not be done, and does not keep the rest from being done.
#[derive(Debug)]
pub struct Wrong {
    /// What was tried.
    pub what: &'static str,
    /// What came of it.
    pub why: io::Error,
}

/// A service as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// `running`, `stopped`, …
    pub state: &'static str,
    /// What is in the list.
    pub known: Known,
    /// Whether it is at work.
    pub is_running: bool,
    /// How often it has said that it is still at what it began.
    pub checkpoint: u32,
    /// Its process.
    pub pid: Option<u32>,
    /// How it ended, where it ended with an error: our own exit code, or a number of the system's.
    pub ended_with: Option<String>,
}

fn control(access: ServiceManagerAccess) -> io::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access).map_err(said)
}

/// The service of this name; none: it is not there.
///
/// # Errors
/// We may not open it so.
pub fn open(name: &str, access: ServiceAccess) -> io::Result<Option<Service>> {
    match control(ServiceManagerAccess::CONNECT)?.open_service(name, access).map_err(said) {
        Ok(service) => Ok(Some(service)),
        Err(error) if error.raw_os_error() == Some(NOT_THERE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether we may change the list.
///
/// # Errors
/// We may not, in words for a person.
pub fn may_change(act: &str) -> Result<(), ServiceError> {
    let rights = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
    control(rights).map(drop).map_err(|error| {
        let right = if error.kind() == io::ErrorKind::PermissionDenied {
            "only administrators may change services; say it again in a window that was opened with “Run as \
             administrator”"
                .to_owned()
        } else {
            format!("the service control does not answer: {error}")
        };
        ServiceError::NotAllowed { act: act.to_owned(), right }
    })
}

/// Why a step was not done, in words for a person. That of an install has several lines; its first one names it.
pub fn not_done(step: &str, error: &io::Error) -> ServiceError {
    let step = step.lines().next().unwrap_or_default().trim_end_matches(':').to_owned();
    if error.kind() == io::ErrorKind::PermissionDenied {
        ServiceError::NotAllowed { act: step, right: format!("{error}; an administrator may") }
    } else {
        ServiceError::Failed { step, why: error.to_string() }
    }
}

/// What is wrong beside the service itself is told, and the service stands.
pub fn tell(wrongs: Vec<Wrong>) {
    for wrong in wrongs {
        eprintln!("  warning: could not {}: {}", wrong.what, wrong.why);
    }
}

/// How it stands; none: it is not there.
///
/// # Errors
/// We may not look.
pub fn standing(name: &str) -> io::Result<Option<Standing>> {
    let Some(service) = open(name, ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG)? else { return Ok(None) };
    let status = service.query_status().map_err(said)?;
    let config = service.query_config().map_err(said)?;
    let start = match config.start_type {
        ServiceStartType::AutoStart => Start::Automatic,
        ServiceStartType::Disabled => Start::Disabled,
        ServiceStartType::OnDemand | ServiceStartType::SystemStart | ServiceStartType::BootStart => Start::Manual,
    };
    let known = Known {
        command_line: config.executable_path.to_string_lossy().into_owned(),
        account: config.account_name.unwrap_or_default().to_string_lossy().into_owned(),
        start,
        is_up: !matches!(status.current_state, ServiceState::Stopped | ServiceState::StopPending),
        is_whole: is_whole(&service),
    };
    Ok(Some(Standing {
        name: name.to_owned(),
        state: in_words(status.current_state),
        known,
        is_running: status.current_state == ServiceState::Running,
        checkpoint: status.checkpoint,
        pid: status.process_id.filter(|pid| *pid != 0),
        ended_with: end_in_words(&status),
    }))
}

/// An older or a false Windows that does not tell is believed.
fn is_whole(service: &Service) -> bool {
    let recovers = service.get_failure_actions().map_or(true, |has| has.actions == recovery().actions);
    let is_somebody = service.get_config_service_sid_info().map_or(true, |kind| kind == ServiceSidType::Unrestricted);
    recovers && is_somebody
}

fn in_words(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        ServiceState::Running => "running",
        ServiceState::ContinuePending | ServiceState::PausePending | ServiceState::Paused => "paused",
    }
}

fn end_in_words(status: &ServiceStatus) -> Option<String> {
    const NEVER_STARTED: u32 = 1077;
    if status.current_state != ServiceState::Stopped {
        return None;
    }
    match status.exit_code {
        ServiceExitCode::Win32(0 | NEVER_STARTED) | ServiceExitCode::ServiceSpecific(0) => None,
        ServiceExitCode::Win32(code) => {
            Some(io::Error::from_raw_os_error(i32::from_ne_bytes(code.to_ne_bytes())).to_string())
        }
        ServiceExitCode::ServiceSpecific(code) => Some(format!("exit code {code}")),
    }
}

/// Puts the service into the list, or changes the one that is there. Start and account of one that is there stay, as an
/// administrator may have set them, unless `anew`. Gives what was refused beside it.
///
/// # Errors
/// The service itself could not be made.
pub fn put(Put { definition, anew }: &Put) -> io::Result<Vec<Wrong>> {
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::QUERY_CONFIG | ServiceAccess::START;
    let mut info = info(definition);
    let there = open(&definition.name, access)?;
    let keeps = there.is_some() && !*anew;
    let service = if let Some(service) = there {
        if keeps {
            info.start_type = service.query_config().map_err(said)?.start_type;
            info.account_name = None;
        }
        service.change_config(&info).map_err(said)?;
        service
    } else {
        let rights = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
        control(rights)?.create_service(&info, access).map_err(said)?
    };
    let mut wrongs = Vec::new();
    let mut tried = |what, done: windows_service::Result<()>| {
        wrongs.extend(done.err().map(|error| Wrong { what, why: said(error) }));
    };
    tried("describe it", service.set_description(definition.product.description));
    tried("set recovery", service.update_failure_actions(recovery()));
    tried("recover also after an end with an error", service.set_failure_actions_on_non_crash_failures(true));
    if !keeps {
        tried("delay its start", service.set_delayed_auto_start(definition.start == Start::Delayed));
    }
    tried("give it an identity", service.set_config_service_sid_info(ServiceSidType::Unrestricted));
    // The crate panics on what fits no 32 bits of milliseconds.
    let preshutdown = definition.preshutdown.min(LONGEST_PRESHUTDOWN);
    tried("have the machine wait for it", service.set_preshutdown_timeout(preshutdown));
    Ok(wrongs)
}

fn info(definition: &Definition) -> ServiceInfo {
    ServiceInfo {
        name: definition.name.clone().into(),
        display_name: definition.display_name().into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: match definition.start {
            Start::Delayed | Start::Automatic => ServiceStartType::AutoStart,
            Start::Manual => ServiceStartType::OnDemand,
            Start::Disabled => ServiceStartType::Disabled,
        },
        error_control: ServiceErrorControl::Normal,
        executable_path: definition.program.clone(),
        launch_arguments: definition.arguments(),
        dependencies: Vec::new(),
        account_name: match &definition.account {
            // What the control calls itself; no name at all means it.
            Account::Named(name) if name.eq_ignore_ascii_case("LocalSystem") => None,
            account @ (Account::Named(_) | Account::Virtual) => Some(account.of(&definition.name).into()),
        },
        account_password: None,
    }
}

fn recovery() -> ServiceFailureActions {
    let actions = RECOVERY.map(|delay| ServiceAction { action_type: ServiceActionType::Restart, delay });
    ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN),
        reboot_msg: None,
        command: None,
        actions: Some(actions.into()),
    }
}

/// Starts it, and resolves when it is at work. One that runs already is no error.
///
/// # Errors
/// It is not there, we may not, or it has ended instead.
pub async fn start(name: &str, patience: Duration) -> io::Result<()> {
    let service = open(name, ServiceAccess::START | ServiceAccess::QUERY_STATUS)?.ok_or_else(|| not_there(name))?;
    match service.start::<OsString>(&[]).map_err(said) {
        Err(error) if error.raw_os_error() != Some(RUNS_ALREADY) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let status = settled(&service, ServiceState::StartPending, patience).await?;
    if status.current_state == ServiceState::Running {
        return Ok(());
    }
    let how = end_in_words(&status).unwrap_or_else(|| in_words(status.current_state).to_owned());
    Err(io::Error::other(format!("it has ended: {how}")))
}

/// Asks it to leave, and resolves when it has. One that does not run, or is not there, is no error.
///
/// # Errors
/// We may not, or it does not leave.
pub async fn stop(name: &str, patience: Duration) -> io::Result<()> {
    let Some(service) = open(name, ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)? else { return Ok(()) };
    // One that starts or stops already cannot be asked.
    let before = settled(&service, ServiceState::StartPending, patience).await?;
    if !matches!(before.current_state, ServiceState::Stopped | ServiceState::StopPending) {
        match service.stop().map_err(said) {
            Err(error) if error.raw_os_error() != Some(RUNS_NOT) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    until(&service, patience).await
}

/// Resolves when it has stopped by whatever means.
///
/// # Errors
/// It has not within the time, or we may not look.
pub async fn until_stopped(name: &str, patience: Duration) -> io::Result<()> {
    let Some(service) = open(name, ServiceAccess::QUERY_STATUS)? else { return Ok(()) };
    until(&service, patience).await
}

async fn until(service: &Service, patience: Duration) -> io::Result<()> {
    let until = tokio::time::Instant::now() + patience;
    loop {
        let status = service.query_status().map_err(said)?;
        if status.current_state == ServiceState::Stopped {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not leave"));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn settled(service: &Service, from: ServiceState, patience: Duration) -> io::Result<ServiceStatus> {
    let until = tokio::time::Instant::now() + patience;
    loop {
        let status = service.query_status().map_err(said)?;
        if status.current_state != from || tokio::time::Instant::now() >= until {
            return Ok(status);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Takes it out of the list; one that is not there is no error.
///
/// # Errors
/// We may not.
pub fn remove(name: &str) -> io::Result<()> {
    if let Some(service) = open(name, ServiceAccess::DELETE)? {
        match service.delete().map_err(said) {
            Err(error) if error.raw_os_error() != Some(GOES_AWAY) => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// There is no such service.
pub fn not_there(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no service {name}"))
}
