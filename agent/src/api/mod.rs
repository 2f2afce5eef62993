//! The HTTP edge: what a case system asks and reads. Requests become calls of `flow`, refusals become the error bodies of
//! the catalogue in [`problem`]. Nothing is decided here but the form.
//!
//! A row in [`routes`] for each path; a file for each group of paths. Types of the wire stay in here.

mod answer;
mod conversations;
mod door;
mod incoming;
mod outgoing;
mod problem;
mod query;
mod statuses;
mod upload;

pub use door::{Door, without_trailing_slash};

use crate::flow::Desk;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// Everything below `/api`.
pub fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/api/messages/out", post(outgoing::create).get(outgoing::list))
        .route(
            "/api/messages/out/{messageId}",
            get(outgoing::one).put(outgoing::upload).post(outgoing::send).delete(outgoing::discard),
        )
        .route("/api/messages/in", get(incoming::list))
        .route("/api/messages/in/peek", get(incoming::peek))
        .route("/api/messages/in/pop/{messageId}", get(incoming::pop))
        .route("/api/messages/in/{messageId}", axum::routing::delete(incoming::acknowledge))
        .route("/api/conversations", get(conversations::list))
        .route("/api/conversations/queue", get(conversations::queue))
        .route("/api/conversations/{id}", get(conversations::one).delete(conversations::forget))
        .route(
            "/api/conversations/messageId/{messageId}",
            get(conversations::of_message).delete(conversations::forget_message),
        )
        .route("/api/statuses", get(statuses::list))
        .route("/api/statuses/{messageId}", get(statuses::of_message))
        .with_state(desk)
}
