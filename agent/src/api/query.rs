//! What stands behind the question mark: filters, pages, `trace`.

use super::problem::Problem;
use super::sort;
use crate::domain::{Direction, Service, Status, Written, day_begins};
use crate::ports::{
    Asked, ConversationFilter, ConversationProperty, IncomingFilter, Order, OutgoingFilter, PageRequest, StatusFilter,
    StatusProperty,
};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A page has at most so many rows.
const LARGEST_PAGE: u32 = 2000;
const PAGE: u32 = 10;

/// What each list can be asked for.
pub(super) const OUTGOING: &[&str] = &[
    "id",
    "lastUpdated",
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
    "receiver",
    "receiverIdentifier",
    "sender",
    "senderIdentifier",
    "serviceIdentifier",
    "messageReference",
    "messageTitle",
    "pollable",
    "finished",
    "direction",
    "lastUpdateFrom",
    "lastUpdateTo",
];
pub(super) const CAPABILITIES: &[&str] = &["securityLevel", "process"];
pub(super) const STATUSES: &[&str] = &["id", "conversationId", "messageId", "status", "fromDateTime", "toDateTime"];

/// What is asked for, the first of each name, and all orders. A parameter that nobody knows is ignored, as Spring does.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    first: BTreeMap<String, String>,
    orders: Vec<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::IllegalArgument(format!("the query is not read: {}", error.body_text())))?;
        let mut asked = Self::default();
        for (name, value) in pairs {
            if name == "sort" {
                asked.orders.push(value);
            } else {
                asked.first.entry(name).or_insert(value);
            }
        }
        Ok(asked)
    }
}

impl Parameters {
    /// Which page; what is no number counts as not given, as Spring does.
    pub(super) fn page(&self) -> PageRequest {
        let number = |name: &str| self.first.get(name).and_then(|text| text.trim().parse::<u32>().ok());
        let size = number("size").filter(|size| *size > 0).unwrap_or(PAGE).min(LARGEST_PAGE);
        PageRequest { number: number("page").unwrap_or(0), size }
    }

    /// Whether the client asks for an order.
    pub(super) fn is_sorted(&self) -> bool {
        sort::is_asked(&self.orders)
    }

    /// The order that is asked of conversations.
    pub(super) fn conversation_order(&self) -> Result<Vec<Order<ConversationProperty>>, Problem> {
        sort::conversations(&self.orders)
    }

    /// The order that is asked of statuses.
    pub(super) fn status_order(&self) -> Result<Vec<Order<StatusProperty>>, Problem> {
        sort::statuses(&self.orders)
    }

    /// Of a file: its title.
    pub(super) fn title(&mut self) -> Option<String> {
        self.take("title")
    }

    /// Of a list that has no order but that of its ids.
    pub(super) fn in_one_order(&self) -> Result<(), Problem> {
        match self.orders.iter().map(|sort| sort.trim()).find(|sort| !matches!(*sort, "" | "id" | "id,asc")) {
            Some(sort) => Err(Problem::IllegalArgument(format!("this list is sorted by id,asc alone, not by {sort}"))),
            None => Ok(()),
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.first.remove(name)
    }

    pub(super) fn outgoing(mut self) -> Result<OutgoingFilter, Problem> {
        Ok(OutgoingFilter {
            order: sort::messages(&self.orders)?,
            number: word("id", self.take("id"), |text| text.parse().ok())?,
            updated: word("lastUpdated", self.take("lastUpdated"), moment)?,
            service: service(self.take("serviceIdentifier"))?,
            message_id: self.take("messageId"),
            conversation_id: self.take("conversationId"),
            process: self.take("processIdentifier"),
            sender: self.take("senderIdentifier"),
            receiver: self.take("receiverIdentifier"),
        })
    }

    pub(super) fn incoming(mut self) -> Result<IncomingFilter, Problem> {
        Ok(IncomingFilter {
            order: sort::messages(&self.orders)?,
            service: service(self.take("serviceIdentifier"))?,
            message_id: self.take("messageId"),
            conversation_id: self.take("conversationId"),
            process: self.take("process"),
            sender: self.take("senderIdentifier"),
            receiver: self.take("receiverIdentifier"),
        })
    }

    pub(super) fn conversations(mut self) -> Result<ConversationFilter, Problem> {
        let until = word("lastUpdateTo", self.take("lastUpdateTo"), |text| text.parse::<Date>().ok())?;
        Ok(ConversationFilter {
            order: sort::conversations(&self.orders)?,
            number: None,
            whole_sender: self.take("sender"),
            whole_receiver: self.take("receiver"),
            reference: self.take("messageReference"),
            title: self.take("messageTitle"),
            updated_from: word("lastUpdateFrom", self.take("lastUpdateFrom"), |text| {
                Some(day_begins(text.parse().ok()?))
            })?,
            // The whole of that day counts.
            updated_before: until.map(|day| day.tomorrow().map_or(Timestamp::MAX, day_begins)),
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
        let from = word("fromDateTime", self.take("fromDateTime"), moment)?;
        let until = word("toDateTime", self.take("toDateTime"), moment)?;
        // One of them alone says nothing, as in the Java one.
        let (from, until) = from.zip(until).unzip();
        Ok(StatusFilter {
            order: sort::statuses(&self.orders)?,
            from,
            until,
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

/// With an offset, or the time in Oslo. A `+` that was not encoded has become a space.
fn moment(text: &str) -> Option<Timestamp> {
    let written = Written::parse(text).or_else(|_| Written::parse(&text.replace(' ', "+")));
    written.ok().map(|written| written.moment())
}

/// `?trace`, with any value but `false`.
pub(super) fn is_traced(query: &str) -> bool {
    query.split('&').any(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name == "trace" && !value.eq_ignore_ascii_case("false")
    })
}
