//! Tells those who subscribed: leases lanes in which something is due, and calls, so many at once. It is woken when a status
//! is noted or a push is due. A call has an end, so a lease that lasts longer than a call need not be renewed.

use super::pace;
use crate::domain::Deadline;
use crate::flow::{Desk, push as flow};
use crate::ports::{Push, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;

/// So many lanes are called at once. One that is slow holds one of these places for as long as a call may take.
const LANES: usize = 64;
/// To note what came of a call.
const TO_SETTLE: Duration = Duration::from_secs(5);

/// Tells until `stopped` resolves, then finishes the calls that it has begun.
///
/// Dropped in the middle, these are made again when their leases have run out.
pub async fn push(desk: &Desk, holder: &str, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    let mut in_hand = FuturesUnordered::new();
    let mut takes_more = true;
    loop {
        let free = if takes_more { LANES.saturating_sub(in_hand.len()) } else { 0 };
        let wait = match while_calling(due(desk, holder, free), &mut in_hand).await {
            Ok((taken, wait)) => {
                in_hand.extend(taken.into_iter().map(|push| call(desk, push)));
                wait
            }
            Err(error) => {
                tracing::error!(error = %efm::chain::Chain(&error), "pushes cannot be read");
                pace::AFTER_TROUBLE
            }
        };
        // Now, and not at the top: what was in hand may have come to its end meanwhile.
        let Some(wait) = pace::patience(takes_more, in_hand.len(), wait) else { return };
        tokio::select! {
            () = &mut stopped, if takes_more => takes_more = false,
            () = desk.noted.notified(), if takes_more => {}
            Some(()) = in_hand.next() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Does something while the calls go on: what is in hand may hold a connection of the store that the act waits for.
async fn while_calling<T>(act: impl Future<Output = T>, in_hand: &mut FuturesUnordered<impl Future<Output = ()>>) -> T {
    let mut act = std::pin::pin!(act);
    loop {
        tokio::select! {
            done = &mut act => return done,
            Some(()) = in_hand.next() => {}
        }
    }
}

/// What is due, and how long to wait for more. Where nothing is due, nothing is written.
async fn due(desk: &Desk, holder: &str, free: usize) -> Result<(Vec<Push>, Duration), StoreError> {
    let Some(free) = u32::try_from(free).ok().filter(|free| *free > 0) else { return Ok((Vec::new(), pace::LONGEST)) };
    let now = desk.clock.now();
    let next = desk.store.next_push().await?;
    if next.is_none_or(|next| next > now) {
        return Ok((Vec::new(), pace::until(next, now)));
    }
    let until = Deadline::after(now, desk.caller.longest().saturating_add(TO_SETTLE)).moment();
    let taken = desk.store.lease_lanes(holder, now, until, free).await?;
    let next = desk.store.next_push().await?;
    Ok((taken, pace::until(next, desk.clock.now())))
}

async fn call(desk: &Desk, push: Push) {
    if let Err(error) = flow::one(desk, &push).await {
        // It is made again when its lease has run out.
        tracing::error!(error = %efm::chain::Chain(&error), "how a push went could not be noted");
    }
}
