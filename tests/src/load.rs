//! Case systems that create, upload, send, peek, pop and delete without a pause, and write down what they were told.
//!
//! Start at [`Load::begin`]; [`Load::end`] lets what was sent arrive and gives the [`Ledger`]. They are strict: what an
//! integration point does to one of them that HTTP does not allow is a failure, and nothing is asked twice. Only who was
//! refused a connection asks again, since nothing of it was sent; that is counted, too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a tool of tests: what it cannot do fails the test"
)]

use crate::site::pause;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Who sends to himself, over a folder: every message goes the whole way through one program.
pub const OWN: &str = "910075918";
/// No request takes longer without being a failure.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long what was sent may take to arrive at the end: a lease of a killed one runs out after 15 s.
const DRAINING: Duration = Duration::from_mins(1);
/// When nothing has arrived for so long it is looked for in the list of what waits.
const STANDS_STILL: Duration = Duration::from_secs(5);
/// With more than so many on their way a sender looks instead of sending more.
const MOST_UNDER_WAY: usize = 30;
/// A client that seldom asks is silent for so long, longer than an integration point that ends waits for it.
const SELDOM: Duration = Duration::from_millis(700);
const AGAIN: Duration = Duration::from_millis(1);
const NOTHING_THERE: Duration = Duration::from_millis(5);

/// How a client treats its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// One for all requests, until it is told that it ends.
    Kept,
    /// A new one for each.
    Fresh,
    /// One for all, but between two requests it may be closed, as pools of connections expect.
    Seldom,
}

/// What they were told.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Messages whose sending was acknowledged.
    pub sent: BTreeSet<String>,
    /// How often each was given to a case system that then removed it.
    pub delivered: BTreeMap<String, u32>,
    /// What somebody failed at in the middle: nobody knows whether it was done.
    pub unsure: BTreeSet<String>,
    /// Peeked at by somebody whose answer was lost: locked for him until the lock runs out, and there.
    pub waiting: BTreeSet<String>,
    /// Connections that were refused.
    pub refused: u64,
    /// All else that went wrong, in words.
    pub failures: Vec<String>,
    /// Requests that were answered.
    pub answered: u64,
    /// The longest that a client waited for an answer, refusals and all.
    pub longest: Duration,
    /// The same, since somebody asked.
    since: Duration,
}

impl Ledger {
    /// What was acknowledged and did not arrive.
    pub fn lost(&self) -> Vec<&String> {
        let is_somewhere =
            |id: &String| self.delivered.contains_key(id) || self.unsure.contains(id) || self.waiting.contains(id);
        self.sent.iter().filter(|id| !is_somewhere(id)).collect()
    }

    /// What was delivered more than once.
    pub fn twice(&self) -> Vec<&String> {
        self.delivered.iter().filter(|(_, times)| **times > 1).map(|(id, _)| id).collect()
    }
}

/// Clients at work. They end with it.
pub struct Load {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<()>>,
    receivers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    port: u16,
    ledger: Mutex<Ledger>,
    nothing_more_is_sent: AtomicBool,
    is_over: AtomicBool,
}

impl Load {
    /// So many clients on this port, who send and receive in turn.
    pub fn begin(port: u16, clients: usize) -> Self {
        let shared = Arc::new(Shared { port, ..Shared::default() });
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for number in 0..clients {
            let way = if number / 2 % 2 == 0 { Way::Kept } else { Way::Fresh };
            let shared = Arc::clone(&shared);
            if number % 2 == 1 {
                receivers.push(std::thread::spawn(move || Client::of(&shared, way).receive()));
            } else {
                senders.push(std::thread::spawn(move || Client::of(&shared, way).send()));
            }
        }
        let seldom = Arc::clone(&shared);
        senders.push(std::thread::spawn(move || Client::of(&seldom, Way::Seldom).look_now_and_then()));
        Self { shared, senders, receivers }
    }

    /// Waits until so many more requests were answered.
    pub fn wait_for(&self, more: u64) {
        let (begun, from) = (Instant::now(), self.answered());
        while self.answered() < from + more {
            assert!(
                begun.elapsed() < PATIENCE,
                "nobody is answered: {:#?}",
                self.shared.ledger.lock().unwrap().failures
            );
            pause(NOTHING_THERE);
        }
    }

    /// The longest that a client waited for an answer since this was last asked.
    pub fn longest_since(&self) -> Duration {
        std::mem::take(&mut self.shared.ledger.lock().unwrap().since)
    }

    fn answered(&self) -> u64 {
        self.shared.ledger.lock().unwrap().answered
    }

    /// Nothing more is sent; what was is received.
    pub fn end(mut self) -> Ledger {
        self.shared.nothing_more_is_sent.store(true, Ordering::Release);
        for sender in self.senders.drain(..) {
            sender.join().unwrap();
        }
        let begun = Instant::now();
        let shared = Arc::clone(&self.shared);
        let mut looks = Client::of(&shared, Way::Kept);
        let (mut last, mut fewest) = (begun, usize::MAX);
        loop {
            let missing: Vec<String> = shared.ledger.lock().unwrap().lost().into_iter().cloned().collect();
            if missing.is_empty() || begun.elapsed() > DRAINING {
                break;
            }
            if missing.len() < fewest {
                (last, fewest) = (Instant::now(), missing.len());
            }
            if last.elapsed() > STANDS_STILL {
                for id in &missing {
                    looks.whether_it_waits(id);
                }
            }
            pause(NOTHING_THERE);
        }
        self.shared.is_over.store(true, Ordering::Release);
        for receiver in self.receivers.drain(..) {
            receiver.join().unwrap();
        }
        self.shared.ledger.lock().unwrap().clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.nothing_more_is_sent.store(true, Ordering::Release);
        self.shared.is_over.store(true, Ordering::Release);
    }
}

struct Client<'a> {
    shared: &'a Shared,
    way: Way,
    connection: Option<BufReader<TcpStream>>,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
    is_last: bool,
}

impl<'a> Client<'a> {
    fn of(shared: &'a Shared, way: Way) -> Self {
        Self { shared, way, connection: None }
    }

    fn is_sending(&self) -> bool {
        !self.shared.nothing_more_is_sent.load(Ordering::Acquire)
    }

    fn send(&mut self) {
        while self.is_sending() {
            let under_way = {
                let ledger = self.shared.ledger.lock().unwrap();
                ledger.sent.len().saturating_sub(ledger.delivered.len())
            };
            if under_way < MOST_UNDER_WAY {
                self.send_one();
            } else {
                self.look();
            }
        }
    }

    fn send_one(&mut self) {
        const JSON: &str = "Content-Type: application/json\r\n";
        const FILE: &str = "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=brev.pdf\r\n";
        let id = id();
        let one = format!("/api/messages/out/{id}");
        let done = self.well("POST", "/api/messages/out", JSON, document(&id).as_bytes()).is_some()
            && self.well("PUT", &one, FILE, letter(&id).as_bytes()).is_some()
            && self.well("POST", &one, "", b"").is_some();
        let mut ledger = self.shared.ledger.lock().unwrap();
        if done {
            ledger.sent.insert(id);
        } else {
            ledger.unsure.insert(id);
        }
    }

    fn look(&mut self) {
        let _ = self.well("GET", "/api/messages/out?size=1", "", b"");
    }

    fn whether_it_waits(&mut self, id: &str) {
        let Some(listed) = self.well("GET", &format!("/api/messages/in?messageId={id}"), "", b"") else { return };
        let listed: serde_json::Value = serde_json::from_slice(&listed.body).unwrap();
        if listed.pointer("/totalElements") == Some(&1.into()) {
            self.shared.ledger.lock().unwrap().waiting.insert(id.to_owned());
        }
    }

    fn look_now_and_then(&mut self) {
        while self.is_sending() {
            self.look();
            pause(SELDOM);
        }
    }

    fn receive(&mut self) {
        while !self.shared.is_over.load(Ordering::Acquire) {
            let Some(peeked) = self.ask("GET", "/api/messages/in/peek", "", b"") else { continue };
            if peeked.status == 204 {
                pause(NOTHING_THERE);
                continue;
            }
            let Some(peeked) = self.judged(peeked, "peek") else { continue };
            let sbd: serde_json::Value = serde_json::from_slice(&peeked.body).unwrap();
            let id = sbd.pointer("/standardBusinessDocumentHeader/documentIdentification/instanceIdentifier");
            self.take(id.and_then(serde_json::Value::as_str).unwrap());
        }
    }

    fn take(&mut self, id: &str) {
        let popped = self.well("GET", &format!("/api/messages/in/pop/{id}"), "", b"");
        let is_whole = popped.map(|popped| unpacked(popped.body).is_some_and(|text| text == letter(id)));
        let removed = self.well("DELETE", &format!("/api/messages/in/{id}"), "", b"");
        let mut ledger = self.shared.ledger.lock().unwrap();
        if is_whole == Some(false) {
            ledger.failures.push(format!("{id} came without its own letter"));
        }
        if removed.is_some() && is_whole.is_some() {
            *ledger.delivered.entry(id.to_owned()).or_default() += 1;
        } else {
            ledger.unsure.insert(id.to_owned());
        }
    }

    /// The answer, if it is 200; all else is a failure.
    fn well(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Option<Answer> {
        let answer = self.ask(method, path, headers, body)?;
        self.judged(answer, &format!("{method} {path}"))
    }

    fn judged(&self, answer: Answer, what: &str) -> Option<Answer> {
        if answer.status == 200 {
            return Some(answer);
        }
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        self.shared.ledger.lock().unwrap().failures.push(format!("{what}: {} {said}", answer.status));
        None
    }

    /// The answer, whatever it is; none: there was none, and that was written down.
    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Option<Answer> {
        let begun = Instant::now();
        let answer = self.connected().and_then(|mut on| {
            let answer = ask(&mut on, method, path, headers, body)?;
            if !answer.is_last && self.way != Way::Fresh {
                self.connection = Some(on);
            }
            Ok(answer)
        });
        let took = begun.elapsed();
        let mut ledger = self.shared.ledger.lock().unwrap();
        ledger.longest = ledger.longest.max(took);
        ledger.since = ledger.since.max(took);
        match answer {
            Ok(answer) => {
                ledger.answered += 1;
                Some(answer)
            }
            Err(error) => {
                ledger.failures.push(format!("{method} {path} ({:?}, after {took:?}): {error}", self.way));
                None
            }
        }
    }

    fn connected(&mut self) -> io::Result<BufReader<TcpStream>> {
        if let Some(on) = self.connection.take()
            && (self.way != Way::Seldom || is_open(on.get_ref())?)
        {
            return Ok(on);
        }
        let begun = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", self.shared.port)) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    return Ok(BufReader::new(stream));
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused && begun.elapsed() < PATIENCE => {
                    self.shared.ledger.lock().unwrap().refused += 1;
                    pause(AGAIN);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a pool looks at before it uses a connection again.
fn is_open(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let looked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
}

fn ask(on: &mut BufReader<TcpStream>, method: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    request.extend_from_slice(body);
    on.get_mut().write_all(&request)?;
    let mut line = String::new();
    on.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer: {line:?}")))?;
    let (mut length, mut is_chunked, mut is_last) = (0, false, false);
    loop {
        line.clear();
        if on.read_line(&mut line)? <= 2 {
            break;
        }
        let lower = line.trim().to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length: ") {
            length = value.parse().map_err(io::Error::other)?;
        }
        is_chunked |= lower == "transfer-encoding: chunked";
        is_last |= lower == "connection: close";
    }
    let mut answer = Answer { status, body: Vec::new(), is_last };
    loop {
        if is_chunked {
            line.clear();
            on.read_line(&mut line)?;
            length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        }
        let from = answer.body.len();
        answer.body.resize(from + length, 0);
        on.read_exact(answer.body.get_mut(from..).unwrap_or_default())?;
        if is_chunked {
            line.clear();
            on.read_line(&mut line)?;
        }
        if !is_chunked || length == 0 {
            return Ok(answer);
        }
    }
}

fn unpacked(package: Vec<u8>) -> Option<String> {
    let mut package = zip::ZipArchive::new(io::Cursor::new(package)).ok()?;
    let mut text = String::new();
    package.by_name("brev.pdf").ok()?.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Its own for each message, so that one that comes with another's is seen.
fn letter(id: &str) -> String {
    id.repeat(30)
}

fn document(id: &str) -> String {
    let who = format!(r#"[{{"identifier":{{"value":"0192:{OWN}","authority":"iso6523-actorid-upis"}}}}]"#);
    let mut document =
        format!(r#"{{"standardBusinessDocumentHeader":{{"headerVersion":"1.0","sender":{who},"receiver":{who},"#);
    write!(
        document,
        r#""documentIdentification":{{"standard":"urn:no:difi:avtalt:xsd::avtalt","typeVersion":"2.0","type":"avtalt","instanceIdentifier":"{id}"}},"businessScope":{{"scope":[{{"type":"ConversationId","instanceIdentifier":"{id}","identifier":"urn:no:difi:profile:avtalt:avtalt:ver1.0"}}]}}}},"avtalt":{{"identifier":"load","content":"hei"}}}}"#
    )
    .unwrap();
    document
}

/// An id that nobody has used.
fn id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (random, next): (u32, _) = (rand::random(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{random:08x}-0000-4000-8000-{next:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_can_be_read_by_the_integration_point() {
        integrasjonspunkt::sbd::read(document(&id()).as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(id(), id());
    }

    #[test]
    fn what_was_acknowledged_and_not_delivered_is_lost_unless_nobody_knows() {
        let ids = |of: &[&str]| of.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        let delivered = [("a".to_owned(), 1), ("b".to_owned(), 2)].into();
        let ledger = Ledger { sent: ids(&["a", "b", "c", "d"]), delivered, unsure: ids(&["d"]), ..Ledger::default() };
        assert_eq!((ledger.lost(), ledger.twice()), (vec![&"c".to_owned()], vec![&"b".to_owned()]));
    }
}
