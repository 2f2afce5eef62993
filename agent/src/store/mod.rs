//! What is kept, and one contract that each store must keep.
//!
//! [`Sqlite`] is the default: one file in the working folder. Another database is a folder beside `sqlite/` that
//! implements [`crate::ports::Store`], with its migrations beside `migrations/sqlite/`, and one more line in the tests of
//! `contract`. Blobs are not here: rows name them, and `flow` removes them when a row is gone.

#[cfg(test)]
mod contract;
mod sqlite;

pub use sqlite::Sqlite;
