//! The real program is killed at random instants while clients create, upload, send, discard, peek, pop and delete.
//! Nothing that was acknowledged is lost, nothing is delivered twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "what the tests of the program share")]

mod program {
    pub mod http;
    pub mod postgres;
    pub mod process;
}

use program::http::{Answer, try_call};
use program::postgres::Cluster;
use program::process::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// It sends to itself, over a folder: every message goes the whole way through one program.
const OWN: &str = "910075918";
const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");
const SBD: &str = include_str!("fixtures/arkivmelding.json");
const ID: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const SENDERS: usize = 4;
const RECEIVERS: usize = 4;
const KILLS: u32 = 100;
/// A slow machine has fewer kills; how many is told.
const KILLING: Duration = Duration::from_secs(16);
/// A lease of a killed one runs out after 15 s.
const DRAINING: Duration = Duration::from_secs(45);

/// What the clients know.
#[derive(Default)]
struct Known {
    ports: Vec<AtomicU16>,
    no_more_is_sent: AtomicBool,
    is_over: AtomicBool,
    next: AtomicU64,
    /// Create was acknowledged, and nobody tried to send or discard it.
    created: Mutex<BTreeSet<String>>,
    /// Send was acknowledged.
    sent: Mutex<BTreeSet<String>>,
    /// Discard was acknowledged.
    discarded: Mutex<BTreeSet<String>>,
    /// Given to a peek, so often.
    peeked: Mutex<BTreeMap<String, u32>>,
    /// Removed by a case system.
    delivered: Mutex<BTreeSet<String>>,
}

impl Known {
    fn random(&self) -> u64 {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(self.next.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// Any instance; none where it does not answer in full.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let port = &self.ports[usize::try_from(self.random()).unwrap_or(0) % self.ports.len()];
        try_call(port.load(Ordering::Acquire), method, path, headers, body).ok()
    }

    /// Again until somebody answers.
    fn insist(&self, method: &str, path: &str) -> Answer {
        let begun = Instant::now();
        loop {
            if let Some(answer) = self.ask(method, path, &[], b"") {
                return answer;
            }
            assert!(begun.elapsed() < DRAINING, "nobody answers");
            pause(5);
        }
    }

    fn send_one(&self) {
        let random = self.random();
        let id = format!("{:08x}-0000-4000-8000-{:012x}", random >> 32, random & 0xffff_ffff);
        let (sbd, one) = (SBD.replace(ID, &id).replace("910077473", OWN), format!("/api/messages/out/{id}"));
        let is_well = |answer: Option<Answer>| answer.is_some_and(|answer| answer.status == 200);
        if !is_well(self.ask("POST", "/api/messages/out", &[("Content-Type", "application/json")], sbd.as_bytes())) {
            return pause(5);
        }
        self.created.lock().unwrap().insert(id.clone());
        let letter = id.repeat(300);
        let files = [("arkivmelding.xml", "text/xml", ARKIVMELDING), ("brev.pdf", "application/pdf", &letter)];
        for (name, kind, bytes) in files.into_iter().chain([("vedlegg.pdf", "application/pdf", "x")]) {
            let named = format!("attachment; filename={name}");
            let headers = [("Content-Type", kind), ("Content-Disposition", named.as_str())];
            if !is_well(self.ask("PUT", &one, &headers, bytes.as_bytes())) {
                return pause(5);
            }
        }
        self.created.lock().unwrap().remove(&id);
        if random.is_multiple_of(8) {
            if is_well(self.ask("DELETE", &one, &[], b"")) {
                self.discarded.lock().unwrap().insert(id);
            }
        } else if is_well(self.ask("POST", &one, &[], b"")) {
            self.sent.lock().unwrap().insert(id);
        }
    }

    fn take_one(&self) {
        let peeked = self.ask("GET", "/api/messages/in/peek", &[], b"").filter(|answer| answer.status == 200);
        let Some(peeked) = peeked else { return pause(5) };
        let header = &peeked.json()["standardBusinessDocumentHeader"]["documentIdentification"];
        let id = header["instanceIdentifier"].as_str().unwrap().to_owned();
        *self.peeked.lock().unwrap().entry(id.clone()).or_default() += 1;
        let popped = self.insist("GET", &format!("/api/messages/in/pop/{id}"));
        assert_eq!(popped.status, 200, "{id}: {}", popped.text());
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(popped.body)).unwrap();
        let letter = std::io::read_to_string(zip.by_name("brev.pdf").unwrap()).unwrap();
        assert_eq!(letter, id.repeat(300), "its own letter");
        // An answer that was lost may have been a 200: then it is not there any more.
        let removed = self.insist("DELETE", &format!("/api/messages/in/{id}"));
        assert!([200, 404].contains(&removed.status), "{id}: {}", removed.text());
        assert!(self.delivered.lock().unwrap().insert(id.clone()), "{id} was delivered twice");
    }

    fn is_listed(&self, folder: &str, id: &str) -> bool {
        self.insist("GET", &format!("/api/messages/{folder}?messageId={id}")).json()["totalElements"] == 1
    }
}

fn pause(milliseconds: u64) {
    #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn killed_while_clients_work(mut programs: Vec<Program>) {
    let known = Known { ports: programs.iter().map(|it| AtomicU16::new(it.port)).collect(), ..Known::default() };
    let known = &known;
    let is_over = || known.is_over.load(Ordering::Acquire);
    let is_sending = || !known.no_more_is_sent.load(Ordering::Acquire);
    std::thread::scope(|scope| {
        // However this ends, the clients end too.
        let over = Over(known);
        for _ in 0..SENDERS {
            scope.spawn(move || {
                while is_sending() {
                    known.send_one();
                }
            });
        }
        for _ in 0..RECEIVERS {
            scope.spawn(move || {
                while !is_over() {
                    known.take_one();
                }
            });
        }
        let begun = Instant::now();
        let mut kills = 0;
        while kills < KILLS && begun.elapsed() < KILLING {
            pause(known.random() % 240);
            let which = usize::try_from(known.random()).unwrap_or(0) % programs.len();
            let program = programs.remove(which).killed_and_started_again();
            known.ports[which].store(program.port, Ordering::Release);
            programs.insert(which, program);
            kills += 1;
        }
        eprintln!("{kills} kills in {:?}, {} programs", begun.elapsed(), programs.len());
        known.no_more_is_sent.store(true, Ordering::Release);
        // What a killed one had in hand is taken over and delivered; a peek whose answer was lost keeps its message.
        let begun = Instant::now();
        let most = || known.delivered.lock().unwrap().len() * 4 >= known.sent.lock().unwrap().len() * 3;
        while !most() && begun.elapsed() < DRAINING {
            pause(20);
        }
        drop(over);
    });
    all_is_well(known);
}

struct Over<'a>(&'a Known);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.no_more_is_sent.store(true, Ordering::Release);
        self.0.is_over.store(true, Ordering::Release);
    }
}

fn all_is_well(known: &Known) {
    let (sent, created) = (known.sent.lock().unwrap().clone(), known.created.lock().unwrap().clone());
    let begun = Instant::now();
    // A peek whose answer was lost has locked its message: it is there, and comes again when the lock runs out.
    for id in &sent {
        while !known.delivered.lock().unwrap().contains(id) && !known.is_listed("in", id) {
            assert!(begun.elapsed() < DRAINING, "{id} was acknowledged and is lost");
            pause(20);
        }
    }
    for id in &created {
        assert!(known.is_listed("out", id), "{id} was created and is lost");
    }
    for (id, times) in &*known.peeked.lock().unwrap() {
        assert_eq!(*times, 1, "{id} was given to two peeks");
    }
    let delivered = known.delivered.lock().unwrap().clone();
    for id in &*known.discarded.lock().unwrap() {
        assert!(!delivered.contains(id) && !known.is_listed("in", id), "{id} was discarded and sent");
    }
    for id in delivered.iter().take(50) {
        assert!(!known.is_listed("in", id), "{id} was removed and is there again");
        let statuses = known.insist("GET", &format!("/api/statuses/{id}?size=50")).json();
        let mut names: Vec<_> = statuses["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["convId"].clone(), it["status"].clone()))
            .collect();
        let all = names.len();
        names.sort_by_key(|it| format!("{it:?}"));
        names.dedup();
        assert_eq!(names.len(), all, "{id} has a status twice");
    }
    assert!(sent.len() > 5 && delivered.len() > 5, "{} sent, {} delivered: too few", sent.len(), delivered.len());
    eprintln!(
        "{} acknowledged sends, {} delivered, {} only created, all found after {:?}",
        sent.len(),
        delivered.len(),
        created.len(),
        begun.elapsed()
    );
}

#[test]
fn nothing_acknowledged_is_lost_or_comes_twice_when_it_is_killed() {
    let between = tempfile::tempdir().unwrap();
    killed_while_clients_work(vec![Program::start(OWN, between.path())]);
}

#[test]
fn nor_with_two_on_one_postgresql() {
    let Some(cluster) = Cluster::start("two programs on one PostgreSQL that are killed") else { return };
    let (between, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = format!("--difi.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres?user=test", cluster.port);
    let files = format!("--difi.move.nextmove.filedir={}", files.path().display());
    let start = || Program::start_with(OWN, between.path(), &[&database, &files]);
    killed_while_clients_work(vec![start(), start()]);
}
