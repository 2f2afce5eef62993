//! Puts a copy of the child's data back, in steps of which each may be the last before a cut and the next after it.
//!
//! Start at [`put_back`]. First everything is made ready beside, verified; then `put-back.json` says that it begins;
//! then each path is set aside by a rename and the new one renamed into place; then the file says that it is done. Done
//! is done: the same call again changes nothing, since the old version has run on what was put back and may have taken
//! messages.
//!
//! Where there is no room for a second copy, the copy itself is moved into place: a full disk must not keep a roll-back
//! from happening. What lies on a volume of its own cannot be renamed away; it is copied aside, emptied and filled.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

use super::Core;
use super::backup::{self, Manifest, Top, copy_in, make_folders_above};
use super::disk::{PRIVATE, is_full, unfinished, what_lies_at};
use super::document::Document;
use super::tree;
use crate::ports::{BackupId, VaultError};

const RECORD: Document = Document::new("put-back");
const LONGEST: u64 = 1024 * 1024;
/// What is put into place, where it is not the copy itself.
const READY: &str = "ready";

/// How far it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    /// Which copy.
    number: u32,
    /// The folder from which it is put into place: `ready`, or the copy itself.
    from: String,
    /// `set-aside-<n>` is where goes what lay there.
    aside: u32,
    /// Paths on a volume of their own, that a rename cannot do.
    crossing: Vec<Crossing>,
    done: bool,
}

/// A path that is copied aside, emptied and filled, as often as it takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Crossing {
    path: PathBuf,
    /// Whether anything lay there when it began.
    has_old: bool,
}

pub(super) fn put_back(core: &Core, id: &BackupId) -> Result<(), VaultError> {
    let folder = backup::folder_of(core, id)?;
    let corrupt = |reason: &str| VaultError::Corrupt { path: folder.join("manifest.json"), reason: reason.into() };
    let manifest = backup::read_manifest(&folder)?.ok_or_else(|| corrupt("there is no complete copy of this name"))?;
    for top in &manifest.tops {
        tree::below_home(core, &top.path)?;
    }
    let mut record = match read_record(&folder)?.filter(|record| record.number == manifest.number) {
        Some(record) if record.done => {
            tracing::info!(backup = id.0, "copy was put back before; nothing to do");
            return core.disk.remove_tree(&folder.join(READY));
        }
        Some(record) => record,
        None => begin(core, &folder, &manifest)?,
    };
    for top in &manifest.tops {
        place(core, &folder, &mut record, top)?;
    }
    record.done = true;
    write_record(core, &folder, &record)?;
    core.disk.remove_tree(&folder.join(READY))
}

/// Whether this copy was put back, or is half-way.
pub(super) fn has_begun(core: &Core, id: &BackupId) -> Result<bool, VaultError> {
    let folder = backup::folder_of(core, id)?;
    let Some(manifest) = backup::read_manifest(&folder)? else { return Ok(false) };
    Ok(read_record(&folder)?.is_some_and(|record| record.number == manifest.number))
}

/// Whether putting back was begun and not ended.
pub(super) fn is_half_done(folder: &Path) -> Result<bool, VaultError> {
    Ok(read_record(folder)?.is_some_and(|record| !record.done))
}

/// Makes ready, verified, what is to be put into place; nothing in the home folder is touched before that.
fn begin(core: &Core, folder: &Path, manifest: &Manifest) -> Result<Record, VaultError> {
    let copy = copy_in(folder, manifest.number);
    let tops: Vec<PathBuf> = manifest.tops.iter().map(|top| top.path.clone()).collect();
    tree::compare(&copy, &tops, &manifest.entries)?
        .map_err(|reason| VaultError::Corrupt { path: copy.clone(), reason })?;
    let ready = folder.join(READY);
    let from = match make_ready(core, &copy, &ready, &tops) {
        Ok(()) => READY.to_owned(),
        Err(error) if is_full(&error) => {
            let error = efm::chain::Chain(&error).to_string();
            tracing::warn!(error, "no room for a second copy: the copy itself is put into place");
            core.disk.remove_tree(&unfinished(&ready))?;
            format!("copy-{}", manifest.number)
        }
        Err(error) => return Err(error),
    };
    let aside = next_aside(folder)?;
    let record = Record { number: manifest.number, from, aside, crossing: Vec::new(), done: false };
    write_record(core, folder, &record)?;
    Ok(record)
}

fn make_ready(core: &Core, copy: &Path, ready: &Path, tops: &[PathBuf]) -> Result<(), VaultError> {
    let half = unfinished(ready);
    core.disk.remove_tree(ready)?;
    core.disk.remove_tree(&half)?;
    core.disk.make_folder(&half, PRIVATE)?;
    let mut found = Vec::new();
    for top in tops {
        make_folders_above(core, &half, top)?;
        found.extend(tree::walk(copy, top)?);
    }
    tree::copy(core, copy, &half, &found, Path::new(""))?;
    core.disk.rename(&half, ready)
}

/// One path: what lies there is set aside, then the new one takes its place.
fn place(core: &Core, folder: &Path, record: &mut Record, top: &Top) -> Result<(), VaultError> {
    if let Some(crossing) = record.crossing.iter().find(|crossing| crossing.path == top.path) {
        return cross(core, folder, record, crossing);
    }
    let new = folder.join(&record.from).join(&top.path);
    let live = core.plan.home.join(&top.path);
    let is_new = what_lies_at(&new)?.is_some();
    if top.present && !is_new {
        // It is in its place already.
        return Ok(());
    }
    let has_old = what_lies_at(&live)?.is_some();
    let mut moved = Moved::Renamed;
    if has_old {
        moved = set_aside(core, folder, record, &top.path)?;
    }
    if is_new && moved == Moved::Renamed {
        make_folders_above(core, &core.plan.home, &top.path)?;
        moved = rename_on_one_volume(core, &new, &live)?;
    }
    match moved {
        Moved::Renamed => Ok(()),
        Moved::IsOnAnotherVolume => {
            let crossing = Crossing { path: top.path.clone(), has_old };
            record.crossing.push(crossing.clone());
            write_record(core, folder, record)?;
            cross(core, folder, record, &crossing)
        }
    }
}

/// Whether a rename could do it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    Renamed,
    IsOnAnotherVolume,
}

/// What lies in the place of the copy goes beside the copy.
fn set_aside(core: &Core, folder: &Path, record: &mut Record, top: &Path) -> Result<Moved, VaultError> {
    if what_lies_at(&aside_in(folder, record).join(top))?.is_some() {
        // Somebody put something there since; that is not lost either.
        record.aside = next_aside(folder)?;
        write_record(core, folder, record)?;
    }
    let root = aside_in(folder, record);
    core.disk.make_folder(&root, PRIVATE)?;
    make_folders_above(core, &root, top)?;
    rename_on_one_volume(core, &core.plan.home.join(top), &root.join(top))
}

fn rename_on_one_volume(core: &Core, from: &Path, to: &Path) -> Result<Moved, VaultError> {
    match core.disk.rename(from, to) {
        Ok(()) => Ok(Moved::Renamed),
        Err(error) if is_on_another_volume(&error) => Ok(Moved::IsOnAnotherVolume),
        Err(error) => Err(error),
    }
}

/// Copies aside, then empties the place and fills it. Only what lies aside whole has its name there.
fn cross(core: &Core, folder: &Path, record: &Record, crossing: &Crossing) -> Result<(), VaultError> {
    let top = &crossing.path;
    let root = aside_in(folder, record);
    if crossing.has_old && what_lies_at(&root.join(top))?.is_none() {
        let half = unfinished(&root);
        core.disk.remove_tree(&half)?;
        core.disk.make_folder(&half, PRIVATE)?;
        make_folders_above(core, &half, top)?;
        tree::copy(core, &core.plan.home, &half, &tree::walk(&core.plan.home, top)?, Path::new(""))?;
        core.disk.rename(&half.join(top), &root.join(top))?;
        core.disk.remove_tree(&half)?;
    }
    let live = core.plan.home.join(top);
    if what_lies_at(&live)?.is_some_and(|metadata| metadata.is_dir()) {
        core.disk.empty(&live)?;
    } else {
        core.disk.remove(&live)?;
    }
    let from = folder.join(&record.from);
    let found = tree::walk(&from, top)?;
    if found.is_empty() {
        return Ok(());
    }
    tree::copy(core, &from, &core.plan.home, &found, top).map(drop)
}

fn is_on_another_volume(error: &VaultError) -> bool {
    matches!(error, VaultError::Disk { source, .. }
        if matches!(source.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy))
}

fn aside_in(folder: &Path, record: &Record) -> PathBuf {
    folder.join(format!("set-aside-{}", record.aside))
}

fn next_aside(folder: &Path) -> Result<u32, VaultError> {
    let mut number = 1_u32;
    while what_lies_at(&folder.join(format!("set-aside-{number}")))?.is_some() {
        number = number.saturating_add(1);
    }
    Ok(number)
}

fn read_record(folder: &Path) -> Result<Option<Record>, VaultError> {
    RECORD.read_single(&record_path(folder), LONGEST)
}

fn write_record(core: &Core, folder: &Path, record: &Record) -> Result<(), VaultError> {
    RECORD.write_single(core, &record_path(folder), record, LONGEST)
}

fn record_path(folder: &Path) -> PathBuf {
    folder.join("put-back.json")
}
