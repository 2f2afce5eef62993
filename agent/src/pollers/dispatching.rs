//! Takes leases, renews them while it sends, so much at once. It is woken when something is queued or due.

use super::pace;
use crate::domain::{Deadline, Services};
use crate::flow::{Desk, dispatch as flow};
use crate::ports::{Held, Lane, Leased, StoreError};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How it dispatches.
#[derive(Clone, Debug)]
pub struct Dispatching {
    /// Our name on leases.
    pub holder: String,
    /// How much is sent at once over each service.
    pub concurrency: u32,
    /// How long a lease lasts that nobody renews: work whose holder died is taken over after so long.
    pub lease: Duration,
    /// How long one try may take.
    pub longest_try: Duration,
}

impl Dispatching {
    /// A renewal may fail twice before the lease runs out.
    fn renewal(&self) -> Duration {
        self.lease / 3
    }
}

/// Sends what is due until `stopped` resolves, then finishes what it holds. Each service has a lane with its own places: one
/// that hangs, or asks to be left alone, does not keep the others back.
///
/// Dropped in the middle, what it held is taken up again when the lease has run out.
pub async fn dispatch<F: Future<Output = ()>>(desk: &Desk, how: &Dispatching, stopped: impl Fn() -> F) {
    let open: Services = desk.channels.keys().copied().collect();
    let lanes = open.iter().map(Lane::Of).chain([Lane::NoneOf(open.clone())]);
    join_all(lanes.map(|lane| dispatch_lane(desk, how, lane, stopped()))).await;
}

async fn dispatch_lane(desk: &Desk, how: &Dispatching, lane: Lane, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    let mut queued = desk.queued.ear();
    let mut in_hand = FuturesUnordered::new();
    let mut hands = Hands::default();
    let mut renewed = Instant::now();
    let mut takes_more = true;
    loop {
        let free = if takes_more { hands.free(how) } else { 0 };
        let wait = match while_sending(take(desk, how, &lane, free), &mut in_hand, &mut hands).await {
            Ok(taken) => {
                // With both hands full nothing that is due matters before something is out of them.
                let takes_more = free > 0 && taken.len() < usize::try_from(free).unwrap_or(usize::MAX);
                hands.held.extend(taken.iter().map(|leased| leased.held));
                in_hand.extend(taken.into_iter().map(|leased| send(desk, how, leased)));
                while_sending(next_look(desk, &lane, takes_more), &mut in_hand, &mut hands).await
            }
            Err(error) => {
                tracing::error!(error = %efm::chain::Chain(&error), "the queue cannot be read");
                pace::AFTER_TROUBLE
            }
        };
        if renewed.elapsed() >= how.renewal() || hands.held.is_empty() {
            renewed = Instant::now();
            let ours = hands.held.iter().copied().collect();
            while_sending(renew(desk, how, ours), &mut in_hand, &mut hands).await;
        }
        let until_renewal = (renewed + how.renewal()).saturating_duration_since(Instant::now());
        // Now, and not at the top: what was in hand may have come to its end meanwhile.
        let Some(wait) = pace::patience(takes_more, hands.held.len(), wait.min(until_renewal)) else { return };
        tokio::select! {
            () = &mut stopped, if takes_more => takes_more = false,
            () = queued.heard(), if takes_more => {}
            Some(done) = in_hand.next() => hands.put_down(done),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What a lane holds.
#[derive(Default)]
struct Hands {
    held: BTreeSet<Held>,
    /// The channel has asked to be left alone until then.
    quiet_until: Option<Instant>,
}

/// A try is over.
#[derive(Clone, Copy)]
struct Done {
    held: Held,
    leave_alone: Option<Duration>,
}

impl Hands {
    fn free(&self, how: &Dispatching) -> u32 {
        if self.quiet_until.is_some_and(|until| Instant::now() < until) {
            return 0;
        }
        how.concurrency.saturating_sub(u32::try_from(self.held.len()).unwrap_or(u32::MAX))
    }

    fn put_down(&mut self, done: Done) {
        self.held.remove(&done.held);
        if let Some(wait) = done.leave_alone {
            let until = Instant::now() + wait.min(pace::LONGEST_QUIET);
            self.quiet_until = self.quiet_until.max(Some(until));
        }
    }
}

/// Does something while what is in hand goes on. It must: what is in hand may hold a connection or a lock of the store
/// that the act waits for.
async fn while_sending<T>(
    act: impl Future<Output = T>,
    in_hand: &mut FuturesUnordered<impl Future<Output = Done>>,
    hands: &mut Hands,
) -> T {
    let mut act = std::pin::pin!(act);
    loop {
        tokio::select! {
            done = &mut act => return done,
            Some(done) = in_hand.next() => hands.put_down(done),
        }
    }
}

async fn take(desk: &Desk, how: &Dispatching, lane: &Lane, free: u32) -> Result<Vec<Leased>, StoreError> {
    if free == 0 {
        return Ok(Vec::new());
    }
    let now = desk.clock.now();
    let until = Deadline::after(now, how.lease).moment();
    desk.store.lease(&how.holder, lane, now, until, free).await
}

/// A renewal that fails is tried again at the next; by then the lease still lasts.
async fn renew(desk: &Desk, how: &Dispatching, held: Vec<Held>) {
    if held.is_empty() {
        return;
    }
    let until = Deadline::after(desk.clock.now(), how.lease).moment();
    if let Err(error) = desk.store.renew(&held, until).await {
        tracing::warn!(error = %efm::chain::Chain(&error), "leases could not be renewed");
    }
}

async fn next_look(desk: &Desk, lane: &Lane, takes_more: bool) -> Duration {
    if !takes_more {
        return pace::LONGEST;
    }
    match desk.store.next_due(lane).await {
        Ok(due) => pace::until(due, desk.clock.now()),
        Err(_) => pace::AFTER_TROUBLE,
    }
}

async fn send(desk: &Desk, how: &Dispatching, leased: Leased) -> Done {
    let leave_alone = match flow::one(desk, &leased, how.longest_try).await {
        Ok(leave_alone) => leave_alone,
        Err(error) => {
            // It is done again when its lease has run out.
            tracing::error!(error = %efm::chain::Chain(&error), "what was sent could not be noted");
            None
        }
    };
    Done { held: leased.held, leave_alone }
}
