//! The false outside world of the integration point: who it asks and who it sends to, each over the real protocol on
//! 127.0.0.1. What they share: [`faults`], how they go wrong on demand; [`server`], how they are served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a tool of tests: what it cannot do fails the test"
)]

pub mod faults;
pub mod server;
