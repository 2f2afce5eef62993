//! What time does to what is kept.

use super::StoreError;
use crate::domain::{BlobId, Direction, MessageId};
use crate::ports::Answer;
use jiff::Timestamp;

/// What time does to what is kept. Every call does a bounded part; whoever gets `most` of something asks again.
pub trait Upkeep: Send + Sync {
    /// What the database is called, for people.
    fn database(&self) -> &'static str;
    /// Notes `LEVETID_UTLOPT` on conversations whose time is over, and removes what waited: a message that came in and that
    /// nobody has locked, a message on the queue that nobody is sending. A message that was never sent stays.
    fn expire(&self, now: Timestamp, most: u32) -> Answer<'_, Vec<Expired>, StoreError>;
    /// Frees what a peek has locked and whose time is over. Says how many.
    fn unlock(&self, now: Timestamp) -> Answer<'_, u64, StoreError>;
    /// Removes conversations, with their statuses, that are finished, have no message any more and did not change since
    /// then. Says how many.
    fn forget_finished(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError>;
    /// Those of these blobs that no row names.
    fn unnamed<'a>(&'a self, blobs: &'a [BlobId]) -> Answer<'a, Vec<BlobId>, StoreError>;
    /// Whether any row names a blob: then there must be a place where they lie.
    fn names_blobs(&self) -> Answer<'_, bool, StoreError>;
}

/// A conversation whose time was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its message.
    pub message: MessageId,
    /// Whether we sent or received.
    pub direction: Direction,
    /// Nobody needs these blobs any more.
    pub blobs: Vec<BlobId>,
}
