//! How long lists take with a million conversations and two million statuses. Run by name; prints a table.
//! `cargo test -p integrasjonspunkt --release --lib a_million -- --ignored --nocapture`

use super::cluster::Cluster;
use super::{at, queued};
use crate::domain::{Direction, NewStatus, Service, Status};
use crate::ports::{
    ConversationFilter, ConversationProperty, IncomingFilter, Order, PageRequest, StatusFilter, StatusProperty, Store,
};
use crate::store::Sqlite;
use crate::store::postgres::{Postgres, beside};
use std::time::{Duration, Instant};

/// The rows of a busy site after some years: half of them sent, to a thousand receivers; a hundred unfinished, ten polled.
fn rows(series: &str, id: &str, yes: &str, no: &str) -> String {
    let uuid = |mark: char| format!("'0000000{mark}-0000-4000-8000-' || substr('000000000000' || {id}, -12, 12)");
    let uuid = |mark: char| {
        if yes == "true" { format!("'0000000{mark}-0000-4000-8000-' || lpad({id}::text, 12, '0')") } else { uuid(mark) }
    };
    let (message, conversation) = (uuid('1'), uuid('2'));
    format!(
        "INSERT INTO conversations
           (direction, message_id, conversation_id, sender, sender_identifier, receiver, receiver_identifier, process,
            document_type, reference, title, service, expires, is_pollable, is_finished, updated, external_reference)
         SELECT CASE {id} % 2 WHEN 0 THEN 'OUTGOING' ELSE 'INCOMING' END, {message}, {conversation},
            '0192:910077473', '910077473', '0192:' || (900000000 + {id} % 1000), '' || (900000000 + {id} % 1000),
            'urn:no:difi:profile:arkivmelding:administrasjon:ver1.0', 'urn:no:difi:arkivmelding:xsd::arkivmelding',
            {conversation}, CASE {id} % 3 WHEN 0 THEN '' ELSE 'Sak ' || {id} END,
            CASE {id} % 50 WHEN 0 THEN 'DPV' ELSE 'DPO' END, 1790000000000 + {id} * 1000,
            CASE {id} % 100000 WHEN 7 THEN {yes} ELSE {no} END, CASE {id} % 10000 WHEN 7 THEN {no} ELSE {yes} END,
            1780000000000 + {id} * 1000, NULL
         FROM {series};
         INSERT INTO statuses (conversation, at, status) SELECT id, updated, 'OPPRETTET' FROM conversations;
         INSERT INTO statuses (conversation, at, status)
            SELECT id, updated, CASE id % 10000 WHEN 7 THEN 'FEIL' ELSE 'LEVERT' END FROM conversations;"
    )
}

fn conversations() -> Vec<(&'static str, ConversationFilter)> {
    let all = ConversationFilter::default;
    let by = |by| ConversationFilter { order: vec![Order::up(by)], ..ConversationFilter::default() };
    vec![
        ("everything", all()),
        ("senderIdentifier, all have it", ConversationFilter { sender: Some("910077473".into()), ..all() }),
        ("receiverIdentifier, one in 1000", ConversationFilter { receiver: Some("900000007".into()), ..all() }),
        ("messageTitle=, one in three", ConversationFilter { title: Some(String::new()), ..all() }),
        ("messageTitle, one", ConversationFilter { title: Some("Sak 70".into()), ..all() }),
        ("direction", ConversationFilter { direction: Some(Direction::Incoming), ..all() }),
        ("serviceIdentifier, one in 50", ConversationFilter { service: Some(Service::Dpv), ..all() }),
        ("serviceIdentifier, none", ConversationFilter { service: Some(Service::Dph), ..all() }),
        ("finished", ConversationFilter { is_finished: Some(true), ..all() }),
        ("unfinished", ConversationFilter { is_finished: Some(false), ..all() }),
        ("pollable", ConversationFilter { is_pollable: Some(true), ..all() }),
        (
            "unfinished, incoming, DPO",
            ConversationFilter {
                is_finished: Some(false),
                direction: Some(Direction::Incoming),
                service: Some(Service::Dpo),
                ..all()
            },
        ),
        ("sort=messageTitle", by(ConversationProperty::MessageTitle)),
        ("sort=expiry (no index)", by(ConversationProperty::Expiry)),
        ("sort=receiverIdentifier", by(ConversationProperty::ReceiverIdentifier)),
    ]
}

fn statuses() -> Vec<(&'static str, StatusFilter)> {
    let all = StatusFilter::default;
    let moment = |seconds: i64| jiff::Timestamp::from_second(1_780_000_000 + seconds).ok();
    vec![
        ("everything", all()),
        ("status=FEIL", StatusFilter { status: Some(Status::Feil), ..all() }),
        ("status=LEVERT", StatusFilter { status: Some(Status::Levert), ..all() }),
        ("a day", StatusFilter { from: moment(500_000), until: moment(586_400), ..all() }),
        ("sort=lastUpdate,desc", StatusFilter { order: vec![Order::down(StatusProperty::LastUpdate)], ..all() }),
    ]
}

async fn measure(what: &str, store: &dyn Store) {
    let page = PageRequest { number: 0, size: 10 };
    let told = |name: &str, took: Duration, total: u64| println!("{what:<10} {name:<36} {took:>10.1?} {total:>9}");
    for (name, filter) in conversations() {
        let begun = Instant::now();
        let total = store.conversations(filter, page).await.unwrap().total;
        told(&format!("conversations {name}"), begun.elapsed(), total);
    }
    let begun = Instant::now();
    let last = PageRequest { number: 99_999, size: 10 };
    let total = store.conversations(ConversationFilter::default(), last).await.unwrap().total;
    told("conversations, the last page", begun.elapsed(), total);
    for (name, filter) in statuses() {
        let begun = Instant::now();
        let total = store.statuses(filter, page).await.unwrap().total;
        told(&format!("statuses {name}"), begun.elapsed(), total);
    }
    let begun = Instant::now();
    for number in 0..200 {
        super::create(store, number).await;
        store.register(&super::id(number), Direction::Outgoing, NewStatus::plain(Status::Sendt, at(9))).await.unwrap();
    }
    told("create and note a status, each of 200", begun.elapsed() / 200, 200);
    let begun = Instant::now();
    assert!(store.lock_next(IncomingFilter::default(), at(0), at(9)).await.unwrap().is_none());
    told("peek at nothing", begun.elapsed(), 0);
}

#[tokio::test]
#[ignore = "makes a million conversations and prints how long lists take; run it by name"]
async fn lists_over_a_million_conversations_in_sqlite() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.sqlite");
    drop(Sqlite::open(&path, &queued()).unwrap());
    let beside = rusqlite::Connection::open(&path).unwrap();
    let series =
        "(WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1000000) SELECT id FROM n)";
    let begun = Instant::now();
    beside.execute_batch(&format!("BEGIN; {} COMMIT;", rows(series, "id", "1", "0"))).unwrap();
    println!("made in {:.1?}, {} MiB", begun.elapsed(), path.metadata().unwrap().len() >> 20);
    measure("SQLite", &super::sqlite::open(place.path())).await;
}

#[tokio::test]
#[ignore = "makes a million conversations and prints how long lists take; run it by name"]
async fn lists_over_a_million_conversations_in_postgresql() {
    let Some(cluster) = Cluster::start("lists over PostgreSQL") else { return };
    let server = super::postgres::server(cluster.port, "million").await;
    let store = Postgres::open(&server, &queued()).await.unwrap();
    let begun = Instant::now();
    for first in (0..1_000_000).step_by(250_000) {
        let series = format!("generate_series({}, {}) AS n(id)", first + 1, first + 250_000);
        let both = rows(&series, "n.id", "true", "false");
        let (conversations, _) = both.split_once("INSERT INTO statuses").unwrap();
        beside(&server, conversations).await;
        let (_, statuses) = both.split_at(conversations.len());
        let some = format!("FROM conversations WHERE id > {first}");
        beside(&server, &statuses.replace("FROM conversations", &some)).await;
    }
    println!("made in {:.1?}", begun.elapsed());
    beside(&server, "ANALYZE").await;
    measure("PostgreSQL", &store).await;
}
