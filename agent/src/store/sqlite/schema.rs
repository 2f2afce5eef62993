//! Brings a database to this version's schema: expand, then contract.
//!
//! A migration only adds. What no version reads any more is removed by a later release, so that a release runs on the
//! schema of its successor and can be gone back to. A migration after which older programs must not run says so in
//! `schema_floor`.

use super::failed;
use crate::ports::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// In order; the number of a migration is its place, from one.
const MIGRATIONS: [&str; 6] = [
    include_str!("../../../migrations/sqlite/0001-begin.sql"),
    include_str!("../../../migrations/sqlite/0002-status-queue.sql"),
    include_str!("../../../migrations/sqlite/0003-webhooks.sql"),
    include_str!("../../../migrations/sqlite/0004-lists.sql"),
    include_str!("../../../migrations/sqlite/0005-message-channel.sql"),
    include_str!("../../../migrations/sqlite/0006-lanes.sql"),
];

const FLOOR: &str = "CREATE TABLE IF NOT EXISTS schema_floor (lowest INTEGER NOT NULL) STRICT";

/// Applies what is missing; all of it or nothing, so that a new database is flushed once.
pub(super) fn bring_up(connection: &mut Connection) -> Result<(), StoreError> {
    let act = failed("migrate");
    // The lock is taken first: of two that start at once, the other one finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&act)?;
    transaction.execute_batch(FLOOR).map_err(&act)?;
    let here = version(&transaction)?;
    for (number, migration) in (1_u32..).zip(MIGRATIONS).filter(|(number, _)| *number > here) {
        transaction.execute_batch(migration).map_err(&act)?;
        transaction.pragma_update(None, "user_version", number).map_err(&act)?;
    }
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let lowest: u32 = transaction
        .query_row("SELECT coalesce(max(lowest), 0) FROM schema_floor", [], |row| row.get(0))
        .map_err(failed("read the schema"))?;
    if lowest > known {
        let why = format!("its schema is {here}, for programs that know at least {lowest}; this one knows {known}");
        return Err(StoreError::Strange { what: "the database", why });
    }
    transaction.commit().map_err(&act)
}

fn version(connection: &Connection) -> Result<u32, StoreError> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed("read the schema"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_is_followed_unless_it_says_no() {
        let mut connection = Connection::open_in_memory().unwrap();
        bring_up(&mut connection).unwrap();
        bring_up(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        bring_up(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), 99);
        connection.execute("INSERT INTO schema_floor VALUES (99)", []).unwrap();
        let refused = bring_up(&mut connection).unwrap_err().to_string();
        let told = format!("for programs that know at least 99; this one knows {}", MIGRATIONS.len());
        assert!(refused.contains(&told), "{refused}");
    }
}
