//! The edge: words and flags in, text and an exit code out. stdout is data, stderr is talk. Errors are printed here,
//! once, with their causes; nothing below prints.

pub mod args;
mod ask;
mod check;
pub mod exit;
pub(crate) mod house;
mod kept;
mod look_up;
mod run;
mod service;
mod status;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use efm::chain::Chain;

use crate::child::environment;
use crate::config::{self, Loaded, Severity};
use crate::host::service::SETTINGS;
use crate::host::{events, manager, system};
use args::{Cli, Config, Word};
use exit::Exit;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if !cli.service {
        return in_a_runtime(cli).into();
    }
    match manager::as_service(|| in_a_runtime(cli).number()) {
        Ok(exit) => ExitCode::from(exit),
        Err(error) => {
            eprintln!("kosmos: run as a service: {error}; kosmos service start has the system start it");
            Exit::Failed.into()
        }
    }
}

fn in_a_runtime(cli: Cli) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(word(cli));
            // A copy that is being made by another thread is not waited for: it is made again.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            eprintln!("kosmos: start the runtime: {error}");
            Exit::Failed
        }
    }
}

async fn word(cli: Cli) -> Exit {
    if let Some(Word::Service(word)) = cli.word {
        // Where no home folder is named the one of the service counts, not the working folder.
        return service::service(cli.home.as_deref(), &word).await;
    }
    let home = match home(cli.home.as_deref()) {
        Ok(home) => home,
        Err(why) => {
            eprintln!("kosmos: {why}");
            return Exit::Usage;
        }
    };
    let word = cli.word.unwrap_or(Word::Run);
    if !matches!(word, Word::Run | Word::Demo)
        && let Err(error) = efm::telemetry::begin(cli.log.min(tracing::Level::WARN), house::OUR_CRATES, None)
    {
        eprintln!("kosmos: {error}");
    }
    match word {
        Word::Run => Box::pin(run::run(&home, cli.log)).await,
        Word::Demo => Box::pin(crate::demo::show(cli.log)).await,
        Word::ExitCodes => {
            println!("{}", exit::HELP);
            Exit::Done
        }
        // Done already.
        Word::Service(_) => Exit::Usage,
        Word::Config(Config::Check) => config_check(&home),
        Word::Verify(verify) => look_up::verify(&home, &verify),
        Word::Upgrade(upgrade) => ask::upgrade(&settled_home(&home), upgrade).await,
        Word::Forgive { version } => ask::forgive(&settled_home(&home), version).await,
        Word::Reload => ask::reload(&settled_home(&home)).await,
        Word::Stop => ask::stop(&settled_home(&home)).await,
        Word::Config(Config::Show)
        | Word::Schedule
        | Word::Check { .. }
        | Word::Status { .. }
        | Word::History { .. }
        | Word::Hold(_)
        | Word::Import { .. } => match load(&home) {
            Some(loaded) => with_loaded(word, loaded).await,
            None => Exit::Settings,
        },
    }
}

async fn with_loaded(word: Word, loaded: Loaded) -> Exit {
    match word {
        Word::Config(Config::Show) => {
            println!("{}", config::show(&loaded));
            Exit::Done
        }
        Word::Schedule => look_up::schedule(&loaded.settings),
        Word::Check { json } => check::check(loaded.settings, json).await,
        Word::Status { json } => status::status(&loaded.settings, json).await,
        Word::History { json, last } => look_up::history(&loaded.settings, json, last),
        Word::Hold(hold) => look_up::hold(&loaded.settings, &hold),
        Word::Import { file } => check::import(loaded.settings, &file).await,
        Word::Run
        | Word::Demo
        | Word::Verify(_)
        | Word::Config(Config::Check)
        | Word::Upgrade(_)
        | Word::Forgive { .. }
        | Word::Reload
        | Word::Stop
        | Word::Service(_)
        | Word::ExitCodes => Exit::Usage,
    }
}

fn home(given: Option<&Path>) -> Result<PathBuf, String> {
    let home = match given {
        Some(home) => home.to_owned(),
        None => home_where_none_is_named(),
    };
    let whole =
        std::path::absolute(&home).map_err(|error| format!("find the home folder {}: {error}", home.display()))?;
    if whole.exists() && !whole.is_dir() {
        return Err(format!("find the home folder {}: it is a file; --home names a folder", whole.display()));
    }
    if !whole.is_dir() {
        return Err(format!("find the home folder {}: there is no such folder; --home names another", whole.display()));
    }
    // Links are followed once, so that all words speak of the same folder.
    Ok(std::fs::canonicalize(&whole).ok().filter(|_| cfg!(unix)).unwrap_or(whole))
}

/// The working folder; on Windows the folder that KOSMOS' guide names, where the working folder has no settings.
fn home_where_none_is_named() -> PathBuf {
    let here = PathBuf::from(".");
    if SETTINGS.iter().any(|name| here.join(name).exists()) || crate::ports::state_folder(&here).is_dir() {
        return here;
    }
    system::home_of_old().unwrap_or(here)
}

/// The folder that the settings say is home: there are the lock, the state and the control door. Settings that are wrong
/// keep nobody from asking a supervisor that runs.
fn settled_home(given: &Path) -> PathBuf {
    config::load(given, &environment::all(), &[]).map_or_else(|_| given.to_owned(), |loaded| loaded.settings.home)
}

/// Loads the settings, or prints all that is wrong with them. Warnings are for `run` and `config check` to tell.
fn load(home: &Path) -> Option<Loaded> {
    match config::load(home, &environment::all(), &[]) {
        Ok(loaded) => Some(loaded),
        Err(problems) => {
            let text = config::problems_text(&problems);
            eprint!("{text}");
            manager::record(&events::failed(&format!("the settings are wrong:\n{text}")));
            None
        }
    }
}

fn config_check(home: &Path) -> Exit {
    match config::load(home, &environment::all(), &[]) {
        Ok(loaded) => {
            let mut problems = loaded.warnings.clone();
            problems.extend(config::check_files(&loaded));
            problems.extend(config::check_access(&loaded, system::ordinary_writers));
            if problems.is_empty() {
                println!("the settings are good");
            } else {
                print!("{}", config::problems_text(&problems));
            }
            if problems.iter().any(|problem| problem.severity == Severity::Error) { Exit::Settings } else { Exit::Done }
        }
        Err(problems) => {
            print!("{}", config::problems_text(&problems));
            Exit::Settings
        }
    }
}

/// Prints an error with its causes.
fn complain(error: &dyn std::error::Error) {
    eprintln!("kosmos: {}", Chain(error));
    // A service has nobody who reads that.
    manager::record(&events::failed(&Chain(error).to_string()));
}
