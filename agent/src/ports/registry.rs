//! Who can be reached how: the service registry.

use super::Answer;
use crate::domain::{Envelope, Service};
use std::fmt;

/// Looks receivers up. Nothing here changes anything; every call may be dropped.
pub trait Registry: Send + Sync {
    /// Over which service this message goes, and what the registry knows of its receiver for this process and document
    /// type. Channels ask it once more when they send; within some minutes that is answered from memory.
    fn route<'a>(&'a self, envelope: &'a Envelope) -> Answer<'a, Route, LookupError>;
    /// All that is known of somebody.
    fn look_up<'a>(&'a self, asked: &'a Asked) -> Answer<'a, Entry, LookupError>;
    /// Only who somebody is.
    fn who_is<'a>(&'a self, identifier: &'a str) -> Answer<'a, Party, LookupError>;
    /// The business certificate that is registered for an organisation, as PEM.
    fn certificate<'a>(&'a self, organisation: &'a str) -> Answer<'a, String, LookupError>;
    /// The key of the service bus, for DPE.
    fn service_bus_key(&self) -> Answer<'_, efm::secret::Secret, LookupError>;
    /// Whether our own certificate is in time, and the one that is registered for us.
    fn own_certificate(&self) -> Answer<'_, (), WrongCertificate>;
}

/// What is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// An organisation's number, a person's, `her-id:<number>`, `fastlege-for:<person>`.
    pub identifier: String,
    /// For this process alone.
    pub process: Option<String>,
    /// The level that a mailbox must have.
    pub security_level: Option<u32>,
    /// The conversation that it is for; the registry notes it.
    pub conversation: Option<String>,
}

// Without the identifier: it may be a person.
impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("process", &self.process).finish_non_exhaustive()
    }
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Over which service.
    pub service: Service,
    /// What the registry says of the receiver; none where nobody was asked.
    pub record: Option<Record>,
}

/// All that is known of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Who it is.
    pub party: Party,
    /// How it can be reached, in the registry's order.
    pub records: Vec<Record>,
}

/// `infoRecord`: who somebody is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// `identifier`
    pub identifier: String,
    /// `organizationName`
    pub name: Option<String>,
    /// `organizationNumber`
    pub organisation: Option<String>,
    /// `herId`
    pub her_id: Option<u64>,
    /// `parentHerId`
    pub parent_her_id: Option<u64>,
    /// `parentOrganizationName`
    pub parent_name: Option<String>,
    /// `entityType`: its name and its acronym.
    pub kind: Option<(Option<String>, Option<String>)>,
    /// `postadresse`
    pub address: Option<Whereabouts>,
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").finish_non_exhaustive()
    }
}

/// `postadresse` of who somebody is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// `adresse`
    pub street: Option<String>,
    /// `postnummer`
    pub code: Option<String>,
    /// `poststed`
    pub area: Option<String>,
    /// `land`
    pub country: Option<String>,
}

/// `serviceRecords[]`: a way to reach somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// `organisationNumber`
    pub organisation: String,
    /// `pemCertificate`, with its BEGIN and END lines; empty where there is none.
    pub certificate: String,
    /// `process`
    pub process: String,
    /// `documentTypes`
    pub document_types: Vec<String>,
    /// `service.identifier`
    pub service: Service,
    /// `service.endpointUrl`; for DPE the end of the name of a queue.
    pub endpoint: Option<String>,
    /// `service.serviceCode`
    pub service_code: Option<String>,
    /// `service.serviceEditionCode`
    pub service_edition_code: Option<String>,
    /// `service.securityLevel`
    pub security_level: Option<u32>,
    /// `service.resource`; for DPV Altinn's name of the resource.
    pub resource: Option<String>,
    /// `orgnrPostkasse`: whose mailbox.
    pub mailbox_supplier: Option<String>,
    /// `postkasseAdresse`: which mailbox.
    pub mailbox: Option<String>,
    /// `epostAdresse`
    pub email: String,
    /// `mobilnummer`
    pub mobile: String,
    /// `fysiskPost`: on paper.
    pub is_on_paper: bool,
    /// `kanVarsles`
    pub may_be_notified: bool,
    /// `spraak`
    pub language: Option<String>,
    /// `postAddress`
    pub address: PostAddress,
    /// `returnAddress`
    pub return_address: PostAddress,
    /// `herId`
    pub her_id: Option<String>,
    /// `patient`
    pub patient: Option<Patient>,
}

// Without what may be a person's.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("service", &self.service).field("process", &self.process).finish_non_exhaustive()
    }
}

/// A postal address; what is missing is empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PostAddress {
    /// `name`
    pub name: String,
    /// `street`; its lines are parted by `;`.
    pub street: String,
    /// `postalCode`
    pub code: String,
    /// `postalArea`
    pub area: String,
    /// `country`
    pub country: String,
}

/// `patient`: for whom a general practitioner is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Patient {
    /// `fnr`
    pub number: String,
    /// `firstName`
    pub first_name: Option<String>,
    /// `middleName`
    pub middle_name: Option<String>,
    /// `lastName`
    pub last_name: Option<String>,
}

/// What goes wrong with a look-up. The words are what a case system reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The registry knows no such receiver, or not for this process and document type.
    #[error("{0}")]
    NotFound(String),
    /// The registry refuses to answer.
    #[error("{0}")]
    Refused(String),
    /// It could not be asked, or its answer makes no sense.
    #[error("{0}")]
    Unavailable(String),
}

/// Our own certificate is not one to send with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongCertificate(pub String);
