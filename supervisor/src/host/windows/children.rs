//! Starting a process that outlives us, waiting for any, and ending a whole tree. Safe: the calls are in the file above.

#![deny(unsafe_code)]

use super::processes::{TO_LOOK, processes};
use super::{
    created, end_job, exit_code, hear_ctrl_c, new_job, open_process, press_ctrl_c, terminate_process, until_ended,
};
use crate::host::{Seen, descendants, ourselves};
use crate::ports::Exit;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::windows::io::OwnedHandle;
use std::os::windows::process::CommandExt;
use std::process::Command;
use std::time::Duration;
use windows_sys::Win32::Foundation::ERROR_ACCESS_DENIED;
use windows_sys::Win32::System::Threading::{CREATE_BREAKAWAY_FROM_JOB, CREATE_NO_WINDOW, PROCESS_TERMINATE};

/// A console of its own without a window: what is pressed or closed in ours does not reach it.
pub const NO_WINDOW: u32 = CREATE_NO_WINDOW;

/// So many children are remembered.
const REMEMBERED: usize = 16;
/// A tree that starts processes while it is ended is walked again, so often.
const PASSES: u32 = 5;
/// How long an ended tree may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// Where there is no event to wait for.
const FALL_BACK_POLL: Duration = Duration::from_millis(100);
/// A pressed Ctrl-C is delivered by a thread of its own; until then we must not hear it ourselves.
const DELIVERY: Duration = Duration::from_millis(500);

/// The processes that we started ourselves. Their handles keep their numbers and exit codes.
#[derive(Debug, Default)]
pub struct Children {
    known: RefCell<VecDeque<Known>>,
}

#[derive(Debug)]
struct Known {
    pid: u32,
    started: u64,
    process: OwnedHandle,
    // Keeps the job's name while its first process may have ended.
    _job: Option<OwnedHandle>,
}

impl Children {
    /// Starts it with a console and a job of its own, so that neither our console nor our end reaches it. Gives its number
    /// and the moment of its creation.
    ///
    /// # Errors
    /// As `std::process::Command::spawn`.
    pub fn start(&self, mut command: Command) -> io::Result<(u32, u64)> {
        // Whether Ctrl-C is heard is inherited.
        hear_ctrl_c();
        // Out of the job that a service manager may have put us into, where that job lets us.
        let spawned = match command.creation_flags(CREATE_NO_WINDOW | CREATE_BREAKAWAY_FROM_JOB).spawn() {
            Err(error) if is(&error, ERROR_ACCESS_DENIED) => command.creation_flags(CREATE_NO_WINDOW).spawn(),
            done => done,
        };
        let child = spawned?;
        let pid = child.id();
        let process = OwnedHandle::from(child);
        let started = created(&process).inspect_err(|_| {
            // What we cannot name we could never stop.
            let _ = terminate_process(&process);
        })?;
        let job = new_job(&job_name(pid, started), &process);
        if let Err(error) = &job {
            tracing::warn!(pid, %error, "no job for the child: its tree is walked instead");
        }
        let mut known = self.known.borrow_mut();
        known.push_back(Known { pid, started, process, _job: job.ok() });
        if known.len() > REMEMBERED {
            let ended = known.iter().position(|one| exit_code(&one.process).is_ok_and(|code| code.is_some()));
            ended.and_then(|at| known.remove(at));
        }
        Ok((pid, started))
    }

    /// Whether we started it.
    pub fn are_parents_of(&self, pid: u32, started: u64) -> bool {
        self.known.borrow().iter().any(|one| one.pid == pid && one.started == started)
    }

    /// How it ended; none: it lives, or it is not ours.
    pub fn exit(&self, pid: u32, started: u64) -> Option<Exit> {
        let known = self.known.borrow();
        let one = known.iter().find(|one| one.pid == pid && one.started == started)?;
        exit_code(&one.process).ok().flatten().map(Exit::Code)
    }

    /// Nothing to do: Windows has no zombies.
    #[allow(clippy::unused_self, reason = "its twin on Linux has work to do")]
    pub fn reap(&self) {}
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().and_then(|found| u32::try_from(found).ok()) == Some(code)
}

/// Anybody who knows the process knows its job.
fn job_name(pid: u32, started: u64) -> OsString {
    format!("Global\\kosmos-child-{pid}-{started}").into()
}

/// The living process that this is; none: it is gone.
fn open(pid: u32, started: u64, access: u32) -> io::Result<Option<OwnedHandle>> {
    let Some(process) = open_process(pid, access)? else { return Ok(None) };
    Ok((created(&process)? == started).then_some(process))
}

/// Resolves when the process has ended, with its code where we may know it. Cancel safe.
pub async fn ended(pid: u32, started: u64) -> Option<Exit> {
    loop {
        match open(pid, started, TO_LOOK) {
            Ok(None) => return None,
            Ok(Some(process)) => {
                if until_ended(&process).await.is_ok() {
                    return exit_code(&process).ok().flatten().map(Exit::Code);
                }
            }
            // We may not wait for it, or there are no handles left.
            Err(_) => {}
        }
        tokio::time::sleep(FALL_BACK_POLL).await;
    }
}

/// The process and its descendants that live. Never ourselves, nor what we descend from, nor a process that got its number
/// later.
///
/// # Errors
/// The system does not show its processes.
pub fn tree(pid: u32, started: u64, _leader_known: bool) -> io::Result<Vec<Seen>> {
    let all = processes()?;
    let Some(root) = all.iter().find(|seen| seen.pid == pid && seen.started == started && !seen.ended).copied() else {
        return Ok(Vec::new());
    };
    let mut found = vec![root];
    found.extend(descendants(&all, root));
    let ours = ourselves(&all);
    found.retain(|seen| !seen.ended && !ours.contains(&seen.pid));
    Ok(found)
}

/// Ctrl-C on its console; nothing where it has none, or where ours would be lost by it.
///
/// # Errors
/// None: what cannot be asked is killed later.
#[allow(clippy::unnecessary_wraps, reason = "its twin on Linux can fail")]
pub async fn terminate(pid: u32, started: u64, _leader_known: bool) -> io::Result<()> {
    if matches!(open(pid, started, TO_LOOK), Ok(Some(_))) {
        match press_ctrl_c(pid) {
            Ok(()) => tokio::time::sleep(DELIVERY).await,
            Err(error) => tracing::info!(pid, %error, "it has no console that takes a ctrl-c"),
        }
        hear_ctrl_c();
    }
    Ok(())
}

/// Ends its job and its tree; resolves when nothing of it lives.
///
/// # Errors
/// Something of it could not be ended, or is still there after five seconds.
pub async fn kill(pid: u32, started: u64, leader_known: bool) -> io::Result<()> {
    for _ in 0..PASSES {
        let targets = tree(pid, started, leader_known)?;
        // The job's name holds the moment of creation: it is the job of this process and of no other.
        let job = end_job(&job_name(pid, started));
        let mut failed = Ok(());
        for target in &targets {
            let ended = match open(target.pid, target.started, TO_LOOK | PROCESS_TERMINATE) {
                Ok(Some(process)) => terminate_process(&process),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            // One that is ending already denies it.
            if ended.is_err() && job.is_err() && super::identify(target.pid).ok().flatten() == Some(target.started) {
                failed = failed.and(ended);
            }
        }
        failed?;
        if all_gone(&targets).await && tree(pid, started, leader_known)?.is_empty() {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "it does not end, though it was killed"))
}

async fn all_gone(targets: &[Seen]) -> bool {
    let deadline = tokio::time::Instant::now() + KILL_PATIENCE / PASSES;
    for target in targets {
        if tokio::time::timeout_at(deadline, ended(target.pid, target.started)).await.is_err() {
            return false;
        }
    }
    true
}
