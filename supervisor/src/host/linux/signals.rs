//! Waiting for the end of any process, and signalling a whole tree. A process is named by number and start time, and
//! by a pidfd while we act, so that nobody else who got its number is ever hit.

use super::processes::{identify, look_at, processes};
use crate::host::{Seen, descendants, ourselves};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Where there is no event to wait for.
const FALL_BACK_POLL: Duration = Duration::from_millis(100);
/// A tree that forks while it is killed is walked again, so often.
const PASSES: u32 = 5;
/// How long a killed tree may take to be gone: a process in a disk wait dies only after it.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Resolves when the process has ended. Cancel safe. How it ended only its parent may know.
pub async fn ended(pid: u32, started: u64) -> Option<crate::ports::Exit> {
    if let Ok(handle) = open(pid, started) {
        let handle = handle?;
        #[allow(
            deprecated,
            reason = "its successor is unsafe; an OwnedFd keeps its number open, which is all that is asked"
        )]
        let event = AsyncFd::with_interest(handle, Interest::READABLE);
        if let Ok(event) = event
            && event.readable().await.is_ok()
        {
            return None;
        }
    }
    // A kernel without pidfds (before 5.3), a sandbox that forbids them, or no file descriptor left.
    while identify(pid).ok().flatten() == Some(started) {
        tokio::time::sleep(FALL_BACK_POLL).await;
    }
    None
}

/// A handle on the living process that this is; none: it is gone. The start time is compared after the handle is
/// open: from then on the number cannot be given away behind our back.
fn open(pid: u32, started: u64) -> io::Result<Option<OwnedFd>> {
    let Some(number) = number(pid) else { return Ok(None) };
    let handle = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok((identify(pid)? == Some(started)).then_some(handle))
}

fn number(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The process and everything that belongs to it and lives: its descendants, and the members of its session and group
/// where it leads them. Never ourselves, nor what we descend from, nor a process that got its number later.
///
/// With `leader_known`, what is left of the session of a process that has ended belongs to it too: only the one who
/// made the session can know that.
///
/// # Errors
/// `/proc` cannot be read.
pub fn tree(pid: u32, started: u64, leader_known: bool) -> io::Result<Vec<Seen>> {
    let all = processes()?;
    let root = all.iter().find(|seen| seen.pid == pid).copied();
    if root.is_some_and(|root| root.started != started) {
        return Ok(Vec::new());
    }
    let mut found: Vec<Seen> = root.into_iter().collect();
    let leads_session = root.map_or(leader_known, |root| root.session == pid);
    let leads_group = root.map_or(leader_known, |root| root.group == pid);
    for seen in &all {
        let member = (leads_session && seen.session == pid) || (leads_group && seen.group == pid);
        if member && seen.started >= started && !found.contains(seen) {
            found.push(*seen);
        }
    }
    for member in found.clone() {
        for below in descendants(&all, member) {
            if !found.contains(&below) {
                found.push(below);
            }
        }
    }
    let ours = ourselves(&all);
    found.retain(|seen| !seen.ended && !ours.contains(&seen.pid) && seen.pid > 1);
    Ok(found)
}

/// SIGTERM to the whole tree.
///
/// # Errors
/// The process itself could not be signalled.
pub async fn terminate(pid: u32, started: u64, leader_known: bool) -> io::Result<()> {
    signal_all(&tree(pid, started, leader_known)?, Signal::TERM)
}

/// SIGKILL to the whole tree; resolves when nothing of it lives.
///
/// # Errors
/// Something of it could not be signalled, or is still there after five seconds.
pub async fn kill(pid: u32, started: u64, leader_known: bool) -> io::Result<()> {
    // Members of a tree whose root is gone are found only by what was seen before.
    let mut seen = Vec::new();
    for _ in 0..PASSES {
        for member in tree(pid, started, leader_known)? {
            if !seen.contains(&member) {
                seen.push(member);
            }
        }
        signal_all(&seen, Signal::KILL)?;
        if all_gone(&seen).await? && tree(pid, started, leader_known)?.is_empty() {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "it does not end, though it was killed"))
}

fn signal_all(targets: &[Seen], signal: Signal) -> io::Result<()> {
    let mut failed = Ok(());
    for target in targets {
        if let Err(error) = send(target, signal) {
            // The first is the root of the tree, and the one that a person wants to hear of.
            failed = failed.and(Err(error));
        }
    }
    failed
}

fn send(target: &Seen, signal: Signal) -> io::Result<()> {
    let sent = match open(target.pid, target.started) {
        Ok(None) => return Ok(()),
        Ok(Some(handle)) => pidfd_send_signal(&handle, signal),
        Err(_) => match number(target.pid) {
            // Without pidfds the number may be given away between the look and the signal; numbers go round slowly.
            Some(number) if identify(target.pid)? == Some(target.started) => kill_process(number, signal),
            _ => return Ok(()),
        },
    };
    match sent {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits until all have ended, so far as the bound allows. A zombie whose parent sleeps has ended.
async fn all_gone(targets: &[Seen]) -> io::Result<bool> {
    let deadline = tokio::time::Instant::now() + KILL_PATIENCE / PASSES;
    for target in targets {
        if tokio::time::timeout_at(deadline, ended(target.pid, target.started)).await.is_err() {
            return Ok(look_at(target.pid)?.is_none_or(|seen| seen.ended || seen.started != target.started));
        }
    }
    Ok(true)
}
