//! Notices: what happened is written into the history and, where a person should know, put into the outbox as mail.
//! Somebody else sends it, later: neither a full disk nor a mail server that is down ever fails or delays the process.
//!
//! Start at [`Notices`]: [`Notices::tell`](crate::ports::Notice::tell) writes, [`Notices::deliver`] sends. Inside:
//! `letter` (what is said, and whether it is said again), `outbox` and `history` (on disk), `told` (what is told once),
//! `deliver` (the loops), `smtp` (the only place that speaks to a mail server), `webhook`, `metrics`.
//! Nothing here decides anything about upgrades, and nothing leaves by mail that was not masked.

mod deliver;
mod history;
mod letter;
mod metrics;
mod outbox;
mod smtp;
mod told;
mod webhook;

#[cfg(test)]
mod tests;

use efm::chain::Chain;
use efm::clock::Clock;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

use crate::config::settings::{Mail, Mode, Network, Webhook};
use crate::ports::{Event, Notice};

pub use history::{History, Row, Step, json, table};
pub use metrics::{OnDuty, Runs, Standing};

use metrics::Metrics;
use outbox::Outbox;
use told::Told;
use webhook::Hooks;

/// Why a notice could not be written or sent. It goes into the log and no further.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// A file could not be read or written.
    #[error("{act} {}", path.display())]
    Disk {
        /// `read`, `write`, `remove`, `rename`.
        act: &'static str,
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is there but makes no sense.
    #[error("read {}", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The mail settings only show to be wrong here.
    #[error("set up mail: {what}")]
    SetUp {
        /// The setting, what is wrong, and what would be right.
        what: String,
    },
    /// The mail server cannot be reached, or will not have us: no mail would get through.
    #[error("send mail by {host}")]
    Server {
        /// Host and port.
        host: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A webhook cannot be called.
    #[error("call webhook {webhook}")]
    Webhook {
        /// Its name.
        webhook: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A webhook answered, and has not taken it.
    #[error("call webhook {webhook}: it answered {status}{}", redirects(*status))]
    Answer {
        /// Its name.
        webhook: String,
        /// What it answered.
        status: u16,
    },
    /// The mail server will not have this mail, or not for this recipient.
    #[error("send mail {subject:?} by {host}")]
    Letter {
        /// Its subject.
        subject: String,
        /// Host and port.
        host: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn redirects(status: u16) -> &'static str {
    if (300..400).contains(&status) {
        ", which leads elsewhere; redirects are not followed, name the right url"
    } else {
        ""
    }
}

/// How many mails of this state folder wait to be sent; for those who look from outside.
pub fn mails_waiting(state: &Path) -> usize {
    Outbox::of(state).waiting().len()
}

/// What the notices say of where they come from.
#[derive(Clone, Debug)]
pub struct About {
    /// The site in words, for a person who has many: organisation, host, folder.
    pub site: String,
    /// The zone of all times in mail.
    pub zone: TimeZone,
    /// How much is done without a person: who must act is told, who need not is not.
    pub mode: Mode,
}

/// The real notices: history, outbox, and what has been told.
#[derive(Debug)]
pub struct Notices {
    history: History,
    outbox: Outbox,
    told: Mutex<Told>,
    mail: Option<Mail>,
    about: About,
    clock: Clock,
    /// A mail was put into the outbox.
    new_mail: Notify,
    hooks: Option<Hooks>,
    metrics: Option<Metrics>,
    state: PathBuf,
    /// Who is told of each line of the history besides.
    witness: Option<fn(&Row)>,
}

impl Notices {
    /// Notices that lie in this state folder. Without mail settings there is only the history.
    pub fn open(state: &Path, mail: Option<Mail>, about: About, clock: Clock) -> Self {
        Self {
            history: History::of(state),
            outbox: Outbox::of(state),
            told: Mutex::new(Told::open(state)),
            mail,
            about,
            clock,
            new_mail: Notify::new(),
            hooks: None,
            metrics: None,
            state: state.to_owned(),
            witness: None,
        }
    }

    /// Tells this one of each line of the history.
    #[must_use]
    pub fn witnessed_by(mut self, witness: fn(&Row)) -> Self {
        self.witness = Some(witness);
        self
    }

    /// With these webhooks, reached as the release sources are. `host` is what this machine calls itself.
    #[must_use]
    pub fn with_webhooks(mut self, webhooks: Vec<Webhook>, network: Network, host: String) -> Self {
        self.hooks = (!webhooks.is_empty()).then(|| Hooks::of(webhooks, network, host));
        self
    }

    /// How many mails wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting().len()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // What a panicking thread left is as good as what lies on disk.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each end of an attempt is told once: a supervisor that died after it told, and before it wrote down that the
    /// attempt is over, is followed by one that tells it again.
    fn has_been_told(&self, event: &Event) -> bool {
        const LOOKED_THROUGH: usize = 200;
        let Some(attempt) = event.attempt.as_ref().filter(|_| letter::is_an_end(event)) else { return false };
        let name = history::told(&event.what).name();
        let rows = self.history.read(LOOKED_THROUGH).unwrap_or_default();
        rows.iter().any(|row| row.what == name && row.attempt.as_ref() == Some(&attempt.id))
    }

    fn write_down(&self, row: &Row) {
        if let Some(witness) = self.witness {
            witness(row);
        }
        if let Err(error) = self.history.append(row) {
            tracing::error!(what = row.what, error = %Chain(&error), "write history");
        }
        if let Some(metrics) = &self.metrics {
            metrics.told.notify_one();
        }
    }

    fn put_mail(&self, event: &Event, subject: &str) {
        let Some(mail) = &self.mail else { return };
        let now = self.clock.now();
        let subject = letter::whole_subject(subject, mail.append_subject.as_deref());
        let body = letter::body(event, &subject, &self.about, now);
        match self.outbox.put(&subject, &body, &self.about.site, &mail.from, now) {
            Ok(()) => self.new_mail.notify_one(),
            Err(error) => tracing::error!(subject, error = %Chain(&error), "put mail into outbox"),
        }
    }
}

impl Notice for Notices {
    fn tell(&self, event: Event) {
        if self.has_been_told(&event) {
            return;
        }
        let once = letter::once(&event, self.clock.now());
        let mut told = self.told();
        match &once {
            letter::Once::Always => {}
            letter::Once::Memory { key, urgency } if told.is_news(key, *urgency) => {}
            letter::Once::Memory { .. } => return,
            letter::Once::Nothing { key } => return told.forget(key),
        }
        // An all-clear is worth a mail only where there was an alarm.
        let subject = letter::subject(&event, self.about.mode, told.was_told(letter::CRASH_LOOP));
        // First what people wait for, then what is only kept, and that it was told last: a power cut in between tells
        // it twice rather than never.
        if let Some(subject) = &subject {
            self.put_mail(&event, subject);
        }
        let row = Row::of(&event, self.clock.now());
        self.put_calls(&event, &row, subject.as_deref());
        self.write_down(&row);
        if letter::ends_crash_loop(&event) {
            told.forget(letter::CRASH_LOOP);
        }
        if let letter::Once::Memory { key, urgency } = once {
            told.remember(&key, urgency, self.clock.now());
        }
    }
}
