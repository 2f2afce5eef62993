//! `/api/messages/in`: peek, pop, delete.

use super::answer::{json, maybe_sorted_page, sbd};
use super::outgoing::named;
use super::problem::Problem;
use super::query::Parameters;
use crate::flow::{Desk, hand_over};
use crate::ports::BlobReader;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

type Here = State<Arc<Desk>>;

/// `GET /api/messages/in`
pub(super) async fn list(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    let (request, is_sorted) = (parameters.page(), parameters.is_sorted());
    let found = desk.store.all_incoming(parameters.incoming()?, request).await?;
    maybe_sorted_page(found, request, is_sorted, |message| sbd(&message.envelope))
}

/// `GET /api/messages/in/peek`
pub(super) async fn peek(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    json(&sbd(&hand_over::peek(&desk, parameters.incoming()?).await?.envelope)?)
}

/// `GET /api/messages/in/pop/{messageId}`
pub(super) async fn pop(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    let reader = hand_over::pop(&desk, &named(&id)?).await?;
    let mut response = Body::from_stream(chunks(reader)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.etsi.asic-e+zip"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=asic.zip"));
    Ok(response)
}

/// An error in the middle cuts the answer off, which the client sees: the length is not told beforehand.
fn chunks(
    reader: Box<dyn BlobReader>,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, crate::ports::BlobError>> + Send {
    futures_util::stream::try_unfold(reader, |mut reader| async move {
        let next = reader.next().await.inspect_err(|error| {
            tracing::error!(error = %efm::chain::Chain(error), "a package ends too soon");
        });
        Ok(next?.map(|bytes| (bytes, reader)))
    })
}

/// `DELETE /api/messages/in/{messageId}`
pub(super) async fn acknowledge(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    json(&sbd(&hand_over::acknowledge(&desk, &named(&id)?).await?.envelope)?)
}
