//! The pollers over a real store, with channels that do as they are told.

use super::*;
use crate::blobs::Folder;
use crate::domain::{Backoff, Conversation, Direction, Envelope, MessageId, Outgoing, Service, Services};
use crate::flow::{Bell, Desk, Pushing, Rules, Tally};
use crate::ports::{
    Answer, Arrival, Arrivals, Arrived, BlobError, BlobReader, Caller, CannotUse, Channel, Event, Heard, Lane,
    NoRandom, Parcel, Random, SendError, Sent, TroubleFetching,
};
use crate::registry::Everybody;
use crate::store::Sqlite;
use bytes::Bytes;
use efm::clock::Clock;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Fixed;

impl Random for Fixed {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        Ok([0; 16])
    }
}

struct Nobody;

impl Caller for Nobody {
    fn call<'a>(&'a self, _: &'a str, _: &'a Event, _: Timestamp) -> BoxFuture<'a, Heard> {
        unreachable!("nobody has subscribed")
    }

    fn refuses(&self, _: &str) -> Option<String> {
        None
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// What becomes of what is sent.
#[derive(Clone, Copy)]
enum Does {
    Hangs,
    Sends,
    AsksForAPause,
}

struct Told {
    service: Service,
    does: Does,
    sends: AtomicU32,
    fetches: AtomicU32,
    is_partial: bool,
}

impl Told {
    fn new(service: Service, does: Does) -> Arc<Self> {
        Arc::new(Self { service, does, sends: AtomicU32::new(0), fetches: AtomicU32::new(0), is_partial: false })
    }

    fn sends(&self) -> u32 {
        self.sends.load(Ordering::Relaxed)
    }
}

impl Channel for Told {
    fn service(&self) -> Service {
        self.service
    }

    fn send<'a>(&'a self, _: &'a Parcel) -> Answer<'a, Sent, SendError> {
        Box::pin(async move {
            self.sends.fetch_add(1, Ordering::Relaxed);
            match self.does {
                Does::Hangs => std::future::pending().await,
                Does::Sends => Ok(Sent::default()),
                Does::AsksForAPause => Err(SendError::Busy { text: "429".into(), wait: Duration::from_mins(2) }),
            }
        })
    }

    fn fetch(&self) -> Answer<'_, Box<dyn Arrivals + '_>, TroubleFetching> {
        Box::pin(async move {
            self.fetches.fetch_add(1, Ordering::Relaxed);
            let is_partial = self.is_partial;
            Err(TroubleFetching { text: "500".into(), wait: None, is_partial })
        })
    }

    fn confirm<'a>(&'a self, _: &'a str) -> Answer<'a, (), TroubleFetching> {
        Box::pin(async { Ok(()) })
    }

    fn check(&self) -> Answer<'_, (), CannotUse> {
        Box::pin(async { Ok(()) })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }
}

fn desk(folder: &Path, channels: &[&Arc<Told>]) -> Desk {
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
    let channel = |it: &&Arc<Told>| -> (Service, Arc<dyn Channel>) { (it.service, Arc::<Told>::clone(it)) };
    Desk {
        store: Arc::new(Sqlite::open(&folder.join("store.sqlite"), &Services::default()).unwrap()),
        blobs: Arc::new(Folder::open(&folder.join("blobs")).unwrap()),
        registry: Arc::new(Everybody::over(Service::Dpo, Arc::new(|_: &str| true))),
        awaited: Arc::default(),
        channels: channels.iter().map(channel).collect(),
        clock: Clock::machine(),
        random: Arc::new(Fixed),
        rules,
        queued: Bell::default(),
        noted: tokio::sync::Notify::new(),
        caller: Arc::new(Nobody),
        closed: BTreeMap::new(),
        tally: Tally::default(),
    }
}

fn envelope(number: u8) -> Envelope {
    let text = include_str!("../../tests/fixtures/arkivmelding.json").replace(
        "administrasjon:ver1.0\"",
        "administrasjon:ver1.0\", \"scopeInformation\": [{\"expectedResponseDateTime\": \"2099-01-01T00:00:00+01:00\"}]",
    );
    let mut envelope = crate::sbd::read_foreign(text.as_bytes()).unwrap();
    envelope.document.message_id = Some(MessageId::random([number; 16]));
    envelope
}

/// A message on the queue of this service.
async fn queue(desk: &Desk, service: Service, number: u8) {
    let (now, envelope, id) = (desk.clock.now(), envelope(number), MessageId::random([number; 16]));
    let conversation = Conversation::of(&envelope, Direction::Outgoing, service, now).unwrap();
    desk.store.create(Outgoing { id: id.clone(), service, envelope, files: vec![] }, conversation).await.unwrap();
    desk.store.enqueue(&id, now).await.unwrap();
    desk.queued.ring();
}

fn how() -> Dispatching {
    let (lease, longest_try) = (Duration::from_secs(15), Duration::from_hours(1));
    Dispatching { holder: "here".into(), concurrency: 10, lease, longest_try }
}

async fn until(what: impl Fn() -> bool) {
    let waited = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("it does not come");
}

#[tokio::test]
async fn a_service_whose_sends_hang_holds_its_own_places_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let (hangs, sends) = (Told::new(Service::Dpv, Does::Hangs), Told::new(Service::Dpo, Does::Sends));
    let desk = desk(folder.path(), &[&hangs, &sends]);
    for number in 0..30 {
        queue(&desk, Service::Dpv, number).await;
    }
    let told = async {
        until(|| hangs.sends() == 10).await;
        queue(&desk, Service::Dpo, 100).await;
        // A service that is not open here fails, and does not wait for the one that hangs either.
        queue(&desk, Service::Dpe, 101).await;
        until(|| sends.sends() == 1).await;
        let others = Lane::NoneOf([Service::Dpo, Service::Dpv].into_iter().collect());
        let is_put_off = async || desk.store.next_due(&others).await.unwrap() > Some(desk.clock.now());
        while !is_put_off().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(hangs.sends(), 10);
    };
    let how = how();
    tokio::select! {
        () = dispatch(&desk, &how, std::future::pending) => {}
        told = tokio::time::timeout(Duration::from_secs(30), told) => told.unwrap(),
    }
}

#[tokio::test]
async fn a_channel_that_asks_for_a_pause_is_sent_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let busy = Told::new(Service::Dpo, Does::AsksForAPause);
    let desk = desk(folder.path(), &[&busy]);
    for number in 0..30 {
        queue(&desk, Service::Dpo, number).await;
    }
    let told = async {
        until(|| busy.sends() > 0).await;
        // Those that were in hand when it asked.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(busy.sends() <= 10, "{}", busy.sends());
    };
    let how = how();
    tokio::select! {
        () = dispatch(&desk, &how, std::future::pending) => {}
        () = told => {}
    }
    // The others have spent no try on it.
    let later = desk.clock.now() + Duration::from_mins(1);
    let waiting = desk.store.lease("x", &Lane::All, later, later, 100).await.unwrap();
    assert!(waiting.len() >= 20 && waiting.iter().all(|leased| leased.tried == 0), "{}", waiting.len());
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_gives_nothing_but_trouble_is_asked_a_few_times_in_ten_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Told::new(Service::Dpo, Does::Sends);
    let desk = desk(folder.path(), &[&broken]);
    let stopped = tokio::time::sleep(Duration::from_mins(10));
    collect(&desk, &*broken, stopped).await;
    // After 15, 30, 60, 120, 240 seconds.
    assert_eq!(broken.fetches.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn one_of_several_who_is_in_trouble_makes_the_others_wait_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let told = Told::new(Service::Dpo, Does::Sends);
    let broken = Arc::new(Told { is_partial: true, ..Arc::into_inner(told).unwrap() });
    let desk = desk(folder.path(), &[&broken]);
    collect(&desk, &*broken, tokio::time::sleep(Duration::from_mins(10))).await;
    // Every 15 seconds, as if nothing were wrong.
    let asked = broken.fetches.load(Ordering::Relaxed);
    assert!((40..=41).contains(&asked), "{asked}");
}

/// Gives these, and notes what is confirmed.
struct Gives {
    arrivals: Mutex<Option<VecDeque<Arrival>>>,
    confirmed: Mutex<Vec<String>>,
    /// Rung at each confirmation.
    rings: Arc<tokio::sync::Notify>,
}

struct InOrder(VecDeque<Arrival>);

impl Arrivals for InOrder {
    fn next(&mut self) -> Answer<'_, Option<Arrival>, TroubleFetching> {
        let next = self.0.pop_front();
        Box::pin(async move { Ok(next) })
    }
}

impl Channel for Gives {
    fn service(&self) -> Service {
        Service::Dpo
    }

    fn send<'a>(&'a self, _: &'a Parcel) -> Answer<'a, Sent, SendError> {
        Box::pin(async { Ok(Sent::default()) })
    }

    fn fetch(&self) -> Answer<'_, Box<dyn Arrivals + '_>, TroubleFetching> {
        let all = self.arrivals.lock().unwrap().take().unwrap_or_default();
        Box::pin(async move {
            let round: Box<dyn Arrivals> = Box::new(InOrder(all));
            Ok(round)
        })
    }

    fn confirm<'a>(&'a self, receipt: &'a str) -> Answer<'a, (), TroubleFetching> {
        Box::pin(async move {
            self.confirmed.lock().unwrap().push(receipt.to_owned());
            self.rings.notify_one();
            Ok(())
        })
    }

    fn check(&self) -> Answer<'_, (), CannotUse> {
        Box::pin(async { Ok(()) })
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(50)
    }
}

/// A package whose end comes when it is rung for.
struct UntilRung(Option<Arc<tokio::sync::Notify>>);

impl BlobReader for UntilRung {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(async move {
            let Some(rings) = self.0.take() else { return Ok(None) };
            rings.notified().await;
            Ok(Some(Bytes::from_static(b"the last bytes")))
        })
    }
}

fn arrived(message: u8, conversation: u8, package: Option<Box<dyn BlobReader>>) -> Arrival {
    let mut envelope = envelope(message);
    if let Some(scope) = envelope.conversation_scope_mut() {
        scope.instance = Some(MessageId::random([conversation; 16]).to_string());
    }
    Arrival::Message(Box::new(Arrived { envelope, package, judgement: None, receipt: message.to_string() }))
}

#[tokio::test]
async fn of_one_conversation_one_is_taken_in_at_a_time_and_others_do_not_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), &[]);
    let rings = Arc::new(tokio::sync::Notify::new());
    // The first is stored when another conversation's was.
    let slow: Box<dyn BlobReader> = Box::new(UntilRung(Some(Arc::clone(&rings))));
    let all = [arrived(1, 1, Some(slow)), arrived(2, 1, None), arrived(3, 1, None), arrived(4, 2, None)];
    let channel = Gives { arrivals: Mutex::new(Some(all.into())), confirmed: Mutex::default(), rings };
    let confirmed = || channel.confirmed.lock().unwrap().clone();
    tokio::select! {
        () = collect(&desk, &channel, std::future::pending()) => {}
        () = until(|| confirmed().len() == 4) => {}
    }
    assert_eq!(confirmed(), ["4", "1", "2", "3"]);
}
