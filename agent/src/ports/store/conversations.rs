//! What became of messages: conversations and their statuses.

use super::StoreError;
use crate::domain::{Conversation, ConversationId, Direction, MessageId, NewStatus, Service, Status};
use crate::ports::{Answer, ConversationProperty, Order, Page, PageRequest, StatusProperty};
use jiff::Timestamp;

/// Conversations and their statuses.
pub trait Conversations: Send + Sync {
    /// Notes a status. One that was there already changes nothing.
    fn register<'a>(
        &'a self,
        id: &'a MessageId,
        direction: Direction,
        status: NewStatus,
    ) -> Answer<'a, Registered, StoreError>;
    /// Many; those that changed last first, where no other order is asked for.
    fn conversations(
        &self,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Answer<'_, Page<StoredConversation>, StoreError>;
    /// Removes one with its statuses; that it is not there is no error.
    fn forget_conversation(&self, number: i64) -> Answer<'_, (), StoreError>;
    /// Statuses of all conversations; the first first, where no other order is asked for.
    fn statuses(&self, filter: StatusFilter, page: PageRequest) -> Answer<'_, Page<StatusRow>, StoreError>;
    /// How much there is of what.
    fn counts(&self) -> Answer<'_, Counts, StoreError>;
}

/// What became of [`Conversations::register`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is noted.
    Noted,
    /// It was there.
    Repeated,
    /// No conversation has this message.
    NoConversation,
}

/// A conversation with its number and statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConversation {
    /// `id`
    pub number: i64,
    /// What it is.
    pub conversation: Conversation,
    /// In the order in which they came.
    pub statuses: Vec<StatusRow>,
}

/// A status of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// `id`
    pub number: i64,
    /// `convId`
    pub conversation_number: i64,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The message.
    pub message_id: MessageId,
    /// What it says.
    pub status: NewStatus,
}

/// Which conversations; each member that is there must be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// `id`
    pub number: Option<i64>,
    /// `messageId`
    pub message_id: Option<String>,
    /// `conversationId`
    pub conversation_id: Option<String>,
    /// `sender`
    pub whole_sender: Option<String>,
    /// `senderIdentifier`
    pub sender: Option<String>,
    /// `receiver`
    pub whole_receiver: Option<String>,
    /// `receiverIdentifier`
    pub receiver: Option<String>,
    /// `messageReference`
    pub reference: Option<String>,
    /// `messageTitle`
    pub title: Option<String>,
    /// Something happened to it then or later.
    pub updated_from: Option<Timestamp>,
    /// Nothing happened to it then or later.
    pub updated_before: Option<Timestamp>,
    /// `serviceIdentifier`
    pub service: Option<Service>,
    /// `direction`
    pub direction: Option<Direction>,
    /// `pollable`
    pub is_pollable: Option<bool>,
    /// `finished`
    pub is_finished: Option<bool>,
    /// In which order; what is the same comes in the order of its number.
    pub order: Vec<Order<ConversationProperty>>,
}

/// Which statuses; each member that is there must be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusFilter {
    /// `id`
    pub number: Option<i64>,
    /// `messageId`
    pub message_id: Option<String>,
    /// `conversationId`
    pub conversation_id: Option<String>,
    /// `status`
    pub status: Option<Status>,
    /// It came then or later.
    pub from: Option<Timestamp>,
    /// It came then or before.
    pub until: Option<Timestamp>,
    /// In which order; what is the same comes in the order of its number.
    pub order: Vec<Order<StatusProperty>>,
}

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages on their way out.
    pub outgoing: u64,
    /// Messages that wait for the case system.
    pub incoming: u64,
    /// Conversations whose channel is to be asked.
    pub pollable: u64,
    /// What is to be sent.
    pub queued: u64,
}
