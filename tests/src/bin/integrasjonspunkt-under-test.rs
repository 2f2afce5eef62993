//! The program `integrasjonspunkt` as it is shipped, built with the tests of this package so that they find it beside their own.
//!
//! Unpacked from a release, or told by `--beside=FOLDER` where one lies, it is a version of its own: it says the version
//! of the archive, and misbehaves as `false/behaviour.properties` in it says. Of what can stand there it knows
//! `info.version`, `start=crash`, `crash.after`, `stop=slow:`, and `writes=<database>`, which it moves forward as the next
//! release's migration would. The program that is shipped knows none of this.

use kosmos::demo::integration_point::{Behaviour, Start, Stop};
use outside_world::beside;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = arguments.first().and_then(|first| first.strip_prefix("--beside=")).map(PathBuf::from);
    if told.is_some() {
        arguments.remove(0);
    }
    let own = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_owned()));
    let archive = told.or(own).and_then(|folder| beside::archive(&folder).ok().flatten());
    let Some(archive) = archive else {
        return integrasjonspunkt::cli::main_as(integrasjonspunkt::app::VERSION, arguments.into_iter());
    };
    match released(&archive) {
        Ok((version, slow)) => {
            let code = integrasjonspunkt::cli::main_as(version.leak(), arguments.into_iter());
            wait(slow);
            code
        }
        Err(error) => {
            println!("APPLICATION FAILED TO START: {}: {error}", archive.display());
            ExitCode::FAILURE
        }
    }
}

/// What it calls itself, and how long it lingers. What it does wrong begins here.
fn released(archive: &Path) -> Result<(String, Duration), Box<dyn Error>> {
    let (behaviour, built) = Behaviour::of(archive)?;
    if let Some(database) = &behaviour.writes {
        migrate(database)?;
    }
    if behaviour.start == Start::Crash {
        return Err("as it was told to".into());
    }
    if let Some(after) = behaviour.crash_after {
        std::thread::spawn(move || {
            wait(after);
            std::process::abort();
        });
    }
    let slow = if let Stop::Slow(slow) = behaviour.stop { slow } else { Duration::ZERO };
    Ok((behaviour.version.unwrap_or(built), slow))
}

/// Expands it, as a release does whose predecessor must still run on it.
fn migrate(database: &Path) -> Result<(), rusqlite::Error> {
    let database = rusqlite::Connection::open(database)?;
    let here: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let messages = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%message%'";
    let tables: Vec<String> = database.prepare(messages)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let next = here + 1;
    for table in tables {
        database.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN of_version_{next} TEXT"))?;
    }
    database.execute_batch(&format!("CREATE TABLE of_version_{next} (number INTEGER PRIMARY KEY) STRICT"))?;
    database.pragma_update(None, "user_version", next)
}

#[allow(clippy::disallowed_methods, reason = "it misbehaves after a time, which is no event")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}
