//! `kosmos service …`: plans, says what it does, does it.

use std::path::Path;

use super::args;
use super::exit::Exit;
use super::settings_folder::SettingsFolder;
use crate::config;
use crate::host::service::{Here, SETTINGS, ServiceError, Services, Standing, Wish, Word};

/// `kosmos service …`
pub async fn service(home: Option<&Path>, word: &args::Service) -> Exit {
    match act(home, word).await {
        Ok(exit) => exit,
        Err(error) => {
            super::complain(&error);
            Exit::Failed
        }
    }
}

async fn act(home: Option<&Path>, said: &args::Service) -> Result<Exit, ServiceError> {
    use args::Service;
    let (which, word, name) = match said {
        Service::Install(install) => (&install.which, Word::Install(wish(home, install)?), "install the service"),
        Service::Uninstall(which) => (which, Word::Uninstall, "take the service away"),
        Service::Start(which) => (which, Word::Start, "start the service"),
        Service::Stop(which) => (which, Word::Stop, "stop the service"),
        Service::Leave(which) => (which, Word::Leave, "stop the supervisor"),
        Service::Restart(which) => (which, Word::Restart, "restart the service"),
        Service::Status(which) => return Ok(show(&Here::look(which.name.as_deref()).await?.standing())),
    };
    let here = Here::look(which.name.as_deref()).await?;
    let plan = here.plan(&word)?;
    if matches!(word, Word::Install(_)) && !settings_are_good(&plan.home) {
        eprintln!("kosmos: {name}: the settings in {} come first; nothing was changed", plan.home.display());
        return Ok(Exit::Settings);
    }
    if which.dry_run {
        print!("{plan}");
        return Ok(Exit::Done);
    }
    if !plan.steps.is_empty() {
        here.may_change(name)?;
    }
    for step in &plan.steps {
        eprintln!("{step}");
        here.carry_out(step).await?;
    }
    if plan.steps.is_empty() {
        eprintln!("nothing to do");
    }
    for remark in &plan.remarks {
        eprintln!("{remark}");
    }
    let runs = Here::look(which.name.as_deref()).await?.standing().runs;
    if plan.runs_then && !runs {
        return Err(ServiceError::Refused(format!(
            "{name}: it does not run; kosmos service status says how it stands"
        )));
    }
    Ok(Exit::Done)
}

fn wish(home: Option<&Path>, install: &args::Install) -> Result<Wish, ServiceError> {
    let home = home.map(|home| super::homes::folder(home).map_err(ServiceError::Refused)).transpose()?;
    let with_machine = install.start == args::StartsBy::Auto;
    Ok(Wish { home, user: install.user.clone(), with_machine })
}

/// Settings that are wrong would be found by a service that does not start; they are said here, where somebody reads.
fn settings_are_good(home: &Path) -> bool {
    if !SETTINGS.iter().any(|name| home.join(name).exists()) {
        return true;
    }
    match SettingsFolder::named(home.to_owned()).load() {
        Ok(_) => true,
        Err(problems) => {
            eprint!("{}", config::problems_text(&problems));
            false
        }
    }
}

fn show(standing: &Standing) -> Exit {
    print!("{standing}");
    if standing.runs { Exit::Done } else { Exit::NoSupervisor }
}
