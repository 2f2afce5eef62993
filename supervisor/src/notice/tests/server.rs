//! A mail server for tests: raw SMTP over TCP, with STARTTLS, TLS and login. It serves one connection after the other
//! for as long as it is polled, and keeps what it was given.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::settings::MailSecurity;

/// `\0ola\0hunter2` in base 64.
const LOGIN: &str = "AG9sYQBodW50ZXIy";

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) data: String,
    pub(super) encrypted: bool,
    pub(super) logged_in: bool,
}

impl Received {
    /// The value of a header, unfolded.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.data.split_once("\r\n\r\n")?;
        let head = head.replace("\r\n ", " ");
        head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    }

    pub(super) fn body(&self) -> &str {
        self.data.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) security: MailSecurity,
    pub(super) tls: TlsAcceptor,
    /// The authority that its certificate is signed by, as PEM.
    pub(super) ca: String,
    /// Whether it wants `ola` and `hunter2`.
    pub(super) wants_login: bool,
    /// Whether it says that one can log in.
    pub(super) offers_login: bool,
    /// Receivers that it does not know.
    pub(super) unknown: Vec<&'static str>,
    /// Hang up after the mail was taken and before that is said.
    pub(super) hang_up_after_data: Cell<bool>,
    pub(super) received: RefCell<Vec<Received>>,
    pub(super) connections: Cell<u32>,
}

impl Server {
    pub(super) async fn start(security: MailSecurity) -> Self {
        let (tls, ca) = certificates();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            security,
            tls,
            ca,
            wants_login: false,
            offers_login: true,
            unknown: Vec::new(),
            hang_up_after_data: Cell::new(false),
            received: RefCell::default(),
            connections: Cell::new(0),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Serves while something else is done.
    pub(super) async fn during<T>(&self, act: impl Future<Output = T>) -> T {
        tokio::select! {
            never = self.serve() => match never {},
            done = act => done,
        }
    }

    async fn serve(&self) -> std::convert::Infallible {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            self.connections.set(self.connections.get() + 1);
            // A client that goes away is its own affair.
            let _ = self.connection(Box::new(stream)).await;
        }
    }

    async fn connection(&self, mut stream: Box<dyn Stream>) -> io::Result<()> {
        let mut encrypted = self.security == MailSecurity::Tls;
        if encrypted {
            stream = Box::new(self.tls.accept(stream).await?);
        }
        let (mut mail, mut logged_in) = (Received::default(), false);
        say(&mut stream, "220 mail.example.no ESMTP").await?;
        loop {
            let line = read_line(&mut stream).await?;
            let upper = line.to_ascii_uppercase();
            if upper.starts_with("EHLO") {
                say(&mut stream, "250-mail.example.no").await?;
                if self.security == MailSecurity::StartTls && !encrypted {
                    say(&mut stream, "250-STARTTLS").await?;
                }
                if self.offers_login {
                    say(&mut stream, "250-AUTH PLAIN").await?;
                }
                say(&mut stream, "250 SIZE 10000000").await?;
            } else if upper == "STARTTLS" {
                say(&mut stream, "220 go on").await?;
                stream = Box::new(self.tls.accept(stream).await?);
                encrypted = true;
            } else if let Some(given) = line.strip_prefix("AUTH PLAIN ") {
                logged_in = given == LOGIN;
                say(&mut stream, if logged_in { "235 welcome" } else { "535 5.7.8 wrong password" }).await?;
            } else if let Some(from) = line.strip_prefix("MAIL FROM:") {
                if self.wants_login && !logged_in {
                    say(&mut stream, "530 5.7.0 log in first").await?;
                    continue;
                }
                mail = Received { from: from.to_owned(), encrypted, logged_in, ..Received::default() };
                say(&mut stream, "250 ok").await?;
            } else if let Some(to) = line.strip_prefix("RCPT TO:") {
                if self.unknown.iter().any(|unknown| to.contains(unknown)) {
                    say(&mut stream, "550 5.1.1 nobody of that name").await?;
                } else {
                    mail.to.push(to.trim_matches(['<', '>']).to_owned());
                    say(&mut stream, "250 ok").await?;
                }
            } else if upper == "DATA" {
                say(&mut stream, "354 go on").await?;
                mail.data = read_data(&mut stream).await?;
                self.received.borrow_mut().push(mail.clone());
                if self.hang_up_after_data.get() {
                    return Ok(());
                }
                say(&mut stream, "250 taken").await?;
            } else if upper == "QUIT" {
                say(&mut stream, "221 bye").await?;
                return Ok(());
            } else {
                say(&mut stream, "250 ok").await?;
            }
        }
    }
}

async fn say(stream: &mut Box<dyn Stream>, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// Letter by letter: nothing that comes after the line may be taken out of the stream before TLS begins.
async fn read_line(stream: &mut Box<dyn Stream>) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await?);
        assert!(line.len() < 10_000, "a line without end");
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).map_err(io::Error::other)
}

/// Until the dot, with dots unstuffed.
async fn read_data(stream: &mut Box<dyn Stream>) -> io::Result<String> {
    let mut data = String::new();
    loop {
        let line = read_line(stream).await?;
        if line == "." {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push_str("\r\n");
    }
}

fn certificates() -> (TlsAcceptor, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), ca)
}
