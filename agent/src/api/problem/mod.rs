//! The error body, as the Java one writes it: case systems switch on `exception`, people read `message`.
//!
//! A handler returns a [`Problem`]; the door makes the answer of it, since it knows the path. What the words are stands in
//! [`catalogue`], a row for each refusal.

mod catalogue;
mod violations;

use crate::domain::in_oslo;
use crate::flow::{Need, Refusal, Trouble};
use crate::ports::{BlobError, StoreError};
use crate::sbd::{self, Violation};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

/// Who is to wait asks again after so long.
const LATER_SECONDS: HeaderValue = HeaderValue::from_static("10");

/// Why a request gets no other answer.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// It was refused; nothing was changed.
    Refused(Box<Refusal>),
    /// The body cannot be read.
    Unreadable(String),
    /// The body does not keep to the rules.
    Invalid {
        /// What the Java one calls the body.
        object: &'static str,
        /// All that is wrong.
        violations: Vec<Violation>,
        /// For people, where the rules say too little.
        description: Option<String>,
    },
    /// Something that was given makes no sense.
    IllegalArgument(String),
    /// A list cannot be ordered by this.
    NoProperty {
        /// What was asked for.
        name: String,
        /// The Java class of the rows.
        of: &'static str,
        /// What can be asked for.
        right: String,
    },
    /// A parameter or part that must be there is not.
    MissingParameter(&'static str),
    /// A header that must be there is not.
    MissingHeader(&'static str),
    /// The body is of a type that is not taken.
    MediaType(String),
    /// The body is larger than anybody's.
    TooLarge {
        /// Of what: `body`, `request`.
        what: &'static str,
        /// How large it may be.
        limit_bytes: usize,
    },
    /// Nobody, or somebody else.
    Unauthorized {
        /// Somebody was named.
        is_named: bool,
    },
    /// The path is not served with this method.
    Method(String),
    /// The path is not served.
    NoResource(String),
    /// The service registry could not be asked. The words go to the log as well.
    Lookup(String),
    /// Something is missing that comes later, perhaps; it is told in the log and in health.
    NotYet(Need, String),
    /// It is not the client's fault. The words go to the log as well.
    Broken(String),
}

/// A row of the catalogue, filled in.
struct Row {
    status: StatusCode,
    exception: &'static str,
    message: String,
    description: Option<String>,
}

impl Problem {
    /// The answer.
    pub(super) fn answer(self, path: &str, now: Timestamp, is_traced: bool) -> Response {
        let row = self.row();
        if row.status == StatusCode::NO_CONTENT {
            return row.status.into_response();
        }
        let is_to_wait = row.status == StatusCode::SERVICE_UNAVAILABLE;
        if is_to_wait {
            // Whoever asks is not the one who can mend it: it is an error of the log once, and not of each request.
            tracing::debug!(path = efm::masking::mask(path), "refused: not whole yet");
        } else if row.status.is_server_error() {
            let (path, message) = (efm::masking::mask(path), efm::masking::mask(&row.message));
            tracing::error!(path, exception = row.exception, message, "answered");
        }
        let errors = self.errors();
        let body = Body {
            timestamp: in_oslo(now),
            status: row.status.as_u16(),
            error: row.status.canonical_reason().unwrap_or_default(),
            trace: is_traced.then(|| vec![format!("{}: {}", row.exception, row.message)]),
            exception: row.exception,
            message: row.message,
            errors,
            path,
            description: row.description,
        };
        let text = super::answer::pretty(&serde_json::to_string(&body).unwrap_or_default());
        let mut response = (row.status, text).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if is_to_wait {
            response.headers_mut().insert(header::RETRY_AFTER, LATER_SECONDS);
        }
        response
    }

    fn errors(&self) -> Option<Vec<violations::Body>> {
        if let Self::Invalid { object, violations, .. } = self {
            return Some(violations.iter().map(|one| violations::Body::of(one, object)).collect());
        }
        let Self::Refused(refusal) = self else { return None };
        let Refusal::BrokenRules(paths) = &**refusal else { return None };
        Some(paths.iter().map(|path| violations::Body::of_missing(path)).collect())
    }

    fn row(&self) -> Row {
        let row = |status, exception, message: String| Row { status, exception, message, description: None };
        match self {
            Self::Refused(refusal) => catalogue::row(refusal),
            Self::Unreadable(why) => row(
                StatusCode::BAD_REQUEST,
                "org.springframework.http.converter.HttpMessageNotReadableException",
                why.clone(),
            ),
            Self::Invalid { object, violations, description } => Row {
                status: StatusCode::BAD_REQUEST,
                exception: "org.springframework.web.bind.MethodArgumentNotValidException",
                message: format!("Validation failed for object='{object}'. Error count: {}", violations.len()),
                description: description.clone(),
            },
            // The original answers 500; it is the client that can mend it.
            Self::IllegalArgument(why) => {
                row(StatusCode::BAD_REQUEST, "java.lang.IllegalArgumentException", why.clone())
            }
            // The original answers 500 here, too.
            Self::NoProperty { name, of, right } => row(
                StatusCode::BAD_REQUEST,
                "org.springframework.data.mapping.PropertyReferenceException",
                format!("No property '{name}' found for type '{of}'; this list can be sorted by {right}"),
            ),
            Self::MissingParameter(name) => row(
                StatusCode::BAD_REQUEST,
                "org.springframework.web.bind.MissingServletRequestParameterException",
                format!("Required request parameter '{name}' is not present"),
            ),
            Self::MissingHeader(name) => row(
                StatusCode::BAD_REQUEST,
                "org.springframework.web.bind.MissingRequestHeaderException",
                format!("Required request header '{name}' for method parameter type String is not present"),
            ),
            Self::MediaType(given) => row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "org.springframework.web.HttpMediaTypeNotSupportedException",
                format!("Content-Type '{given}' is not supported"),
            ),
            Self::TooLarge { what, limit_bytes } => row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "org.springframework.web.multipart.MaxUploadSizeExceededException",
                format!("Maximum upload size exceeded: a {what} has at most {limit_bytes} bytes"),
            ),
            Self::Unauthorized { is_named: true } => row(
                StatusCode::UNAUTHORIZED,
                "org.springframework.security.authentication.BadCredentialsException",
                "Bad credentials".into(),
            ),
            Self::Unauthorized { is_named: false } => row(
                StatusCode::UNAUTHORIZED,
                "org.springframework.security.authentication.InsufficientAuthenticationException",
                "Full authentication is required to access this resource".into(),
            ),
            Self::Method(method) => row(
                StatusCode::METHOD_NOT_ALLOWED,
                "org.springframework.web.HttpRequestMethodNotSupportedException",
                format!("Request method '{method}' is not supported"),
            ),
            Self::NoResource(path) => row(
                StatusCode::NOT_FOUND,
                "org.springframework.web.servlet.resource.NoResourceFoundException",
                format!("No static resource {}.", path.trim_start_matches('/')),
            ),
            Self::Lookup(why) => row(
                StatusCode::INTERNAL_SERVER_ERROR,
                "no.difi.meldingsutveksling.domain.MeldingsUtvekslingRuntimeException",
                why.clone(),
            ),
            Self::NotYet(need, why) => {
                let exception = match need {
                    // The Java one's, where its database is away.
                    Need::Database => "org.springframework.transaction.CannotCreateTransactionException",
                    Need::Files | Need::Tls => "java.lang.IllegalStateException",
                };
                let message = format!("No messages are taken now, {need} is missing: {why}");
                row(StatusCode::SERVICE_UNAVAILABLE, exception, message)
            }
            Self::Broken(why) => row(StatusCode::INTERNAL_SERVER_ERROR, "java.lang.IllegalStateException", why.clone()),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    timestamp: String,
    status: u16,
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<String>>,
    exception: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<violations::Body>>,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// Left for the door, which makes the answer.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) => refusal.into(),
            Trouble::Lacks(what) => Self::Unreadable(format!("the document has no {what}")),
            Trouble::Registry(why) => Self::Lookup(why),
            Trouble::Store(error) => error.into(),
            Trouble::Blob(error @ (BlobError::NotOpen | BlobError::Lost(_) | BlobError::Open { .. })) => {
                Self::NotYet(Need::Files, efm::chain::Chain(&error).to_string())
            }
            other @ (Trouble::Blob(_) | Trouble::Random(_)) => Self::Broken(efm::chain::Chain(&other).to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let why = efm::chain::Chain(&error).to_string();
        match error {
            StoreError::NotOpen | StoreError::Unreachable { .. } => {
                Self::NotYet(Need::Database, efm::masking::mask(&why))
            }
            StoreError::Database { .. } | StoreError::Strange { .. } | StoreError::Closed => Self::Broken(why),
        }
    }
}

impl From<sbd::Refused> for Problem {
    fn from(refused: sbd::Refused) -> Self {
        match refused {
            sbd::Refused::Invalid(violations) => {
                Self::Invalid { object: "standardBusinessDocument", violations, description: None }
            }
            sbd::Refused::NoBody => Refusal::MissingType.into(),
            sbd::Refused::Identifier { .. } | sbd::Refused::UnknownBody { .. } => {
                Self::IllegalArgument(efm::chain::Chain(&refused).to_string())
            }
            other @ (sbd::Refused::NotJson(_)
            | sbd::Refused::TooDeep(_)
            | sbd::Refused::Misshapen(_)
            | sbd::Refused::Date(_)
            | sbd::Refused::NoHeader
            | sbd::Refused::NotOneBody(_)
            | sbd::Refused::OtherBody { .. }
            | sbd::Refused::Lacks(_)) => Self::Unreadable(efm::chain::Chain(&other).to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
