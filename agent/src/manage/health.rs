//! What it says of itself. A component that is DOWN takes the whole with it, and the answer is 503; a channel that is DOWN does
//! not: neither a restart nor an older version would mend the outside world.

use super::Manage;
use crate::flow::Need;
use crate::ports::StoreError;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use efm::manage::Status;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Less free space than this is too little, as in the Java one.
const THRESHOLD_BYTES: u64 = 10 << 20;
/// A share that hangs does not make us hang.
const TO_LOOK: Duration = Duration::from_secs(2);

/// One part of it.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    /// What it says of itself.
    pub status: Status,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Its own parts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, Component>,
}

/// The whole.
#[derive(Clone, Debug, Serialize)]
pub struct Whole {
    /// The worst of the components.
    pub status: Status,
    /// Each.
    pub components: BTreeMap<&'static str, Component>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    groups: &'static [&'static str],
}

/// What a part of the program says of itself.
#[derive(Clone, Debug)]
pub struct Health {
    /// How it is. What is unknown takes nothing down.
    pub status: Status,
    /// What a person may want to know.
    pub details: Option<Value>,
}

impl From<Health> for Component {
    fn from(health: Health) -> Self {
        component(health.status, health.details)
    }
}

/// A part of the program that has something to say; asked at each look, and must not wait for anything.
#[derive(Clone)]
pub struct Part {
    /// The name of its component.
    pub name: &'static str,
    /// What it says.
    pub said: Arc<dyn Fn() -> Health + Send + Sync>,
}

fn component(status: Status, details: Option<Value>) -> Component {
    Component { status, details, components: BTreeMap::new() }
}

fn up(details: Option<Value>) -> Component {
    component(Status::Up, details)
}

impl Manage {
    /// Whether the database is known to be away.
    pub fn lacks_database(&self) -> bool {
        self.desk.awaited.why(Need::Database).is_some()
    }
}

/// Asks each component.
pub async fn look(manage: &Manage) -> Whole {
    let mut components = BTreeMap::from([("ping", up(None)), alive(), ready(manage), disk_space(manage)]);
    components.extend(manage.parts.iter().map(|part| (part.name, (part.said)().into())));
    if let Some(channels) = channels(manage) {
        components.insert("channels", channels);
    }
    components.extend(files(manage).await);
    let database = manage.desk.store.database();
    let counts = match manage.desk.awaited.why(Need::Database) {
        Some(why) => Err(why),
        None => manage.desk.store.counts().await.map_err(|error| {
            if matches!(error, StoreError::Unreachable { .. }) {
                // Who watches the database knows it in a moment, too.
                components.insert("readinessState", component(Status::OutOfService, None));
            }
            efm::chain::Chain(&error).to_string()
        }),
    };
    match counts {
        Ok(counts) => {
            components.insert("db", up(Some(json!({ "database": database }))));
            // The queue is in the database; whoever watched the Java one's broker watches it here.
            components.insert("jms", up(Some(json!({ "provider": database }))));
            let queue = json!({ "outgoing": counts.outgoing, "incoming": counts.incoming, "queued": counts.queued });
            components.insert("nextMoveQueue", up(Some(queue)));
            components.insert("messageStatus", up(Some(json!({ "pollable": counts.pollable }))));
        }
        Err(error) => {
            let error = efm::masking::mask(&error);
            let details = json!({ "database": database, "error": error });
            components.insert("db", component(Status::Down, Some(details)));
            for name in ["jms", "messageStatus", "nextMoveQueue"] {
                components.insert(name, component(Status::Unknown, None));
            }
        }
    }
    whole_of(components, &["liveness", "readiness"])
}

fn whole_of(components: BTreeMap<&'static str, Component>, groups: &'static [&'static str]) -> Whole {
    let is_one = |wanted: &Status| components.values().any(|component| component.status == *wanted);
    let status = [Status::Down, Status::OutOfService].into_iter().find(is_one).unwrap_or(Status::Up);
    Whole { status, components, groups }
}

fn answer(health: &Whole) -> Response {
    (code(health.status), Json(health)).into_response()
}

fn code(status: Status) -> StatusCode {
    match status {
        Status::Up | Status::Unknown => StatusCode::OK,
        Status::Down | Status::OutOfService => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `/manage/health`
pub(super) async fn whole(State(manage): State<Manage>) -> Response {
    answer(&look(&manage).await)
}

/// `/manage/health/liveness`
pub(super) async fn liveness() -> Response {
    answer(&whole_of(BTreeMap::from([alive()]), &[]))
}

/// `/manage/health/readiness`
pub(super) async fn readiness(State(manage): State<Manage>) -> Response {
    answer(&whole_of(BTreeMap::from([ready(&manage)]), &[]))
}

/// `/manage/health/{component}`, and parts of parts below it.
pub(super) async fn one(State(manage): State<Manage>, Path(path): Path<String>) -> Response {
    let health = look(&manage).await;
    let mut names = path.split('/');
    let first = names.next().unwrap_or_default();
    let found = health.components.get(first).cloned();
    let found = names.fold(found, |found, name| found.and_then(|found| found.components.get(name).cloned()));
    match found {
        Some(found) => (code(found.status), Json(found)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn alive() -> (&'static str, Component) {
    ("livenessState", up(None))
}

fn ready(manage: &Manage) -> (&'static str, Component) {
    let status = match manage.desk.awaited.first() {
        None if !manage.stop.is_asked() => Status::Up,
        // Spring's word for who takes no requests now.
        None | Some(_) => Status::OutOfService,
    };
    ("readinessState", component(status, None))
}

/// Only where it is not there, or no more: what it has room for says [`disk_space`].
async fn files(manage: &Manage) -> Option<(&'static str, Component)> {
    let why = match manage.desk.awaited.why(Need::Files) {
        Some(why) => why,
        None => match tokio::time::timeout(TO_LOOK, manage.desk.blobs.look()).await {
            Ok(looked) => efm::chain::Chain(&looked.err()?).to_string(),
            Err(_) => format!("it does not answer within {} s", TO_LOOK.as_secs()),
        },
    };
    let path = manage.facts.folder.display().to_string();
    Some(("files", component(Status::Down, Some(json!({ "path": path, "error": efm::masking::mask(&why) })))))
}

fn disk_space(manage: &Manage) -> (&'static str, Component) {
    let folder = &manage.facts.folder;
    let measured = fs4::total_space(folder).and_then(|total| Ok((total, fs4::available_space(folder)?)));
    let path = folder.display().to_string();
    let found = match measured {
        Ok((total, free)) => {
            let status = if free < THRESHOLD_BYTES { Status::Down } else { Status::Up };
            let details =
                json!({ "total": total, "free": free, "threshold": THRESHOLD_BYTES, "path": path, "exists": true });
            component(status, Some(details))
        }
        Err(error) => component(
            Status::Down,
            Some(json!({ "path": path, "exists": folder.exists(), "error": error.to_string() })),
        ),
    };
    ("diskSpace", found)
}

fn channels(manage: &Manage) -> Option<Component> {
    let fares = manage.desk.tally.all();
    let components: BTreeMap<String, Component> = manage
        .facts
        .enabled
        .iter()
        .chain(manage.desk.channels.keys().copied())
        .map(|service| {
            let name = service.name().to_lowercase();
            if !manage.desk.channels.contains_key(&service) {
                return (name, component(Status::Down, Some(json!({ "error": "this version has no such channel" }))));
            }
            let fares = fares.get(&service).cloned().unwrap_or_default();
            let reached = fares.reached.map(|at| at.to_string());
            match fares.trouble {
                None => (name, up(Some(json!({ "reached": reached })))),
                Some((since, why)) => {
                    let why = efm::masking::mask(&why);
                    let details = json!({ "reached": reached, "since": since.to_string(), "error": why });
                    (name, component(Status::Down, Some(details)))
                }
            }
        })
        .collect();
    if components.is_empty() {
        return None;
    }
    let is_well = components.values().all(|component| component.status == Status::Up);
    let status = if is_well { Status::Up } else { Status::Unknown };
    Some(Component { status, details: None, components })
}
