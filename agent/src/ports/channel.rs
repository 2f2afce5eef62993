//! A way to other integration points and mailboxes. One for each service.

use super::{Answer, BlobReader, Judgement};
use crate::domain::{Envelope, File, Service};

/// Sends and fetches over one service.
pub trait Channel: Send + Sync {
    /// Which.
    fn service(&self) -> Service;
    /// Hands a message over. May be called again with the same message when it was not known whether the first time
    /// succeeded; the other side recognises it by its id.
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Answer<'a, Sent, SendError>;
    /// What has come in and was not confirmed, a bounded number.
    fn fetch(&self) -> Answer<'_, Vec<Arrived>, TroubleFetching>;
    /// It is stored here: the channel may forget it.
    fn confirm<'a>(&'a self, receipt: &'a str) -> Answer<'a, (), TroubleFetching>;
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
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TroubleFetching(pub String);
