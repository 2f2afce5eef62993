//! Where there is no service control of Windows.

use super::Word;
use super::scm::Step;
use efm::service::{Plan, ServiceError, Standing};

/// Nothing is here.
#[derive(Debug)]
pub struct Here;

impl Here {
    /// # Errors
    /// There is nothing to look at.
    pub fn look(_name: Option<&str>) -> Result<Self, ServiceError> {
        let text = "this word is for Windows; here systemd runs `integrasjonspunkt run --home DIR` (README)";
        Err(ServiceError::NoManager(text.to_owned()))
    }

    /// Nobody may.
    ///
    /// # Errors
    /// Always.
    pub fn may_change(&self, _act: &str) -> Result<(), ServiceError> {
        Self::look(None).map(drop)
    }

    /// No word.
    ///
    /// # Errors
    /// Always.
    pub fn plan(&self, word: &Word) -> Result<Plan<Step>, ServiceError> {
        Self::look(None).and_then(|here| here.plan(word))
    }

    /// Nothing.
    ///
    /// # Errors
    /// Always.
    pub async fn carry_out(&self, _step: &Step) -> Result<(), ServiceError> {
        Self::look(None).map(drop)
    }

    /// It is not.
    pub fn standing(&self) -> Standing {
        Standing { runs: false, home: None, lines: Vec::new() }
    }
}
