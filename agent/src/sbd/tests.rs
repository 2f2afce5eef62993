//! Documents go through unharmed, and each rule is told.

use super::*;
use crate::domain::Kind;
use jiff::Timestamp;

const WHOLE: &str = r#"{"standardBusinessDocumentHeader":{"headerVersion":"1.0",
    "sender":[{"identifier":{"value":"0192:910077473","authority":"iso6523-actorid-upis"}}],
    "receiver":[{"identifier":{"value":"0192:910075918","authority":"iso6523-actorid-upis"},"contactInformation":[{"contact":"x"}]}],
    "documentIdentification":{"standard":"urn:no:difi:arkivmelding:xsd::arkivmelding","typeVersion":"2.0",
    "instanceIdentifier":"e99e5cd1-74de-4cce-b902-cecdf97dc4f3","type":"arkivmelding","multipleType":false,
    "creationDateAndTime":"2026-03-25T11:38:23+01:00"},"manifest":{"numberOfItems":1},
    "businessScope":{"scope":[{"type":"ConversationId","instanceIdentifier":"b4567a25-672c-4c2e-9a0f-08c52c54254b",
    "identifier":"urn:no:difi:profile:arkivmelding:administrasjon:ver1.0","strange":1,
    "scopeInformation":[{"expectedResponseDateTime":"2030-01-01T00:00:00+01:00"}]}]}},
    "arkivmelding":{"hoveddokument":"brev.pdf","sikkerhetsnivaa":3}}"#;

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

#[test]
fn a_document_comes_back_as_it_was() {
    let envelope = read(WHOLE.as_bytes(), now()).unwrap();
    assert_eq!(envelope.document.kind, Kind::Arkivmelding);
    assert_eq!(envelope.body.primary_document.as_deref(), Some("brev.pdf"));
    let written = write(&envelope).unwrap();
    assert_eq!(read_foreign(written.get().as_bytes()).unwrap(), envelope);
    let (mut sent, back): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(WHOLE).unwrap(), serde_json::from_str(written.get()).unwrap());
    let scope = &mut sent["standardBusinessDocumentHeader"]["businessScope"]["scope"][0];
    scope.as_object_mut().unwrap().remove("strange");
    assert_eq!(sent, back);
}

#[test]
fn every_rule_that_is_not_kept_is_told_with_its_place() {
    let text = WHOLE
        .replace(r#""headerVersion":"1.0","#, "")
        .replace(r#""authority":"iso6523-actorid-upis"}}],"#, "\"a\":1}}],")
        .replace("e99e5cd1", "xyz")
        .replace(r#""type":"arkivmelding""#, r#""type":"postkort""#)
        .replace("ConversationId", "Unknown")
        .replace("2030-01-01", "2020-01-01");
    let Err(Refused::Invalid(violations)) = read(text.as_bytes(), now()) else { panic!("it is refused") };
    let paths: Vec<_> = violations
        .iter()
        .map(|violation| violation.path.strip_prefix("standardBusinessDocumentHeader.").unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "headerVersion",
            "sender[0].identifier.authority",
            "documentIdentification.type",
            "documentIdentification.instanceIdentifier",
            "businessScope.scope[0].type",
            "businessScope.scope[0].scopeInformation[0].expectedResponseDateTime",
        ]
    );
}

#[test]
fn the_body_is_one_member_named_like_the_type() {
    let refused = |text: String| read(text.as_bytes(), now()).unwrap_err().to_string();
    let other = refused(WHOLE.replace("\"arkivmelding\":{", "\"digital\":{"));
    assert_eq!(other, "the business message is named 'digital' and the type is 'arkivmelding'");
    let two = refused(WHOLE.replace("\"arkivmelding\":{", "\"x\":1,\"arkivmelding\":{"));
    assert!(two.ends_with("and it has arkivmelding, x"), "{two}");
    assert!(matches!(read(b"{}", now()), Err(Refused::NoHeader)));
    assert!(matches!(read(b"{", now()), Err(Refused::NotJson(_))));
}
