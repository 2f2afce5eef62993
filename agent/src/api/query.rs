//! What stands behind the question mark: filters, pages, `trace`.

use super::problem::Problem;
use crate::domain::{Direction, Service, Status};
use crate::ports::{ConversationFilter, IncomingFilter, OutgoingFilter, PageRequest, StatusFilter};
use serde::Deserialize;

/// A page has at most so many rows.
const LARGEST_PAGE: u32 = 2000;
const PAGE: u32 = 10;

/// Every parameter that some list knows. One that a list does not know it ignores, as Spring does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Parameters {
    page: Option<String>,
    size: Option<String>,
    id: Option<String>,
    message_id: Option<String>,
    conversation_id: Option<String>,
    process: Option<String>,
    process_identifier: Option<String>,
    sender_identifier: Option<String>,
    receiver_identifier: Option<String>,
    service_identifier: Option<String>,
    direction: Option<String>,
    pollable: Option<String>,
    finished: Option<String>,
    status: Option<String>,
    /// Of a file: its title.
    pub(super) title: Option<String>,
}

impl Parameters {
    /// Which page; what is no number counts as not given, as Spring does.
    pub(super) fn page(&self) -> PageRequest {
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.trim().parse::<u32>().ok());
        let size = number(&self.size).filter(|size| *size > 0).unwrap_or(PAGE).min(LARGEST_PAGE);
        PageRequest { number: number(&self.page).unwrap_or(0), size }
    }

    pub(super) fn outgoing(self) -> Result<OutgoingFilter, Problem> {
        Ok(OutgoingFilter {
            service: service(self.service_identifier)?,
            message_id: self.message_id,
            conversation_id: self.conversation_id,
            process: self.process_identifier,
            sender: self.sender_identifier,
            receiver: self.receiver_identifier,
        })
    }

    pub(super) fn incoming(self) -> Result<IncomingFilter, Problem> {
        Ok(IncomingFilter {
            service: service(self.service_identifier)?,
            message_id: self.message_id,
            conversation_id: self.conversation_id,
            process: self.process,
            sender: self.sender_identifier,
            receiver: self.receiver_identifier,
        })
    }

    pub(super) fn conversations(self) -> Result<ConversationFilter, Problem> {
        Ok(ConversationFilter {
            number: None,
            message_id: self.message_id,
            conversation_id: self.conversation_id,
            sender: self.sender_identifier,
            receiver: self.receiver_identifier,
            service: service(self.service_identifier)?,
            direction: word("direction", self.direction, Direction::named)?,
            is_pollable: word("pollable", self.pollable, flag)?,
            is_finished: word("finished", self.finished, flag)?,
        })
    }

    pub(super) fn statuses(self) -> Result<StatusFilter, Problem> {
        Ok(StatusFilter {
            number: word("id", self.id, |text| text.parse().ok())?,
            message_id: self.message_id,
            conversation_id: self.conversation_id,
            status: word("status", self.status, Status::named)?,
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
