//! The words and flags. What stands in the doc comments here is what `--help` prints.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keeps an eFormidling integration point on its newest verified release.
///
/// Looks for releases, verifies their signatures, and in a maintenance window stops the running integration point,
/// starts the new version, watches it, and rolls back if it does not hold. Without a word it is `kosmos run`.
#[derive(Debug, Parser)]
#[command(name = "kosmos", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: kosmos help exit-codes. Settings: kosmos.toml or kosmos-local.properties in the home folder."
)]
pub struct Cli {
    /// The folder with the settings, the integration point's own files, and our state (default: the working folder; on Windows C:\integrasjonspunkt where that is there and the working folder has no settings);
    /// for `run`, `status` and `config check` it may be given more than once, or be a folder whose settings name several
    #[arg(long = "home", global = true, value_name = "DIR")]
    pub homes: Vec<PathBuf>,

    /// Started by Windows' service control and by nobody else
    #[arg(long, hide = true)]
    pub service: bool,

    /// How much is said on stderr and in the log: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log: tracing::Level,

    /// What to do
    #[command(subcommand)]
    pub word: Option<Word>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Keep the integration point, or those of several homes, one upgraded after the other: the long-running supervisor
    Run,
    /// Show it all on this machine without the outside world: an upgrade, a broken release, a roll-back
    Demo,
    /// Ask the release source what there is, and say what would be done and why; changes nothing
    Check {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Verify an archive by hand: who signed it, when, with what; what it says of itself
    Verify(Verify),
    /// Print the next ten windows and looks
    Schedule,
    /// Settings: show what is in force, or check for errors
    #[command(subcommand)]
    Config(Config),
    /// What runs, what is staged, what is waited for, and why not
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// What happened, newest last
    History {
        /// As JSON, a line each
        #[arg(long)]
        json: bool,
        /// How many rows
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = count)]
        last: usize,
    },
    /// Tell the running supervisor to fetch and verify now, and to install in the next window or at once
    Upgrade(Upgrade),
    /// Install nothing until a moment, or until it is taken back
    Hold(Hold),
    /// Let a version that was given up be tried again
    Forgive {
        /// The version
        version: String,
    },
    /// Verify an archive and put it into the vault, for sites without internet; it is installed like any other
    Import {
        /// An archive with its version in its name, and its signature beside it: `integrasjonspunkt-4.0.8.jar` and `.jar.asc`
        file: PathBuf,
    },
    /// Tell the running supervisor to read its settings again; the integration point goes on
    Reload,
    /// Stop the integration point and then the supervisor
    Stop,
    /// The service that keeps `kosmos run` running: systemd's unit, or Windows' service
    #[command(subcommand)]
    Service(Service),
    /// What the exit codes mean
    #[command(name = "exit-codes", long_about = super::exit::HELP)]
    ExitCodes,
}

/// Whether homes were given that are not among these: those before the word are forgotten where more come after it.
pub fn lost_homes(words: impl IntoIterator<Item = OsString>, homes: &[PathBuf]) -> bool {
    let is_home = |word: &OsString| {
        let word = word.to_string_lossy();
        word == "--home" || word.starts_with("--home=")
    };
    words.into_iter().filter(is_home).count() > homes.len()
}

fn count(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "it must be a whole number, like 50")
}

/// `kosmos verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The archive
    pub file: PathBuf,
    /// The detached signature (default: FILE.asc, then FILE.sig)
    #[arg(long, value_name = "F")]
    pub signature: Option<PathBuf>,
    /// A file with signing keys; may be given more than once (default: the keys of the settings)
    #[arg(long, value_name = "F")]
    pub key: Vec<PathBuf>,
    /// A whole fingerprint that must be the signer's; may be given more than once
    #[arg(long, value_name = "HEX")]
    pub fingerprint: Vec<String>,
}

/// `kosmos config …`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Each setting in force and where it came from; secrets masked
    Show,
    /// All errors at once: file, line, what is wrong, what would be right
    Check,
}

/// `kosmos service …`
#[derive(Debug, Subcommand)]
pub enum Service {
    /// Install and start it for a home folder, and take over from a KOSMOS that is found; said again, it mends
    Install(Install),
    /// Stop both and take the service away; the home folder and what is in it stay
    Uninstall(Which),
    /// Start it
    Start(Which),
    /// Stop the integration point and the supervisor; both start again with the machine
    Stop(Which),
    /// Stop the supervisor alone; the integration point goes on
    #[command(hide = true)]
    Leave(Which),
    /// Start the supervisor anew; the integration point goes on
    Restart(Which),
    /// Whether it is installed, runs, and starts with the machine
    Status(Which),
}

/// Which service, and whether in earnest.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Which one, where a machine has several; each has a home folder of its own
    #[arg(long, value_name = "NAME", value_parser = efm::service::checked_name)]
    pub name: Option<String>,
    /// Only print what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// `kosmos service install`
#[derive(Debug, Args)]
pub struct Install {
    /// Which, and whether in earnest.
    #[command(flatten)]
    pub which: Which,
    /// The user that it runs as (default: who KOSMOS ran as, else who owns the home folder, else one of its own)
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// With the machine, or when a person says so
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub start: StartsBy,
}

/// When a service starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StartsBy {
    /// With the machine
    Auto,
    /// When a person says so
    Manual,
}

/// `kosmos upgrade`
#[derive(Debug, Args)]
pub struct Upgrade {
    /// Install at once, not in the next window, and follow it to the end
    #[arg(long)]
    pub now: bool,
    /// This version instead of what the channel offers
    #[arg(long, value_name = "V")]
    pub to: Option<String>,
    /// The version may be older than what has run here
    #[arg(long, requires = "to")]
    pub allow_downgrade: bool,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT", default_value = "said on the command line")]
    pub reason: String,
}

/// `kosmos hold`
#[derive(Debug, Args)]
pub struct Hold {
    /// Until this moment: 2026-12-31, 2026-12-31T18:00, or a duration like 48h; without it, until it is taken back
    #[arg(long, value_name = "WHEN", conflicts_with = "end")]
    pub until: Option<String>,
    /// Why; shown in the status
    #[arg(long, value_name = "TEXT", default_value = "said on the command line")]
    pub reason: String,
    /// Take it back
    #[arg(long)]
    pub end: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_may_stand_after_the_word_or_before_it_and_none_is_lost() {
        let homes = |words: &[&str]| {
            let words = || ["kosmos"].iter().chain(words);
            let homes = Cli::try_parse_from(words()).unwrap().homes;
            (!lost_homes(words().map(OsString::from), &homes)).then_some(homes)
        };
        let two = Some(vec![PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(homes(&["run", "--home", "a", "--home", "b"]), two);
        assert_eq!(homes(&["--home", "a", "--home", "b", "run"]), two);
        assert_eq!(homes(&["--home", "a", "--home", "b"]), two);
        assert_eq!(homes(&["--home=a", "--home", "b", "run"]), two);
        assert_eq!(homes(&["run"]), Some(Vec::new()));
        assert_eq!(homes(&["--home", "a", "run", "--home", "b"]), None);
    }
}
