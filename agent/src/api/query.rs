//! What stands behind the question mark: filters, pages, `trace`.

use super::problem::Problem;
use crate::domain::{Direction, Service, Status};
use crate::ports::{Asked, ConversationFilter, IncomingFilter, OutgoingFilter, PageRequest, StatusFilter};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use std::collections::BTreeMap;

/// A page has at most so many rows.
const LARGEST_PAGE: u32 = 2000;
const PAGE: u32 = 10;

/// What each list can be asked for.
pub(super) const OUTGOING: &[&str] = &[
    "conversationId",
    "messageId",
    "processIdentifier",
    "receiverIdentifier",
    "senderIdentifier",
    "serviceIdentifier",
];
pub(super) const INCOMING: &[&str] =
    &["conversationId", "messageId", "receiverIdentifier", "senderIdentifier", "serviceIdentifier", "process"];
pub(super) const CONVERSATIONS: &[&str] = &[
    "conversationId",
    "messageId",
    "receiverIdentifier",
    "senderIdentifier",
    "serviceIdentifier",
    "pollable",
    "finished",
    "direction",
];
pub(super) const CAPABILITIES: &[&str] = &["securityLevel", "process"];
pub(super) const STATUSES: &[&str] = &["id", "conversationId", "messageId", "status"];

/// In which order each list comes.
const BY_UPDATE: &str = "lastUpdate,desc";
const BY_ID: &str = "id,asc";
const BY_AGE: &str = "lastUpdated,asc";

/// Filters of the Java one that the store does not have yet, list by list.
const NOT_OUTGOING: &[&str] = &["id", "lastUpdated"];
const NOT_CONVERSATIONS: &[&str] =
    &["sender", "receiver", "messageReference", "messageTitle", "lastUpdateFrom", "lastUpdateTo"];

/// What is asked for, the first of each name. A parameter that nobody knows is ignored, as Spring does.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::IllegalArgument(format!("the query is not read: {}", error.body_text())))?;
        let mut first = BTreeMap::new();
        for (name, value) in pairs {
            first.entry(name).or_insert(value);
        }
        Ok(Self(first))
    }
}

impl Parameters {
    /// Which page; what is no number counts as not given, as Spring does.
    pub(super) fn page(&self) -> PageRequest {
        let number = |name: &str| self.0.get(name).and_then(|text| text.trim().parse::<u32>().ok());
        let size = number("size").filter(|size| *size > 0).unwrap_or(PAGE).min(LARGEST_PAGE);
        PageRequest { number: number("page").unwrap_or(0), size }
    }

    /// Of a file: its title.
    pub(super) fn title(&mut self) -> Option<String> {
        self.take("title")
    }

    /// Rows that nobody asked for, or in another order, are worse than a word about it: what this version cannot do is told.
    fn can(&self, lacking: &[&str], order: &str) -> Result<(), Problem> {
        let cannot = |what: String| Err(Problem::IllegalArgument(format!("this version cannot {what} yet")));
        if let Some(name) = lacking.iter().find(|name| self.0.contains_key(**name)) {
            return cannot(format!("filter this list by {name}"));
        }
        match self.0.get("sort").map(|sort| sort.trim()) {
            Some(sort) if !sort.is_empty() && sort != order => {
                cannot(format!("sort this list by {sort}, only by {order},"))
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub(super) fn outgoing(mut self) -> Result<OutgoingFilter, Problem> {
        self.can(NOT_OUTGOING, BY_ID)?;
        Ok(OutgoingFilter {
            service: service(self.take("serviceIdentifier"))?,
            message_id: self.take("messageId"),
            conversation_id: self.take("conversationId"),
            process: self.take("processIdentifier"),
            sender: self.take("senderIdentifier"),
            receiver: self.take("receiverIdentifier"),
        })
    }

    pub(super) fn incoming(mut self) -> Result<IncomingFilter, Problem> {
        self.can(&[], BY_AGE)?;
        Ok(IncomingFilter {
            service: service(self.take("serviceIdentifier"))?,
            message_id: self.take("messageId"),
            conversation_id: self.take("conversationId"),
            process: self.take("process"),
            sender: self.take("senderIdentifier"),
            receiver: self.take("receiverIdentifier"),
        })
    }

    pub(super) fn conversations(mut self) -> Result<ConversationFilter, Problem> {
        self.can(NOT_CONVERSATIONS, BY_UPDATE)?;
        Ok(ConversationFilter {
            number: None,
            message_id: self.take("messageId"),
            conversation_id: self.take("conversationId"),
            sender: self.take("senderIdentifier"),
            receiver: self.take("receiverIdentifier"),
            service: service(self.take("serviceIdentifier"))?,
            direction: word("direction", self.take("direction"), Direction::named)?,
            is_pollable: word("pollable", self.take("pollable"), flag)?,
            is_finished: word("finished", self.take("finished"), flag)?,
        })
    }

    /// What of a receiver is asked for.
    pub(super) fn asked(mut self, identifier: String) -> Result<Asked, Problem> {
        Ok(Asked {
            identifier,
            process: self.take("process").filter(|process| !process.is_empty()),
            security_level: word("securityLevel", self.take("securityLevel"), |text| text.trim().parse().ok())?,
            conversation: None,
        })
    }

    pub(super) fn statuses(mut self) -> Result<StatusFilter, Problem> {
        // One of them alone says nothing, as in the Java one.
        let both: &[&str] = if self.0.contains_key("fromDateTime") { &["toDateTime"] } else { &[] };
        self.can(both, BY_ID)?;
        Ok(StatusFilter {
            number: word("id", self.take("id"), |text| text.parse().ok())?,
            message_id: self.take("messageId"),
            conversation_id: self.take("conversationId"),
            status: word("status", self.take("status"), Status::named)?,
        })
    }
}

fn service(name: Option<String>) -> Result<Option<Service>, Problem> {
    word("serviceIdentifier", name, Service::named)
}

fn word<T>(name: &str, text: Option<String>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || Problem::IllegalArgument(format!("'{text}' is not a value of the parameter {name}"));
    read(&text).map(Some).ok_or_else(wrong)
}

fn flag(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// `?trace`, with any value but `false`.
pub(super) fn is_traced(query: &str) -> bool {
    query.split('&').any(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name == "trace" && !value.eq_ignore_ascii_case("false")
    })
}
