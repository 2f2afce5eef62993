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

#[derive(Serialize)]
struct Component {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

#[derive(Serialize)]
struct Body {
    status: Status,
    components: BTreeMap<&'static str, Component>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    groups: &'static [&'static str],
}

fn up(details: Option<Value>) -> Component {
    Component { status: Status::Up, details }
}

fn answer(components: BTreeMap<&'static str, Component>, groups: &'static [&'static str]) -> Response {
    let worst = |wanted: Status| components.values().any(|component| component.status == wanted);
    let status = [Status::Down, Status::OutOfService].into_iter().find(|status| worst(*status)).unwrap_or(Status::Up);
    let code = if status == Status::Up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Body { status, components, groups })).into_response()
}

/// `/manage/health`
pub(super) async fn whole(State(manage): State<Manage>) -> Response {
    let mut components = BTreeMap::from([("ping", up(None)), alive(), ready(&manage)]);
    match manage.desk.store.counts().await {
        Ok(counts) => {
            components.insert("db", up(Some(json!({ "database": manage.desk.store.database() }))));
            let queue = json!({ "outgoing": counts.outgoing, "incoming": counts.incoming, "queued": counts.queued });
            components.insert("nextMoveQueue", up(Some(queue)));
            components.insert("messageStatus", up(Some(json!({ "pollable": counts.pollable }))));
        }
        Err(error) => {
            let details = Some(json!({ "error": efm::chain::Chain(&error).to_string() }));
            components.insert("db", Component { status: Status::Down, details });
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

fn alive() -> (&'static str, Component) {
    ("livenessState", up(None))
}

fn ready(manage: &Manage) -> (&'static str, Component) {
    let status = if manage.stop.is_asked() { Status::OutOfService } else { Status::Up };
    ("readinessState", Component { status, details: None })
}
