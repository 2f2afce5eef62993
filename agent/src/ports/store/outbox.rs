//! Messages on their way out.

use super::StoreError;
use crate::domain::{About, BlobId, Conversation, MessageId, NewFile, Outgoing, Service};
use crate::ports::{Answer, MessageProperty, Order, Page, PageRequest};
use jiff::Timestamp;

/// Messages on their way out.
pub trait Outbox: Send + Sync {
    /// Keeps a new message with its conversation and the status OPPRETTET.
    fn create(&self, message: Outgoing, conversation: Conversation) -> Answer<'_, Created, StoreError>;
    /// One.
    fn outgoing<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Outgoing>, StoreError>;
    /// Many; the oldest first, where no other order is asked for.
    fn all_outgoing(&self, filter: OutgoingFilter, page: PageRequest) -> Answer<'_, Page<Outgoing>, StoreError>;
    /// Adds a file, whose bytes lie there already, if name and size allow it. Its number is the next one. What it says the
    /// message is about is noted with it.
    fn attach<'a>(
        &'a self,
        id: &'a MessageId,
        file: NewFile,
        about: About,
        limit_bytes: u64,
        now: Timestamp,
    ) -> Answer<'a, Attached, StoreError>;
    /// Removes a message, also from the queue; its conversation stays. Names the blobs that nobody needs any more.
    fn discard<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Vec<BlobId>, StoreError>;
}

/// What became of [`Outbox::create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is kept.
    Kept,
    /// A message or conversation has this id.
    Exists,
}

/// What became of [`Outbox::attach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// It is the file of this number.
    Kept(u32),
    /// There is no such message, or it has been sent.
    NoSuchMessage,
    /// The message has a file of this name.
    SameName,
    /// The message has a primary document.
    SecondPrimary,
    /// All files together would have so many bytes.
    TooLarge(u64),
}

/// Which messages; each member that is there must be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutgoingFilter {
    /// `messageId`
    pub message_id: Option<String>,
    /// `conversationId`
    pub conversation_id: Option<String>,
    /// `processIdentifier`
    pub process: Option<String>,
    /// `senderIdentifier`
    pub sender: Option<String>,
    /// `receiverIdentifier`
    pub receiver: Option<String>,
    /// `serviceIdentifier`
    pub service: Option<Service>,
    /// `id`
    pub number: Option<i64>,
    /// `lastUpdated`
    pub updated: Option<Timestamp>,
    /// In which order; what is the same comes in the order of its number.
    pub order: Vec<Order<MessageProperty>>,
}
