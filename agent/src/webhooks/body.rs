//! What is told: one JSON object, with the members of the Java one in its order.

use crate::domain::{StatusNoted, in_oslo};
use crate::ports::Event;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ping {
    created_ts: String,
    event: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    created_ts: String,
    resource: &'static str,
    event: &'static str,
    message_id: &'a str,
    conversation_id: &'a str,
    direction: &'static str,
    service_identifier: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// The name of the call, and its text; the same at each try.
pub(super) fn text(event: &Event) -> Result<(String, String), serde_json::Error> {
    match event {
        Event::Ping { id, at } => {
            let ping = Ping { created_ts: in_oslo(*at), event: "ping" };
            Ok((id.clone(), serde_json::to_string(&ping)?))
        }
        Event::Status(noted) => Ok((noted.call_id(), serde_json::to_string(&told(noted))?)),
    }
}

fn told(noted: &StatusNoted) -> Told<'_> {
    Told {
        created_ts: in_oslo(noted.at),
        resource: "messages",
        event: "status",
        message_id: noted.message_id.as_str(),
        conversation_id: noted.conversation_id.as_str(),
        direction: noted.direction.name(),
        service_identifier: noted.service.name(),
        status: noted.status.name(),
        description: noted.description.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConversationId, Direction, MessageId, NewStatus, Service};

    #[test]
    fn a_status_is_told_in_the_words_of_today() {
        let expired = NewStatus::expired("2026-03-25T11:38:23Z".parse().unwrap());
        let noted = StatusNoted {
            number: 3,
            at: expired.at,
            message_id: MessageId::parse("bdb5d59e-6819-483e-a2a5-aafa2cfb09e2").unwrap(),
            conversation_id: ConversationId::parse("9a62cb73-b122-4ad4-aa8e-b73130aff58b").unwrap(),
            direction: Direction::Incoming,
            service: Service::Dpo,
            status: expired.status,
            description: expired.description,
        };
        let (id, body) = text(&Event::Status(Box::new(noted.clone()))).unwrap();
        assert_eq!(id, "msg_bdb5d59e-6819-483e-a2a5-aafa2cfb09e2_3");
        let expected = concat!(
            r#"{"createdTs":"2026-03-25T12:38:23+01:00","resource":"messages","event":"status","#,
            r#""messageId":"bdb5d59e-6819-483e-a2a5-aafa2cfb09e2","#,
            r#""conversationId":"9a62cb73-b122-4ad4-aa8e-b73130aff58b","direction":"INCOMING","#,
            r#""serviceIdentifier":"DPO","status":"LEVETID_UTLOPT","#,
            r#""description":"Levetiden for meldingen er utgått. Må sendes på nytt"}"#
        );
        assert_eq!(body, expected);
        let (_, plain) = text(&Event::Status(Box::new(StatusNoted { description: None, ..noted }))).unwrap();
        assert!(plain.ends_with(r#""status":"LEVETID_UTLOPT"}"#), "{plain}");
    }

    #[test]
    fn a_ping_says_when_and_that_it_is_one() {
        let ping = Event::Ping { id: "ping_1".into(), at: "2026-07-01T10:00:00Z".parse().unwrap() };
        let (id, body) = text(&ping).unwrap();
        assert_eq!(
            (id.as_str(), body.as_str()),
            ("ping_1", r#"{"createdTs":"2026-07-01T12:00:00+02:00","event":"ping"}"#)
        );
    }
}
