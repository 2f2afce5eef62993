//! `integrasjonspunkt service …`: plans, says what it does, does it.

use super::{DONE, FAILED, SETTINGS, STOPPED, USAGE};
use crate::config::{self, Arguments};
use crate::service::{Here, Wish, Word};
use clap::{Args, Subcommand, ValueEnum};
use efm::service::{Plan, ServiceError, Standing, checked_name};
use std::path::Path;

/// What to do with the service.
#[derive(Clone, Debug, Subcommand)]
pub enum Service {
    /// Install and start it for a home folder; said again, it mends
    Install(Install),
    /// Stop it in order and take it away; the home folder and what is in it stay
    Uninstall(Which),
    /// Start it
    Start(Which),
    /// Stop it in order: it takes no more, and finishes what is in hand
    Stop(Which),
    /// Stop it in order, and start it anew
    Restart(Which),
    /// Whether it is installed, runs, and starts with the machine
    Status(Which),
}

/// `service install`
#[derive(Args, Clone, Debug)]
pub struct Install {
    /// Which, and whether in earnest.
    #[command(flatten)]
    pub which: Which,
    /// The user that it runs as, one that needs no password (default: one of its own)
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// With the machine, or when a person says so
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub start: StartsBy,
}

/// When it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StartsBy {
    /// With the machine
    Auto,
    /// When a person says so
    Manual,
}

/// Which service, and whether in earnest.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// Which one, where a machine has several; each has a home folder of its own
    #[arg(long, value_name = "NAME", value_parser = checked_name)]
    pub name: Option<String>,
    /// Only print what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// The word, and its exit code.
pub(super) async fn service(home: Option<&Path>, said: &Service, arguments: &Arguments) -> u8 {
    if let Some((name, _)) = arguments.settings.first() {
        eprintln!(
            "integrasjonspunkt: a service has its settings in integrasjonspunkt-local.properties: put {name} there"
        );
        return USAGE;
    }
    match act(home, said).await {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("integrasjonspunkt: {error}");
            FAILED
        }
    }
}

async fn act(home: Option<&Path>, said: &Service) -> Result<u8, ServiceError> {
    let (which, word, name) = match said {
        Service::Install(install) => (&install.which, Word::Install(wish(home, install)?), "install the service"),
        Service::Uninstall(which) => (which, Word::Uninstall, "take the service away"),
        Service::Start(which) => (which, Word::Start, "start the service"),
        Service::Stop(which) => (which, Word::Stop, "stop the service"),
        Service::Restart(which) => (which, Word::Restart, "restart the service"),
        Service::Status(which) => return Ok(show(&Here::look(which.name.as_deref())?.standing())),
    };
    let here = Here::look(which.name.as_deref())?;
    let plan = here.plan(&word)?;
    if matches!(word, Word::Install(_) | Word::Start | Word::Restart) && !settings_are_good(&plan.home) {
        eprintln!("integrasjonspunkt: {name}: the settings in {} come first; nothing was changed", plan.home.display());
        return Ok(SETTINGS);
    }
    if which.dry_run {
        print!("{plan}");
        return Ok(DONE);
    }
    carry_out(&here, &plan, name).await?;
    let standing = Here::look(which.name.as_deref())?.standing();
    if plan.runs_then && !standing.runs {
        return Err(ServiceError::Refused(format!("{name}: it does not run; {} says why", log_of(&plan.home))));
    }
    Ok(DONE)
}

async fn carry_out(here: &Here, plan: &Plan<crate::service::scm::Step>, name: &str) -> Result<(), ServiceError> {
    if plan.steps.is_empty() {
        eprintln!("nothing to do");
    } else {
        here.may_change(name)?;
    }
    for step in &plan.steps {
        eprintln!("{step}");
        here.carry_out(step).await.inspect_err(|_| eprintln!("its log is {}", log_of(&plan.home)))?;
    }
    for remark in &plan.remarks {
        eprintln!("{remark}");
    }
    Ok(())
}

fn wish(home: Option<&Path>, install: &Install) -> Result<Wish, ServiceError> {
    let whole = |home: &Path| std::path::absolute(home).map_err(ServiceError::failed("find the home folder"));
    let home = home.map(whole).transpose()?;
    Ok(Wish { home, user: install.user.clone(), with_machine: install.start == StartsBy::Auto })
}

/// Settings that are wrong would be found by a service that does not start; they are said here, where somebody reads. The
/// environment of who says this is not the service's.
fn settings_are_good(home: &Path) -> bool {
    if !config::has_settings(home) {
        return true;
    }
    let loaded = config::load(home, &[], &Arguments::default());
    for problem in &loaded.problems {
        eprintln!("{problem}");
    }
    loaded.settings.is_some()
}

/// Where the service in this folder says what it does.
fn log_of(home: &Path) -> String {
    let loaded = config::load(home, &[], &Arguments::default());
    super::log_file(&loaded, home, true)
        .map_or_else(|| "nowhere (logging.file.name is empty)".to_owned(), |file| file.display().to_string())
}

fn show(standing: &Standing) -> u8 {
    print!("{standing}");
    if let Some(home) = &standing.home {
        println!("{:<11} {}", "log", log_of(home));
        if !config::has_settings(home) {
            println!("{:<11} integrasjonspunkt-local.properties", "missing");
        }
    }
    if standing.runs { DONE } else { STOPPED }
}
