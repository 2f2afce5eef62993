//! What whoever subscribed is to be told. It is noted in the same act as the status, so that nothing is acknowledged whose
//! push is not on the disk.
//!
//! Each subscription is a lane: its pushes go out one after the other, in the order in which they were noted, and a lease
//! says who pushes in it. When it runs out, whoever comes first takes over, so a push is made at least once.

use super::{Held, StoreError};
use crate::domain::{MessageId, Status, StatusNoted};
use crate::ports::{Answer, Page, PageRequest};
use jiff::Timestamp;
use std::time::Duration;

/// So many deliveries are kept of each subscription.
pub const KEPT_DELIVERIES: u32 = 200;

/// What is to be told.
pub trait Pushes: Send + Sync {
    /// Takes lanes in which something is due, each with its first push. Nobody else gets them before `until`.
    fn lease_lanes<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Answer<'a, Vec<Push>, StoreError>;
    /// When a lane is next due; none: nothing waits. A lane that is leased is due when its lease runs out.
    fn next_push(&self) -> Answer<'_, Option<Timestamp>, StoreError>;
    /// Ends a lease with what came of it, and notes it. Who has lost the lease changes nothing.
    fn settle_push<'a>(
        &'a self,
        push: &'a Push,
        attempt: Attempt,
        settlement: PushSettlement,
    ) -> Answer<'a, PushSettled, StoreError>;
    /// How the last calls went, the newest first; at most [`KEPT_DELIVERIES`] in all.
    fn deliveries(&self, subscription: i64, page: PageRequest) -> Answer<'_, Page<Delivery>, StoreError>;
    /// Removes what is older than this from the log of deliveries. Says how many.
    fn forget_deliveries(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError>;
}

/// A push that is ours until its lease runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The lane, by the number of its subscription, and which lease of it.
    pub held: Held,
    /// The push's own number.
    pub number: i64,
    /// Whose server is called.
    pub endpoint: String,
    /// How often it was tried before.
    pub tried: u32,
    /// How often the lane failed in a row.
    pub failures: u32,
    /// What is told.
    pub pending: Pending,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// A status.
    Status(Box<StatusNoted>),
    /// A row that this version cannot read. It is given up, so that it does not keep the others back.
    Unreadable(String),
}

/// How one call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What was answered; none: nothing.
    pub code: Option<u16>,
    /// Why it did not go well.
    pub error: Option<String>,
}

/// What comes of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushSettlement {
    /// It is done.
    Delivered,
    /// The lane waits. What was noted before `give_up_before`, is given up.
    Again {
        /// Until then.
        due: Timestamp,
        /// Whose time is over.
        give_up_before: Timestamp,
    },
    /// It is given up, alone; the next one is due.
    GivenUp,
}

/// What became of [`Pushes::settle_push`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushSettled {
    /// It is so.
    Done {
        /// So many pushes were given up.
        given_up: u64,
    },
    /// Somebody else has the lane by now, or it is gone.
    LeaseLost,
}

/// A row of the log of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its own number.
    pub number: i64,
    /// The name of the call, `webhook-id`.
    pub call: String,
    /// What was told; none: a ping.
    pub told: Option<Told>,
    /// Which try of it this was, from one.
    pub tried: u32,
    /// How it went.
    pub attempt: Attempt,
    /// What came of it.
    pub outcome: Outcome,
}

/// What was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of which message.
    pub message_id: MessageId,
    /// Which status.
    pub status: Status,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They have it.
    Delivered,
    /// They do not, and it is tried again, or it was a ping.
    Failed,
    /// They do not, and will not get it.
    GivenUp,
}

impl Outcome {
    /// As it is kept and told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
            Self::GivenUp => "GIVEN_UP",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Delivered, Self::Failed, Self::GivenUp].into_iter().find(|outcome| outcome.name() == name)
    }
}

impl Attempt {
    /// What came of it where nothing else is decided.
    pub fn outcome(&self) -> Outcome {
        if self.error.is_none() { Outcome::Delivered } else { Outcome::Failed }
    }
}
