//! `/api/statuses`

use super::answer::{json, sorted_page};
use super::problem::Problem;
use super::query::Parameters;
use crate::domain::in_oslo;
use crate::flow::{Desk, Refusal};
use crate::ports::{StatusFilter, StatusRow};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

type Here = State<Arc<Desk>>;

/// `GET /api/statuses`
pub(super) async fn list(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    let request = parameters.page();
    let found = desk.store.statuses(parameters.statuses()?, request).await?;
    sorted_page(found, request, |row| Ok(Body::of(row)))
}

/// `GET /api/statuses/{messageId}`
pub(super) async fn of_message(
    State(desk): Here,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let request = parameters.page();
    let filter = StatusFilter { message_id: Some(id), order: parameters.status_order()?, ..StatusFilter::default() };
    let found = desk.store.statuses(filter, request).await?;
    sorted_page(found, request, |row| Ok(Body::of(row)))
}

/// `GET /api/statuses/peek`: the first one that no case system has taken; it stays.
pub(super) async fn peek(State(desk): Here) -> Result<Response, Problem> {
    let first = desk.store.first_status().await?;
    json(&Body::of(first.ok_or(Refusal::NoContent)?))
}

/// `DELETE /api/statuses/{id}`: takes one off the queue, wherever it stands.
pub(super) async fn take(State(desk): Here, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let number: i64 =
        id.parse().map_err(|_| Problem::IllegalArgument(format!("'{id}' is not the number of a status")))?;
    if desk.store.take_status(number).await? {
        return Ok(StatusCode::OK);
    }
    Err(Refusal::StatusNotQueued(number).into())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    id: i64,
    last_update: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_receipt: Option<String>,
    conv_id: i64,
    conversation_id: String,
    message_id: String,
}

impl Body {
    fn of(row: StatusRow) -> Self {
        Self {
            id: row.number,
            last_update: in_oslo(row.status.at),
            status: row.status.status.name(),
            description: row.status.description,
            raw_receipt: row.status.raw_receipt,
            conv_id: row.conversation_number,
            conversation_id: row.conversation_id.to_string(),
            message_id: row.message_id.to_string(),
        }
    }
}
