//! `SQLite`: one thread writes, one reads, each with a connection of its own.
//!
//! Writes that wait while one is on its way to the disk are committed together ([`thread`]), so that many clients share
//! a flush. `synchronous=FULL` with a write-ahead log: what is committed is on the disk.

mod conversations;
mod filter;
mod inbox;
mod look;
mod outbox;
mod pushes;
mod queue;
mod rows;
mod schema;
mod statuses;
mod subscriptions;
mod thread;
mod upkeep;

use crate::domain::Services;
use crate::ports::{Answer, StoreError};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;
use thread::{Hand, Mode};

/// Another process that holds the file is waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The store in one file.
#[derive(Debug)]
pub struct Sqlite {
    writer: Hand,
    reader: Hand,
}

impl Sqlite {
    /// Opens the file, makes it when it is not there, and brings it to this version's schema. Statuses of the services of
    /// `status_queue` are put on the status queue.
    ///
    /// # Errors
    /// The file cannot be opened, is no database, or was written by a version that this one may not follow.
    pub fn open(path: &Path, status_queue: &Services) -> Result<Self, StoreError> {
        let act = "open the database";
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut writing = Connection::open_with_flags(path, flags).map_err(failed(act))?;
        prepare(&writing).map_err(failed(act))?;
        schema::bring_up(&mut writing)?;
        let reading = Connection::open_with_flags(path, flags).map_err(failed(act))?;
        prepare(&reading).map_err(failed(act))?;
        reading.pragma_update(None, "query_only", true).map_err(failed(act))?;
        statuses::name_services(&writing, status_queue)?;
        let (writer, reader) = (Hand::start(writing, Mode::Write)?, Hand::start(reading, Mode::Read)?);
        Ok(Self { writer, reader })
    }

    fn write<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T, StoreError> {
        self.writer.ask(act, work)
    }

    fn read<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T, StoreError> {
        self.reader.ask(act, work)
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A few pages are enough for what is looked at; the rest is the system's cache.
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn failed(act: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { act, source: Box::new(source) }
}
