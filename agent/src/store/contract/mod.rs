//! What every store must keep. Each test is written once, over `dyn Store`; all of them are run against each
//! store. A store is opened twice where the test asks whether something outlives the first one.

mod conversations;
mod incoming;
mod lists;
mod million;
mod outgoing;
mod overview;
mod postgres;
mod pushes;
mod queue;
mod several;
mod sqlite;
mod upkeep;

use crate::domain::{
    About, BlobId, Conversation, Direction, Envelope, Incoming, MessageId, NewFile, NewStatus, Outgoing, Service,
    Services, Status,
};
use crate::ports::{Attached, Created, Lane, Leased, NewIncoming, PageRequest, StatusFilter, Store};
use jiff::Timestamp;
use std::time::Duration;

const ALL: PageRequest = PageRequest { number: 0, size: 100 };
const LIMIT: u64 = 1000;

fn at(seconds: u64) -> Timestamp {
    "2026-11-21T08:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(seconds)
}

fn id(number: u8) -> MessageId {
    MessageId::random([number; 16])
}

fn blob(number: u8) -> BlobId {
    BlobId::random([number; 16])
}

/// A message whose defaults are filled in.
fn envelope(number: u8) -> Envelope {
    let text = include_str!("../../../tests/fixtures/arkivmelding.json").replace(
        "administrasjon:ver1.0\"",
        "administrasjon:ver1.0\", \"scopeInformation\": [{\"expectedResponseDateTime\": \"2030-01-01T00:00:00+01:00\"}]",
    );
    let mut envelope = crate::sbd::read(text.as_bytes(), at(0)).unwrap();
    envelope.document.message_id = Some(id(number));
    envelope
}

/// Whose statuses are queued.
fn queued() -> Services {
    [Service::Dpo].into_iter().collect()
}

async fn create(store: &dyn Store, number: u8) -> Created {
    let envelope = envelope(number);
    let conversation = Conversation::of(&envelope, Direction::Outgoing, Service::Dpo, at(0)).unwrap();
    let message = Outgoing { id: id(number), service: Service::Dpo, envelope, files: Vec::new() };
    store.create(message, conversation).await.unwrap()
}

async fn attach(store: &dyn Store, number: u8, name: &str, is_primary: bool, length_bytes: u64) -> Attached {
    let blob = blob(name.as_bytes()[0]);
    let (filename, mime_type) = (name.to_owned(), "application/pdf".to_owned());
    let file = NewFile { blob, filename, title: Some("T".into()), mime_type, is_primary, length_bytes };
    store.attach(&id(number), file, About::default(), LIMIT, at(1)).await.unwrap()
}

fn arrived(number: u8, seconds: u64) -> NewIncoming {
    let envelope = envelope(number);
    let conversation = Conversation::of(&envelope, Direction::Incoming, Service::Dpo, at(seconds)).unwrap();
    let package = Some(blob(number));
    let reply = Some(envelope.clone());
    let message = Incoming { id: id(number), service: Service::Dpo, envelope, package, locked_until: None };
    let statuses = [Status::Opprettet, Status::InnkommendeMottatt].map(|status| NewStatus::plain(status, at(seconds)));
    NewIncoming { message: Some(message), conversation, statuses: statuses.to_vec(), reply }
}

async fn names(store: &dyn Store, number: u8) -> Vec<&'static str> {
    let filter = StatusFilter { message_id: Some(id(number).to_string()), ..StatusFilter::default() };
    let rows = store.statuses(filter, ALL).await.unwrap().rows;
    rows.iter().map(|row| row.status.status.name()).collect()
}

async fn lease(store: &dyn Store, now: u64, until: u64) -> Vec<Leased> {
    store.lease("here", &Lane::All, at(now), at(until), 10).await.unwrap()
}

fn boxed(store: impl Store + 'static) -> Box<dyn Store> {
    Box::new(store)
}

/// One act of the contract.
type Clause = (&'static str, for<'a> fn(&'a dyn Store) -> futures_util::future::BoxFuture<'a, ()>);

/// Makes a test of each over `SQLite`, and puts them on the list of their theme.
macro_rules! clauses {
    ($($name:ident),+ $(,)?) => {
        pub(super) const CLAUSES: &[super::Clause] = &[$((stringify!($name), |store| Box::pin($name(store)))),+];

        mod over_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    let place = tempfile::tempdir().unwrap();
                    super::$name(&super::super::sqlite::open(place.path())).await;
                }
            )+
        }
    };
}
use clauses;

/// All clauses; a theme is a file with a `clauses![…]` at its end.
const THEMES: &[&[Clause]] = &[
    outgoing::CLAUSES,
    incoming::CLAUSES,
    queue::CLAUSES,
    conversations::CLAUSES,
    upkeep::CLAUSES,
    lists::CLAUSES,
    overview::CLAUSES,
    pushes::CLAUSES,
];

#[path = "../../../tests/program/postgres.rs"]
mod cluster;
