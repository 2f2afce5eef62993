//! What must happen now and then, whoever asks: expiry, locks, history, leftovers.

use super::pace;
use crate::flow::{Desk, Trouble, expire, push};
use std::time::Duration;

/// How often, and how far back.
#[derive(Clone, Debug)]
pub struct Upkeep {
    /// How often messages are looked at whose time may be over.
    pub expiry: Duration,
    /// How long finished conversations are kept; none: for ever.
    pub keeps_history: Option<Duration>,
    /// How long it is known how those who subscribed were called.
    pub keeps_deliveries: Duration,
}

/// Does it until `stopped` resolves.
pub async fn upkeep(desk: &Desk, how: &Upkeep, stopped: impl Future<Output = ()>) {
    let all = async {
        tokio::join!(
            every(how.expiry, "expire messages", async || expire::messages(desk).await.map(drop)),
            every(pace::UNLOCK, "unlock messages", async || expire::locks(desk).await.map(drop)),
            every(pace::LEFTOVERS, "remove leftovers", async || expire::leftovers(desk).await.map(drop)),
            every(pace::HISTORY, "forget deliveries", async || push::forget(desk, how.keeps_deliveries)
                .await
                .map(drop)),
            every(pace::HISTORY, "forget conversations", async || match how.keeps_history {
                Some(keeps) => expire::history(desk, keeps).await.map(drop),
                None => Ok(()),
            }),
        )
    };
    tokio::select! {
        () = stopped => {}
        _ = all => {}
    }
}

/// At once, and then again and again. What goes wrong is told and tried the next time.
async fn every(pause: Duration, what: &'static str, act: impl AsyncFn() -> Result<(), Trouble>) {
    loop {
        if let Err(error) = act().await {
            tracing::warn!(what, error = %efm::chain::Chain(&error), "upkeep has to wait");
        }
        tokio::time::sleep(pause).await;
    }
}
