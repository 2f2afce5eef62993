//! What is kept, and one contract that each store must keep.
//!
//! [`Sqlite`] is the default: one file in the working folder. [`Postgres`] is for several programs side by side. Another
//! database is a folder beside `sqlite/` that
//! implements [`crate::ports::Store`], with its migrations beside `migrations/sqlite/`, and one more line in the tests of
//! `contract/`. Blobs are not here: rows name them, and `flow` removes them when a row is gone.

mod columns;
#[cfg(test)]
mod contract;
mod postgres;
mod sqlite;
mod values;

pub use postgres::{Postgres, Server, Tls, Trust};
pub use sqlite::Sqlite;
