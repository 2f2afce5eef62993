//! Several logs in one program: whoever is inside a span of [`Logs::of`] writes into that one's file.
//!
//! A layer notices which of these spans is entered on this thread and left again; the writer of the one file layer asks
//! it. A file holds the same lines as that of a program with one log: only standard error names whom a line is about.
//! Work that goes to another thread must take the span with it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Span, Subscriber, error_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::file::LogFile;
use super::{colours, of_interest};

/// The target of the spans that lead to a file.
const LEADS_TO_A_FILE: &str = "one-of-several";

thread_local! {
    /// The files of the spans that are entered on this thread, the innermost last.
    static ENTERED: RefCell<Vec<LogFile>> = const { RefCell::new(Vec::new()) };
}

/// The files, by the name of whom they are about.
#[derive(Clone, Debug, Default)]
pub struct Logs(Arc<Mutex<HashMap<String, LogFile>>>);

/// Logs from now on, as [`begin`](super::begin) does; who is to have a file is said later, to what is given back. What
/// is said outside all of their spans goes to standard error alone.
///
/// # Errors
/// Somebody else has set up logs before.
pub fn begin_several(level: tracing::Level, ours: &[&'static str]) -> io::Result<Logs> {
    let logs = Logs::default();
    let to_stderr = fmt::layer().with_writer(io::stderr).with_ansi(colours()).with_target(false);
    let names = of_interest(level, ours).with_target(LEADS_TO_A_FILE, LevelFilter::ERROR);
    let with_stderr = registry().with(to_stderr.with_filter(names));
    logs.heard_by(with_stderr, level, ours).try_init().map_err(io::Error::other)?;
    Ok(logs)
}

impl Logs {
    /// The span of this one; what is said in it goes into this file, and to standard error with the name.
    ///
    /// # Errors
    /// The file cannot be opened. An earlier one of the same name, if there is one, stays.
    pub fn of(&self, name: &str, file: &Path) -> io::Result<Span> {
        let log = LogFile::open(file)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), log);
        Ok(Self::without_file(name))
    }

    /// The span of one that has no file, or not yet: standard error names it. Where [`Logs::of`] has opened a file under
    /// this name, it leads there.
    pub fn without_file(name: &str) -> Span {
        error_span!(target: LEADS_TO_A_FILE, "home", at = %name)
    }

    /// With what writes, and what knows where to.
    fn heard_by<S>(
        &self,
        subscriber: S,
        level: tracing::Level,
        ours: &[&'static str],
    ) -> impl Subscriber + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync + 'static,
    {
        let to_file = fmt::layer().with_writer(|| Entered).with_ansi(false).with_target(false);
        // The spans that lead here are not seen by the layer that writes: the file is about one only.
        let without = of_interest(level, ours).with_target(LEADS_TO_A_FILE, LevelFilter::OFF);
        let only = Targets::new().with_target(LEADS_TO_A_FILE, LevelFilter::ERROR);
        subscriber.with(to_file.with_filter(without)).with(self.clone().with_filter(only))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Logs {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut name = Name(None);
        attributes.record(&mut name);
        let log = name.0.and_then(|name| self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned());
        if let (Some(span), Some(log)) = (context.span(id), log) {
            span.extensions_mut().insert(log);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(log) = log_of(id, &context) {
            ENTERED.with(|entered| entered.borrow_mut().push(log));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if log_of(id, &context).is_some() {
            ENTERED.with(|entered| entered.borrow_mut().pop());
        }
    }
}

fn log_of<S: Subscriber + for<'a> LookupSpan<'a>>(id: &Id, context: &Context<'_, S>) -> Option<LogFile> {
    context.span(id)?.extensions().get::<LogFile>().cloned()
}

/// The name in the span's field `at`.
struct Name(Option<String>);

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "at" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

/// Writes into the file of the innermost span that leads to one; nowhere, where there is none.
struct Entered;

impl Write for Entered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match ENTERED.with(|entered| entered.borrow().last().cloned()) {
            Some(mut log) => log.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Instrument;

    #[test]
    fn each_ones_lines_reach_its_own_file_and_no_other_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).join("kosmos.log");
        let logs = Logs::default();
        let subscriber = logs.heard_by(registry(), tracing::Level::INFO, &["efm"]);
        tracing::subscriber::with_default(subscriber, || {
            let spans = ["one", "two"].map(|name| logs.of(name, &path(name)).unwrap());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let talk = |name: &'static str, span: &Span| {
                let spoken = async move {
                    for number in 0..3 {
                        tracing::info!(number, "this is {name}");
                        tracing::debug!("too much");
                        tokio::task::yield_now().await;
                    }
                    let span = Span::current();
                    std::thread::scope(|threads| {
                        let subscriber = tracing::dispatcher::get_default(Clone::clone);
                        threads.spawn(move || {
                            tracing::dispatcher::with_default(&subscriber, || {
                                span.in_scope(|| tracing::warn!("elsewhere {name}"));
                            });
                        });
                    });
                };
                spoken.instrument(span.clone())
            };
            runtime.block_on(async { tokio::join!(talk("one", &spans[0]), talk("two", &spans[1])) });
            tracing::error!("about nobody");
            Logs::without_file("three").in_scope(|| tracing::error!("three has no file"));
        });
        for (name, other) in [("one", "two"), ("two", "one")] {
            let text = std::fs::read_to_string(path(name)).unwrap();
            assert_eq!(text.matches(&format!("this is {name}")).count(), 3, "{text}");
            assert!(text.contains(&format!("elsewhere {name}")), "{text}");
            for never in [other, "too much", "nobody", "three", "home"] {
                assert!(!text.contains(never), "{never}: {text}");
            }
        }
    }

    #[test]
    fn a_line_in_a_file_looks_as_it_does_where_there_is_one_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kosmos.log");
        let logs = Logs::default();
        tracing::subscriber::with_default(logs.heard_by(registry(), tracing::Level::INFO, &["efm"]), || {
            logs.of("one", &path).unwrap().in_scope(|| tracing::info!(pid = 3, "on duty"));
        });
        let line = std::fs::read_to_string(path).unwrap();
        assert!(line.ends_with("  INFO on duty pid=3\n"), "{line:?}");
    }
}
