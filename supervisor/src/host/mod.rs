//! What only the operating system knows: processes, ports, signals, consoles.
//!
//! [`system`] is one module with two bodies, Linux and Windows; both have the same functions with the same meaning, so
//! that nothing outside this folder asks which system it runs on. Nothing here decides anything.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

pub mod console;
pub mod events;
pub mod machine;
pub mod manager;
pub mod scm;
pub mod service;

#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "linux")]
pub use linux as system;

#[cfg(windows)]
pub mod windows;
#[cfg(windows)]
pub use windows as system;

#[cfg(not(any(target_os = "linux", windows)))]
compile_error!("kosmos knows processes on Linux and Windows only");

/// A process as it was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub pid: u32,
    /// Who started it, or who took it over.
    pub parent: u32,
    /// Its process group; zero on Windows.
    pub group: u32,
    /// Its session; zero on Windows.
    pub session: u32,
    /// When it started, in the system's own unit.
    pub started: u64,
    /// It has ended, and nobody has asked how.
    pub ended: bool,
}

/// In what surroundings a process works, so far as we may know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Its number.
    pub pid: u32,
    /// Its working folder.
    pub folder: Option<PathBuf>,
    /// Its program and arguments.
    pub command_line: Vec<OsString>,
}

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// On which address.
    pub address: IpAddr,
    /// How the system finds its owner: the inode on Linux, the process on Windows.
    pub(crate) key: u64,
}

/// All that descends from `root`, without it.
pub(crate) fn descendants(all: &[Seen], root: Seen) -> Vec<Seen> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        for seen in all {
            // A child is never older than its parent; on Windows a parent's number may have been given away since.
            let born_later = seen.started >= parent.started;
            if seen.parent == parent.pid && born_later && !found.iter().any(|known| known.pid == seen.pid) {
                found.push(*seen);
            }
        }
    }
    found.remove(0);
    found
}

/// Ourselves and all that we descend from: never signalled, whatever the tree looks like.
pub(crate) fn ourselves(all: &[Seen]) -> Vec<u32> {
    let mut line = vec![std::process::id()];
    while let Some(seen) = line.last().and_then(|pid| all.iter().find(|seen| seen.pid == *pid)) {
        if seen.parent == 0 || line.contains(&seen.parent) {
            break;
        }
        line.push(seen.parent);
    }
    line
}

/// Tests under Wine: it does not say who listens, nor with what words a process was started.
#[cfg(test)]
pub(crate) fn tells_owners() -> bool {
    let wine = cfg!(windows) && std::path::Path::new("C:\\windows\\system32\\winecfg.exe").exists();
    if wine {
        println!("left out in part: Wine does not tell what Windows tells");
    }
    !wine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pid: u32, parent: u32, started: u64) -> Seen {
        Seen { pid, parent, group: 0, session: 0, started, ended: false }
    }

    #[test]
    fn descendants_are_found_through_all_generations_and_never_twice() {
        let all = [seen(2, 1, 5), seen(3, 2, 6), seen(4, 3, 7), seen(9, 1, 8), seen(5, 5, 9)];
        let pids = |root| descendants(&all, root).iter().map(|s| s.pid).collect::<Vec<_>>();
        assert_eq!(pids(seen(2, 1, 5)), [3, 4]);
        assert_eq!(pids(seen(5, 5, 9)), [0_u32; 0]);
    }

    #[test]
    fn a_process_that_is_older_than_its_parent_is_not_its_child() {
        let all = [seen(2, 1, 50), seen(3, 2, 40)];
        assert!(descendants(&all, seen(2, 1, 50)).is_empty());
    }

    #[test]
    fn we_and_our_parents_are_ourselves() {
        let all = system::processes().unwrap();
        let line = ourselves(&all);
        assert_eq!(line.first(), Some(&std::process::id()));
        assert!(!tells_owners() || line.len() > 1, "somebody started this test");
    }
}
