//! Copies of the child's data, made while nothing runs: `backup/<id>/copy-<n>/` and, last, `manifest.json`.
//!
//! Start at [`back_up`]. The manifest names the copy that counts, so making another one of the same name is also one
//! step: what the old manifest names stays until the new one is there. Putting back is `put_back`'s.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

use super::Core;
use super::disk::{OPEN_TO_READ, PRIVATE, names_in, refused, what_lies_at};
use super::document::Document;
use super::put_back;
use super::tree::{self, Entries};
use crate::ports::{BackupId, VaultError};

const MANIFEST: Document = Document::new("manifest");
/// A line for each file of the data; two million of them.
const LONGEST: u64 = 256 * 1024 * 1024;

/// What a copy is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// `copy-<number>` is the folder.
    pub(super) number: u32,
    /// When it was made; the newest are kept.
    pub(super) made: jiff::Timestamp,
    /// What was to be copied.
    pub(super) tops: Vec<Top>,
    /// What was.
    pub(super) entries: Entries,
}

/// One path of the settings.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Top {
    /// Below the home folder.
    pub(super) path: PathBuf,
    /// Whether anything lay there. Where nothing did, nothing lies there after putting back.
    pub(super) present: bool,
}

pub(super) fn data_size(core: &Core) -> Result<u64, VaultError> {
    let mut sum = 0_u64;
    for top in tops(core)? {
        sum = sum.saturating_add(tree::size(&tree::walk(&core.plan.home, &top)?));
    }
    Ok(sum)
}

pub(super) fn back_up(core: &Core, id: &BackupId) -> Result<(), VaultError> {
    let folder = folder_of(core, id)?;
    let before = read_manifest(&folder)?;
    if put_back::is_half_done(&folder)? {
        let reason = "putting this copy back was begun and not ended; what lies in the home folder is not whole";
        return Err(refused("copy over", &folder, io::ErrorKind::InvalidInput, reason));
    }
    core.disk.make_folder(&core.state, OPEN_TO_READ)?;
    core.disk.make_folder(&folder, PRIVATE)?;
    core.disk.set_mode(&core.backups(), PRIVATE)?;
    sweep(core, &folder, before.as_ref().map(|before| before.number))?;

    let number = before.map_or(1, |before| before.number.saturating_add(1));
    let to = copy_in(&folder, number);
    core.disk.make_folder(&to, PRIVATE)?;
    let home = &core.plan.home;
    let mut found = Vec::new();
    let mut noted = Vec::new();
    for top in tops(core)? {
        let here = tree::walk(home, &top)?;
        make_folders_above(core, &to, &top)?;
        warn_of_link(&home.join(&top))?;
        noted.push(Top { present: !here.is_empty(), path: top });
        found.extend(here);
    }
    let entries = match tree::copy(core, home, &to, &found, Path::new("")) {
        Ok(entries) => entries,
        Err(error) => {
            // Half a copy is only in the way, most of all on a full disk. The first error is the one worth telling.
            let _ = core.disk.remove_tree(&to);
            return Err(error);
        }
    };
    let manifest = Manifest { number, made: core.clock.now(), tops: noted, entries };
    MANIFEST.write_single(core, &manifest_path(&folder), &manifest, LONGEST)?;
    sweep(core, &folder, Some(number))
}

/// What a complete copy holds; none: there is no complete copy of this name.
pub(super) fn read_manifest(folder: &Path) -> Result<Option<Manifest>, VaultError> {
    MANIFEST.read_single(&manifest_path(folder), LONGEST)
}

/// Where a copy of this name lies, if the name is one.
pub(super) fn folder_of(core: &Core, id: &BackupId) -> Result<PathBuf, VaultError> {
    const LONGEST_NAME: usize = 128;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let name = &id.0;
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_plain);
    let folder = core.backups().join(name);
    if is_name && !name.starts_with('.') && !name.ends_with('.') && !super::disk::is_unfinished(&folder) {
        return Ok(folder);
    }
    let reason = "the name of a copy is letters, digits, \"-\", \"_\" and \".\"";
    Err(refused("copy to", Path::new(name), io::ErrorKind::InvalidInput, reason))
}

/// The folder of a copy.
pub(super) fn copy_in(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("copy-{number}"))
}

/// A path that is not at the top needs the folders above it.
pub(super) fn make_folders_above(core: &Core, root: &Path, top: &Path) -> Result<(), VaultError> {
    match root.join(top).parent() {
        Some(above) => core.disk.make_folder(above, PRIVATE),
        None => Ok(()),
    }
}

/// The paths of the settings, checked; one that lies in another is part of it.
fn tops(core: &Core) -> Result<Vec<PathBuf>, VaultError> {
    let mut paths = core.plan.backup.paths.clone();
    // Component by component, so that "messages/" and "messages" are one.
    paths = paths.iter().map(|path| path.components().collect()).collect();
    paths.sort();
    let mut tops: Vec<PathBuf> = Vec::new();
    for path in paths {
        tree::below_home(core, &path)?;
        if !tops.iter().any(|top| path.starts_with(top)) {
            tops.push(path);
        }
    }
    Ok(tops)
}

/// Copies that the manifest does not name are halves, or older than the one that counts.
fn sweep(core: &Core, folder: &Path, keep: Option<u32>) -> Result<(), VaultError> {
    let keep = keep.map(|number| copy_in(folder, number));
    for path in names_in(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if super::disk::is_unfinished(&path) || (name.starts_with("copy-") && Some(&path) != keep.as_ref()) {
            core.disk.remove_tree(&path)?;
        }
    }
    Ok(())
}

fn warn_of_link(path: &Path) -> Result<(), VaultError> {
    if what_lies_at(path)?.is_some_and(|metadata| metadata.file_type().is_symlink()) {
        tracing::warn!(path = %path.display(), "it is a symbolic link: the link is copied, not what it leads to");
    }
    Ok(())
}

fn manifest_path(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}
