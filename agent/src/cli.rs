//! Words in, exit code out. What stands in the doc comments here is what `--help` prints.

use crate::app;
use crate::config::{self, Arguments, Loaded, Problem, Severity};
use crate::demo;
use crate::doctor::{self, Verdict};
use crate::host;
use crate::manage::{self, Stop};
use clap::{Parser, Subcommand};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::telemetry::{How, LevelFilter, Levels, ROOT};
use std::collections::BTreeSet;
use std::net::TcpListener;
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
    /// See it work: two of them send each other a letter and its receipt on this machine, with a false outside world
    Demo {
        /// End after the story, instead of leaving both running until Ctrl-C
        #[arg(long)]
        once: bool,
    },
    /// Look at everything that is needed, and say in a line each what is well, what is wrong, and what to do
    ///
    /// Settings, keystores and their certificates, folders, room, database, port, each endpoint outside, the clock, what
    /// Maskinporten, the service registry and Altinn grant. It changes nothing, and may be asked while the integrasjonspunkt
    /// runs. Exit code 1 when something is wrong, 3 when the settings are; then what depends on those is not looked at.
    Doctor,
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
    let environment = config::environment();
    let loaded = config::load(Path::new("."), &environment, &arguments);
    match cli.word.unwrap_or(Word::Run) {
        Word::Run => run(loaded, &environment),
        Word::Demo { .. } if !arguments.settings.is_empty() => {
            takes_no_settings("demo", "--once, or nothing", &arguments)
        }
        Word::Demo { once } => demo(once),
        Word::Doctor => look(&loaded, &environment, &arguments),
        Word::Config(Config::Check) => check(&loaded),
        Word::Config(Config::Show) => show(&loaded),
    }
}

/// A setting that would do nothing is a mistake of who wrote it.
fn takes_no_settings(word: &str, right: &str, arguments: &Arguments) -> ExitCode {
    let given: Vec<String> = arguments.settings.iter().map(|(name, _)| format!("--{name}")).collect();
    eprintln!("integrasjonspunkt: {word} takes no settings, and got {}; right would be: {right}", given.join(" "));
    ExitCode::from(USAGE)
}

fn demo(once: bool) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("integrasjonspunkt: start the runtime: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let went_well = runtime.block_on(demo::show(once));
    runtime.shutdown_timeout(Duration::from_secs(5));
    if went_well { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
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

fn look(loaded: &Loaded, environment: &[(String, String)], arguments: &Arguments) -> ExitCode {
    let mut findings = doctor::of_settings(&loaded.problems);
    let whole = loaded.settings.clone().map(|settings| (settings, BTreeSet::new()));
    // What does not depend on a wrong one can be looked at all the same.
    let can_be_looked_at = whole.or_else(|| config::without_wrong(Path::new("."), environment, arguments));
    if let Some((settings, left_out)) = &can_be_looked_at {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("start the runtime: {error}");
                return ExitCode::from(FAILED);
            }
        };
        let clock = Clock::machine();
        let examined = doctor::examine(settings, Path::new("."), &clock, left_out);
        findings.extend(runtime.block_on(examined));
        // Whoever hangs on a share is let go.
        runtime.shutdown_background();
    }
    for finding in &findings {
        println!("{finding}");
    }
    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    match (loaded.settings.is_none(), is_wrong) {
        (true, _) => ExitCode::from(SETTINGS),
        (false, true) => ExitCode::from(FAILED),
        (false, false) => ExitCode::SUCCESS,
    }
}

fn run(loaded: Loaded, environment: &[(String, String)]) -> ExitCode {
    let begun = Instant::now();
    host::keep_files_to_ourselves();
    // Before there is another thread: the variables that tell of them are taken away.
    let sockets = host::handed_in(environment);
    let (levels, begun_log) = log(loaded.settings.as_ref());
    if let Err(error) = begun_log {
        // It runs without a log file, too.
        tracing::warn!(%error, "the log file cannot be written; what is said goes to standard error alone");
    }
    for problem in &loaded.problems {
        match problem.severity {
            Severity::Error => tracing::error!("{}", in_log(problem)),
            Severity::Warning => tracing::warn!("{}", in_log(problem)),
        }
    }
    let Some(settings) = loaded.settings else { return ExitCode::from(SETTINGS) };
    let sockets = match sockets {
        Ok(sockets) => sockets,
        Err(error) => {
            tracing::error!(%error, "take the sockets that were handed in (LISTEN_FDS)");
            return ExitCode::from(FAILED);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "start the runtime");
            return ExitCode::from(FAILED);
        }
    };
    let ended = runtime.block_on(until_stopped(settings, sockets, levels, begun));
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

/// Lines of the log are masked behind the name of a password and a colon; here the name is all that is told of it.
fn in_log(problem: &Problem) -> String {
    let about = if problem.key.is_empty() { String::new() } else { format!(" ({})", problem.key) };
    format!("{}, at {}{about}; right would be: {}", problem.wrong, problem.place, problem.right)
}

/// As the settings say; where they are wrong, as it is without a word.
fn log(settings: Option<&config::Settings>) -> (Levels, std::io::Result<()>) {
    let logging = settings.map(|settings| &settings.logging);
    let ours = logging.map_or(LevelFilter::INFO, |logging| logging.ours);
    let root = logging.and_then(|logging| logging.root).unwrap_or(LevelFilter::WARN);
    let fields = settings.filter(|settings| settings.logging.is_json).map(|settings| {
        let commit = manage::commit().map(|commit| ("buildinfo.lastcommit", commit.to_owned()));
        let known = vec![
            ("appname", "integrasjonspunkt".to_owned()),
            ("HOSTNAME", hostname::get().map_or_else(|_| "-".to_owned(), |name| name.to_string_lossy().into_owned())),
            ("buildinfo.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("orgnr", settings.organisation.clone()),
        ];
        known.into_iter().chain(commit).collect()
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

async fn until_stopped(
    settings: config::Settings,
    sockets: Vec<TcpListener>,
    levels: Levels,
    begun: Instant,
) -> Result<(), app::CannotRun> {
    let stop = Stop::default();
    // Before it is ready, so that nobody can ask too early.
    let signals = efm::console::Stop::listen();
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
        ended = app::run(settings, sockets, Clock::machine(), stop.clone(), levels, ready) => ended,
        () = signals => Ok(()),
        () = told => Ok(()),
    }
}
