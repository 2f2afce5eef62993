//! What Prometheus is told: a text file that `node_exporter` picks up. No port, no server.
//!
//! Start at [`Notices::write_metrics`]. `text` says what stands in it, `exposition` how it is written, `counts` is what must
//! not begin at zero after a restart, `textfile` puts it in place. What the supervisor knows comes as a [`Standing`].

mod counts;
mod exposition;
mod text;
mod textfile;

use efm::chain::Chain;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

use super::history::Row;
use super::outbox::{Lane, Waiting};
use super::{NoticeError, Notices};
use counts::Counts;
use textfile::Textfile;

/// The memory of a file that could not be written.
const FAILING: &str = "metrics-failed";

/// How it stands, as far as the duty and the disk know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The home folder: what tells the files of two homes on one machine apart.
    pub home: String,
    /// What a supervisor on duty knows; none: it has left, and nobody looks.
    pub on_duty: Option<OnDuty>,
}

/// What a supervisor on duty knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnDuty {
    /// What runs.
    pub runs: Option<Runs>,
    /// Whether it was seen healthy.
    pub up: bool,
    /// How often it has ended without a steady time since.
    pub crashes_in_a_row: u32,
    /// The last look: when, and whether it reached the source.
    pub last_look: Option<(Timestamp, bool)>,
    /// The next one.
    pub next_look: Option<Timestamp>,
    /// The window that is open, or the next one: when it opens and closes.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The version that is verified and waits.
    pub staged: Option<String>,
    /// When each signing key ends.
    pub keys: Vec<(String, Timestamp)>,
    /// What is held against versions; whether each is given up.
    pub held: Vec<(String, bool)>,
    /// A person holds upgrades.
    pub on_hold: bool,
}

/// The integration point as it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// None: it was taken over and is not verified.
    pub version: Option<String>,
    /// When its process started.
    pub started: Option<Timestamp>,
}

/// The file, and what must be remembered for it.
#[derive(Debug)]
pub(super) struct Metrics {
    file: Arc<Textfile>,
    counts: Mutex<Counts>,
    /// Something was told.
    pub(super) told: Notify,
}

impl Notices {
    /// With a file for Prometheus, where one is named. Only for the supervisor on duty: two would write one file.
    #[must_use]
    pub fn with_metrics(mut self, file: Option<PathBuf>) -> Self {
        let metrics = |path| Metrics {
            file: Arc::new(Textfile::at(path)),
            counts: Mutex::new(Counts::open(&self.state)),
            told: Notify::new(),
        };
        self.metrics = file.map(metrics);
        self
    }

    /// Whether there is a file to write.
    pub fn has_metrics(&self) -> bool {
        self.metrics.is_some()
    }

    /// Until something is told; for ever where nobody counts.
    pub async fn something_told(&self) {
        match &self.metrics {
            Some(metrics) => metrics.told.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Writes the file anew. A disk that takes nothing is told once and hurts nothing. Cancel safe: the file is the old one
    /// or the new one.
    pub async fn write_metrics(&self, standing: &Standing) {
        let Some(metrics) = &self.metrics else { return };
        let now = self.clock.now();
        let text = {
            let mut counts = metrics.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let looked = standing.on_duty.as_ref().and_then(|duty| duty.last_look);
            counts.reached(looked.filter(|(_, reached)| *reached).map(|(at, _)| at));
            if let Err(error) = counts.catch_up(&self.history) {
                tracing::warn!(error = %Chain(&error), "count what happened");
            }
            text::text(standing, &counts, &self.all_waiting(), now)
        };
        // A folder that hangs must not hold up the duty.
        let file = Arc::clone(&metrics.file);
        let written = tokio::task::spawn_blocking(move || file.replace(&text)).await;
        self.tell_how_writing_went(written.unwrap_or_else(|error| {
            let source = std::io::Error::other(error);
            Err(NoticeError::Disk { act: "write", path: metrics.file.path().to_owned(), source })
        }));
    }

    /// Each lane that is emptied, and each in which something lies.
    fn all_waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.outbox.all_waiting();
        for lane in std::iter::once(Lane::Mail).chain(self.lanes()) {
            if !waiting.iter().any(|one| one.lane == lane) {
                waiting.push(Waiting { lane, count: 0, oldest: None });
            }
        }
        waiting
    }

    fn tell_how_writing_went(&self, result: Result<(), NoticeError>) {
        let Err(error) = result else { return self.told().forget(FAILING) };
        let mut told = self.told();
        if told.is_news(FAILING, 0) {
            let (error, now) = (Chain(&error).to_string(), self.clock.now());
            tracing::error!(error, "metrics not written; this is told once");
            self.write_down(&Row { reason: Some(error), ..Row::plain(FAILING, now) });
            told.remember(FAILING, 0, now);
        }
    }
}

/// The name of a lane, and of its webhook where it is one.
fn lane_labels(waiting: &Waiting) -> [(&'static str, &str); 2] {
    match &waiting.lane {
        Lane::Mail => [("kind", "mail"), ("webhook", "")],
        Lane::Webhook(name) => [("kind", "webhook"), ("webhook", name)],
    }
}
