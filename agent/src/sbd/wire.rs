//! The types of the wire: every member may be missing, and members that are not named here are ignored.

#![allow(clippy::struct_field_names, reason = "the members have the names of the standard")]

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Header {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sender: Option<Vec<Partner>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receiver: Option<Vec<Partner>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document_identification: Option<DocumentIdentification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manifest: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) business_scope: Option<BusinessScope>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Partner {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identifier: Option<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact_information: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Identifier {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authority: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DocumentIdentification {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) standard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) type_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance_identifier: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) multiple_type: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) creation_date_and_time: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct BusinessScope {
    pub(super) scope: Vec<Scope>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scope {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) scope_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identifier: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) scope_information: Vec<ScopeInformation>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScopeInformation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requesting_document_creation_date_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requesting_document_instance_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expected_response_date_time: Option<String>,
}
