//! Words in, exit code out. What stands in the doc comments here is what `--help` prints.

mod service;

use crate::app;
use crate::config::{self, Arguments, Loaded, Problem, Severity};
use crate::demo;
use crate::doctor::{self, Verdict};
use crate::host;
use crate::manage::{self, Stop};
use crate::service::{LIFE, TO_LEAVE};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use efm::chain::Chain;
use efm::clock::Clock;
use efm::service::{Asks, kept};
use efm::telemetry::{How, LevelFilter, Levels, ROOT};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;

/// The eFormidling integration point: takes messages from a case system, sends them, and hands over what comes in.
///
/// Settings stand in integrasjonspunkt-local.properties (or .yml, .yaml) in the home folder, in the environment
/// (`DIFI_MOVE_ORG_NUMBER`) and on the command line (--difi.move.org.number=…); the later counts. Without a word it is
/// `integrasjonspunkt run`.
#[derive(Debug, Parser)]
#[command(name = "integrasjonspunkt", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 ended in order, 1 failed, 2 wrong words, 3 wrong settings, 4 no such home folder, 5 the service does not run."
)]
pub struct Cli {
    /// The folder with the settings, the database and the files (default: the working folder; for `service`: that of the
    /// service)
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,

    /// Started by Windows' service control and by nobody else
    #[arg(long, hide = true, global = true)]
    pub service: bool,

    /// What to do
    #[command(subcommand)]
    pub word: Option<Word>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Word {
    /// Run until Ctrl-C, SIGTERM, a stop of the service or POST /manage/shutdown
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
    /// The service of Windows that keeps `integrasjonspunkt run` running where there is no kosmos
    #[command(subcommand)]
    Service(service::Service),
}

/// What to do with the settings.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Config {
    /// All errors at once
    Check,
    /// Each setting and where it came from; secrets masked
    Show,
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const SETTINGS: u8 = 3;
const NO_HOME: u8 = 4;
const STOPPED: u8 = 5;

/// The program.
pub fn main() -> ExitCode {
    main_as(app::VERSION, std::env::args().skip(1))
}

/// The program with these arguments, as another version than it is: a test of upgrades needs several, and builds one.
pub fn main_as(version: &'static str, arguments: impl Iterator<Item = String>) -> ExitCode {
    let (words, arguments) = config::split(arguments);
    let words = ["integrasjonspunkt".to_owned()].into_iter().chain(words);
    let parsed = Cli::command().version(version).try_get_matches_from(words);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(help) => {
            // A closed pipe is no reason to fail.
            let _ = help.print();
            return if help.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    if !cli.service {
        return ExitCode::from(at_home(cli, &arguments, version));
    }
    match efm::service::as_service(&LIFE, move || at_home(cli, &arguments, version)) {
        Ok(exit) => ExitCode::from(exit),
        Err(error) => {
            eprintln!(
                "integrasjonspunkt: run as a service: {error}; integrasjonspunkt service start has the system start it"
            );
            ExitCode::from(FAILED)
        }
    }
}

fn at_home(cli: Cli, arguments: &Arguments, version: &'static str) -> u8 {
    let word = cli.word.unwrap_or(Word::Run);
    if let Word::Service(said) = word {
        // Where no home folder is named the one of the service counts, not the working folder.
        return in_a_runtime(service::service(cli.home.as_deref(), &said, arguments));
    }
    // Settings name files from here on, and a service begins in the system's own folder.
    if let Some(home) = &cli.home
        && let Err(error) = std::env::set_current_dir(home)
    {
        eprintln!("integrasjonspunkt: --home {}: {error}", home.display());
        return NO_HOME;
    }
    let environment = config::environment();
    let loaded = config::load(Path::new("."), &environment, arguments);
    match word {
        Word::Run => run(loaded, &environment, version),
        Word::Demo { .. } if !arguments.settings.is_empty() => {
            takes_no_settings("demo", "--once, or nothing", arguments)
        }
        Word::Demo { once } => in_a_runtime(async { if demo::show(once).await { DONE } else { FAILED } }),
        Word::Doctor => look(&loaded, &environment, arguments),
        Word::Config(Config::Check) => check(&loaded),
        Word::Config(Config::Show) => show(&loaded),
        // Done already.
        Word::Service(_) => USAGE,
    }
}

/// A setting that would do nothing is a mistake of who wrote it.
fn takes_no_settings(word: &str, right: &str, arguments: &Arguments) -> u8 {
    let given: Vec<String> = arguments.settings.iter().map(|(name, _)| format!("--{name}")).collect();
    eprintln!("integrasjonspunkt: {word} takes no settings, and got {}; right would be: {right}", given.join(" "));
    USAGE
}

fn in_a_runtime(job: impl Future<Output = u8>) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("integrasjonspunkt: start the runtime: {error}");
            return FAILED;
        }
    };
    let exit = runtime.block_on(job);
    runtime.shutdown_timeout(Duration::from_secs(5));
    exit
}

fn check(loaded: &Loaded) -> u8 {
    for problem in &loaded.problems {
        eprintln!("{problem}");
    }
    if loaded.settings.is_none() {
        return SETTINGS;
    }
    eprintln!("the settings can be used");
    DONE
}

fn show(loaded: &Loaded) -> u8 {
    for shown in &loaded.shown {
        println!("{:<52} {:<44} {}", shown.key, shown.value.as_deref().unwrap_or("-"), shown.place);
    }
    check(loaded)
}

fn look(loaded: &Loaded, environment: &[(String, String)], arguments: &Arguments) -> u8 {
    let mut findings = doctor::of_settings(&loaded.problems);
    let whole = loaded.settings.clone().map(|settings| (settings, BTreeSet::new()));
    // What does not depend on a wrong one can be looked at all the same.
    let can_be_looked_at = whole.or_else(|| config::without_wrong(Path::new("."), environment, arguments));
    if let Some((settings, left_out)) = &can_be_looked_at {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("start the runtime: {error}");
                return FAILED;
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
        (true, _) => SETTINGS,
        (false, true) => FAILED,
        (false, false) => DONE,
    }
}

fn run(loaded: Loaded, environment: &[(String, String)], version: &'static str) -> u8 {
    let begun = Instant::now();
    host::keep_files_to_ourselves();
    // Before there is another thread: the variables that tell of them are taken away.
    let sockets = host::handed_in(environment);
    let file = log_file(&loaded, Path::new("."), kept().is_some());
    let (levels, begun_log) = log(loaded.settings.as_ref(), file.as_deref(), version);
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
    let Some(settings) = loaded.settings else { return SETTINGS };
    let sockets = match sockets {
        Ok(sockets) => sockets,
        Err(error) => {
            tracing::error!(%error, "take the sockets that were handed in (LISTEN_FDS)");
            return FAILED;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "start the runtime");
            return FAILED;
        }
    };
    let ended = runtime.block_on(until_stopped(settings, sockets, levels, Began { at: begun, version }));
    // What a blocking thread still does is let go: it is on the queue.
    runtime.shutdown_timeout(Duration::from_secs(5));
    match ended {
        Ok(()) => {
            tracing::info!("ended in order");
            DONE
        }
        Err(error) => {
            tracing::error!(error = %Chain(&error), "cannot run");
            FAILED
        }
    }
}

/// Lines of the log are masked behind the name of a password and a colon; here the name is all that is told of it.
fn in_log(problem: &Problem) -> String {
    let about = if problem.key.is_empty() { String::new() } else { format!(" ({})", problem.key) };
    format!("{}, at {}{about}; right would be: {}", problem.wrong, problem.place, problem.right)
}

/// Where the log goes besides standard error. That of a service, which has nobody who sees it, goes where the settings say
/// even if something else in them is wrong.
fn log_file(loaded: &Loaded, home: &Path, is_service: bool) -> Option<PathBuf> {
    if let Some(settings) = &loaded.settings {
        return settings.logging.file.clone();
    }
    let said = loaded.shown.iter().find(|shown| shown.key == "logging.file.name").and_then(|it| it.value.as_deref());
    said.filter(|_| is_service).map(|said| home.join(said))
}

/// As the settings say; where they are wrong, as it is without a word.
fn log(settings: Option<&config::Settings>, file: Option<&Path>, version: &str) -> (Levels, std::io::Result<()>) {
    let logging = settings.map(|settings| &settings.logging);
    let ours = logging.map_or(LevelFilter::INFO, |logging| logging.ours);
    let root = logging.and_then(|logging| logging.root).unwrap_or(LevelFilter::WARN);
    let fields = settings.filter(|settings| settings.logging.is_json).map(|settings| {
        let commit = manage::commit().map(|commit| ("buildinfo.lastcommit", commit.to_owned()));
        let known = vec![
            ("appname", "integrasjonspunkt".to_owned()),
            ("HOSTNAME", hostname::get().map_or_else(|_| "-".to_owned(), |name| name.to_string_lossy().into_owned())),
            ("buildinfo.version", version.to_owned()),
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
        file,
    })
}

/// What began, and when.
struct Began {
    at: Instant,
    version: &'static str,
}

async fn until_stopped(
    settings: config::Settings,
    sockets: Vec<TcpListener>,
    levels: Levels,
    began: Began,
) -> Result<(), app::CannotRun> {
    let stop = Stop::default();
    let kept = kept();
    // Before it is ready, so that nobody can ask too early.
    let signals = efm::console::Stop::listen();
    let signals = async {
        match signals {
            Ok(mut signals) => stop.ask(signals.asked().await),
            Err(error) => tracing::error!(%error, "signals are not heard; POST /manage/shutdown stops it"),
        }
        std::future::pending::<()>().await;
    };
    let mut asks = Asks::of(kept);
    // Asked on and on: it is also what tells the service control that we are still at it.
    let control = async {
        loop {
            stop.ask(asks.heard().await);
        }
    };
    let told = async {
        tracing::info!(by = stop.asked().await, "stops: takes no more, and finishes what is in hand");
        if let Some(kept) = kept {
            kept.leaving(TO_LEAVE);
        }
        std::future::pending::<()>().await;
    };
    let Began { at, version } = began;
    let ready = |address| {
        tracing::info!(%address, after = ?at.elapsed(), version, "ready");
        if let Some(kept) = kept {
            kept.at_work();
        }
    };
    tokio::select! {
        ended = app::run_as(version, settings, sockets, Clock::machine(), stop.clone(), levels, ready) => ended,
        () = signals => Ok(()),
        () = control => Ok(()),
        () = told => Ok(()),
    }
}
