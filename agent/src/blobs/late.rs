//! A folder that may come later than we do: a share that is not there yet, or a key that nobody here can open yet.

use super::{Folder, May};
use crate::domain::BlobId;
use crate::ports::{Answer, BlobError, BlobReader, BlobWriter, Blobs};
use jiff::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// How it is opened.
pub type Open = Arc<dyn Fn(May) -> io::Result<Folder> + Send + Sync>;

/// The folder, once it is open.
pub struct Late {
    path: PathBuf,
    open: Open,
    folder: OnceLock<Folder>,
}

impl Late {
    /// The folder at this path, to be opened like this.
    pub fn at(path: PathBuf, open: Open) -> Self {
        Self { path, open, folder: OnceLock::new() }
    }
}

fn not_open<'a, T: Send + 'a>() -> Answer<'a, T, BlobError> {
    Box::pin(std::future::ready(Err(BlobError::NotOpen)))
}

impl Blobs for Late {
    fn begin<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        self.folder.get().map_or_else(not_open, |folder| folder.begin(id))
    }

    fn open<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        self.folder.get().map_or_else(not_open, |folder| Blobs::open(folder, id))
    }

    fn older(&self, part: u8, before: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        self.folder.get().map_or_else(not_open, |folder| folder.older(part, before))
    }

    fn remove<'a>(&'a self, id: &'a BlobId) -> Answer<'a, (), BlobError> {
        self.folder.get().map_or_else(not_open, |folder| folder.remove(id))
    }

    fn look(&self) -> Answer<'_, (), BlobError> {
        self.folder.get().map_or_else(not_open, Blobs::look)
    }

    fn bring_up(&self, may_be_new: bool) -> Answer<'_, (), BlobError> {
        let may = if may_be_new { May::Make } else { May::Find };
        Box::pin(async move {
            if self.folder.get().is_none() {
                let open = Arc::clone(&self.open);
                let opened = tokio::task::spawn_blocking(move || open(may)).await;
                let opened = opened.map_err(io::Error::other).and_then(|opened| opened);
                let path = self.path.display().to_string();
                let opened = opened.map_err(|source| {
                    let is_lost = source.kind() == io::ErrorKind::NotFound && !may_be_new;
                    if is_lost { BlobError::Lost(source) } else { BlobError::Open { path, source } }
                });
                let _ = self.folder.set(opened?);
            }
            Ok(())
        })
    }
}
