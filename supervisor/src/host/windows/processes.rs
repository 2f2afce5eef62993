//! Processes, ports and folders as Windows shows them. Safe: the calls are in the file above.

#![deny(unsafe_code)]

use super::{created, exit_code, listener_table, open_process, snapshot};
use crate::host::{Listener, Seen, Surroundings};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use windows_sys::Win32::System::Threading::{PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE};

/// What is enough to know a process and to wait for it.
pub(super) const TO_LOOK: u32 = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE;

/// Which boot of the machine this is. The moment of creation is a date here, so that no two boots can be mixed up.
pub fn boot() -> String {
    "dates".into()
}

/// When the living process of this number was created; none: nobody lives under this number.
///
/// # Errors
/// It may not be looked at.
pub fn identify(pid: u32) -> io::Result<Option<u64>> {
    let Some(process) = open_process(pid, TO_LOOK)? else { return Ok(None) };
    // One that has ended keeps its number while somebody has a handle on it.
    if exit_code(&process)?.is_some() { Ok(None) } else { created(&process).map(Some) }
}

/// All processes. One that we may not look at has no moment of creation, and so is nobody's child.
///
/// # Errors
/// The system does not show them.
pub fn processes() -> io::Result<Vec<Seen>> {
    let seen = |(pid, parent)| {
        let looked = identify(pid);
        let ended = matches!(looked, Ok(None));
        Seen { pid, parent, group: 0, session: 0, started: looked.ok().flatten().unwrap_or(0), ended }
    };
    Ok(snapshot()?.into_iter().map(seen).collect())
}

/// In what surroundings these processes work. One look for all of them.
pub fn surroundings(pids: &[u32]) -> Vec<Surroundings> {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
    let Ok(mut system) = System::new() else { return Vec::new() };
    let wanted: Vec<Pid> = pids.iter().map(|pid| Pid::from_u32(*pid)).collect();
    let kind = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always).with_cwd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&wanted), false, kind);
    let around = |pid: &Pid| {
        let process = system.process(*pid)?;
        Some(Surroundings {
            pid: pid.as_u32(),
            folder: process.cwd().map(PathBuf::from),
            command_line: process.cmd().to_vec(),
        })
    };
    wanted.iter().filter_map(around).collect()
}

/// All sockets that listen on this port.
///
/// # Errors
/// The system does not show them.
pub fn listening(port: u16) -> io::Result<Vec<Listener>> {
    // AF_INET with rows of 6 words, AF_INET6 with rows of 14.
    let mut found = listeners(&listener_table(2)?, 6, port, row_of_four);
    // A machine without IPv6 has no table of it.
    found.extend(listeners(&listener_table(23).unwrap_or_default(), 14, port, row_of_six));
    Ok(found)
}

/// Address, port as the network has it, and owner of a row.
type Row = fn(&[u32]) -> Option<(IpAddr, u32, u32)>;

fn listeners(table: &[u32], words: usize, port: u16, row: Row) -> Vec<Listener> {
    let Some((count, rows)) = table.split_first() else { return Vec::new() };
    let count = usize::try_from(*count).unwrap_or(0);
    let listener = |(address, listens_on, owner): (IpAddr, u32, u32)| {
        let [high, low, ..] = listens_on.to_ne_bytes();
        (u16::from_be_bytes([high, low]) == port).then_some(Listener { address, key: owner.into() })
    };
    rows.chunks_exact(words).take(count).filter_map(row).filter_map(listener).collect()
}

/// `MIB_TCPROW_OWNER_PID`
fn row_of_four(row: &[u32]) -> Option<(IpAddr, u32, u32)> {
    let &[_state, address, port, _, _, owner] = row else { return None };
    Some((Ipv4Addr::from(address.to_ne_bytes()).into(), port, owner))
}

/// `MIB_TCP6ROW_OWNER_PID`
fn row_of_six(row: &[u32]) -> Option<(IpAddr, u32, u32)> {
    let (&[one, two, three, four, _scope, port], &[.., _state, owner]) = (row.first_chunk::<6>()?, row) else {
        return None;
    };
    let mut bytes = [0; 16];
    for (part, word) in bytes.chunks_exact_mut(4).zip([one, two, three, four]) {
        part.copy_from_slice(&word.to_ne_bytes());
    }
    Some((Ipv6Addr::from(bytes).to_canonical(), port, owner))
}

/// Whether this process has the socket.
pub fn holds(pid: u32, listener: &Listener) -> bool {
    listener.key == u64::from(pid)
}

/// Who has the socket.
pub fn holder(listener: &Listener) -> Option<u32> {
    u32::try_from(listener.key).ok()
}

/// Folders in which JVMs lie on this system.
pub fn java_folders() -> Vec<PathBuf> {
    const VENDORS: [&str; 7] =
        ["Java", "Eclipse Adoptium", "Microsoft", "Amazon Corretto", "Zulu", "BellSoft", "Semeru"];
    let programs = crate::child::environment::variable("ProgramFiles").map(PathBuf::from);
    let programs = programs.unwrap_or_else(|| PathBuf::from("C:\\Program Files"));
    VENDORS.into_iter().map(|vendor| programs.join(vendor)).collect()
}

/// No file system of Windows cuts a file at its front.
///
/// # Errors
/// Always `Unsupported`.
pub fn cut_front(_file: &File, _length: u64) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_see_ourselves() {
        let pid = std::process::id();
        assert!(identify(pid).unwrap().is_some());
        assert!(processes().unwrap().iter().any(|seen| seen.pid == pid && !seen.ended && seen.started > 0));
        let around = surroundings(&[pid]).remove(0);
        assert!(!crate::host::tells_owners() || !around.command_line.is_empty(), "{around:?}");
        let own = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(around.folder.unwrap().canonicalize().unwrap(), own);
    }

    #[test]
    fn nobody_lives_under_a_number_that_cannot_be() {
        assert_eq!(identify(u32::MAX - 3).unwrap_or(None), None);
    }

    #[test]
    fn rows_of_both_families_are_read_and_a_short_table_is_no_harm() {
        let port = u32::from_ne_bytes([0x23, 0x85, 0, 0]);
        let four = [1, 2, u32::from_ne_bytes([127, 0, 0, 1]), port, 0, 0, 42, 7];
        let found = listeners(&four, 6, 9093, row_of_four);
        assert_eq!(found, [Listener { address: Ipv4Addr::LOCALHOST.into(), key: 42 }]);
        assert!(listeners(&four, 6, 9094, row_of_four).is_empty());
        let six = [1, 0, 0, 0, u32::from_ne_bytes([0, 0, 0, 1]), 0, port, 0, 0, 0, 0, 0, 0, 2, 43];
        let found = listeners(&six, 14, 9093, row_of_six);
        assert_eq!(found, [Listener { address: Ipv6Addr::LOCALHOST.into(), key: 43 }]);
        assert!(listeners(&[9, 1, 2], 6, 9093, row_of_four).is_empty());
        assert!(listeners(&[], 6, 9093, row_of_four).is_empty());
    }
}
