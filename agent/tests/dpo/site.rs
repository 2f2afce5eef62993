//! The two programs, what is sent between them, and what a case system asks of them.

pub use super::program::http::{Answer, try_call};
pub use super::program::process::Program;
pub use efm_world::faults::{Faults, Seeded};
pub use efm_world::identity::{Identity, NORD, SOR};
pub use efm_world::stage::Stage;
use jiff::Timestamp;
pub use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
pub use std::sync::atomic::{AtomicU16, Ordering};
pub use std::time::{Duration, Instant};

pub const ARKIVMELDING: &str = include_str!("../fixtures/arkivmelding.xml");
pub const ADMINISTRASJON: &str = "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0";
pub const TAUSHETSBELAGT: &str = "urn:no:difi:profile:arkivmelding:taushetsbelagt:ver1.0";
pub const RESPONSE: &str = "urn:no:difi:profile:arkivmelding:response:ver1.0";
pub const AVTALT: &str = "urn:no:difi:profile:avtalt:avtalt:ver1.0";
/// Nothing that is waited for takes longer, on however slow a machine.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// The leases of a killed program run out after 15 s, and what failed several times waits longer and longer.
pub const DRAINING: Duration = Duration::from_secs(150);

pub fn pause(milliseconds: u64) {
    #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
    std::thread::sleep(Duration::from_millis(milliseconds));
}

pub fn waited<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
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
pub fn start(stage: &Stage, who: &Identity, folder: &std::path::Path, more: &[String]) -> Program {
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

pub fn id(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

pub struct Letter<'a> {
    pub id: String,
    pub from: &'a str,
    pub to: &'a str,
    pub kind: &'a str,
    pub process: &'a str,
    pub body: Value,
    pub files: Vec<(&'a str, Vec<u8>)>,
    pub expires: Option<Timestamp>,
}

impl Default for Letter<'_> {
    fn default() -> Self {
        let (from, to) = (NORD.number, SOR.number);
        let (kind, process, body) = ("avtalt", AVTALT, json!({ "identifier": "urn:vi:to", "content": { "a": 1 } }));
        Self { id: id(1), from, to, kind, process, body, files: Vec::new(), expires: None }
    }
}

impl Letter<'_> {
    pub fn sbd(&self) -> Vec<u8> {
        let party = |number: &str| json!([{ "identifier": { "value": format!("0192:{number}"), "authority": "iso6523-actorid-upis" } }]);
        let family = match self.kind {
            "avtalt" => "avtalt",
            "innsynskrav" | "publisering" | "einnsyn_kvittering" => "einnsyn",
            _ => "arkivmelding",
        };
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
        if let Some(expires) = self.expires {
            let scope = &mut sbd["standardBusinessDocumentHeader"]["businessScope"]["scope"][0];
            scope["scopeInformation"] = json!([{ "expectedResponseDateTime": expires.to_string() }]);
        }
        sbd[self.kind] = self.body.clone();
        sbd.to_string().into_bytes()
    }
}

pub fn arkivmelding(number: u64, process: &'static str) -> Letter<'static> {
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
        ..Letter::default()
    }
}

pub fn receipt(number: u64, of: &str) -> Letter<'static> {
    Letter {
        id: id(number),
        from: SOR.number,
        to: NORD.number,
        kind: "arkivmelding_kvittering",
        process: RESPONSE,
        body: json!({ "receiptType": "OK", "relatedToMessageId": of, "messages": [] }),
        ..Letter::default()
    }
}

/// Both, known to everybody, and where they can be asked. They end with this.
pub struct Both {
    pub stage: Stage,
    pub folder: tempfile::TempDir,
    pub nord: AtomicU16,
    pub sor: AtomicU16,
    pub programs: Vec<Program>,
}

impl Both {
    pub fn start(nord: &[&str], sor: &[&str]) -> Self {
        let (stage, folder) = world(&Faults::default());
        let more = |settings: &[&str]| settings.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let programs =
            vec![start(&stage, &NORD, folder.path(), &more(nord)), start(&stage, &SOR, folder.path(), &more(sor))];
        let [nord, sor] = [0, 1].map(|it: usize| AtomicU16::new(programs[it].port));
        Self { stage, folder, nord, sor, programs }
    }
}

/// The world, which knows both.
pub fn world(faults: &Faults) -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path(), faults).unwrap();
    for who in [&NORD, &SOR] {
        stage.know(who, &[]).unwrap();
    }
    (stage, folder)
}

/// Asks again until it is answered, also by the program that comes after a killed one.
pub fn insist(port: &AtomicU16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    waited(path, PATIENCE, || try_call(port.load(Ordering::Acquire), method, path, headers, body).ok())
}

/// Creates, uploads and sends. An answer that was lost may have been a good one: then it says that it was done before.
pub fn send(port: &AtomicU16, letter: &Letter<'_>) {
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

pub fn statuses(port: &AtomicU16, id: &str) -> Vec<String> {
    let rows = insist(port, "GET", &format!("/api/statuses/{id}?size=50&sort=id,asc"), &[], b"").json();
    let rows = rows["content"].as_array().cloned().unwrap_or_default();
    let mut rows: Vec<_> =
        rows.iter().map(|row| (row["id"].as_i64(), row["status"].as_str().unwrap().to_owned())).collect();
    rows.sort();
    rows.into_iter().map(|(_, status)| status).collect()
}

pub fn has_statuses(port: &AtomicU16, id: &str, expected: &[&str]) {
    waited(&format!("{expected:?} of {id}: {:?}", statuses(port, id)), PATIENCE, || {
        let found = statuses(port, id);
        let all = expected.iter().all(|status| found.iter().any(|it| it == status));
        (all && found.len() == expected.len()).then_some(())
    });
}

/// Peeks until something is there; its id.
pub fn peek(port: &AtomicU16) -> (String, Value) {
    waited("a message", PATIENCE, || {
        let answer = insist(port, "GET", "/api/messages/in/peek", &[], b"");
        let sbd = (answer.status == 200).then(|| answer.json())?;
        Some((id_of(&sbd), sbd))
    })
}

pub fn id_of(sbd: &Value) -> String {
    let id = &sbd["standardBusinessDocumentHeader"]["documentIdentification"]["instanceIdentifier"];
    id.as_str().unwrap().to_owned()
}

pub fn pop(port: &AtomicU16, id: &str) -> BTreeMap<String, Vec<u8>> {
    let popped = insist(port, "GET", &format!("/api/messages/in/pop/{id}"), &[], b"");
    assert_eq!(popped.status, 200, "{id}: {}", popped.text());
    unzipped(popped.body)
}

pub fn unzipped(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
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

pub fn remove(port: &AtomicU16, id: &str) {
    let removed = insist(port, "DELETE", &format!("/api/messages/in/{id}"), &[], b"");
    assert_eq!(removed.status, 200, "{}", removed.text());
}
