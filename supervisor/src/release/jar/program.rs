//! The program of a native release: a zip with `bin/<artifact>` in it, or `bin/<artifact>.exe` for Windows.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::directory::Directory;
use super::{JarError, Said};
use crate::release::Sha256;

/// What kind of program is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Everything but Windows.
    Unix,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one that this program was built for.
    pub const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Unix };
}

impl Said {
    /// The entry that is the program of this artifact.
    ///
    /// # Errors
    /// There is none.
    pub fn program(&self, artifact: &str, platform: Platform) -> Result<&str, JarError> {
        let wanted = match platform {
            Platform::Unix => format!("bin/{artifact}"),
            Platform::Windows => format!("bin/{artifact}.exe"),
        };
        let found = self.programs.iter().find(|name| **name == wanted);
        found.map(String::as_str).ok_or(JarError::NoProgram { wanted })
    }
}

/// Writes an entry to a new file that its owner may execute, and through to the disk. Nothing is left of it where that
/// fails.
///
/// # Errors
/// The archive is refused, the entry is larger than the limit or damaged, or the file is there or cannot be written.
pub fn unpack(file: &mut (impl Read + Seek), entry: &str, to: &Path, limit: u64) -> Result<Sha256, JarError> {
    let directory = Directory::read(file)?;
    let entry = directory.named(entry).ok_or_else(|| JarError::NoProgram { wanted: entry.to_owned() })?;
    let failed = |source| JarError::Unpack { path: to.to_owned(), source };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    let made = options.open(to).map_err(failed)?;
    efm::owner::hand_over(&made, to);
    let mut target = Target { file: made, hash: ring::digest::Context::new(&ring::digest::SHA256), failed: None };
    let written = entry.copy(file, limit, &mut target);
    let written = match target.failed.take() {
        Some(source) => Err(failed(source)),
        None => written,
    };
    let written = written.and_then(|()| target.file.sync_all().map_err(failed));
    let written = written.and_then(|()| efm::atomic::sync_folder_of(to).map_err(failed));
    drop(target.file);
    match written {
        Ok(()) => Ok(Sha256::from(target.hash.finish())),
        Err(error) => {
            // The first error is the one worth telling.
            let _ = std::fs::remove_file(to);
            Err(error)
        }
    }
}

/// A file and its hash; what fails in writing is told from what fails in reading.
struct Target {
    file: File,
    hash: ring::digest::Context,
    failed: Option<std::io::Error>,
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.hash.update(bytes);
                Ok(bytes.len())
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
