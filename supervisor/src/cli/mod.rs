//! The edge: words and flags in, text and an exit code out. stdout is data, stderr is talk. Errors are printed here,
//! once, with their causes; nothing below prints.

pub mod args;
mod ask;
mod check;
pub mod exit;
pub(crate) mod house;
mod look_up;
mod reach;
mod run;
mod settings_folder;
mod status;

use std::process::ExitCode;

use clap::Parser;
use efm::chain::Chain;

use crate::config::{self, Loaded, Settings, Severity};
use args::{Cli, Config, Word};
use exit::Exit;
use settings_folder::SettingsFolder;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(word(cli));
            // A copy that is being made by another thread is not waited for: it is made again.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            eprintln!("kosmos: start the runtime: {error}");
            Exit::Failed.into()
        }
    }
}

async fn word(cli: Cli) -> Exit {
    let folder = match SettingsFolder::of(cli.home.as_deref()) {
        Ok(folder) => folder,
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
        Word::Run => Box::pin(run::run(&folder, cli.log)).await,
        Word::Demo => Box::pin(crate::demo::show(cli.log)).await,
        Word::ExitCodes => {
            println!("{}", exit::HELP);
            Exit::Done
        }
        Word::Config(Config::Check) => config_check(&folder),
        Word::Verify(verify) => look_up::verify(&folder, &verify),
        Word::Upgrade(upgrade) => ask::upgrade(&folder.home(), upgrade).await,
        Word::Forgive { version } => ask::forgive(&folder, version).await,
        Word::Reload => ask::reload(&folder).await,
        Word::Stop => ask::stop(&folder.home()).await,
        // These must work above all when something is wrong.
        Word::Status { .. } | Word::History { .. } | Word::Hold(_) => match folder.load_what_is_right() {
            Some(settings) => with_what_is_right(word, &settings).await,
            None => Exit::Settings,
        },
        Word::Config(Config::Show) | Word::Schedule | Word::Check { .. } | Word::Import { .. } => {
            match folder.load_or_complain() {
                Some(loaded) => with_loaded(word, loaded).await,
                None => Exit::Settings,
            }
        }
    }
}

async fn with_what_is_right(word: Word, settings: &Settings) -> Exit {
    match word {
        Word::Status { json } => status::status(settings, json).await,
        Word::History { json, last } => look_up::history(settings, json, last),
        Word::Hold(hold) => look_up::hold(settings, &hold),
        Word::Run
        | Word::Demo
        | Word::Check { .. }
        | Word::Verify(_)
        | Word::Schedule
        | Word::Config(_)
        | Word::Upgrade(_)
        | Word::Forgive { .. }
        | Word::Import { .. }
        | Word::Reload
        | Word::Stop
        | Word::ExitCodes => Exit::Usage,
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
        | Word::ExitCodes => Exit::Usage,
    }
}

fn config_check(folder: &SettingsFolder) -> Exit {
    match folder.load() {
        Ok(loaded) => {
            let mut problems = loaded.warnings.clone();
            problems.extend(config::check_files(&loaded));
            problems.extend(config::check_access(&loaded));
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
}
