//! In which order a list comes.

/// By one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<P> {
    /// Which.
    pub by: P,
    /// The largest first.
    pub is_descending: bool,
}

impl<P> Order<P> {
    /// The smallest first.
    pub fn up(by: P) -> Self {
        Self { by, is_descending: false }
    }

    /// The largest first.
    pub fn down(by: P) -> Self {
        Self { by, is_descending: true }
    }
}

/// By what conversations can be ordered; the names are those of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the member of the conversation of this name")]
pub enum ConversationProperty {
    Id,
    ConversationId,
    MessageId,
    Sender,
    SenderIdentifier,
    Receiver,
    ReceiverIdentifier,
    ProcessIdentifier,
    DocumentIdentifier,
    MessageReference,
    MessageTitle,
    LastUpdate,
    Pollable,
    Finished,
    Expiry,
    Direction,
    ServiceIdentifier,
    ExternalSystemReference,
}

/// By what statuses can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the member of the status of this name")]
pub enum StatusProperty {
    Id,
    LastUpdate,
    Status,
    Description,
    ConversationNumber,
    ConversationId,
    MessageId,
}

/// By what messages can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the property of the stored message of this name")]
pub enum MessageProperty {
    Id,
    ConversationId,
    MessageId,
    ProcessIdentifier,
    ReceiverIdentifier,
    SenderIdentifier,
    ServiceIdentifier,
    LastUpdated,
}
