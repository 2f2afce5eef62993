//! Homes that one supervisor keeps: whose turn it is to be upgraded, and what failed with one of them.
//!
//! Start at [`Place`], what each home's duty loop holds. One after the other: an attempt begins only with a [`Turn`], and
//! there is one. Stop at the first failure: what was given up in one home is read from that home's own state, each time,
//! so that it counts after a restart too ([`Place::failures_of`]); a failure for which the release is not to blame is
//! remembered here ([`Place::note_failure`]) and counts until a window opens that was not open then.
//!
//! Nothing here waits or starts anything: the duty loops ask, and hear of changes by [`Place::changed`]. Whose turn it
//! is, is decided in [`queue`]. What must not wait (a roll-back, a restart, a watch that goes on) does not ask.

pub mod queue;

use std::cell::RefCell;
use std::rc::Rc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ports::{Held, VaultError};
use crate::release::Sha256;
use queue::{Asks, Queue};
pub use queue::{SETTLE, Standing};

/// Reads what is held against any bytes in one home.
pub type ReadHeld = Box<dyn Fn() -> Result<Vec<(Sha256, Held)>, VaultError>>;

/// A release that failed in a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In which.
    pub home: String,
    /// Why.
    pub reason: String,
}

/// All homes of one supervisor, in the order in which they are upgraded.
pub struct Siblings {
    homes: Vec<Home>,
    queue: RefCell<Queue>,
    failed: RefCell<Vec<Option<Timestamp>>>,
    changed: watch::Sender<()>,
}

/// A home as the others see it.
pub struct Home {
    /// What it is called in messages: its folder.
    pub name: String,
    /// What failed there.
    pub held: ReadHeld,
}

impl Siblings {
    /// These, the first one first.
    pub fn new(homes: Vec<Home>) -> Rc<Self> {
        let failed = RefCell::new(vec![None; homes.len()]);
        let queue = RefCell::new(Queue::of(homes.len()));
        Rc::new(Self { homes, queue, failed, changed: watch::channel(()).0 })
    }

    /// The place of one of them; counted from zero.
    pub fn place(self: &Rc<Self>, number: usize) -> Place {
        Place { all: self.clone(), number, changes: self.changed.subscribe() }
    }

    fn name(&self, number: usize) -> String {
        self.homes.get(number).map_or_else(String::new, |home| home.name.clone())
    }
}

/// A home's place among its siblings.
pub struct Place {
    all: Rc<Siblings>,
    number: usize,
    changes: watch::Receiver<()>,
}

impl Place {
    /// A home whose supervisor keeps no other.
    pub fn alone() -> Self {
        Siblings::new(vec![Home { name: String::new(), held: Box::new(|| Ok(Vec::new())) }]).place(0)
    }

    /// It would be upgraded now if it were its turn.
    pub fn ask(&self, by_person: bool) {
        let asks = Asks { since: Instant::now(), by_person };
        if self.all.queue.borrow_mut().ask(self.number, asks) {
            self.all.changed.send_replace(());
        }
    }

    /// It would not, or has something else to do.
    pub fn withdraw(&self) {
        if self.all.queue.borrow_mut().withdraw(self.number) {
            self.all.changed.send_replace(());
        }
    }

    /// Who is before it, in words; none: it is its turn.
    pub fn waits_for(&self) -> Option<String> {
        match self.standing() {
            Standing::Turn => None,
            Standing::Busy(other) => Some(format!("its turn; {} is being upgraded", self.all.name(other))),
            Standing::Behind(other) => Some(format!("its turn; {} comes first", self.all.name(other))),
            Standing::Settles => Some("its turn".to_owned()),
        }
    }

    /// Whether it is its turn, as one who asks, or would.
    pub fn standing(&self) -> Standing {
        self.all.queue.borrow().standing(self.number, Instant::now())
    }

    /// When it may be its turn without anything having happened; none: something must happen first.
    pub fn settles_at(&self) -> Option<Instant> {
        self.all.queue.borrow().settles_at(self.number)
    }

    /// An attempt begins, or goes on: it is over when the turn is dropped. One that must not wait takes it unasked.
    pub fn take(&self) -> Turn {
        self.all.queue.borrow_mut().begin(self.number);
        self.all.changed.send_replace(());
        Turn { all: self.all.clone(), number: self.number }
    }

    /// In which of the others these bytes were given up. What cannot be read may be such a failure, and counts as one.
    pub fn failures_of(&self, bytes: &Sha256) -> Vec<Failure> {
        let others = self.all.homes.iter().enumerate().filter(|(number, _)| *number != self.number);
        others
            .filter_map(|(_, home)| Some(Failure { home: home.name.clone(), reason: given_up(home, bytes)? }))
            .collect()
    }

    /// An attempt failed here, and the release is not to blame.
    pub fn note_failure(&self, at: Timestamp) {
        if let Some(last) = self.all.failed.borrow_mut().get_mut(self.number) {
            *last = Some(at);
        }
        self.all.changed.send_replace(());
    }

    /// In which of the others an attempt failed last without the release being to blame, and when.
    pub fn failed_last(&self) -> Option<(String, Timestamp)> {
        let failed = self.all.failed.borrow();
        let others = failed.iter().enumerate().filter(|(number, _)| *number != self.number);
        let (at, number) = others.filter_map(|(number, at)| Some(((*at)?, number))).max()?;
        Some((self.all.name(number), at))
    }

    /// Resolves when another one has begun or ended an attempt, or asks or withdraws. Cancel safe.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.withdraw();
    }
}

fn given_up(home: &Home, bytes: &Sha256) -> Option<String> {
    match (home.held)() {
        Ok(held) => held.into_iter().find(|(of, _)| of == bytes).and_then(|(_, held)| held.given_up),
        Err(error) => Some(format!("what failed there cannot be read: {}", efm::chain::Chain(&error))),
    }
}

/// The right to stop and start. While it lives no other home begins an attempt.
pub struct Turn {
    all: Rc<Siblings>,
    number: usize,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.queue.borrow_mut().end(self.number);
        self.all.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests;
