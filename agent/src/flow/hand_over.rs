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

/// The package of a locked message. One that is not there any more ends the message; what cannot be read stays, so that a
/// person can look at it.
pub async fn pop(desk: &Desk, id: &MessageId) -> Result<Box<dyn BlobReader>, Trouble> {
    super::about(id);
    let message = desk.store.incoming(id).await?.ok_or_else(|| Refusal::MessageNotFound(id.to_string()))?;
    let now = desk.clock.now();
    if !message.is_locked(now) {
        return Err(Refusal::NotLocked(id.clone()).into());
    }
    let package = message.package.clone().filter(|_| !message.envelope.document.kind.is_receipt());
    let package = package.ok_or(Refusal::NoContent)?;
    let error = match desk.blobs.open(&package).await {
        Ok(reader) => {
            tracing::info!(target: "AUDIT", message_id = %id, "Pop - returning ASiC stream for message with id={id}");
            return Ok(reader);
        }
        Err(error) => error,
    };
    tracing::error!(message_id = %id, error = %efm::chain::Chain(&error), "a package cannot be read");
    match error {
        BlobError::Missing(_) => {
            // It will never be there again: the message would be peeked at for ever.
            let sender = message.envelope.sender().map(|who| who.primary().to_owned()).unwrap_or_default();
            let text = format!(
                "Can not read file \"asic.zip\" for message [messageId={id}, sender={sender}], removing from queue."
            );
            desk.store.acknowledge(id, NewStatus::described(Status::Feil, now, text), None).await?;
            Err(Refusal::FileNotFound(vec!["asic.zip".into()]).into())
        }
        // The place of all files is away: that says nothing of this one, which is to be asked for again.
        error @ (BlobError::NotOpen | BlobError::Lost(_) | BlobError::Open { .. }) => Err(error.into()),
        BlobError::Disk { .. } | BlobError::List(_) | BlobError::Spoilt(_) | BlobError::Package(_) => {
            Err(Refusal::AsicUnreadable(id.clone()).into())
        }
    }
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
            desk.queued.ring();
            desk.noted.notify_one();
            desk.sweep(message.package.clone()).await;
            Ok(*message)
        }
        Acknowledged::NoSuchMessage => Err(not_found().into()),
        Acknowledged::NotLocked => Err(Refusal::NotLocked(id.clone()).into()),
    }
}
