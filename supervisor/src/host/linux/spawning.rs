//! Starting a process that outlives us, and asking how our own children ended so that no zombie is left.

use super::processes::look_at;
use crate::ports::Exit;
use process_wrap::std::{CommandWrap, ProcessSession};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::process::Command;

/// So many ended children are remembered.
const REMEMBERED: usize = 16;

/// The processes that we started ourselves.
#[derive(Debug, Default)]
pub struct Children {
    known: RefCell<VecDeque<Known>>,
}

#[derive(Debug)]
struct Known {
    pid: u32,
    started: u64,
    exit: Option<Exit>,
}

impl Children {
    /// Starts it in a session of its own, so that neither our terminal nor our end reaches it. Gives its number and
    /// start time.
    ///
    /// # Errors
    /// As `std::process::Command::spawn`.
    pub fn start(&self, command: Command) -> io::Result<(u32, u64)> {
        self.reap();
        let mut child = CommandWrap::from(command).wrap(ProcessSession).spawn()?;
        let pid = child.id();
        // Nobody but us can reap it, so its entry is there even if it has ended already.
        let Some(seen) = look_at(pid).ok().flatten() else {
            // What we cannot name we could never stop.
            child.start_kill()?;
            return Err(io::Error::other("its entry in /proc cannot be read"));
        };
        let started = seen.started;
        let mut known = self.known.borrow_mut();
        known.push_back(Known { pid, started, exit: None });
        if known.len() > REMEMBERED {
            let ended = known.iter().position(|one| one.exit.is_some());
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
        self.reap();
        self.known.borrow().iter().find(|one| one.pid == pid && one.started == started)?.exit
    }

    /// Asks each of our children whether it has ended. Until then its number is not given to anybody else.
    pub fn reap(&self) {
        for one in self.known.borrow_mut().iter_mut().filter(|one| one.exit.is_none()) {
            let Some(pid) = i32::try_from(one.pid).ok().and_then(Pid::from_raw) else { continue };
            match waitpid(Some(pid), WaitOptions::NOHANG) {
                Ok(None) => {}
                Ok(Some((_, status))) => {
                    let code = status.exit_status().map(Exit::Code);
                    one.exit = code.or_else(|| status.terminating_signal().map(Exit::Signal));
                }
                // Somebody else reaped it.
                Err(_) => one.exit = Some(Exit::Gone),
            }
        }
    }
}
