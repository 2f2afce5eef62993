//! One supervisor a home folder: a lock of the operating system on `kosmos/lock`, held for as long as [`HomeLock`]
//! lives.
//!
//! The system lets go of it when the process ends, however it ends, so a text that a dead one left says nothing about
//! whether it is free. Who holds it stands in `lock.holder` beside it: on Windows a locked file cannot be read by
//! others.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, OPEN_TO_READ, failed, refused};
use crate::ports::{VaultError, state_folder};

/// The home folder is ours. Clones hold the same lock; it is let go with the last.
#[derive(Clone, Debug)]
pub struct HomeLock {
    _file: Arc<File>,
}

/// Takes the home folder, or says who has it.
pub fn lock(home: &Path) -> Result<HomeLock, VaultError> {
    let state = state_folder(home);
    if !home.is_dir() {
        return Err(refused("lock", home, io::ErrorKind::NotFound, "there is no such folder"));
    }
    let disk = Disk::default();
    disk.make_folder(&state, OPEN_TO_READ)?;
    let path = state.join("lock");
    // A lock on a file of a share needs the right to write.
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false);
    let file = efm::owner::open_or_make(&path, &options).map_err(failed("open", &path))?;
    let holder = state.join("lock.holder");
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(VaultError::Locked { path, holder: who(&holder) }),
        Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
    }
    let since = efm::clock::Clock::machine().now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let text = format!("{} (since {since})\n", std::process::id());
    if let Err(error) = disk.replace(&holder, text.as_bytes()) {
        // It is only for the message; the lock itself is held.
        tracing::warn!(error = %efm::chain::Chain(&error), "holder of the lock not written down");
    }
    Ok(HomeLock { _file: Arc::new(file) })
}

/// Who has the home folder; none: nobody has it.
pub fn holder(home: &Path) -> Option<String> {
    let state = state_folder(home);
    // Shared, and let go at once: it stands in nobody's way for longer than a moment.
    let file = File::open(state.join("lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(who(&state.join("lock.holder"))),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn who(holder: &Path) -> String {
    const LONGEST: u64 = 200;
    let mut text = String::new();
    let read =
        File::open(holder).and_then(|file| io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text));
    match (read, text.trim()) {
        (Ok(_), said) if !said.is_empty() => said.to_owned(),
        _ => "that did not say who it is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_which_process_holds_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let first = lock(home.path()).unwrap();
        let message = lock(home.path()).unwrap_err().to_string();
        assert!(message.contains(&format!("held by process {} (since 2", std::process::id())), "{message}");
        assert!(holder(home.path()).unwrap().starts_with(&std::process::id().to_string()));
        drop(first);
        assert_eq!(holder(home.path()), None);
        lock(home.path()).unwrap();
    }

    #[test]
    fn what_a_dead_one_wrote_is_no_obstacle() {
        let home = tempfile::tempdir().unwrap();
        let state = state_folder(home.path());
        std::fs::create_dir(&state).unwrap();
        File::create(state.join("lock")).unwrap();
        efm::atomic::replace(&state.join("lock.holder"), b"4711 (since 2001-01-01T00:00:00Z)\n").unwrap();
        let held = lock(home.path()).unwrap();
        let holder = std::fs::read_to_string(state.join("lock.holder")).unwrap();
        assert!(holder.starts_with(&std::process::id().to_string()), "{holder}");
        drop(held);
    }

    #[test]
    fn a_home_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(lock(&folder.path().join("home")).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_lock_is_let_go_when_the_holder_is_killed() {
        const HOME: &str = "KOSMOS_TEST_LOCK_HOME";
        #[allow(clippy::disallowed_methods, reason = "how this test talks to its own second process")]
        if let Some(home) = std::env::var_os(HOME) {
            let _held = lock(Path::new(&home)).unwrap();
            println!("held");
            let _ = io::Read::read(&mut io::stdin(), &mut [0]);
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let this = "vault::lock::tests::the_lock_is_let_go_when_the_holder_is_killed";
        let mut other = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(HOME, home.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = io::BufReader::new(other.stdout.take().unwrap());
        assert!(io::BufRead::lines(lines).any(|line| line.unwrap().contains("held")));
        let message = lock(home.path()).unwrap_err().to_string();
        assert!(message.contains(&other.id().to_string()), "{message}");
        other.kill().unwrap();
        other.wait().unwrap();
        lock(home.path()).unwrap();
    }
}
