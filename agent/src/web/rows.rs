//! Rows of tables.

use super::subscribers::Subscriber;
use super::words::{Badge, Moment, count, direction, shown};
use crate::domain::Status;
use crate::ports::{Certificate, Queued, StoredConversation};
use jiff::Timestamp;

/// A conversation in a list.
pub(super) struct ConversationRow {
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) message_id: String,
    pub(super) direction: &'static str,
    pub(super) other: String,
    pub(super) service: &'static str,
    pub(super) status: Option<Badge>,
    pub(super) updated: Moment,
}

impl ConversationRow {
    pub(super) fn of(stored: &StoredConversation) -> Self {
        let it = &stored.conversation;
        let other = match it.direction {
            crate::domain::Direction::Outgoing => &it.receiver_identifier,
            crate::domain::Direction::Incoming => &it.sender_identifier,
        };
        let title = if it.title.trim().is_empty() { "(uten tittel)".to_owned() } else { shown(&it.title) };
        Self {
            number: stored.number,
            title,
            message_id: it.message_id.to_string(),
            direction: direction(it.direction),
            other: shown(other),
            service: it.service.name(),
            status: Status::furthest(stored.statuses.iter().map(|row| row.status.status)).map(Badge::status),
            updated: Moment::of(it.updated),
        }
    }
}

/// Something on the queue.
pub(super) struct QueuedRow {
    pub(super) message_id: Option<String>,
    pub(super) receiver: Option<String>,
    pub(super) service: &'static str,
    pub(super) state: Badge,
    pub(super) due: Moment,
    pub(super) tried: u32,
    pub(super) error: Option<String>,
}

impl QueuedRow {
    pub(super) fn of(queued: Queued, now: Timestamp) -> Self {
        let state = if queued.leased_until.is_some_and(|until| until > now) {
            Badge::UNDER_WAY
        } else if queued.last_error.is_some() {
            Badge::TRIED
        } else {
            Badge::WAITS
        };
        Self {
            message_id: queued.message.map(|id| id.to_string()),
            receiver: queued.receiver.map(|who| shown(&who)),
            service: queued.service.name(),
            state,
            due: Moment::of(queued.due),
            tried: queued.tried,
            error: queued.last_error.map(|error| shown(&error)),
        }
    }
}

/// A certificate.
pub(super) struct CertificateRow {
    pub(super) used: &'static str,
    pub(super) alias: String,
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) serial: String,
    pub(super) until: Moment,
    pub(super) days: i64,
    pub(super) state: Badge,
}

impl CertificateRow {
    pub(super) fn of(one: &Certificate, now: Timestamp) -> Self {
        let days = one.days_left(now);
        let used = match one.used {
            crate::ports::Use::Own => "Virksomhetssertifikat",
            crate::ports::Use::Tls => "TLS for API-et",
        };
        Self {
            used,
            alias: one.alias.clone(),
            subject: shown(&one.subject),
            issuer: one.issuer.clone(),
            serial: one.serial.clone(),
            until: Moment::of(one.until),
            days,
            state: Badge::days(days, one.is_valid(now)),
        }
    }
}

/// A subscription.
pub(super) struct SubscriberRow {
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) event: String,
    pub(super) filter: Option<String>,
    pub(super) waiting: Option<String>,
    pub(super) deliveries: Vec<DeliveryRow>,
}

/// A call of it.
pub(super) struct DeliveryRow {
    pub(super) at: Moment,
    pub(super) state: Badge,
    pub(super) text: String,
}

impl SubscriberRow {
    pub(super) fn of(one: Subscriber) -> Self {
        let deliveries = one.deliveries.into_iter().map(|call| DeliveryRow {
            at: Moment::of(call.at),
            state: if call.is_taken {
                Badge { class: "good", text: "Tatt imot" }
            } else {
                Badge { class: "bad", text: "Ikke tatt imot" }
            },
            text: shown(&call.text),
        });
        Self {
            name: shown(&one.name),
            endpoint: shown(&one.endpoint),
            event: one.event,
            filter: one.filter,
            waiting: (one.waiting > 0).then(|| count(one.waiting)),
            deliveries: deliveries.collect(),
        }
    }
}
