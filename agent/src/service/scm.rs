//! A word about the service of Windows as steps, decided over what was found. Pure, and the same on every system, so that
//! it can be read and tested anywhere; `windows` does what is said here.

use super::{Wish, Word};
use efm::service::{Account, Definition, Known, Plan, Product, Put, ServiceError, Start, sid_of};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Us, in the list of services. The words are in another order than those of kosmos, so that each knows its own.
pub const PRODUCT: Product = Product {
    name: "integrasjonspunkt",
    display_name: "integrasjonspunkt (eFormidling)",
    description: "Takes messages from a case system, sends them through eFormidling, and hands over what comes in.",
    before_home: &["run", "--service", "--home"],
    after_home: &[],
};

/// The folder that the guide of the Java one names.
pub const HOME_OF_OLD: &str = r"C:\integrasjonspunkt";
/// Where the home folder is when nobody says, nothing is found, and [`HOME_OF_OLD`] is not there.
pub const OWN_HOME: &str = r"C:\ProgramData\integrasjonspunkt";

/// A machine that goes down waits so long: what is in hand gets twenty seconds, what hangs on a disk five more, and a
/// machine that goes down is slow.
const PRESHUTDOWN: Duration = Duration::from_mins(1);

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A folder is made, for the service, the system and administrators alone.
    MakeFolder {
        /// Which.
        home: PathBuf,
        /// The name of the service.
        service: String,
    },
    /// The service is let into a folder that was there; nothing is taken from anybody.
    LetIn {
        /// Which.
        home: PathBuf,
        /// The name of the service.
        service: String,
    },
    /// The service is put into the list, or what is there is changed.
    Put(Put),
    /// It takes no more, finishes what is in hand, and ends.
    Stop(String),
    /// It is started.
    Start(String),
    /// It is taken out of the list.
    Remove(String),
}

impl Step {
    /// What `icacls` is told after the folder; none: this step is about no rights. Who a service is follows from its name,
    /// and the system and administrators are named by number, because Windows translates their names.
    pub fn rights(&self) -> Option<Vec<String>> {
        let service = |name: &str| format!("*{}:(OI)(CI)M", sid_of(name));
        match self {
            Self::MakeFolder { service: name, .. } => Some(vec![
                "/inheritance:r".into(),
                "/grant".into(),
                "*S-1-5-18:(OI)(CI)F".into(),
                "*S-1-5-32-544:(OI)(CI)F".into(),
                service(name),
            ]),
            Self::LetIn { service: name, .. } => Some(vec!["/grant".into(), service(name)]),
            Self::Put(_) | Self::Stop(_) | Self::Start(_) | Self::Remove(_) => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeFolder { home, service } => write!(
                f,
                "make the folder {} for NT SERVICE\\{service}, the system and administrators alone",
                home.display()
            ),
            Self::LetIn { home, service } => {
                write!(f, "let NT SERVICE\\{service} write in {}; nothing is taken from anybody", home.display())
            }
            Self::Put(put) => write!(f, "{put}"),
            Self::Stop(service) => write!(f, "stop the service {service}: what is in hand is finished first"),
            Self::Start(service) => write!(f, "start the service {service}"),
            Self::Remove(service) => write!(f, "take the service {service} out of the list"),
        }
    }
}

/// All that a plan is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name that ours has or would have.
    pub name: String,
    /// The service of that name, whosever it is.
    pub known: Option<Known>,
    /// This program.
    pub program: PathBuf,
    /// Where this program works.
    pub working: PathBuf,
}

/// What only the disk can say of a folder.
pub trait Folders {
    /// It is there.
    fn is_there(&self, folder: &Path) -> bool;
    /// It has settings in it.
    fn has_settings(&self, home: &Path) -> bool;
    /// A kosmos has worked in it.
    fn has_kosmos(&self, home: &Path) -> bool;
}

impl Facts {
    /// The home folder of the service that is there.
    pub fn home(&self) -> Option<PathBuf> {
        PRODUCT.of(&self.known.as_ref()?.command_line).map(|(_, home)| home)
    }

    /// A word as steps.
    ///
    /// # Errors
    /// It cannot be done as things stand.
    pub fn plan(&self, word: &Word, folders: &impl Folders) -> Result<Plan<Step>, ServiceError> {
        let home = self.ours()?;
        let is_up = self.known.as_ref().is_some_and(|known| known.is_up);
        let name = || self.name.clone();
        let plan = |steps, runs_then| {
            let home = home.clone().unwrap_or_else(|| OWN_HOME.into());
            Plan { steps, remarks: Vec::new(), home, runs_then }
        };
        let stop = || if is_up { vec![Step::Stop(name())] } else { Vec::new() };
        match word {
            Word::Install(wish) => self.install(wish, home.clone(), folders),
            Word::Uninstall if home.is_none() => Ok(plan(Vec::new(), false)),
            Word::Uninstall => {
                let mut plan = plan(stop(), false);
                plan.steps.push(Step::Remove(name()));
                plan.remarks.push(format!("{} is as it was; there may be messages in it", plan.home.display()));
                Ok(plan)
            }
            Word::Start | Word::Stop | Word::Restart if home.is_none() => {
                let text = format!("there is no service {}; integrasjonspunkt service install makes it", self.name);
                Err(ServiceError::Refused(text))
            }
            Word::Start => Ok(plan(if is_up { Vec::new() } else { vec![Step::Start(name())] }, true)),
            Word::Stop => {
                let mut plan = plan(stop(), false);
                let starts = self.known.as_ref().is_some_and(|known| known.start == Start::Automatic);
                if is_up && starts {
                    plan.remarks.push("it starts again with the machine".to_owned());
                }
                Ok(plan)
            }
            Word::Restart => {
                let mut plan = plan(stop(), true);
                plan.steps.push(Step::Start(name()));
                Ok(plan)
            }
        }
    }

    /// The home folder of ours; none: there is no service of this name.
    fn ours(&self) -> Result<Option<PathBuf>, ServiceError> {
        match (&self.known, self.home()) {
            (Some(known), None) => Err(ServiceError::Refused(format!(
                "the service {} is another program's ({}); give this one a name of its own: --name NAME",
                self.name, known.command_line
            ))),
            (_, home) => Ok(home),
        }
    }

    fn install(&self, wish: &Wish, there: Option<PathBuf>, folders: &impl Folders) -> Result<Plan<Step>, ServiceError> {
        let home = wish.home.clone().or_else(|| there.clone()).unwrap_or_else(|| self.fitting(folders));
        let is_up = self.known.as_ref().is_some_and(|known| known.is_up);
        if let Some(other) = there.filter(|there| *there != home && is_up) {
            let text = format!(
                "the service {} works in {}: stop it first, or give this one a name of its own with --name",
                self.name,
                other.display()
            );
            return Err(ServiceError::Refused(text));
        }
        let service = self.name.clone();
        let definition = Definition {
            product: &PRODUCT,
            name: service.clone(),
            program: self.program.clone(),
            home: home.clone(),
            account: wish.user.clone().map_or(Account::Virtual, Account::Named),
            start: if wish.with_machine { Start::Delayed } else { Start::Manual },
            preshutdown: PRESHUTDOWN,
        };
        let (put, is_for_what_runs) = Put::needed(definition, self.known.as_ref());
        let mut steps = Vec::new();
        if !folders.is_there(&home) {
            steps.push(Step::MakeFolder { home: home.clone(), service });
        } else if put.is_some() {
            steps.push(Step::LetIn { home: home.clone(), service });
        }
        steps.extend(put.map(Step::Put));
        let has_settings = folders.has_settings(&home);
        let runs_then = has_settings && wish.with_machine;
        if runs_then && is_up && is_for_what_runs {
            steps.push(Step::Stop(self.name.clone()));
        }
        if runs_then && (!is_up || is_for_what_runs) {
            steps.push(Step::Start(self.name.clone()));
        }
        let mut remarks = Vec::new();
        if !has_settings {
            remarks.push(format!(
                "put integrasjonspunkt-local.properties and the keystore into {}, then: integrasjonspunkt service start",
                home.display()
            ));
        }
        if folders.has_kosmos(&home) {
            remarks.push(format!(
                "a kosmos has worked in {}: where it still does it starts the integrasjonspunkt itself, and one of the two is \
                 one too many; kosmos service uninstall takes its service away",
                home.display()
            ));
        }
        Ok(Plan { steps, remarks, home, runs_then })
    }

    /// The home folder where nobody says: where we are if there are settings, the one of the guide if it is there, our own.
    fn fitting(&self, folders: &impl Folders) -> PathBuf {
        if folders.has_settings(&self.working) {
            return self.working.clone();
        }
        let old = PathBuf::from(HOME_OF_OLD);
        if folders.is_there(&old) { old } else { OWN_HOME.into() }
    }
}

#[cfg(test)]
mod tests;
