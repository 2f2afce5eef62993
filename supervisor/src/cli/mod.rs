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
mod reach;
mod run;
mod service;
mod settings_folder;
mod settled;
mod several;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use efm::chain::Chain;

use crate::config::{self, Loaded, Settings};
use crate::host::{events, manager};
use args::{Cli, Config, Word};
use exit::Exit;
use homes::Homes;
use settings_folder::SettingsFolder;

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
            several => wrong_use(&homes::said_to_one(several.iter().map(PathBuf::as_path))),
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
    let folder = match homes {
        Homes::One(folder) => folder,
        Homes::Several(homes) => match with_several(&word, &cli.homes, homes, cli.log).await {
            Ok(exit) => return exit,
            Err(folder) => folder,
        },
    };
    match word {
        Word::Run => Box::pin(run::run(&folder, cli.log)).await,
        Word::Demo => Box::pin(crate::demo::show(cli.log)).await,
        Word::ExitCodes => {
            println!("{}", exit::HELP);
            Exit::Done
        }
        // Done already.
        Word::Service(_) => Exit::Usage,
        Word::Config(Config::Check) => check_settings::of(&folder),
        Word::Status { json } => status::status(&folder, json).await,
        Word::Verify(verify) => look_up::verify(&folder, &verify),
        Word::Upgrade(upgrade) => ask::upgrade(&settled::home(&folder), upgrade).await,
        Word::Forgive { version } => ask::forgive(&folder, version).await,
        Word::Reload => ask::reload(&folder).await,
        Word::Stop => ask::stop(&folder).await,
        // These must work above all when something is wrong.
        Word::History { json, last } => with_what_there_is(&folder, |it| look_up::history(it, json, last)),
        Word::Hold(hold) => with_what_there_is(&folder, |it| look_up::hold(it, &hold)),
        Word::Config(Config::Show) | Word::Schedule | Word::Check { .. } | Word::Import { .. } => {
            match folder.load_or_complain() {
                Some(loaded) => Box::pin(with_loaded(word, loaded)).await,
                None => Exit::Settings,
            }
        }
    }
}

fn with_what_there_is(folder: &SettingsFolder, act: impl FnOnce(&Settings) -> Exit) -> Exit {
    settled::to_look_or_complain(folder).map_or(Exit::Settings, |it| act(&it.settings))
}

/// What can be said to several homes, and what speaks of none; everything else is said to one. The error is where a word
/// that speaks of none is at home: nowhere.
async fn with_several(
    word: &Word,
    named: &[PathBuf],
    homes: Vec<SettingsFolder>,
    level: tracing::Level,
) -> Result<Exit, SettingsFolder> {
    let nowhere = || SettingsFolder::unnamed(PathBuf::new());
    match word {
        Word::Run => Ok(Box::pin(several::run(homes, level)).await),
        Word::Status { json } => Ok(Box::pin(status::of_several(&homes, *json)).await),
        Word::Config(Config::Check) => Ok(check_settings::of_several(named, &homes)),
        Word::Demo | Word::ExitCodes => Err(nowhere()),
        Word::Verify(verify) if !verify.key.is_empty() => Err(nowhere()),
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
        | Word::Stop => Ok(wrong_use(&homes::said_to_one(homes.iter().map(SettingsFolder::path)))),
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
        Word::Import { file } => check::import(loaded.settings, &file).await,
        Word::Run
        | Word::Demo
        | Word::Verify(_)
        | Word::Config(Config::Check)
        | Word::Status { .. }
        | Word::History { .. }
        | Word::Hold(_)
        | Word::Upgrade(_)
        | Word::Forgive { .. }
        | Word::Reload
        | Word::Stop
        | Word::Service(_)
        | Word::ExitCodes => Exit::Usage,
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
