//! Who can be reached how. The client of the service registry is not here yet: [`Absent`] says so to each who asks, and
//! [`Everybody`] is the registry of a site whose only channel leads to a folder.

use crate::domain::{Envelope, Service};
use crate::ports::{Answer, LookupError, Registry, Route};

/// Everybody can be reached over one service.
#[derive(Clone, Copy, Debug)]
pub struct Everybody(pub Service);

impl Registry for Everybody {
    fn route<'a>(&'a self, _envelope: &'a Envelope) -> Answer<'a, Route, LookupError> {
        let service = self.0;
        Box::pin(async move { Ok(Route { service }) })
    }
}

/// Nobody can be asked.
#[derive(Clone, Debug)]
pub struct Absent {
    /// Who would be.
    pub endpoint: String,
}

impl Registry for Absent {
    fn route<'a>(&'a self, _envelope: &'a Envelope) -> Answer<'a, Route, LookupError> {
        Box::pin(async move {
            let endpoint = &self.endpoint;
            Err(LookupError::Unavailable(format!("this version cannot ask the service registry {endpoint} yet")))
        })
    }
}
