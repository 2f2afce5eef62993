//! Expected times are in `times.txt`, which says how they were found; the rest is by hand or by property.

mod expressions;
mod looks;
mod nights;
mod properties;
mod table;
mod windows;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

use super::{Cron, next_after};
use crate::config::settings::{Look, Mode, Schedule};

pub(super) fn oslo() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap()
}

pub(super) fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The default settings, with other windows.
pub(super) fn schedule(windows: &[&str]) -> Schedule {
    Schedule {
        look: Look::Every(Duration::from_mins(15)),
        splay: Duration::from_mins(15),
        windows: windows.iter().map(|text| cron(text)).collect(),
        window_length: Duration::from_hours(1),
        timezone: oslo(),
        longest_deferral: None,
        mode: Mode::Auto,
        blackout: Vec::new(),
    }
}

pub(super) fn local(moment: Timestamp) -> String {
    moment.to_zoned(oslo()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The next moments, in local time.
pub(super) fn next(text: &str, from: &str, count: usize) -> Vec<String> {
    let (cron, zone) = (cron(text), oslo());
    let mut now = at(from);
    let mut found = Vec::new();
    while found.len() < count {
        let Some(moment) = next_after(&cron, &zone, now) else { break };
        now = moment;
        found.push(local(moment));
    }
    found
}
