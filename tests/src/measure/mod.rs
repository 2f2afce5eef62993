//! What `figures` (the supervisor) and `bench` (the integration point) share: numbers, what the system says of a process,
//! and the table that is printed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "for programs that print figures: what cannot be measured ends them"
)]

pub mod numbers;
pub mod system;
pub mod table;
