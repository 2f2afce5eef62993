//! A program of ours as a service of its system: what it is defined as, how its service control is told how it stands,
//! and the words with which it is put into the list and taken out of it.
//!
//! Start at [`Definition`] for the list and at [`kept()`] for a program that runs as a service. All but `control` and
//! `windows` is the same on every system, so that it can be read and tested anywhere.

mod definition;
mod kept;
mod put;
mod sid;
mod steps;
mod told;

#[cfg(windows)]
pub mod control;
#[cfg(windows)]
mod windows;

pub use definition::{
    Account, Definition, FAILURES_FORGOTTEN, LONGEST_PRESHUTDOWN, Product, RECOVERY, Start, checked_name, words_of,
};
pub use kept::{Asked, Asks, Happening, Kept, Life};
pub use put::{Known, Put};
pub use sid::of_service as sid_of;
pub use steps::{Plan, ServiceError, Standing};
pub use told::{State, Takes, Told};
#[cfg(windows)]
pub use windows::{as_service, kept, said};

/// The service control that keeps us; none: it has not started us. Nothing but systemd keeps services here.
#[cfg(not(windows))]
pub fn kept() -> Option<&'static Kept> {
    None
}

/// Does the job; no other service manager than Windows' needs more than a process.
///
/// # Errors
/// None.
#[cfg(not(windows))]
#[allow(clippy::unnecessary_wraps, reason = "its twin on Windows can fail")]
pub fn as_service(_life: &'static Life, job: impl FnOnce() -> u8 + Send + 'static) -> std::io::Result<u8> {
    Ok(job())
}
