//! What a crash may have left: blobs that nobody has named yet or names no more, and unfinished ones.

use crate::domain::BlobId;
use efm::atomic;
use jiff::Timestamp;
use std::fs::DirEntry;
use std::io;
use std::path::Path;

/// The whole ones of a folder that are older; unfinished ones that are older are removed.
pub(super) fn older(folder: &Path, before: Timestamp) -> io::Result<Vec<BlobId>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut whole = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if !is_older(&entry, before) {
            continue;
        }
        if name.ends_with(atomic::UNFINISHED) {
            atomic::remove(&entry.path())?;
        } else if let Ok(id) = BlobId::parse(&name) {
            whole.push(id);
        }
    }
    Ok(whole)
}

/// What has just gone is not older: somebody has it in hand.
fn is_older(entry: &DirEntry, before: Timestamp) -> bool {
    let written = entry.metadata().and_then(|it| it.modified()).ok().and_then(|it| Timestamp::try_from(it).ok());
    written.is_some_and(|written| written < before)
}
