//! Who wants to be told of statuses. What each is told, and how that went, is in [`super::Pushes`].

use super::{Attempt, StoreError};
use crate::domain::{EventKind, Filter, Resource, Subscription};
use crate::ports::{Answer, Page, PageRequest};

/// Subscriptions.
pub trait Subscriptions: Send + Sync {
    /// Keeps a new one, and how its first ping went, which was made under this name.
    fn subscribe<'a>(
        &'a self,
        new: &'a Subscription,
        ping: &'a str,
        went: &'a Attempt,
    ) -> Answer<'a, Subscribed, StoreError>;
    /// One.
    fn subscription(&self, number: i64) -> Answer<'_, Option<StoredSubscription>, StoreError>;
    /// Many, the first first.
    fn subscriptions(&self, page: PageRequest) -> Answer<'_, Page<StoredSubscription>, StoreError>;
    /// Changes what is given. Where its endpoint changes, what waits for it is due at once. Notes how the ping of the new
    /// endpoint went, where there was one.
    fn resubscribe<'a>(
        &'a self,
        number: i64,
        change: &'a SubscriptionChange,
        ping: Option<(&'a str, &'a Attempt)>,
    ) -> Answer<'a, Resubscribed, StoreError>;
    /// Removes one with what waits for it; false: it is not there.
    fn unsubscribe(&self, number: i64) -> Answer<'_, bool, StoreError>;
    /// Removes all. Says how many.
    fn unsubscribe_all(&self) -> Answer<'_, u64, StoreError>;
}

/// A subscription with its number, and how things are with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSubscription {
    /// `id`
    pub number: i64,
    /// What it is.
    pub subscription: Subscription,
    /// So much waits for it.
    pub waiting: u64,
    /// How often it could not be told in a row.
    pub failures: u32,
}

/// What is to be changed; none: it stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// `name`
    pub name: Option<String>,
    /// `pushEndpoint`
    pub push_endpoint: Option<String>,
    /// `resource`
    pub resource: Option<Resource>,
    /// `event`
    pub event: Option<EventKind>,
    /// `filter`
    pub filter: Option<Filter>,
}

/// What became of [`Subscriptions::subscribe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// It is kept under this number.
    Kept(i64),
    /// One has this name and endpoint.
    Exists,
}

/// What became of [`Subscriptions::resubscribe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resubscribed {
    /// It is changed.
    Changed,
    /// Another one has this name and endpoint.
    Exists,
    /// There is no such subscription.
    NoSuchSubscription,
}
