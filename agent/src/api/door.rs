//! What every request passes, whichever room answers it: the user, the form of errors, the headers of every answer.

use super::problem::Problem;
use crate::config::Auth;
use crate::flow::{Awaited, Need};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use efm::clock::Clock;
use std::sync::Arc;

const BEGAN_SO: &str = "this connection began without it; begin another one";

/// Of a request: it came over a certificate that stands in for ours.
#[derive(Clone, Copy, Debug)]
pub struct StandIn;

/// What the door needs to know.
#[derive(Clone, Debug)]
pub struct Door {
    /// Who may come in; none: everybody.
    pub auth: Option<Arc<Auth>>,
    /// What must be there before messages are taken.
    pub awaited: Arc<Awaited>,
    /// What time it is.
    pub clock: Clock,
}

impl Door {
    /// Lays the door around all routes.
    pub fn around(self, routes: axum::Router) -> axum::Router {
        routes
            .fallback(|uri: Uri| async move { Problem::NoResource(uri.path().to_owned()) })
            .method_not_allowed_fallback(
                |request: Request| async move { Problem::Method(request.method().to_string()) },
            )
            .layer(axum::middleware::from_fn_with_state(self, pass))
    }
}

async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_traced = super::query::is_traced(request.uri().query().unwrap_or_default());
    // The parts of health say no more than health itself does, and there is no one to ask for a password then.
    let is_unknown = unknown(&door, &request).is_some();
    let may = is_open(&path)
        || (is_unknown && is_health(&path))
        || door.auth.as_ref().is_none_or(|auth| is_user(request.headers(), auth));
    let is_named = request.headers().contains_key(header::AUTHORIZATION);
    let unauthorized = || (!may).then_some(Problem::Unauthorized { is_named });
    let refused = without_certificate(&door, &request)
        .or_else(unauthorized)
        .or_else(|| wrong_in(&path))
        .or_else(|| not_whole(&door, &path));
    let mut response = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = problem.answer(&path, door.clock.now(), is_traced);
        response.headers_mut().extend(allowed.map(|methods| (header::ALLOW, methods)));
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Realm\""));
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Without its own certificate it cannot be told from anybody else: nobody is asked for a password, and nothing is given or
/// taken but what [`is_for_anybody`] names. That holds to the end of a connection that began so.
fn without_certificate(door: &Door, request: &Request) -> Option<Problem> {
    let why = unknown(door, request)?;
    (!is_for_anybody(request.method(), request.uri().path())).then_some(Problem::NotYet(Need::Tls, why))
}

/// Why whoever asks cannot know who answers.
fn unknown(door: &Door, request: &Request) -> Option<String> {
    let began_so = || request.extensions().get::<StandIn>().map(|_| BEGAN_SO.to_owned());
    door.awaited.why(Need::Tls).or_else(began_so)
}

/// All that is answered where nobody knows who answers: how it fares, what it is, and the word to stop, where its setting
/// takes it.
fn is_for_anybody(method: &Method, path: &str) -> bool {
    match path {
        efm::manage::SHUTDOWN => method == Method::POST,
        efm::manage::HEALTH | efm::manage::INFO => is_look(method),
        _ => is_health(path) && is_look(method),
    }
}

fn is_look(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Who asks for messages while something is missing is to wait.
fn not_whole(door: &Door, path: &str) -> Option<Problem> {
    let (need, why) = door.awaited.first().filter(|_| is_api(path))?;
    Some(Problem::NotYet(need, why))
}

fn is_health(path: &str) -> bool {
    path.strip_prefix(efm::manage::HEALTH).is_some_and(|rest| rest.starts_with('/'))
}

fn is_api(path: &str) -> bool {
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (below("/api") && path != super::openapi::PATH) || below("/servicerecord")
}

/// As the Java one's: nothing of an answer is to be kept or framed.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (header::VARY, HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_XSS_PROTECTION, HeaderValue::from_static("0")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, max-age=0, must-revalidate")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
    (header::EXPIRES, HeaderValue::from_static("0")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// `/manage/health` and its like, one segment, need no user; `/manage/health/liveness` does, as it does today. The log file
/// does, too: in the Java one everybody may read it who reaches the port.
fn is_open(path: &str) -> bool {
    const CLOSED: [&str; 1] = ["logfile"];
    let is_open = |rest: &str| !rest.is_empty() && !rest.contains('/') && !CLOSED.contains(&rest);
    path == "/error" || path.strip_prefix("/manage/").is_some_and(is_open)
}

fn is_user(headers: &HeaderMap, auth: &Auth) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let Some((_, given)) = given else { return false };
    let right = super::answer::base64(format!("{}:{}", auth.user, auth.password.reveal()).as_bytes());
    // Digests take as long to compare whatever is in them.
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest(given.trim()).as_ref() == digest(&right).as_ref()
}

/// What no room could read of a path: bytes that are no text.
fn wrong_in(path: &str) -> Option<Problem> {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.bytes());
    while let Some(byte) = rest.next() {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut ahead = rest.clone();
        let pair = (byte == b'%').then(|| Some((digit(ahead.next()?)?, digit(ahead.next()?)?))).flatten();
        match pair {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = ahead;
            }
            // A percent sign alone is one.
            None => bytes.push(byte),
        }
    }
    let error = std::str::from_utf8(&bytes).err()?;
    let at = error.valid_up_to();
    Some(Problem::IllegalArgument(format!("The path is no UTF-8 text once it is decoded, from its byte {at} on")))
}

/// `/api/messages/out/` is `/api/messages/out`: some case systems write it so.
pub fn without_trailing_slash(mut request: Request<Body>) -> Request<Body> {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') {
        let path = path.trim_end_matches('/');
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("/{}{query}", path.trim_start_matches('/')).parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}
