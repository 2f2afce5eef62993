//! What has been told once and is not told again until it gets worse or has passed: a crash loop, a key that nears its
//! end, a refused release. On disk, so that a restart does not tell it all again.

use efm::{atomic, chain::Chain};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::NoticeError;

const FILE: &str = "told.json";
const SCHEMA: u32 = 1;
/// What was told longest ago is forgotten beyond this.
const KEPT_AT_MOST: usize = 500;

/// The memory of what has been told.
#[derive(Debug)]
pub(super) struct Told {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Entry {
    urgency: i64,
    at: Timestamp,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct OnDisk {
    schema: u32,
    told: BTreeMap<String, Entry>,
}

impl Told {
    /// A memory that cannot be read is empty: telling twice is better than not at all.
    pub(super) fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let entries = read(&path).unwrap_or_else(|error| {
            tracing::warn!(error = %Chain(&error), "forget what has been told");
            BTreeMap::new()
        });
        Self { path, entries }
    }

    /// Whether it has not been told, or not as urgently.
    pub(super) fn is_news(&self, key: &str, urgency: i64) -> bool {
        self.entries.get(key).is_none_or(|told| urgency > told.urgency)
    }

    /// Whether it, or anything whose name begins so, has been told.
    pub(super) fn was_told(&self, prefix: &str) -> bool {
        self.entries.keys().any(|key| key.starts_with(prefix))
    }

    /// It has been told.
    pub(super) fn remember(&mut self, key: &str, urgency: i64, at: Timestamp) {
        self.entries.insert(key.to_owned(), Entry { urgency, at });
        while self.entries.len() > KEPT_AT_MOST {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, told)| told.at).map(|(key, _)| key.clone()) else {
                break;
            };
            self.entries.remove(&oldest);
        }
        self.write();
    }

    /// It has passed, and everything whose name begins so: the next time it is news.
    pub(super) fn forget(&mut self, prefix: &str) {
        let before = self.entries.len();
        self.entries.retain(|key, _| !key.starts_with(prefix));
        if self.entries.len() != before {
            self.write();
        }
    }

    fn write(&self) {
        let on_disk = OnDisk { schema: SCHEMA, told: self.entries.clone() };
        let written = serde_json::to_vec_pretty(&on_disk)
            .map_err(|source| NoticeError::Corrupt { path: self.path.clone(), source })
            .and_then(|bytes| {
                atomic::replace(&self.path, &bytes).map_err(|source| NoticeError::Disk {
                    act: "write",
                    path: self.path.clone(),
                    source,
                })
            });
        if let Err(error) = written {
            tracing::error!(error = %Chain(&error), "remember what has been told");
        }
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Entry>, NoticeError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice::<OnDisk>(&bytes)
            .map(|on_disk| on_disk.told)
            .map_err(|source| NoticeError::Corrupt { path: path.to_owned(), source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => Err(NoticeError::Disk { act: "read", path: path.to_owned(), source }),
    }
}
