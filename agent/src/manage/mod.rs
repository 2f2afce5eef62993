//! `/manage`: health, info, shutdown, metrics, loggers, as the supervisor and today's monitoring ask for them. The contract is
//! [`efm::manage`]; what is served beyond it is shaped as Spring Boot's actuator shapes it.

mod built;
mod facts;
mod health;
mod logfile;
mod loggers;
mod metrics;
mod stop;

pub use built::commit;
pub use facts::Facts;
pub use health::{Component, Health, Part, Whole, look};
pub use metrics::Requests;
pub use stop::Stop;

use crate::config::ShutdownFrom;
use crate::flow::Desk;
use axum::Json;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use efm::manage::Info;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is served here.
#[derive(Clone)]
pub struct Manage {
    /// The desk.
    pub desk: Arc<Desk>,
    /// What the program knows of itself.
    pub facts: Arc<Facts>,
    /// Who may shut it down; none: nobody.
    pub shutdown: Option<ShutdownFrom>,
    /// Who else has something to say of the health.
    pub parts: Arc<[Part]>,
    /// How it is told to stop.
    pub stop: Stop,
}

/// Everything below `/manage`.
pub fn routes(manage: Manage) -> Router {
    let may_stop = manage.shutdown.is_some();
    let routes = Router::new()
        .route(efm::manage::HEALTH, get(health::whole))
        .route("/manage", get(links))
        .route("/manage/health/liveness", get(health::liveness))
        .route("/manage/health/readiness", get(health::readiness))
        .route("/manage/health/{*component}", get(health::one))
        .route(efm::manage::INFO, get(info))
        .route("/manage/metrics", get(metrics::names))
        .route("/manage/metrics/{name}", get(metrics::one))
        .route("/manage/prometheus", get(metrics::exposition))
        .route("/manage/loggers", get(loggers::all))
        .route("/manage/loggers/{name}", get(loggers::one).post(loggers::change))
        .route("/manage/logfile", get(logfile::read));
    let routes = if may_stop { routes.route(efm::manage::SHUTDOWN, post(shutdown)) } else { routes };
    routes.with_state(manage)
}

/// Counts what passes, whoever answers it. Laid around everything else.
pub fn watch(manage: Manage, routes: Router) -> Router {
    routes.layer(axum::middleware::from_fn_with_state(manage, metrics::count))
}

/// `GET /manage`: what there is.
async fn links(State(manage): State<Manage>, headers: HeaderMap) -> Response {
    const PATHS: [(&str, &str); 9] = [
        ("self", "/manage"),
        ("health", efm::manage::HEALTH),
        ("health-path", "/manage/health/{*path}"),
        ("info", efm::manage::INFO),
        ("metrics", "/manage/metrics"),
        ("metrics-requiredMetricName", "/manage/metrics/{requiredMetricName}"),
        ("prometheus", "/manage/prometheus"),
        ("loggers", "/manage/loggers"),
        ("loggers-name", "/manage/loggers/{name}"),
    ];
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let link = |path: &str| json!({ "href": format!("http://{host}{path}"), "templated": path.contains('{') });
    let mut links: BTreeMap<&str, _> = PATHS.into_iter().map(|(name, path)| (name, link(path))).collect();
    if manage.facts.log_file.is_some() {
        links.insert("logfile", link("/manage/logfile"));
    }
    if manage.shutdown.is_some() {
        links.insert("shutdown", link(efm::manage::SHUTDOWN));
    }
    Json(json!({ "_links": links })).into_response()
}

async fn info(State(manage): State<Manage>) -> Json<Info> {
    Json(built::info(manage.facts.version))
}

async fn shutdown(
    State(manage): State<Manage>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if let Some(page) = headers.get(header::ORIGIN) {
        // No program says this: it is a page that somebody of this machine looks at.
        tracing::warn!(?page, "refused to shut down: a web page asks");
        let message = "a web page may not shut it down";
        return (StatusCode::FORBIDDEN, Json(json!({ "message": message }))).into_response();
    }
    let is_near = from.ip().to_canonical().is_loopback();
    if manage.shutdown == Some(ShutdownFrom::Loopback) && !is_near {
        tracing::warn!(%from, "refused to shut down: only this machine may ask, see integrasjonspunkt.shutdown.from");
        let message = "only this machine may shut it down";
        return (StatusCode::FORBIDDEN, Json(json!({ "message": message }))).into_response();
    }
    manage.stop.ask("POST /manage/shutdown");
    Json(json!({ "message": "Shutting down, bye..." })).into_response()
}
