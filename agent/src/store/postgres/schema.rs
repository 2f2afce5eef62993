//! Brings a database to this version's schema, as [`super::super::sqlite`] does: what is added stays until a later release.

use super::connect::{Act, Pool};
use super::rows::column;
use crate::ports::StoreError;

/// In order; the number of a migration is its place, from one, and the same as in the other database.
const MIGRATIONS: [&str; 6] = [
    include_str!("../../../migrations/postgres/0001-begin.sql"),
    include_str!("../../../migrations/postgres/0002-status-queue.sql"),
    include_str!("../../../migrations/postgres/0003-webhooks.sql"),
    include_str!("../../../migrations/postgres/0004-lists.sql"),
    include_str!("../../../migrations/postgres/0005-message-channel.sql"),
    include_str!("../../../migrations/postgres/0006-lanes.sql"),
];

const TABLES: &str = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);
                      CREATE TABLE IF NOT EXISTS schema_floor (lowest BIGINT NOT NULL)";

/// Of two that start at once, the other one waits and finds it done. Any number that is ours.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(918231170442)";

/// Applies what is missing; all of it or nothing.
pub(super) async fn bring_up(pool: &Pool) -> Result<(), StoreError> {
    let mut client = pool.take().await?;
    let act = client.begin().await?;
    act.batch(ONE_AT_A_TIME).await?;
    act.batch(TABLES).await?;
    let here = number(&act, "SELECT coalesce(max(version), 0) AS number FROM schema_version").await?;
    for (number, migration) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > here) {
        act.batch(migration).await?;
        act.change("INSERT INTO schema_version VALUES ($1)", &[&number]).await?;
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let lowest = number(&act, "SELECT coalesce(max(lowest), 0) AS number FROM schema_floor").await?;
    if lowest > known {
        let why = format!("its schema is {here}, for programs that know at least {lowest}; this one knows {known}");
        return Err(StoreError::Strange { what: "the database", why });
    }
    act.commit("migrate").await
}

async fn number(act: &Act<'_>, query: &str) -> Result<i64, StoreError> {
    act.one(query, &[]).await?.map_or(Ok(0), |row| column(&row, "number"))
}
