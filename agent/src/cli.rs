//! Words in, exit code out. What stands in the doc comments here is what `--help` prints.

use crate::app;
use crate::config::{self, Loaded, Severity};
use crate::host::Signals;
use crate::manage::Stop;
use clap::{Parser, Subcommand};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::telemetry::{How, LevelFilter, Levels, ROOT};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;

/// The eFormidling integration point: takes messages from a case system, sends them, and hands over what comes in.
///
/// Settings stand in integrasjonspunkt-local.properties (or .yml, .yaml) in the working folder, in the environment
/// (`DIFI_MOVE_ORG_NUMBER`) and on the command line (--difi.move.org.number=…); the later counts. Without a word it is
/// `integrasjonspunkt run`.
#[derive(Debug, Parser)]
#[command(name = "integrasjonspunkt", version, max_term_width = 110)]
#[command(after_help = "Exit codes: 0 ended in order, 1 failed, 2 wrong words, 3 wrong settings.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub word: Option<Word>,
}

/// What to do.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Word {
    /// Run until Ctrl-C, SIGTERM or POST /manage/shutdown
    Run,
    /// Settings: show what is in force, or check for errors
    #[command(subcommand)]
    Config(Config),
}

/// What to do with the settings.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Config {
    /// All errors at once
    Check,
    /// Each setting and where it came from; secrets masked
    Show,
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const SETTINGS: u8 = 3;

/// The program.
pub fn main() -> ExitCode {
    let (words, arguments) = config::split(std::env::args().skip(1));
    let cli = match Cli::try_parse_from(["integrasjonspunkt".to_owned()].into_iter().chain(words)) {
        Ok(cli) => cli,
        Err(help) => {
            // A closed pipe is no reason to fail.
            let _ = help.print();
            return if help.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let loaded = config::load(Path::new("."), &config::environment(), &arguments);
    match cli.word.unwrap_or(Word::Run) {
        Word::Run => run(loaded),
        Word::Config(Config::Check) => check(&loaded),
        Word::Config(Config::Show) => show(&loaded),
    }
}

fn check(loaded: &Loaded) -> ExitCode {
    for problem in &loaded.problems {
        eprintln!("{problem}");
    }
    if loaded.settings.is_none() {
        return ExitCode::from(SETTINGS);
    }
    eprintln!("the settings can be used");
    ExitCode::SUCCESS
}

fn show(loaded: &Loaded) -> ExitCode {
    for shown in &loaded.shown {
        println!("{:<52} {:<44} {}", shown.key, shown.value.as_deref().unwrap_or("-"), shown.place);
    }
    check(loaded)
}

fn run(loaded: Loaded) -> ExitCode {
    let begun = Instant::now();
    let (levels, begun_log) = log(loaded.settings.as_ref());
    if let Err(error) = begun_log {
        // It runs without a log file, too.
        tracing::warn!(%error, "the log file cannot be written; what is said goes to standard error alone");
    }
    for problem in &loaded.problems {
        match problem.severity {
            Severity::Error => tracing::error!("{problem}"),
            Severity::Warning => tracing::warn!("{problem}"),
        }
    }
    let Some(settings) = loaded.settings else { return ExitCode::from(SETTINGS) };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "start the runtime");
            return ExitCode::from(FAILED);
        }
    };
    let ended = runtime.block_on(until_stopped(settings, levels, begun));
    // What a blocking thread still does is let go: it is on the queue.
    runtime.shutdown_timeout(Duration::from_secs(5));
    match ended {
        Ok(()) => {
            tracing::info!("ended in order");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error = %Chain(&error), "cannot run");
            ExitCode::from(FAILED)
        }
    }
}

/// As the settings say; where they are wrong, as it is without a word.
fn log(settings: Option<&config::Settings>) -> (Levels, std::io::Result<()>) {
    let logging = settings.map(|settings| &settings.logging);
    let ours = logging.map_or(LevelFilter::INFO, |logging| logging.ours);
    let root = logging.and_then(|logging| logging.root).unwrap_or(LevelFilter::WARN);
    let fields = settings.filter(|settings| settings.logging.is_json).map(|settings| {
        vec![
            ("appname", "integrasjonspunkt".to_owned()),
            ("HOSTNAME", hostname::get().map_or_else(|_| "-".to_owned(), |name| name.to_string_lossy().into_owned())),
            ("buildinfo.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("orgnr", settings.organisation.clone()),
        ]
    });
    efm::telemetry::begin_adjustable(&How {
        levels: vec![
            (ROOT, root),
            ("integrasjonspunkt", ours),
            ("AUDIT", LevelFilter::INFO),
            ("STATUS", LevelFilter::INFO),
        ],
        json: fields,
        file: logging.and_then(|logging| logging.file.as_deref()),
    })
}

async fn until_stopped(settings: config::Settings, levels: Levels, begun: Instant) -> Result<(), app::CannotRun> {
    let stop = Stop::default();
    // Before it is ready, so that nobody can ask too early.
    let signals = Signals::listen();
    let signals = async {
        match signals {
            Ok(mut signals) => stop.ask(signals.asked().await),
            Err(error) => tracing::error!(%error, "signals are not heard; POST /manage/shutdown stops it"),
        }
        std::future::pending::<()>().await;
    };
    let told = async {
        tracing::info!(by = stop.asked().await, "stops: takes no more, and finishes what is in hand");
        std::future::pending::<()>().await;
    };
    let ready =
        |address| tracing::info!(%address, after = ?begun.elapsed(), version = env!("CARGO_PKG_VERSION"), "ready");
    tokio::select! {
        ended = app::run(settings, Clock::machine(), stop.clone(), levels, ready) => ended,
        () = signals => Ok(()),
        () = told => Ok(()),
    }
}
