//! The broker as its clients see it.

use super::*;
use axum::http::Request as HttpRequest;
use tower::ServiceExt;

const A: &str = "0192:910077473";
const B: &str = "0192:910075918";
const RESOURCE: &str = "eformidling-dpo-meldingsutveksling";

/// A token is the organisation's number, with all scopes; `x-` before it: with none.
fn broker(folder: &std::path::Path) -> Broker {
    let check: Check = Arc::new(|token| match token.strip_prefix("x-") {
        Some(organisation) => Ok(Bearer { organisation: organisation.to_owned(), scopes: Vec::new() }),
        None if token.starts_with("0192:") => {
            Ok(Bearer { organisation: token.to_owned(), scopes: vec![READ.into(), WRITE.into()] })
        }
        None => Err("strange".into()),
    });
    Broker::new(folder.to_owned(), check, Clock::machine())
}

async fn ask(broker: &Broker, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = HttpRequest::builder()
        .method(method)
        .uri(format!("{BASE}/filetransfer{path}"))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = broker.routes().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = Value::String(String::from_utf8_lossy(&bytes).into_owned());
    (status, serde_json::from_slice(&bytes).unwrap_or(text))
}

fn announced(reference: &str) -> String {
    json!({
        "fileName": "sbd.zip", "resourceId": RESOURCE, "sendersFileTransferReference": reference,
        "sender": A, "recipients": [B], "propertyList": {}, "checksum": null, "disableVirusScan": null,
    })
    .to_string()
}

async fn left(broker: &Broker, reference: &str) -> String {
    let (status, answer) = ask(broker, A, "POST", "/", &announced(reference)).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["fileTransferId"].as_str().unwrap().to_owned();
    let (status, answer) = ask(broker, A, "POST", &format!("/{id}/upload"), reference).await;
    assert_eq!((status, answer["fileTransferStatus"].as_str()), (200, Some("Published")), "{answer}");
    id
}

fn listed(recipient_status: &str) -> String {
    format!("?resourceId={RESOURCE}&status=Published&recipientStatus={recipient_status}")
}

#[tokio::test]
async fn a_file_goes_from_one_to_the_other_and_its_status_tells_how_far() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    let id = left(&broker, "the bytes").await;
    assert_eq!(ask(&broker, B, "GET", &listed("Initialized"), "").await, (200, json!([id])));
    assert_eq!(ask(&broker, A, "GET", &listed("Initialized"), "").await, (200, json!([])));
    let (_, overview) = ask(&broker, B, "GET", &format!("/{id}"), "").await;
    assert_eq!(overview["sendersFileTransferReference"], "the bytes");
    assert_eq!(ask(&broker, B, "GET", &format!("/{id}/download"), "").await, (200, json!("the bytes")));
    // A download that was begun is in another list.
    assert_eq!(ask(&broker, B, "GET", &listed("Initialized"), "").await, (200, json!([])));
    assert_eq!(ask(&broker, B, "GET", &listed("DownloadStarted"), "").await, (200, json!([id])));
    let (status, overview) = ask(&broker, B, "POST", &format!("/{id}/confirmdownload"), "").await;
    assert_eq!((status, overview["fileTransferStatus"].as_str()), (200, Some("AllConfirmedDownloaded")));
    assert_eq!(ask(&broker, B, "GET", &listed("DownloadStarted"), "").await, (200, json!([])));
    // Once more is no error.
    assert_eq!(ask(&broker, B, "POST", &format!("/{id}/confirmdownload"), "").await.0, 200);
}

#[tokio::test]
async fn who_may_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    let id = left(&broker, "r").await;
    for (token, method, path, status) in [
        ("strange", "GET", listed("Initialized"), 401),
        (&format!("x-{B}"), "GET", listed("Initialized"), 403),
        (&format!("x-{A}"), "POST", "/".into(), 403),
        (B, "POST", "/".into(), 403),
        ("0192:999999999", "GET", format!("/{id}/download"), 404),
        (A, "POST", format!("/{id}/confirmdownload"), 404),
        (B, "POST", format!("/{id}/upload"), 404),
        (A, "POST", format!("/{id}/upload"), 409),
        (B, "GET", "/none".into(), 404),
    ] {
        let (found, answer) = ask(&broker, token, method, &path, &announced("r")).await;
        assert_eq!(found, status, "{token} {method} {path}: {answer}");
    }
    broker.may_use(B, false);
    assert_eq!(ask(&broker, B, "GET", &listed("Initialized"), "").await.0, 403);
}

#[tokio::test]
async fn a_list_has_a_hundred_and_goes_on_from_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    for number in 0..130 {
        left(&broker, &format!("r{number}")).await;
    }
    let (_, first) = ask(&broker, B, "GET", &listed("Initialized"), "").await;
    assert_eq!(first.as_array().unwrap().len(), 100);
    let last = first[99].as_str().unwrap();
    let (_, overview) = ask(&broker, B, "GET", &format!("/{last}"), "").await;
    let from = format!("{}&from={}", listed("Initialized"), overview["created"].as_str().unwrap());
    let (_, second) = ask(&broker, B, "GET", &from, "").await;
    assert_eq!(second.as_array().unwrap().len(), 30);
    assert_ne!(second[0], first[99]);
}

#[tokio::test]
async fn a_file_has_a_size_and_a_checksum_and_may_say_what_is_not_true() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    let id = left(&broker, "the bytes").await;
    let (_, overview) = ask(&broker, B, "GET", &format!("/{id}"), "").await;
    assert_eq!(overview["fileTransferSize"], 9);
    assert_eq!(overview["checksum"], "ab48e870377e5d9fbe11663949e229b0");
    broker.misstate(&id, Some(7), Some("00"));
    let (_, overview) = ask(&broker, B, "GET", &format!("/{id}"), "").await;
    assert_eq!((&overview["fileTransferSize"], &overview["checksum"]), (&json!(7), &json!("00")));
    assert_eq!(ask(&broker, B, "GET", &format!("/{id}/download"), "").await, (200, json!("the bytes")));
}

#[tokio::test]
async fn what_is_there_twice_has_another_id_and_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    broker.go_wrong(Mischief { duplicates: 1.0, ..Mischief::default() }, 1);
    left(&broker, "r").await;
    let (_, listed) = ask(&broker, B, "GET", &listed("Initialized"), "").await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    for id in listed.as_array().unwrap() {
        assert_eq!(ask(&broker, B, "GET", &format!("/{}/download", id.as_str().unwrap()), "").await.1, json!("r"));
    }
}

#[tokio::test]
async fn what_is_looked_at_for_long_is_published_after_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    broker.go_wrong(Mischief { disorder: 1.0, ..Mischief::default() }, 1);
    let (_, answer) = ask(&broker, A, "POST", "/", &announced("r")).await;
    let first = answer["fileTransferId"].as_str().unwrap().to_owned();
    let (_, answer) = ask(&broker, A, "POST", &format!("/{first}/upload"), "r").await;
    assert_eq!(answer["fileTransferStatus"], "UploadProcessing");
    broker.go_wrong(Mischief::default(), 1);
    let second = left(&broker, "s").await;
    assert_eq!(ask(&broker, B, "GET", &listed("Initialized"), "").await, (200, json!([second])));
    assert_eq!(ask(&broker, B, "GET", &format!("/{first}/download"), "").await.0, 400);
    let begun = std::time::Instant::now();
    while ask(&broker, B, "GET", &listed("Initialized"), "").await != (200, json!([first, second])) {
        assert!(begun.elapsed().as_secs() < 10, "it is never published");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn uploads_and_downloads_end_in_the_middle_and_such_an_upload_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    let whole = left(&broker, &"r".repeat(4000)).await;
    broker.go_wrong(Mischief { cuts: 1.0, ..Mischief::default() }, 1);
    let (mut ended, mut torn) = (0, 0);
    for _ in 0..20 {
        let request = HttpRequest::get(format!("{BASE}/filetransfer/{whole}/download"));
        let request = request.header("Authorization", format!("Bearer {B}")).body(Body::empty()).unwrap();
        let response = broker.routes().oneshot(request).await.unwrap();
        let tells_its_length = response.headers().contains_key("content-length");
        match axum::body::to_bytes(response.into_body(), usize::MAX).await {
            Ok(bytes) => {
                assert!(bytes.len() < 4000 && !tells_its_length, "{}", bytes.len());
                ended += 1;
            }
            Err(_) => torn += 1,
        }
    }
    assert!(ended > 2 && torn > 2, "{ended} {torn}");
    let (_, answer) = ask(&broker, A, "POST", "/", &announced("r")).await;
    let id = answer["fileTransferId"].as_str().unwrap();
    let request = HttpRequest::post(format!("{BASE}/filetransfer/{id}/upload"));
    let request = request.header("Authorization", format!("Bearer {A}")).header("Content-Length", 4000);
    let response = broker.routes().oneshot(request.body(Body::from("r".repeat(4000))).unwrap()).await.unwrap();
    assert!(response.extensions().get::<crate::faults::NoAnswer>().is_some());
    assert_eq!(broker.transfers().last().unwrap().status, FileStatus::Failed);
}
