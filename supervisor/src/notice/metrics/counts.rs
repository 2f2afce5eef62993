//! What must not begin at zero after a restart. The history knows it, but forgets its oldest lines; a counter that falls
//! when a file is turned over would make Prometheus count everything again. So the sums are kept in `counts.json`, with a
//! mark of the last line that is in them: whatever was written behind it, by whomever, is added, once.

use efm::atomic;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::settings::Told;
use crate::notice::NoticeError;
use crate::notice::history::{History, Row};

const FILE: &str = "counts.json";
const SCHEMA: u32 = 1;
/// No more names than these; whoever wrote more has not written a history.
const NAMES_AT_MOST: usize = 100;

/// Sums on disk, and where the history was when they were made.
#[derive(Debug)]
pub(super) struct Counts {
    path: PathBuf,
    sums: Sums,
    /// As on disk.
    saved: Option<Sums>,
    /// How the history looked then; the same again has nothing new.
    seen: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Sums {
    schema: u32,
    /// By the names of the history.
    events: BTreeMap<String, u64>,
    /// The last line that is counted, as a digest.
    counted_to: Option<String>,
    last_upgrade: Option<Timestamp>,
    last_downtime_ms: Option<u64>,
    last_reached: Option<Timestamp>,
}

impl Counts {
    /// Sums that cannot be read are made anew from what the history still has.
    pub(super) fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let saved: Option<Sums> = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .inspect_err(|error| tracing::warn!(%error, "count anew what the history has"))
                .ok(),
            Err(_) => None,
        };
        let none = || Sums {
            schema: SCHEMA,
            events: BTreeMap::new(),
            counted_to: None,
            last_upgrade: None,
            last_downtime_ms: None,
            last_reached: None,
        };
        Self { path, sums: saved.clone().unwrap_or_else(none), saved, seen: None }
    }

    /// A look reached the source.
    pub(super) fn reached(&mut self, at: Option<Timestamp>) {
        self.sums.last_reached = self.sums.last_reached.max(at);
    }

    /// Adds what the history has got since, and makes it durable.
    pub(super) fn catch_up(&mut self, history: &History) -> Result<(), NoticeError> {
        let length = history.length();
        if self.seen != Some(length) {
            let new = history.after(self.sums.counted_to.as_deref())?;
            for row in &new.rows {
                self.add(row);
            }
            self.sums.counted_to = new.last.or_else(|| self.sums.counted_to.take());
            self.seen = Some(length);
        }
        if self.saved.as_ref() == Some(&self.sums) {
            return Ok(());
        }
        let bytes = serde_json::to_vec_pretty(&self.sums)
            .map_err(|source| NoticeError::Corrupt { path: self.path.clone(), source })?;
        atomic::replace(&self.path, &bytes).map_err(|source| NoticeError::Disk {
            act: "write",
            path: self.path.clone(),
            source,
        })?;
        self.saved = Some(self.sums.clone());
        Ok(())
    }

    fn add(&mut self, row: &Row) {
        if self.sums.events.contains_key(&row.what) || self.sums.events.len() < NAMES_AT_MOST {
            let sum = self.sums.events.entry(row.what.clone()).or_default();
            *sum = sum.saturating_add(1);
        }
        if row.what == Told::Upgraded.name() {
            self.sums.last_upgrade = Some(row.at);
            self.sums.last_downtime_ms = row.downtime_ms;
        }
    }

    /// How often this happened.
    pub(super) fn of(&self, event: &str) -> u64 {
        self.sums.events.get(event).copied().unwrap_or(0)
    }

    /// All names that can be told, and others that were, each once.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = Told::NAMES.iter().map(|(name, _)| *name);
        let is_known = |name: &str| Told::NAMES.iter().any(|(known, _)| *known == name);
        let others = self.sums.events.keys().map(String::as_str).filter(move |name| !is_known(name));
        known.chain(others).map(|name| (name, self.of(name)))
    }

    pub(super) fn last_upgrade(&self) -> Option<Timestamp> {
        self.sums.last_upgrade
    }

    pub(super) fn last_downtime_ms(&self) -> Option<u64> {
        self.sums.last_downtime_ms
    }

    pub(super) fn last_reached(&self) -> Option<Timestamp> {
        self.sums.last_reached
    }
}
