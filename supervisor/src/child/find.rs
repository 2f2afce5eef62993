//! Which process is this home's integration point. Pure but for the looking: [`choose`] decides over values.
//!
//! It is never a process of another home on the same machine: what does not work in our folder, nor was started from an
//! archive in it, is not ours, whatever it listens on.

use super::port::Port;
use crate::host::system;
use crate::ports::Process;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// A process that may be it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    pid: u32,
    started: u64,
    /// It works in our home folder.
    at_home: bool,
    /// It listens on our port.
    listens: bool,
    /// The archive it was started from, when that is an integration point's.
    archive: Option<PathBuf>,
}

/// The integration point of this home that nobody remembers: KOSMOS, `WinSW` or a person started it.
///
/// # Errors
/// The system does not show its processes.
pub fn unremembered(home: &Path, port: &Port) -> io::Result<Option<Process>> {
    let home = canonical(home);
    let listeners = port.listeners()?;
    let mut candidates = Vec::new();
    let mut living = system::processes()?;
    living.retain(|seen| !seen.ended && seen.pid != std::process::id());
    let pids: Vec<u32> = living.iter().map(|seen| seen.pid).collect();
    for around in system::surroundings(&pids) {
        let Some(seen) = living.iter().find(|seen| seen.pid == around.pid) else { continue };
        let folder = around.folder;
        let archive = archive_of(&around.command_line, folder.as_deref(), &home);
        let at_home = folder.is_some_and(|folder| canonical(&folder) == home);
        if at_home || archive.is_some() {
            let listens = listeners.iter().any(|listener| system::holds(seen.pid, listener));
            candidates.push(Candidate { pid: seen.pid, started: seen.started, at_home, listens, archive });
        }
    }
    Ok(choose(candidates, &home).map(|chosen| Process {
        pid: chosen.pid,
        started: chosen.started,
        boot: system::boot(),
        archive: chosen.archive,
    }))
}

/// Who listens comes first, then who is oldest: of two that start, the first has the port soon and the other gives up.
fn choose(candidates: Vec<Candidate>, home: &Path) -> Option<Candidate> {
    let is_ours = |candidate: &Candidate| {
        let archive_at_home = candidate.archive.as_deref().is_some_and(|archive| archive.starts_with(home));
        if candidate.listens {
            candidate.at_home || archive_at_home
        } else {
            candidate.at_home && candidate.archive.is_some()
        }
    };
    candidates
        .into_iter()
        .filter(is_ours)
        .min_by_key(|candidate| (!candidate.listens, candidate.started, candidate.pid))
}

/// The archive or program that a command line starts, when it is an integration point's: the word after `-jar`, or the
/// first word. A command that only mentions the file (`sha256sum integrasjonspunkt-4.0.8.jar`) does not start it.
fn archive_of(command_line: &[OsString], folder: Option<&Path>, home: &Path) -> Option<PathBuf> {
    let after_jar = command_line.iter().skip_while(|word| *word != OsStr::new("-jar")).nth(1);
    let named = after_jar.or_else(|| command_line.first())?;
    let named = Path::new(named);
    // A relative name means nothing without the folder that it is relative to.
    let path = if named.is_absolute() { named.to_owned() } else { folder?.join(named) };
    let path = canonical(&path);
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let is_jar = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jar"));
    let by_name = name.starts_with("integrasjonspunkt") && (after_jar.is_none() || is_jar);
    let in_vault = path.starts_with(crate::ports::state_folder(home).join("versions"));
    (by_name || in_vault).then_some(path)
}

/// One name for one place, where the place is there.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(pid: u32, at_home: bool, listens: bool, archive: Option<&str>) -> Candidate {
        Candidate { pid, started: u64::from(pid), at_home, listens, archive: archive.map(PathBuf::from) }
    }

    fn chosen(candidates: Vec<Candidate>) -> Option<u32> {
        choose(candidates, Path::new("/home/a")).map(|chosen| chosen.pid)
    }

    #[test]
    fn the_listener_comes_before_one_that_still_starts_and_the_older_before_the_younger() {
        let starting = || candidate(1, true, false, Some("/home/a/integrasjonspunkt-1.jar"));
        let younger = || candidate(2, true, false, Some("/home/a/integrasjonspunkt-1.jar"));
        let listening = candidate(3, true, true, None);
        assert_eq!(chosen(vec![younger(), starting(), listening]), Some(3));
        assert_eq!(chosen(vec![younger(), starting()]), Some(1));
    }

    #[test]
    fn a_process_of_another_home_is_never_chosen() {
        let table = [
            candidate(1, false, true, Some("/home/b/integrasjonspunkt-1.jar")),
            candidate(2, false, false, Some("/home/a/integrasjonspunkt-1.jar")),
            candidate(3, false, true, None),
            candidate(4, true, false, None),
            candidate(5, false, true, Some("/home/ab/integrasjonspunkt-1.jar")),
        ];
        for stranger in table {
            assert_eq!(chosen(vec![stranger.clone()]), None, "{stranger:?}");
        }
        assert_eq!(chosen(vec![candidate(6, false, true, Some("/home/a/integrasjonspunkt-1.jar"))]), Some(6));
    }

    #[test]
    fn only_what_is_started_counts_not_what_is_mentioned() {
        let home = Path::new("/home/a");
        let archive = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            archive_of(&words, Some(home), home)
        };
        let jar = Some(PathBuf::from("/home/a/integrasjonspunkt-4.0.8.jar"));
        assert_eq!(archive(&["java", "-Xmx1g", "-jar", "integrasjonspunkt-4.0.8.jar", "--x=y"]), jar);
        assert_eq!(archive(&["/usr/bin/java", "-jar", "/home/a/integrasjonspunkt-4.0.8.jar"]), jar);
        assert!(archive(&["java", "-jar", "/home/a/kosmos/versions/4.0.8/app.jar"]).is_some());
        assert!(archive(&["/home/a/kosmos/versions/4.0.8/program"]).is_some());
        assert_eq!(archive(&["sha256sum", "integrasjonspunkt-4.0.8.jar"]), None);
        assert_eq!(archive(&["java", "-jar", "kosmos-4.0.8.jar"]), None);
        assert_eq!(archive(&["java", "-jar"]), None);
        assert_eq!(archive(&[]), None);
    }
}
