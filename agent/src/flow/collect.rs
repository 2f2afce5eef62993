//! Takes in what a channel has. The channel is told only when it is stored; what comes twice is kept once.

use super::{Desk, Trouble, reply};
use crate::domain::{
    BlobId, Conversation, Direction, Envelope, Finding, Incoming, Kind, MessageId, NewStatus, Service, Status,
};
use crate::ports::{Arrived, BlobReader, Channel, Judgement, NewIncoming, Received, TroubleFetching};
use tracing::Instrument;

/// What went wrong with a whole round.
#[derive(Debug, thiserror::Error)]
#[error("fetch over {service}")]
pub struct CannotFetch {
    service: &'static str,
    #[source]
    source: TroubleFetching,
}

/// Takes in what the channel has now, and says how much that was. One that cannot be taken in does not keep the others
/// back: it is told, and stays where it is. May be dropped between any two.
pub async fn all(desk: &Desk, channel: &dyn Channel) -> Result<u32, CannotFetch> {
    let cannot = |source| CannotFetch { service: channel.service().name(), source };
    let fetched = fetch(desk, channel).await;
    let (now, service) = (desk.clock.now(), channel.service());
    match &fetched {
        Ok(taken) => desk.tally.fetched(service, *taken, now),
        Err(error) => desk.tally.not_fetched(service, efm::chain::Chain(error).to_string(), now),
    }
    fetched.map_err(cannot)
}

async fn fetch(desk: &Desk, channel: &dyn Channel) -> Result<u32, TroubleFetching> {
    let mut taken = 0;
    for arrived in channel.fetch().await? {
        let message = arrived.envelope.document.message_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let receipt = arrived.receipt.clone();
        let span = tracing::error_span!("message", correlation_id = message);
        match one(desk, channel.service(), arrived).instrument(span).await {
            Ok(what) => {
                channel.confirm(&receipt).await?;
                tracing::info!(message_id = message, what, "collected");
                taken += 1;
            }
            Err(error) => {
                tracing::error!(message_id = message, error = %efm::chain::Chain(&error), "what came in could not be taken in");
            }
        }
    }
    Ok(taken)
}

async fn one(desk: &Desk, service: Service, arrived: Arrived) -> Result<&'static str, Trouble> {
    let Arrived { envelope, package, judgement, .. } = arrived;
    let id = envelope.document.message_id.clone().ok_or(Trouble::Lacks("instanceIdentifier"))?;
    if envelope.document.kind == Kind::Status {
        return status(desk, &id, &envelope).await;
    }
    let now = desk.clock.now();
    let conversation = Conversation::of(&envelope, Direction::Incoming, service, now);
    let conversation = conversation.ok_or(Trouble::Lacks("conversation, process or deadline"))?;
    let created = NewStatus::plain(Status::Opprettet, now);
    if conversation.deadline.is_past(now) {
        let statuses = vec![created, NewStatus::expired(now)];
        desk.store.receive(NewIncoming { message: None, conversation, statuses, reply: None }).await?;
        desk.noted.notify_one();
        return Ok("expired");
    }
    let package = match package {
        Some(package) => Some(keep(desk, package).await?),
        None => None,
    };
    if let Some(judgement) = judgement {
        tell(&id, &judgement);
    }
    let reply = reply::to(&desk.rules, &envelope, service, Status::Mottatt, now);
    let is_answered = reply.is_some();
    let told = id.clone();
    let message = Incoming { id, service, envelope, package: package.clone(), locked_until: None };
    let statuses = vec![created, NewStatus::plain(Status::InnkommendeMottatt, now)];
    match desk.store.receive(NewIncoming { message: Some(message), conversation, statuses, reply }).await? {
        Received::Kept => {
            desk.noted.notify_one();
            if is_answered {
                desk.queued.notify_one();
            }
            tracing::info!(target: "AUDIT", message_id = %told, service_identifier = service.name(),
                "Downloaded message with id={told}");
            Ok("message")
        }
        Received::Duplicate => {
            desk.sweep(package).await;
            Ok("duplicate")
        }
    }
}

async fn status(desk: &Desk, id: &MessageId, envelope: &Envelope) -> Result<&'static str, Trouble> {
    let named = envelope.body.status.as_deref().and_then(Status::named);
    let status = named.ok_or(Trouble::Lacks("status that is known here"))?;
    desk.store.register(id, Direction::Outgoing, NewStatus::plain(status, desk.clock.now())).await?;
    desk.noted.notify_one();
    Ok("status")
}

/// Says who has signed a package that is kept by now.
fn tell(message: &MessageId, judgement: &Judgement) {
    let Some(verdict) = judgement.verdict() else { return };
    let line = efm::masking::mask(&verdict.to_string());
    // Most that comes is signed with SHA-1 still: what is weak stands in the line, and is no warning each time.
    if matches!(verdict.finding, Finding::Trusted | Finding::Signed) {
        tracing::info!(%message, verdict = line, "the signature of a package holds");
    } else {
        tracing::warn!(%message, verdict = line, "the signature of a package is missing, does not hold, or leads to nobody who is trusted");
    }
}

async fn keep(desk: &Desk, mut package: Box<dyn BlobReader>) -> Result<BlobId, Trouble> {
    let blob = BlobId::random(desk.random.sixteen()?);
    let mut writer = desk.blobs.begin(&blob).await?;
    while let Some(bytes) = package.next().await? {
        writer.write(bytes).await?;
    }
    writer.finish().await?;
    Ok(blob)
}
