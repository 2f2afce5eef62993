//! What a document from a client must keep to, before anybody looks at what it means. All violations are told at once.

use super::wire::{DocumentIdentification, Header, Partner, Scope};
use crate::domain::{ConversationId, Kind, MessageId, ScopeType, Written};
use jiff::Timestamp;
use serde_json::Value;

/// Which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// It must be there.
    NotNull,
    /// It must have so many elements.
    Size {
        /// At least.
        min: u32,
        /// At most; none: as many as one likes.
        max: Option<u32>,
    },
    /// It must be a UUID.
    Uuid,
    /// It must be one of these.
    OneOf(&'static [&'static str]),
    /// It must be the type of a message that is known here.
    MessageType,
    /// It must lie ahead.
    Future,
    /// There must be an element.
    NotEmpty,
    /// It must be the number of a person.
    Person,
    /// It must not be there.
    Null,
    /// It must be an address that can be called.
    Url,
    /// It must be a filter of events.
    Filter,
}

/// A rule that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub constraint: Constraint,
    /// Where, from the document down, without the document: `standardBusinessDocumentHeader.headerVersion`.
    pub path: String,
    /// What stands there; none when nothing does.
    pub rejected: Option<Value>,
    /// The Java class of what should stand there: it is part of the codes that clients get.
    pub class: &'static str,
}

const HEADER: &str = "standardBusinessDocumentHeader";
const TEXT: &str = "java.lang.String";
const SET: &str = "java.util.Set";
const SCOPE_TYPES: [&str; 6] =
    ["ConversationId", "SenderRef", "ReceiverRef", "ParentId", "JournalpostId", "MessageChannel"];

/// All that is wrong with a header.
pub(super) fn violations(header: &Header, now: Timestamp) -> Vec<Violation> {
    let mut found = Found { violations: Vec::new(), now };
    found.needed(header.header_version.as_ref(), format!("{HEADER}.headerVersion"));
    found.partners(header.sender.as_deref(), "sender");
    found.partners(header.receiver.as_deref(), "receiver");
    match &header.document_identification {
        None => {
            let class = "no.difi.meldingsutveksling.domain.sbdh.DocumentIdentification";
            found.add_of(class, Constraint::NotNull, format!("{HEADER}.documentIdentification"), None);
        }
        Some(document) => found.document(document),
    }
    match header.business_scope.as_ref().map(|scope| scope.scope.as_slice()) {
        None => {
            let class = "no.difi.meldingsutveksling.domain.sbdh.BusinessScope";
            found.add_of(class, Constraint::NotNull, format!("{HEADER}.businessScope"), None);
        }
        Some([]) => {
            let none = Some(Value::Array(Vec::new()));
            found.add_of(SET, Constraint::NotEmpty, format!("{HEADER}.businessScope.scope"), none);
        }
        Some(scopes) => scopes.iter().enumerate().for_each(|(index, scope)| found.scope(index, scope)),
    }
    found.violations
}

struct Found {
    violations: Vec<Violation>,
    now: Timestamp,
}

impl Found {
    fn add(&mut self, constraint: Constraint, path: String, rejected: Option<String>) {
        let rejected = rejected.map(Value::from);
        self.violations.push(Violation { constraint, path, rejected, class: TEXT });
    }

    fn add_of(&mut self, class: &'static str, constraint: Constraint, path: String, rejected: Option<Value>) {
        self.violations.push(Violation { constraint, path, rejected, class });
    }

    fn needed<T>(&mut self, member: Option<&T>, path: String) {
        if member.is_none() {
            self.add(Constraint::NotNull, path, None);
        }
    }

    fn partners(&mut self, partners: Option<&[Partner]>, name: &str) {
        let partners = partners.unwrap_or_default();
        if partners.len() > 1 {
            let given = serde_json::to_value(partners).ok();
            self.add_of(SET, Constraint::Size { min: 0, max: Some(1) }, format!("{HEADER}.{name}"), given);
        }
        for (index, partner) in partners.iter().enumerate() {
            let path = format!("{HEADER}.{name}[{index}].identifier");
            match &partner.identifier {
                None => {
                    let class = "no.difi.meldingsutveksling.domain.sbdh.PartnerIdentification";
                    self.add_of(class, Constraint::NotNull, path, None);
                }
                Some(identifier) => {
                    self.needed(identifier.value.as_ref(), format!("{path}.value"));
                    self.needed(identifier.authority.as_ref(), format!("{path}.authority"));
                }
            }
        }
    }

    fn document(&mut self, document: &DocumentIdentification) {
        let path = |member: &str| format!("{HEADER}.documentIdentification.{member}");
        self.needed(document.standard.as_ref(), path("standard"));
        self.needed(document.type_version.as_ref(), path("typeVersion"));
        self.needed(document.kind.as_ref(), path("type"));
        if let Some(kind) = document.kind.as_ref().filter(|kind| Kind::named(kind).is_none()) {
            self.add(Constraint::MessageType, path("type"), Some(kind.clone()));
        }
        if let Some(id) = document.instance_identifier.as_ref().filter(|id| MessageId::parse(id).is_err()) {
            self.add(Constraint::Uuid, path("instanceIdentifier"), Some(id.clone()));
        }
    }

    fn scope(&mut self, index: usize, scope: &Scope) {
        let path = |member: &str| format!("{HEADER}.businessScope.scope[{index}].{member}");
        let scope_type = scope.scope_type.as_deref().and_then(ScopeType::named);
        if scope_type.is_none() {
            self.add(Constraint::OneOf(&SCOPE_TYPES), path("type"), scope.scope_type.clone());
        }
        let instance = scope.instance_identifier.as_ref().filter(|id| !id.trim().is_empty());
        if scope_type == Some(ScopeType::ConversationId)
            && let Some(id) = instance.filter(|id| ConversationId::parse(id).is_err())
        {
            self.add(Constraint::Uuid, path("instanceIdentifier"), Some(id.clone()));
        }
        for (at, information) in scope.scope_information.iter().enumerate() {
            let date = information.expected_response_date_time.as_ref();
            // A text that is no date at all is told by the one who reads it.
            let is_over = |text: &&String| Written::parse(text).is_ok_and(|date| date.moment() <= self.now);
            if let Some(text) = date.filter(is_over) {
                let path = path(&format!("scopeInformation[{at}].expectedResponseDateTime"));
                self.add_of("java.time.OffsetDateTime", Constraint::Future, path, Some(text.clone().into()));
            }
        }
    }
}
