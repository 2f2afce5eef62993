//! The edge: words and flags in, text and an exit code out. stdout is data, stderr is talk. Errors are printed here,
//! once, with their causes; nothing below prints.

pub mod args;
mod ask;
mod check;
mod check_settings;
pub mod exit;
mod homes;
pub(crate) mod house;
mod kept;
mod look_up;
mod metrics;
mod run;
mod service;
mod settled;
mod several;
mod status;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use efm::chain::Chain;

use crate::child::environment;
use crate::config::{self, Loaded};
use crate::host::{events, manager};
use args::{Cli, Config, Word};
use exit::Exit;
use homes::Homes;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if args::lost_homes(std::env::args_os(), &cli.homes) {
        return wrong_use("--home stands before the word and after it; put all of them on one side").into();
    }
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
    if let Some(Word::Service(word)) = &cli.word {
        // Where no home folder is named the one of the service counts, not the working folder.
        return match cli.homes.as_slice() {
            [] => service::service(None, word).await,
            [home] => service::service(Some(home), word).await,
            several => wrong_use(&homes::said_to_one(several)),
        };
    }
    let word = cli.word.unwrap_or(Word::Run);
    let homes = match homes::named(&cli.homes) {
        Ok(homes) => homes,
        Err(why) => return wrong_use(&why),
    };
    if !matches!(word, Word::Run | Word::Demo)
        && let Err(error) = efm::telemetry::begin(cli.log.min(tracing::Level::WARN), house::OUR_CRATES, None)
    {
        eprintln!("kosmos: {error}");
    }
    let home = match homes {
        Homes::One(home) => home,
        Homes::Several(homes) => match with_several(&word, &cli.homes, homes, cli.log).await {
            Ok(exit) => return exit,
            Err(home) => home,
        },
    };
    match word {
        Word::Run => Box::pin(run::run(&home, cli.log)).await,
        Word::Demo => Box::pin(crate::demo::show(cli.log)).await,
        Word::ExitCodes => {
            println!("{}", exit::HELP);
            Exit::Done
        }
        // Done already.
        Word::Service(_) => Exit::Usage,
        Word::Config(Config::Check) => check_settings::of(&home),
        Word::Status { json } => status::status(&home, json).await,
        Word::Verify(verify) => look_up::verify(&home, &verify),
        Word::Upgrade(upgrade) => ask::upgrade(&settled_home(&home), upgrade).await,
        Word::Forgive { version } => ask::forgive(&home, version).await,
        Word::Reload => ask::reload(&settled_home(&home)).await,
        Word::Stop => ask::stop(&settled_home(&home)).await,
        Word::Config(Config::Show)
        | Word::Schedule
        | Word::Check { .. }
        | Word::History { .. }
        | Word::Hold(_)
        | Word::Import { .. } => match load(&home) {
            Some(loaded) => with_loaded(word, loaded).await,
            None => Exit::Settings,
        },
    }
}

/// What can be said to several homes, and what speaks of none; everything else is said to one. The error is where a word
/// that speaks of none is at home: nowhere.
async fn with_several(
    word: &Word,
    named: &[PathBuf],
    homes: Vec<PathBuf>,
    level: tracing::Level,
) -> Result<Exit, PathBuf> {
    match word {
        Word::Run => Ok(Box::pin(several::run(homes, level)).await),
        Word::Status { json } => Ok(Box::pin(status::of_several(&homes, *json)).await),
        Word::Config(Config::Check) => Ok(check_settings::of_several(named, &homes)),
        Word::Demo | Word::ExitCodes => Err(PathBuf::new()),
        Word::Verify(verify) if !verify.key.is_empty() => Err(PathBuf::new()),
        Word::Check { .. }
        | Word::Verify(_)
        | Word::Schedule
        | Word::Config(Config::Show)
        | Word::History { .. }
        | Word::Upgrade(_)
        | Word::Hold(_)
        | Word::Forgive { .. }
        | Word::Import { .. }
        | Word::Service(_)
        | Word::Reload
        | Word::Stop => Ok(wrong_use(&homes::said_to_one(&homes))),
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
        Word::History { json, last } => look_up::history(&loaded.settings, json, last),
        Word::Hold(hold) => look_up::hold(&loaded.settings, &hold),
        Word::Import { file } => check::import(loaded.settings, &file).await,
        Word::Run
        | Word::Demo
        | Word::Verify(_)
        | Word::Config(Config::Check)
        | Word::Status { .. }
        | Word::Upgrade(_)
        | Word::Forgive { .. }
        | Word::Reload
        | Word::Stop
        | Word::Service(_)
        | Word::ExitCodes => Exit::Usage,
    }
}

/// The folder that the settings say is home: there are the lock, the state and the control door. Settings that are wrong
/// keep nobody from asking a supervisor that runs.
fn settled_home(given: &Path) -> PathBuf {
    settled::settle(given).map_or_else(|_| given.to_owned(), |settled| settled.settings().home.clone())
}

/// Loads the settings, or prints all that is wrong with them. Warnings are for `run` and `config check` to tell.
fn load(home: &Path) -> Option<Loaded> {
    match config::load(home, &environment::all(), &[]) {
        Ok(loaded) => Some(loaded),
        Err(problems) => {
            complain_of(&problems);
            None
        }
    }
}

/// Prints all that is wrong with the settings.
fn complain_of(problems: &[config::Problem]) {
    let text = config::problems_text(problems);
    eprint!("{text}");
    manager::record(&events::failed(&format!("the settings are wrong:\n{text}")));
}

fn wrong_use(why: &str) -> Exit {
    eprintln!("kosmos: {why}");
    Exit::Usage
}

/// Prints an error with its causes.
fn complain(error: &dyn std::error::Error) {
    eprintln!("kosmos: {}", Chain(error));
    // A service has nobody who reads that.
    manager::record(&events::failed(&Chain(error).to_string()));
}
