//! The registry of a site whose only channel leads to a folder: what the real one would say of those who have a place there.

use crate::domain::{Envelope, Kind, Service};
use crate::ports::{Answer, Asked, Entry, LookupError, Party, PostAddress, Record, Registry, Route, WrongCertificate};
use efm::secret::Secret;
use std::fmt;
use std::sync::Arc;

/// Whether somebody has a place in the folder.
pub type Knows = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Everybody can be written to over one service; of those who have a place it says what they take.
#[derive(Clone)]
pub struct Everybody {
    service: Service,
    knows: Knows,
}

impl fmt::Debug for Everybody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Everybody").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Everybody {
    /// In place of this service.
    pub fn over(service: Service, knows: Knows) -> Self {
        Self { service, knows }
    }

    fn entry(&self, asked: &Asked) -> Result<Entry, LookupError> {
        let Asked { identifier, process, .. } = asked;
        let records = ways(self.service, identifier);
        let records: Vec<_> =
            records.into_iter().filter(|one| process.as_ref().is_none_or(|process| one.process == *process)).collect();
        if records.is_empty() || !(self.knows)(identifier) {
            let of_process = process.as_deref().unwrap_or("null");
            return Err(LookupError::NotFound(format!(
                "Service record not found for parameters: SRParameter(identifier={}, process={of_process})",
                efm::masking::mask(identifier)
            )));
        }
        Ok(Entry { party: named(identifier), records })
    }
}

impl Registry for Everybody {
    fn route<'a>(&'a self, _: &'a Envelope) -> Answer<'a, Route, LookupError> {
        let service = self.service;
        Box::pin(async move { Ok(Route { service, record: None }) })
    }

    fn look_up<'a>(&'a self, asked: &'a Asked) -> Answer<'a, Entry, LookupError> {
        Box::pin(async move { self.entry(asked) })
    }

    fn who_is<'a>(&'a self, identifier: &'a str) -> Answer<'a, Party, LookupError> {
        Box::pin(async move { Ok(named(identifier)) })
    }

    fn certificate<'a>(&'a self, _: &'a str) -> Answer<'a, String, LookupError> {
        Box::pin(async { Err(LookupError::NotFound("messages go into a folder: no certificate is registered".into())) })
    }

    fn service_bus_key(&self) -> Answer<'_, Secret, LookupError> {
        Box::pin(async { Err(LookupError::NotFound("messages go into a folder: there is no service bus".into())) })
    }

    fn own_certificate(&self) -> Answer<'_, (), WrongCertificate> {
        Box::pin(async { Ok(()) })
    }
}

fn named(identifier: &str) -> Party {
    Party { identifier: identifier.to_owned(), ..Party::default() }
}

/// A record for each process of the service.
fn ways(service: Service, identifier: &str) -> Vec<Record> {
    let record = |(process, kinds): (&str, &[Kind])| Record {
        organisation: identifier.to_owned(),
        certificate: String::new(),
        process: format!("urn:no:difi:profile:{process}"),
        document_types: kinds.iter().map(|kind| kind.standard().to_owned()).collect(),
        service,
        endpoint: None,
        service_code: None,
        service_edition_code: None,
        security_level: None,
        resource: None,
        mailbox_supplier: None,
        mailbox: None,
        email: String::new(),
        mobile: String::new(),
        is_on_paper: false,
        may_be_notified: false,
        language: None,
        address: PostAddress::default(),
        return_address: PostAddress::default(),
        her_id: None,
        patient: None,
    };
    processes(service).into_iter().map(record).collect()
}

type Process = (&'static str, &'static [Kind]);

const ADMINISTRATION: Process = ("arkivmelding:administrasjon:ver1.0", &[Kind::Arkivmelding]);
const OF_ARKIVMELDING: [Process; 10] = [
    ("arkivmelding:planByggOgGeodata:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:helseSosialOgOmsorg:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:oppvekstOgUtdanning:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:kulturIdrettOgFritid:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:trafikkReiserOgSamferdsel:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:naturOgMiljoe:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:naeringsutvikling:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:skatterOgAvgifter:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:tekniskeTjenester:ver1.0", &[Kind::Arkivmelding]),
    ("arkivmelding:taushetsbelagt:ver1.0", &[Kind::Arkivmelding]),
];

fn processes(service: Service) -> Vec<Process> {
    let letters = || [ADMINISTRATION].into_iter().chain(OF_ARKIVMELDING);
    let more: &[Process] = match service {
        Service::Dpo => &[
            ("arkivmelding:response:ver1.0", &[Kind::ArkivmeldingKvittering, Kind::Status]),
            ("avtalt:avtalt:ver1.0", &[Kind::Avtalt]),
            ("avtalt:response:ver1.0", &[Kind::Status]),
        ],
        Service::Dpf => &[("arkivmelding:response:ver1.0", &[Kind::ArkivmeldingKvittering])],
        Service::Dpv => {
            &[("digitalpost:info:ver1.0", &[Kind::DigitalDpv]), ("digitalpost:vedtak:ver1.0", &[Kind::DigitalDpv])]
        }
        Service::Dpi => &[
            ("digitalpost:info:ver1.0", &[Kind::Digital]),
            ("digitalpost:vedtak:ver1.0", &[Kind::Digital, Kind::Print]),
        ],
        Service::Dpe => &[
            ("einnsyn:journalpost:ver1.0", &[Kind::Publisering]),
            ("einnsyn:meeting:ver1.0", &[Kind::Publisering]),
            ("einnsyn:innsynskrav:ver1.0", &[Kind::Innsynskrav]),
            ("einnsyn:response:ver1.0", &[Kind::EinnsynKvittering, Kind::Status]),
        ],
        Service::Dph => &[
            ("helse:helse:ver1.0", &[Kind::Dialogmelding]),
            ("helse:response:ver1.0", &[Kind::DialogmeldingKvittering]),
        ],
        Service::Unknown => &[],
    };
    let has_letters = matches!(service, Service::Dpo | Service::Dpv | Service::Dpf);
    letters().filter(|_| has_letters).chain(more.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(identifier: &str, process: Option<&str>) -> Asked {
        Asked { identifier: identifier.into(), process: process.map(str::to_owned), ..Asked::default() }
    }

    #[test]
    fn who_has_a_place_takes_what_the_service_carries_and_nobody_else_is_known() {
        let everybody = Everybody::over(Service::Dpo, Arc::new(|receiver| receiver == "910075918"));
        let entry = everybody.entry(&asked("910075918", None)).unwrap();
        let first = entry.records.first().unwrap();
        assert_eq!(first.process, "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0");
        assert_eq!(first.document_types, ["urn:no:difi:arkivmelding:xsd::arkivmelding"]);
        let avtalt = "urn:no:difi:profile:avtalt:avtalt:ver1.0";
        assert_eq!(everybody.entry(&asked("910075918", Some(avtalt))).unwrap().records.len(), 1);
        for (who, process) in [("910077473", None), ("910075918", Some("urn:no:difi:profile:none:ver1.0"))] {
            assert!(matches!(everybody.entry(&asked(who, process)), Err(LookupError::NotFound(_))), "{who}");
        }
    }

    #[test]
    fn every_service_carries_something_whose_standard_fits_its_type() {
        for service in [Service::Dpo, Service::Dpv, Service::Dpi, Service::Dpf, Service::Dpe, Service::Dph] {
            let all = processes(service);
            assert!(!all.is_empty(), "{}", service.name());
            assert!(all.iter().flat_map(|(_, kinds)| kinds.iter()).all(|kind| kind.fits(kind.standard())));
        }
    }
}
