//! Asks the broker. Each request carries the token of one system user, and each error says who asked, where, and what is
//! missing.

use super::calm::Calm;
use super::error::{ApiError, advice};
use super::wire::{Announced, Announcement, Overview};
use crate::ports::{Random, SystemUser, TokenAsk, Tokens};
use efm::outside::{Cause, Names, headers, shown};
use efm::secret::Secret;
use futures_util::StreamExt;
use md5::{Digest, Md5};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Of an answer that says no so much is told.
const TOLD_BYTES: usize = 600;
/// A file that was uploaded may be looked at for so long before it is answered for.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);
/// An answer in JSON is never longer.
const ANSWER_BYTES: usize = 1 << 20;
/// So often is asked again what does no harm when it is asked twice.
const AGAIN: u32 = 3;
/// After this pause, and each time after one twice as long.
const PAUSE: Duration = Duration::from_millis(150);

const SCOPES: [&str; 2] = ["altinn:broker.read", "altinn:broker.write"];

/// The broker, and who answers for whom.
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    /// What the settings of the way out are called.
    pub(super) names: Names,
    pub(super) base: Url,
    pub(super) resource: String,
    /// For an answer, or for the next bytes of one.
    pub(super) patience: Duration,
    pub(super) tokens: Arc<dyn Tokens>,
    /// What is drawn, so that those that failed together do not ask again together.
    pub(super) random: Arc<dyn Random>,
    /// Whether the broker is left alone just now.
    pub(super) calm: Mutex<Calm>,
}

/// What was downloaded.
pub(super) struct Downloaded {
    pub(super) file: std::fs::File,
    pub(super) length: u64,
    /// Of all bytes, in hexadecimal digits.
    pub(super) md5: String,
}

/// Does it again while it may pass at once, a few times.
pub(super) async fn persist<T, F>(mut act: impl FnMut() -> F + Send) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>> + Send,
{
    let mut pause = PAUSE;
    for _ in 1..AGAIN {
        match act().await {
            Err(error) if error.may_pass_at_once() => {
                tracing::debug!(%error, "asking the broker again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other,
        }
    }
    act().await
}

impl Client {
    /// Announces a file; says where its bytes go.
    pub(super) async fn announce(
        &self,
        user: &SystemUser,
        recipient: &str,
        reference: &str,
    ) -> Result<String, ApiError> {
        const PATH: &str = "filetransfer/";
        let announcement = Announcement {
            file_name: "sbd.zip",
            resource_id: &self.resource,
            senders_file_transfer_reference: reference,
            sender: &user.org_id,
            recipients: [recipient],
            property_list: super::wire::Nothing {},
            checksum: None,
            disable_virus_scan: None,
        };
        let body = serde_json::to_vec(&announcement).map_err(|error| self.strange(PATH, &error))?;
        let filled = |request: RequestBuilder| request.header(CONTENT_TYPE, "application/json").body(body.clone());
        let answer = self.answered(Method::POST, PATH, user, filled).await?;
        let announced: Announced = self.json(PATH, answer).await?;
        if !is_plain(&announced.file_transfer_id) {
            return Err(self.strange(PATH, &"an id with strange letters"));
        }
        Ok(announced.file_transfer_id)
    }

    /// Uploads the bytes of a file. How long it may take in all says whoever sends; where nothing moves, nor is answered, it
    /// is given up.
    pub(super) async fn upload(
        &self,
        user: &SystemUser,
        id: &str,
        file: Arc<std::fs::File>,
        length: u64,
    ) -> Result<(), ApiError> {
        let path = format!("filetransfer/{id}/upload");
        let moved = Arc::new(AtomicU64::new(0));
        let filled = |request: RequestBuilder| {
            let counted = Arc::clone(&moved);
            let chunks = super::parcel::chunks(Arc::clone(&file)).inspect(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
            });
            // Without its length the broker takes the file for empty.
            let request = request.header(CONTENT_TYPE, "application/octet-stream").header(CONTENT_LENGTH, length);
            request.body(reqwest::Body::wrap_stream(chunks))
        };
        let sent = async { self.asked(Method::POST, &path, user, None, filled).await.map(drop) };
        let patience = self.patience.max(LEAST_PATIENCE);
        let stalled = async {
            let mut seen = None;
            loop {
                tokio::time::sleep(patience).await;
                let now = moved.load(Ordering::Relaxed);
                if seen == Some(now) {
                    return;
                }
                seen = Some(now);
            }
        };
        tokio::select! {
            done = sent => done,
            () = stalled => Err(self.told(self.no_answer(&path, Cause::NoAnswer(patience).to_string()))),
        }
    }

    /// The transfers that wait for this user, at most a hundred, after this moment.
    pub(super) async fn list(
        &self,
        user: &SystemUser,
        recipient_status: &str,
        from: Option<jiff::Timestamp>,
    ) -> Result<Vec<String>, ApiError> {
        let path = self.list_path(recipient_status, from);
        let ids: Vec<String> = persist(|| self.get(&path, user)).await?;
        Ok(ids.into_iter().filter(|id| is_plain(id)).collect())
    }

    /// What is said of one.
    pub(super) async fn overview(&self, user: &SystemUser, id: &str) -> Result<Overview, ApiError> {
        let path = format!("filetransfer/{id}");
        persist(|| self.get(&path, user)).await
    }

    /// The bytes of one, into a file without a name in this folder.
    pub(super) async fn download(
        &self,
        user: &SystemUser,
        id: &str,
        folder: &std::path::Path,
        limit_bytes: u64,
    ) -> Result<Downloaded, ApiError> {
        let path = format!("filetransfer/{id}/download");
        let mut answer = self.answered(Method::GET, &path, user, std::convert::identity).await?;
        let disk = |error: std::io::Error| self.no_answer(&path, format!("keep what comes on the disk: {error}"));
        let mut file = super::parcel::Scratch::in_folder(folder).map_err(disk)?;
        let (mut length, mut sum) = (0_u64, Md5::new());
        loop {
            let next = tokio::time::timeout(self.patience, answer.chunk()).await;
            let next = next.map_err(|_| self.no_answer(&path, self.too_slow()))?;
            let Some(chunk) = next.map_err(|error| self.broken(&path, &error))? else { break };
            length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if length > limit_bytes {
                return Err(self.strange(&path, &format!("it is longer than {limit_bytes} bytes")));
            }
            sum.update(&chunk);
            file.write(chunk).await.map_err(disk)?;
        }
        let file = file.finish().await.map_err(disk)?;
        Ok(Downloaded { file, length, md5: hex::encode(sum.finalize()) })
    }

    /// Tells that it is here.
    pub(super) async fn confirm(&self, user: &SystemUser, id: &str) -> Result<(), ApiError> {
        let path = format!("filetransfer/{id}/confirmdownload");
        let filled = |request: RequestBuilder| request.header(CONTENT_LENGTH, 0);
        persist(|| async { self.answered(Method::POST, &path, user, filled).await.map(drop) }).await
    }

    fn list_path(&self, recipient_status: &str, from: Option<jiff::Timestamp>) -> String {
        let mut query = url::form_urlencoded::Serializer::for_suffix("filetransfer?".to_owned(), "filetransfer?".len());
        query.append_pair("resourceId", &self.resource).append_pair("status", "Published");
        query.append_pair("recipientStatus", recipient_status);
        if let Some(from) = from {
            query.append_pair("from", &from.to_string());
        }
        query.finish()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, user: &SystemUser) -> Result<T, ApiError> {
        let answer = self.answered(Method::GET, path, user, std::convert::identity).await?;
        self.json(path, answer).await
    }

    /// Asks; waits for the beginning of the answer as long as for any.
    async fn answered(
        &self,
        method: Method,
        path: &str,
        user: &SystemUser,
        filled: impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync,
    ) -> Result<Response, ApiError> {
        self.asked(method, path, user, Some(self.patience), filled).await
    }

    /// Asks, unless the broker is left alone now. A token that is not taken is thrown away, and once more is asked with a new one.
    async fn asked(
        &self,
        method: Method,
        path: &str,
        user: &SystemUser,
        patience: Option<Duration>,
        filled: impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync,
    ) -> Result<Response, ApiError> {
        let ask = TokenAsk { system_user: Some(user.clone()), ..TokenAsk::scopes(SCOPES) };
        let (token, answer) = self.once(&method, path, (user, &ask), patience, &filled).await?;
        let answer = match answer {
            Err(error) if error.is_of_the_token() => {
                self.tokens.refused(&ask, &token);
                self.once(&method, path, (user, &ask), patience, &filled).await?.1
            }
            other => other,
        };
        match answer {
            Ok(answer) => {
                self.calm().is_well();
                Ok(answer)
            }
            Err(error) => Err(self.told(error)),
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        (user, ask): (&SystemUser, &TokenAsk),
        patience: Option<Duration>,
        filled: &(impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync),
    ) -> Result<(Secret, Result<Response, ApiError>), ApiError> {
        let url = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| self.strange(path, &error))?;
        let token = self.tokens.altinn(ask).await;
        let token = token.map_err(|source| ApiError::Token { user: user.name.clone(), source })?;
        if let Err((wait, why)) = self.calm().may_ask(Instant::now()) {
            return Err(ApiError::LeftAlone { at: self.at(path), wait, why });
        }
        let request = self.http.request(method.clone(), url).header(ACCEPT, "application/json");
        let request = filled(request.header(AUTHORIZATION, format!("Bearer {}", token.reveal())));
        let sent = match patience {
            Some(patience) => match tokio::time::timeout(patience, request.send()).await {
                Ok(sent) => sent,
                Err(_) => return Ok((token, Err(self.no_answer(path, self.too_slow())))),
            },
            None => request.send().await,
        };
        let answer = self.judged(path, user, sent).await;
        Ok((token, answer))
    }

    fn calm(&self) -> MutexGuard<'_, Calm> {
        self.calm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same error, after it has been noted how the broker is.
    fn told(&self, error: ApiError) -> ApiError {
        let (wait, why) = match &error {
            ApiError::Refused { status, wait, .. }
                if status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS =>
            {
                (*wait, status.to_string())
            }
            ApiError::NoAnswer { why, .. } => (None, why.clone()),
            // It lives, and says what it means.
            ApiError::Refused { .. } | ApiError::Strange { .. } => {
                self.calm().is_well();
                return error;
            }
            ApiError::Token { .. } | ApiError::LeftAlone { .. } => return error,
        };
        let [noise, ..] = self.random.sixteen().unwrap_or_default();
        self.calm().is_bad(Instant::now(), wait, why, noise);
        error
    }

    async fn judged(
        &self,
        path: &str,
        user: &SystemUser,
        sent: Result<Response, reqwest::Error>,
    ) -> Result<Response, ApiError> {
        let answer = sent.map_err(|error| self.broken(path, &error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let wait = headers::retry_after(answer.headers());
        let body = self.body(path, answer, TOLD_BYTES, true).await.unwrap_or_default();
        let body = String::from_utf8_lossy(&body).split_whitespace().collect::<Vec<_>>().join(" ");
        let advice = advice(status, user, &self.resource);
        Err(ApiError::Refused { at: self.at(path), status, body: efm::masking::mask(&body), advice, wait })
    }

    async fn json<T: DeserializeOwned>(&self, path: &str, answer: Response) -> Result<T, ApiError> {
        let body = self.body(path, answer, ANSWER_BYTES, false).await?;
        serde_json::from_slice(&body).map_err(|error| self.strange(path, &error))
    }

    /// The body, up to a limit; what is beyond it is cut off, or an error.
    async fn body(&self, path: &str, mut answer: Response, limit: usize, cut: bool) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        loop {
            let next = tokio::time::timeout(self.patience, answer.chunk()).await;
            let next = next.map_err(|_| self.no_answer(path, self.too_slow()))?;
            let Some(chunk) = next.map_err(|error| self.broken(path, &error))? else { return Ok(body) };
            body.extend_from_slice(&chunk);
            if body.len() > limit {
                body.truncate(limit);
                return if cut { Ok(body) } else { Err(self.strange(path, &format!("more than {limit} bytes"))) };
            }
        }
    }

    fn at(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        format!("{} /{path}", shown(&self.base))
    }

    fn too_slow(&self) -> String {
        Cause::NoAnswer(self.patience).to_string()
    }

    fn broken(&self, path: &str, error: &reqwest::Error) -> ApiError {
        let act = if error.is_connect() { "connect" } else { "talk" };
        self.no_answer(path, Cause::of(act.to_owned(), error, self.names).to_string())
    }

    fn no_answer(&self, path: &str, why: String) -> ApiError {
        ApiError::NoAnswer { at: self.at(path), why }
    }

    fn strange(&self, path: &str, why: &dyn std::fmt::Display) -> ApiError {
        ApiError::Strange { at: self.at(path), why: why.to_string() }
    }
}

/// An id that leads nowhere else when it stands in a path.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
