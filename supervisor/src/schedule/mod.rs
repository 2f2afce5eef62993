//! When: pure decisions from settings, zone and now. Nothing here asks what time it is, waits, reads or writes.
//!
//! Start at [`Windows`] (when a stop and a start may happen) and [`Looks`] (when to ask for releases); both stand on
//! [`next_after`], which turns a [`Cron`] and a zone into moments. What happens on the two daylight-saving nights is
//! decided in [`occurrence`]. Every answer is a function of the moment that is handed in: a clock that is set back
//! makes nothing happen twice by itself, and a supervisor that starts inside a window knows that it is open.

mod cron;
mod field;
mod looks;
mod occurrence;
mod table;
mod windows;

#[cfg(test)]
mod tests;

pub use cron::{Cron, CronError};
pub use field::Field;
pub use looks::{Looked, Looks};
pub use occurrence::next_after;
pub use table::{span, table};
pub use windows::{Window, Windows, enough_time_left};
