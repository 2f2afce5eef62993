//! A release server that lies on demand, written on bare TCP so that it can break every rule of HTTP.
//!
//! Start at [`Liar`]. Each path has a [`Page`]: what it would honestly serve, and a [`Lie`] for each request in turn
//! (the last one stays). Lies are data: they can be read from files with serde. It binds to 127.0.0.1 only and ends,
//! with all its connections, when it is dropped.

mod tell;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "lie", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Lie {
    /// Nothing: whole, parts and 304 as the standard says.
    Honest,
    /// Only a status, and perhaps headers: `404`, `503` with `Retry-After`, `407`.
    Status {
        /// The code.
        code: u16,
        /// As they are sent.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// Honest, with more headers.
    Headers {
        /// As they are sent.
        headers: Vec<(String, String)>,
    },
    /// The whole length is said, and the connection ends after so many bytes.
    Truncated {
        /// How many bytes come.
        after: usize,
    },
    /// The connection ends after so many sixteenths of the body.
    CutAtSixteenth {
        /// Of sixteen.
        n: usize,
    },
    /// No length is said and no end comes.
    Endless,
    /// This length is said, whatever the body is.
    SaysLength {
        /// What is said.
        bytes: u64,
    },
    /// The body is followed by bytes that were not said.
    TooMuch {
        /// How many.
        bytes: usize,
    },
    /// A few bytes at a time.
    Drip {
        /// How many.
        bytes: usize,
        /// Between two of them.
        every_ms: u64,
    },
    /// So much of the body comes, then nothing, and the connection stays.
    Stall {
        /// In hundredths of the body.
        percent: usize,
    },
    /// Nothing comes, and the connection stays.
    Silence,
    /// To this address.
    Redirect {
        /// The code.
        code: u16,
        /// `Location`
        to: String,
    },
    /// To itself.
    RedirectLoop,
    /// A small body that unpacks to a large one.
    GzipBomb,
    /// A small list that unfolds to a large one.
    YamlBomb,
    /// A page for people, as a proxy shows it, with 200.
    LoginPage {
        /// Whether it says that it is HTML.
        honest_type: bool,
    },
    /// Headers without end.
    HeaderFlood,
    /// The connection is reset before a word is said.
    Reset,
    /// The connection is reset after so many bytes of the body.
    ResetAfter {
        /// How many.
        bytes: usize,
    },
    /// A part was asked for and the whole is sent; allowed, and common.
    RangeIgnored,
    /// A part comes, but this one.
    WrongRange {
        /// `Content-Range`
        content_range: String,
    },
    /// The rest comes, of other bytes, and says so by its validator.
    OtherRest,
    /// Nothing has changed, whatever was asked.
    NeverChanged,
    /// Words that are no HTTP.
    Nonsense,
    /// One bit of the body is another.
    BitFlip {
        /// In which byte.
        at: usize,
    },
}

/// What lies at a path.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What an honest server would send.
    pub body: Vec<u8>,
    /// Its validator, with quotes; none: made from the length.
    pub etag: Option<String>,
    /// One for each request in turn; the last one stays; none: honest.
    pub lies: Vec<Lie>,
}

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `GET`
    pub method: String,
    /// `/x.jar`
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// The server.
pub struct Liar {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    pages: BTreeMap<String, Page>,
    asked: Vec<Asked>,
    stop: bool,
    /// So that the end can wake those who write or wait.
    open: BTreeMap<u64, TcpStream>,
    next: u64,
    tellers: Vec<JoinHandle<()>>,
}

impl Liar {
    /// Listens on a free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let acceptor = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("liar".into()).spawn(move || shared.accept(&listener))?
        };
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Puts a page at a path like `/x.jar`.
    pub fn page(&self, path: &str, body: impl Into<Vec<u8>>, lies: &[Lie]) -> &Self {
        self.put(path, Page { body: body.into(), etag: None, lies: lies.to_vec() })
    }

    /// Puts a page at a path.
    pub fn put(&self, path: &str, page: Page) -> &Self {
        self.shared.lock().pages.insert(path.to_owned(), page);
        self
    }

    /// `http://127.0.0.1:port/<path>`; `path` with its leading slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far for this path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.shared.lock().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.shared.stop();
        // Wakes the one who waits for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = self.acceptor.take().map(JoinHandle::join);
        let tellers = std::mem::take(&mut self.shared.lock().tellers);
        for teller in tellers {
            let _ = teller.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stop = true;
        for stream in state.open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.stopped.notify_all();
    }

    /// Waits for the end or for so long; whether it is the end.
    pub(crate) fn ended_within(&self, wait: Duration) -> bool {
        let waited = self.stopped.wait_timeout_while(self.lock(), wait, |state| !state.stop);
        waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept() {
            let mut state = self.lock();
            if state.stop {
                return;
            }
            let number = state.next;
            state.next += 1;
            state.open.extend(stream.try_clone().map(|clone| (number, clone)));
            let shared = Arc::clone(self);
            let teller = std::thread::Builder::new().name("liar-teller".into()).spawn(move || {
                // A client that goes away in the middle of a lie is right to.
                let _ = shared.converse(&stream);
                // Only when both are gone is the connection closed; with bytes unread that is a reset.
                shared.lock().open.remove(&number);
            });
            state.tellers.extend(teller);
        }
    }

    /// One request a connection: what comes after a lie is not worth hearing.
    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        let mut first = String::new();
        read_line(stream, &mut first)?;
        let mut words = first.split_whitespace().map(str::to_owned);
        let mut asked = Asked { method: words.next().unwrap_or_default(), ..Asked::default() };
        asked.path = words.next().unwrap_or_default();
        let (page, lie) = self.next_lie(&asked.path);
        if lie == Lie::Reset {
            // Closed with the rest unread it is a reset.
            self.lock().asked.push(asked);
            return Ok(());
        }
        if !matches!(lie, Lie::ResetAfter { .. }) {
            read_headers(stream, &mut asked)?;
        }
        self.lock().asked.push(asked.clone());
        tell::answer(self, stream, &asked, &page, &lie)
    }

    fn next_lie(&self, path: &str) -> (Page, Lie) {
        let state = self.lock();
        let Some(page) = state.pages.get(path).cloned() else {
            return (Page::default(), Lie::Status { code: 404, headers: Vec::new() });
        };
        let before = state.asked.iter().filter(|asked| asked.path == path).count();
        let lie = page.lies.get(before).or(page.lies.last()).cloned().unwrap_or(Lie::Honest);
        (page, lie)
    }
}

/// Byte by byte, so that nothing behind the line is taken from the socket.
fn read_line(mut stream: &TcpStream, line: &mut String) -> io::Result<()> {
    let mut byte = [0];
    while !line.ends_with('\n') && line.len() < 8192 && stream.read(&mut byte)? == 1 {
        line.push(char::from(byte[0]));
    }
    Ok(())
}

fn read_headers(stream: &TcpStream, asked: &mut Asked) -> io::Result<()> {
    let mut lines = BufReader::new(stream.take(64 * 1024)).lines();
    while let Some(line) = lines.next().transpose()? {
        let Some((name, value)) = line.split_once(':') else { break };
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(())
}
