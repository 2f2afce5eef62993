//! Processes as `/proc` shows them.

use crate::host::{Seen, Surroundings};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// No command line that we look for is longer.
const COMMAND_LINE_LIMIT: u64 = 256 * 1024;
/// `/proc/<pid>/stat` is one line.
const STAT_LIMIT: u64 = 4096;

/// Which boot of the machine this is.
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(|_| "unknown".into(), |id| id.trim().to_owned())
}

/// When the living process of this number started; none: nobody lives under this number.
///
/// # Errors
/// `/proc` cannot be read.
pub fn identify(pid: u32) -> io::Result<Option<u64>> {
    Ok(look_at(pid)?.filter(|seen| !seen.ended).map(|seen| seen.started))
}

/// The process of this number, also one that has ended and was not reaped.
pub(super) fn look_at(pid: u32) -> io::Result<Option<Seen>> {
    let mut text = Vec::new();
    let read = File::open(format!("/proc/{pid}/stat")).and_then(|file| file.take(STAT_LIMIT).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(parse(&String::from_utf8_lossy(&text))),
        // ESRCH: it ended between the opening and the reading.
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All processes that we may see.
///
/// # Errors
/// `/proc` cannot be read.
pub fn processes() -> io::Result<Vec<Seen>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) {
            // One that is hidden from us is none of ours.
            all.extend(look_at(pid).ok().flatten());
        }
    }
    Ok(all)
}

/// In what surroundings these processes work.
pub fn surroundings(pids: &[u32]) -> Vec<Surroundings> {
    let of = |pid: &u32| Surroundings { pid: *pid, folder: working_folder(*pid), command_line: command_line(*pid) };
    pids.iter().map(of).collect()
}

fn working_folder(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

fn command_line(pid: u32) -> Vec<OsString> {
    let mut bytes = Vec::new();
    let read = File::open(format!("/proc/{pid}/cmdline"))
        .and_then(|file| file.take(COMMAND_LINE_LIMIT).read_to_end(&mut bytes));
    if read.is_err() || bytes.is_empty() {
        return Vec::new();
    }
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

/// `pid (name) state parent group session …`; the name may hold blanks and parentheses.
fn parse(stat: &str) -> Option<Seen> {
    let (head, tail) = stat.rsplit_once(')')?;
    let pid = head.split_once(' ')?.0.parse().ok()?;
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    // The fields are counted from one in proc(5): 7 to 19 lie between the session and the number of threads.
    let threads: u64 = fields.nth(13)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    // A first thread that has ended looks dead while the others go on.
    let ended = matches!(state, "Z" | "X" | "x") && threads <= 1;
    Some(Seen { pid, parent, group, session, started, ended })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_does_not_shift_the_fields() {
        let stat = "4242 (a) b (c) S 1 4242 4241 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 31 0 987654 1 2";
        let seen = parse(stat).unwrap();
        assert_eq!((seen.pid, seen.parent, seen.group, seen.session), (4242, 1, 4242, 4241));
        assert_eq!((seen.started, seen.ended), (987_654, false));
    }

    #[test]
    fn a_zombie_has_ended_but_not_one_whose_threads_go_on() {
        let zombie = |threads| format!("7 (x) Z 1 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 {threads} 0 99 1");
        assert!(parse(&zombie(1)).unwrap().ended);
        assert!(!parse(&zombie(2)).unwrap().ended);
    }

    #[test]
    fn we_see_ourselves() {
        let pid = std::process::id();
        assert!(identify(pid).unwrap().is_some());
        let around = surroundings(&[pid]).remove(0);
        assert_eq!(around.folder.unwrap(), std::env::current_dir().unwrap());
        assert!(!around.command_line.is_empty());
        assert!(processes().unwrap().iter().any(|seen| seen.pid == pid));
    }

    #[test]
    fn nobody_lives_under_a_number_that_cannot_be() {
        assert_eq!(identify(u32::MAX).unwrap(), None);
    }
}
