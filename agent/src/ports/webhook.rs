//! The door to those who subscribed: one call of their server.

use crate::domain::StatusNoted;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::time::Duration;

/// Calls the servers of those who subscribed.
pub trait Caller: Send + Sync {
    /// Makes one call; it ends within the time limits of the settings. Cancel safe in this sense: who is called may have it
    /// then, and gets it again under the same name.
    fn call<'a>(&'a self, endpoint: &'a str, event: &'a Event, now: Timestamp) -> BoxFuture<'a, Heard>;
    /// Whether such an address may be called at all; why not, in words for its owner.
    fn refuses(&self, endpoint: &str) -> Option<String>;
    /// How long one call takes at most.
    fn longest(&self) -> Duration;
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Are you there?
    Ping {
        /// The name of the call.
        id: String,
        /// When it is asked.
        at: Timestamp,
    },
    /// A status was noted.
    Status(Box<StatusNoted>),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// They have it.
    Taken(u16),
    /// They do not want this one, in words.
    Refused(u16, String),
    /// They do not have it now.
    Later {
        /// What was answered; none: nothing.
        code: Option<u16>,
        /// For how long they want to be left alone.
        wait: Option<Duration>,
        /// Why, in words.
        why: String,
    },
}
