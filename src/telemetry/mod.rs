//! Logs: to standard error, and into a file that is turned over by size. Set up once, at the edge.
//!
//! [`begin`] for a program with one log. [`begin_several`] for one that keeps several things, each with a log of its own:
//! what is said inside a span of [`Logs::of`] goes into that one's file and into no other. [`begin_adjustable`] for one whose
//! levels are changed while it runs, and whose lines are read by a program, too.

mod adjustable;
mod file;
mod json;
mod several;

use std::io;
use std::path::Path;

pub use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

pub use adjustable::{CannotSet, How, Levels, ROOT, begin_adjustable};
use file::LogFile;
pub use several::{Logs, begin_several};

/// Logs from now on. Only what our own crates say below `warn` is of interest to those who read it.
///
/// # Errors
/// The log file cannot be opened; standard error is set up all the same.
pub fn begin(level: tracing::Level, ours: &[&'static str], file: Option<&Path>) -> io::Result<()> {
    let (to_file, opened) = match file.map(LogFile::open).transpose() {
        Ok(log) => (log, Ok(())),
        Err(error) => (None, Err(error)),
    };
    let to_file = to_file.map(|log| {
        let layer = fmt::layer().with_writer(move || log.clone()).with_ansi(false).with_target(false);
        layer.with_filter(of_interest(level, ours))
    });
    let to_stderr = fmt::layer().with_writer(io::stderr).with_ansi(colours()).with_target(false);
    let to_stderr = to_stderr.with_filter(of_interest(level, ours));
    tracing_subscriber::registry().with(to_stderr).with(to_file).try_init().map_err(io::Error::other)?;
    opened
}

fn colours() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}

fn of_interest(level: tracing::Level, ours: &[&'static str]) -> Targets {
    let quiet = Targets::new().with_default(LevelFilter::from_level(level.min(tracing::Level::WARN)));
    ours.iter().fold(quiet, |targets, name| targets.with_target(*name, LevelFilter::from_level(level)))
}
