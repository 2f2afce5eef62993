//! The pages that a person looks at: what runs, how it fares, which messages there are and what became of them. Plain HTML made
//! here, in bokmål; no script, nothing from elsewhere, and nothing here changes anything:
//! the one form gives a new key, which is kept nowhere.
//!
//! A file for each page; the templates are in `agent/templates/`, checked when this is compiled. What may name a person is
//! masked ([`words::shown`]) before it reaches one.

mod conversation;
mod conversations;
mod home;
mod onboarding;
mod rows;
mod search;
mod subscribers;
mod words;

pub use subscribers::{Delivery, Subscriber, Subscribers};

use crate::manage::Manage;
use crate::ports::{Onboarding, StoreError};
use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use words::Moment;

/// Whoever is to wait asks again after so long, as in the API.
const LATER_SECONDS: HeaderValue = HeaderValue::from_static("10");
const STYLE: &str = include_str!("../../templates/style.css");
const ICON: &str = include_str!("../../templates/icon.svg");

/// What the pages look at.
#[derive(Clone)]
pub struct Web {
    /// The desk, and what the program knows of itself.
    pub manage: Manage,
    /// Who is told of statuses; none: this is not to be seen.
    pub subscribers: Option<Arc<dyn Subscribers>>,
    /// How far the site has come; none: this is not to be seen.
    pub onboarding: Option<Arc<dyn Onboarding>>,
}

/// The pages, and what they are drawn with.
pub fn routes(web: Web) -> Router {
    let fixed =
        |kind: &'static str, text: &'static str| get(move || async move { ([(header::CONTENT_TYPE, kind)], text) });
    Router::new()
        .route("/", get(home::page))
        .route("/conversations", get(conversations::page))
        .route("/conversations/{number}", get(conversation::page))
        .route("/onboarding", get(onboarding::page))
        .route("/jwk", get(onboarding::ask).post(onboarding::make))
        .route("/style.css", fixed("text/css; charset=utf-8", STYLE))
        .route("/icon.svg", fixed("image/svg+xml", ICON))
        .layer(axum::middleware::from_fn(fence))
        .with_state(web)
}

/// Nothing is fetched, framed, sent or run but our own style and icon.
const FENCE: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

async fn fence(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in FENCE {
        response.headers_mut().insert(name, value);
    }
    response
}

/// What every page has around it.
struct Frame {
    version: &'static str,
    organisation: String,
    profile: Option<&'static str>,
    now: Moment,
}

impl Frame {
    fn of(web: &Web) -> Self {
        let facts = &web.manage.facts;
        Self {
            version: facts.version,
            organisation: facts.organisation.clone(),
            profile: facts.profile,
            now: Moment::of(web.manage.desk.clock.now()),
        }
    }
}

/// A page that cannot be shown.
enum Trouble {
    NotFound,
    Store(StoreError),
    Template(askama::Error),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<askama::Error> for Trouble {
    fn from(error: askama::Error) -> Self {
        Self::Template(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, heading, text) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "Finnes ikke", "Samtalen finnes ikke, eller den er slettet."),
            Self::Store(StoreError::NotOpen) => {
                let text = "Databasen er ikke åpnet ennå. Oversikten sier hvorfor; integrasjonspunktet prøver igjen av seg selv.";
                (StatusCode::SERVICE_UNAVAILABLE, "Ikke klar ennå", text)
            }
            Self::Store(StoreError::Unreachable { .. }) => {
                let text =
                    "Databasen svarer ikke. Oversikten sier hvorfor; integrasjonspunktet prøver igjen av seg selv.";
                (StatusCode::SERVICE_UNAVAILABLE, "Ikke klar nå", text)
            }
            Self::Store(error) => {
                tracing::error!(error = %efm::chain::Chain(&error), "a page cannot be shown");
                let text = "Databasen svarer ikke slik den skal. Loggen sier hvorfor.";
                (StatusCode::INTERNAL_SERVER_ERROR, "Noe gikk galt", text)
            }
            Self::Template(error) => {
                tracing::error!(%error, "a page cannot be drawn");
                (StatusCode::INTERNAL_SERVER_ERROR, "Noe gikk galt", "Siden kunne ikke tegnes. Loggen sier hvorfor.")
            }
        };
        let mut response = match (Wrong { heading, text }).render() {
            Ok(page) => (status, Html(page)).into_response(),
            Err(_) => (status, text).into_response(),
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, LATER_SECONDS);
        }
        response
    }
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct Wrong {
    heading: &'static str,
    text: &'static str,
}

fn drawn(page: &impl Template) -> Result<Response, Trouble> {
    Ok(Html(page.render()?).into_response())
}

#[cfg(test)]
mod tests;
