//! Events in, mails and history out.

mod callee;
mod history;
mod letters;
mod mail;
mod metrics;
mod outbox;
mod server;
mod webhooks;

use efm::clock::Clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::Path;
use std::time::Duration;

use super::{About, Notices, Row};
use crate::config::settings::{Mail, MailSecurity, Mode};
use crate::ports::{Event, Happening};
use crate::release::Version;

pub(super) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn oslo() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap()
}

pub(super) fn mail_to(recipients: &[&str]) -> Mail {
    Mail {
        recipients: recipients.iter().map(ToString::to_string).collect(),
        from: "Kosmos <kosmos@example.no>".into(),
        append_subject: None,
        host: "127.0.0.1".into(),
        port: 1,
        login: None,
        security: MailSecurity::Plain,
        timeout: Duration::from_secs(10),
        ca_file: None,
    }
}

pub(super) fn about(mode: Mode) -> About {
    About { site: "991825827 on host7, /srv/integrasjonspunkt".into(), zone: oslo(), mode }
}

pub(super) fn open(state: &Path, mail: Option<Mail>) -> Notices {
    open_at(state, mail, Clock::machine())
}

pub(super) fn open_at(state: &Path, mail: Option<Mail>, clock: Clock) -> Notices {
    Notices::open(state, mail, about(Mode::Auto), clock)
}

pub(super) fn upgraded() -> Event {
    Event {
        log: Some("Started Application in 31.4 seconds\n".into()),
        ..Event::of(Happening::Upgraded {
            archive: "integrasjonspunkt-4.0.8.jar".into(),
            from: Some(version("4.0.7")),
            to: version("4.0.8"),
            downtime: Some(Duration::from_millis(41_250)),
        })
    }
}

pub(super) fn warning(words: &str) -> Event {
    Event { reason: Some(words.into()), ..Event::of(Happening::Warning) }
}

/// What the history says happened, oldest first.
pub(super) fn names(notices: &Notices) -> Vec<String> {
    notices.history.read(1_000).unwrap().into_iter().map(|row: Row| row.what).collect()
}
