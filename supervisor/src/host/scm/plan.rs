//! A word about the service as steps, decided over what was found. Pure.

use std::fmt;
use std::path::{Path, PathBuf};

pub use efm::service::Known;
use efm::service::Put;

use super::winsw::Kosmos;
use super::{Account, Definition, HOME_OF_OLD, NAME, OTHER_NAME, PRODUCT, Start};
use crate::host::service::{Plan, ServiceError, Wish, Word};

/// Where the home folder is when nobody says, nothing is found, and [`HOME_OF_OLD`] is not there.
pub const OWN_HOME: &str = r"C:\ProgramData\kosmos";

/// What a supervisor that begins anew does to what it keeps.
const GOES_ON: &str = "the integration point goes on, and is adopted";

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A folder is made.
    MakeFolder(PathBuf),
    /// The service is put into the list, or what is there is changed.
    Put(Put),
    /// The service is let into the home folder, and ordinary users are kept out of our folder in it.
    SetRights {
        /// The home folder.
        home: PathBuf,
        /// Our folder in it.
        state: PathBuf,
        /// The name of the service.
        service: String,
    },
    /// A service of KOSMOS is never started again by itself.
    Disable(String),
    /// A service of KOSMOS ends, and what it runs does not.
    EndKosmos(Kosmos),
    /// The service is started.
    Start(String),
    /// The supervisor leaves; the integration point goes on.
    Leave(String),
    /// `kosmos stop`: the integration point, and then the supervisor.
    StopBoth(PathBuf),
    /// The service is taken out of the list.
    Remove(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeFolder(path) => write!(f, "make the folder {}", path.display()),
            Self::Put(put) => write!(f, "{put}"),
            Self::SetRights { home, service, .. } => {
                write!(
                    f,
                    "let NT SERVICE\\{service} write in {}, and only it, the system and administrators in the folder kosmos there",
                    home.display()
                )
            }
            Self::Disable(service) => write!(f, "disable the service {service}; it is not deleted"),
            Self::EndKosmos(kosmos) => {
                write!(f, "end the service {} with {}; the integration point goes on", kosmos.service, kosmos.jar)
            }
            Self::Start(service) => write!(f, "start the service {service}"),
            Self::Leave(service) => write!(f, "stop the service {service}"),
            Self::StopBoth(home) => write!(f, "stop the integration point and the supervisor in {}", home.display()),
            Self::Remove(service) => write!(f, "take the service {service} out of the list"),
        }
    }
}

/// A service of KOSMOS, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub kosmos: Kosmos,
    /// It runs.
    pub is_up: bool,
    /// It starts with the machine, or may be started.
    pub is_enabled: bool,
}

/// All that a plan is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name that ours has or would have.
    pub name: String,
    /// A person has given the name.
    pub is_named: bool,
    /// Ours, if it is in the list.
    pub known: Option<Known>,
    /// Those of KOSMOS.
    pub kosmos: Vec<Found>,
    /// This program.
    pub program: PathBuf,
    /// How long a machine that goes down is to wait.
    pub preshutdown: std::time::Duration,
}

/// What only the disk can say of a folder.
pub trait Folders {
    /// It is there.
    fn is_there(&self, folder: &Path) -> bool;
    /// It has settings in it.
    fn has_settings(&self, home: &Path) -> bool;
    /// Its rights, and those of our folder in it, are as they should be for this service.
    fn are_rights_set(&self, home: &Path, service: &str) -> bool;
}

/// What our service is called without a name of a person's: the first name, unless a service of others has it.
pub fn name_among(services: &[super::winsw::Registered]) -> String {
    let held = |name: &str| services.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    let is_ours = |name: &str| held(name).is_some_and(|it| super::ours(&it.command_line).is_some());
    let name = if !is_ours(NAME) && (is_ours(OTHER_NAME) || held(NAME).is_some()) { OTHER_NAME } else { NAME };
    name.to_owned()
}

impl Facts {
    /// The home folder of the service that is there.
    pub fn home(&self) -> Option<PathBuf> {
        super::ours(&self.known.as_ref()?.command_line).map(|(_, home)| home)
    }

    /// A word as steps.
    pub fn plan(&self, word: &Word, folders: &impl Folders) -> Result<Plan<Step>, ServiceError> {
        let home = self.home();
        let plan = |steps, runs_then| Plan {
            steps,
            remarks: Vec::new(),
            home: home.clone().unwrap_or_else(|| OWN_HOME.into()),
            runs_then,
        };
        let name = || self.name.clone();
        match (word, &self.known) {
            (Word::Install(wish), _) => self.install(wish, folders),
            (Word::Uninstall | Word::Leave, None) => Ok(plan(Vec::new(), false)),
            (Word::Uninstall, Some(known)) => {
                let mut steps = self.stop(known, folders);
                steps.push(Step::Remove(name()));
                let mut plan = plan(steps, false);
                plan.remarks.push(format!("{} is as it was; there may be messages in it", plan.home.display()));
                for found in self.kosmos.iter().filter(|it| it.kosmos.folder.as_ref() == home.as_ref()) {
                    let service = &found.kosmos.service;
                    plan.remarks.push(format!(
                        "KOSMOS is still there: sc config {service} start= auto, then: sc start {service}"
                    ));
                }
                Ok(plan)
            }
            (Word::Start | Word::Stop | Word::Restart, None) => {
                let text = format!("there is no service {}; kosmos service install makes it", self.name);
                Err(ServiceError::Refused(text))
            }
            (Word::Start, Some(known)) => {
                Ok(plan(if known.is_up { Vec::new() } else { vec![Step::Start(name())] }, true))
            }
            (Word::Stop, Some(known)) => {
                let mut plan = plan(self.stop(known, folders), false);
                if !plan.steps.is_empty() && known.start != Start::Manual {
                    plan.remarks.push("both start again with the machine".to_owned());
                }
                Ok(plan)
            }
            (Word::Leave, Some(known)) => {
                Ok(plan(if known.is_up { vec![Step::Leave(name())] } else { Vec::new() }, false))
            }
            (Word::Restart, Some(_)) => {
                let mut plan = plan(vec![Step::Leave(name()), Step::Start(name())], true);
                plan.remarks.push(GOES_ON.to_owned());
                Ok(plan)
            }
        }
    }

    fn stop(&self, known: &Known, folders: &impl Folders) -> Vec<Step> {
        if !known.is_up {
            return Vec::new();
        }
        // It has the supervisor end too; the control is asked besides, for one that hears nobody. One whose home folder is
        // gone keeps nothing any more.
        let both = self.home().filter(|home| folders.is_there(home)).map(Step::StopBoth);
        both.into_iter().chain([Step::Leave(self.name.clone())]).collect()
    }

    fn install(&self, wish: &Wish, folders: &impl Folders) -> Result<Plan<Step>, ServiceError> {
        let taken = self.to_take_over(wish)?;
        let there = self.home();
        let home =
            wish.home.clone().or_else(|| there.clone()).or_else(|| taken.and_then(|it| it.kosmos.folder.clone()));
        let home = home.unwrap_or_else(|| {
            let old = PathBuf::from(HOME_OF_OLD);
            if folders.is_there(&old) { old } else { OWN_HOME.into() }
        });
        if let Some(other) = there.filter(|there| *there != home)
            && self.known.as_ref().is_some_and(|known| known.is_up)
        {
            let text = format!(
                "the service {} keeps {}: stop it first, or give this one a name of its own with --name",
                self.name,
                other.display()
            );
            return Err(ServiceError::Refused(text));
        }
        let mut steps = Vec::new();
        if !folders.is_there(&home) {
            steps.push(Step::MakeFolder(home.clone()));
        }
        let runs_then = folders.has_settings(&home) && wish.with_machine;
        let is_changed = self.put(wish, &home, &mut steps);
        if !folders.are_rights_set(&home, &self.name) {
            let state = crate::ports::state_folder(&home);
            steps.push(Step::SetRights { home: home.clone(), state, service: self.name.clone() });
        }
        let mut plan = Plan { steps, remarks: Vec::new(), home, runs_then };
        if let Some(taken) = taken {
            take_over(taken, &mut plan);
        }
        let is_up = self.known.as_ref().is_some_and(|known| known.is_up);
        if plan.runs_then && is_up && is_changed {
            plan.steps.push(Step::Leave(self.name.clone()));
            plan.remarks.push(GOES_ON.to_owned());
        }
        if plan.runs_then && (!is_up || is_changed) {
            plan.steps.push(Step::Start(self.name.clone()));
        }
        if !folders.has_settings(&plan.home) {
            plan.remarks.push(format!(
                "put integrasjonspunkt-local.properties, the keystore and eformidling-key.asc into {}, then: kosmos service start",
                plan.home.display()
            ));
        }
        Ok(plan)
    }

    /// The step that makes the list right, if it is not, and whether what runs must be started anew for it.
    fn put(&self, wish: &Wish, home: &Path, steps: &mut Vec<Step>) -> bool {
        let start = if wish.with_machine { Start::Delayed } else { Start::Manual };
        let definition = Definition {
            product: &PRODUCT,
            name: self.name.clone(),
            program: self.program.clone(),
            home: home.to_owned(),
            account: wish.user.clone().map_or(Account::Virtual, Account::Named),
            start,
            preshutdown: self.preshutdown,
        };
        let (needed, is_for_what_runs) = Put::needed(definition, self.known.as_ref());
        steps.extend(needed.map(Step::Put));
        is_for_what_runs
    }

    /// The KOSMOS of the home folder; where none is named, the only one that is still in use.
    fn to_take_over(&self, wish: &Wish) -> Result<Option<&Found>, ServiceError> {
        let of =
            |home: &Path| self.kosmos.iter().find(|it| it.kosmos.folder.as_deref().is_some_and(|at| same(at, home)));
        if let Some(home) = wish.home.clone().or_else(|| self.home()) {
            return Ok(of(&home));
        }
        if self.is_named {
            return Ok(None);
        }
        let in_use: Vec<&Found> = self.kosmos.iter().filter(|it| it.is_up || it.is_enabled).collect();
        match in_use.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several => {
                let in_words = |it: &&Found| match &it.kosmos.folder {
                    Some(folder) => format!("{} in {}", it.kosmos.service, folder.display()),
                    None => it.kosmos.service.clone(),
                };
                let all: Vec<String> = several.iter().map(in_words).collect();
                let text = format!("there are several KOSMOS: {}; say which: --home DIR", all.join(", "));
                Err(ServiceError::Refused(text))
            }
        }
    }
}

fn take_over(found: &Found, plan: &mut Plan<Step>) {
    if found.is_enabled {
        // First of all: what is ended by force would be started again by its own recovery.
        plan.steps.push(Step::Disable(found.kosmos.service.clone()));
    }
    if found.is_up {
        plan.steps.push(Step::EndKosmos(found.kosmos.clone()));
    }
    if found.is_up || found.is_enabled {
        plan.remarks.push(format!(
            "{} is stopped and disabled, not deleted; what it ran goes on, and is kept by us",
            found.kosmos.service
        ));
    }
}

/// Windows does not mind how a path is written.
fn same(one: &Path, other: &Path) -> bool {
    let plain = |path: &Path| path.to_string_lossy().replace('/', "\\").trim_end_matches('\\').to_lowercase();
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests;
