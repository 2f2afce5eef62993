//! The HTTP edge: what a case system asks and reads. Requests become calls of `flow`, refusals become the error bodies of
//! the catalogue in [`problem`]. Nothing is decided here but the form.
//!
//! A row in [`table`] for each path and method, of which both the router and the description in [`openapi`] are made; a file
//! for each group of paths. Types of the wire stay in here.

mod answer;
mod conversations;
mod door;
mod incoming;
mod json;
mod multipart;
pub mod onboarding;
mod openapi;
mod outgoing;
mod problem;
mod query;
mod receivers;
mod sort;
mod statuses;
mod subscriptions;
mod upload;

pub use door::{Door, StandIn, without_trailing_slash};

use crate::flow::Desk;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, delete, get, post, put};
use openapi::{Answers, Operation, Takes};
use std::sync::Arc;

/// Whether the bytes are a `Content-Disposition` of an upload; for `entries`.
pub fn reads_upload(bytes: &[u8]) -> bool {
    let mut headers = axum::http::HeaderMap::new();
    let Ok(disposition) = axum::http::HeaderValue::from_bytes(bytes) else { return false };
    headers.insert(axum::http::header::CONTENT_DISPOSITION, disposition.clone());
    headers.insert(axum::http::header::CONTENT_TYPE, disposition);
    upload::read(&headers, None).is_ok()
}

type Row = (Operation, MethodRouter<Arc<Desk>>);

/// Everything below `/api`, and the helper beside it.
pub fn routes(desk: Arc<Desk>) -> Router {
    let table = table();
    let described = openapi::document(table.iter().map(|(operation, _)| operation));
    let router =
        table.into_iter().fold(Router::new(), |router, (operation, handler)| router.route(operation.path, handler));
    router.route(openapi::PATH, get(move || async move { answer::json(&described) })).with_state(desk)
}

/// Each path with each of its methods.
#[rustfmt::skip]
fn table() -> Vec<Row> {
    use Answers::{
        Capabilities, Conversation, Delivery, Document, File, Nothing, PageOf, ServiceRecord, Status, Subscription,
    };
    let row = |method, path, summary, takes, answers, handler| {
        (Operation { method, path, summary, takes, answers }, handler)
    };
    vec![
        row("post", "/api/messages/out", "Create a message", Takes::Document, Document, post(outgoing::create)),
        row("get", "/api/messages/out", "List messages that are not handed over yet", Takes::Filters(query::OUTGOING), PageOf(&Document), get(outgoing::list)),
        row("post", "/api/messages/out/multipart", "Create a message with its files, and send it", Takes::Parts, Document, post(multipart::create).layer(DefaultBodyLimit::max(multipart::LIMIT_BYTES))),
        row("get", "/api/messages/out/{messageId}", "Read a message", Takes::Nothing, Document, get(outgoing::one)),
        row("put", "/api/messages/out/{messageId}", "Upload a file", Takes::File, Nothing, put(outgoing::upload)),
        row("post", "/api/messages/out/{messageId}", "Send a message", Takes::Nothing, Nothing, post(outgoing::send)),
        row("delete", "/api/messages/out/{messageId}", "Remove a message", Takes::Nothing, Nothing, delete(outgoing::discard)),
        row("get", "/api/messages/in", "List messages that wait", Takes::Filters(query::INCOMING), PageOf(&Document), get(incoming::list)),
        row("get", "/api/messages/in/peek", "Lock the oldest message that waits", Takes::Filters(query::INCOMING), Document, get(incoming::peek)),
        row("get", "/api/messages/in/pop/{messageId}", "Read the files of a locked message", Takes::Nothing, File, get(incoming::pop)),
        row("delete", "/api/messages/in/{messageId}", "Remove a locked message", Takes::Nothing, Document, delete(incoming::acknowledge)),
        row("get", "/api/capabilities/{receiverIdentifier}", "Find out what can be sent to a receiver", Takes::Filters(query::CAPABILITIES), Capabilities, get(receivers::capabilities)),
        row("get", "/servicerecord/{identifier}", "Read what the service registry knows of a receiver", Takes::Nothing, ServiceRecord, get(receivers::record)),
        row("get", "/api/conversations", "List conversations", Takes::Filters(query::CONVERSATIONS), PageOf(&Conversation), get(conversations::list)),
        row("get", "/api/conversations/queue", "List conversations whose channel is asked", Takes::Filters(&[]), PageOf(&Conversation), get(conversations::queue)),
        row("get", "/api/conversations/{id}", "Read a conversation", Takes::Nothing, Conversation, get(conversations::one)),
        row("delete", "/api/conversations/{id}", "Remove a conversation", Takes::Nothing, Nothing, delete(conversations::forget)),
        row("get", "/api/conversations/messageId/{messageId}", "Read the conversation of a message", Takes::Nothing, Conversation, get(conversations::of_message)),
        row("delete", "/api/conversations/messageId/{messageId}", "Remove the conversation of a message", Takes::Nothing, Nothing, delete(conversations::forget_message)),
        row("get", "/api/statuses", "List statuses", Takes::Filters(query::STATUSES), PageOf(&Status), get(statuses::list)),
        row("get", "/api/statuses/peek", "Read the first status of the queue", Takes::Nothing, Status, get(statuses::peek)),
        // One segment has one name for the router; it is the message's id when read, the status's number when removed.
        row("get", "/api/statuses/{id}", "List the statuses of a message", Takes::Filters(&[]), PageOf(&Status), get(statuses::of_message)),
        row("delete", "/api/statuses/{id}", "Take a status off the queue", Takes::Nothing, Nothing, delete(statuses::take)),
        row("get", "/api/subscriptions", "List subscriptions", Takes::Filters(&[]), PageOf(&Subscription), get(subscriptions::list)),
        row("post", "/api/subscriptions", "Subscribe", Takes::Subscription, Subscription, post(subscriptions::create)),
        row("delete", "/api/subscriptions", "Remove all subscriptions", Takes::Nothing, Nothing, delete(subscriptions::remove_all)),
        row("get", "/api/subscriptions/{id}", "Read a subscription", Takes::Nothing, Subscription, get(subscriptions::one)),
        row("put", "/api/subscriptions/{id}", "Change what is given of a subscription", Takes::Subscription, Nothing, put(subscriptions::change)),
        row("delete", "/api/subscriptions/{id}", "Remove a subscription", Takes::Nothing, Nothing, delete(subscriptions::remove)),
        row("get", "/api/subscriptions/{id}/deliveries", "List how the last calls of a subscription went", Takes::Filters(&[]), PageOf(&Delivery), get(subscriptions::deliveries)),
    ]
}
