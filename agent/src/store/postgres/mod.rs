//! `PostgreSQL`: several programs side by side on one database.
//!
//! Each act that changes something is one transaction, READ COMMITTED, on a connection of the [`connect::Pool`]. Rows that two could want are
//! locked before they are judged, and whoever seeks work passes over what another has locked. Where the database ends a
//! transaction because two waited for each other, the act is done again.

mod connect;
mod conversations;
mod filter;
mod inbox;
mod look;
mod outbox;
mod overview;
mod pushes;
mod queue;
mod rows;
mod schema;
mod statuses;
mod subscriptions;
mod tls;
mod upkeep;

use crate::domain::Services;
use crate::ports::{Answer, Opening, StoreError};
use connect::Pool;
pub use connect::Server;
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;
pub use tls::{Tls, Trust};

/// A server that does not say that it is there within this time is not; longer than it takes to be refused a connection.
const TO_ANSWER: Duration = Duration::from_secs(15);

/// The store in a database of its own.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    pool: OnceLock<Pool>,
    status_queue: Services,
}

impl Postgres {
    /// Connects, and brings the database to this version's schema. Statuses of the services of `status_queue` are put on
    /// the status queue.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or its schema is of a version that this one may not follow.
    pub async fn open(server: &Server, status_queue: &Services) -> Result<Self, StoreError> {
        let store = Self::at(server.clone(), status_queue.clone());
        store.bring_up().await?;
        Ok(store)
    }

    /// As above, and not open yet: nobody is asked before [`Opening::bring_up`].
    pub fn at(server: Server, status_queue: Services) -> Self {
        Self { server, pool: OnceLock::new(), status_queue }
    }

    fn pool(&self) -> Result<&Pool, StoreError> {
        self.pool.get().ok_or(StoreError::NotOpen)
    }
}

impl Opening for Postgres {
    fn bring_up(&self) -> Answer<'_, (), StoreError> {
        Box::pin(async move {
            if self.pool.get().is_none() {
                let pool = Pool::start(&self.server)?;
                schema::bring_up(&pool).await?;
                let _ = self.pool.set(pool);
                return Ok(());
            }
            match tokio::time::timeout(TO_ANSWER, self.answers()).await {
                Ok(answered) => answered,
                Err(late) => Err(unreachable("ask whether the server is there")(late)),
            }
        })
    }
}

impl Postgres {
    async fn answers(&self) -> Result<(), StoreError> {
        let lent = self.pool()?.take().await?;
        lent.look()?.one("SELECT 1", &[]).await.map(drop)
    }
}

/// Statements beside the store: tests make schemas and spoil rows with them.
#[cfg(test)]
pub(super) async fn beside(server: &Server, statements: &str) {
    let pool = Pool::start(server).unwrap();
    let mut client = pool.take().await.unwrap();
    let act = client.begin().await.unwrap();
    act.batch(statements).await.unwrap();
    act.commit("test").await.unwrap();
}

/// An act is begun anew so often, where two waited for each other.
const TRIES: u32 = 5;

/// One act: `|act| work` in a transaction that is committed when the work is well.
macro_rules! act {
    ($store:expr, $name:literal, |$act:ident| $work:expr) => {
        Box::pin(async move {
            let mut tries = 0;
            loop {
                let mut client = $store.pool()?.take().await?;
                let done = async {
                    let $act = client.begin().await?;
                    let value = $work.await?;
                    $act.commit($name).await?;
                    Ok(value)
                };
                match done.await {
                    Err(error) if tries < super::TRIES && super::is_passing(&error) => tries += 1,
                    other => return other,
                }
            }
        })
    };
}
use act;

/// `|act| work` that only looks, and is no transaction.
macro_rules! view {
    ($store:expr, |$act:ident| $work:expr) => {
        Box::pin(async move {
            let client = $store.pool()?.take().await?;
            let $act = client.look()?;
            $work.await
        })
    };
}
use view;

fn failed(act: &'static str) -> impl Fn(tokio_postgres::Error) -> StoreError {
    move |source| {
        if is_unreachable(&source) {
            return unreachable(act)(source);
        }
        StoreError::Database { act, source: Box::new(source) }
    }
}

fn unreachable<E: Error + Send + Sync + 'static>(act: &'static str) -> impl Fn(E) -> StoreError {
    move |source| StoreError::Unreachable { act, source: Box::new(source) }
}

/// There is no server behind the connection, or it is about to go, or has not come up yet; a statement that the server
/// refuses is something else.
fn is_unreachable(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    let leaving = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    let is_io = || Error::source(error).is_some_and(<dyn Error>::is::<std::io::Error>);
    match error.code() {
        // Class 08: the connection itself.
        Some(state) => leaving.contains(state) || state.code().starts_with("08"),
        None => error.is_closed() || is_io(),
    }
}

/// Two transactions waited for each other, and the database has ended this one.
fn is_passing(error: &StoreError) -> bool {
    use tokio_postgres::error::SqlState;
    let StoreError::Database { source, .. } = error else { return false };
    let state = source.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    state
        .is_some_and(|state| *state == SqlState::T_R_DEADLOCK_DETECTED || *state == SqlState::T_R_SERIALIZATION_FAILURE)
}
