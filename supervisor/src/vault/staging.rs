//! A private place to fetch into: `staging/<tag>/archive.part`, and `resume.json` that says how much of it is sure.
//!
//! Start at [`stage`]. Bytes count as had once they are flushed and then noted; after a cut the file is cut back to
//! what was noted. Without a validator nothing can be resumed, so nothing is kept. Nothing here has a name that could
//! be started.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::Core;
use super::disk::{PRIVATE, failed, free_on_volume_of, is_full, names_in, refused, what_lies_at};
use super::document::Document;
use crate::ports::{Resume, Staging, VaultError};
use crate::release::Tag;

/// What is fetched, while it is fetched and until the version moves out.
pub(super) const PART: &str = "archive.part";
pub(super) const RESUME: &str = "resume.json";
const DOCUMENT: Document = Document::new("resume");
const LONGEST: u64 = 64 * 1024;
/// This much at most is fetched again after a cut; to note more often costs more flushes.
const NOTED_EVERY: u64 = 16 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct ResumeText {
    tag: String,
    length: u64,
    validator: String,
}

/// A [`Staging`] for another thread.
pub(super) struct Part {
    tag: Tag,
    file: PathBuf,
    length: u64,
    resume: Option<Resume>,
    handle: File,
}

impl Part {
    pub(super) fn of(staging: &Staging) -> Result<Self, VaultError> {
        Ok(Self {
            tag: staging.tag.clone(),
            file: staging.file.clone(),
            length: staging.length,
            resume: staging.resume.clone(),
            handle: staging.handle.try_clone().map_err(failed("open", &staging.file))?,
        })
    }
}

/// The folder of a tag.
pub(super) fn folder_of(core: &Core, tag: &Tag) -> PathBuf {
    core.staging().join(tag.as_str())
}

pub(super) fn stage(core: &Core, tag: &Tag) -> Result<Staging, VaultError> {
    let folder = folder_of(core, tag);
    core.disk.make_folder(&core.state, super::disk::OPEN_TO_READ)?;
    core.disk.make_folder(&folder, PRIVATE)?;
    for private in [core.staging(), folder.clone()] {
        if what_lies_at(&private)?.is_none_or(|metadata| !metadata.is_dir()) {
            return Err(refused(
                "use",
                &private,
                io::ErrorKind::NotADirectory,
                "it must be a folder itself, not a link",
            ));
        }
        core.disk.set_mode(&private, PRIVATE)?;
    }
    let file = folder.join(PART);
    undo_half_an_admission(core, &folder, &file)?;
    let noted = read_note(&folder.join(RESUME), tag)?;
    let mut handle = open_part(core, &file)?;
    let on_disk = handle.metadata().map_err(failed("look at", &file))?.len();
    let sure = noted.as_ref().map_or(0, |noted| noted.offset.min(on_disk));
    if on_disk > sure {
        core.disk.set_length(&handle, &file, sure)?;
    }
    io::Seek::seek(&mut handle, io::SeekFrom::End(0)).map_err(failed("read", &file))?;
    let resume = noted.map(|noted| Resume { offset: sure, ..noted });
    Ok(Staging { tag: tag.clone(), file, length: sure, resume, handle })
}

pub(super) fn start_anew(core: &Core, staging: &mut Staging, validator: Option<&str>) -> Result<(), VaultError> {
    // The note first: it must never speak of bytes of another body.
    staging.resume = None;
    core.disk.remove(&note_path(&staging.file))?;
    core.disk.set_length(&staging.handle, &staging.file, 0)?;
    staging.length = 0;
    if let Some(validator) = validator {
        let resume = Resume { offset: 0, validator: validator.to_owned() };
        note(core, &staging.file, &staging.tag, &resume)?;
        staging.resume = Some(resume);
    }
    Ok(())
}

pub(super) fn append(core: &Core, staging: &mut Staging, bytes: &[u8]) -> Result<(), VaultError> {
    if let Err(error) = core.disk.write(&mut staging.handle, &staging.file, bytes) {
        // Half a chunk is no chunk. Where even this fails the note still says what is sure.
        let _ = core.disk.set_length(&staging.handle, &staging.file, staging.length);
        return Err(no_room(error, &staging.file, bytes.len()));
    }
    let before = staging.length;
    staging.length = before.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    if let Some(resume) = &mut staging.resume {
        resume.offset = staging.length;
        if before / NOTED_EVERY != staging.length / NOTED_EVERY {
            core.disk.sync(&staging.handle, &staging.file)?;
            note(core, &staging.file, &staging.tag, resume)?;
        }
    }
    Ok(())
}

pub(super) fn finish(core: &Core, part: &Part) -> Result<(), VaultError> {
    core.disk.sync(&part.handle, &part.file)?;
    if let Some(resume) = &part.resume {
        let all = Resume { offset: part.length, validator: resume.validator.clone() };
        note(core, &part.file, &part.tag, &all)?;
    }
    Ok(())
}

pub(super) fn discard(core: &Core, staging: Staging) -> Result<(), VaultError> {
    let Staging { file, handle, .. } = staging;
    // Windows removes no folder in which a file is open.
    drop(handle);
    match file.parent() {
        Some(folder) => core.disk.remove_tree(folder),
        None => Ok(()),
    }
}

/// An admission that was cut short gave the archive its name already; take it back, or the bytes would be fetched
/// again.
fn undo_half_an_admission(core: &Core, folder: &Path, part: &Path) -> Result<(), VaultError> {
    let begins = format!("{}-", core.plan.artifact);
    for path in names_in(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&begins) && what_lies_at(part)?.is_none() {
            core.disk.rename(&path, part)?;
        } else if name != PART && name != RESUME {
            core.disk.remove_tree(&path)?;
        }
    }
    Ok(())
}

fn open_part(core: &Core, file: &Path) -> Result<File, VaultError> {
    match what_lies_at(file)? {
        Some(metadata) if !metadata.is_file() => core.disk.remove_tree(file)?,
        // An admission that was cut short may have made it read-only.
        Some(_) => core.disk.set_mode(file, 0o600)?,
        None => {}
    }
    core.disk.open_to_append(file)
}

fn read_note(path: &Path, tag: &Tag) -> Result<Option<Resume>, VaultError> {
    match DOCUMENT.read_single::<ResumeText>(path, LONGEST) {
        Ok(Some(text)) if text.tag == tag.as_str() => {
            Ok(Some(Resume { offset: text.length, validator: text.validator }))
        }
        // Of another tag where case makes no difference, or broken: fetching anew is always right.
        Ok(_) | Err(VaultError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn note(core: &Core, file: &Path, tag: &Tag, resume: &Resume) -> Result<(), VaultError> {
    let text = ResumeText { tag: tag.to_string(), length: resume.offset, validator: resume.validator.clone() };
    DOCUMENT.write_single(core, &note_path(file), &text, LONGEST)
}

fn note_path(file: &Path) -> PathBuf {
    file.with_file_name(RESUME)
}

fn no_room(error: VaultError, file: &Path, needed: usize) -> VaultError {
    if !is_full(&error) {
        return error;
    }
    VaultError::NoRoom {
        what: "the download".into(),
        needed: u64::try_from(needed).unwrap_or(u64::MAX),
        free: free_on_volume_of(file).unwrap_or(0),
        path: file.to_owned(),
    }
}
