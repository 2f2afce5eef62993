//! Where there is no service control of Windows: none of this can be.

use super::Word;
use super::scm::Step;
use efm::service::{Plan, ServiceError, Standing};

/// Nothing is here.
#[derive(Debug)]
pub enum Here {}

impl Here {
    /// Nothing to look at.
    ///
    /// # Errors
    /// Always.
    pub fn look(_name: Option<&str>) -> Result<Self, ServiceError> {
        let text = "services are made on Windows alone; have systemd run `integrasjonspunkt run --home DIR`";
        Err(ServiceError::NoManager(text.to_owned()))
    }

    /// Whether this user may change it.
    ///
    /// # Errors
    /// Never.
    pub fn may_change(&self, _act: &str) -> Result<(), ServiceError> {
        match *self {}
    }

    /// A word as steps.
    ///
    /// # Errors
    /// Never.
    pub fn plan(&self, _word: &Word) -> Result<Plan<Step>, ServiceError> {
        match *self {}
    }

    /// Carries out one step.
    ///
    /// # Errors
    /// Never.
    #[allow(clippy::unused_async, reason = "its twin on Windows waits for the service control")]
    pub async fn carry_out(&self, _step: &Step) -> Result<(), ServiceError> {
        match *self {}
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        match *self {}
    }
}
