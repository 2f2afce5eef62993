//! What the registry writes, read: every member may be missing or null, and members that are not named here are ignored.

use crate::domain::Service;
use crate::ports::{Entry, Party, Patient, PostAddress, Record, Whereabouts};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads an answer of `/identifier`.
pub(super) fn entry(json: &[u8]) -> Result<Entry, serde_json::Error> {
    let wire: WireEntry = serde_json::from_slice(json)?;
    let records = wire.service_records.unwrap_or_default().into_iter().map(record).collect();
    Ok(Entry { party: wire.info_record.map(party).unwrap_or_default(), records })
}

/// Reads an answer of `/info`: who it is, by itself or inside of what `/identifier` answers.
pub(super) fn info(json: &[u8]) -> Result<Party, serde_json::Error> {
    let whole: WireEntry = serde_json::from_slice(json)?;
    match whole.info_record {
        Some(info) => Ok(party(info)),
        None => serde_json::from_slice(json).map(party),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    info_record: Option<WireParty>,
    service_records: Option<Vec<WireRecord>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireParty {
    identifier: Option<String>,
    organization_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    organization_number: Option<String>,
    #[serde(default, deserialize_with = "number")]
    her_id: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    parent_her_id: Option<u64>,
    parent_organization_name: Option<String>,
    entity_type: Option<WireKind>,
    postadresse: Option<WireWhereabouts>,
}

#[derive(Deserialize)]
struct WireKind {
    name: Option<String>,
    acronym: Option<String>,
}

#[derive(Deserialize)]
struct WireWhereabouts {
    adresse: Option<String>,
    #[serde(default, deserialize_with = "text")]
    postnummer: Option<String>,
    poststed: Option<String>,
    land: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRecord {
    #[serde(default, deserialize_with = "text")]
    organisation_number: Option<String>,
    pem_certificate: Option<String>,
    process: Option<String>,
    document_types: Option<Vec<String>>,
    service: Option<WireService>,
    #[serde(default, deserialize_with = "text")]
    orgnr_postkasse: Option<String>,
    postkasse_adresse: Option<String>,
    epost_adresse: Option<String>,
    #[serde(default, deserialize_with = "text")]
    mobilnummer: Option<String>,
    fysisk_post: Option<bool>,
    kan_varsles: Option<bool>,
    spraak: Option<String>,
    post_address: Option<WireAddress>,
    return_address: Option<WireAddress>,
    #[serde(default, deserialize_with = "text")]
    her_id: Option<String>,
    patient: Option<WirePatient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireService {
    identifier: Option<String>,
    endpoint_url: Option<String>,
    #[serde(default, deserialize_with = "text")]
    service_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    service_edition_code: Option<String>,
    #[serde(default, deserialize_with = "number")]
    security_level: Option<u64>,
    resource: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAddress {
    name: Option<String>,
    street: Option<String>,
    #[serde(default, deserialize_with = "text")]
    postal_code: Option<String>,
    postal_area: Option<String>,
    country: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePatient {
    #[serde(default, deserialize_with = "text")]
    fnr: Option<String>,
    first_name: Option<String>,
    middle_name: Option<String>,
    last_name: Option<String>,
}

/// A text, also where it was written as a number.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// A number, also where it was written as a text.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(text(from)?.and_then(|text| text.trim().parse().ok()))
}

fn party(wire: WireParty) -> Party {
    Party {
        identifier: wire.identifier.unwrap_or_default(),
        name: wire.organization_name,
        organisation: wire.organization_number,
        her_id: wire.her_id,
        parent_her_id: wire.parent_her_id,
        parent_name: wire.parent_organization_name,
        kind: wire.entity_type.map(|kind| (kind.name, kind.acronym)),
        address: wire.postadresse.map(|it| Whereabouts {
            street: it.adresse,
            code: it.postnummer,
            area: it.poststed,
            country: it.land,
        }),
    }
}

fn record(wire: WireRecord) -> Record {
    let service = wire.service;
    let named = service.as_ref().and_then(|service| Service::named(service.identifier.as_deref()?));
    let (endpoint, service_code, service_edition_code, security_level, resource) = service
        .map(|it| (it.endpoint_url, it.service_code, it.service_edition_code, it.security_level, it.resource))
        .unwrap_or_default();
    Record {
        organisation: wire.organisation_number.unwrap_or_default(),
        certificate: wire.pem_certificate.map(|pem| with_lines(&pem)).unwrap_or_default(),
        process: wire.process.unwrap_or_default(),
        document_types: wire.document_types.unwrap_or_default(),
        service: named.unwrap_or(Service::Unknown),
        endpoint,
        service_code,
        service_edition_code,
        security_level: security_level.and_then(|level| u32::try_from(level).ok()),
        resource,
        mailbox_supplier: wire.orgnr_postkasse,
        mailbox: wire.postkasse_adresse,
        email: wire.epost_adresse.unwrap_or_default(),
        mobile: wire.mobilnummer.unwrap_or_default(),
        is_on_paper: wire.fysisk_post.unwrap_or_default(),
        may_be_notified: wire.kan_varsles.unwrap_or_default(),
        language: wire.spraak,
        address: address(wire.post_address),
        return_address: address(wire.return_address),
        her_id: wire.her_id,
        patient: wire.patient.map(|it| Patient {
            number: it.fnr.unwrap_or_default(),
            first_name: it.first_name,
            middle_name: it.middle_name,
            last_name: it.last_name,
        }),
    }
}

fn address(wire: Option<WireAddress>) -> PostAddress {
    let WireAddress { name, street, postal_code, postal_area, country } = wire.unwrap_or_default();
    PostAddress {
        name: name.unwrap_or_default(),
        street: street.unwrap_or_default(),
        code: postal_code.unwrap_or_default(),
        area: postal_area.unwrap_or_default(),
        country: country.unwrap_or_default(),
    }
}

/// A certificate that came without its first and last line gets them.
pub(super) fn with_lines(pem: &str) -> String {
    let pem = pem.trim();
    if pem.is_empty() || pem.contains("-----BEGIN") {
        return pem.to_owned();
    }
    format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_null_or_strange_is_read_as_the_java_one_reads_it() {
        let json = br#"{"infoRecord":{"identifier":"910075918","herId":"8143548","entityType":null,"new":1},
            "serviceRecords":[{"service":{"identifier":"DPX","serviceCode":4192,"securityLevel":"3"},"pemCertificate":"MII",
            "postAddress":null,"organisationNumber":null,"documentTypes":null,"mobilnummer":99999999}]}"#;
        let entry = entry(json).unwrap();
        assert_eq!((entry.party.her_id, entry.party.kind.is_none()), (Some(8_143_548), true));
        let [record] = &entry.records[..] else { panic!("{entry:?}") };
        assert_eq!((record.service, record.security_level), (Service::Unknown, Some(3)));
        assert_eq!((record.service_code.as_deref(), record.mobile.as_str()), (Some("4192"), "99999999"));
        assert_eq!(record.certificate, "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----");
        assert!(record.organisation.is_empty() && record.document_types.is_empty() && record.address.name.is_empty());
        assert_eq!(super::entry(b"{}").unwrap(), Entry::default());
        assert!(super::entry(b"[]").is_err());
    }

    #[test]
    fn who_somebody_is_is_read_bare_and_wrapped() {
        let bare = info(br#"{"identifier":"910075918","organizationName":"TEST - C4"}"#).unwrap();
        let wrapped = info(br#"{"infoRecord":{"identifier":"910075918","organizationName":"TEST - C4"}}"#).unwrap();
        assert_eq!((bare.name.as_deref(), bare == wrapped), (Some("TEST - C4"), true));
    }

    #[test]
    fn nothing_of_a_person_is_printed() {
        let json = br#"{"infoRecord":{"identifier":"01010750160"},"serviceRecords":[{"epostAdresse":"k@x.no"}]}"#;
        let printed = format!("{:?}", entry(json).unwrap());
        assert!(!printed.contains("0101") && !printed.contains("k@x"), "{printed}");
    }
}
