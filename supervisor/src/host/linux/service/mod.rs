//! systemd's units: the one of the package or one that is written here, a file beside it for what differs, and KOSMOS'
//! unit, which is stopped and disabled and never deleted.
//!
//! Start at [`Here`]. It asks `systemctl` and decides over what it said; [`Step`] is all that it may do.

mod files;
mod step;
mod units;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use files::Differs;
pub use step::Step;
use units::{Kosmos, Unit};

use crate::host::service::{Plan, SETTINGS, ServiceError, Services, Standing, Wish, Word};

/// Where a unit lies that was written here.
const OWN_UNITS: &str = "/etc/systemd/system";
/// Outlives no boot: how KOSMOS is stopped without what it runs.
const SPARING: &str = "[Service]\nKillMode=process\n";

/// The service of one name, and what is around it.
#[derive(Clone, Debug)]
pub struct Here {
    name: Option<String>,
    unit: Unit,
    kosmos: Vec<Kosmos>,
    /// Who runs this.
    is_root: bool,
    /// A package has brought the unit.
    is_packaged: bool,
    /// What of our files lies there, and what is in it.
    present: Vec<(PathBuf, String)>,
}

impl Services for Here {
    type Step = Step;

    async fn look(name: Option<&str>) -> Result<Self, ServiceError> {
        if !Path::new("/run/systemd/system").exists() {
            let text = "systemd does not run this machine; let what does run `kosmos run --home DIR`";
            return Err(ServiceError::NoManager(text.to_owned()));
        }
        let unit_name = files::unit_name(name);
        let mut names = listed("list-unit-files").await?;
        names.extend(listed("list-units").await?);
        names.retain(|known| !known.contains("@.") && *known != unit_name);
        names.sort();
        names.dedup();
        let mut show = vec!["show", "--no-pager", "--property", units::PROPERTIES, "--", &unit_name];
        show.extend(names.iter().map(String::as_str));
        let shown = units::read(&step::systemctl(&show).await?);
        let unit = shown.first().cloned().unwrap_or_default();
        let is_packaged = Path::new(files::PACKAGED).exists() && packaged_unit(name).exists();
        let ours = own_files(name).into_iter().chain([files::beside(&unit_name)]);
        let present = ours.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect();
        Ok(Self {
            name: name.map(str::to_owned),
            kosmos: shown.iter().filter_map(Kosmos::of).collect(),
            unit,
            is_root: rustix::process::geteuid().is_root(),
            is_packaged,
            present,
        })
    }

    fn may_change(&self, act: &str) -> Result<(), ServiceError> {
        if self.is_root {
            return Ok(());
        }
        let right = "only root may change services; say it again with sudo".to_owned();
        Err(ServiceError::NotAllowed { act: act.to_owned(), right })
    }

    fn plan(&self, word: &Word) -> Result<Plan<Step>, ServiceError> {
        let unit = self.unit_name();
        if let Word::Install(wish) = word {
            return self.install(wish);
        }
        if !self.unit.is_there() && *word != Word::Uninstall {
            return Err(ServiceError::Refused(format!("{unit} is not installed: kosmos service install")));
        }
        let home = self.home();
        let mut plan = Plan { steps: Vec::new(), remarks: Vec::new(), runs_then: false, home: home.clone() };
        match word {
            Word::Install(_) => {}
            Word::Start | Word::Restart => {
                if !has_settings(&home) {
                    return Err(ServiceError::Refused(missing(&home)));
                }
                if *word == Word::Restart {
                    plan.steps.push(Step::systemctl("restart", &unit));
                    plan.remarks.push("the integration point went on meanwhile".to_owned());
                } else if !self.unit.is_active() {
                    plan.steps.push(Step::systemctl("start", &unit));
                }
                plan.runs_then = true;
            }
            Word::Stop => {
                plan.steps = self.stop(&home);
                let remark = "nothing runs now: neither the supervisor nor the integration point";
                plan.remarks.push(format!("{remark}; `kosmos service start` starts both"));
            }
            Word::Leave => plan.steps.push(Step::systemctl("stop", &unit)),
            Word::Uninstall => self.uninstall(&home, &mut plan),
        }
        Ok(plan)
    }

    async fn carry_out(&self, step: &Step) -> Result<(), ServiceError> {
        step.carry_out().await
    }

    fn standing(&self) -> Standing {
        let mut lines = Vec::new();
        if self.unit.is_there() {
            let says = |property| self.unit.says(property);
            let boot =
                if self.unit.is_enabled() { "starts with the machine" } else { "does not start with the machine" };
            lines.push((
                "unit",
                format!("{}: {} ({}), {boot}", self.unit_name(), says("ActiveState"), says("SubState")),
            ));
            lines.push(("home", self.home().display().to_string()));
            if !["", "0"].contains(&says("MainPID")) {
                lines.push(("supervisor", format!("process {}", says("MainPID"))));
            }
            if !says("StatusText").is_empty() {
                lines.push(("says", says("StatusText").to_owned()));
            }
            if !has_settings(&self.home()) {
                lines.push(("missing", missing(&self.home())));
            }
        } else {
            lines.push(("unit", format!("{} is not installed: kosmos service install", self.unit_name())));
        }
        for found in &self.kosmos {
            let at_boot = if found.unit.is_enabled() { ", starts with the machine" } else { "" };
            let state = found.unit.says("ActiveState");
            lines.push(("KOSMOS", format!("{} in {}: {state}{at_boot}", found.unit.name(), found.home.display())));
        }
        Standing { runs: self.unit.is_active(), home: self.unit.is_there().then(|| self.home()), lines }
    }
}

impl Here {
    fn unit_name(&self) -> String {
        files::unit_name(self.name.as_deref())
    }

    /// Where the unit works as it is now.
    fn home(&self) -> PathBuf {
        self.unit.folder().unwrap_or_else(|| files::home_of_unit(self.name.as_deref()))
    }

    fn install(&self, wish: &Wish) -> Result<Plan<Step>, ServiceError> {
        let kosmos = self.to_take_over(wish)?;
        let own_home = files::home_of_unit(self.name.as_deref());
        let installed = self.unit.is_there().then(|| self.home());
        let home = wish
            .home
            .clone()
            .or_else(|| kosmos.map(|it| it.home.clone()))
            .or(installed)
            .unwrap_or_else(|| own_home.clone());
        let user = self.user(wish, kosmos, &home, &own_home)?;
        let mut plan =
            Plan { steps: Vec::new(), remarks: Vec::new(), runs_then: has_settings(&home), home: home.clone() };
        self.write_units(&mut plan);
        let program = if self.is_packaged { files::PACKAGED } else { files::OWN };
        // What was carried over from KOSMOS once stays when this is said again.
        let beside = files::beside(&self.unit_name());
        if home != own_home || user != "kosmos" {
            let kosmos = kosmos.map(|it| &it.unit);
            let text = files::differing(&Differs { program, home: &home, user: &user, kosmos });
            self.write(&mut plan, beside, text.map_err(ServiceError::Refused)?);
        } else if self.has(&beside).is_some() {
            plan.steps.push(Step::Remove(beside));
        }
        let is_changed = !plan.steps.is_empty();
        if is_changed {
            plan.steps.push(Step::Systemctl(vec!["daemon-reload".to_owned()]));
        }
        if let Some(kosmos) = kosmos {
            take_over(kosmos, &mut plan);
        }
        let unit = self.unit_name();
        if wish.with_machine && !self.unit.is_enabled() {
            plan.steps.push(Step::systemctl("enable", &unit));
        }
        if !wish.with_machine && self.unit.is_enabled() {
            plan.steps.push(Step::systemctl("disable", &unit));
        }
        if !plan.runs_then {
            plan.remarks.push(missing(&home));
        } else if !self.unit.is_active() {
            plan.steps.push(Step::systemctl("start", &unit));
        } else if is_changed {
            plan.steps.push(Step::systemctl("restart", &unit));
        }
        if user == "root" {
            let text = "it runs as root, as KOSMOS did. A user of its own is better: give it the folder, and name it with --user";
            plan.remarks.push(text.to_owned());
        }
        Ok(plan)
    }

    /// The KOSMOS of the home folder; where no folder is named, the only one that is still in use.
    fn to_take_over(&self, wish: &Wish) -> Result<Option<&Kosmos>, ServiceError> {
        if let Some(home) = &wish.home {
            return Ok(self.kosmos.iter().find(|it| it.home == *home));
        }
        if self.unit.is_there() && has_settings(&self.home()) {
            return Ok(self.kosmos.iter().find(|it| it.home == self.home()));
        }
        let in_use: Vec<&Kosmos> =
            self.kosmos.iter().filter(|it| it.unit.is_active() || it.unit.is_enabled()).collect();
        match in_use.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several => {
                let all: Vec<String> =
                    several.iter().map(|it| format!("{} in {}", it.unit.name(), it.home.display())).collect();
                let text = format!("there are several KOSMOS: {}; say which: --home DIR", all.join(", "));
                Err(ServiceError::Refused(text))
            }
        }
    }

    fn user(&self, wish: &Wish, kosmos: Option<&Kosmos>, home: &Path, own: &Path) -> Result<String, ServiceError> {
        let owner = step::owner(home);
        let kept = || self.unit.is_there().then(|| self.unit.says("User").to_owned()).filter(|it| !it.is_empty());
        let chosen = match (&wish.user, kosmos) {
            (Some(user), _) => user.clone(),
            (None, Some(kosmos)) => kosmos.user().to_owned(),
            (None, None) if home == own => kept().unwrap_or_else(|| "kosmos".to_owned()),
            (None, None) => owner.as_ref().map_or_else(|| "kosmos".to_owned(), |it| it.name.clone()),
        };
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        if chosen.is_empty() || !chosen.chars().all(fits) {
            return Err(ServiceError::Refused(format!("{chosen:?} is no name of a user")));
        }
        if chosen != "kosmos" && !step::is_user(&chosen) {
            return Err(ServiceError::Refused(format!("there is no user {chosen} here; name another with --user")));
        }
        if let Some(owner) = owner
            && kosmos.is_none()
            && owner.name != chosen
            && home != own
        {
            let text = format!(
                "{} belongs to {}, and the service would run as {chosen}: chown -R {chosen} {0}, or --user {1}",
                home.display(),
                owner.name
            );
            return Err(ServiceError::Refused(text));
        }
        Ok(chosen)
    }

    /// Those who have no package get its files.
    fn write_units(&self, plan: &mut Plan<Step>) {
        if self.is_packaged {
            return;
        }
        if !step::is_this_program(Path::new(files::OWN)) {
            plan.steps.push(Step::PutProgram(files::OWN.into()));
        }
        let before = plan.steps.len();
        let [sysusers, tmpfiles, unit] = own_files(self.name.as_deref());
        self.write(plan, sysusers, files::SYSUSERS.to_owned());
        self.write(plan, tmpfiles, files::TMPFILES.to_owned());
        let made = plan.steps.len() > before;
        let text = if self.name.is_some() { files::NAMED_UNIT } else { files::UNIT };
        self.write(plan, unit, files::for_own_program(text));
        if made {
            plan.steps.push(Step::Program("systemd-sysusers", vec!["kosmos.conf".to_owned()]));
            plan.steps.push(Step::Program("systemd-tmpfiles", vec!["--create".to_owned(), "kosmos.conf".to_owned()]));
        }
    }

    /// Writes a file that is not so already.
    fn write(&self, plan: &mut Plan<Step>, path: PathBuf, text: String) {
        if self.has(&path) != Some(&text) {
            plan.steps.push(Step::Write { path, text });
        }
    }

    fn has(&self, path: &Path) -> Option<&String> {
        self.present.iter().find(|(known, _)| known == path).map(|(_, text)| text)
    }

    fn stop(&self, home: &Path) -> Vec<Step> {
        let mut steps = Vec::new();
        if crate::ports::state_folder(home).is_dir() {
            steps.push(Step::StopBoth(home.to_owned()));
        }
        steps.push(Step::systemctl("stop", &self.unit_name()));
        steps
    }

    fn uninstall(&self, home: &Path, plan: &mut Plan<Step>) {
        let unit = self.unit_name();
        if self.unit.is_there() {
            plan.steps = self.stop(home);
            if self.unit.is_enabled() {
                plan.steps.push(Step::systemctl("disable", &unit));
            }
        }
        let mut ours = vec![files::beside(&unit)];
        if !self.is_packaged && self.name.is_none() {
            ours.extend(own_files(None));
        }
        let written: Vec<Step> = ours.into_iter().filter(|path| self.has(path).is_some()).map(Step::Remove).collect();
        if !written.is_empty() {
            plan.steps.extend(written);
            plan.steps.push(Step::Systemctl(vec!["daemon-reload".to_owned()]));
        }
        if self.is_packaged {
            plan.remarks.push("the unit itself is the package's: apt or dnf removes it".to_owned());
        }
        plan.remarks.push(format!("{} is as it was; there may be messages in it", home.display()));
        for found in self.kosmos.iter().filter(|it| it.home == home) {
            plan.remarks.push(format!("KOSMOS is still there: systemctl enable --now {}", found.unit.name()));
        }
    }
}

/// Stops and disables KOSMOS, and spares what it runs.
fn take_over(kosmos: &Kosmos, plan: &mut Plan<Step>) {
    let unit = kosmos.unit.name();
    if kosmos.unit.is_active() {
        let sparing = PathBuf::from(format!("/run/systemd/system/{unit}.d/zz-spare-the-integrasjonspunkt.conf"));
        let reload = || Step::Systemctl(vec!["daemon-reload".to_owned()]);
        if kosmos.takes_all_along() {
            plan.steps.push(Step::Write { path: sparing.clone(), text: SPARING.to_owned() });
            plan.steps.push(reload());
        }
        plan.steps.push(Step::systemctl("stop", unit));
        if kosmos.takes_all_along() {
            plan.steps.push(Step::Remove(sparing));
            plan.steps.push(reload());
        }
    }
    if kosmos.unit.is_enabled() {
        plan.steps.push(Step::systemctl("disable", unit));
    }
    if kosmos.unit.is_active() || kosmos.unit.is_enabled() {
        plan.remarks
            .push(format!("{unit} is stopped and disabled, not deleted; what it ran goes on, and is kept by us"));
    }
}

/// The names of all services that systemd has a file for, or has loaded.
async fn listed(word: &str) -> Result<Vec<String>, ServiceError> {
    let listed = step::systemctl(&[word, "--type=service", "--all", "--plain", "--no-legend", "--no-pager"]).await?;
    let names = listed.lines().filter_map(|line| line.split_ascii_whitespace().next());
    Ok(names.filter(|name| Path::new(name).extension().is_some_and(|it| it == "service")).map(str::to_owned).collect())
}

fn packaged_unit(name: Option<&str>) -> PathBuf {
    let file = if name.is_some() { "kosmos@.service" } else { "kosmos.service" };
    Path::new("/usr/lib/systemd/system").join(file)
}

/// Users, folders, unit: what a package would have brought.
fn own_files(name: Option<&str>) -> [PathBuf; 3] {
    let unit = if name.is_some() { "kosmos@.service" } else { "kosmos.service" };
    ["/etc/sysusers.d/kosmos.conf".into(), "/etc/tmpfiles.d/kosmos.conf".into(), Path::new(OWN_UNITS).join(unit)]
}

fn has_settings(home: &Path) -> bool {
    SETTINGS.iter().any(|name| home.join(name).exists())
}

fn missing(home: &Path) -> String {
    format!(
        "put integrasjonspunkt-local.properties, the keystore and eformidling-key.asc into {}, then: kosmos service start",
        home.display()
    )
}

/// What a step is carried out with.
fn quiet(program: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command.stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests;
