//! The pages as they are drawn, over a real store: what is shown, and what is not.

use super::{Delivery, Subscriber, Subscribers, Web, routes};
use crate::blobs::Folder;
use crate::domain::{Backoff, Conversation, Direction, MessageId, NewStatus, Outgoing, Service, Services, Status};
use crate::flow::{Desk, Pushing, Rules, Tally};
use crate::manage::{Facts, Manage, Requests, Stop};
use crate::ports::{
    Answer, Caller, Certificate, Certificates, Event, Heard, Lane, NoRandom, Random, Settlement, Store, StoreError, Use,
};
use crate::registry::Everybody;
use crate::store::Sqlite;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use efm::clock::Clock;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const PERSON: &str = "01010112345";

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

struct Fixed;

impl Random for Fixed {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        Ok([7; 16])
    }
}

/// Calls nobody.
struct Nobody;

impl Caller for Nobody {
    fn call<'a>(&'a self, _endpoint: &'a str, _event: &'a Event, _now: Timestamp) -> BoxFuture<'a, Heard> {
        Box::pin(async { Heard::Taken(200) })
    }

    fn refuses(&self, _endpoint: &str) -> Option<String> {
        None
    }

    fn longest(&self) -> Duration {
        Duration::ZERO
    }
}

struct Two;

impl Subscribers for Two {
    fn all(&self) -> Answer<'_, Vec<Subscriber>, StoreError> {
        let call = |is_taken, text: &str| Delivery { at: now(), is_taken, text: text.into() };
        let one = |name: &str, deliveries| Subscriber {
            name: name.into(),
            endpoint: "https://sak.example.no/hook?token=hunter2".into(),
            event: "status".into(),
            filter: Some("status=FEIL".into()),
            waiting: 1234,
            deliveries,
        };
        let both =
            vec![one("Sak & arkiv", vec![call(true, "200"), call(false, "connect: refused")]), one("Ny", vec![])];
        Box::pin(async move { Ok(both) })
    }
}

/// A site with three messages, one of them on the queue after a failure, and a certificate that ends in ten days.
async fn site(folder: &Path) -> (Web, Arc<dyn Store>) {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.join("store.sqlite"), &Services::default()).unwrap());
    let text = include_str!("../../tests/fixtures/arkivmelding.json").replace(
        "administrasjon:ver1.0\"",
        "administrasjon:ver1.0\", \"scopeInformation\": [{\"expectedResponseDateTime\": \"2030-01-01T00:00:00+01:00\"}]",
    );
    for number in 1..=3 {
        let mut envelope = crate::sbd::read(text.as_bytes(), now()).unwrap();
        let id = MessageId::random([number; 16]);
        envelope.document.message_id = Some(id.clone());
        let mut conversation = Conversation::of(&envelope, Direction::Outgoing, Service::Dpo, now()).unwrap();
        conversation.title = format!("<b>Søknad</b> fra {PERSON}, nr. {number}");
        conversation.receiver = PERSON.into();
        conversation.receiver_identifier = PERSON.into();
        store
            .create(Outgoing { id: id.clone(), service: Service::Dpo, envelope, files: vec![] }, conversation)
            .await
            .unwrap();
    }
    let first = MessageId::random([1; 16]);
    store.enqueue(&first, now()).await.unwrap();
    let leased = store.lease("here", &Lane::All, now(), now() + Duration::from_mins(1), 1).await.unwrap();
    let because = format!("refused for {PERSON} <x>");
    store.settle(&leased[0], Settlement::Again { due: now() + Duration::from_secs(20), because }).await.unwrap();
    let failed = NewStatus {
        raw_receipt: Some(format!("{{\"person\": \"{PERSON}\"}}")),
        ..NewStatus::described(Status::Feil, now(), format!("Avvist for {PERSON}"))
    };
    store.register(&MessageId::random([2; 16]), Direction::Outgoing, failed).await.unwrap();
    (Web { manage: manage(folder, Arc::clone(&store)), subscribers: Some(Arc::new(Two)), onboarding: None }, store)
}

fn manage(folder: &Path, store: Arc<dyn Store>) -> Manage {
    let rules = Rules {
        organisation: "910077473".into(),
        time_to_live: Duration::from_hours(24),
        lock: Duration::from_mins(5),
        status_services: Services::default(),
        upload_limits: BTreeMap::new(),
        backoff: Backoff::of_the_queue(100),
        status_document_type: String::new(),
        message_channel: None,
        her_ids: Vec::new(),
        default_process: String::new(),
        pushing: Pushing {
            backoff: Pushing::backoff(),
            give_up_after: Duration::from_hours(1),
            ping_is_required: false,
        },
    };
    let desk = Desk {
        store,
        blobs: Arc::new(Folder::open(&folder.join("blobs")).unwrap()),
        registry: Arc::new(Everybody::over(Service::Dpo, Arc::new(|_| true))),
        channels: BTreeMap::new(),
        clock: Clock::paused_at(now()),
        random: Arc::new(Fixed),
        rules,
        queued: crate::flow::Bell::default(),
        noted: tokio::sync::Notify::new(),
        caller: Arc::new(Nobody),
        closed: BTreeMap::new(),
        awaited: Arc::default(),
        tally: Tally::default(),
    };
    let certificate = Certificate {
        used: Use::Own,
        alias: "virksomhet".into(),
        subject: "CN=KOMMUNEN AS".into(),
        issuer: "CN=Buypass Class 3".into(),
        serial: "0a1b2c".into(),
        from: now() - Duration::from_hours(24),
        until: now() + Duration::from_hours(241),
    };
    let facts = Facts {
        version: "1.2.3",
        started: now(),
        since: tokio::time::Instant::now(),
        organisation: "910077473".into(),
        profile: Some("staging"),
        enabled: [Service::Dpo].into_iter().collect(),
        certificates: Certificates::of(vec![certificate]),
        folder: folder.to_owned(),
        levels: efm::telemetry::Levels::default(),
        log_file: None,
        requests: Requests::default(),
    };
    Manage { desk: Arc::new(desk), facts: Arc::new(facts), shutdown: None, parts: [].into(), stop: Stop::default() }
}

async fn ask(web: &Web, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = routes(web.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"));
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_overview_shows_how_it_fares_and_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (web, _) = site(folder.path()).await;
    let (status, page) = ask(&web, "/").await;
    assert_eq!(status, StatusCode::OK);
    for seen in [
        "CN=KOMMUNEN AS",
        "Utløper snart",
        ">10<",
        "Prøves igjen",
        "refused for ******** &#60;x&#62;",
        "Finnes ikke",
        "Sak &#38; arkiv",
        "connect: refused",
        "Ikke kalt ennå.",
        "1\u{a0}234 venter",
        "&#60;b&#62;Søknad&#60;/b&#62; fra ********, nr. 1",
        "organisasjonsnummer 910077473",
        "staging",
    ] {
        assert!(page.contains(seen), "{seen} in:\n{page}");
    }
    for unseen in [PERSON, "<b>", "hunter2", "<script", "style=", "http://", "onclick"] {
        assert!(!page.contains(unseen), "{unseen} in:\n{page}");
    }
    let without = Web { subscribers: None, ..web };
    assert!(!ask(&without, "/").await.1.contains("Abonnementer"));
}

#[tokio::test]
async fn conversations_are_found_and_each_shows_all_that_became_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (web, _) = site(folder.path()).await;
    let (_, all) = ask(&web, "/conversations?size=2").await;
    assert!(all.contains("3 treff · Side 1 av 2") && all.contains("/conversations?page=1&#38;size=2"), "{all}");
    let (_, failed) = ask(&web, "/conversations?status=FEIL&search=s%C3%B8knad").await;
    assert!(failed.contains("1 treff") && failed.contains("nr. 2") && !failed.contains(PERSON), "{failed}");
    let (_, none) = ask(&web, "/conversations?direction=INCOMING").await;
    assert!(none.contains("Ingen treff") && !none.contains("<table"), "{none}");
    let (status, wrong) = ask(&web, "/conversations?from=i%20g%C3%A5r&search=%22%3E%3Cb%3E").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(wrong.contains("«i går» er ikke en dato") && !wrong.contains("<b>"), "{wrong}");
    let number = failed.split("/conversations/").nth(1).unwrap().split('"').next().unwrap();
    let (status, one) = ask(&web, &format!("/conversations/{number}")).await;
    assert_eq!(status, StatusCode::OK);
    for seen in ["OPPRETTET", "FEIL", "Avvist for ********", "Kvittering fra kanalen", "&#34;person&#34;"] {
        assert!(one.contains(seen), "{seen} in:\n{one}");
    }
    assert!(!one.contains(PERSON));
    for gone in ["/conversations/999", "/conversations/x"] {
        let (status, page) = ask(&web, gone).await;
        assert!(status == StatusCode::NOT_FOUND && page.contains("Finnes ikke"), "{gone}");
    }
}

#[tokio::test]
async fn every_table_has_headers_and_every_field_a_label() {
    let folder = tempfile::tempdir().unwrap();
    let (web, _) = site(folder.path()).await;
    for path in ["/", "/conversations", "/conversations/1", "/conversations/999"] {
        let (_, page) = ask(&web, path).await;
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        assert!(page.contains("<html lang=\"nb\">") && page.contains("<main id=\"main\""), "{path}");
        assert_eq!(page.matches("<table").count(), page.matches("<caption>").count(), "{path}");
        for tag in page.split('<').filter(|tag| tag.starts_with("th ")) {
            assert!(tag.contains("scope="), "{path}: {tag}");
        }
        for tag in page.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("select")) {
            let id = tag.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(page.contains(&format!("<label for=\"{id}\">")), "{path}: {id}");
        }
    }
}
