//! Takes in what a channel has. The channel is told only when it is stored; what comes twice is kept once.

use super::arkivmelding::Arkivmelding;
use super::{Desk, Trouble, reply};
use crate::domain::{
    About, BlobId, Conversation, ConversationId, Direction, Envelope, Finding, Incoming, Kind, MessageId, NewStatus,
    Service, Status, Verdict,
};
use crate::ports::{
    Arrival, Arrived, BlobError, BlobReader, Channel, Garbage, Judgement, NewIncoming, Received, TroubleFetching,
};
use efm::chain::Chain;
use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};
use std::collections::VecDeque;
use tracing::Instrument;

/// So much is taken in at once: while one is being stored, or its channel is told, others are.
const AT_ONCE: usize = 4;

/// What went wrong with a whole round.
#[derive(Debug, thiserror::Error)]
#[error("fetch over {service}")]
pub struct CannotFetch {
    service: &'static str,
    /// So much was taken in before that.
    pub taken: u32,
    /// What the channel says.
    #[source]
    pub source: TroubleFetching,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// So much was taken in and confirmed.
    pub taken: u32,
    /// So much stays where it is, for what went wrong with it.
    pub stays: u32,
}

/// Takes in what the channel has now, some at a time and of one conversation one at a time, until `stopped` resolves. One that cannot be taken in does not keep the others back: it is
/// told, and stays where it is. What is being stored is finished; what is on its way comes again. May be dropped at any time.
pub async fn all(
    desk: &Desk,
    channel: &dyn Channel,
    mut stopped: impl Future<Output = ()> + Unpin,
) -> Result<Round, CannotFetch> {
    let mut taken = Round::default();
    let fetched = round(desk, channel, &mut taken, &mut stopped).await.map(|()| taken);
    let cannot = |source| CannotFetch { service: channel.service().name(), taken: taken.taken, source };
    let (now, service) = (desk.clock.now(), channel.service());
    match &fetched {
        Ok(Round { taken: 0, stays: stays @ 1.. }) => {
            let because =
                format!("{stays} of what waits cannot be fetched or opened, and stay there; the log says why");
            desk.tally.not_fetched(service, because, now);
        }
        Ok(round) => desk.tally.fetched(service, round.taken, now),
        Err(error) => desk.tally.not_fetched(service, Chain(error).to_string(), now),
    }
    fetched.map_err(cannot)
}

async fn round(
    desk: &Desk,
    channel: &dyn Channel,
    round: &mut Round,
    mut stopped: impl Future<Output = ()> + Unpin,
) -> Result<(), TroubleFetching> {
    let arrivals = channel.fetch().await?;
    let arrivals = stream::unfold(Some(arrivals), |arrivals| async move {
        let mut arrivals = arrivals?;
        match arrivals.next().await {
            Ok(next) => next.map(|arrival| (Ok(arrival), Some(arrivals))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut arrivals = std::pin::pin!(arrivals);
    let (mut waiting, mut in_hand) = (Waiting::default(), FuturesUnordered::new());
    let mut end = None;
    loop {
        while in_hand.len() < AT_ONCE
            && let Some((conversation, arrival)) = waiting.next()
        {
            let span = tracing::error_span!("message", correlation_id = arrival.message());
            let taking = take(desk, channel, arrival).instrument(span);
            in_hand.push(async move { (conversation, taking.await) });
        }
        if let Some(end) = end.take_if(|_| in_hand.is_empty()) {
            return end;
        }
        tokio::select! {
            () = &mut stopped, if end.is_none() => {
                waiting.arrivals.clear();
                end = Some(Ok(()));
            }
            next = arrivals.next(), if end.is_none() && waiting.arrivals.len() < AT_ONCE => match next {
                Some(Ok(arrival)) => waiting.arrivals.push_back(arrival),
                Some(Err(error)) => end = Some(Err(error)),
                None => end = Some(Ok(())),
            },
            Some((conversation, is_taken)) = in_hand.next() => {
                waiting.is_free(conversation.as_ref());
                *(if is_taken { &mut round.taken } else { &mut round.stays }) += 1;
            }
        }
    }
}

/// What has come and is not in hand. Of one conversation one is in hand at a time, in the order in which they came.
#[derive(Default)]
struct Waiting {
    arrivals: VecDeque<Arrival>,
    busy: Vec<ConversationId>,
}

impl Waiting {
    fn next(&mut self) -> Option<(Option<ConversationId>, Arrival)> {
        let mut passed_over = self.busy.clone();
        let free = self.arrivals.iter().position(|arrival| {
            let Some(conversation) = arrival.conversation() else { return true };
            let is_free = !passed_over.contains(&conversation);
            passed_over.push(conversation);
            is_free
        })?;
        let arrival = self.arrivals.remove(free)?;
        let conversation = arrival.conversation();
        self.busy.extend(conversation.clone());
        Some((conversation, arrival))
    }

    fn is_free(&mut self, conversation: Option<&ConversationId>) {
        self.busy.retain(|busy| Some(busy) != conversation);
    }
}

/// Whether it was taken in and confirmed.
async fn take(desk: &Desk, channel: &dyn Channel, arrival: Arrival) -> bool {
    let (message, receipt, taken) = match arrival {
        Arrival::Message(arrived) => {
            let message = name(Some(&arrived.envelope));
            (message, arrived.receipt.clone(), one(desk, channel.service(), *arrived).await)
        }
        Arrival::Garbage(it) => {
            (name(it.envelope.as_ref()), it.receipt.clone(), discard(desk, channel.service(), *it).await)
        }
        Arrival::Stays { what, why } => {
            tracing::warn!(what, error = efm::masking::mask(&why), "what came in stays at the channel for now");
            return false;
        }
    };
    let confirmed = match taken {
        Ok(what) => channel.confirm(&receipt).await.map(|()| what).map_err(|error| error.to_string()),
        Err(error) => Err(Chain(&error).to_string()),
    };
    match &confirmed {
        Ok(what) => tracing::info!(message, what, "collected"),
        Err(error) => tracing::error!(message, receipt, error, "what came in could not be taken in or confirmed"),
    }
    confirmed.is_ok()
}

fn name(envelope: Option<&Envelope>) -> String {
    envelope.and_then(|envelope| envelope.document.message_id.as_ref()).map(ToString::to_string).unwrap_or_default()
}

async fn one(desk: &Desk, service: Service, arrived: Arrived) -> Result<&'static str, Trouble> {
    let Arrived { envelope, package, judgement, receipt } = arrived;
    let id = envelope.document.message_id.clone().ok_or(Trouble::Lacks("instanceIdentifier"))?;
    if envelope.document.kind == Kind::Status {
        return status(desk, &id, &envelope).await;
    }
    let now = desk.clock.now();
    let conversation = Conversation::of(&envelope, Direction::Incoming, service, now);
    let Some(mut conversation) = conversation else {
        let why = "it names no conversation, or no time when it expires".to_owned();
        return discard(desk, service, Garbage { envelope: Some(envelope), why, may_be_told: false, receipt }).await;
    };
    let created = NewStatus::plain(Status::Opprettet, now);
    if conversation.deadline.is_past(now) {
        let statuses = vec![created, NewStatus::expired(now)];
        desk.store.receive(NewIncoming { message: None, conversation, statuses, reply: None }).await?;
        desk.noted.notify_one();
        return Ok("expired");
    }
    let package = match package {
        None => None,
        Some(package) => match keep(desk, package).await {
            Ok(blob) => Some(blob),
            // What it is shows only while it is read.
            Err(Trouble::Blob(BlobError::Package(error))) if !error.may_pass() => {
                let (why, may_be_told) = (Chain(&*error).to_string(), error.may_be_told_to_the_sender());
                return discard(desk, service, Garbage { envelope: Some(envelope), why, may_be_told, receipt }).await;
            }
            Err(error) => return Err(error),
        },
    };
    if let Some(judgement) = &judgement {
        tell(&id, judgement);
    }
    if envelope.document.kind == Kind::Arkivmelding
        && let Some(read) = judgement.as_ref().and_then(Judgement::arkivmelding)
    {
        // What it says is for people: one that cannot be read is the case system's to refuse.
        let about = Arkivmelding::read(read).map(|it| About { title: it.title, reference: it.reference });
        conversation.describe(about.unwrap_or_default());
    }
    let verdict = judgement.as_ref().and_then(Judgement::verdict);
    let received =
        NewStatus { description: verdict.map(Verdict::to_string), ..NewStatus::plain(Status::InnkommendeMottatt, now) };
    let reply = reply::to(&desk.rules, &envelope, service, Status::Mottatt, now);
    let is_answered = reply.is_some();
    let (answered, told) = (envelope.clone(), id.clone());
    let message = Incoming { id, service, envelope, package: package.clone(), locked_until: None };
    let statuses = vec![created, received];
    let what = match desk.store.receive(NewIncoming { message: Some(message), conversation, statuses, reply }).await? {
        Received::Kept => {
            desk.noted.notify_one();
            if is_answered {
                desk.queued.ring();
            }
            tracing::info!(target: "AUDIT", message_id = %told, service_identifier = service.name(),
                "Downloaded message with id={told}");
            "message"
        }
        Received::Duplicate => {
            desk.sweep(package).await;
            "duplicate"
        }
    };
    // Also of a duplicate: the first time it may have been interrupted here.
    receipt_of(desk, &answered).await?;
    Ok(what)
}

async fn status(desk: &Desk, id: &MessageId, envelope: &Envelope) -> Result<&'static str, Trouble> {
    let Some(status) = envelope.body.status.as_deref().and_then(Status::named) else {
        tracing::warn!(message = %id, status = envelope.body.status, "a status that is not known here is passed over");
        return Ok("unknown status");
    };
    desk.store.register(id, Direction::Outgoing, NewStatus::plain(status, desk.clock.now())).await?;
    desk.noted.notify_one();
    Ok("status")
}

/// What a receipt says of the message that it is about.
async fn receipt_of(desk: &Desk, envelope: &Envelope) -> Result<(), Trouble> {
    if envelope.document.kind != Kind::ArkivmeldingKvittering {
        return Ok(());
    }
    let Some(related) = envelope.body.related_message.as_deref().and_then(|id| MessageId::parse(id).ok()) else {
        tracing::warn!(message = name(Some(envelope)), "a receipt does not say of which message it is");
        return Ok(());
    };
    let kind = envelope.body.receipt_type.as_deref().unwrap_or_default();
    let status = if matches!(kind, "ERROR" | "NOTSUPPORTED") { Status::Feil } else { Status::Lest };
    let described = NewStatus::described(status, desk.clock.now(), format!("ArkivmeldingKvittering: {kind}"));
    let status = NewStatus { raw_receipt: Some(envelope.body.text.clone()), ..described };
    desk.store.register(&related, Direction::Outgoing, status).await?;
    desk.noted.notify_one();
    Ok(())
}

/// Keeps what can be told of something that cannot be read.
async fn discard(desk: &Desk, service: Service, garbage: Garbage) -> Result<&'static str, Trouble> {
    let Garbage { envelope, why, may_be_told, receipt } = garbage;
    let message = name(envelope.as_ref());
    tracing::error!(
        message,
        receipt,
        error = efm::masking::mask(&why),
        "what came in cannot be read, and is discarded"
    );
    let now = desk.clock.now();
    let Some(envelope) = envelope else { return Ok("garbage") };
    let Some(conversation) = Conversation::of(&envelope, Direction::Incoming, service, now) else {
        return Ok("garbage");
    };
    let reply = reply::to(&desk.rules, &envelope, service, Status::Feil, now).filter(|_| may_be_told);
    let statuses = vec![NewStatus::plain(Status::Opprettet, now), NewStatus::described(Status::Feil, now, why)];
    let is_answered = reply.is_some();
    desk.store.receive(NewIncoming { message: None, conversation, statuses, reply }).await?;
    desk.noted.notify_one();
    if is_answered {
        desk.queued.ring();
    }
    Ok("garbage")
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
