//! How `kosmos status`, `upgrade`, `stop` and `reload` reach the supervisor that runs: a local socket (Linux) or a
//! named pipe (Windows) that only the same user and root or administrators may open. One question a connection, as a
//! line of JSON; the answer comes as lines of JSON, progress first.
//!
//! Start at [`wire`], the words. [`serve`] answers, [`client`] asks. Nothing secret is ever on the wire.

pub mod client;
#[cfg(unix)]
#[path = "door_unix.rs"]
pub mod door;
#[cfg(windows)]
#[path = "door_windows.rs"]
pub mod door;
pub mod serve;
pub mod wire;

/// A question is never longer.
pub const QUESTION_LIMIT_BYTES: u64 = 64 * 1024;
