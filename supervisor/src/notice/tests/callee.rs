//! Somebody who is called: a server for tests that speaks HTTP over TCP. It serves all who come, side by side, for as long
//! as it is polled, and keeps what it was told.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// This status, and these lines in its head.
    Answer(u16, &'static str),
    /// Takes it, and keeps the line open.
    TakeAndSayNothing,
    /// A letter of the head now and then, for ever.
    Drip,
}

/// A call as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Called {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Called {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A member of the body.
    pub(super) fn said(&self, name: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body[name].as_str().unwrap().to_owned()
    }
}

pub(super) struct Callee {
    listener: TcpListener,
    /// One after the other; then it takes whatever comes.
    does: RefCell<VecDeque<Does>>,
    calls: RefCell<Vec<Called>>,
}

impl Callee {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, does: RefCell::default(), calls: RefCell::default() }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(super) fn does(&self, does: &[Does]) {
        *self.does.borrow_mut() = does.iter().copied().collect();
    }

    pub(super) fn calls(&self) -> Vec<Called> {
        self.calls.borrow().clone()
    }

    /// Serves while something else is done.
    pub(super) async fn during<T>(&self, act: impl Future<Output = T>) -> T {
        tokio::select! {
            never = self.serve() => match never {},
            done = act => done,
        }
    }

    async fn serve(&self) -> std::convert::Infallible {
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => open.push(self.connection(accepted.unwrap().0)),
                // A client that goes away is its own affair.
                Some(_) = open.next() => {}
            }
        }
    }

    async fn connection(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let call = read(&mut stream).await?;
            self.calls.borrow_mut().push(call);
            let does = self.does.borrow_mut().pop_front().unwrap_or(Does::Answer(200, ""));
            match does {
                Does::Answer(status, head) => {
                    let head = if status == 302 { "location: /elsewhere\r\n" } else { head };
                    let answer = format!("HTTP/1.1 {status} so\r\n{head}content-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await?;
                }
                Does::TakeAndSayNothing => std::future::pending().await,
                Does::Drip => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nx-drip: ").await?;
                    loop {
                        stream.write_all(b"x").await?;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> io::Result<Called> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        assert!(head.len() < 16 << 10, "a head without end");
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut call = Called { line, headers, body: String::new() };
    let mut body = vec![0; call.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    call.body = String::from_utf8(body).map_err(io::Error::other)?;
    Ok(call)
}
