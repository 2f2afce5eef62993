//! Whose turn it is. Values only: homes are numbers in the order in which they are listed, and moments are handed in.
//!
//! Those for whom a person waits come first, then as listed. One that is not due does not ask, and holds nobody up. When
//! a window opens for all, all ask within some milliseconds: whoever asks gives those before it [`SETTLE`] to ask too.

use std::time::Duration;

use tokio::time::Instant;

/// One that asks waits this long for those that are listed before it.
pub const SETTLE: Duration = Duration::from_millis(100);

/// Since when one asks, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asks {
    /// Since when.
    pub since: Instant,
    /// A person waits for it.
    pub by_person: bool,
}

/// What the queue says to one that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is its turn.
    Turn,
    /// This one is being upgraded.
    Busy(usize),
    /// This one comes before it.
    Behind(usize),
    /// Nobody is before it; it waits a moment for those who may be.
    Settles,
}

/// Who asks, and who is being upgraded.
#[derive(Clone, Debug)]
pub struct Queue {
    homes: Vec<One>,
}

#[derive(Clone, Copy, Debug, Default)]
struct One {
    asks: Option<Asks>,
    attempts: u32,
}

impl Queue {
    /// So many homes, none of which asks.
    pub fn of(homes: usize) -> Self {
        Self { homes: vec![One::default(); homes] }
    }

    /// One asks. Says whether that is new; one that asks on keeps its moment.
    pub fn ask(&mut self, number: usize, asks: Asks) -> bool {
        let Some(one) = self.homes.get_mut(number) else { return false };
        match one.asks {
            Some(before) if before.by_person == asks.by_person => false,
            _ => {
                one.asks = Some(asks);
                true
            }
        }
    }

    /// One asks no more. Says whether it did.
    pub fn withdraw(&mut self, number: usize) -> bool {
        self.homes.get_mut(number).is_some_and(|one| one.asks.take().is_some())
    }

    /// One has begun, whether it was its turn or it could not wait.
    pub fn begin(&mut self, number: usize) {
        if let Some(one) = self.homes.get_mut(number) {
            one.asks = None;
            one.attempts = one.attempts.saturating_add(1);
        }
    }

    /// One is done.
    pub fn end(&mut self, number: usize) {
        if let Some(one) = self.homes.get_mut(number) {
            one.attempts = one.attempts.saturating_sub(1);
        }
    }

    /// What one hears that asks, or would ask.
    pub fn standing(&self, number: usize, now: Instant) -> Standing {
        if let Some(busy) = self.homes.iter().position(|one| one.attempts > 0) {
            return Standing::Busy(busy);
        }
        let own = self.homes.get(number).and_then(|one| one.asks);
        let rank = |number: usize, asks: Asks| (!asks.by_person, number);
        let own_rank = (!own.is_some_and(|own| own.by_person), number);
        let asking = self.homes.iter().enumerate().filter_map(|(other, one)| Some(rank(other, one.asks?)));
        match asking.min() {
            Some(first) if first < own_rank => Standing::Behind(first.1),
            _ if self.may_settle(number).is_some_and(|until| now < until) => Standing::Settles,
            _ => Standing::Turn,
        }
    }

    /// When one that asks has waited long enough for those before it; none: nobody is to be waited for.
    pub fn settles_at(&self, number: usize) -> Option<Instant> {
        if self.homes.iter().any(|one| one.attempts > 0) { None } else { self.may_settle(number) }
    }

    fn may_settle(&self, number: usize) -> Option<Instant> {
        let asks = self.homes.get(number)?.asks?;
        (number > 0 && !asks.by_person).then(|| asks.since + SETTLE)
    }
}
