//! A mail server that takes everything and keeps it, spoken to in plain SMTP. It binds to 127.0.0.1 only and ends when it
//! is dropped. A postbox can be closed and opened again on the same port, as a mail server that is down for a while.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A client that says nothing for so long is let go, so that the end is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A mail as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Unfolded.
    pub subject: String,
    /// As it was sent, perhaps encoded.
    pub text: String,
}

/// The mail server.
#[derive(Debug)]
pub struct Postbox {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Kept {
    mails: Vec<Mail>,
    stop: bool,
}

impl Postbox {
    /// Open on this port; zero: on any that is free.
    pub fn open(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let thread = {
            let kept = Arc::clone(&kept);
            std::thread::Builder::new().name("postbox".into()).spawn(move || serve(&listener, &kept))?
        };
        Ok(Self { address, kept, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What has come so far.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.kept).mails.clone()
    }

    /// The subjects of what has come so far.
    pub fn subjects(&self) -> Vec<String> {
        self.mails().into_iter().map(|mail| mail.subject).collect()
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        lock(&self.kept).stop = true;
        // Wakes the one who waits for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection after the other.
fn serve(listener: &TcpListener, kept: &Mutex<Kept>) {
    while let Ok((stream, _)) = listener.accept() {
        if lock(kept).stop {
            return;
        }
        // A client that goes away is its own affair.
        let _ = converse(&stream, kept);
    }
}

fn converse(stream: &TcpStream, kept: &Mutex<Kept>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let say = |line: &str| (&mut &*stream).write_all(format!("{line}\r\n").as_bytes());
    let mut lines = BufReader::new(stream).lines();
    say("220 postbox ESMTP")?;
    while let Some(line) = lines.next().transpose()? {
        let word = line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "DATA" => {
                say("354 go on")?;
                let mut text = String::new();
                while let Some(line) = lines.next().transpose()? {
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push('\n');
                }
                lock(kept).mails.push(Mail { subject: subject(&text), text });
                say("250 taken")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 yes")?,
        }
    }
    Ok(())
}

fn subject(text: &str) -> String {
    let head = text.split("\n\n").next().unwrap_or_default().replace("\n ", " ");
    head.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}
