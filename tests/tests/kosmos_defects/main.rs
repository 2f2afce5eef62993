//! One test for each defect that Digdir's KOSMOS has: the table of eighteen, and the rows of the hostile review (K-01 to
//! K-48) that are critical or high. Each builds the very situation in which KOSMOS fails, with the real doors: a release
//! server, signatures, files, and processes that are started, asked, watched and killed.
//!
//! Where a row is shown is in [`table::ROWS`]; a test of its own sees to it that no row and no test is lost. [`review`]
//! has what a hostile review of ours has found.

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::large_futures,
    clippy::similar_names,
    clippy::wrong_self_convention,
    clippy::unused_self,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

mod deferral;
mod duty;
mod restarts;
mod review;
mod swap;
mod table;
mod trust;
mod unverified;

use outside_world::in_process as world;
