//! Files on the disk, unreadable without the key, a chunk at a time.
//!
//! Below one folder: `key`, where it is not kept elsewhere, `mark`, and a file for each blob under the first two letters of its
//! name. A blob is written beside its name and renamed when it is whole and flushed. The layout of its bytes is in [`cipher`].
//! The folder itself is made when it is opened for the first time and never again: one that has gone away is waited for.

mod cipher;
mod key;
mod late;
mod leftovers;
mod mark;
mod reader;
mod wrapping;
mod writer;

use crate::domain::BlobId;
use crate::ports::{Answer, BlobError, BlobReader, BlobWriter, Blobs};
use efm::atomic;
use jiff::Timestamp;
pub use key::Guard;
use key::Key;
pub use late::{Late, Open};
use mark::Place;
use std::io;
use std::path::{Path, PathBuf};

/// The blobs below a folder.
#[derive(Debug)]
pub struct Folder {
    place: Place,
    key: Key,
}

/// What may be made that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// The folder, and a key: nobody knows of any files.
    Make,
    /// Nothing: there may be files that are not to be seen now.
    Find,
}

impl Folder {
    /// Opens the folder; makes it, and a key, where they are not.
    ///
    /// # Errors
    /// The disk refuses, or the key file holds no key.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::open_with(folder, None, Guard::NONE, May::Make)
    }

    /// As [`Self::open`]; the key lies in this file, or in the folder where none is named, as the guard says.
    ///
    /// # Errors
    /// The disk refuses, the key file holds no key, another one, or one that nobody here can open, or the key was left in
    /// the folder and another one would be made elsewhere. `NotFound`: folder, files or key are missing, and may not be
    /// made.
    pub fn open_with(folder: &Path, key_file: Option<&Path>, guard: Guard<'_>, may: May) -> io::Result<Self> {
        let beside = folder.join("key");
        let file = key_file.unwrap_or(&beside);
        if file != beside && beside.exists() && !file.exists() {
            let why = format!("the key lies in {}; move it to {}", beside.display(), file.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let is_new = !file.try_exists()?;
        match may {
            May::Make => std::fs::create_dir_all(folder)?,
            May::Find => find(folder, file)?,
        }
        let key = Key::open(file, guard, may)?;
        Ok(Self { place: Place::of(folder, file, &key, is_new)?, key })
    }

    fn path(&self, id: &BlobId) -> PathBuf {
        // A UUID is 36 letters of ASCII: nothing in it leads elsewhere.
        let name = id.as_str().to_ascii_lowercase();
        self.place.folder().join(name.get(..2).unwrap_or_default()).join(name)
    }
}

/// Whether folder and key are there, and the folder is the one that the files were put in.
fn find(folder: &Path, key_file: &Path) -> io::Result<()> {
    let missing = |why: String| Err(io::Error::new(io::ErrorKind::NotFound, why));
    let (path, key) = (folder.display(), key_file.display());
    if !folder.try_exists()? {
        return missing(format!("{path} is not there: mount it"));
    }
    if !key_file.try_exists()? {
        return missing(format!("{path} has no key: mount it, or restore {key}"));
    }
    // A key in the folder is proof enough.
    if key_file.parent() != Some(folder) && !mark::has_files(folder)? {
        return missing(format!("{path} holds no files, and {key} is not the key of an empty folder: mount it"));
    }
    Ok(())
}

impl Blobs for Folder {
    fn begin<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        Box::pin(async move {
            let writer = writer::Writer::begin(id.clone(), self.path(id), &self.key, self.place.clone())?;
            let writer: Box<dyn BlobWriter> = Box::new(writer);
            Ok(writer)
        })
    }

    fn open<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        Box::pin(async move {
            let open = || reader::Reader::open(id.clone(), self.path(id), &self.key);
            let opened = match open().await {
                // What does not open in a folder that has gone away says nothing of the blob.
                Err(error) => {
                    self.look().await?;
                    if !matches!(error, BlobError::Missing(_)) {
                        return Err(error);
                    }
                    // The folder may have come back between the two.
                    let again = open().await;
                    if again.is_err() {
                        self.look().await?;
                    }
                    again
                }
                opened => opened,
            };
            let reader: Box<dyn BlobReader> = Box::new(opened?);
            Ok(reader)
        })
    }

    fn older(&self, part: u8, before: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        let folder = self.place.folder().join(format!("{part:02x}"));
        Box::pin(async move {
            self.look().await?;
            let found = tokio::task::spawn_blocking(move || leftovers::older(&folder, before)).await;
            found.map_err(io::Error::other).and_then(|found| found).map_err(BlobError::List)
        })
    }

    fn remove<'a>(&'a self, id: &'a BlobId) -> Answer<'a, (), BlobError> {
        let path = self.path(id);
        Box::pin(async move {
            // Not flushed: should a power cut bring it back, nobody names it, and it is swept.
            let removed = tokio::task::spawn_blocking(move || atomic::let_go(&path)).await;
            let removed = removed.map_err(io::Error::other).and_then(|removed| removed);
            removed.map(drop).map_err(|source| disk("remove", id, source))
        })
    }

    fn look(&self) -> Answer<'_, (), BlobError> {
        let place = self.place.clone();
        Box::pin(async move {
            let path = place.folder().display().to_string();
            let looked = tokio::task::spawn_blocking(move || place.look()).await;
            let looked = looked.map_err(io::Error::other).and_then(|looked| looked);
            looked.map_err(|source| BlobError::Open { path, source })
        })
    }
}

fn disk(act: &'static str, id: &BlobId, source: io::Error) -> BlobError {
    if source.kind() == io::ErrorKind::NotFound && act == "open" {
        return BlobError::Missing(id.clone());
    }
    BlobError::Disk { act, id: id.clone(), source }
}

#[cfg(test)]
mod tests;
