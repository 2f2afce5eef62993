//! Who can be reached how: the service registry.

use super::Answer;
use crate::domain::{Envelope, Service};

/// Looks receivers up.
pub trait Registry: Send + Sync {
    /// Over which service this message goes. Changes nothing; may be dropped.
    fn route<'a>(&'a self, envelope: &'a Envelope) -> Answer<'a, Route, LookupError>;
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Over which service.
    pub service: Service,
}

/// What goes wrong with a look-up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The registry knows no such receiver, or not for this process and document type.
    #[error("{0}")]
    NotFound(String),
    /// It could not be asked, or its answer makes no sense.
    #[error("{0}")]
    Unavailable(String),
}
