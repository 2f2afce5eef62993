//! A log file that is turned over by size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A log file is turned over at this size.
const SIZE_BYTES: u64 = 10 << 20;
/// So many turned-over files are kept.
const KEPT: u32 = 5;

/// A file that is turned over when it has grown: `kosmos.log`, `kosmos.log.1`, …
#[derive(Clone, Debug)]
pub(super) struct LogFile(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    length: u64,
}

impl LogFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            crate::owner::make_folders(folder)?;
        }
        let file = crate::owner::open_or_make(path, OpenOptions::new().append(true))?;
        let length = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Open { path: path.to_owned(), file, length }))))
    }
}

impl Open {
    fn turn_over(&mut self) -> io::Result<()> {
        let numbered = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        for number in (1..KEPT).rev() {
            if numbered(number).exists() {
                fs::rename(numbered(number), numbered(number + 1))?;
            }
        }
        fs::rename(&self.path, numbered(1))?;
        self.file = crate::owner::open_or_make(&self.path, OpenOptions::new().append(true))?;
        self.length = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.length >= SIZE_BYTES {
            // A file that cannot be turned over is written on: a log that is too long is better than none.
            let _ = open.turn_over();
        }
        let written = open.file.write(bytes)?;
        open.length = open.length.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_file_is_turned_over_at_its_size_and_a_bounded_number_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("kosmos.log");
        let mut log = LogFile::open(&path).unwrap();
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..75 {
            log.write_all(&chunk).unwrap();
        }
        let count = fs::read_dir(folder.path().join("logs")).unwrap().count();
        assert_eq!(count, 6, "the log and five before it");
        assert!(fs::metadata(&path).unwrap().len() <= SIZE_BYTES);
    }
}
