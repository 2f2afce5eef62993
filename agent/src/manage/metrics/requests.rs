//! Requests are counted by the template of their path, their method and the status of the answer, each of few values: what
//! somebody asks for can never make the list longer. Around each is the span that its log lines are found by.

use super::super::Manage;
use super::{Kind, Meter, Sample, Time, Value};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;

/// The buckets of the histogram, in seconds.
pub(super) const BOUNDS: [f64; 8] = [0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];
/// Where no path fits; Spring calls it so.
const NO_TEMPLATE: &str = "/**";
/// A name longer than this tells nobody anything.
const LONGEST_AGENT: usize = 200;

/// The requests so far.
#[derive(Debug, Default)]
pub struct Requests(Mutex<BTreeMap<Key, Time>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    method: &'static str,
    uri: String,
    status: u16,
}

/// Counts a request until the head of its answer is made; the body may take longer.
pub(in super::super) async fn count(State(manage): State<Manage>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let template = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = method(request.method());
    let span = tracing::error_span!(
        "request",
        "User-Agent" = agent(request.headers()),
        correlation_id = tracing::field::Empty
    );
    let response = next.run(request).instrument(span).await;
    let uri = template.unwrap_or_else(|| NO_TEMPLATE.to_owned());
    let key = Key { method, uri, status: response.status().as_u16() };
    manage.facts.requests.add(key, begun.elapsed());
    response
}

fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("OTHER")
}

fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(LONGEST_AGENT).collect())
}

impl Requests {
    fn add(&self, key: Key, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let time = all.entry(key).or_default();
        time.count += 1;
        time.total += seconds;
        time.longest = time.longest.max(seconds);
        for (bound, within) in BOUNDS.iter().zip(&mut time.within) {
            *within += u64::from(seconds <= *bound);
        }
    }

    pub(super) fn meter(&self) -> Meter {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = all.iter().map(|(key, time)| Sample {
            labels: vec![
                ("error", "none".to_owned()),
                ("exception", "none".to_owned()),
                ("method", key.method.to_owned()),
                ("outcome", outcome(key.status).to_owned()),
                ("status", key.status.to_string()),
                ("uri", key.uri.clone()),
            ],
            value: Value::Time(time.clone()),
        });
        Meter {
            name: "http.server.requests",
            description: "Requests and how long their answers took to begin",
            unit: Some("seconds"),
            kind: Kind::Timer,
            samples: samples.collect(),
        }
    }
}

/// As Spring calls it.
fn outcome(status: u16) -> &'static str {
    match StatusCode::from_u16(status) {
        Ok(status) if status.is_informational() => "INFORMATIONAL",
        Ok(status) if status.is_success() => "SUCCESS",
        Ok(status) if status.is_redirection() => "REDIRECTION",
        Ok(status) if status.is_client_error() => "CLIENT_ERROR",
        Ok(status) if status.is_server_error() => "SERVER_ERROR",
        Ok(_) | Err(_) => "UNKNOWN",
    }
}
