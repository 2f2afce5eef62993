//! `/manage`: health, info, shutdown, as the supervisor and today's monitoring ask for them. The contract is
//! [`efm::manage`]; what is served beyond it is shaped as Spring Boot's actuator shapes it.

mod health;
mod stop;

pub use health::{Health, Part};
pub use stop::Stop;

use crate::config::ShutdownFrom;
use crate::flow::Desk;
use axum::Json;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use efm::manage::{Build, Info};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is served here.
#[derive(Clone)]
pub struct Manage {
    /// The desk.
    pub desk: Arc<Desk>,
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
        .route("/manage/health/liveness", get(health::liveness))
        .route("/manage/health/readiness", get(health::readiness))
        .route(efm::manage::INFO, get(info));
    let routes = if may_stop { routes.route(efm::manage::SHUTDOWN, post(shutdown)) } else { routes };
    routes.with_state(manage)
}

async fn info() -> Json<Info> {
    let build = Build { version: env!("CARGO_PKG_VERSION").to_owned(), artifact: Some("integrasjonspunkt".to_owned()) };
    Json(Info { build: Some(build) })
}

async fn shutdown(State(manage): State<Manage>, ConnectInfo(from): ConnectInfo<SocketAddr>) -> Response {
    let is_near = from.ip().to_canonical().is_loopback();
    if manage.shutdown == Some(ShutdownFrom::Loopback) && !is_near {
        tracing::warn!(%from, "refused to shut down: only this machine may ask, see integrasjonspunkt.shutdown.from");
        let message = "only this machine may shut it down";
        return (StatusCode::FORBIDDEN, Json(json!({ "message": message }))).into_response();
    }
    manage.stop.ask("POST /manage/shutdown");
    Json(json!({ "message": "Shutting down, bye..." })).into_response()
}
