//! Why a case system does not get what it asks for. What it reads of it is made in `api/problem`.

use crate::domain::{MessageId, Service};
use crate::ports::{BlobError, NoRandom, StoreError};

/// A refusal: nothing was changed. Each has its own row in the catalogue of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No conversation has this number.
    ConversationNotFound(i64),
    /// No message has this id.
    MessageNotFound(String),
    /// These files are named and were not uploaded, or cannot be read.
    FileNotFound(Vec<String>),
    /// No subscription has this number.
    SubscriptionNotFound(i64),
    /// Nothing is known of what became of it.
    MessageStatusNotFound(String),
    /// No status of this number is on the queue of statuses.
    StatusNotQueued(i64),
    /// It is on its way already: no file can be added.
    AlreadySent(MessageId),
    /// The registry does not know the identifier; with its words.
    IdentifierNotFound(String),
    /// There is nothing.
    NoContent,
    /// The package is there and cannot be read.
    AsicUnreadable(MessageId),
    /// An attachment could not be stored.
    AttachmentNotStored,
    /// An attachment could not be read from the one who sends it.
    AttachmentNotRead,
    /// An arkivmelding could not be worked with.
    ArkivmeldingProcessing(String),
    /// The id was used before.
    MessageExists(MessageId),
    /// Nobody has peeked at it.
    NotLocked(MessageId),
    /// The type and the document type are not of each other.
    TypeDoesNotFit {
        /// `documentIdentification.type`
        kind: String,
        /// `documentIdentification.standard`
        standard: String,
    },
    /// The type is not known here.
    UnknownType(String),
    /// There is no business message.
    MissingType,
    /// The service is not enabled here.
    ServiceNotEnabled(Service),
    /// The receiver cannot be reached like this; with the registry's words.
    ReceiverDoesNotAccept {
        /// The process.
        process: String,
        /// Why.
        description: String,
    },
    /// The receiver does not take this document type.
    ReceiverDoesNotAcceptType {
        /// The document type.
        standard: String,
        /// The process.
        process: String,
    },
    /// The message names another channel than ours.
    ChannelInvalid {
        /// Ours.
        configured: String,
        /// The message's.
        given: String,
    },
    /// Print without a complete address; what is missing.
    MissingAddress(&'static str),
    /// KS has no such type.
    ForsendelseType {
        /// The message's.
        given: String,
        /// KS's.
        valid: Vec<String>,
    },
    /// No user of `SvarUt` is configured for this organisation.
    MissingSvarUtCredentials(String),
    /// The sender is not one that can send this.
    Sender(String),
    /// The receiver is not one that can get this.
    Receiver(String),
    /// Our own certificate is not the right one.
    InvalidCertificate(String),
    /// A file cannot be packed under its name.
    BadFilename {
        /// Which.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The message has a file of this name.
    SameFilename(String),
    /// All files together are too large.
    TooLarge {
        /// How large.
        total: u64,
        /// For what.
        service: Service,
        /// How large they may be.
        limit: u64,
    },
    /// A part of a multipart request is too large.
    PartTooLarge {
        /// Its file name.
        filename: String,
        /// How large it may be.
        limit: u64,
    },
    /// The message has a primary document.
    SecondPrimary,
    /// A title is needed.
    MissingTitle(Service),
    /// An attachment has a type that cannot be sent.
    InvalidContentType(String),
    /// An attachment is not what its name says.
    InvalidDocument(String),
    /// A header is missing.
    MissingHeader(&'static str),
    /// There is no file.
    MissingFile,
    /// The primary document was not uploaded.
    MissingPrimary,
    /// `arkivmelding.xml` was not uploaded.
    MissingArkivmelding,
    /// The arkivmelding names files that were not uploaded.
    MissingArkivmeldingFiles(Vec<String>),
    /// The arkivmelding has no saksmappe.
    MissingSaksmappe,
    /// `arkivmelding.xml` cannot be read.
    ArkivmeldingUnreadable,
    /// Its time is over.
    Expired {
        /// When it was over.
        at: String,
    },
    /// Something must be a UUID.
    NotAUuid {
        /// What.
        field: String,
        /// What stands there.
        value: String,
    },
    /// Members of the business message that its service or type needs are not there; the path of each.
    BrokenRules(Vec<String>),
    /// There is such a subscription.
    SubscriptionExists,
    /// The push endpoint does not answer.
    PingFailed(String),
    /// A filter by something that is not there.
    UnknownFilter(String),
    /// A filter with a strange operator.
    UnknownFilterOperator(String),
}

/// Why a use case did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It was refused; nothing was changed.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// No new name.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// A message lacks what it must have by now.
    #[error("the message has no {0}")]
    Lacks(&'static str),
    /// The registry could not be asked.
    #[error("ask the service registry: {0}")]
    Registry(String),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
