//! What a message is and what may happen to it. Pure: no room is known here, nothing is read or written.
//!
//! Start at [`Envelope`], the message as its sender wrote it, then [`conversation`], what became of it. Times come as
//! arguments; a moment is a [`jiff::Timestamp`], and a date that a client wrote is a [`Written`], with its own offset.

mod backoff;
pub mod conversation;
mod deadline;
mod envelope;
pub mod filename;
mod id;
mod kind;
mod message;
mod participant;
mod service;
mod status;
mod subscription;
mod verdict;
mod written;

pub use backoff::Backoff;
pub use conversation::{About, Conversation, Direction, Move};
pub use deadline::Deadline;
pub use envelope::{Address, Body, Document, Envelope, Party, Scope, ScopeInformation, ScopeType};
pub use id::{BlobId, ConversationId, MessageId, NotAUuid};
pub use kind::Kind;
pub use message::{File, Incoming, NewFile, Outgoing};
pub use participant::{Authority, Participant, Unreadable};
pub use service::{Service, Services};
pub use status::{NewStatus, Status};
pub use subscription::{EventKind, Filter, NotAFilter, Resource, StatusNoted, Subscription};
pub use verdict::{Finding, Refuse, Signer, Verdict, Weakness};
pub use written::{NotADate, Written, day_begins, in_oslo};
