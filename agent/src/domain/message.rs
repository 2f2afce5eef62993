//! A message that is here: on its way out with its files, or in and waiting for the case system.

use super::{BlobId, Envelope, MessageId, Service};
use jiff::Timestamp;

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name.
    pub id: MessageId,
    /// Where it goes.
    pub service: Service,
    /// What it says.
    pub envelope: Envelope,
    /// In the order of upload.
    pub files: Vec<File>,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Its name.
    pub id: MessageId,
    /// Where it came from.
    pub service: Service,
    /// What it says.
    pub envelope: Envelope,
    /// Its package; receipts have none.
    pub package: Option<BlobId>,
    /// Until when a peek has it; none: nobody has.
    pub locked_until: Option<Timestamp>,
}

impl Incoming {
    /// Whether somebody has peeked at it and still has time.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| until >= now)
    }
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From one, in the order of upload.
    pub number: u32,
    /// The file.
    pub file: NewFile,
}

/// A file that was uploaded: its bytes lie there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Where its bytes lie.
    pub blob: BlobId,
    /// Its name.
    pub filename: String,
    /// Its title.
    pub title: Option<String>,
    /// Its media type.
    pub mime_type: String,
    /// Whether it is the main one.
    pub is_primary: bool,
    /// How many bytes it has.
    pub length_bytes: u64,
}
