//! The service that keeps `integrasjonspunkt run` running on a site without kosmos.
//!
//! Start at [`Word`]. Each system has a [`Here`]: it looks at how things stand, plans a word as steps, and carries out one
//! step at a time. A plan is made of what is, so that a word that was said before has no steps left, and `--dry-run` prints
//! the very plan that would be carried out. What a service is told and asked while it runs is `efm::service`.

pub mod scm;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Here;

#[cfg(not(windows))]
mod elsewhere;
#[cfg(not(windows))]
pub use elsewhere::Here;

use efm::service::Life;
use std::path::PathBuf;
use std::time::Duration;

/// What is in hand gets twenty seconds, and what hangs on a disk five more.
pub const TO_LEAVE: Duration = Duration::from_secs(30);

/// Nobody watches its loop, and what happens to it is in its log file: a service has no console.
pub static LIFE: Life = Life { name: scm::PRODUCT.name, is_watched: false, record: |_| {} };

/// What is asked of the system's services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Install and start.
    Install(Wish),
    /// Stop and take away.
    Uninstall,
    /// Start.
    Start,
    /// Stop, in order.
    Stop,
    /// Both.
    Restart,
}

/// How it is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// This home folder; none: that of the service that is there, else the one that fits.
    pub home: Option<PathBuf>,
    /// This user; none: the one that is there, else one of its own.
    pub user: Option<String>,
    /// It starts with the machine.
    pub with_machine: bool,
}
