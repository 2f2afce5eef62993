//! Whoever subscribed: a server that takes what webhooks tell, and remembers it. It can be slow, fail, redirect, hang up or
//! say nothing, each path as it is told to. A call is remembered when it has come whole, before it is answered.
//!
//! Threads and sockets of the standard library only: tests of the integrasjonspunkt include this file as it is.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A body larger than this is not read.
const LIMIT_BYTES: u64 = 1 << 20;
/// Who does not go on with a call is left.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was told.
#[derive(Clone, Debug)]
pub struct Call {
    /// To which path.
    pub path: String,
    /// With which head; names in small letters.
    pub head: BTreeMap<String, String>,
    /// What.
    pub body: String,
    /// When.
    pub at: Instant,
    /// What was answered; none: nothing.
    pub answered: Option<u16>,
}

impl Call {
    /// The value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.head.get(name).map_or("", String::as_str)
    }
}

/// How a path answers.
#[derive(Clone, Debug)]
pub struct Manners {
    /// So long after the call has come.
    pub latency: Duration,
    /// So many of a hundred calls get 503 instead.
    pub fails_of_hundred: u8,
    /// Like this.
    pub answer: Answer,
}

impl Default for Manners {
    fn default() -> Self {
        Self { latency: Duration::ZERO, fails_of_hundred: 0, answer: Answer::Status(200) }
    }
}

impl From<Answer> for Manners {
    fn from(answer: Answer) -> Self {
        Self { answer, ..Self::default() }
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This number.
    Status(u16),
    /// This number, and when to come back.
    Busy(u16, u32),
    /// Somewhere else, please.
    Redirect(String),
    /// Nothing: the connection is closed.
    HangUp,
    /// Nothing: the connection stays open.
    Silence,
}

/// A server.
#[derive(Debug)]
pub struct Sink {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    manners: BTreeMap<String, Manners>,
    is_over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until it is over.
    fn pause(&self, pause: Duration) {
        let state = self.state();
        drop(self.changed.wait_timeout_while(state, pause, |state| !state.is_over));
    }
}

impl Sink {
    /// Listens on this machine; on a port that is free where it is zero.
    pub fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let accepting = std::thread::Builder::new().name("sink".into()).spawn(move || accept(&listener, &ours))?;
        Ok(Self { shared, port, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a path such as `/hook`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// From now on this path answers so.
    pub fn behave(&self, path: &str, manners: impl Into<Manners>) {
        self.shared.state().manners.insert(path.to_owned(), manners.into());
    }

    /// What was told so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// What this path was told so far.
    pub fn calls_of(&self, path: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.path == path).collect()
    }

    /// Waits until what this path was told is enough; false: it did not come in time.
    pub fn wait(&self, path: &str, patience: Duration, is_enough: impl Fn(&[Call]) -> bool) -> bool {
        let of_path =
            |state: &State| -> Vec<Call> { state.calls.iter().filter(|call| call.path == path).cloned().collect() };
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), patience, |state| !state.is_over && !is_enough(&of_path(state)));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_enough(&of_path(&state))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
        // It waits for a connection, so it gets one.
        let _ = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        if shared.state().is_over {
            break;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // Who breaks off is nobody's loss.
        let serve = move || drop(serve(&stream, &shared));
        serving.retain(|thread| !thread.is_finished());
        serving.extend(std::thread::Builder::new().name("sink-call".into()).spawn(serve));
    }
    for thread in serving {
        let _ = thread.join();
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let head = head(&mut reader)?;
    let length = head.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.by_ref().take(LIMIT_BYTES.min(length)).read_to_end(&mut body)?;
    if u64::try_from(body.len()).unwrap_or(0) < length {
        return Err(io::Error::other("the call is not whole"));
    }
    let manners = shared.state().manners.get(&path).cloned().unwrap_or_default();
    let answer = if fails(manners.fails_of_hundred) { Answer::Status(503) } else { manners.answer };
    let answered = match &answer {
        Answer::Status(status) | Answer::Busy(status, _) => Some(*status),
        Answer::Redirect(_) => Some(307),
        Answer::HangUp | Answer::Silence => None,
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    shared.state().calls.push(Call { path, head, body, at: Instant::now(), answered });
    shared.changed.notify_all();
    shared.pause(manners.latency);
    let text = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status} x\r\n"),
        Answer::Busy(status, seconds) => format!("HTTP/1.1 {status} x\r\nRetry-After: {seconds}\r\n"),
        Answer::Redirect(to) => format!("HTTP/1.1 307 x\r\nLocation: {to}\r\n"),
        Answer::HangUp => return Ok(()),
        Answer::Silence => {
            shared.pause(PATIENCE);
            return Ok(());
        }
    };
    let mut stream = stream;
    stream.write_all(format!("{text}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
}

fn head(reader: &mut impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut head = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the head is not whole"));
        }
        match line.split_once(':') {
            Some((name, value)) => {
                head.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
            None => return Ok(head),
        }
    }
}

fn fails(of_hundred: u8) -> bool {
    // Each new state has random keys.
    RandomState::new().hash_one(0_u8) % 100 < u64::from(of_hundred)
}
