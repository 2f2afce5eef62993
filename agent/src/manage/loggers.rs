//! `/manage/loggers`: how loud which part is, and how to change it. A change is in force at once, and gone with the program.

use super::Manage;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use efm::telemetry::{CannotSet, LevelFilter, ROOT};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// What ours is called in the Java one; whoever sets that means ours.
const JAVA: &str = "no.difi.meldingsutveksling";
const OURS: &str = "integrasjonspunkt";
/// Loggers that are there, whether they have a level of their own or not.
const KNOWN: [&str; 11] = [
    ROOT,
    "AUDIT",
    "STATUS",
    OURS,
    "integrasjonspunkt::api",
    "integrasjonspunkt::channels",
    "integrasjonspunkt::flow",
    "integrasjonspunkt::pollers",
    "integrasjonspunkt::registry",
    "integrasjonspunkt::store",
    "integrasjonspunkt::web",
];
const LEVELS: [(&str, LevelFilter); 6] = [
    ("OFF", LevelFilter::OFF),
    ("ERROR", LevelFilter::ERROR),
    ("WARN", LevelFilter::WARN),
    ("INFO", LevelFilter::INFO),
    ("DEBUG", LevelFilter::DEBUG),
    ("TRACE", LevelFilter::TRACE),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logger {
    #[serde(skip_serializing_if = "Option::is_none")]
    configured_level: Option<&'static str>,
    effective_level: &'static str,
}

/// `GET /manage/loggers`
pub(super) async fn all(State(manage): State<Manage>) -> Response {
    let levels: Vec<_> = LEVELS.iter().map(|(name, _)| *name).collect();
    let set = manage.facts.levels.set();
    let names = KNOWN.into_iter().map(str::to_owned).chain(set.keys().cloned());
    let loggers: BTreeMap<String, Logger> = names.map(|name| (name.clone(), logger(&manage, &name))).collect();
    Json(json!({ "levels": levels, "loggers": loggers, "groups": {} })).into_response()
}

/// `GET /manage/loggers/{name}`
pub(super) async fn one(State(manage): State<Manage>, Path(name): Path<String>) -> Response {
    Json(logger(&manage, &ours(&name))).into_response()
}

fn logger(manage: &Manage, name: &str) -> Logger {
    let configured_level = manage.facts.levels.set().get(name).map(|level| self::name(*level));
    Logger { configured_level, effective_level: self::name(manage.facts.levels.effective(name)) }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    configured_level: Option<String>,
}

/// `POST /manage/loggers/{name}`; without a level, or with null, its own is taken away. Only as JSON: a page of another site
/// cannot send that without asking.
pub(super) async fn change(
    State(manage): State<Manage>,
    Path(name): Path<String>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Response {
    let wrong = |status, message: String| (status, Json(json!({ "message": message }))).into_response();
    let Json(Wanted { configured_level }) = match wanted {
        Ok(wanted) => wanted,
        Err(rejection) => return wrong(rejection.status(), rejection.body_text()),
    };
    let level = match configured_level.as_deref().map(named).transpose() {
        Ok(level) => level,
        Err(given) => {
            let right = LEVELS.map(|(name, _)| name).join(", ");
            return wrong(StatusCode::BAD_REQUEST, format!("'{given}' is no level; right would be one of {right}"));
        }
    };
    let name = ours(&name);
    match manage.facts.levels.change(&name, level) {
        Ok(()) => {
            tracing::info!(logger = name, level = configured_level, "the level of a logger was changed");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(why @ (CannotSet::Name | CannotSet::TooMany | CannotSet::Closed)) => {
            wrong(StatusCode::BAD_REQUEST, why.to_string())
        }
    }
}

/// As Spring calls it; FATAL is an error, as in Logback.
fn named(name: &str) -> Result<LevelFilter, String> {
    let wanted = name.trim().to_ascii_uppercase();
    let wanted = if wanted == "FATAL" { "ERROR" } else { wanted.as_str() };
    let found = LEVELS.iter().find(|(name, _)| *name == wanted).map(|(_, level)| *level);
    found.ok_or_else(|| name.to_owned())
}

fn name(level: LevelFilter) -> &'static str {
    LEVELS.iter().find(|(_, known)| *known == level).map_or("OFF", |(name, _)| name)
}

fn ours(name: &str) -> String {
    let is_java = name == JAVA || name.strip_prefix(JAVA).is_some_and(|rest| rest.starts_with('.'));
    if is_java { OURS.to_owned() } else { name.to_owned() }
}
