//! Fetches what has come over a channel, again and again.

use super::pace;
use crate::flow::{Desk, collect as flow};
use crate::ports::Channel;

/// Fetches until `stopped` resolves; a round that has begun is finished.
pub async fn collect(desk: &Desk, channel: &dyn Channel, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let wait = match flow::all(desk, channel).await {
            Ok(0) => pace::FOLDER,
            Ok(_) => pace::SHORTEST,
            Err(error) => {
                tracing::warn!(error = %efm::chain::Chain(&error), "nothing could be fetched");
                pace::AFTER_TROUBLE
            }
        };
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
