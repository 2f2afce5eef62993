//! What time does: messages whose time is over, locks that nobody uses, conversations that may be forgotten, bytes that
//! nobody names. Each may be dropped between any two steps and is then begun anew.

use super::{Desk, Trouble};
use crate::domain::BlobId;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// So much in one act of the store, so that it never keeps others waiting for long.
const AT_ONCE: u32 = 200;
/// Bytes that were written so lately may get their name yet; an upload that takes longer writes all the while.
const MAY_BE_NAMED: Duration = Duration::from_hours(1);

/// Ends the messages whose time is over; says how many.
pub async fn messages(desk: &Desk) -> Result<u32, Trouble> {
    let mut ended = 0_u32;
    loop {
        let expired = desk.store.expire(desk.clock.now(), AT_ONCE).await?;
        let found = u32::try_from(expired.len()).unwrap_or(u32::MAX);
        for one in expired {
            tracing::info!(message = %one.message, direction = one.direction.name(), "its time is over");
            desk.sweep(one.blobs).await;
        }
        if found > 0 {
            desk.noted.notify_one();
        }
        ended = ended.saturating_add(found);
        if found < AT_ONCE {
            return Ok(ended);
        }
    }
}

/// Frees messages that a peek has locked and nobody has removed in time.
pub async fn locks(desk: &Desk) -> Result<u64, Trouble> {
    let freed = desk.store.unlock(desk.clock.now()).await?;
    if freed > 0 {
        tracing::info!(freed, "locks ran out; these messages may be peeked at again");
    }
    Ok(freed)
}

/// Forgets conversations that are finished and older than this; says how many.
pub async fn history(desk: &Desk, older_than: Duration) -> Result<u64, Trouble> {
    let before = back(desk.clock.now(), older_than);
    let mut forgotten = 0_u64;
    loop {
        let found = desk.store.forget_finished(before, AT_ONCE).await?;
        forgotten = forgotten.saturating_add(found);
        if found < u64::from(AT_ONCE) {
            break;
        }
    }
    if forgotten > 0 {
        tracing::info!(forgotten, "conversations are forgotten, as the settings say");
    }
    Ok(forgotten)
}

/// Removes bytes that no row names and that nobody is about to name; says how many.
pub async fn leftovers(desk: &Desk) -> Result<u64, Trouble> {
    let before = back(desk.clock.now(), MAY_BE_NAMED);
    let mut removed = 0_u64;
    for part in 0..=u8::MAX {
        let lying: Vec<BlobId> = desk.blobs.older(part, before).await?;
        for some in lying.chunks(usize::try_from(AT_ONCE).unwrap_or(usize::MAX)) {
            for blob in desk.store.unnamed(some).await? {
                desk.blobs.remove(&blob).await?;
                removed = removed.saturating_add(1);
            }
        }
    }
    if removed > 0 {
        tracing::info!(removed, "bytes that an earlier run had left are removed");
    }
    Ok(removed)
}

fn back(now: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| now.checked_sub(span).ok()).unwrap_or(Timestamp::MIN)
}
