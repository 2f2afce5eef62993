//! The site: everything of the program but its process and its pollers, whose steps are taken one by one.

use super::outside::{Failing, Outside, Post};
use super::{Act, FILES};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use efm::clock::Clock;
use futures_util::future::{BoxFuture, poll_fn};
use integrasjonspunkt::api::{self, Door};
use integrasjonspunkt::blobs::Folder;
use integrasjonspunkt::domain::{Backoff, MessageId, Service, Services};
use integrasjonspunkt::flow::{Bell, Desk, Pushing, Rules, Tally, collect, dispatch, expire};
use integrasjonspunkt::ports::{Blobs, Caller, Channel, Event, Heard, Lane, NoRandom, Random, Store};
use integrasjonspunkt::registry::Everybody;
use integrasjonspunkt::store::Sqlite;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
use tower::ServiceExt;

const OWN: &str = "910075918";
const SBD: &str = include_str!("../fixtures/arkivmelding.json");
pub const LOCK: Duration = Duration::from_mins(5);
const LEASE: Duration = Duration::from_secs(15);

/// What was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    /// None: it was cut off.
    pub body: Option<Vec<u8>>,
    /// Something outside failed meanwhile.
    pub had_failure: bool,
}

impl Answered {
    pub fn text(&self) -> String {
        self.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default()
    }
}

pub struct Site {
    home: tempfile::TempDir,
    desk: Option<Arc<Desk>>,
    pub outside: Outside,
    later: Duration,
    lives: u32,
}

impl Site {
    pub fn open(empty: &Empty) -> Self {
        let home = tempfile::tempdir().unwrap();
        let outside = Outside::default();
        std::fs::copy(empty.0.path().join("store.sqlite"), home.path().join("store.sqlite")).unwrap();
        let desk = desk(home.path(), &outside, Duration::ZERO);
        Self { home, desk: Some(desk), outside, later: Duration::ZERO, lives: 0 }
    }

    fn desk(&self) -> &Arc<Desk> {
        self.desk.as_ref().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.desk().clock.now()
    }

    pub fn later(&mut self, seconds: u16) {
        self.later += Duration::from_secs(u64::from(seconds));
        let Desk { store, blobs, registry, channels, caller, closed, random, rules, .. } = &**self.desk();
        let desk = Desk {
            store: Arc::clone(store),
            blobs: Arc::clone(blobs),
            registry: Arc::clone(registry),
            channels: channels.clone(),
            caller: Arc::clone(caller),
            closed: closed.clone(),
            awaited: Arc::default(),
            clock: clock(self.later),
            random: Arc::clone(random),
            rules: rules.clone(),
            queued: Bell::default(),
            noted: tokio::sync::Notify::new(),
            tally: Tally::default(),
        };
        self.desk = Some(Arc::new(desk));
    }

    /// In order: what is in hand is finished first.
    pub fn restart(&mut self) {
        self.lives += 1;
        self.desk = None;
        self.desk = Some(desk(self.home.path(), &self.outside, self.later));
    }

    /// What lies on the disk at this instant is all that the next one has; the old one never gets to its end.
    fn die(&mut self) {
        self.lives += 1;
        let home = tempfile::tempdir().unwrap();
        // The log before the file it is written back to, names before bytes: as they would be read after the death.
        for name in ["store.sqlite-wal", "store.sqlite"] {
            let from = self.home.path().join(name);
            if from.exists() {
                std::fs::copy(from, home.path().join(name)).unwrap();
            }
        }
        copy_all(&self.home.path().join("messages"), &home.path().join("messages"));
        let old = std::mem::replace(&mut self.home, home);
        // Its store may still do what it was handed, in a folder that nobody reads any more.
        self.desk = Some(desk(self.home.path(), &self.outside, self.later));
        drop(old);
    }

    /// To its end.
    pub async fn act(&self, act: &Act) -> Answered {
        let _ = self.outside.has_struck();
        let (status, body) = match act {
            Act::Create(message) => {
                self.ask("POST", "/api/messages/out", &[("Content-Type", "application/json")], sbd(*message)).await
            }
            Act::CreateWhole(message) => {
                let headers = [("Content-Type", "multipart/form-data; boundary=limit")];
                self.ask("POST", "/api/messages/out/multipart", &headers, parts(*message)).await
            }
            Act::Upload(message, file) => {
                let disposition = format!("attachment; filename={}", filename(*file));
                let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", disposition.as_str())];
                self.ask("PUT", &out(*message), &headers, bytes(*message, *file)).await
            }
            Act::Send(message) => self.ask("POST", &out(*message), &[], Vec::new()).await,
            Act::Discard(message) => self.ask("DELETE", &out(*message), &[], Vec::new()).await,
            Act::Peek => self.ask("GET", "/api/messages/in/peek", &[], Vec::new()).await,
            Act::Pop(message) => self.get(&format!("/api/messages/in/pop/{}", id(*message))).await,
            Act::Acknowledge(message) => {
                self.ask("DELETE", &format!("/api/messages/in/{}", id(*message)), &[], Vec::new()).await
            }
            Act::Dispatch => self.dispatch().await,
            Act::Collect => {
                let collected =
                    collect::all(self.desk(), &*self.desk().channels[&Service::Dpo], std::future::pending()).await;
                let is_well = collected.is_ok_and(|round| round.stays == 0);
                (if is_well { 200 } else { 500 }, Some(Vec::new()))
            }
            Act::Upkeep => {
                expire::messages(self.desk()).await.unwrap();
                expire::locks(self.desk()).await.unwrap();
                (if expire::leftovers(self.desk()).await.is_ok() { 200 } else { 500 }, Some(Vec::new()))
            }
        };
        Answered { status, body, had_failure: self.outside.has_struck() }
    }

    /// After so many steps the program dies. None: the answer was not seen.
    pub async fn act_and_die(&mut self, act: &Act, mut steps: u8) -> Option<Answered> {
        let answer = {
            let mut act = pin!(self.act(act));
            poll_fn(|context| {
                let Some(left) = steps.checked_sub(1) else { return Poll::Ready(None) };
                steps = left;
                act.as_mut().poll(context).map(Some)
            })
            .await
        };
        self.die();
        answer
    }

    async fn dispatch(&self) -> (u16, Option<Vec<u8>>) {
        let now = self.now();
        let holder = self.lives.to_string();
        let leased = self.desk().store.lease(&holder, &Lane::All, now, now + LEASE, 10).await.unwrap();
        let count = leased.len();
        for leased in leased {
            dispatch::one(self.desk(), &leased, Duration::from_mins(1)).await.unwrap();
        }
        (200, Some(count.to_string().into_bytes()))
    }

    pub async fn get(&self, path: &str) -> (u16, Option<Vec<u8>>) {
        self.ask("GET", path, &[], Vec::new()).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Option<Vec<u8>>) {
        let door = Door { auth: None, awaited: Arc::clone(&self.desk().awaited), clock: self.desk().clock.clone() };
        let router = door.around(api::routes(Arc::clone(self.desk())));
        let request = headers
            .iter()
            .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
        let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        (response.status().as_u16(), to_bytes(response.into_body(), usize::MAX).await.ok().map(Into::into))
    }

    /// Changes rows behind the program's back.
    pub fn spoil(&self, statement: &str) {
        rusqlite::Connection::open(self.home.path().join("store.sqlite")).unwrap().execute_batch(statement).unwrap();
    }

    /// The files that lie on the disk, without the key.
    pub fn lying(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in std::fs::read_dir(self.home.path().join("messages")).unwrap().flatten() {
            for entry in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        found
    }
}

/// A database with its schema and nothing in it: made once, since a schema costs a dozen flushes to the disk.
pub struct Empty(tempfile::TempDir);

impl Empty {
    pub fn make() -> Self {
        let place = tempfile::tempdir().unwrap();
        drop(Sqlite::open(&place.path().join("store.sqlite"), &Services::default()).unwrap());
        Self(place)
    }
}

fn clock(later: Duration) -> Clock {
    Clock::paused_at(Clock::machine().now() + later)
}

fn desk(home: &Path, outside: &Outside, later: Duration) -> Arc<Desk> {
    let services: Services = [Service::Dpo].into_iter().collect();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&home.join("store.sqlite"), &services).unwrap());
    let inner = Folder::open(&home.join("messages")).unwrap();
    let blobs: Arc<dyn Blobs> = Arc::new(Failing { outside: outside.clone(), inner });
    let post: Arc<dyn Channel> = Arc::new(Post { outside: outside.clone(), blobs: Arc::clone(&blobs) });
    let rules = Rules {
        organisation: OWN.into(),
        time_to_live: Duration::from_hours(24),
        lock: LOCK,
        status_services: services,
        upload_limits: BTreeMap::new(),
        backoff: Backoff::of_the_queue(100),
        status_document_type: "urn:no:difi:eformidling:xsd::status".into(),
        message_channel: None,
        default_process: "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0".into(),
        her_ids: Vec::new(),
        pushing: Pushing {
            backoff: Pushing::backoff(),
            give_up_after: Duration::from_hours(24),
            ping_is_required: false,
        },
    };
    Arc::new(Desk {
        store,
        blobs,
        registry: Arc::new(Everybody::over(Service::Dpo, Arc::new(|_| true))),
        channels: [(Service::Dpo, post)].into_iter().collect(),
        caller: Arc::new(NobodyCalls),
        closed: BTreeMap::new(),
        awaited: Arc::default(),
        clock: clock(later),
        random: Arc::new(Counted),
        rules,
        queued: Bell::default(),
        noted: tokio::sync::Notify::new(),
        tally: Tally::default(),
    })
}

/// Nobody has subscribed.
struct NobodyCalls;

impl Caller for NobodyCalls {
    fn call<'a>(&'a self, endpoint: &'a str, _event: &'a Event, _now: Timestamp) -> BoxFuture<'a, Heard> {
        panic!("nobody has subscribed with {endpoint}");
    }

    fn refuses(&self, _endpoint: &str) -> Option<String> {
        None
    }

    fn longest(&self) -> Duration {
        Duration::ZERO
    }
}

/// Names that never come again, and that a failing case gets each time.
struct Counted;

impl Random for Counted {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut bytes = [0xab; 16];
        bytes[8..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        // The folder of a blob is named by its first letters.
        bytes[0] = bytes[15];
        Ok(bytes)
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The name of a message.
pub fn id(message: u8) -> String {
    MessageId::random([message + 1; 16]).to_string()
}

fn out(message: u8) -> String {
    format!("/api/messages/out/{}", id(message))
}

pub fn filename(file: u8) -> String {
    format!("{file}.pdf")
}

/// The last file is larger than a chunk on the disk.
pub fn bytes(message: u8, file: u8) -> Vec<u8> {
    let length = if file + 1 == FILES { 70_000 } else { usize::from(file) * 100 };
    std::iter::repeat_n(message ^ file.wrapping_mul(31), length).collect()
}

fn sbd(message: u8) -> Vec<u8> {
    let kind = SBD.replace("arkivmelding:xsd::arkivmelding", "avtalt:xsd::avtalt").replace("910077473", OWN);
    let kind = kind.replace("\"type\" : \"arkivmelding\"", "\"type\" : \"avtalt\"");
    let at = kind.rfind("\"arkivmelding\" :").unwrap();
    let text = format!("{}\"avtalt\" : {{ \"identifier\" : \"x\" }} }}", &kind[..at]);
    let expires = "ver1.0\", \"scopeInformation\" : [ { \"expectedResponseDateTime\" : \"2100-01-01T00:00:00Z\" } ]";
    text.replace("ver1.0\"", expires)
        .replace("e99e5cd1-74de-4cce-b902-cecdf97dc4f3", &id(message))
        .replace("b4567a25-672c-4c2e-9a0f-08c52c54254b", &id(message + 100))
        .into_bytes()
}

/// The document and the first and the last file.
fn parts(message: u8) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |name: &str, media_type: &str, bytes: &[u8]| {
        let head = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"x\"; {name}\r\nContent-Type: {media_type}\r\n\r\n"
        );
        body.extend_from_slice(head.replace("name=\"x\"; name", "name").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"sbd\"", "application/json", &sbd(message));
    for file in WHOLE {
        part(&format!("filename=\"{}\"", filename(file)), "application/pdf", &bytes(message, file));
    }
    body.extend_from_slice(b"--limit--\r\n");
    body
}

/// The files of a message that is created with its files.
pub const WHOLE: [u8; 2] = [0, FILES - 1];
