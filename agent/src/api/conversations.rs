//! `/api/conversations`

use super::answer::{json, sorted_page};
use super::problem::Problem;
use super::query::Parameters;
use crate::domain::{Direction, in_oslo};
use crate::flow::{Desk, Refusal};
use crate::ports::{ConversationFilter, PageRequest, StoredConversation};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

type Here = State<Arc<Desk>>;

const ONE: PageRequest = PageRequest { number: 0, size: 1 };

/// `GET /api/conversations`
pub(super) async fn list(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    let request = parameters.page();
    let found = desk.store.conversations(parameters.conversations()?, request).await?;
    sorted_page(found, request, |one| Ok(Body::of(one)))
}

/// `GET /api/conversations/queue`: those whose channel is asked what became of them.
pub(super) async fn queue(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    let request = parameters.page();
    let order = parameters.conversation_order()?;
    let filter = ConversationFilter { is_pollable: Some(true), order, ..ConversationFilter::default() };
    let found = desk.store.conversations(filter, request).await?;
    sorted_page(found, request, |one| Ok(Body::of(one)))
}

/// `GET /api/conversations/{id}`; outgoing only.
pub(super) async fn one(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    let number = number(&id)?;
    let filter = ConversationFilter { number: Some(number), ..outgoing() };
    let found = desk.store.conversations(filter, ONE).await?.rows.pop();
    json(&Body::of(found.ok_or(Refusal::ConversationNotFound(number))?))
}

/// `GET /api/conversations/messageId/{messageId}`; outgoing only.
pub(super) async fn of_message(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    let filter = ConversationFilter { message_id: Some(id.clone()), ..outgoing() };
    let found = desk.store.conversations(filter, ONE).await?.rows.pop();
    json(&Body::of(found.ok_or(Refusal::MessageNotFound(id))?))
}

/// `DELETE /api/conversations/{id}`
pub(super) async fn forget(State(desk): Here, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    desk.store.forget_conversation(number(&id)?).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /api/conversations/messageId/{messageId}`
pub(super) async fn forget_message(State(desk): Here, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let filter = ConversationFilter { message_id: Some(id), ..ConversationFilter::default() };
    let both = PageRequest { number: 0, size: 2 };
    for found in desk.store.conversations(filter, both).await?.rows {
        desk.store.forget_conversation(found.number).await?;
    }
    Ok(StatusCode::OK)
}

fn outgoing() -> ConversationFilter {
    ConversationFilter { direction: Some(Direction::Outgoing), ..ConversationFilter::default() }
}

fn number(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::IllegalArgument(format!("'{text}' is not the number of a conversation")))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    id: i64,
    conversation_id: String,
    message_id: String,
    sender: String,
    sender_identifier: String,
    receiver: String,
    receiver_identifier: String,
    process_identifier: String,
    document_identifier: String,
    message_reference: String,
    message_title: String,
    last_update: String,
    finished: bool,
    expiry: String,
    direction: &'static str,
    service_identifier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_system_reference: Option<String>,
    message_statuses: Vec<StatusBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody {
    id: i64,
    last_update: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Body {
    fn of(stored: StoredConversation) -> Self {
        let it = stored.conversation;
        let statuses = stored.statuses.into_iter().map(|row| StatusBody {
            id: row.number,
            last_update: in_oslo(row.status.at),
            status: row.status.status.name(),
            description: row.status.description,
        });
        Self {
            id: stored.number,
            conversation_id: it.conversation_id.to_string(),
            message_id: it.message_id.to_string(),
            sender: it.sender,
            sender_identifier: it.sender_identifier,
            receiver: it.receiver,
            receiver_identifier: it.receiver_identifier,
            process_identifier: it.process,
            document_identifier: it.document_type,
            message_reference: it.reference,
            message_title: it.title,
            last_update: in_oslo(it.updated),
            finished: it.is_finished,
            expiry: in_oslo(it.deadline.moment()),
            direction: it.direction.name(),
            service_identifier: it.service.name(),
            external_system_reference: it.external_reference,
            message_statuses: statuses.collect(),
        }
    }
}
