//! What this program knows of itself, besides what it keeps.

use super::metrics::Requests;
use crate::domain::Services;
use crate::ports::Certificates;
use efm::telemetry::Levels;
use jiff::Timestamp;
use std::path::PathBuf;
use tokio::time::Instant;

/// What this program knows of itself.
#[derive(Debug)]
pub struct Facts {
    /// Which version it says that it is.
    pub version: &'static str,
    /// When it was started.
    pub started: Timestamp,
    /// The same, to measure from.
    pub since: Instant,
    /// Our own organisation number.
    pub organisation: String,
    /// `dev`, `staging`, `production`, or none.
    pub profile: Option<&'static str>,
    /// What is enabled.
    pub enabled: Services,
    /// The certificates that are in use.
    pub certificates: Certificates,
    /// The folder whose disk is watched.
    pub folder: PathBuf,
    /// How loud the log is.
    pub levels: Levels,
    /// The log file, where there is one.
    pub log_file: Option<PathBuf>,
    /// The requests so far.
    pub requests: Requests,
}
