//! Where the bytes of files lie: a chunk at a time, never whole in memory, never readable on the disk.

use super::{Answer, SealError};
use crate::domain::BlobId;
use bytes::Bytes;
use jiff::Timestamp;

/// The bytes of files.
pub trait Blobs: Send + Sync {
    /// Begins a new one. It is there when its writer has finished, and not before; dropped, it leaves nothing behind
    /// that counts.
    fn begin<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError>;
    /// Opens one for reading.
    fn open<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError>;
    /// The whole ones of a part of all that were last written before then; unfinished ones of that age are removed in
    /// passing. Parts are numbered from 0 to 255.
    fn older(&self, part: u8, before: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError>;
    /// Removes one; that it is not there is no error.
    fn remove<'a>(&'a self, id: &'a BlobId) -> Answer<'a, (), BlobError>;
    /// Opens the place where they lie, where it is not open; makes it where it is not there only if it may be new: no row
    /// names a blob. Until this has answered `Ok` every other call answers [`BlobError::NotOpen`]. Most are open from the
    /// beginning.
    fn bring_up(&self, _may_be_new: bool) -> Answer<'_, (), BlobError> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// Whether the place where they lie is still there. Most always are.
    fn look(&self) -> Answer<'_, (), BlobError> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// One that is being written.
pub trait BlobWriter: Send {
    /// The next bytes.
    fn write(&mut self, bytes: Bytes) -> Answer<'_, (), BlobError>;
    /// It is whole, and on the disk. Says its length.
    fn finish(self: Box<Self>) -> Answer<'static, u64, BlobError>;
}

/// One that is being read.
pub trait BlobReader: Send {
    /// The next bytes; none at its end. An end that is not the one that was written is an error.
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError>;
}

/// What goes wrong with a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The place where they lie could not be opened yet.
    #[error("the folder of files is not open")]
    NotOpen,
    /// The place where they lie, or its key, is not there, and may not be made.
    #[error(transparent)]
    Lost(std::io::Error),
    /// The place where they lie cannot be opened, or is there no more.
    #[error("open the folder of files {path}")]
    Open {
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is not there, though the place where it should lie is.
    #[error("find blob {0}")]
    Missing(BlobId),
    /// The disk refuses.
    #[error("{act} blob {id}")]
    Disk {
        /// What was tried.
        act: &'static str,
        /// Which.
        id: BlobId,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The disk refuses to list them.
    #[error("list blobs")]
    List(#[source] std::io::Error),
    /// What lies there is not what was written, or was written with another key.
    #[error("open blob {0}: its bytes are not the ones that were written with this key")]
    Spoilt(BlobId),
    /// What is read is being sealed or opened, and that does not go on.
    #[error(transparent)]
    Package(Box<SealError>),
}
