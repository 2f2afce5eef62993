//! Versions that lie complete: `versions/<version>-<first 12 digits of the hash>/`.
//!
//! Start at [`admit`]: verified bytes move in. The folder is built in staging and renamed into place when all of it is
//! on the disk, so what has its name is whole. What is not whole is never answered with. [`hash_again`] is the last
//! look before a start.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

use super::disk::{OPEN_TO_READ, failed, names_in, refused, unfinished, what_lies_at};
use super::document::Document;
use super::{Core, hashing, staging, state};
use crate::config::settings::Kind;
use crate::ports::{Facts, Needs, Staging, Stored, VaultError};
use crate::release::{Sha256, Tag};

/// The facts, written last.
const RELEASE: Document = Document::new("release");
const SIGNATURE: &str = "signature.asc";
#[cfg(windows)]
const PROGRAM: &str = "program.exe";
#[cfg(not(windows))]
const PROGRAM: &str = "program";
/// No program is larger unpacked; an archive that holds more is a bomb.
const PROGRAM_LIMIT: u64 = 512 * 1024 * 1024;
/// So many digits of the hash stand in a folder's name.
const DIGITS: usize = 12;

#[derive(Serialize, Deserialize)]
struct ReleaseText {
    tag: String,
    archive: String,
    sha256: Sha256,
    length: u64,
    program: Option<Sha256>,
    java: Option<u32>,
    built: Option<i64>,
    signed: i64,
    signer: String,
    /// Of the signature file: another one means other bytes.
    signature_sha256: Sha256,
}

/// A version with what only this module needs to know of it.
struct Whole {
    stored: Stored,
    program: Option<Sha256>,
}

pub(super) fn stored(core: &Core, sha256: &Sha256) -> Result<Option<Stored>, VaultError> {
    Ok(all_stored(core)?.into_iter().find(|stored| stored.sha256 == *sha256))
}

pub(super) fn all_stored(core: &Core) -> Result<Vec<Stored>, VaultError> {
    let mut all = Vec::new();
    for folder in names_in(&core.versions())? {
        match whole(core, &folder) {
            Ok(Some(whole)) => all.push(whole.stored),
            Ok(None) => {}
            Err(error) => {
                let error = efm::chain::Chain(&error).to_string();
                tracing::warn!(path = %folder.display(), error, "stored version cannot be read");
            }
        }
    }
    all.sort_by(|one, other| other.version().cmp(one.version()).then_with(|| other.sha256.cmp(&one.sha256)));
    Ok(all)
}

/// Whether a folder's name may stand for these bytes.
pub(super) fn may_hold(folder: &Path, sha256: &Sha256) -> bool {
    let digits: String = sha256.to_string().chars().take(DIGITS).collect();
    folder.file_name().is_some_and(|name| name.to_string_lossy().contains(&digits))
}

pub(super) fn hash_again(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    must_be(core, &stored.archive, stored.sha256)?;
    if stored.file == stored.archive {
        return Ok(());
    }
    let folder = stored.archive.parent().unwrap_or(&core.state);
    match whole(core, folder)? {
        Some(Whole { program: Some(expected), stored: found }) if found.file == stored.file => {
            must_be(core, &stored.file, expected)
        }
        _ => {
            let reason = "the facts beside it do not speak of this program";
            Err(VaultError::Corrupt { path: stored.file.clone(), reason: reason.into() })
        }
    }
}

/// The last look before a start, when all of it was read already: it is still the file that was read.
pub(super) fn untouched(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    for path in [&stored.archive, &stored.file] {
        if let Some(read) = core.lately.last(path) {
            must_be(core, path, read)?;
        }
    }
    Ok(())
}

pub(super) fn admit(core: &Core, staging: Staging, facts: &Facts) -> Result<Stored, VaultError> {
    let Staging { tag, file, handle, .. } = staging;
    let length = handle.metadata().map_err(failed("look at", &file))?.len();
    if length != facts.length {
        let reason = format!("{length} bytes lie there and {} were verified", facts.length);
        return Err(refused("admit", &file, io::ErrorKind::InvalidData, reason));
    }
    core.disk.sync(&handle, &file)?;
    // Windows renames no folder in which a file is open.
    drop(handle);
    let built = file.parent().unwrap_or(&core.state).to_owned();
    let place = core.versions().join(folder_name(&tag, &facts.sha256));
    if let Some(there) = same_and_sound(core, &place, facts)? {
        core.disk.remove_tree(&built)?;
        return Ok(there);
    }
    build(core, &tag, &file, facts)?;
    core.disk.make_folder(&core.versions(), OPEN_TO_READ)?;
    // What lies there is half, spoilt, or held against: it makes room for bytes that were verified just now.
    let old = unfinished(&place);
    core.disk.remove_tree(&old)?;
    core.disk.set_mode(&built, OPEN_TO_READ)?;
    if what_lies_at(&place)?.is_some() {
        core.disk.rename(&place, &old)?;
    }
    core.disk.rename(&built, &place)?;
    core.disk.remove_tree(&old)?;
    core.disk.remove(&place.join(staging::RESUME))?;
    match whole(core, &place)? {
        Some(whole) => Ok(whole.stored),
        None => Err(VaultError::Corrupt { path: place, reason: "it is not whole after it was put there".into() }),
    }
}

/// The version that lies there already, if it may be used as it is: every byte of it is looked at, and bytes against
/// which something is held are put there anew, unless they are what runs here.
fn same_and_sound(core: &Core, place: &Path, facts: &Facts) -> Result<Option<Stored>, VaultError> {
    let pointed_at = state::pointer(core)?.is_some_and(|pointer| pointer.sha256 == facts.sha256);
    if !pointed_at && state::held_against(core, &facts.sha256)?.is_some() {
        return Ok(None);
    }
    let Ok(Some(there)) = whole(core, place) else { return Ok(None) };
    let same = there.stored.sha256 == facts.sha256 && there.program.is_some() == facts.program.is_some();
    if same && hash_again(core, &there.stored).is_ok() { Ok(Some(there.stored)) } else { Ok(None) }
}

/// Makes a whole version of a staging folder; the facts come last.
fn build(core: &Core, tag: &Tag, part: &Path, facts: &Facts) -> Result<(), VaultError> {
    let folder = part.parent().unwrap_or(&core.state);
    let program = match &facts.program {
        Some(entry) => Some(unpack(core, part, entry, &folder.join(PROGRAM))?),
        None => None,
    };
    core.disk.replace(&folder.join(SIGNATURE), &facts.signature)?;
    let archive = archive_name(core, tag);
    core.disk.set_mode(part, 0o444)?;
    core.disk.rename(part, &folder.join(&archive))?;
    let text = ReleaseText {
        tag: tag.to_string(),
        archive,
        sha256: facts.sha256,
        length: facts.length,
        program,
        java: facts.needs.java,
        built: facts.built,
        signed: facts.signed,
        signer: facts.signer.clone(),
        signature_sha256: crate::release::digest::sha256(&facts.signature),
    };
    RELEASE.write(core, folder, &text)
}

fn unpack(core: &Core, archive: &Path, entry: &str, to: &Path) -> Result<Sha256, VaultError> {
    let half = unfinished(to);
    core.disk.remove_tree(&half)?;
    core.disk.remove_tree(to)?;
    let mut file = hashing::open_plain(archive)?;
    let unpacked = (core.unpack)(&mut file, entry, &half, PROGRAM_LIMIT).map_err(|error| {
        let reason = efm::chain::Chain(&*error).to_string();
        VaultError::Unpack { path: archive.to_owned(), reason }
    });
    core.disk.was_written(&half);
    let flushed = unpacked.and_then(|sha256| {
        let program = std::fs::File::options().write(true).open(&half).map_err(failed("open", &half))?;
        core.disk.sync(&program, &half)?;
        core.disk.set_mode(&half, 0o555)?;
        core.disk.rename(&half, to)?;
        Ok(sha256)
    });
    if flushed.is_err() {
        // The first error is the one worth telling.
        let _ = core.disk.remove_tree(&half);
    }
    flushed
}

/// What lies in a folder, if it is whole: readable facts, and every file that they name with the length that they name.
fn whole(core: &Core, folder: &Path) -> Result<Option<Whole>, VaultError> {
    if super::disk::is_unfinished(folder) {
        return Ok(None);
    }
    let Some(text) = RELEASE.read::<ReleaseText>(core, folder)? else { return Ok(None) };
    let corrupt = |reason: String| VaultError::Corrupt { path: folder.join("release.json"), reason };
    let tag: Tag =
        text.tag.parse().map_err(|error: crate::release::version::NotAVersion| corrupt(error.to_string()))?;
    let [java, native] = archive_names(core, &tag);
    if text.archive != java && text.archive != native {
        return Err(corrupt(format!("its archive is called {:?}", text.archive)));
    }
    let archive = folder.join(&text.archive);
    let is_here = what_lies_at(&archive)?.is_some_and(|file| file.is_file() && file.len() == text.length);
    let named_well = folder.file_name().is_some_and(|name| *name == *folder_name(&tag, &text.sha256));
    let file = if text.program.is_some() { folder.join(PROGRAM) } else { archive.clone() };
    if !is_here || !named_well || what_lies_at(&file)?.is_none_or(|file| !file.is_file()) {
        return Ok(None);
    }
    let stored = Stored {
        tag,
        sha256: text.sha256,
        length: text.length,
        archive,
        file,
        needs: Needs { java: text.java },
        built: text.built,
        signed: text.signed,
        signer: text.signer,
        signature: text.signature_sha256,
    };
    Ok(Some(Whole { stored, program: text.program }))
}

fn must_be(core: &Core, path: &Path, expected: Sha256) -> Result<(), VaultError> {
    let found = hashing::of_trusted(&core.lately, path)?;
    if found == expected { Ok(()) } else { Err(VaultError::Changed { path: path.to_owned(), expected, found }) }
}

fn folder_name(tag: &Tag, sha256: &Sha256) -> String {
    let digits: String = sha256.to_string().chars().take(DIGITS).collect();
    format!("{}-{digits}", tag.version())
}

fn archive_name(core: &Core, tag: &Tag) -> String {
    let [java, native] = archive_names(core, tag);
    match core.plan.kind {
        Kind::Java => java,
        Kind::Native => native,
    }
}

/// Both, since a site may change from one kind to the other and still has the versions of before.
fn archive_names(core: &Core, tag: &Tag) -> [String; 2] {
    let artifact = &core.plan.artifact;
    [format!("{artifact}-{tag}.jar"), format!("{artifact}-{tag}.zip")]
}
