//! Gives the case system what came in: peek locks, pop reads, acknowledge removes. Until it is acknowledged it stays.

use super::{Desk, Refusal, Trouble, reply};
use crate::domain::{Deadline, Incoming, MessageId, NewStatus, Status, in_oslo};
use crate::ports::{Acknowledged, BlobError, BlobReader, IncomingFilter};

/// Locks the oldest message that nobody has locked.
pub async fn peek(desk: &Desk, filter: IncomingFilter) -> Result<Incoming, Trouble> {
    let now = desk.clock.now();
    let until = Deadline::after(now, desk.rules.lock).moment();
    let found = desk.store.lock_next(filter, now, until).await?.ok_or(Refusal::NoContent)?;
    let id = &found.id;
    super::about(id);
    tracing::info!(target: "AUDIT", message_id = %id, "Message [id={id}] locked until {}", in_oslo(until));
    Ok(found)
}

/// The package of a locked message. What cannot be read stays, so that a person can look at it.
pub async fn pop(desk: &Desk, id: &MessageId) -> Result<Box<dyn BlobReader>, Trouble> {
    super::about(id);
    let message = desk.store.incoming(id).await?.ok_or_else(|| Refusal::MessageNotFound(id.to_string()))?;
    if !message.is_locked(desk.clock.now()) {
        return Err(Refusal::NotLocked(id.clone()).into());
    }
    let package = message.package.filter(|_| !message.envelope.document.kind.is_receipt());
    let package = package.ok_or(Refusal::NoContent)?;
    let opened = desk.blobs.open(&package).await.map_err(|error| {
        tracing::error!(message_id = %id, error = %efm::chain::Chain(&error), "a package cannot be read");
        let refusal = match error {
            BlobError::Missing(_) => Refusal::FileNotFound(vec!["asic.zip".into()]),
            BlobError::Disk { .. } | BlobError::List(_) | BlobError::Spoilt(_) => Refusal::AsicUnreadable(id.clone()),
        };
        Trouble::from(refusal)
    })?;
    tracing::info!(target: "AUDIT", message_id = %id, "Pop - returning ASiC stream for message with id={id}");
    Ok(opened)
}

/// Removes a locked message, and tells its sender that it was delivered.
pub async fn acknowledge(desk: &Desk, id: &MessageId) -> Result<Incoming, Trouble> {
    super::about(id);
    let not_found = || Refusal::MessageNotFound(id.to_string());
    let now = desk.clock.now();
    let message = desk.store.incoming(id).await?.ok_or_else(not_found)?;
    let reply = reply::to(&desk.rules, &message.envelope, message.service, Status::Levert, now);
    let status = NewStatus::plain(Status::InnkommendeLevert, now);
    match desk.store.acknowledge(id, status, reply).await? {
        Acknowledged::Removed(message) => {
            tracing::info!(target: "AUDIT", message_id = %id, "Message with id={id} removed from queue");
            desk.queued.notify_one();
            desk.sweep(message.package.clone()).await;
            Ok(*message)
        }
        Acknowledged::NoSuchMessage => Err(not_found().into()),
        Acknowledged::NotLocked => Err(Refusal::NotLocked(id.clone()).into()),
    }
}
