//! What is kept as a number or a word, whatever the database.

use crate::domain::{BlobId, ConversationId, Envelope, MessageId, NotAUuid};
use crate::ports::StoreError;
use jiff::Timestamp;

/// A moment as it is kept.
pub(super) fn millis(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// A moment that was kept.
pub(super) fn moment(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|error| strange("a moment", &error))
}

pub(super) fn message_id(text: &str) -> Result<MessageId, StoreError> {
    MessageId::parse(text).map_err(|error| not_a_uuid(&error))
}

pub(super) fn conversation_id(text: &str) -> Result<ConversationId, StoreError> {
    ConversationId::parse(text).map_err(|error| not_a_uuid(&error))
}

pub(super) fn blob_id(text: &str) -> Result<BlobId, StoreError> {
    BlobId::parse(text).map_err(|error| not_a_uuid(&error))
}

fn not_a_uuid(error: &NotAUuid) -> StoreError {
    strange("an id", error)
}

/// A word that is one of ours.
pub(super) fn word<T>(text: &str, named: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    named(text).ok_or_else(|| StoreError::Strange { what: "a word", why: format!("'{text}' is not known") })
}

/// The text of an envelope.
pub(super) fn sbd(envelope: &Envelope) -> Result<String, StoreError> {
    crate::sbd::write(envelope).map(|text| text.get().to_owned()).map_err(|error| strange("a document", &error))
}

/// The envelope of a text.
pub(super) fn envelope(text: &str) -> Result<Envelope, StoreError> {
    crate::sbd::read_foreign(text.as_bytes()).map_err(|error| strange("a document", &error))
}

pub(super) fn strange(what: &'static str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Strange { what, why: efm::chain::Chain(error).to_string() }
}
