//! Two real programs send to each other over a false Altinn broker, with a false Maskinporten and service registry: letters and
//! receipts with every status; and then while they are killed at random instants and the broker fails one call in five.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "what the tests of the program share")]

mod program {
    pub mod http;
    pub mod postgres;
    pub mod process;
}

use efm_world::faults::{Faults, Seeded};
use efm_world::identity::{Identity, NORD, SOR};
use efm_world::stage::Stage;
use program::http::{Answer, try_call};
use program::postgres::Cluster;
use program::process::Program;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");
const ADMINISTRASJON: &str = "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0";
const TAUSHETSBELAGT: &str = "urn:no:difi:profile:arkivmelding:taushetsbelagt:ver1.0";
const RESPONSE: &str = "urn:no:difi:profile:arkivmelding:response:ver1.0";
const AVTALT: &str = "urn:no:difi:profile:avtalt:avtalt:ver1.0";
/// Nothing that is waited for takes longer, on however slow a machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The leases of a killed program run out after 15 s, and what failed several times waits longer and longer.
const DRAINING: Duration = Duration::from_secs(150);

fn pause(milliseconds: u64) {
    #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn waited<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < patience, "waited in vain for {what}");
        pause(20);
    }
}

/// A program of this organisation, quick to ask and quick to try again.
fn start(stage: &Stage, who: &Identity, folder: &std::path::Path, more: &[String]) -> Program {
    let mut settings = stage.settings(who, &folder.join(format!("{}.pem", who.number))).unwrap();
    settings.extend(
        [
            "--server.address=127.0.0.1",
            "--server.port=0",
            "--difi.ssl.enabled=false",
            "--difi.security.enable=false",
            "--integrasjonspunkt.dpo.pollingrate=200",
            "--integrasjonspunkt.queue.first-retry=1000",
        ]
        .map(str::to_owned),
    );
    settings.extend_from_slice(more);
    Program::start_bare(&settings)
}

fn id(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

struct Letter<'a> {
    id: String,
    from: &'a str,
    to: &'a str,
    kind: &'a str,
    process: &'a str,
    body: Value,
    files: Vec<(&'a str, Vec<u8>)>,
}

impl Letter<'_> {
    fn sbd(&self) -> Vec<u8> {
        let party = |number: &str| json!([{ "identifier": { "value": format!("0192:{number}"), "authority": "iso6523-actorid-upis" } }]);
        let family = if self.kind == "avtalt" { "avtalt" } else { "arkivmelding" };
        let mut sbd = json!({
            "standardBusinessDocumentHeader": {
                "headerVersion": "1.0",
                "sender": party(self.from),
                "receiver": party(self.to),
                "documentIdentification": {
                    "standard": format!("urn:no:difi:{family}:xsd::{}", self.kind),
                    "typeVersion": "2.0", "type": self.kind, "instanceIdentifier": self.id,
                },
                "businessScope": { "scope": [{
                    "type": "ConversationId", "instanceIdentifier": self.id.replace("-4000-", "-4001-"),
                    "identifier": self.process,
                }] },
            },
        });
        sbd[self.kind] = self.body.clone();
        sbd.to_string().into_bytes()
    }
}

fn arkivmelding(number: u64, process: &'static str) -> Letter<'static> {
    // Bytes that do not compress, and another letter for each.
    let mut random = Seeded(number);
    let letter: Vec<u8> = (0..40_000).flat_map(|_| random.next().to_le_bytes()).collect();
    Letter {
        id: id(number),
        from: NORD.number,
        to: SOR.number,
        kind: "arkivmelding",
        process,
        body: json!({ "hoveddokument": "brev.pdf", "sikkerhetsnivaa": 3 }),
        files: vec![
            ("arkivmelding.xml", ARKIVMELDING.as_bytes().to_vec()),
            ("brev.pdf", letter),
            ("vedlegg.pdf", number.to_string().into_bytes()),
        ],
    }
}

fn receipt(number: u64, of: &str) -> Letter<'static> {
    Letter {
        id: id(number),
        from: SOR.number,
        to: NORD.number,
        kind: "arkivmelding_kvittering",
        process: RESPONSE,
        body: json!({ "receiptType": "OK", "relatedToMessageId": of, "messages": [] }),
        files: Vec::new(),
    }
}

/// Asks again until it is answered, also by the program that comes after a killed one.
fn insist(port: &AtomicU16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    waited(path, PATIENCE, || try_call(port.load(Ordering::Acquire), method, path, headers, body).ok())
}

/// Creates, uploads and sends. An answer that was lost may have been a good one: then it says that it was done before.
fn send(port: &AtomicU16, letter: &Letter<'_>) {
    let done = |what: &str, answer: &Answer, before: &str| {
        assert!(answer.status == 200 || answer.text().contains(before), "{what}: {} {}", answer.status, answer.text());
    };
    let json = [("Content-Type", "application/json")];
    done("create", &insist(port, "POST", "/api/messages/out", &json, &letter.sbd()), "already exists");
    let one = format!("/api/messages/out/{}", letter.id);
    for (name, bytes) in &letter.files {
        let kind = if name.ends_with("xml") { "text/xml" } else { "application/pdf" };
        let named = format!("attachment; filename={name}");
        let headers = [("Content-Type", kind), ("Content-Disposition", named.as_str())];
        let answer = insist(port, "PUT", &one, &headers, bytes);
        done("upload", &answer, "uplicate");
    }
    let answer = insist(port, "POST", &one, &[], b"");
    assert!([200, 404].contains(&answer.status), "send: {} {}", answer.status, answer.text());
}

fn statuses(port: &AtomicU16, id: &str) -> Vec<String> {
    let rows = insist(port, "GET", &format!("/api/statuses/{id}?size=50&sort=id,asc"), &[], b"").json();
    let rows = rows["content"].as_array().cloned().unwrap_or_default();
    let mut rows: Vec<_> =
        rows.iter().map(|row| (row["id"].as_i64(), row["status"].as_str().unwrap().to_owned())).collect();
    rows.sort();
    rows.into_iter().map(|(_, status)| status).collect()
}

fn has_statuses(port: &AtomicU16, id: &str, expected: &[&str]) {
    waited(&format!("{expected:?} of {id}: {:?}", statuses(port, id)), PATIENCE, || {
        let found = statuses(port, id);
        let all = expected.iter().all(|status| found.iter().any(|it| it == status));
        (all && found.len() == expected.len()).then_some(())
    });
}

/// Peeks until something is there; its id.
fn peek(port: &AtomicU16) -> (String, Value) {
    waited("a message", PATIENCE, || {
        let answer = insist(port, "GET", "/api/messages/in/peek", &[], b"");
        let sbd = (answer.status == 200).then(|| answer.json())?;
        Some((id_of(&sbd), sbd))
    })
}

fn id_of(sbd: &Value) -> String {
    let id = &sbd["standardBusinessDocumentHeader"]["documentIdentification"]["instanceIdentifier"];
    id.as_str().unwrap().to_owned()
}

fn pop(port: &AtomicU16, id: &str) -> BTreeMap<String, Vec<u8>> {
    let popped = insist(port, "GET", &format!("/api/messages/in/pop/{id}"), &[], b"");
    assert_eq!(popped.status, 200, "{id}: {}", popped.text());
    unzipped(popped.body)
}

fn unzipped(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let length = zip.len();
    let entry = |index: usize| {
        let mut entry = zip.by_index(index).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().unwrap().into_owned(), bytes)
    };
    (0..length).map(entry).collect()
}

fn remove(port: &AtomicU16, id: &str) {
    let removed = insist(port, "DELETE", &format!("/api/messages/in/{id}"), &[], b"");
    assert_eq!(removed.status, 200, "{}", removed.text());
}

#[test]
fn letters_and_receipts_go_from_one_organisation_to_the_other_with_every_status() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path(), &Faults::default()).unwrap();
    for who in [&NORD, &SOR] {
        stage.know(who, &[]).unwrap();
    }
    let cluster = Cluster::start("one of the two on PostgreSQL; both are on SQLite");
    let database = cluster.as_ref().map(|cluster| {
        format!("--difi.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres?user=test", cluster.port)
    });
    let (nord, sor) =
        (start(&stage, &NORD, folder.path(), &[]), start(&stage, &SOR, folder.path(), database.as_slice()));
    let (nord, sor) = (AtomicU16::new(nord.port), (AtomicU16::new(sor.port), nord, sor));
    let sor = &sor.0;

    for (number, process) in [(1, ADMINISTRASJON), (2, TAUSHETSBELAGT)] {
        let letter = arkivmelding(number, process);
        send(&nord, &letter);
        let (came, sbd) = peek(sor);
        assert_eq!((came.as_str(), &sbd["arkivmelding"]), (letter.id.as_str(), &letter.body));
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT"]);
        let package = pop(sor, &came);
        for (name, bytes) in &letter.files {
            assert!(package.get(*name) == Some(bytes), "{name} is another one");
        }
        remove(sor, &came);
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
        has_statuses(sor, &letter.id, &["OPPRETTET", "INNKOMMENDE_MOTTATT", "INNKOMMENDE_LEVERT"]);

        // The receipt of the other case system.
        let receipt = receipt(100 + number, &letter.id);
        send(sor, &receipt);
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT", "LEST"]);
        let (came, sbd) = peek(&nord);
        assert_eq!((came.as_str(), &sbd["arkivmelding_kvittering"]), (receipt.id.as_str(), &receipt.body));
        assert_eq!(insist(&nord, "GET", &format!("/api/messages/in/pop/{came}"), &[], b"").status, 204);
        remove(&nord, &came);
        has_statuses(sor, &receipt.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    }

    // What two have agreed upon, with a file and without one.
    for (number, files) in [(3, vec![("avtale.json", b"{}".to_vec())]), (4, Vec::new())] {
        let body = json!({ "identifier": "urn:vi:to", "content": { "a": [1, "to"] } });
        let (from, to) = (NORD.number, SOR.number);
        let letter = Letter { id: id(number), from, to, kind: "avtalt", process: AVTALT, body, files };
        send(&nord, &letter);
        let (came, sbd) = peek(sor);
        assert_eq!((came.as_str(), &sbd["avtalt"]), (letter.id.as_str(), &letter.body));
        if let Some((name, bytes)) = letter.files.first() {
            assert_eq!(pop(sor, &came).get(*name), Some(bytes));
        }
        remove(sor, &came);
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    }
    // The broker has let go of all of them.
    waited("the last confirmation", PATIENCE, || {
        let transfers = stage.broker.transfers();
        transfers.iter().all(|it| it.status == efm_world::broker::FileStatus::AllConfirmedDownloaded).then_some(())
    });
}

#[test]
fn who_is_not_set_up_at_altinn_is_told_so_and_its_messages_wait() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path(), &Faults::default()).unwrap();
    for who in [&NORD, &SOR] {
        stage.know(who, &[]).unwrap();
    }
    stage.broker.may_use("0192:910077473", false);
    let nord = start(&stage, &NORD, folder.path(), &[]);
    let port = AtomicU16::new(nord.port);
    send(&port, &arkivmelding(1, ADMINISTRASJON));
    pause(500);
    assert_eq!(statuses(&port, &id(1)), ["OPPRETTET"]);
    stage.broker.may_use("0192:910077473", true);
    has_statuses(&port, &id(1), &["OPPRETTET", "SENDT"]);
}

/// How much of it is done: `EFM_DPO_KILLS=100 EFM_DPO_MESSAGES=500` is the whole.
fn amount(name: &str, usual: usize) -> usize {
    #[allow(clippy::disallowed_methods, reason = "how long a test may take is said from outside")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn every_message_comes_exactly_once_however_often_either_is_killed() {
    let (messages, kills) = (amount("EFM_DPO_MESSAGES", 40), amount("EFM_DPO_KILLS", 10));
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::new(Duration::ZERO, 0.2, 7);
    let stage = Stage::set(folder.path(), &faults).unwrap();
    for who in [&NORD, &SOR] {
        stage.know(who, &[]).unwrap();
    }
    let mut programs = vec![start(&stage, &NORD, folder.path(), &[]), start(&stage, &SOR, folder.path(), &[])];
    let ports: Vec<_> = programs.iter().map(|program| AtomicU16::new(program.port)).collect();
    let (nord, sor) = (&ports[0], &ports[1]);
    let next = AtomicUsize::new(0);
    let (sent, delivered) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
    let removed = Mutex::new(BTreeSet::new());
    let is_over = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= messages || is_over.load(Ordering::Acquire) {
                        return;
                    }
                    let letter = arkivmelding(u64::try_from(number).unwrap(), ADMINISTRASJON);
                    send(nord, &letter);
                    sent.lock().unwrap().insert(letter.id);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) && delivered.lock().unwrap().len() < messages {
                    take(sor, &delivered, &removed);
                }
            });
        }
        let mut random = Seeded(begun.elapsed().as_nanos().try_into().unwrap_or(1));
        for _ in 0..kills {
            pause(100 + random.next() % 1400);
            let which = usize::try_from(random.next() % 2).unwrap();
            let program = programs.remove(which).killed_and_started_again();
            ports[which].store(program.port, Ordering::Release);
            programs.insert(which, program);
        }
        eprintln!("{kills} kills in {:?}, {} sent", begun.elapsed(), sent.lock().unwrap().len());
        let draining = DRAINING.mul_f64(1.0_f64.max(f64::from(u32::try_from(messages).unwrap()) / 200.0));
        waited("all messages", draining, || (delivered.lock().unwrap().len() >= messages).then_some(()));
        drop(over);
    });
    eprintln!("all {messages} delivered after {:?}", begun.elapsed());
    assert_eq!(*sent.lock().unwrap(), *delivered.lock().unwrap());
    faults.set(Duration::ZERO, 0.0);
    for id in &*sent.lock().unwrap() {
        let expected = ["LEVERT", "MOTTATT", "OPPRETTET", "SENDT"];
        let found = waited(&format!("the statuses of {id}: {:?}", statuses(nord, id)), DRAINING, || {
            let mut found = statuses(nord, id);
            found.sort();
            (found.len() >= expected.len()).then_some(found)
        });
        assert_eq!(found, expected, "{id}");
        let mut found = statuses(sor, id);
        found.sort();
        assert_eq!(found, ["INNKOMMENDE_LEVERT", "INNKOMMENDE_MOTTATT", "OPPRETTET"], "{id}");
    }
    let listed = insist(sor, "GET", "/api/messages/in", &[], b"").json();
    assert_eq!(listed["totalElements"], 0, "{listed}");
    eprintln!("all statuses after {:?}; {} transfers at the broker", begun.elapsed(), stage.broker.transfers().len());
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Takes one message as a case system does. A peek whose answer was lost has locked its message: it is popped by its id.
fn take(sor: &AtomicU16, delivered: &Mutex<BTreeSet<String>>, removed: &Mutex<BTreeSet<String>>) {
    let ask = |method: &str, path: &str| try_call(sor.load(Ordering::Acquire), method, path, &[], b"").ok();
    let peeked = ask("GET", "/api/messages/in/peek").filter(|answer| answer.status == 200);
    let id = if let Some(answer) = peeked {
        id_of(&answer.json())
    } else {
        let Some(listed) = ask("GET", "/api/messages/in?size=1").filter(|answer| answer.status == 200) else {
            return pause(20);
        };
        match listed.json()["content"].get(0).map(id_of) {
            // One that the other case system is taking just now may be it, too: whoever removes it first has it.
            Some(id) if !delivered.lock().unwrap().contains(&id) => id,
            _ => return pause(20),
        }
    };
    let Some(popped) = ask("GET", &format!("/api/messages/in/pop/{id}")).filter(|answer| answer.status == 200) else {
        return pause(20);
    };
    let number = u64::from_str_radix(&id[..8], 16).unwrap();
    let package = unzipped(popped.body);
    for (name, bytes) in arkivmelding(number, ADMINISTRASJON).files {
        assert!(package.get(name) == Some(&bytes), "{name} of {id} is another one");
    }
    // An answer that was lost may have been a 200: then it is not there any more.
    let answer = waited("a removal", PATIENCE, || ask("DELETE", &format!("/api/messages/in/{id}")));
    assert!([200, 404].contains(&answer.status), "{id}: {}", answer.text());
    // What is removed twice came twice.
    assert!(answer.status == 404 || removed.lock().unwrap().insert(id.clone()), "{id} was delivered twice");
    delivered.lock().unwrap().insert(id);
}
