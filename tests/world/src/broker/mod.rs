//! Altinn Broker v3: organisations leave files for each other, and say when they have them.
//!
//! Start at [`Broker::routes`]; the state is in `state`, what is shown of a transfer in `transfer`, how it goes wrong where it
//! is told to in `mischief`. Bytes are streamed to and from a folder. A list has at most a hundred transfers, the oldest first. A download changes the recipient's status, so that a
//! file whose download broke is no longer listed as `Initialized`: this broker is as strict there as the documentation reads.

mod mischief;
mod state;
mod transfer;

pub use mischief::Mischief;
pub use state::Refused;
pub use transfer::{Announced, FileStatus, RecipientStatus, Transfer};

use crate::faults;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State as Extracted};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use efm::clock::Clock;
use futures_util::StreamExt;
use jiff::Timestamp;
use md5::{Digest, Md5};
use mischief::Drawn;
use serde::Deserialize;
use serde_json::{Value, json};
use state::State;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Below which path the broker lies.
pub const BASE: &str = "/broker/api/v1";
/// The scope of those who send.
pub const WRITE: &str = "altinn:broker.write";
/// The scope of those who receive.
pub const READ: &str = "altinn:broker.read";
/// A chunk of a download.
const CHUNK_BYTES: usize = 64 << 10;

/// Who asks, as a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Of which organisation the system user is: `0192:…`.
    pub organisation: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Reads a token; an error says what is wrong with it.
pub type Check = Arc<dyn Fn(&str) -> Result<Bearer, String> + Send + Sync>;

/// The broker. Clones are the same one.
#[derive(Clone)]
pub struct Broker(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    check: Check,
    clock: Clock,
    state: Mutex<State>,
    mischief: Mutex<Drawn>,
}

impl Broker {
    /// With its files in this folder, for bearers whom `check` lets in.
    pub fn new(folder: PathBuf, check: Check, clock: Clock) -> Self {
        Self(Arc::new(Shared { folder, check, clock, state: Mutex::default(), mischief: Mutex::default() }))
    }

    /// Its paths, as Altinn's.
    pub fn routes(&self) -> Router {
        let at = |path: &str| format!("{BASE}/filetransfer{path}");
        Router::new()
            .route(&at(""), get(list).post(initialize))
            .route(&at("/"), get(list).post(initialize))
            .route(&at("/{id}"), get(overview))
            .route(&at("/{id}/upload"), post(upload))
            .route(&at("/{id}/download"), get(download))
            .route(&at("/{id}/confirmdownload"), post(confirm))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self.clone())
    }

    /// All transfers, the oldest first.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.state().all().to_vec()
    }

    /// From now on this organisation has no right to the resource, or has it again.
    pub fn may_use(&self, organisation: &str, may: bool) {
        self.state().may_use(organisation, may);
    }

    /// From now on it goes wrong like this; the same seed draws the same.
    pub fn go_wrong(&self, how: Mischief, seed: u64) {
        *self.mischief() = Drawn::new(how, seed);
    }

    /// From now on the overview says this of a file, whatever lies here.
    pub fn misstate(&self, id: &str, length_bytes: Option<u64>, checksum: Option<&str>) {
        self.state().misstate(id, length_bytes, checksum);
    }

    /// From now on what is uploaded is not published, or is again. What was held back stays so until [`Broker::release`].
    pub fn hold_back(&self, holds: bool) {
        self.mischief().hold_back(holds);
    }

    /// Publishes all that was held back.
    pub fn release(&self) {
        let now = self.0.clock.now();
        self.state().release(now);
    }

    /// From now on downloads of this file pause for so long before each 64 KiB.
    pub fn slow_down(&self, id: &str, pause: Duration) {
        self.mischief().slow_down(id, pause);
    }

    /// Leaves an uploaded file a second time, as a sender does whose answer was lost.
    pub fn publish_again(&self, id: &str) -> io::Result<()> {
        let again = self.state().again(id, self.0.clock.now());
        let again = again.ok_or_else(|| io::Error::other("there is no such transfer"))?;
        std::fs::copy(self.file(id), self.file(&again)).map(drop)
    }

    /// Leaves these bytes as a sender does, whatever they are. Its id.
    pub fn leave(&self, sender: &str, recipient: &str, bytes: &[u8]) -> io::Result<String> {
        let announced = json!({
            "fileName": "sbd.zip", "resourceId": "eformidling-dpo-meldingsutveksling",
            "sendersFileTransferReference": "00000000-0000-4000-8000-000000000000", "sender": sender, "recipients": [recipient],
        });
        let id = self.state().initialize(sender, serde_json::from_value(announced)?, self.0.clock.now());
        let id = id.map_err(|refused| io::Error::other(refused.to_string()))?;
        efm::atomic::replace(&self.file(&id), bytes)?;
        let mut sum = Md5::new();
        sum.update(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let bytes = state::Bytes { length, checksum: hex::encode(sum.finalize()) };
        self.state()
            .take(&id, bytes, self.0.clock.now())
            .ok_or_else(|| io::Error::other("there is no such transfer"))?;
        Ok(id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.publish(self.0.clock.now());
        state
    }

    fn mischief(&self) -> MutexGuard<'_, Drawn> {
        self.0.mischief.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the bytes of a transfer lie.
    pub fn file(&self, id: &str) -> PathBuf {
        self.0.folder.join(format!("{id}.zip"))
    }

    fn bearer(&self, headers: &HeaderMap, scope: &str) -> Result<Bearer, Refused> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refused::NoToken)?;
        let bearer = (self.0.check)(token).map_err(Refused::BadToken)?;
        if bearer.scopes.iter().any(|has| has == scope) { Ok(bearer) } else { Err(Refused::NoScope(scope.to_owned())) }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let title = status.canonical_reason().unwrap_or_default();
        let problem = json!({
            "type": "https://tools.ietf.org/html/rfc9110", "title": title, "status": status.as_u16(),
            "detail": self.to_string(),
        });
        (status, Json(problem)).into_response()
    }
}

async fn initialize(
    Extracted(broker): Extracted<Broker>,
    headers: HeaderMap,
    Json(announced): Json<Announced>,
) -> Result<Json<Value>, Refused> {
    let bearer = broker.bearer(&headers, WRITE)?;
    let id = broker.state().initialize(&bearer.organisation, announced, broker.0.clock.now())?;
    Ok(Json(json!({ "fileTransferId": id })))
}

async fn upload(
    Extracted(broker): Extracted<Broker>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Response> {
    let bearer = broker.bearer(request.headers(), WRITE).map_err(IntoResponse::into_response)?;
    broker.state().begin_upload(&bearer.organisation, &id).map_err(IntoResponse::into_response)?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let cut = broker.mischief().cut(length.unwrap_or(0));
    match receive(&broker, &id, request.into_body(), cut).await {
        Ok(None) => {
            broker.state().fail(&id);
            Err(faults::no_answer())
        }
        Ok(Some(bytes)) => match published(&broker, &id, bytes) {
            Ok(_) if broker.mischief().is_unheard() => Err(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            other => other.map(Json).map_err(IntoResponse::into_response),
        },
        Err(error) => {
            broker.state().fail(&id);
            Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response())
        }
    }
}

fn published(broker: &Broker, id: &str, bytes: state::Bytes) -> Result<Value, Refused> {
    let now = broker.0.clock.now();
    let (delay, again) = {
        let mut mischief = broker.mischief();
        (mischief.delay(), mischief.again())
    };
    let published_at = delay.map_or(Timestamp::MAX, |delay| now + delay);
    let gone = || Refused::NoSuchTransfer;
    broker.state().take(id, bytes, published_at).ok_or_else(gone)?;
    if again {
        broker.publish_again(id).map_err(|_| gone())?;
    }
    let overview = broker.state().shown(id);
    overview.ok_or_else(gone)
}

/// None: it was cut off after so many bytes.
async fn receive(broker: &Broker, id: &str, body: Body, cut: Option<u64>) -> io::Result<Option<state::Bytes>> {
    let mut file = tokio::fs::File::create(broker.file(id)).await?;
    let mut length = 0_u64;
    let mut sum = Md5::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(io::Error::other)?;
        file.write_all(&chunk).await?;
        sum.update(&chunk);
        length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if cut.is_some_and(|cut| length > cut) {
            return Ok(None);
        }
    }
    file.flush().await?;
    Ok(Some(state::Bytes { length, checksum: hex::encode(sum.finalize()) }))
}

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    resource_id: String,
    status: Option<FileStatus>,
    recipient_status: Option<RecipientStatus>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

async fn list(
    Extracted(broker): Extracted<Broker>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<String>>, Refused> {
    let bearer = broker.bearer(&headers, READ)?;
    let mut listed = broker.state().list(&bearer.organisation, &wanted)?;
    broker.mischief().shuffle(&mut listed);
    Ok(Json(listed))
}

async fn overview(
    Extracted(broker): Extracted<Broker>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let bearer = broker.bearer(&headers, READ)?;
    broker.state().overview(&bearer.organisation, &id).map(Json)
}

async fn download(
    Extracted(broker): Extracted<Broker>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let bearer = broker.bearer(&headers, READ)?;
    broker.state().begin_download(&bearer.organisation, &id)?;
    let length = std::fs::metadata(broker.file(&id)).map_or(0, |file| file.len());
    let (cut, is_clean, pause) = {
        let mut mischief = broker.mischief();
        (mischief.cut(length), mischief.is_clean(), mischief.pause(&id))
    };
    let file = tokio::fs::File::open(broker.file(&id)).await.map_err(|_| Refused::NoSuchTransfer)?;
    let end = cut.unwrap_or(length);
    let chunks = futures_util::stream::try_unfold((file, end), move |(mut file, left)| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let mut chunk = vec![0; CHUNK_BYTES.min(usize::try_from(left).unwrap_or(CHUNK_BYTES))];
        let count = file.read(&mut chunk).await?;
        chunk.truncate(count);
        if count == 0 && cut.is_some() && !is_clean {
            return Err(io::Error::other("cut off"));
        }
        let left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok::<_, io::Error>((count > 0).then(|| (Bytes::from(chunk), (file, left))))
    });
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/octet-stream"));
    // One that ends too early without a sign of it has told nobody how long it would be.
    if cut.is_none() || !is_clean {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

async fn confirm(
    Extracted(broker): Extracted<Broker>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let bearer = broker.bearer(&headers, READ)?;
    broker.state().confirm(&bearer.organisation, &id).map(Json)
}

#[cfg(test)]
mod tests;
