//! The status message that goes back to the sender of a message. Pure.

use super::Rules;
use crate::domain::{
    Body, Deadline, Document, Envelope, Kind, Scope, ScopeInformation, ScopeType, Service, Status, Written,
};
use jiff::{SignedDuration, Timestamp};

/// The clocks of two machines differ; a status dated a little back is never from the future.
const DATED_BACK: SignedDuration = SignedDuration::from_secs(5);

/// What is sent back over this service when this has become of a message; none where the service has no such messages.
pub(super) fn to(
    rules: &Rules,
    message: &Envelope,
    service: Service,
    status: Status,
    now: Timestamp,
) -> Option<Envelope> {
    if !rules.status_services.has(service) || message.document.kind == Kind::Status {
        return None;
    }
    let conversation = Scope {
        scope_type: ScopeType::ConversationId,
        instance: message.conversation_scope()?.instance.clone(),
        identifier: process(message.document.kind).map(str::to_owned),
        information: vec![ScopeInformation {
            expected_response: Some(Written::at(Deadline::after(now, rules.time_to_live).moment())),
            ..ScopeInformation::default()
        }],
    };
    let channel = message.scopes.iter().find(|scope| scope.scope_type == ScopeType::MessageChannel).cloned();
    let created = now.checked_sub(DATED_BACK).unwrap_or(now);
    Some(Envelope {
        header_version: "1.0".into(),
        sender: message.receiver.clone(),
        receiver: message.sender.clone(),
        document: Document {
            standard: rules.status_document_type.clone(),
            type_version: "2.0".into(),
            message_id: message.document.message_id.clone(),
            kind: Kind::Status,
            kind_as_written: Kind::Status.name().into(),
            multiple_type: None,
            created: Some(Written::at(created)),
        },
        manifest: None,
        scopes: [conversation].into_iter().chain(channel).collect(),
        body: Body {
            text: format!(r#"{{"status":"{}"}}"#, status.name()),
            status: Some(status.name().to_owned()),
            ..Body::default()
        },
    })
}

fn process(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Arkivmelding | Kind::ArkivmeldingKvittering => Some("urn:no:difi:profile:arkivmelding:response:ver1.0"),
        Kind::Innsynskrav | Kind::Publisering | Kind::EinnsynKvittering => {
            Some("urn:no:difi:profile:einnsyn:response:ver1.0")
        }
        Kind::Avtalt => Some("urn:no:difi:profile:avtalt:response:ver1.0"),
        Kind::Status
        | Kind::Digital
        | Kind::DigitalDpv
        | Kind::Print
        | Kind::Dialogmelding
        | Kind::DialogmeldingKvittering => None,
    }
}
