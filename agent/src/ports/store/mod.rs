//! What is kept: messages, conversations, statuses, the queue. One contract (`store/contract/`) holds every store to it.

mod conversations;
mod inbox;
mod opening;
mod outbox;
mod pushes;
mod queue;
mod status_queue;
mod subscriptions;
mod upkeep;

pub use conversations::{
    ConversationFilter, Conversations, Counts, Registered, StatusFilter, StatusRow, StoredConversation,
};
pub use inbox::{Acknowledged, Inbox, IncomingFilter, NewIncoming, Received};
pub use opening::Opening;
pub use outbox::{Attached, Created, Outbox, OutgoingFilter};
pub use pushes::{
    Attempt, Delivery, KEPT_DELIVERIES, Outcome, Pending, Push, PushSettled, PushSettlement, Pushes, Told,
};
pub use queue::{Enqueued, Held, Lane, Leased, Queue, Settled, Settlement, Work};
pub use status_queue::StatusQueue;
pub use subscriptions::{Resubscribed, StoredSubscription, Subscribed, SubscriptionChange, Subscriptions};
pub use upkeep::{Expired, Upkeep};

use super::Overview;

/// Everything that is kept.
pub trait Store:
    Opening + Outbox + Inbox + Conversations + StatusQueue + Queue + Subscriptions + Pushes + Upkeep + Overview
{
}

impl<T: Opening + Outbox + Inbox + Conversations + StatusQueue + Queue + Subscriptions + Pushes + Upkeep + Overview>
    Store for T
{
}

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
    /// The database is not to be reached now; it may be in a moment.
    #[error("{act} in the store")]
    Unreachable {
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
    /// It could not be opened yet.
    #[error("the database is not open")]
    NotOpen,
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}
