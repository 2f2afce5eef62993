//! `SQLite`: one thread writes, one reads, each with a connection of its own.
//!
//! Writes that wait while one is on its way to the disk are committed together ([`thread`]), so that many clients share
//! a flush. `synchronous=FULL` with a write-ahead log: what is committed is on the disk.

mod conversations;
mod filter;
mod inbox;
mod look;
mod opening;
mod outbox;
mod overview;
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
use opening::Place;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thread::Hand;

/// Another process that holds the file is waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The store in one file.
#[derive(Debug)]
pub struct Sqlite {
    place: Arc<Place>,
    hands: OnceLock<Hands>,
}

#[derive(Debug)]
struct Hands {
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
        let store = Self::at(path, status_queue);
        let _ = store.hands.set(store.place.open()?);
        Ok(store)
    }

    /// As above, and not open yet: nothing is looked at before [`crate::ports::Opening::bring_up`].
    pub fn at(path: &Path, status_queue: &Services) -> Self {
        Self { place: Arc::new(Place::of(path, status_queue)), hands: OnceLock::new() }
    }

    fn write<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T, StoreError> {
        self.hands.get().map_or_else(not_open, |hands| hands.writer.ask(act, work))
    }

    fn read<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T, StoreError> {
        self.hands.get().map_or_else(not_open, |hands| hands.reader.ask(act, work))
    }
}

fn not_open<'a, T: Send + 'a>() -> Answer<'a, T, StoreError> {
    Box::pin(std::future::ready(Err(StoreError::NotOpen)))
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
