//! Copies folders with all that is in them: verified, and so that nothing outside is ever followed into.
//!
//! Start at [`walk`], then [`copy`]. A file is cloned where the file system can (the copy shares its blocks until one
//! of the two is written), else read and written, holes left as holes, and read again to compare. Never a hard link:
//! the integration point writes its files in place, and would write into the copy. Links are copied as links; sockets,
//! fifos and devices are left out.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::Core;
use super::disk::{Flush, Look, PRIVATE, failed, free_on_volume_of, is_full, names_in, refused, what_lies_at};
use super::hashing::{self, CHUNK, Hasher};
use crate::ports::VaultError;
use crate::release::Sha256;

/// Something in a tree.
#[derive(Debug)]
pub(super) struct Found {
    /// From the root of the walk.
    pub(super) below: PathBuf,
    kind: Kind,
    look: Look,
}

#[derive(Debug)]
enum Kind {
    Folder,
    File(u64),
    Link,
    Special,
}

/// What a copy holds at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Folder,
    File {
        length: u64,
        /// None: it was cloned, and the file system answers for the bytes.
        sha256: Option<Sha256>,
    },
    Link {
        target: String,
    },
}

/// What a copy holds, by [`key`].
pub(super) type Entries = BTreeMap<String, Entry>;

/// All that lies at `root/top` and below it, parents before children; nothing there: nothing.
pub(super) fn walk(root: &Path, top: &Path) -> Result<Vec<Found>, VaultError> {
    let mut found = Vec::new();
    let mut to_see = vec![top.to_owned()];
    while let Some(below) = to_see.pop() {
        let path = root.join(&below);
        // Something that was there a moment ago may be gone: a lock file of a database that has just closed.
        let Some(metadata) = what_lies_at(&path)? else { continue };
        let kind = if metadata.is_dir() {
            for inside in names_in(&path)?.iter().rev() {
                to_see.extend(inside.file_name().map(|name| below.join(name)));
            }
            Kind::Folder
        } else if metadata.file_type().is_symlink() {
            Kind::Link
        } else if metadata.is_file() {
            Kind::File(metadata.len())
        } else {
            Kind::Special
        };
        found.push(Found { below, kind, look: Look::of(&metadata) });
    }
    Ok(found)
}

/// The bytes that a copy of this takes at most.
pub(super) fn size(found: &[Found]) -> u64 {
    found.iter().fold(0, |sum, found| match found.kind {
        Kind::File(length) => sum.saturating_add(length),
        Kind::Folder | Kind::Link | Kind::Special => sum,
    })
}

/// Copies what was found below `from` to `to`, which is there. What is below `to/settled` is durable when the call
/// returns.
pub(super) fn copy(
    core: &Core,
    from: &Path,
    to: &Path,
    found: &[Found],
    settled: &Path,
) -> Result<Entries, VaultError> {
    let flush = Flush::of(found.len());
    let mut copying = Copying { core, from, to, left: size(found), clones: true, flush };
    let mut entries = Entries::new();
    for one in found {
        if let Some(entry) = copying.one(one)? {
            entries.insert(key(&one.below), entry);
        }
    }
    // A folder's time changes with what is put into it, and it may be one into which nothing can be put.
    for folder in found.iter().rev().filter(|found| matches!(found.kind, Kind::Folder)) {
        let path = to.join(&folder.below);
        if what_lies_at(&path)?.is_some_and(|metadata| metadata.is_dir()) {
            core.disk.dress(&path, &folder.look)?;
        }
    }
    core.disk.settle(&to.join(settled), flush)?;
    Ok(entries)
}

/// Copies one file to where nothing lies.
pub(super) fn copy_file(core: &Core, from: &Path, to: &Path) -> Result<(), VaultError> {
    let left = what_lies_at(from)?.map_or(0, |metadata| metadata.len());
    let root = to.parent().unwrap_or(to);
    Copying { core, from: root, to: root, left, clones: true, flush: Flush::Each }.file(from, to).map(drop)
}

/// Whether a copy still is what it was when it was made; the reason where not.
pub(super) fn compare(root: &Path, tops: &[PathBuf], entries: &Entries) -> Result<Result<(), String>, VaultError> {
    let mut missing: BTreeMap<&str, &Entry> = entries.iter().map(|(key, entry)| (key.as_str(), entry)).collect();
    for top in tops {
        for found in walk(root, top)? {
            let key = key(&found.below);
            let path = root.join(&found.below);
            let same = match (missing.remove(key.as_str()), &found.kind) {
                (Some(Entry::Folder), Kind::Folder) => true,
                (Some(Entry::Link { target }), Kind::Link) => *target == read_link(&path)?.1,
                (Some(Entry::File { length, sha256: None }), Kind::File(is)) => length == is,
                (Some(Entry::File { length, sha256: Some(sha256) }), Kind::File(is)) => {
                    length == is && hashing::of_file(&mut hashing::open_plain(&path)?, &path)?.0 == *sha256
                }
                _ => false,
            };
            if !same {
                return Ok(Err(format!("{key} is not what was copied")));
            }
        }
    }
    Ok(missing.into_keys().next().map_or(Ok(()), |key| Err(format!("{key} is gone"))))
}

/// A path as text, the same on every system and for every name: names that are not UTF-8 stand as hexadecimal digits.
pub(super) fn key(below: &Path) -> String {
    const HEX: &str = "hex:";
    let names = below.components().map(|component| match component.as_os_str().to_str() {
        Some(text) if !text.starts_with(HEX) => text.to_owned(),
        Some(_) | None => format!("{HEX}{}", hex::encode(component.as_os_str().as_encoded_bytes())),
    });
    names.collect::<Vec<_>>().join("/")
}

/// A path of the settings, if it stays below the home folder and away from what is ours.
pub(super) fn below_home(core: &Core, path: &Path) -> Result<(), VaultError> {
    let refuse = |reason: &str| Err(refused("copy", path, io::ErrorKind::InvalidInput, reason));
    let home = &core.plan.home;
    if path.as_os_str().is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
        return refuse("it must be a path below the home folder, without \"..\"");
    }
    let first = path.components().next().map(Component::as_os_str);
    if first.is_some_and(|first| core.state.file_name().is_some_and(|ours| first.eq_ignore_ascii_case(ours))) {
        return refuse("it lies in the supervisor's own folder");
    }
    for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
        if what_lies_at(&home.join(above))?.is_some_and(|metadata| metadata.file_type().is_symlink()) {
            return refuse("it is reached through a symbolic link");
        }
    }
    Ok(())
}

struct Copying<'a> {
    core: &'a Core,
    from: &'a Path,
    to: &'a Path,
    /// Bytes that are still to be copied.
    left: u64,
    /// Whether cloning is worth a try; not after it failed once.
    clones: bool,
    flush: Flush,
}

impl Copying<'_> {
    fn one(&mut self, found: &Found) -> Result<Option<Entry>, VaultError> {
        let from = self.from.join(&found.below);
        let to = self.to.join(&found.below);
        match found.kind {
            Kind::Folder => {
                if !to.is_dir() {
                    self.core.disk.make_folder_unsettled(&to, PRIVATE)?;
                }
                Ok(Some(Entry::Folder))
            }
            Kind::Link => {
                let (target, text) = read_link(&from)?;
                self.core.disk.link(&target, &from, &to)?;
                Ok(Some(Entry::Link { target: text }))
            }
            Kind::File(expected) => {
                let entry = self.file(&from, &to)?;
                self.core.disk.dress(&to, &found.look)?;
                self.left = self.left.saturating_sub(expected);
                Ok(Some(entry))
            }
            Kind::Special => {
                tracing::warn!(path = %from.display(), "neither file nor folder nor link: left out of the copy");
                Ok(None)
            }
        }
    }

    fn file(&mut self, from: &Path, to: &Path) -> Result<Entry, VaultError> {
        let mut source = hashing::open_plain(from)?;
        if self.clones {
            match self.core.disk.clone_blocks(&source, to) {
                Ok(()) => return self.cloned(&source, from, to),
                Err(error) if is_full(&error) => return Err(self.no_room(to)),
                Err(_) => self.clones = false,
            }
            // From here on bytes are needed, and it is known how many.
            if free_on_volume_of(self.to)? < self.left {
                return Err(self.no_room(to));
            }
        }
        let copied = self.bytes(&mut source, from, to);
        copied.map_err(|error| if is_full(&error) { self.no_room(to) } else { error })
    }

    fn cloned(&self, source: &File, from: &Path, to: &Path) -> Result<Entry, VaultError> {
        let length = source.metadata().map_err(failed("look at", from))?.len();
        let copy = fs::OpenOptions::new().write(true).open(to).map_err(failed("open", to))?;
        self.flush(&copy, to)?;
        let is = copy.metadata().map_err(failed("look at", to))?.len();
        if is == length { Ok(Entry::File { length, sha256: None }) } else { Err(differs(to)) }
    }

    fn bytes(&self, source: &mut File, from: &Path, to: &Path) -> Result<Entry, VaultError> {
        let disk = &self.core.disk;
        let mut target = disk.make_file(to)?;
        let mut hasher = Hasher::new();
        let mut length = 0_u64;
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed("read", from)(error)),
            };
            let chunk = buffer.get(..read).unwrap_or_default();
            hasher.update(chunk);
            if chunk.iter().all(|byte| *byte == 0) {
                disk.skip(&mut target, to, i64::try_from(read).unwrap_or(i64::MAX))?;
            } else {
                disk.write(&mut target, to, chunk)?;
            }
            length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        // A hole at the end is not there before the length is set.
        disk.set_length(&target, to, length)?;
        self.flush(&target, to)?;
        drop(target);
        let sha256 = hasher.finish();
        let copied = hashing::of_file(&mut hashing::open_plain(to)?, to)?;
        if copied == (sha256, length) { Ok(Entry::File { length, sha256: Some(sha256) }) } else { Err(differs(to)) }
    }

    fn flush(&self, file: &File, path: &Path) -> Result<(), VaultError> {
        match self.flush {
            Flush::Each => self.core.disk.sync(file, path),
            Flush::FileSystem => Ok(()),
        }
    }

    fn no_room(&self, at: &Path) -> VaultError {
        VaultError::NoRoom {
            what: "a copy of the data".into(),
            needed: self.left,
            free: free_on_volume_of(self.to).unwrap_or(0),
            path: at.to_owned(),
        }
    }
}

fn differs(path: &Path) -> VaultError {
    refused("copy", path, io::ErrorKind::InvalidData, "the copy is not what was read")
}

fn read_link(path: &Path) -> Result<(PathBuf, String), VaultError> {
    let target = fs::read_link(path).map_err(failed("read link", path))?;
    let text = target.to_str().map_or_else(|| key(&target), str::to_owned);
    Ok((target, text))
}
