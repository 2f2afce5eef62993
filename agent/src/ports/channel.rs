//! A way to other integration points and mailboxes. One for each service.

use super::{Answer, BlobReader, Judgement};
use crate::domain::{ConversationId, Envelope, File, Service};
use std::time::Duration;

/// Sends and fetches over one service.
pub trait Channel: Send + Sync {
    /// Which.
    fn service(&self) -> Service;
    /// Hands a message over. May be called again with the same message when it was not known whether the first time
    /// succeeded; the other side recognises it by its id.
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Answer<'a, Sent, SendError>;
    /// Begins a round: what has come in and was not confirmed, one after the other.
    fn fetch(&self) -> Answer<'_, Box<dyn Arrivals + '_>, TroubleFetching>;
    /// It is stored here, or needed by nobody: the channel may forget it. Once more is no error.
    fn confirm<'a>(&'a self, receipt: &'a str) -> Answer<'a, (), TroubleFetching>;
    /// Whether it can be used as it is set up; asked before the first message.
    fn check(&self) -> Answer<'_, (), CannotUse>;
    /// How often it is asked for what has come in.
    fn pace(&self) -> Duration;
}

/// A round of fetching: one thing after the other, in an order in which those of one conversation may be taken in. A round may
/// wait for a package that it has given to be read. Dropped, the rest comes with the next round.
pub trait Arrivals: Send {
    /// The next; none: the round is over. What is wrong with one is told in [`Arrival`]; an error ends the round.
    fn next(&mut self) -> Answer<'_, Option<Arrival>, TroubleFetching>;
}

/// What a round brings.
pub enum Arrival {
    /// A message, or a status.
    Message(Box<Arrived>),
    /// Something that cannot be read, today or tomorrow.
    Garbage(Box<Garbage>),
    /// Something that could not be fetched or opened now. It stays where it is, and comes again.
    Stays {
        /// What the channel calls it.
        what: String,
        /// Why.
        why: String,
    },
}

impl Arrival {
    /// Which conversation it belongs to, as far as it says one.
    pub fn conversation(&self) -> Option<ConversationId> {
        let envelope = match self {
            Self::Message(arrived) => Some(&arrived.envelope),
            Self::Garbage(garbage) => garbage.envelope.as_ref(),
            Self::Stays { .. } => None,
        };
        envelope.and_then(Envelope::conversation_id)
    }

    /// The id of the message, as far as it says one; else nothing.
    pub fn message(&self) -> String {
        let envelope = match self {
            Self::Message(arrived) => Some(&arrived.envelope),
            Self::Garbage(garbage) => garbage.envelope.as_ref(),
            Self::Stays { .. } => None,
        };
        envelope.and_then(|envelope| envelope.document.message_id.as_ref()).map(ToString::to_string).unwrap_or_default()
    }
}

/// Something that cannot be read. It is told and confirmed, so that it does not come again.
#[derive(Debug)]
pub struct Garbage {
    /// What it says of itself, as far as that could be read.
    pub envelope: Option<Envelope>,
    /// What is wrong.
    pub why: String,
    /// Whether the one who sent it may be told.
    pub may_be_told: bool,
    /// What to [`Channel::confirm`].
    pub receipt: String,
}

/// A channel that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotUse {
    /// A person must act.
    #[error("{0}")]
    Refused(String),
    /// It may pass.
    #[error("{0}")]
    Unavailable(String),
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// What it says.
    pub envelope: Envelope,
    /// Its files, whose bytes lie among the blobs.
    pub files: Vec<File>,
}

/// It was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// What the channel calls it.
    pub external_reference: Option<String>,
}

/// It was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may pass: try again later.
    #[error("{0}")]
    Passing(String),
    /// It may pass, and nothing more is to be sent over this service for a while.
    #[error("{text}")]
    Busy {
        /// For people.
        text: String,
        /// So long.
        wait: Duration,
    },
    /// It will not pass for this message.
    #[error("{text}")]
    Final {
        /// For people.
        text: String,
        /// What the channel said, word for word.
        raw_receipt: Option<String>,
    },
}

/// Something that came in.
pub struct Arrived {
    /// What it says.
    pub envelope: Envelope,
    /// Its package.
    pub package: Option<Box<dyn BlobReader>>,
    /// What will be known of the package's signature when it has been read; none of a service that does not seal.
    pub judgement: Option<Judgement>,
    /// What to [`Channel::confirm`].
    pub receipt: String,
}

/// A channel that does not give what has come in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct TroubleFetching {
    /// For people.
    pub text: String,
    /// How long it asks to be left alone.
    pub wait: Option<Duration>,
    /// It gave what else was asked for: one of several for whom we ask is in trouble, and the others are not.
    pub is_partial: bool,
}

impl From<String> for TroubleFetching {
    fn from(text: String) -> Self {
        Self { text, wait: None, is_partial: false }
    }
}
