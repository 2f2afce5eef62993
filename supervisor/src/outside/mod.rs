//! The way to the outside over HTTP: which proxy, whom we believe, how long we wait, and why it did not work. Both the
//! release sources and the webhooks go this way, so that one set of `[network]` settings holds for all.
//!
//! Start at [`Routes`]. It never speaks plain HTTP but to this machine ([`may_be_asked`]), never prints a user, a password
//! or a query ([`shown`]), and follows no redirect by itself.

pub mod cause;
pub mod headers;
pub mod pace;
pub mod route;
pub mod trust;

pub use cause::Cause;
pub use route::{Route, Routes, is_this_machine, may_be_asked, shown};

/// Settings that only show to be wrong here: a CA file that cannot be read, a proxy that is no URL.
#[derive(Debug, thiserror::Error)]
#[error("set up {what}")]
pub struct CannotSetUp {
    /// The setting.
    pub what: String,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
