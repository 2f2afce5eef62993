//! Messages that came in.

use super::StoreError;
use crate::domain::{Conversation, Envelope, Incoming, MessageId, NewStatus, Service};
use crate::ports::{Answer, MessageProperty, Order, Page, PageRequest};
use jiff::Timestamp;

/// Messages that came in.
pub trait Inbox: Send + Sync {
    /// Keeps what came in, with its conversation and statuses, and puts the answer on the queue; all or nothing.
    fn receive(&self, new: NewIncoming) -> Answer<'_, Received, StoreError>;
    /// One.
    fn incoming<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Incoming>, StoreError>;
    /// Many; the oldest first, where no other order is asked for.
    fn all_incoming(&self, filter: IncomingFilter, page: PageRequest) -> Answer<'_, Page<Incoming>, StoreError>;
    /// Locks the oldest that nobody has locked, whatever order the filter has. Two callers never get the same.
    fn lock_next(
        &self,
        filter: IncomingFilter,
        now: Timestamp,
        until: Timestamp,
    ) -> Answer<'_, Option<Incoming>, StoreError>;
    /// Removes a locked message, notes the status, and puts the answer on the queue; all or nothing.
    fn acknowledge<'a>(
        &'a self,
        id: &'a MessageId,
        status: NewStatus,
        reply: Option<Envelope>,
    ) -> Answer<'a, Acknowledged, StoreError>;
}

/// Something that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIncoming {
    /// The message; none where its time was over already.
    pub message: Option<Incoming>,
    /// What is told of it.
    pub conversation: Conversation,
    /// The statuses of the conversation, in order.
    pub statuses: Vec<NewStatus>,
    /// What is sent back.
    pub reply: Option<Envelope>,
}

/// What became of [`Inbox::receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is kept.
    Kept,
    /// It was here before.
    Duplicate,
}

/// What became of [`Inbox::acknowledge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// It is gone; the package is needed by nobody.
    Removed(Box<Incoming>),
    /// There is no such message.
    NoSuchMessage,
    /// Nobody has locked it.
    NotLocked,
}

/// Which messages; each member that is there must be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingFilter {
    /// `messageId`
    pub message_id: Option<String>,
    /// `conversationId`
    pub conversation_id: Option<String>,
    /// `process`
    pub process: Option<String>,
    /// `senderIdentifier`
    pub sender: Option<String>,
    /// `receiverIdentifier`
    pub receiver: Option<String>,
    /// `serviceIdentifier`
    pub service: Option<Service>,
    /// In which order; what is the same comes in the order of its number.
    pub order: Vec<Order<MessageProperty>>,
}
