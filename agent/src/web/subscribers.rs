//! Who is told of statuses, and how the last call went: what the room that calls them shows to the pages.

use crate::ports::{Answer, StoreError};
use jiff::Timestamp;

/// Looks at the subscriptions.
pub trait Subscribers: Send + Sync {
    /// Each, the first first.
    fn all(&self) -> Answer<'_, Vec<Subscriber>, StoreError>;
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Its name.
    pub name: String,
    /// Where it is called.
    pub endpoint: String,
    /// Of what it wants to hear.
    pub event: String,
    /// Of which only.
    pub filter: Option<String>,
    /// So much waits for it.
    pub waiting: u64,
    /// The last calls, the youngest first.
    pub deliveries: Vec<Delivery>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Timestamp,
    /// Whether it was taken.
    pub is_taken: bool,
    /// What was answered, or what went wrong.
    pub text: String,
}
