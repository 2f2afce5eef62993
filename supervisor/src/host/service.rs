//! The service that keeps `kosmos run` running: systemd's unit, or Windows' service.
//!
//! Start at [`Services`]. Each system has one of its own in `system::service`: it looks at how things stand, plans a word
//! as steps, and carries out one step at a time. A plan is made of what is, so that a word that was said before has no
//! steps left, and `--dry-run` prints the very plan that would be carried out.

use std::fmt;
use std::path::{Path, PathBuf};

pub use efm::service::{Plan, ServiceError, Standing};

pub use super::system::service::Here;

/// What is asked of the system's services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Install, take over, start.
    Install(Wish),
    /// Stop both, take away.
    Uninstall,
    /// Start.
    Start,
    /// Stop both.
    Stop,
    /// The supervisor leaves, and what it keeps goes on: for a package that puts another one in its place.
    Leave,
    /// The supervisor anew.
    Restart,
}

/// How it is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// This home folder; none: KOSMOS' where one is found, else the service's own.
    pub home: Option<PathBuf>,
    /// This user; none: KOSMOS', else the owner of the home folder, else one of its own.
    pub user: Option<String>,
    /// It starts with the machine.
    pub with_machine: bool,
}

/// The services of a system.
#[allow(async_fn_in_trait, reason = "everything runs in one task on one thread; no future here need be Send")]
pub trait Services: Sized {
    /// What is done at a time.
    type Step: fmt::Display;

    /// The service of this name, as it stands; none: the one without a name.
    async fn look(name: Option<&str>) -> Result<Self, ServiceError>;
    /// Whether this user may change it.
    fn may_change(&self, act: &str) -> Result<(), ServiceError>;
    /// A word as steps.
    fn plan(&self, word: &Word) -> Result<Plan<Self::Step>, ServiceError>;
    /// Carries out one step. Not cancel safe.
    async fn carry_out(&self, step: &Self::Step) -> Result<(), ServiceError>;
    /// How it stands.
    fn standing(&self) -> Standing;
}

/// Without one of these in the home folder there is nothing to keep.
pub const SETTINGS: [&str; 3] = ["integrasjonspunkt-local.properties", "kosmos-local.properties", "kosmos.toml"];

/// Whether a file name is that of KOSMOS' own archive.
pub fn is_kosmos_jar(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    name.starts_with("kosmos") && Path::new(&name).extension().is_some_and(|ending| ending == "jar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kosmos_is_known_by_its_jar() {
        for jar in ["kosmos.jar", "/opt/ip/kosmos-1.2.3.jar", "C:\\ip\\KOSMOS-1.0.jar"] {
            assert!(is_kosmos_jar(jar), "{jar}");
        }
        for other in ["integrasjonspunkt-4.0.8.jar", "kosmos", "/opt/kosmos/app.jar", "/usr/bin/kosmos"] {
            assert!(!is_kosmos_jar(other), "{other}");
        }
    }
}
