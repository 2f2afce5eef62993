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
    let beside = unfinished_name(path);
    let written = write_through(&beside, bytes).and_then(|()| rename(&beside, path));
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
    match retry_while_held_open(|| fs::remove_file(path)) {
        Ok(()) => sync_folder_of(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
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

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    crate::owner::hand_over(&file, path);
    file.write_all(bytes)?;
    file.sync_all()
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
    // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
    matches!(error.raw_os_error(), Some(5 | 32 | 33))
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

    #[test]
    fn a_failed_replace_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("full")).unwrap();
        assert!(replace(&taken, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
