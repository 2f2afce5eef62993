//! What is to be sent, and who tries.

use super::StoreError;
use crate::domain::{BlobId, Envelope, MessageId, NewStatus, Outgoing, Service, Services};
use crate::ports::Answer;
use jiff::Timestamp;

/// What is to be sent. A lease says who tries; when it runs out, whoever comes first takes over.
pub trait Queue: Send + Sync {
    /// Puts a message on the queue. A second time changes nothing.
    fn enqueue<'a>(&'a self, id: &'a MessageId, now: Timestamp) -> Answer<'a, Enqueued, StoreError>;
    /// Takes what is due of this lane, the oldest first. Nobody else gets it before `until`.
    fn lease<'a>(
        &'a self,
        holder: &'a str,
        lane: &'a Lane,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Answer<'a, Vec<Leased>, StoreError>;
    /// Goes on holding these until then, where they are still ours. Says how many are.
    fn renew<'a>(&'a self, leases: &'a [Held], until: Timestamp) -> Answer<'a, u64, StoreError>;
    /// When something of this lane is next due; none: it is empty. What is leased is due when its lease runs out.
    fn next_due<'a>(&'a self, lane: &'a Lane) -> Answer<'a, Option<Timestamp>, StoreError>;
    /// Ends a lease with what came of it. Who has lost the lease changes nothing. Names the blobs that nobody needs.
    fn settle<'a>(&'a self, lease: &'a Leased, settlement: Settlement) -> Answer<'a, Settled, StoreError>;
}

/// Which part of the queue. Each service has its own, so that one that hangs holds nobody's places but its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    /// All of it.
    All,
    /// What goes over this service.
    Of(Service),
    /// What goes over none of these, whatever it names.
    NoneOf(Services),
}

/// What became of [`Queue::enqueue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is on the queue, now or before.
    Queued,
    /// There is no such message.
    NoSuchMessage,
}

/// Which work, and which lease of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Its number on the queue.
    pub number: i64,
    /// Which lease of it this is: it counts up, and the last one counts.
    pub lease: i64,
}

/// A piece of work that is ours until its lease runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Which.
    pub held: Held,
    /// How often it was tried before.
    pub tried: u32,
    /// Why it did not work the last time.
    pub last_error: Option<String>,
    /// What is to be done.
    pub work: Work,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A message of a case system.
    Message(Box<Outgoing>),
    /// A status message of ours; it has no conversation.
    Reply(Box<Envelope>, Service),
    /// A row that this version cannot read. It is given up, so that it does not keep the others back.
    Unreadable {
        /// Whose it is; none: a status message's.
        message: Option<MessageId>,
        /// Why not.
        why: String,
    },
}

impl Work {
    /// The message of a case system that it is about.
    pub fn message(&self) -> Option<&MessageId> {
        match self {
            Self::Message(message) => Some(&message.id),
            Self::Reply(..) => None,
            Self::Unreadable { message, .. } => message.as_ref(),
        }
    }
}

/// What came of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done, well or for good ill: the status is noted, message and work are gone.
    Done {
        /// None of a reply.
        status: Option<NewStatus>,
        /// What the channel calls it.
        external_reference: Option<String>,
    },
    /// It is tried again.
    Again {
        /// When.
        due: Timestamp,
        /// Why it did not work this time.
        because: String,
    },
}

/// What became of [`Queue::settle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is so. These blobs are needed by nobody.
    Done(Vec<BlobId>),
    /// Somebody else has it by now.
    LeaseLost,
}
