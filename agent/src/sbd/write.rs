//! From an [`Envelope`] to text: the header first, then the body under the name that its sender gave it.

use super::wire::{BusinessScope, DocumentIdentification, Header, Identifier, Partner, Scope, ScopeInformation};
use crate::domain::{self, Envelope, Party};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// The document as JSON.
///
/// # Errors
/// Text that was passed through is no JSON, which cannot be where [`super::read`] made it.
pub fn write(envelope: &Envelope) -> Result<Box<RawValue>, serde_json::Error> {
    let raw = |text: &Option<String>| text.clone().map(RawValue::from_string).transpose();
    let partner = |party: &Party| -> Result<Partner, serde_json::Error> {
        let identifier = Identifier {
            value: Some(party.participant.text()),
            authority: Some(party.participant.authority().name().to_owned()),
        };
        Ok(Partner { identifier: Some(identifier), contact_information: raw(&party.contact_information)? })
    };
    let partners = |party: &Option<Party>| -> Result<Option<Vec<Partner>>, serde_json::Error> {
        party.as_ref().map(|party| Ok(vec![partner(party)?])).transpose()
    };
    let header = Header {
        header_version: Some(envelope.header_version.clone()),
        sender: partners(&envelope.sender)?,
        receiver: partners(&envelope.receiver)?,
        document_identification: Some(identification(&envelope.document)),
        manifest: raw(&envelope.manifest)?,
        business_scope: Some(BusinessScope { scope: envelope.scopes.iter().map(scope).collect() }),
    };
    let body = RawValue::from_string(envelope.body.text.clone())?;
    let name = &envelope.document.kind_as_written;
    serde_json::value::to_raw_value(&Whole { header: &header, name, body: &body })
}

struct Whole<'a> {
    header: &'a Header,
    name: &'a str,
    body: &'a RawValue,
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("standardBusinessDocumentHeader", self.header)?;
        map.serialize_entry(self.name, self.body)?;
        map.end()
    }
}

fn identification(document: &domain::Document) -> DocumentIdentification {
    DocumentIdentification {
        standard: Some(document.standard.clone()),
        type_version: Some(document.type_version.clone()),
        instance_identifier: document.message_id.as_ref().map(ToString::to_string),
        kind: Some(document.kind_as_written.clone()),
        multiple_type: document.multiple_type,
        creation_date_and_time: document.created.as_ref().map(ToString::to_string),
    }
}

fn scope(scope: &domain::Scope) -> Scope {
    let information = scope.information.iter().map(|information| ScopeInformation {
        requesting_document_creation_date_time: information.requesting_created.clone(),
        requesting_document_instance_identifier: information.requesting_instance.clone(),
        expected_response_date_time: information.expected_response.as_ref().map(ToString::to_string),
    });
    Scope {
        scope_type: Some(scope.scope_type.name().to_owned()),
        instance_identifier: scope.instance.clone(),
        identifier: scope.identifier.clone(),
        scope_information: information.collect(),
    }
}
