//! Windows' service control as the one that keeps us, and its event log. What it is told and what it asks is
//! `efm::service`, which the integration point has too.

#![deny(unsafe_code)]

use std::io;
use std::time::Duration;

use efm::service::{self, Happening, Kept, Life};

use crate::host::events::{self, Entry};
use crate::host::manager::Word;
use crate::host::scm::NAME;

static LIFE: Life = Life { name: NAME, is_watched: true, record: happened };

/// The service control, if it keeps us.
#[derive(Debug, Default)]
pub struct Manager {
    kept: Option<&'static Kept>,
}

impl Manager {
    /// Who keeps us, as the system says.
    pub fn found() -> Self {
        Self { kept: service::kept() }
    }

    /// How long the loop may take for a turn before we are restarted; none: nobody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.kept.and_then(Kept::watchdog)
    }

    /// Tells it.
    pub fn tell(&self, word: Word<'_>) {
        let Some(kept) = self.kept else { return };
        match word {
            Word::Turn(_) => kept.at_work(),
            Word::Reloading => {}
            Word::Leaving(within) => kept.leaving(within),
        }
    }

    /// Whether we are asked to leave because the machine goes down.
    #[allow(clippy::unused_async, reason = "its twin on Linux asks systemd")]
    pub async fn machine_goes_down(&self) -> bool {
        self.kept.is_some_and(Kept::machine_goes_down)
    }
}

/// Does the job as a service that the control has started; gives the job's exit code.
///
/// # Errors
/// The control has not started us.
pub fn as_service(job: impl FnOnce() -> u8 + Send + 'static) -> io::Result<u8> {
    service::as_service(&LIFE, job)
}

fn happened(happening: &Happening) {
    let entry = match happening {
        Happening::Unheard(why) => events::failed(&format!("the service control does not hear us: {why}")),
        Happening::Started => events::started(),
        Happening::Left(0) => events::left(),
        Happening::Left(exit) => events::failed(&format!("exit code {exit}: see logs\\kosmos.log")),
        Happening::Hung => events::hung(),
    };
    // Also of one that the control does not hear: it has been started by it.
    write(&entry);
}

/// Puts it into the system's event log, where a service keeps us; otherwise there is a person who reads the terminal.
pub fn record(entry: &Entry) {
    if service::kept().is_some() {
        write(entry);
    }
}

fn write(entry: &Entry) {
    if let Err(error) = super::write_event(NAME, entry.kind.number(), entry.number, &entry.text) {
        tracing::debug!(%error, number = entry.number, "the event log does not take it");
    }
}
