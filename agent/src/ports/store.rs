//! What is kept: messages, conversations, statuses, the queue. One contract (`store/contract.rs`) holds every store to it.

use super::{Answer, Overview, Page, PageRequest};
use crate::domain::{
    BlobId, Conversation, ConversationId, Direction, Envelope, Incoming, MessageId, NewFile, NewStatus, Outgoing,
    Service, Status,
};
use jiff::Timestamp;

/// Everything that is kept.
pub trait Store: Outbox + Inbox + Conversations + StatusQueue + Queue + Upkeep + Overview {}

impl<T: Outbox + Inbox + Conversations + StatusQueue + Queue + Upkeep + Overview> Store for T {}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refuses.
    #[error("{act} in the store")]
    Database {
        /// What was tried.
        act: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row holds what this version cannot read.
    #[error("read {what} from the store: {why}")]
    Strange {
        /// Of what.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}

// ── Out ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Messages on their way out.
pub trait Outbox: Send + Sync {
    /// Keeps a new message with its conversation and the status OPPRETTET.
    fn create(&self, message: Outgoing, conversation: Conversation) -> Answer<'_, Created, StoreError>;
    /// One.
    fn outgoing<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Outgoing>, StoreError>;
    /// Many, the oldest first.
    fn all_outgoing(&self, filter: OutgoingFilter, page: PageRequest) -> Answer<'_, Page<Outgoing>, StoreError>;
    /// Adds a file, whose bytes lie there already, if name and size allow it. Its number is the next one.
    fn attach<'a>(
        &'a self,
        id: &'a MessageId,
        file: NewFile,
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
}

// ── In ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Messages that came in.
pub trait Inbox: Send + Sync {
    /// Keeps what came in, with its conversation and statuses, and puts the answer on the queue; all or nothing.
    fn receive(&self, new: NewIncoming) -> Answer<'_, Received, StoreError>;
    /// One.
    fn incoming<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Incoming>, StoreError>;
    /// Many, the oldest first.
    fn all_incoming(&self, filter: IncomingFilter, page: PageRequest) -> Answer<'_, Page<Incoming>, StoreError>;
    /// Locks the oldest that nobody has locked. Two callers never get the same.
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
}

// ── What became of them ─────────────────────────────────────────────────────────────────────────────────────────────

/// Conversations and their statuses.
pub trait Conversations: Send + Sync {
    /// Notes a status. One that was there already changes nothing.
    fn register<'a>(
        &'a self,
        id: &'a MessageId,
        direction: Direction,
        status: NewStatus,
    ) -> Answer<'a, Registered, StoreError>;
    /// Many, those that changed last first.
    fn conversations(
        &self,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Answer<'_, Page<StoredConversation>, StoreError>;
    /// Removes one with its statuses; that it is not there is no error.
    fn forget_conversation(&self, number: i64) -> Answer<'_, (), StoreError>;
    /// Statuses of all conversations, the first first.
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
    /// `senderIdentifier`
    pub sender: Option<String>,
    /// `receiverIdentifier`
    pub receiver: Option<String>,
    /// `serviceIdentifier`
    pub service: Option<Service>,
    /// `direction`
    pub direction: Option<Direction>,
    /// `pollable`
    pub is_pollable: Option<bool>,
    /// `finished`
    pub is_finished: Option<bool>,
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

// ── The statuses that a case system takes one by one ────────────────────────────────────────────────────────────────

/// Statuses of the services that the store was opened for, in the order in which they were noted, each until it is taken.
pub trait StatusQueue: Send + Sync {
    /// The first one; it stays.
    fn first_status(&self) -> Answer<'_, Option<StatusRow>, StoreError>;
    /// Takes this one off the queue, wherever it stands; false: it is not there. The status itself stays.
    fn take_status(&self, number: i64) -> Answer<'_, bool, StoreError>;
}

// ── The queue ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// What is to be sent. A lease says who tries; when it runs out, whoever comes first takes over.
pub trait Queue: Send + Sync {
    /// Puts a message on the queue. A second time changes nothing.
    fn enqueue<'a>(&'a self, id: &'a MessageId, now: Timestamp) -> Answer<'a, Enqueued, StoreError>;
    /// Takes what is due, the oldest first. Nobody else gets it before `until`.
    fn lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Answer<'a, Vec<Leased>, StoreError>;
    /// Goes on holding these until then, where they are still ours. Says how many are.
    fn renew<'a>(&'a self, leases: &'a [Held], until: Timestamp) -> Answer<'a, u64, StoreError>;
    /// When something is next due; none: the queue is empty. What is leased is due when its lease runs out.
    fn next_due(&self) -> Answer<'_, Option<Timestamp>, StoreError>;
    /// Ends a lease with what came of it. Who has lost the lease changes nothing. Names the blobs that nobody needs.
    fn settle<'a>(&'a self, lease: &'a Leased, settlement: Settlement) -> Answer<'a, Settled, StoreError>;
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

// ── Upkeep ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// What time does to what is kept. Every call does a bounded part; whoever gets `most` of something asks again.
pub trait Upkeep: Send + Sync {
    /// What the database is called, for people.
    fn database(&self) -> &'static str;
    /// Notes `LEVETID_UTLOPT` on conversations whose time is over, and removes what waited: a message that came in and that
    /// nobody has locked, a message on the queue that nobody is sending. A message that was never sent stays.
    fn expire(&self, now: Timestamp, most: u32) -> Answer<'_, Vec<Expired>, StoreError>;
    /// Frees what a peek has locked and whose time is over. Says how many.
    fn unlock(&self, now: Timestamp) -> Answer<'_, u64, StoreError>;
    /// Removes conversations, with their statuses, that are finished, have no message any more and did not change since
    /// then. Says how many.
    fn forget_finished(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError>;
    /// Those of these blobs that no row names.
    fn unnamed<'a>(&'a self, blobs: &'a [BlobId]) -> Answer<'a, Vec<BlobId>, StoreError>;
}

/// A conversation whose time was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its message.
    pub message: MessageId,
    /// Whether we sent or received.
    pub direction: Direction,
    /// Nobody needs these blobs any more.
    pub blobs: Vec<BlobId>,
}
