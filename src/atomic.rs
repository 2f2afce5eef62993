//! Files that are either the old one or the new one, whatever happens: write beside, fsync, rename, fsync the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ends the name of a file that is being written. A file with this ending is nobody's and may be swept.
pub const UNFINISHED: &str = ".unfinished";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Replaces `path` with `bytes` in one step that survives a power cut.
///
/// # Errors
/// The file is then as it was; nothing is left beside it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(Readers::AsTheSystemSays, path, bytes)
}

/// As [`replace`], and nobody else on this machine may read it. On Windows the access list of the folder decides that.
///
/// # Errors
/// As [`replace`].
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(Readers::Owner, path, bytes)
}

/// As [`replace`], for a file that every user of this machine may read whatever the umask is. On Windows the access
/// list of the folder decides that.
///
/// # Errors
/// As [`replace`].
pub fn replace_for_all_to_read(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(Readers::All, path, bytes)
}

/// Who may read a file. None of them lets anybody else write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    AsTheSystemSays,
    Owner,
    All,
}

fn replace_for(readers: Readers, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = unfinished_name(path);
    let written = write_through(readers, &beside, bytes).and_then(|()| rename(&beside, path));
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Renames and makes the rename itself durable.
///
/// # Errors
/// As `std::fs::rename`, or the folder could not be synchronised.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    retry_while_held_open(|| fs::rename(from, to))?;
    sync_folder_of(to)
}

/// Removes the file if it is there, durably.
///
/// # Errors
/// As `std::fs::remove_file`, but a file that is already gone is no error.
pub fn remove(path: &Path) -> io::Result<()> {
    if let_go(path)? { sync_folder_of(path) } else { Ok(()) }
}

/// As [`remove`], but a power cut may bring it back: for what is swept then. Says whether it was there.
///
/// # Errors
/// As [`remove`].
pub fn let_go(path: &Path) -> io::Result<bool> {
    match retry_while_held_open(|| fs::remove_file(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a folder and all that is in it.
///
/// # Errors
/// As `std::fs::remove_dir_all`.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    retry_while_held_open(|| fs::remove_dir_all(path))
}

/// Flushes the folder that holds `path`, so that a rename in it outlives a power cut.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    // Windows has no fsync of a folder; NTFS journals the rename itself.
    if cfg!(unix) {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn write_through(readers: Readers, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(readers, path)?;
    crate::owner::hand_over(&file, path);
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn create(readers: Readers, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if readers == Readers::Owner {
        options.mode(0o600);
    }
    let file = options.open(path)?;
    if readers == Readers::All {
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn create(_readers: Readers, path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn unfinished_name(path: &Path) -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}-{number}{UNFINISHED}", std::process::id()));
    path.with_file_name(name)
}

/// On Windows a virus scanner or a reader may hold a file for a moment; two seconds in all, then it is an error.
fn retry_while_held_open(mut act: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    const TRIES: u32 = 20;
    let mut tried = 0;
    loop {
        tried += 1;
        match act() {
            Err(error) if cfg!(windows) && tried < TRIES && is_held_open(&error) => {
                #[allow(
                    clippy::disallowed_methods,
                    reason = "synchronous code on Windows has no event to wait for here"
                )]
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            done => return done,
        }
    }
}

fn is_held_open(error: &io::Error) -> bool {
    // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, and ERROR_DIR_NOT_EMPTY: what was removed while
    // somebody has it open is gone only when he closes it.
    matches!(error.raw_os_error(), Some(5 | 32 | 33 | 145))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_bytes_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("current.json");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_read_by_nobody_else_whatever_lay_there() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        replace(&path, b"one").unwrap();
        replace_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_for_all_can_be_read_by_all_and_written_by_one() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kosmos.prom");
        replace_for_all_to_read(&path, b"one").unwrap();
        replace_for_all_to_read(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_a_scanner_holds_for_a_moment_is_replaced_and_removed_when_it_lets_go() {
        use std::os::windows::fs::OpenOptionsExt;
        const SHARED_FOR_READING: u32 = 1;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("current.json");
        replace(&path, b"old").unwrap();
        let held_while = |act: &dyn Fn() -> io::Result<()>| {
            let held = OpenOptions::new().read(true).share_mode(SHARED_FOR_READING).open(&path).unwrap();
            assert!(is_held_open(&fs::remove_file(&path).unwrap_err()));
            let (done, finished) = std::sync::mpsc::channel::<()>();
            let scanner = std::thread::spawn(move || {
                // Longer than a first try takes, shorter than all of them.
                let _ = finished.recv_timeout(std::time::Duration::from_millis(400));
                drop(held);
            });
            let acted = act();
            drop(done);
            scanner.join().unwrap();
            acted
        };
        held_while(&|| replace(&path, b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        held_while(&|| remove_folder(folder.path())).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_failed_replace_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("full")).unwrap();
        assert!(replace(&taken, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
