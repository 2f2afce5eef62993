//! The doors: what the flow needs from the world. The rooms behind them are `store`, `blobs`, `registry`, `tokens`,
//! `channels`, `webhooks`; what time it is says [`efm::clock::Clock`].
//!
//! Every call of [`Store`] is one act: wholly done and on the disk when it answers `Ok`, and wholly done or not at all
//! where its future is dropped. Nobody outside sees a transaction.

mod blobs;
mod certificate;
mod channel;
mod onboarding;
mod order;
mod overview;
mod page;
mod registry;
mod sealing;
mod store;
mod tokens;
mod webhook;

pub use blobs::{BlobError, BlobReader, BlobWriter, Blobs};
pub use certificate::{Certificate, Certificates, Use};
pub use channel::{Arrival, Arrivals, Arrived, CannotUse, Channel, Garbage, Parcel, SendError, Sent, TroubleFetching};
pub use onboarding::{KeySize, NewKey, Onboarding, Step, StepName};
pub use order::{ConversationProperty, MessageProperty, Order, StatusProperty};
pub use overview::{Overview, Queued, Search, Term, Wanted};
pub use page::{Page, PageRequest};
pub use registry::{
    Asked, Entry, LookupError, Party, Patient, PostAddress, Record, Registry, Route, Whereabouts, WrongCertificate,
};
pub use sealing::{
    ContentEncryption, Encryption, Judgement, KeyEncryption, Opened, Packing, Parties, SealError, Sealing, ToSeal,
};
pub use store::{
    Acknowledged, Attached, Attempt, ConversationFilter, Conversations, Counts, Created, Delivery, Enqueued, Expired,
    Held, Inbox, IncomingFilter, KEPT_DELIVERIES, Lane, Leased, NewIncoming, Opening, Outbox, Outcome, OutgoingFilter,
    Pending, Push, PushSettled, PushSettlement, Pushes, Queue, Received, Registered, Resubscribed, Settled, Settlement,
    StatusFilter, StatusQueue, StatusRow, Store, StoreError, StoredConversation, StoredSubscription, Subscribed,
    SubscriptionChange, Subscriptions, Told, Upkeep, Work,
};
pub use tokens::{SystemUser, TokenAsk, TokenError, Tokens};
pub use webhook::{Caller, Event, Heard};

/// What a door answers, some time.
pub type Answer<'a, T, E> = futures_util::future::BoxFuture<'a, Result<T, E>>;

/// Random bytes for new names. Tests give their own.
pub trait Random: Send + Sync {
    /// Sixteen of them, for a UUID.
    fn sixteen(&self) -> Result<[u8; 16], NoRandom>;
}

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("draw random bytes")]
pub struct NoRandom;
