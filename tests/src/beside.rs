//! The archive that a native program was unpacked from: it lies beside it, and says how the program is to behave.

use std::io;
use std::path::{Path, PathBuf};

/// The archive in this folder; none: it was not unpacked.
pub fn archive(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("integrasjonspunkt-") && path.extension().is_some_and(|ending| ending == "zip") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
