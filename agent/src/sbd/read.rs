//! From text to an [`Envelope`].

use super::depth::{self, DEEPEST};
use super::rules::{Violation, violations};
use super::shape::{self, Misshapen, shaped};
use super::shapes;
use super::wire::{DocumentIdentification, Header, Partner};
use crate::domain::{
    Address, Body, Document, Envelope, Kind, MessageId, NotADate, Participant, Party, Scope, ScopeInformation,
    ScopeType, Unreadable, Written,
};
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

const HEADER: &str = "standardBusinessDocumentHeader";

/// Why a text is no document.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not JSON, or members of the wrong shape.
    #[error("JSON parse error")]
    NotJson(#[source] serde_json::Error),
    /// Brackets within brackets within brackets.
    #[error("JSON parse error: Document nesting depth ({0}) exceeds the maximum allowed ({DEEPEST})")]
    TooDeep(usize),
    /// A member has another shape than its type.
    #[error("JSON parse error: {0}")]
    Misshapen(#[from] Misshapen),
    /// The member beside the header is no message type.
    #[error("'{found}' is not a business message; known are {}", known())]
    UnknownBody {
        /// As it is named.
        found: String,
    },
    /// The business message is null.
    #[error("the business message is null")]
    NoBody,
    /// A date that is none.
    #[error("JSON parse error: {0}")]
    Date(#[from] NotADate),
    /// The header is not there.
    #[error("the document has no member {HEADER}")]
    NoHeader,
    /// There must be one member beside the header, named like the type.
    #[error("the document must have one member beside {HEADER}, and it has {}", list(.0))]
    NotOneBody(Vec<String>),
    /// The member beside the header has another name than the type.
    #[error("the business message is named '{found}' and the type is '{expected}'")]
    OtherBody {
        /// As it is named.
        found: String,
        /// As `documentIdentification.type` says.
        expected: &'static str,
    },
    /// Rules are not kept.
    #[error("{} rules are not kept", .0.len())]
    Invalid(Vec<Violation>),
    /// Sender or receiver cannot be read.
    #[error("read the identifier of the {whose}")]
    Identifier {
        /// `sender` or `receiver`.
        whose: &'static str,
        /// Why.
        #[source]
        why: Unreadable,
    },
    /// Only of documents that come from elsewhere: something that must be there is not.
    #[error("the document has no {0}")]
    Lacks(&'static str),
}

fn known() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Reads what a client wrote. All rules count.
///
/// # Errors
/// What is wrong with it, all of it where that can be said.
pub fn read(bytes: &[u8], now: Timestamp) -> Result<Envelope, Refused> {
    let bytes = shape::without_control_characters(bytes);
    let (header, (name, body)) = parts(&bytes)?;
    // The member is compared with regard to case, as the Java one does; the type is not.
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| Refused::UnknownBody { found: name.clone() })?;
    if body.get() == "null" {
        return Err(Refused::NoBody);
    }
    let (header, mut wrong) = shaped(header.get(), &shapes::HEADER, HEADER)?;
    let header: Header = serde_json::from_str(&header).map_err(Refused::NotJson)?;
    let named = header.document_identification.as_ref().and_then(|document| document.kind.as_deref());
    if let Some(expected) = named.and_then(Kind::named).filter(|expected| *expected != kind) {
        return Err(Refused::OtherBody { found: name, expected: expected.name() });
    }
    wrong.extend(violations(&header, now));
    let (body, broken) = shaped(body.get(), &shapes::of(kind), "any")?;
    wrong.extend(broken);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong));
    }
    envelope(header, &name, body)
}

/// Reads what the store kept or another integration point sent: not validated, only understood.
///
/// # Errors
/// It cannot be understood.
pub fn read_foreign(bytes: &[u8]) -> Result<Envelope, Refused> {
    let (header, (name, body)) = parts(bytes)?;
    let header: Header = serde_json::from_str(header.get()).map_err(Refused::NotJson)?;
    envelope(header, &name, text(body))
}

type NamedBody = (String, Box<RawValue>);

fn parts(bytes: &[u8]) -> Result<(Box<RawValue>, NamedBody), Refused> {
    if let Some(depth) = depth::beyond(bytes) {
        return Err(Refused::TooDeep(depth));
    }
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).map_err(Refused::NotJson)?;
    let header = members.remove(HEADER).filter(|header| header.get() != "null").ok_or(Refused::NoHeader)?;
    match (members.pop_first(), members.is_empty()) {
        (Some(body), true) => Ok((header, body)),
        (body, _) => {
            Err(Refused::NotOneBody(body.map(|(name, _)| name).into_iter().chain(members.into_keys()).collect()))
        }
    }
}

fn envelope(header: Header, name: &str, text_of_body: String) -> Result<Envelope, Refused> {
    let identification = header.document_identification.ok_or(Refused::Lacks("documentIdentification"))?;
    let document = document(identification)?;
    if name != document.kind.name() && name != document.kind_as_written {
        return Err(Refused::OtherBody { found: name.to_owned(), expected: document.kind.name() });
    }
    Ok(Envelope {
        header_version: header.header_version.unwrap_or_default(),
        sender: party(header.sender, "sender")?,
        receiver: party(header.receiver, "receiver")?,
        body: body(text_of_body)?,
        document,
        manifest: header.manifest.map(text),
        scopes: scopes(header.business_scope)?,
    })
}

/// What the house needs to know of a body, whatever its type.
fn body(text: String) -> Result<Body, Refused> {
    if !text.trim_start().starts_with('{') {
        return Err(Refused::Lacks("business message"));
    }
    let facts: Members<'_> = serde_json::from_str(&text).map_err(Refused::NotJson)?;
    let word = |name: &str| facts.get(name).and_then(|raw| word(raw));
    let files = facts.get("metadataFiler").and_then(|raw| members(raw)).unwrap_or_default();
    let back = facts.get("retur").and_then(|raw| members(raw)).unwrap_or_default();
    let body = Body {
        primary_document: word("hoveddokument"),
        security_level: facts.get("sikkerhetsnivaa").and_then(|raw| raw.get().parse().ok()),
        title: word("tittel"),
        status: word("status"),
        related_message: word("relatedToMessageId"),
        receipt_type: word("receiptType"),
        metadata_files: files.into_iter().map(|(name, of)| (name, self::word(of))).collect(),
        receiver_address: facts.get("mottaker").map(|raw| address(raw)),
        return_address: back.get("mottaker").map(|raw| address(raw)),
        text: String::new(),
    };
    Ok(Body { text, ..body })
}

/// The members of an object, each as it was written: nothing here goes down into what is nested.
type Members<'a> = BTreeMap<String, &'a RawValue>;

fn members(raw: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(raw.get()).ok()
}

fn word(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn address(of: &RawValue) -> Address {
    let lines = members(of).unwrap_or_default();
    let line = |name: &str| lines.get(name).and_then(|raw| word(raw));
    Address {
        name: line("navn"),
        first_line: line("adresselinje1"),
        postal_code: line("postnummer"),
        postal_area: line("poststed"),
        country: line("land"),
    }
}

fn text(raw: Box<RawValue>) -> String {
    Box::<str>::from(raw).into()
}

fn document(identification: DocumentIdentification) -> Result<Document, Refused> {
    let kind_as_written = identification.kind.ok_or(Refused::Lacks("type"))?;
    let kind = Kind::named(&kind_as_written).ok_or(Refused::Lacks("type that is known here"))?;
    let id = identification.instance_identifier.as_deref().map(MessageId::parse).transpose();
    Ok(Document {
        standard: identification.standard.ok_or(Refused::Lacks("standard"))?,
        type_version: identification.type_version.unwrap_or_default(),
        message_id: id.map_err(|_| Refused::Lacks("instanceIdentifier that is a UUID"))?,
        kind,
        kind_as_written,
        multiple_type: identification.multiple_type,
        created: identification.creation_date_and_time.as_deref().map(Written::parse).transpose()?,
    })
}

fn party(partners: Option<Vec<Partner>>, whose: &'static str) -> Result<Option<Party>, Refused> {
    let Some(partner) = partners.into_iter().flatten().next() else { return Ok(None) };
    let identifier = partner.identifier.unwrap_or_default();
    let (value, authority) = (identifier.value.unwrap_or_default(), identifier.authority.unwrap_or_default());
    let participant = Participant::parse(&value, &authority).map_err(|why| Refused::Identifier { whose, why })?;
    Ok(Some(Party { participant, contact_information: partner.contact_information.map(text) }))
}

fn scopes(business_scope: Option<super::wire::BusinessScope>) -> Result<Vec<Scope>, Refused> {
    let scopes = business_scope.map(|scope| scope.scope).unwrap_or_default();
    scopes.into_iter().map(scope).collect()
}

fn scope(scope: super::wire::Scope) -> Result<Scope, Refused> {
    let named = scope.scope_type.as_deref().and_then(ScopeType::named);
    let information = scope.scope_information.into_iter().map(|information| {
        Ok(ScopeInformation {
            requesting_created: information.requesting_document_creation_date_time,
            requesting_instance: information.requesting_document_instance_identifier,
            expected_response: information.expected_response_date_time.as_deref().map(Written::parse).transpose()?,
        })
    });
    Ok(Scope {
        scope_type: named.ok_or(Refused::Lacks("scope type that is known here"))?,
        instance: scope.instance_identifier,
        identifier: scope.identifier,
        information: information.collect::<Result<_, Refused>>()?,
    })
}
