//! What is measured: gathered anew for each who asks, and written in two forms, Micrometer's and Prometheus'.
//!
//! Start at [`gather::all`]. Labels come from sets that are known beforehand: templates of paths, services, words of ours.

mod gather;
mod prometheus;
mod requests;
mod spring;

pub use requests::Requests;

pub(super) use prometheus::exposition;
pub(super) use requests::count;
pub(super) use spring::{names, one};

/// Something that is measured.
#[derive(Debug)]
pub(super) struct Meter {
    /// As Micrometer writes it: `http.server.requests`.
    name: &'static str,
    description: &'static str,
    unit: Option<&'static str>,
    kind: Kind,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
    /// How often, and how long.
    Timer,
}

/// A measurement with its labels.
#[derive(Debug)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Number(f64),
    Time(Time),
}

/// Durations, in seconds.
#[derive(Clone, Debug, Default)]
struct Time {
    count: u64,
    total: f64,
    longest: f64,
    /// How many were at most as long as each of [`requests::BOUNDS`].
    within: [u64; requests::BOUNDS.len()],
}
