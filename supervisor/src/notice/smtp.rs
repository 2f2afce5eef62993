//! The only place that speaks to a mail server: plain, STARTTLS or TLS, with or without login, with an own CA file.

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::time::{Duration, SystemTime};

use super::NoticeError;
use super::deliver::Post;
use super::outbox::Letter;
use crate::config::settings::{Mail, MailSecurity};

/// Answers that speak of us and not of the mail: log in first, wrong password, closing down, come back later.
const ABOUT_US: [u16; 7] = [421, 432, 454, 530, 534, 535, 538];
/// A whole mail may take so many times what one command may.
const COMMANDS: u32 = 5;
/// A CA file that is larger is none.
const LARGEST_CA_FILE: u64 = 1 << 20;

/// A mail server as it is set.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// For a server that takes our mail and asks nobody to log in, as relays inside a house do.
    without_login: Option<AsyncSmtpTransport<Tokio1Executor>>,
    host: String,
    from: Mailbox,
    total: Duration,
}

impl Smtp {
    /// Made anew for each round, so that a CA file that was put right is read.
    pub(super) fn of(mail: &Mail) -> Result<Self, NoticeError> {
        let from = mail.from.parse().map_err(|_| NoticeError::SetUp {
            what: format!("the sender {:?} must be a mail address like kosmos@example.no", mail.from),
        })?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)
            .port(mail.port)
            .timeout(Some(mail.timeout))
            .tls(tls(mail)?);
        let (transport, without_login) = match &mail.login {
            Some((user, password)) => {
                let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
                (builder.clone().credentials(credentials).build(), Some(builder.build()))
            }
            None => (builder.build(), None),
        };
        Ok(Self {
            transport,
            without_login,
            host: format!("{}:{}", mail.host, mail.port),
            from,
            total: mail.timeout.saturating_mul(COMMANDS),
        })
    }

    fn message(&self, letter: &Letter, to: &[Mailbox], body: String) -> Result<Message, NoticeError> {
        let refused = |source: Box<dyn std::error::Error + Send + Sync>| NoticeError::Letter {
            subject: letter.subject.clone(),
            host: self.host.clone(),
            source,
        };
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(letter.subject.clone())
            .message_id(Some(letter.message_id.clone()))
            .date(SystemTime::from(letter.at))
            .header(ContentType::TEXT_PLAIN);
        for mailbox in to {
            builder = builder.to(mailbox.clone());
        }
        // Nobody's out-of-office answers this.
        if let Ok(name) = HeaderName::new_from_ascii("Auto-Submitted".into()) {
            builder = builder.raw_header(HeaderValue::new(name, "auto-generated".into()));
        }
        builder.body(body).map_err(|error| refused(error.into()))
    }

    /// Logs in where there is a login and the server offers it. One that offers none is given the mail without, as the
    /// KOSMOS before us did; the password has not left us then.
    async fn hand_over(&self, envelope: &Envelope, bytes: &[u8]) -> Result<(), SmtpError> {
        match (self.transport.send_raw(envelope, bytes).await, &self.without_login) {
            (Err(error), Some(without_login)) if offers_no_login(&error) => {
                tracing::warn!(host = self.host, "the mail server offers no login; the mail goes without");
                without_login.send_raw(envelope, bytes).await.map(|_| ())
            }
            (sent, _) => sent.map(|_| ()),
        }
    }

    fn sort(&self, letter: &Letter, error: SmtpError) -> NoticeError {
        let about_the_letter = error.status().is_some_and(|code| !ABOUT_US.contains(&u16::from(code)));
        if about_the_letter {
            let subject = letter.subject.clone();
            NoticeError::Letter { subject, host: self.host.clone(), source: error.into() }
        } else {
            NoticeError::Server { host: self.host.clone(), source: error.into() }
        }
    }
}

impl Post for Smtp {
    async fn send(&self, letter: &Letter, body: String, to: &[Mailbox], now: &[Mailbox]) -> Result<(), NoticeError> {
        let message = self.message(letter, to, body)?;
        let receivers: Vec<Address> = now.iter().map(|mailbox| mailbox.email.clone()).collect();
        let envelope = Envelope::new(Some(self.from.email.clone()), receivers).map_err(|error| {
            NoticeError::Letter { subject: letter.subject.clone(), host: self.host.clone(), source: error.into() }
        })?;
        let bytes = message.formatted();
        // The transport bounds only the connecting.
        match tokio::time::timeout(self.total, self.hand_over(&envelope, &bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.sort(letter, error)),
            Err(elapsed) => Err(NoticeError::Server { host: self.host.clone(), source: elapsed.into() }),
        }
    }
}

/// The library has no kind of its own for this; a test holds the words.
fn offers_no_login(error: &SmtpError) -> bool {
    error.is_client() && efm::chain::Chain(error).to_string().contains("No compatible authentication mechanism")
}

fn tls(mail: &Mail) -> Result<Tls, NoticeError> {
    if mail.security == MailSecurity::Plain {
        return Ok(Tls::None);
    }
    let mut builder = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.ca_file {
        let wrong = |why: String| NoticeError::SetUp { what: format!("the CA file {}: {why}", path.display()) };
        let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if length > LARGEST_CA_FILE {
            return Err(wrong(format!("it has {length} bytes, and must have at most {LARGEST_CA_FILE}")));
        }
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    let parameters =
        builder.build_rustls().map_err(|error| NoticeError::SetUp { what: format!("TLS for mail: {error}") })?;
    Ok(match mail.security {
        MailSecurity::Plain => Tls::None,
        MailSecurity::StartTlsIfOffered => Tls::Opportunistic(parameters),
        MailSecurity::StartTls => Tls::Required(parameters),
        MailSecurity::Tls => Tls::Wrapper(parameters),
    })
}
