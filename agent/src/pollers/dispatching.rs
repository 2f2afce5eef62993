//! Takes leases and sends, so much at once. It is woken when something is queued or due.

use super::pace;
use crate::domain::Deadline;
use crate::flow::{Desk, dispatch as flow};
use crate::ports::{Leased, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;

/// How it dispatches.
#[derive(Clone, Debug)]
pub struct Dispatching {
    /// Our name on leases.
    pub holder: String,
    /// How much is sent at once.
    pub concurrency: u32,
    /// How long a lease lasts. One try takes less; work whose holder died waits so long.
    pub lease: Duration,
}

/// Sends what is due until `stopped` resolves, then finishes what it holds.
///
/// Dropped in the middle, what it held is taken up again when the lease has run out.
pub async fn dispatch(desk: &Desk, how: &Dispatching, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    let mut in_hand = FuturesUnordered::new();
    loop {
        let free = how.concurrency.saturating_sub(u32::try_from(in_hand.len()).unwrap_or(u32::MAX));
        let wait = match take(desk, how, free).await {
            Ok(taken) => {
                in_hand.extend(taken.into_iter().map(|leased| send(desk, how, leased)));
                next_look(desk).await
            }
            Err(error) => {
                tracing::error!(error = %efm::chain::Chain(&error), "the queue cannot be read");
                pace::AFTER_TROUBLE
            }
        };
        tokio::select! {
            () = &mut stopped => break,
            () = desk.queued.notified() => {}
            Some(()) = in_hand.next() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    while in_hand.next().await.is_some() {}
}

async fn take(desk: &Desk, how: &Dispatching, free: u32) -> Result<Vec<Leased>, StoreError> {
    if free == 0 {
        return Ok(Vec::new());
    }
    let now = desk.clock.now();
    let until = Deadline::after(now, how.lease).moment();
    desk.store.lease(&how.holder, now, until, free).await
}

async fn next_look(desk: &Desk) -> Duration {
    match desk.store.next_due().await {
        Ok(due) => pace::until(due, desk.clock.now()),
        Err(_) => pace::AFTER_TROUBLE,
    }
}

async fn send(desk: &Desk, how: &Dispatching, leased: Leased) {
    match tokio::time::timeout(how.lease, flow::one(desk, &leased)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %efm::chain::Chain(&error), "what was sent could not be noted"),
        Err(_) => tracing::warn!(work = leased.number, "sending took longer than the lease"),
    }
}
