//! What it says of itself. A component that is DOWN takes the whole with it, and the answer is 503.

use super::Manage;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use efm::manage::Status;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a part of the program says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// How it is. What is unknown takes nothing down.
    pub status: Status,
    /// What a person may want to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// A part of the program that has something to say; asked at each look, and must not wait for anything.
#[derive(Clone)]
pub struct Part {
    /// The name of its component.
    pub name: &'static str,
    /// What it says.
    pub said: Arc<dyn Fn() -> Health + Send + Sync>,
}

#[derive(Serialize)]
struct Body {
    status: Status,
    components: BTreeMap<&'static str, Health>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    groups: &'static [&'static str],
}

fn up(details: Option<Value>) -> Health {
    Health { status: Status::Up, details }
}

fn answer(components: BTreeMap<&'static str, Health>, groups: &'static [&'static str]) -> Response {
    let worst = |wanted: Status| components.values().any(|component| component.status == wanted);
    let status = [Status::Down, Status::OutOfService].into_iter().find(|status| worst(*status)).unwrap_or(Status::Up);
    let code = if status == Status::Up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Body { status, components, groups })).into_response()
}

/// `/manage/health`
pub(super) async fn whole(State(manage): State<Manage>) -> Response {
    let mut components = BTreeMap::from([("ping", up(None)), alive(), ready(&manage)]);
    components.extend(manage.parts.iter().map(|part| (part.name, (part.said)())));
    match manage.desk.store.counts().await {
        Ok(counts) => {
            components.insert("db", up(Some(json!({ "database": manage.desk.store.database() }))));
            let queue = json!({ "outgoing": counts.outgoing, "incoming": counts.incoming, "queued": counts.queued });
            components.insert("nextMoveQueue", up(Some(queue)));
            components.insert("messageStatus", up(Some(json!({ "pollable": counts.pollable }))));
        }
        Err(error) => {
            let details = Some(json!({ "error": efm::chain::Chain(&error).to_string() }));
            components.insert("db", Health { status: Status::Down, details });
        }
    }
    answer(components, &["liveness", "readiness"])
}

/// `/manage/health/liveness`
pub(super) async fn liveness() -> Response {
    answer(BTreeMap::from([alive()]), &[])
}

/// `/manage/health/readiness`
pub(super) async fn readiness(State(manage): State<Manage>) -> Response {
    answer(BTreeMap::from([ready(&manage)]), &[])
}

fn alive() -> (&'static str, Health) {
    ("livenessState", up(None))
}

fn ready(manage: &Manage) -> (&'static str, Health) {
    let status = if manage.stop.is_asked() { Status::OutOfService } else { Status::Up };
    ("readinessState", Health { status, details: None })
}
