//! `/api/capabilities` and `/servicerecord`: who can be reached how.

use super::answer::json;
use super::problem::Problem;
use super::query::Parameters;
use crate::domain::{Kind, Service};
use crate::flow::{Desk, Refusal, Trouble, reach};
use crate::ports::{Asked, Entry, Party, Patient, PostAddress, Record, Whereabouts};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

type Here = State<Arc<Desk>>;

/// `GET /api/capabilities/{receiverIdentifier}`
pub(super) async fn capabilities(
    State(desk): Here,
    Path(identifier): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let asked = parameters.asked(reach::identifier(&identifier))?;
    let records = reach::capabilities(&desk, asked).await?;
    json(&Capabilities { capabilities: records.iter().map(Capability::of).collect() })
}

/// `GET /servicerecord/{identifier}`: nothing at all for somebody who is not known.
pub(super) async fn record(State(desk): Here, Path(identifier): Path<String>) -> Result<Response, Problem> {
    let asked = Asked { identifier: reach::identifier(&identifier), ..Asked::default() };
    match reach::record(&desk, asked).await {
        Ok((entry, record)) => json(&Found::of(&entry, &record)),
        Err(Trouble::Refused(Refusal::IdentifierNotFound(_))) => Ok(StatusCode::NOT_FOUND.into_response()),
        Err(other) => Err(other.into()),
    }
}

#[derive(Serialize)]
struct Capabilities<'a> {
    capabilities: Vec<Capability<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capability<'a> {
    process: &'a str,
    service_identifier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_address: Option<AddressBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_address: Option<AddressBody<'a>>,
    document_types: Vec<DocumentType<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digital_post_address: Option<Mailbox<'a>>,
}

#[derive(Serialize)]
struct DocumentType<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    standard: &'a str,
}

#[derive(Serialize)]
struct Mailbox<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressBody<'a> {
    name: &'a str,
    street: &'a str,
    postal_code: &'a str,
    postal_area: &'a str,
    country: &'a str,
}

impl<'a> Capability<'a> {
    fn of(record: &'a Record) -> Self {
        // Only what goes to citizens needs to know where they live.
        let of_citizen = record.service == Service::Dpi;
        let has_mailbox = record.mailbox.is_some() || record.mailbox_supplier.is_some();
        let mailbox = || Mailbox { supplier: record.mailbox_supplier.as_deref(), address: record.mailbox.as_deref() };
        Self {
            process: &record.process,
            service_identifier: record.service.name(),
            post_address: of_citizen.then(|| AddressBody::of(&record.address)),
            return_address: of_citizen.then(|| AddressBody::of(&record.return_address)),
            document_types: record.document_types.iter().map(|standard| DocumentType::of(standard)).collect(),
            digital_post_address: (of_citizen && has_mailbox).then(mailbox),
        }
    }
}

impl<'a> DocumentType<'a> {
    fn of(standard: &'a str) -> Self {
        let kind = Kind::ALL.into_iter().find(|kind| kind.fits(standard)).map(Kind::name);
        Self { kind, standard }
    }
}

impl<'a> AddressBody<'a> {
    fn of(address: &'a PostAddress) -> Self {
        let PostAddress { name, street, code, area, country } = address;
        Self { name, street, postal_code: code, postal_area: area, country }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    info_record: Info<'a>,
    service_record: Way<'a>,
    service_records: Vec<Way<'a>>,
}

impl<'a> Found<'a> {
    fn of(entry: &'a Entry, record: &'a Record) -> Self {
        Self {
            info_record: Info::of(&entry.party),
            service_record: Way::of(record),
            service_records: entry.records.iter().map(Way::of).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    her_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_her_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_organization_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_type: Option<EntityType<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postadresse: Option<Postadresse<'a>>,
}

#[derive(Serialize)]
struct EntityType<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acronym: Option<&'a str>,
}

#[derive(Serialize)]
struct Postadresse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    adresse: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postnummer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    poststed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    land: Option<&'a str>,
}

impl<'a> Info<'a> {
    fn of(party: &'a Party) -> Self {
        Self {
            identifier: &party.identifier,
            organization_name: party.name.as_deref(),
            organization_number: party.organisation.as_deref(),
            her_id: party.her_id,
            parent_her_id: party.parent_her_id,
            parent_organization_name: party.parent_name.as_deref(),
            entity_type: party
                .kind
                .as_ref()
                .map(|(name, acronym)| EntityType { name: name.as_deref(), acronym: acronym.as_deref() }),
            postadresse: party.address.as_ref().map(|Whereabouts { street, code, area, country }| Postadresse {
                adresse: street.as_deref(),
                postnummer: code.as_deref(),
                poststed: area.as_deref(),
                land: country.as_deref(),
            }),
        }
    }
}

/// A record in the registry's own words.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Way<'a> {
    organisation_number: &'a str,
    pem_certificate: &'a str,
    process: &'a str,
    document_types: &'a [String],
    service: ServiceBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orgnr_postkasse: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postkasse_adresse: Option<&'a str>,
    epost_adresse: &'a str,
    mobilnummer: &'a str,
    fysisk_post: bool,
    kan_varsles: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    spraak: Option<&'a str>,
    post_address: AddressBody<'a>,
    return_address: AddressBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    her_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<PatientBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceBody<'a> {
    identifier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_edition_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_level: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PatientBody<'a> {
    fnr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
}

impl<'a> Way<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            organisation_number: &record.organisation,
            pem_certificate: &record.certificate,
            process: &record.process,
            document_types: &record.document_types,
            service: ServiceBody {
                identifier: record.service.name(),
                endpoint_url: record.endpoint.as_deref(),
                service_code: record.service_code.as_deref(),
                service_edition_code: record.service_edition_code.as_deref(),
                security_level: record.security_level,
                resource: record.resource.as_deref(),
            },
            orgnr_postkasse: record.mailbox_supplier.as_deref(),
            postkasse_adresse: record.mailbox.as_deref(),
            epost_adresse: &record.email,
            mobilnummer: &record.mobile,
            fysisk_post: record.is_on_paper,
            kan_varsles: record.may_be_notified,
            spraak: record.language.as_deref(),
            post_address: AddressBody::of(&record.address),
            return_address: AddressBody::of(&record.return_address),
            her_id: record.her_id.as_deref(),
            patient: record.patient.as_ref().map(|Patient { number, first_name, middle_name, last_name }| {
                PatientBody {
                    fnr: number,
                    first_name: first_name.as_deref(),
                    middle_name: middle_name.as_deref(),
                    last_name: last_name.as_deref(),
                }
            }),
        }
    }
}
