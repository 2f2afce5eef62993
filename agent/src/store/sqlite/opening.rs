//! Opens the file, at the start or later. A file that could not be opened is somebody's messages: nothing is made in its
//! place while this program runs, and what is put there is taken only when it lies still and is whole.

use super::thread::{Hand, Mode};
use super::{Hands, Sqlite, failed, prepare, schema, statuses};
use crate::domain::Services;
use crate::ports::{Answer, Opening, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

const ACT: &str = "open the database";

/// Where the file is, and what was seen there.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    status_queue: Services,
    seen: Mutex<Seen>,
}

/// What the tries so far have seen.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Whether this is not the first one.
    before: bool,
    /// Whether a file may have been there.
    file: bool,
    /// Whether it was none that can be used.
    damage: bool,
    /// How the file was last.
    last: Option<Look>,
}

/// Whoever writes the file changes one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    bytes: u64,
    written: Option<SystemTime>,
}

impl Place {
    pub(super) fn of(path: &Path, status_queue: &Services) -> Self {
        Self { path: path.to_owned(), status_queue: status_queue.clone(), seen: Mutex::default() }
    }

    /// Opens it; made where there is and was none.
    pub(super) fn open(&self) -> Result<Hands, StoreError> {
        // Held for the whole of it: two tries at once would undo each other's care.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *seen;
        seen.before = true;
        let now = self.look().inspect_err(|_| seen.file = true)?;
        seen.file |= now.is_some();
        seen.last = now;
        match now {
            None if before.file => {
                return Err(strange("it is no longer there; put it, or a copy of it, back in its place"));
            }
            Some(_) if before.before && before.last != now => {
                return Err(strange("it has changed since it was last looked at; it is taken when it lies still"));
            }
            Some(Look { bytes: 0, .. }) if before.before => return Err(strange("it is empty; put a copy of it back")),
            None | Some(_) => {}
        }
        let opened = self.connect(now.is_none() || !before.before, before.damage);
        if let Err(error) = &opened {
            seen.damage |= is_damage(error);
        }
        opened
    }

    fn look(&self) -> Result<Option<Look>, StoreError> {
        match std::fs::metadata(&self.path) {
            Ok(of) => Ok(Some(Look { bytes: of.len(), written: of.modified().ok() })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::Database { act: ACT, source: Box::new(error) }),
        }
    }

    fn connect(&self, may_make: bool, look_well: bool) -> Result<Hands, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let making = if may_make { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let mut writing = Connection::open_with_flags(&self.path, flags | making).map_err(failed(ACT))?;
        if look_well {
            is_whole(&writing)?;
        }
        prepare(&writing).map_err(failed(ACT))?;
        schema::bring_up(&mut writing)?;
        let reading = Connection::open_with_flags(&self.path, flags).map_err(failed(ACT))?;
        prepare(&reading).map_err(failed(ACT))?;
        reading.pragma_update(None, "query_only", true).map_err(failed(ACT))?;
        statuses::name_services(&writing, &self.status_queue)?;
        Ok(Hands { writer: Hand::start(writing, Mode::Write)?, reader: Hand::start(reading, Mode::Read)? })
    }
}

/// Each page is looked at: what replaces a damaged file may be the next damaged one. Takes as long as the file is large.
fn is_whole(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(super::PATIENCE).map_err(failed(ACT))?;
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(failed("look through the database"))?;
    if found == "ok" { Ok(()) } else { Err(strange(&found)) }
}

fn strange(why: &str) -> StoreError {
    StoreError::Strange { what: "the database", why: why.to_owned() }
}

fn is_damage(error: &StoreError) -> bool {
    match error {
        StoreError::Database { source, .. } => source
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code)
            .is_some_and(|code| matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
        StoreError::Strange { .. } => true,
        StoreError::Unreachable { .. } | StoreError::NotOpen | StoreError::Closed => false,
    }
}

impl Opening for Sqlite {
    fn bring_up(&self) -> Answer<'_, (), StoreError> {
        Box::pin(async move {
            if self.hands.get().is_none() {
                let place = std::sync::Arc::clone(&self.place);
                let opened = tokio::task::spawn_blocking(move || place.open()).await;
                let hands = opened.map_err(|source| StoreError::Database { act: ACT, source: Box::new(source) })??;
                let _ = self.hands.set(hands);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use efm::atomic;

    const GARBAGE: &[u8] = b"no database at all ";

    fn place(folder: &Path) -> (PathBuf, Place) {
        let path = folder.join("store.sqlite");
        (path.clone(), Place::of(&path, &Services::default()))
    }

    fn why(place: &Place) -> String {
        efm::chain::Chain(&place.open().unwrap_err()).to_string()
    }

    #[test]
    fn nothing_is_made_in_the_place_of_a_damaged_one_and_a_whole_copy_is_taken_when_it_lies_still() {
        let folder = tempfile::tempdir().unwrap();
        let (path, place) = place(folder.path());
        let good = folder.path().join("copy.sqlite");
        drop(Sqlite::open(&good, &Services::default()).unwrap());
        let good = std::fs::read(good).unwrap();

        let garbage = GARBAGE.repeat(300);
        atomic::replace(&path, &garbage).unwrap();
        for _ in 0..2 {
            assert!(why(&place).contains("not a database"), "{}", why(&place));
        }
        assert_eq!(std::fs::read(&path).unwrap(), garbage, "what is there stays as it is");

        std::fs::remove_file(&path).unwrap();
        for _ in 0..2 {
            assert!(why(&place).contains("no longer there"), "{}", why(&place));
            assert!(!path.exists(), "it made a new one");
        }
        // A copy begins.
        atomic::replace(&path, b"").unwrap();
        assert!(why(&place).contains("has changed"));
        assert!(why(&place).contains("is empty"));
        atomic::replace(&path, &good[..good.len() / 2]).unwrap();
        assert!(why(&place).contains("has changed"));
        let half = why(&place);
        assert!(half.contains("malformed"), "{half}");
        // As long as it should be, and wrong inside.
        let mut wrong = good.clone();
        wrong[8192..12288].fill(0xa5);
        atomic::replace(&path, &wrong).unwrap();
        assert!(why(&place).contains("has changed"));
        let inside = why(&place);
        assert!(!inside.contains("has changed") && std::fs::read(&path).unwrap() == wrong, "{inside}");

        atomic::replace(&path, &good).unwrap();
        assert!(why(&place).contains("has changed"));
        place.open().unwrap();
    }

    #[test]
    fn where_none_was_ever_seen_one_is_made_also_later() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("later/store.sqlite"), &Services::default());
        assert!(place.open().is_err(), "its folder is missing");
        std::fs::create_dir(folder.path().join("later")).unwrap();
        place.open().unwrap();
    }
}
