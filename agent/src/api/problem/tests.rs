//! The words that case systems and people know.

use super::*;
use crate::domain::Service;
use axum::body::to_bytes;

async fn body(problem: Problem) -> serde_json::Value {
    let now = "2019-03-25T11:38:23Z".parse().unwrap();
    let response = problem.answer("/api/messages/out", now, false);
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

#[tokio::test]
async fn an_error_reads_as_the_one_of_today() {
    let expected = serde_json::json!({
        "timestamp": "2019-03-25T12:38:23+01:00",
        "status": 400,
        "error": "Bad Request",
        "exception": "no.difi.meldingsutveksling.exceptions.ServiceNotEnabledException",
        "message": "Service DPI is not enabled",
        "path": "/api/messages/out"
    });
    assert_eq!(body(Refusal::ServiceNotEnabled(Service::Dpi).into()).await, expected);
}

#[tokio::test]
async fn numbers_and_sizes_are_written_as_java_does() {
    let text = body(Refusal::ConversationNotFound(1234).into()).await["message"].clone();
    assert_eq!(text, "Conversation with id = 1,234 was not found");
    let part = Refusal::PartTooLarge { filename: "a.pdf".into(), limit: 5 << 20 };
    assert!(body(part.into()).await["message"].as_str().unwrap().contains(" 5,242,880 bytes"));
    let large = Refusal::TooLarge { total: (3 << 20) - 1, service: Service::Dpe, limit: 2 << 20 };
    assert!(body(large.into()).await["message"].as_str().unwrap().contains("(2MB) exceeds"));
}

#[tokio::test]
async fn a_rule_that_is_not_kept_reads_as_the_one_of_today() {
    let path = "standardBusinessDocumentHeader.headerVersion".to_owned();
    let violation = Violation { constraint: sbd::Constraint::NotNull, path, rejected: None, class: "java.lang.String" };
    let object = "standardBusinessDocument";
    let invalid = Problem::Invalid { object, violations: vec![violation], description: None };
    let expected = serde_json::json!([{
        "codes": [
            "NotNull.standardBusinessDocument.standardBusinessDocumentHeader.headerVersion",
            "NotNull.standardBusinessDocumentHeader.headerVersion",
            "NotNull.headerVersion", "NotNull.java.lang.String", "NotNull"
        ],
        "arguments": [{
            "codes": [
                "standardBusinessDocument.standardBusinessDocumentHeader.headerVersion",
                "standardBusinessDocumentHeader.headerVersion"
            ],
            "defaultMessage": "standardBusinessDocumentHeader.headerVersion",
            "code": "standardBusinessDocumentHeader.headerVersion"
        }],
        "defaultMessage": "must not be null",
        "objectName": "standardBusinessDocument",
        "field": "standardBusinessDocumentHeader.headerVersion",
        "bindingFailure": false,
        "code": "NotNull"
    }]);
    assert_eq!(body(invalid).await["errors"], expected);
}
