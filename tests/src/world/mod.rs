//! The false outside world of the integration point: who it asks and who it sends to, each over the real protocol on
//! 127.0.0.1. What the demo of the program needs too lies in the crate `efm-world` and is handed on from here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a tool of tests: what it cannot do fails the test"
)]

pub use efm_world::{broker, faults, server};
