//! Sends what is due: lease, send, settle. A piece of work whose holder dies is taken over when its lease runs out.

use super::{Desk, Trouble};
use crate::domain::{Backoff, Deadline, Direction, Envelope, Kind, MessageId, NewStatus, Service, Status};
use crate::ports::{
    ConversationFilter, Leased, PageRequest, Parcel, SendError, Sent, Settled, Settlement, StatusFilter, Work,
};
use jiff::Timestamp;
use std::time::Duration;
use tracing::Instrument;

/// Does one piece of work; a try that takes longer than `longest` has failed. Says how long its channel wants to be left
/// alone. It may be dropped: the work is then done again when the lease has run out, and the other side recognises the
/// message.
pub async fn one(desk: &Desk, leased: &Leased, longest: Duration) -> Result<Option<Duration>, Trouble> {
    let span = tracing::error_span!("message", correlation_id = message_id(leased));
    send(desk, leased, longest).instrument(span).await
}

async fn send(desk: &Desk, leased: &Leased, longest: Duration) -> Result<Option<Duration>, Trouble> {
    let (envelope, service, parcel) = match &leased.work {
        Work::Message(message) => {
            let envelope = addressed(desk, &message.envelope, message.service).await?;
            let parcel = Parcel { envelope, files: message.files.clone() };
            (&message.envelope, message.service, parcel)
        }
        Work::Reply(envelope, service) => {
            (&**envelope, *service, Parcel { envelope: (**envelope).clone(), files: Vec::new() })
        }
        Work::Unreadable { why, .. } => return give_up(desk, leased, why).await.map(|()| None),
    };
    let deadline = envelope.deadline();
    let is_past = |now| deadline.is_some_and(|deadline: Deadline| deadline.is_past(now));
    let outcome = if leased.tried > 0 && has_come(desk, leased).await? {
        tracing::info!("the receiver has it, from a try whose end was not heard");
        Outcome::Sent(Sent::default())
    } else if is_past(desk.clock.now()) {
        Outcome::Expired
    } else if desk.rules.backoff.is_over(leased.tried) {
        // Each try so far ended with the death of its program.
        let last = leased.last_error.clone().unwrap_or_else(|| "none was noted".into());
        Outcome::Failed(SendError::Passing(last))
    } else {
        match desk.channels.get(&service) {
            None => Outcome::Failed(SendError::Passing(format!("{} is not enabled here", service.name()))),
            Some(channel) => match tokio::time::timeout(longest, channel.send(&parcel)).await {
                Ok(Ok(sent)) => Outcome::Sent(sent),
                Ok(Err(error)) => Outcome::Failed(error),
                Err(_) => Outcome::Failed(SendError::Passing(format!("not sent within {} s", longest.as_secs()))),
            },
        }
    };
    let leave_alone = match &outcome {
        Outcome::Failed(SendError::Busy { wait, .. }) => Some(*wait),
        Outcome::Sent(_) | Outcome::Expired | Outcome::Failed(_) => None,
    };
    let [noise, ..] = desk.random.sixteen()?;
    let pace = Pace { backoff: &desk.rules.backoff, noise };
    let settlement = decide(outcome, envelope, service, leased, &pace, desk.clock.now());
    settle(desk, leased, settlement).await.map(|()| leave_alone)
}

/// Whether the other side has told of it. Then an earlier try went well, whatever we heard of it: to send it again is of no
/// use, and that it failed or expired would be wrong.
async fn has_come(desk: &Desk, leased: &Leased) -> Result<bool, Trouble> {
    let Work::Message(message) = &leased.work else { return Ok(false) };
    let filter = StatusFilter { message_id: Some(message.id.to_string()), ..StatusFilter::default() };
    let noted = desk.store.statuses(filter, PageRequest { number: 0, size: 100 }).await?.rows;
    let tells = |status| matches!(status, Status::Mottatt | Status::Levert | Status::Lest | Status::Feil);
    Ok(noted.iter().any(|row| tells(row.status.status)))
}

/// A receipt goes back to that one of the organisation's integration points which the message came from.
async fn addressed(desk: &Desk, envelope: &Envelope, service: Service) -> Result<Envelope, Trouble> {
    let mut envelope = envelope.clone();
    let related = envelope
        .body
        .related_message
        .clone()
        .filter(|_| service == Service::Dpo && envelope.document.kind == Kind::ArkivmeldingKvittering);
    if related.is_none() {
        return Ok(envelope);
    }
    let filter = ConversationFilter { message_id: related, direction: Some(Direction::Incoming), ..Default::default() };
    let found = desk.store.conversations(filter, PageRequest { number: 0, size: 1 }).await?.rows.pop();
    if let Some(channel) = found.and_then(|found| found.conversation.channel) {
        envelope.name_channel(channel);
    }
    Ok(envelope)
}

/// What cannot be read is never sent: the message fails, and the others go on.
async fn give_up(desk: &Desk, leased: &Leased, why: &str) -> Result<(), Trouble> {
    tracing::error!(work = leased.held.number, error = efm::masking::mask(why), "work on the queue cannot be read");
    let text = format!("The message cannot be read: {why}");
    let status = Some(NewStatus::described(Status::Feil, desk.clock.now(), text));
    settle(desk, leased, Settlement::Done { status, external_reference: None }).await
}

async fn settle(desk: &Desk, leased: &Leased, settlement: Settlement) -> Result<(), Trouble> {
    tell(leased, &settlement);
    match desk.store.settle(leased, settlement.clone()).await? {
        Settled::Done(blobs) => {
            count(desk, leased, &settlement);
            desk.noted.notify_one();
            desk.sweep(blobs).await;
        }
        Settled::LeaseLost => tracing::warn!(work = leased.held.number, "somebody else has taken this work over"),
    }
    Ok(())
}

/// How a try went.
#[derive(Debug)]
enum Outcome {
    Sent(Sent),
    Failed(SendError),
    Expired,
}

/// How long to wait, and by how much of it each waits longer: what failed together is not tried again together.
struct Pace<'a> {
    backoff: &'a Backoff,
    noise: u8,
}

impl Pace<'_> {
    /// Longer by up to a fifth.
    fn jittered(&self, wait: Duration) -> Duration {
        wait.saturating_add(wait.saturating_mul(u32::from(self.noise)) / (5 * u32::from(u8::MAX)))
    }
}

fn decide(
    outcome: Outcome,
    envelope: &Envelope,
    service: Service,
    leased: &Leased,
    pace: &Pace<'_>,
    now: Timestamp,
) -> Settlement {
    let done = |status| Settlement::Done { status: Some(status), external_reference: None };
    match outcome {
        Outcome::Sent(Sent { external_reference }) => {
            Settlement::Done { status: Some(NewStatus::plain(Status::Sendt, now)), external_reference }
        }
        Outcome::Expired => {
            let expired = NewStatus::expired(now);
            let last = leased.last_error.as_ref().map(|error| format!(". Last error: {error}")).unwrap_or_default();
            done(NewStatus { description: expired.description.map(|text| text + &last), ..expired })
        }
        Outcome::Failed(SendError::Final { text, raw_receipt }) => done(NewStatus {
            raw_receipt: raw_receipt.or(Some(text)),
            ..NewStatus::described(Status::Feil, now, "Failed to deliver message - check raw receipt")
        }),
        Outcome::Failed(SendError::Passing(because)) => {
            again_or_never(envelope, service, leased, (pace, Duration::ZERO), because, now)
        }
        Outcome::Failed(SendError::Busy { text, wait }) => {
            again_or_never(envelope, service, leased, (pace, wait), text, now)
        }
    }
}

/// Tried again after a pause that is no shorter than `least`, as often as the rules allow.
fn again_or_never(
    envelope: &Envelope,
    service: Service,
    leased: &Leased,
    (pace, least): (&Pace<'_>, Duration),
    because: String,
    now: Timestamp,
) -> Settlement {
    if let Some(wait) = pace.backoff.after(leased.tried) {
        let due = Deadline::after(now, pace.jittered(wait.max(least))).moment();
        return Settlement::Again { due, because };
    }
    let receiver = envelope.receiver().map(|who| who.primary().to_owned()).unwrap_or_default();
    let over = service.name();
    let text =
        format!("Request to receiver '{receiver}' failed delivery over {over} - Moved to DLQ. Last error: {because}");
    let status = Some(NewStatus::described(Status::Feil, now, text));
    Settlement::Done { status, external_reference: None }
}

fn message_id(leased: &Leased) -> Option<&str> {
    match &leased.work {
        Work::Message(message) => Some(message.id.as_str()),
        Work::Reply(envelope, _) => envelope.document.message_id.as_ref().map(MessageId::as_str),
        Work::Unreadable { message, .. } => message.as_ref().map(MessageId::as_str),
    }
}

/// What is noted is counted, and what was handed over is told to those who audit.
fn count(desk: &Desk, leased: &Leased, settlement: &Settlement) {
    let service = match &leased.work {
        Work::Message(message) => message.service,
        Work::Reply(_, service) => *service,
        Work::Unreadable { .. } => Service::Unknown,
    };
    let now = desk.clock.now();
    match settlement {
        Settlement::Again { because, .. } => desk.tally.put_off(service, because, now),
        Settlement::Done { status, .. } => {
            let status = status.as_ref().map_or(Status::Annet, |status| status.status);
            desk.tally.done(service, status, now);
            if let (Work::Message(message), Status::Sendt) = (&leased.work, status) {
                let (id, name, to) = (&message.id, service.name(), destination(service));
                tracing::info!(target: "AUDIT", message_id = %id, service_identifier = name,
                    "Message [id={id}, serviceIdentifier={name}] sent to {to}");
            }
        }
    }
}

/// As people call where it leads.
fn destination(service: Service) -> &'static str {
    match service {
        Service::Dpo | Service::Dpv => "altinn",
        Service::Dpi => "DPI",
        Service::Dpf => "SvarUt",
        Service::Dpe => "eInnsyn",
        Service::Dph => "NHN",
        Service::Unknown => "nowhere",
    }
}

fn tell(leased: &Leased, settlement: &Settlement) {
    let message = message_id(leased).unwrap_or_default();
    match settlement {
        Settlement::Again { due, because } => {
            tracing::warn!(message_id = message, tried = leased.tried + 1, %due, error = efm::masking::mask(because), "not sent, will try again");
        }
        Settlement::Done { status, .. } => {
            tracing::info!(message_id = message, status = status.as_ref().map(|it| it.status.name()), "dispatched");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Held;

    fn decided(outcome: Outcome, tried: u32) -> Settlement {
        let text = include_bytes!("../../tests/fixtures/arkivmelding.json");
        let envelope = crate::sbd::read_foreign(text).unwrap();
        let work = Work::Reply(Box::new(envelope.clone()), Service::Dpo);
        let held = Held { number: 1, lease: 1 };
        let leased = Leased { held, tried, last_error: Some("connect: timed out".into()), work };
        let pace = Pace { backoff: &Backoff::of_the_queue(100), noise: 0 };
        decide(outcome, &envelope, Service::Dpo, &leased, &pace, Timestamp::UNIX_EPOCH)
    }

    fn status(settlement: Settlement) -> NewStatus {
        match settlement {
            Settlement::Done { status: Some(status), .. } => status,
            other @ (Settlement::Done { status: None, .. } | Settlement::Again { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_then_given_up_with_the_last_error() {
        let refused = || Outcome::Failed(SendError::Passing("connect: refused".into()));
        let due = Timestamp::UNIX_EPOCH + Duration::from_secs(20);
        assert_eq!(decided(refused(), 0), Settlement::Again { due, because: "connect: refused".into() });
        let given_up = status(decided(refused(), 105));
        assert_eq!(given_up.status, Status::Feil);
        assert_eq!(
            given_up.description.unwrap(),
            "Request to receiver '910075918' failed delivery over DPO - Moved to DLQ. Last error: connect: refused"
        );
    }

    #[test]
    fn a_channel_that_asks_for_a_pause_gets_it_and_each_message_waits_a_little_differently() {
        let busy =
            |seconds| Outcome::Failed(SendError::Busy { text: "429".into(), wait: Duration::from_secs(seconds) });
        for (asked, waited) in [(5, 20), (90, 90)] {
            let due = Timestamp::UNIX_EPOCH + Duration::from_secs(waited);
            assert_eq!(decided(busy(asked), 0), Settlement::Again { due, because: "429".into() });
        }
        let backoff = Backoff::of_the_queue(100);
        let waits =
            [0, 128, 255].map(|noise| Pace { backoff: &backoff, noise }.jittered(Duration::from_secs(20)).as_millis());
        assert_eq!(waits, [20_000, 22_007, 24_000]);
    }

    #[test]
    fn what_will_not_pass_fails_at_once_with_what_the_channel_said() {
        let refused = SendError::Final { text: "400".into(), raw_receipt: Some("{}".into()) };
        let failed = status(decided(Outcome::Failed(refused), 0));
        assert_eq!((failed.status, failed.raw_receipt.as_deref()), (Status::Feil, Some("{}")));
        let expired = status(decided(Outcome::Expired, 3));
        assert_eq!(expired.status, Status::LevetidUtlopt);
        assert!(expired.description.unwrap().ends_with("sendes på nytt. Last error: connect: timed out"));
        assert_eq!(status(decided(Outcome::Sent(Sent::default()), 0)).status, Status::Sendt);
    }
}
