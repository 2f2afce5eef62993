//! A case system that keeps its connection, as they do: one request after the other, the answer read whole or counted.

use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Nothing takes longer than this without being broken.
const PATIENCE: Duration = Duration::from_mins(5);
const PIECE: usize = 256 << 10;

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// As in `200`.
    pub status: u16,
    /// The first bytes of the body, as many as [`KEPT`].
    pub body: Vec<u8>,
    /// How many there were.
    pub length: u64,
}

/// More of a body is counted and let go.
const KEPT: usize = 64 << 10;

impl Answer {
    /// Or what it says instead.
    pub fn well(self) -> io::Result<Self> {
        let text = String::from_utf8_lossy(&self.body);
        if self.status == 200 { Ok(self) } else { Err(io::Error::other(format!("{}: {text}", self.status))) }
    }

    /// As JSON.
    pub fn json(&self) -> io::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Runs this on a thread of this process that does nothing else.
pub fn run<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.map_err(|_| io::ErrorKind::TimedOut)? })
}

impl Client {
    /// To this port of this machine.
    pub async fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(PIECE, stream) })
    }

    /// One request.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
        let mut request = head(method, path, headers, body.len() as u64).into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        self.answer().await
    }

    /// One request whose body is so long, and never whole in memory.
    pub async fn pour(&mut self, method: &str, path: &str, headers: &str, length: u64) -> io::Result<Answer> {
        self.stream.write_all(head(method, path, headers, length).as_bytes()).await?;
        let piece = noise(PIECE);
        let mut rest = length;
        while rest > 0 {
            let now = usize::try_from(rest).unwrap_or(usize::MAX).min(piece.len());
            self.stream.write_all(&piece[..now]).await?;
            rest -= now as u64;
        }
        self.answer().await
    }

    /// Asks until the answer is 200; how long that took.
    pub async fn until_well(&mut self, path: &str) -> io::Result<(Answer, Duration)> {
        let begun = Instant::now();
        loop {
            let answer = self.ask("GET", path, "", b"").await?;
            if answer.status == 200 {
                return Ok((answer, begun.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no answer: {line:?}")))?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? <= 2 {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        let mut answer = Answer { status, body: Vec::new(), length: 0 };
        if !is_chunked {
            self.take(length, &mut answer).await?;
            return Ok(answer);
        }
        loop {
            line.clear();
            self.stream.read_line(&mut line).await?;
            let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            self.take(length, &mut answer).await?;
            line.clear();
            self.stream.read_line(&mut line).await?;
            if length == 0 {
                return Ok(answer);
            }
        }
    }

    async fn take(&mut self, mut length: u64, answer: &mut Answer) -> io::Result<()> {
        answer.length += length;
        while length > 0 {
            let here = self.stream.fill_buf().await?;
            if here.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let now = here.len().min(usize::try_from(length).unwrap_or(usize::MAX));
            let kept = now.min(KEPT.saturating_sub(answer.body.len()));
            answer.body.extend_from_slice(&here[..kept]);
            self.stream.consume(now);
            length -= now as u64;
        }
        Ok(())
    }
}

fn head(method: &str, path: &str, headers: &str, length: u64) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n")
}

/// Bytes that no packer makes smaller.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&next());
    }
    bytes.truncate(length);
    bytes
}
