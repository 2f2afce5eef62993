//! What was hashed lately: a file of which every byte was read a moment ago, and which nobody has touched since, is not
//! read again while the integration point is down. See `docs/decisions/0015-hash-before-the-stop.md`.
//!
//! Whether it was touched says the system's time of change, which no program can set; where there is none (Windows)
//! nothing is remembered, and every byte is read each time.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use efm::clock::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::release::Sha256;

/// So long a hash counts, and no longer: an upgrade stops, copies and starts in this time as a rule.
const COUNTS_FOR: SignedDuration = SignedDuration::from_mins(2);
/// The clock of a file system moves in steps, of ten milliseconds at most. A file that was changed in the same step in
/// which it was hashed could be changed once more without a trace.
const STEPS: SignedDuration = SignedDuration::from_millis(50);
/// A version is two files at most, and there are two versions in an upgrade.
const REMEMBERED: usize = 8;

/// What was hashed lately.
#[derive(Debug)]
pub(super) struct Lately {
    hashed: Mutex<VecDeque<Hashed>>,
    /// The machine's, since it is compared with times that the machine gave.
    clock: Clock,
}

#[derive(Debug)]
struct Hashed {
    path: PathBuf,
    stamp: Stamp,
    sha256: Sha256,
    began: Timestamp,
}

/// Which file it is, and when it was last touched. Equal stamps: the same file, the same bytes, rights and owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    #[cfg(unix)]
    identity: [u64; 2],
    #[cfg(unix)]
    length: u64,
    #[cfg(unix)]
    modified: (i64, i64),
    #[cfg(unix)]
    changed: Timestamp,
}

impl Stamp {
    /// Of an open file; none: the system does not tell.
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let nanosecond = i32::try_from(metadata.ctime_nsec()).ok()?;
        Some(Self {
            identity: [metadata.dev(), metadata.ino()],
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: Timestamp::new(metadata.ctime(), nanosecond).ok()?,
        })
    }

    /// Of an open file; none: the system does not tell.
    #[cfg(not(unix))]
    pub(super) fn of(_metadata: &Metadata) -> Option<Self> {
        None
    }

    /// Whether a change from this moment on would give another time of change.
    #[cfg_attr(not(unix), allow(clippy::unused_self, reason = "its twin has a time to look at"))]
    fn is_settled_at(&self, moment: Timestamp) -> bool {
        #[cfg(unix)]
        return moment.duration_since(self.changed) >= STEPS;
        #[cfg(not(unix))]
        {
            let _ = (moment, STEPS);
            false
        }
    }
}

impl Default for Lately {
    fn default() -> Self {
        Self { hashed: Mutex::default(), clock: Clock::machine() }
    }
}

impl Lately {
    /// The present moment, for [`Lately::remember`]: take it before the first byte is read.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What its bytes are, if they were all read lately and it was not touched since.
    pub(super) fn untouched(&self, path: &Path, stamp: &Stamp) -> Option<Sha256> {
        let now = self.now();
        let hashed = self.hashed();
        let same = hashed.iter().find(|one| one.path == path && one.stamp == *stamp)?;
        let age = now.duration_since(same.began);
        (!age.is_negative() && age <= COUNTS_FOR).then_some(same.sha256)
    }

    /// What its bytes were when they were last read; none: nothing is remembered of it.
    pub(super) fn last(&self, path: &Path) -> Option<Sha256> {
        self.hashed().iter().find(|one| one.path == path).map(|one| one.sha256)
    }

    /// All of it was read, beginning at this moment; it looked so before, and so after.
    pub(super) fn remember(&self, path: &Path, began: Timestamp, stamps: [Option<Stamp>; 2], sha256: Sha256) {
        let mut hashed = self.hashed();
        hashed.retain(|one| one.path != path);
        let [Some(before), after] = stamps else { return };
        if after.as_ref() == Some(&before) && before.is_settled_at(began) {
            hashed.push_front(Hashed { path: path.to_owned(), stamp: before, sha256, began });
            hashed.truncate(REMEMBERED);
        }
    }

    fn hashed(&self) -> MutexGuard<'_, VecDeque<Hashed>> {
        // Whole after every statement.
        self.hashed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::vault::hashing::of_trusted;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const BYTES: &[u8] = b"the bytes";

    /// A file, and a memory that sees it so much later.
    fn a_file(later: SignedDuration) -> (tempfile::TempDir, PathBuf, Lately) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jar");
        efm::atomic::replace(&path, BYTES).unwrap();
        let clock = Clock::paused_at(Clock::machine().now() + later);
        (folder, path, Lately { hashed: Mutex::default(), clock })
    }

    fn stamp(path: &Path) -> Stamp {
        Stamp::of(&fs::metadata(path).unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_believed_for_two_minutes_and_not_a_moment_longer() {
        let (_folder, path, lately) = a_file(SignedDuration::from_secs(1));
        let sha256 = of_trusted(&lately, &path).unwrap();
        assert_eq!(lately.untouched(&path, &stamp(&path)), Some(sha256));
        assert_eq!(lately.untouched(&path.with_extension("zip"), &stamp(&path)), None);
        tokio::time::advance(std::time::Duration::from_mins(2)).await;
        assert_eq!(lately.untouched(&path, &stamp(&path)), Some(sha256));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        assert_eq!(lately.untouched(&path, &stamp(&path)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_is_done_to_a_file_it_is_read_again() {
        type Act = fn(&Path);
        let acts: [(&str, Act); 5] = [
            ("written with its times put back", |path| {
                let before = fs::metadata(path).unwrap();
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                std::io::Write::write_all(&mut &file, b"THE BYTES").unwrap();
                let times = fs::FileTimes::new().set_modified(before.modified().unwrap());
                file.set_times(times.set_accessed(before.accessed().unwrap())).unwrap();
            }),
            ("lengthened", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(99).unwrap()),
            ("replaced by the same bytes", |path| efm::atomic::replace(path, BYTES).unwrap()),
            ("renamed away and back", |path| {
                fs::rename(path, path.with_extension("away")).unwrap();
                fs::rename(path.with_extension("away"), path).unwrap();
            }),
            ("opened to others and closed again", |path| {
                for mode in [0o666, 0o644] {
                    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
                }
            }),
        ];
        for (name, act) in acts {
            let (_folder, path, lately) = a_file(SignedDuration::from_secs(1));
            of_trusted(&lately, &path).unwrap();
            // The file system's clock is waited for: what it stamps must be another moment.
            let before = stamp(&path);
            let other = path.with_extension("other");
            loop {
                efm::atomic::replace(&other, b"").unwrap();
                if stamp(&other).changed > before.changed {
                    break;
                }
            }
            act(&path);
            assert_eq!(lately.untouched(&path, &stamp(&path)), None, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_was_changed_this_very_moment_is_not_believed() {
        let (_folder, path, lately) = a_file(SignedDuration::from_millis(-1));
        of_trusted(&lately, &path).unwrap();
        assert_eq!(lately.last(&path), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_changes_while_it_is_read_is_not_believed() {
        let (_folder, path, lately) = a_file(SignedDuration::from_secs(1));
        let before = stamp(&path);
        let other = Stamp { length: before.length + 1, ..before.clone() };
        lately.remember(&path, lately.now(), [Some(before), Some(other)], Sha256([0; 32]));
        assert_eq!(lately.last(&path), None);
    }
}
