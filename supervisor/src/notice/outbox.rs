//! The outbox: one file a mail, named by time, so that the oldest comes first. It survives restarts, and it is bounded
//! in number and age: what cannot be delivered for two weeks, or has a hundred newer ones behind it, is dropped, and the
//! next mail that gets through says how many were.

use efm::{atomic, chain::Chain};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::NoticeError;

const FOLDER: &str = "outbox";
const DROPPED: &str = "dropped.json";
const ENDING: &str = ".json";
const SCHEMA: u32 = 1;
/// With one more than these the oldest is dropped.
pub(super) const LETTERS_AT_MOST: usize = 100;
/// What is older is dropped.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);
/// 2020-01-01: a letter from before was written while the clock was wrong, so its age is not known.
const CLOCK_WAS_WRONG_BEFORE: i64 = 1_577_836_800;

/// A mail that waits. Who gets it is decided when it is sent: a wrong address that is put right sends it after all.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Letter {
    schema: u32,
    /// The same however often it is sent, so that a mail server can see that it had it before.
    pub(super) message_id: String,
    pub(super) at: Timestamp,
    pub(super) subject: String,
    pub(super) body: String,
    /// Who has it already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) delivered_to: Vec<String>,
}

/// What was dropped since a mail last got through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Dropped {
    schema: u32,
    pub(super) count: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Outbox {
    folder: PathBuf,
    /// Delivered, but the disk would not let go of them: they must not be sent again and again.
    stuck: Mutex<BTreeSet<PathBuf>>,
}

impl Outbox {
    pub(super) fn of(state: &Path) -> Self {
        Self { folder: state.join(FOLDER), stuck: Mutex::default() }
    }

    /// One more mail, durable when the call returns.
    pub(super) fn put(
        &self,
        subject: &str,
        body: &str,
        site: &str,
        from: &str,
        now: Timestamp,
    ) -> Result<(), NoticeError> {
        make_private_folder(&self.folder).map_err(|source| NoticeError::Disk {
            act: "create",
            path: self.folder.clone(),
            source,
        })?;
        self.drop_too_many(now);
        let path = self.next_name(now);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain.trim_end_matches('>'));
        let unlike_others = Sha256::digest(format!("{site}\n{name}\n{subject}\n{now}").as_bytes());
        let hash: String = hex::encode(unlike_others).chars().take(24).collect();
        let letter = Letter {
            schema: SCHEMA,
            message_id: format!("<kosmos.{name}.{hash}@{domain}>"),
            at: now,
            subject: subject.to_owned(),
            body: body.to_owned(),
            delivered_to: Vec::new(),
        };
        write(&path, &letter)
    }

    /// The files of all mails that wait, oldest first.
    pub(super) fn waiting(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let is_letter = |name: &str| name.starts_with(|c: char| c.is_ascii_digit()) && name.ends_with(ENDING);
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_letter))
            .collect();
        files.sort_unstable();
        files
    }

    /// A mail that waits; none: it made no sense, or was too old, and has been dropped.
    pub(super) fn open(&self, path: &Path, now: Timestamp) -> Result<Option<Letter>, NoticeError> {
        if self.stuck().contains(path) {
            return self.done(path).map(|()| None);
        }
        let bytes =
            std::fs::read(path).map_err(|source| NoticeError::Disk { act: "read", path: path.to_owned(), source })?;
        let letter: Letter = match serde_json::from_slice(&bytes) {
            Ok(letter) => letter,
            Err(source) => {
                let error = NoticeError::Corrupt { path: path.to_owned(), source };
                tracing::error!(error = %Chain(&error), "drop mail that makes no sense");
                self.drop_letter(path, now);
                return Ok(None);
            }
        };
        let clock_was_right = letter.at.as_second() >= CLOCK_WAS_WRONG_BEFORE;
        if clock_was_right && letter.at.duration_until(now) > OLDEST {
            tracing::error!(subject = letter.subject, at = %letter.at, "drop mail that is too old");
            self.drop_letter(path, letter.at);
            return Ok(None);
        }
        Ok(Some(letter))
    }

    /// Everybody has it.
    pub(super) fn done(&self, path: &Path) -> Result<(), NoticeError> {
        match atomic::remove(path) {
            Ok(()) => {
                self.stuck().remove(path);
                Ok(())
            }
            Err(source) => {
                self.stuck().insert(path.to_owned());
                Err(NoticeError::Disk { act: "remove", path: path.to_owned(), source })
            }
        }
    }

    fn stuck(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was dropped and not yet told.
    pub(super) fn dropped(&self) -> Option<Dropped> {
        std::fs::read(self.folder.join(DROPPED)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
    }

    /// A mail that told it got through.
    pub(super) fn dropped_is_told(&self, told: Dropped) {
        if self.dropped() == Some(told)
            && let Err(error) = atomic::remove(&self.folder.join(DROPPED))
        {
            tracing::warn!(%error, "forget dropped mails");
        }
    }

    fn drop_too_many(&self, now: Timestamp) {
        let waiting = self.waiting();
        let too_many = (waiting.len() + 1).saturating_sub(LETTERS_AT_MOST);
        for path in waiting.iter().take(too_many) {
            tracing::error!(file = %path.display(), "drop oldest mail: too many wait");
            self.drop_letter(path, now);
        }
    }

    fn drop_letter(&self, path: &Path, at: Timestamp) {
        let dropped = match self.dropped() {
            Some(before) => Dropped { count: before.count.saturating_add(1), last: before.last.max(at), ..before },
            None => Dropped { schema: SCHEMA, count: 1, first: at, last: at },
        };
        let told = serde_json::to_vec(&dropped).map_err(io::Error::other);
        let told = told.and_then(|bytes| atomic::replace(&self.folder.join(DROPPED), &bytes));
        if let Err(error) = told.and_then(|()| atomic::remove(path)) {
            tracing::error!(%error, file = %path.display(), "drop mail");
        }
    }

    /// Behind all that wait from the same second: a name that became free in between would come too early.
    fn next_name(&self, now: Timestamp) -> PathBuf {
        let second = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let number_of = |path: &PathBuf| -> Option<u32> {
            let name = path.file_stem()?.to_str()?.strip_prefix(&second)?;
            name.strip_prefix('-')?.parse().ok()
        };
        let last = self.waiting().iter().filter_map(number_of).max();
        let number = last.map_or(0, |last| last.saturating_add(1));
        self.folder.join(format!("{second}-{number:06}{ENDING}"))
    }
}

/// Also for a letter that some have already: they must not get it twice.
pub(super) fn write(path: &Path, letter: &Letter) -> Result<(), NoticeError> {
    let bytes =
        serde_json::to_vec_pretty(letter).map_err(|source| NoticeError::Corrupt { path: path.to_owned(), source })?;
    atomic::replace(path, &bytes).map_err(|source| NoticeError::Disk { act: "write", path: path.to_owned(), source })
}

/// Start-up logs are nobody's business but the site's.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    #[allow(unused_mut, reason = "Windows has no mode to set")]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    efm::owner::make_folders_like(folder, &builder)
}
