//! How loud the log is, where it goes, and in which form.

use super::reader::Reader;
use efm::telemetry::LevelFilter;
use std::path::{Path, PathBuf};

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Into which file; none: standard error alone.
    pub file: Option<PathBuf>,
    /// Standard error gets a JSON object a line.
    pub is_json: bool,
    /// How loud everybody else's part is; none: as it is without a word.
    pub root: Option<LevelFilter>,
    /// How loud ours is.
    pub ours: LevelFilter,
}

pub(super) fn logging(from: &mut Reader, folder: &Path) -> Option<Logging> {
    let file = from.maybe("logging.file.name", |text| Ok(folder.join(text)));
    let is_json = from.need("app.logger.stdoutAppender", |text| match text.to_ascii_uppercase().as_str() {
        "JSON" => Ok(true),
        "CONSOLE" => Ok(false),
        _ => Err("CONSOLE or JSON"),
    });
    let root = from.maybe("logging.level.root", level);
    let ours = from.need("logging.level.no.difi.meldingsutveksling", level);
    Some(Logging { file, is_json: is_json?, root, ours: ours? })
}

fn level(text: &str) -> Result<LevelFilter, &'static str> {
    match text.to_ascii_uppercase().as_str() {
        "OFF" | "FALSE" => Ok(LevelFilter::OFF),
        "FATAL" | "ERROR" => Ok(LevelFilter::ERROR),
        "WARN" => Ok(LevelFilter::WARN),
        "INFO" => Ok(LevelFilter::INFO),
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "TRACE" => Ok(LevelFilter::TRACE),
        _ => Err("one of OFF, ERROR, WARN, INFO, DEBUG, TRACE"),
    }
}
