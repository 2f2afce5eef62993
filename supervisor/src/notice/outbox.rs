//! The outbox: one file a mail or a call, named by time, so that the oldest comes first. It survives restarts. Mails and
//! each webhook have a lane of their own, bounded in number and age: what cannot be delivered for two weeks, or has a
//! hundred newer ones behind it, is dropped, and the next one of the lane that gets through says how many were.

use efm::{atomic, chain::Chain};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::NoticeError;

const FOLDER: &str = "outbox";
const ENDING: &str = ".json";
const WEBHOOK: &str = "webhook.";
const STAMP: &str = "%Y%m%dT%H%M%SZ";
const SCHEMA: u32 = 1;
/// With one more than these in a lane its oldest is dropped.
pub(super) const LETTERS_AT_MOST: usize = 100;
/// What is older is dropped.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);
/// 2020-01-01: a letter from before was written while the clock was wrong, so its age is not known.
const CLOCK_WAS_WRONG_BEFORE: i64 = 1_577_836_800;

/// Whom something is for. What waits in one lane is never in the way of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    Mail,
    /// By its name.
    Webhook(String),
}

impl Lane {
    /// How its files begin. A mail's begin with the time, as they did before there were webhooks; a kosmos of that age
    /// passes over all others.
    fn prefix(&self) -> String {
        match self {
            Self::Mail => String::new(),
            Self::Webhook(name) => format!("{WEBHOOK}{name}."),
        }
    }

    /// Whose file it is, by its name alone: `20261121T053000Z-000000.json`, `webhook.on-call.20261121T053000Z-000000.json`.
    fn of(file: &str) -> Option<(Self, &str)> {
        let bare = file.strip_suffix(ENDING)?;
        let (lane, stamp) = match bare.strip_prefix(WEBHOOK) {
            Some(rest) => rest.rsplit_once('.').map(|(name, stamp)| (Self::Webhook(name.to_owned()), stamp))?,
            None => (Self::Mail, bare),
        };
        stamp.starts_with(|first: char| first.is_ascii_digit()).then_some((lane, stamp))
    }
}

/// What can lie in the outbox.
pub(super) trait Kept: Serialize + DeserializeOwned {
    /// When it was written.
    fn at(&self) -> Timestamp;
    /// What it is, for the log.
    fn what(&self) -> &str;
}

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

impl Kept for Letter {
    fn at(&self) -> Timestamp {
        self.at
    }

    fn what(&self) -> &str {
        &self.subject
    }
}

/// A call of a webhook that waits. Where it goes and how it is signed is decided when it is made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Call {
    schema: u32,
    /// The same however often it is made, so that who is called can see that they had it before.
    pub(super) id: String,
    pub(super) at: Timestamp,
    /// The name of the event.
    pub(super) event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<String>,
    /// What is sent, letter by letter.
    pub(super) body: String,
}

impl Kept for Call {
    fn at(&self) -> Timestamp {
        self.at
    }

    fn what(&self) -> &str {
        &self.event
    }
}

/// What was dropped since something last got through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Dropped {
    schema: u32,
    pub(super) count: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// How much waits in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) lane: Lane,
    pub(super) count: usize,
    pub(super) oldest: Option<Timestamp>,
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
        let (path, id) = self.place_for(&Lane::Mail, &[site, subject], now)?;
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain.trim_end_matches('>'));
        let letter = Letter {
            schema: SCHEMA,
            message_id: format!("<{id}@{domain}>"),
            at: now,
            subject: subject.to_owned(),
            body: body.to_owned(),
            delivered_to: Vec::new(),
        };
        write(&path, &letter)
    }

    /// One more call, durable when the call returns. `body` makes what is sent from its id.
    pub(super) fn put_call(
        &self,
        webhook: &str,
        [site, event]: [&str; 2],
        attempt: Option<String>,
        now: Timestamp,
        body: impl FnOnce(&str) -> Result<String, serde_json::Error>,
    ) -> Result<(), NoticeError> {
        let lane = Lane::Webhook(webhook.to_owned());
        let (path, id) = self.place_for(&lane, &[site, event, webhook], now)?;
        let body = body(&id).map_err(|source| NoticeError::Corrupt { path: path.clone(), source })?;
        write(&path, &Call { schema: SCHEMA, id, at: now, event: event.to_owned(), attempt, body })
    }

    /// Room for one more, its file, and a name that no other has.
    fn place_for(&self, lane: &Lane, about: &[&str], now: Timestamp) -> Result<(PathBuf, String), NoticeError> {
        make_private_folder(&self.folder).map_err(|source| NoticeError::Disk {
            act: "create",
            path: self.folder.clone(),
            source,
        })?;
        self.drop_too_many(lane, now);
        let (path, name) = self.next_name(lane, now);
        let (site, rest) = about.split_first().map_or(("", [].as_slice()), |(site, rest)| (*site, rest));
        let unlike_others = Sha256::digest(format!("{site}\n{name}\n{}\n{now}", rest.join("\n")).as_bytes());
        let hash: String = hex::encode(unlike_others).chars().take(24).collect();
        Ok((path, format!("kosmos.{name}.{hash}")))
    }

    /// All files that are somebody's, with the time in their names, oldest first.
    fn all(&self) -> Vec<(Lane, String, PathBuf)> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let whose = |path: PathBuf| {
            let (lane, stamp) = Lane::of(path.file_name()?.to_str()?)?;
            Some((lane, stamp.to_owned(), path))
        };
        let mut files: Vec<_> = entries.filter_map(|entry| whose(entry.ok()?.path())).collect();
        files.sort_unstable();
        files
    }

    /// The files of a lane, oldest first.
    pub(super) fn waiting_in(&self, lane: &Lane) -> Vec<PathBuf> {
        self.all().into_iter().filter(|(of, ..)| of == lane).map(|(_, _, path)| path).collect()
    }

    /// The files of all mails that wait, oldest first.
    pub(super) fn waiting(&self) -> Vec<PathBuf> {
        self.waiting_in(&Lane::Mail)
    }

    /// How much waits in each lane that has anything.
    pub(super) fn all_waiting(&self) -> Vec<Waiting> {
        let mut lanes: Vec<Waiting> = Vec::new();
        for (lane, stamp, _) in self.all() {
            match lanes.last_mut().filter(|last| last.lane == lane) {
                Some(last) => last.count += 1,
                None => lanes.push(Waiting { lane, count: 1, oldest: moment(&stamp) }),
            }
        }
        lanes
    }

    /// What waits for webhooks that are no longer set is kept as long as anything, in case they come back.
    pub(super) fn drop_what_nobody_waits_for(&self, set: &[Lane], now: Timestamp) {
        for (lane, stamp, path) in self.all().into_iter().filter(|(lane, ..)| !set.contains(lane)) {
            let Lane::Webhook(webhook) = lane else { continue };
            if moment(&stamp).is_some_and(|at| is_too_old(at, now)) {
                tracing::error!(webhook, file = %path.display(), "drop call of a webhook that is no longer set");
                if let Err(error) = atomic::remove(&path) {
                    tracing::error!(%error, file = %path.display(), "drop call");
                }
            }
        }
    }

    /// What waits; none: it made no sense, or was too old, and has been dropped.
    pub(super) fn open<K: Kept>(&self, lane: &Lane, path: &Path, now: Timestamp) -> Result<Option<K>, NoticeError> {
        if self.stuck().contains(path) {
            return self.done(path).map(|()| None);
        }
        let bytes =
            std::fs::read(path).map_err(|source| NoticeError::Disk { act: "read", path: path.to_owned(), source })?;
        let kept: K = match serde_json::from_slice(&bytes) {
            Ok(kept) => kept,
            Err(source) => {
                let error = NoticeError::Corrupt { path: path.to_owned(), source };
                tracing::error!(error = %Chain(&error), "drop what makes no sense");
                self.drop_one(lane, path, now);
                return Ok(None);
            }
        };
        if is_too_old(kept.at(), now) {
            tracing::error!(what = kept.what(), at = %kept.at(), "drop what is too old");
            self.drop_one(lane, path, kept.at());
            return Ok(None);
        }
        Ok(Some(kept))
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

    fn dropped_file(&self, lane: &Lane) -> PathBuf {
        self.folder.join(match lane {
            Lane::Mail => "dropped.json".to_owned(),
            Lane::Webhook(name) => format!("dropped.{WEBHOOK}{name}{ENDING}"),
        })
    }

    /// What was dropped from a lane and not yet told.
    pub(super) fn dropped(&self, lane: &Lane) -> Option<Dropped> {
        std::fs::read(self.dropped_file(lane)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
    }

    /// Something that told it got through.
    pub(super) fn dropped_is_told(&self, lane: &Lane, told: Dropped) {
        if self.dropped(lane) == Some(told)
            && let Err(error) = atomic::remove(&self.dropped_file(lane))
        {
            tracing::warn!(%error, "forget what was dropped");
        }
    }

    fn drop_too_many(&self, lane: &Lane, now: Timestamp) {
        let waiting = self.waiting_in(lane);
        let too_many = (waiting.len() + 1).saturating_sub(LETTERS_AT_MOST);
        for path in waiting.iter().take(too_many) {
            tracing::error!(file = %path.display(), "drop the oldest: too many wait");
            self.drop_one(lane, path, now);
        }
    }

    fn drop_one(&self, lane: &Lane, path: &Path, at: Timestamp) {
        let dropped = match self.dropped(lane) {
            Some(before) => Dropped { count: before.count.saturating_add(1), last: before.last.max(at), ..before },
            None => Dropped { schema: SCHEMA, count: 1, first: at, last: at },
        };
        let told = serde_json::to_vec(&dropped).map_err(io::Error::other);
        let told = told.and_then(|bytes| atomic::replace(&self.dropped_file(lane), &bytes));
        if let Err(error) = told.and_then(|()| atomic::remove(path)) {
            tracing::error!(%error, file = %path.display(), "drop from the outbox");
        }
    }

    /// Behind all that wait from the same second: a name that became free in between would come too early.
    fn next_name(&self, lane: &Lane, now: Timestamp) -> (PathBuf, String) {
        let second = now.strftime(STAMP).to_string();
        let number_of = |stamp: &str| -> Option<u32> { stamp.strip_prefix(&second)?.strip_prefix('-')?.parse().ok() };
        let of_lane = self.all().into_iter().filter(|(of, ..)| of == lane);
        let last = of_lane.filter_map(|(_, stamp, _)| number_of(&stamp)).max();
        let number = last.map_or(0, |last| last.saturating_add(1));
        let name = format!("{second}-{number:06}");
        (self.folder.join(format!("{}{name}{ENDING}", lane.prefix())), name)
    }
}

/// When something was put in, as the name of its file says.
fn moment(stamp: &str) -> Option<Timestamp> {
    let (second, _) = stamp.split_once('-')?;
    let civil = jiff::civil::DateTime::strptime(STAMP, second).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn is_too_old(at: Timestamp, now: Timestamp) -> bool {
    at.as_second() >= CLOCK_WAS_WRONG_BEFORE && at.duration_until(now) > OLDEST
}

/// Also for a letter that some have already: they must not get it twice.
pub(super) fn write(path: &Path, kept: &impl Kept) -> Result<(), NoticeError> {
    let bytes =
        serde_json::to_vec_pretty(kept).map_err(|source| NoticeError::Corrupt { path: path.to_owned(), source })?;
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
