//! `/api/messages/out`: create, upload, send.

use super::answer::{json, maybe_sorted_page, sbd};
use super::problem::Problem;
use super::query::Parameters;
use super::upload;
use crate::domain::MessageId;
use crate::flow::{Desk, Refusal, accept};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// A document larger than this is something else.
pub(super) const SBD_LIMIT_BYTES: usize = 5 << 20;

type Here = State<Arc<Desk>>;

/// `POST /api/messages/out`
pub(super) async fn create(State(desk): Here, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let bytes = super::json::body(&headers, body, SBD_LIMIT_BYTES).await?;
    let envelope = crate::sbd::read(&bytes, desk.clock.now())?;
    json(&sbd(&accept::create(&desk, envelope).await?)?)
}

/// `GET /api/messages/out`
pub(super) async fn list(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    let (request, is_sorted) = (parameters.page(), parameters.is_sorted());
    let found = desk.store.all_outgoing(parameters.outgoing()?, request).await?;
    maybe_sorted_page(found, request, is_sorted, |message| sbd(&message.envelope))
}

/// `GET /api/messages/out/{messageId}`
pub(super) async fn one(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    let message = desk.store.outgoing(&named(&id)?).await?;
    json(&sbd(&message.ok_or(Refusal::MessageNotFound(id))?.envelope)?)
}

/// `PUT /api/messages/out/{messageId}`
pub(super) async fn upload(
    State(desk): Here,
    Path(id): Path<String>,
    mut parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let upload = upload::read(&headers, parameters.title())?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    accept::upload(&desk, &named(&id)?, upload, length, body.into_data_stream()).await?;
    Ok(StatusCode::OK)
}

/// `POST /api/messages/out/{messageId}`
pub(super) async fn send(State(desk): Here, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    accept::send(&desk, &named(&id)?).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /api/messages/out/{messageId}`
pub(super) async fn discard(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    // No message has a name that is none: there is nothing to remove, which is no error.
    if let Ok(id) = MessageId::parse(&id) {
        accept::discard(&desk, &id).await?;
    }
    Ok(StatusCode::OK.into_response())
}

/// A path names a message that may not be there.
pub(super) fn named(id: &str) -> Result<MessageId, Problem> {
    MessageId::parse(id).map_err(|_| Refusal::MessageNotFound(id.to_owned()).into())
}
