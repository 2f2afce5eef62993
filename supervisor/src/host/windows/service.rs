//! Windows' services. Not yet: `WinSW` keeps `kosmos run`, as it kept KOSMOS.

use crate::host::service::{Plan, ServiceError, Services, Standing, Word};

/// The service of one name.
#[derive(Debug)]
pub struct Here;

impl Services for Here {
    type Step = String;

    async fn look(_: Option<&str>) -> Result<Self, ServiceError> {
        Err(ServiceError::NoManager("kosmos cannot be a Windows service yet; let WinSW run `kosmos run`".to_owned()))
    }

    fn may_change(&self, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }

    fn plan(&self, _: &Word) -> Result<Plan<String>, ServiceError> {
        Err(ServiceError::NoManager("not yet".to_owned()))
    }

    async fn carry_out(&self, _: &String) -> Result<(), ServiceError> {
        Ok(())
    }

    fn standing(&self) -> Standing {
        Standing { runs: false, lines: Vec::new() }
    }
}
