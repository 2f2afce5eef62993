//! `kosmos demo`: the whole of it on one machine, with no outside world. A false release server, a false integration
//! point and a signing key that is made for the occasion; the supervisor itself is the real one.
//!
//! Start at [`show`], then [`story`]. What the demo fakes, tests use too; nothing else of the program does.

pub mod integration_point;
pub mod publisher;
pub mod release_server;
mod stage;
mod story;

use std::process::ExitCode;

use efm::chain::Chain;

use crate::cli::exit::Exit;

/// The name by which this program is the demo's false JVM.
const FALSE_JAVA: &str = "false-java";

/// Shows it all on the terminal, and leaves nothing behind.
pub async fn show(level: tracing::Level) -> Exit {
    if level > tracing::Level::INFO
        && let Err(error) = efm::telemetry::begin(level, &["kosmos", "efm"], None)
    {
        eprintln!("kosmos: {error}");
    }
    match Box::pin(story::tell()).await {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("kosmos: {}", Chain(&*error));
            Exit::Failed
        }
    }
}

/// If this program was called by the name of the false JVM: plays it, to its end.
pub fn as_false_java() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let program = words.next()?;
    if std::path::Path::new(&program).file_stem()? != FALSE_JAVA {
        return None;
    }
    let words: Vec<_> = words.collect();
    let code = integration_point::as_java(&words, "21.0.2");
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
