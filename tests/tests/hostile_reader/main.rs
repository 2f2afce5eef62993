//! What a hostile reader of the supervisor found and was mended: each mend has the sentence here that it must keep, with
//! the real doors. What needs days or many deaths is in `supervisor/tests/every_step_fails`.
//!
//! [`rules`]: the rules hold for what waits in the vault and the home folder. [`program`]: one home, exit codes, words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_futures,
    reason = "a test that fails should stop"
)]

mod program;
mod rules;
