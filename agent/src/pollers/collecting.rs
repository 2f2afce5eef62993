//! Fetches what has come over a channel, again and again. What brings nothing but trouble is asked less and less often.

use super::pace;
use crate::flow::collect::Round;
use crate::flow::{Desk, collect as flow};
use crate::ports::{CannotUse, Channel, WrongCertificate};
use std::time::Duration;

/// Fetches until `stopped` resolves; what is being stored then is finished.
pub async fn collect(desk: &Desk, channel: &dyn Channel, stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    tokio::select! {
        () = &mut stopped => return,
        () = check(desk, channel) => {}
    }
    let mut in_vain = 0;
    loop {
        let mut is_stopped = false;
        let asked = async {
            stopped.as_mut().await;
            is_stopped = true;
        };
        let round = flow::all(desk, channel, std::pin::pin!(asked)).await;
        if is_stopped {
            return;
        }
        let asked_to_wait = match &round {
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(error = %efm::chain::Chain(error), "nothing more could be fetched");
                error.source.wait
            }
        };
        in_vain = match &round {
            // What it gives is worth asking for as often as ever.
            Err(error) if error.taken > 0 || error.source.is_partial => 0,
            Ok(Round { taken: 0, stays: 1.. }) | Err(_) => in_vain + 1,
            Ok(_) => 0,
        };
        let asked_to_wait = asked_to_wait.unwrap_or(Duration::ZERO).min(pace::LONGEST_QUIET);
        let wait = match round {
            _ if in_vain > 0 || !asked_to_wait.is_zero() => {
                let [noise, ..] = desk.random.sixteen().unwrap_or_default();
                let after_trouble =
                    if in_vain > 0 { pace::after_trouble(channel.pace(), in_vain) } else { channel.pace() };
                pace::jittered(after_trouble.max(asked_to_wait), noise)
            }
            Ok(Round { taken: 1.., .. }) => pace::after_some(channel.pace()),
            _ => channel.pace(),
        };
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What a person must do is told at the start, before a message shows it.
async fn check(desk: &Desk, channel: &dyn Channel) {
    let service = channel.service().name();
    if let Err(WrongCertificate(error)) = desk.registry.own_certificate().await {
        tracing::error!(service, error, "nothing is sent with our own certificate until this is put right");
    }
    match channel.check().await {
        Ok(()) => tracing::info!(service, "the channel can be used"),
        Err(CannotUse::Refused(error)) => {
            tracing::error!(service, error, "the channel cannot be used until this is put right");
        }
        Err(CannotUse::Unavailable(error)) => tracing::warn!(service, error, "the channel cannot be used now"),
    }
}
