//! Who can be reached how. [`Directory`] asks the service registry; [`Everybody`] is the registry of a site whose only channel
//! leads to a folder, [`Absent`] that of one that cannot ask.
//!
//! An answer is believed for its signature alone ([`trust`]), and only where it is one to what was asked.

mod directory;
mod everybody;
mod jws;
mod own;
mod record;
mod select;
mod trust;

pub use directory::{Directory, Place};
pub use everybody::Everybody;
pub use jws::BadSignature;
pub use own::Own;
pub use trust::{Authorities, KeySet, Trust};

use crate::domain::Envelope;
use crate::ports::{Answer, Asked, Entry, LookupError, Party, Registry, Route, WrongCertificate};
use efm::secret::Secret;

/// Nobody can be asked.
#[derive(Clone, Debug)]
pub struct Absent {
    /// Who would be, and why that is not possible.
    pub why: String,
}

impl Absent {
    fn no<T: Send + 'static>(&self) -> Answer<'_, T, LookupError> {
        Box::pin(async move { Err(LookupError::Unavailable(self.why.clone())) })
    }
}

impl Registry for Absent {
    fn route<'a>(&'a self, _: &'a Envelope) -> Answer<'a, Route, LookupError> {
        self.no()
    }

    fn look_up<'a>(&'a self, _: &'a Asked) -> Answer<'a, Entry, LookupError> {
        self.no()
    }

    fn who_is<'a>(&'a self, _: &'a str) -> Answer<'a, Party, LookupError> {
        self.no()
    }

    fn certificate<'a>(&'a self, _: &'a str) -> Answer<'a, String, LookupError> {
        self.no()
    }

    fn service_bus_key(&self) -> Answer<'_, Secret, LookupError> {
        self.no()
    }

    fn own_certificate(&self) -> Answer<'_, (), WrongCertificate> {
        Box::pin(async { Ok(()) })
    }
}
