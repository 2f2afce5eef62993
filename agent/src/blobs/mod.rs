//! Files on the disk, unreadable without the key, a chunk at a time.
//!
//! Below one folder: `key`, where it is not kept elsewhere, and a file for each blob under the first two letters of its name. A blob is written beside
//! its name and renamed when it is whole and flushed. The layout of its bytes is in [`cipher`].

mod cipher;
mod key;
mod late;
mod leftovers;
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
use std::io;
use std::path::{Path, PathBuf};

/// The blobs below a folder.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
    key: Key,
}

impl Folder {
    /// Opens the folder; makes it, and a key, where they are not.
    ///
    /// # Errors
    /// The disk refuses, or the key file holds no key.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::open_with(folder, None, Guard::NONE)
    }

    /// As [`Self::open`]; the key lies in this file, or in the folder where none is named, as the guard says.
    ///
    /// # Errors
    /// The disk refuses, the key file holds no key or one that nobody here can open, or the key was left in the folder
    /// and another one would be made elsewhere.
    pub fn open_with(folder: &Path, key_file: Option<&Path>, guard: Guard<'_>) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let beside = folder.join("key");
        let file = key_file.unwrap_or(&beside);
        if file != beside && beside.exists() && !file.exists() {
            let why = format!("the key lies in {}; move it to {}", beside.display(), file.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(Self { folder: folder.to_owned(), key: Key::open(file, guard)? })
    }

    fn path(&self, id: &BlobId) -> PathBuf {
        // A UUID is 36 letters of ASCII: nothing in it leads elsewhere.
        let name = id.as_str().to_ascii_lowercase();
        self.folder.join(name.get(..2).unwrap_or_default()).join(name)
    }
}

impl Blobs for Folder {
    fn begin<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        Box::pin(async move {
            let writer = writer::Writer::begin(id.clone(), self.path(id), &self.key)?;
            let writer: Box<dyn BlobWriter> = Box::new(writer);
            Ok(writer)
        })
    }

    fn open<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        Box::pin(async move {
            let reader = reader::Reader::open(id.clone(), self.path(id), &self.key).await?;
            let reader: Box<dyn BlobReader> = Box::new(reader);
            Ok(reader)
        })
    }

    fn older(&self, part: u8, before: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        let folder = self.folder.join(format!("{part:02x}"));
        Box::pin(async move {
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
}

fn disk(act: &'static str, id: &BlobId, source: io::Error) -> BlobError {
    if source.kind() == io::ErrorKind::NotFound && act == "open" {
        return BlobError::Missing(id.clone());
    }
    BlobError::Disk { act, id: id.clone(), source }
}

#[cfg(test)]
mod tests;
