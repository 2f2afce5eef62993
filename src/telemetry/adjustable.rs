//! A log whose levels are changed while it is written: to standard error and into a file, each line masked.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, registry, reload};

use super::colours;
use super::file::LogFile;
use super::json::Json;
use crate::masking::mask;

/// The name under which the level of all others stands.
pub const ROOT: &str = "ROOT";
/// More loggers than these have no level of their own: whoever asks for more does not mean it.
const MOST: usize = 64;
const LONGEST_NAME: usize = 200;

/// How it is written.
#[derive(Clone, Debug, Default)]
pub struct How<'a> {
    /// Whose level is what; what has none has that of its longest beginning, or that of [`ROOT`].
    pub levels: Vec<(&'a str, LevelFilter)>,
    /// Standard error gets a JSON object a line, with these fields in each; none: lines for people.
    pub json: Option<Vec<(&'static str, String)>>,
    /// The file, always lines for people.
    pub file: Option<&'a Path>,
}

/// The levels, which may be changed at any time.
#[derive(Clone, Default)]
pub struct Levels {
    set: Arc<Mutex<BTreeMap<String, LevelFilter>>>,
    filter: Option<reload::Handle<Targets, Registry>>,
}

/// A level that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSet {
    /// There is no such logger, and there cannot be.
    #[error("no logger has a name like that")]
    Name,
    /// There are many already.
    #[error("{MOST} loggers have levels of their own already")]
    TooMany,
    /// Nobody listens any more.
    #[error("the log is closed")]
    Closed,
}

/// Logs from now on.
///
/// # Errors
/// The log file cannot be opened; the rest is set up all the same. Or somebody else has set up logs before.
pub fn begin_adjustable(how: &How<'_>) -> (Levels, io::Result<()>) {
    let set: BTreeMap<String, LevelFilter> =
        how.levels.iter().map(|(name, level)| ((*name).to_owned(), *level)).collect();
    let (filter, handle) = reload::Layer::new(targets(&set));
    let levels = Levels { set: Arc::new(Mutex::new(set)), filter: Some(handle) };
    let (file, opened) = match how.file.map(LogFile::open).transpose() {
        Ok(log) => (log, Ok(())),
        Err(error) => (None, Err(error)),
    };
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
    match &how.json {
        Some(fields) => layers.push(Json::to(io::stderr, fields.clone()).boxed()),
        None => layers.push(fmt::layer().with_writer(|| Masked(io::stderr())).with_ansi(colours()).boxed()),
    }
    if let Some(log) = file {
        let layer = fmt::layer().with_writer(move || Masked(log.clone())).with_ansi(false);
        layers.push(layer.fmt_fields(OfFile(DefaultFields::new())).boxed());
    }
    let begun = registry().with(layers.with_filter(filter)).try_init().map_err(io::Error::other);
    (levels, begun.and(opened))
}

fn targets(set: &BTreeMap<String, LevelFilter>) -> Targets {
    let root = set.get(ROOT).copied().unwrap_or(LevelFilter::WARN);
    let others = set.iter().filter(|(name, _)| *name != ROOT).map(|(name, level)| (name.clone(), *level));
    others.fold(Targets::new().with_default(root), |targets, (name, level)| targets.with_target(name, level))
}

impl Levels {
    /// Each logger that has a level of its own.
    pub fn set(&self) -> BTreeMap<String, LevelFilter> {
        self.here().clone()
    }

    /// What is in force for this logger.
    pub fn effective(&self, name: &str) -> LevelFilter {
        let set = self.here();
        let own = set.iter().filter(|(known, _)| *known != ROOT && name.starts_with(known.as_str()));
        let longest = own.max_by_key(|(known, _)| known.len()).map(|(_, level)| *level);
        longest.or_else(|| set.get(ROOT).copied()).unwrap_or(LevelFilter::WARN)
    }

    /// Sets the level of this logger, or takes its own away. It is in force when this returns.
    ///
    /// # Errors
    /// It cannot be set; nothing has changed.
    pub fn change(&self, name: &str, level: Option<LevelFilter>) -> Result<(), CannotSet> {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_name) {
            return Err(CannotSet::Name);
        }
        let mut set = self.here();
        let mut next = set.clone();
        match level {
            Some(level) => next.insert(name.to_owned(), level),
            None => next.remove(name),
        };
        if next.len() > MOST {
            return Err(CannotSet::TooMany);
        }
        if let Some(filter) = &self.filter {
            filter.reload(targets(&next)).map_err(|_| CannotSet::Closed)?;
        }
        *set = next;
        Ok(())
    }

    fn here(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, LevelFilter>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Levels").field("set", &*self.here()).finish_non_exhaustive()
    }
}

/// How the file writes the fields of spans. A type of its own: layers with one type share the text, and what is recorded later
/// would stand in it once for each layer.
struct OfFile(DefaultFields);

impl<'w> FormatFields<'w> for OfFile {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> std::fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

/// Masks what is written: a whole event comes in one piece.
struct Masked<W>(W);

impl<W: Write> Write for Masked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(mask(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_holds_for_all_that_begin_so_and_is_taken_back() {
        let levels = Levels::default();
        levels.change(ROOT, Some(LevelFilter::WARN)).unwrap();
        levels.change("a", Some(LevelFilter::INFO)).unwrap();
        levels.change("a::b", Some(LevelFilter::TRACE)).unwrap();
        let of = |name: &str| levels.effective(name);
        assert_eq!((of("a::c"), of("a::b::d"), of("x")), (LevelFilter::INFO, LevelFilter::TRACE, LevelFilter::WARN));
        levels.change("a::b", None).unwrap();
        assert_eq!(levels.effective("a::b"), LevelFilter::INFO);
        assert_eq!(levels.change("a b", Some(LevelFilter::OFF)), Err(CannotSet::Name));
        for number in 0..MOST - 2 {
            levels.change(&format!("x{number}"), Some(LevelFilter::OFF)).unwrap();
        }
        assert_eq!(levels.change("one.more", Some(LevelFilter::OFF)), Err(CannotSet::TooMany));
        assert_eq!(levels.set().len(), MOST);
    }

    #[test]
    fn a_changed_level_is_in_force_at_once_and_lines_are_masked_also_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("logs").join("application.log");
        let how = How {
            levels: vec![(ROOT, LevelFilter::OFF), ("here", LevelFilter::INFO)],
            json: Some(vec![("appname", "efm".into())]),
            file: Some(&file),
        };
        let (levels, begun) = begin_adjustable(&how);
        begun.unwrap();
        tracing::debug!(target: "here", "not seen");
        levels.change("here", Some(LevelFilter::DEBUG)).unwrap();
        tracing::debug!(target: "here", person = "01010112345", password = "hunter2", "seen");
        tracing::error!(target: "elsewhere", "not seen either");
        let log = std::fs::read_to_string(&file).unwrap();
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("DEBUG here: seen person=\"********\""), "{log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
}
