//! The one place that talks HTTP to the outside, within limits of size, speed, time and trust.
//!
//! Start at [`Session`]: built for a look, a signature or an archive, and dropped after it, so that an idle supervisor
//! holds no connection and no TLS state. [`efm::outside`] finds the way and judges certificates, [`answer`] reads status and
//! headers, [`download`] hands out the bytes.
//!
//! It never speaks plain HTTP but to this machine, never follows a redirect to plain HTTP or from outside to this
//! machine, never unpacks a body, and never prints a user, a password or a query.

pub mod answer;
pub mod download;
mod pace;

pub use download::Download;

use efm::outside::headers::clip;
use efm::outside::{CannotSetUp, Cause, Names, Route, Routes, cause, is_this_machine, may_be_asked, shown};
use reqwest::header::{ACCEPT_ENCODING, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE};
use reqwest::header::{LAST_MODIFIED, RANGE};
use std::cell::Cell;
use url::Url;

use crate::config::settings::Network;
use crate::ports::{Body, Opened, Resume, SourceError};
use answer::Meaning;
use pace::{GivenUp, Pace};

/// How many redirects are followed.
pub const REDIRECTS: usize = 5;

/// One errand to the outside.
pub struct Session<'a> {
    network: &'a Network,
    routes: Routes,
    /// Whether the errand under way has had an answer: one that drips is slow, not silent.
    answered: Cell<bool>,
}

/// What a list was when it was last fetched, as its server names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, weak or strong.
    pub etag: Option<String>,
    /// `Last-Modified`
    pub last_modified: Option<String>,
}

/// A list that was asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// As it was.
    Unchanged,
    /// New, or never seen.
    New {
        /// What it says.
        body: Vec<u8>,
        /// What to ask with next time.
        validators: Validators,
    },
}

/// An answer whose status was judged; its body is still to be read.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    response: reqwest::Response,
    meaning: Meaning,
    /// What the settings are called that it went by.
    names: Names,
}

impl<'a> Session<'a> {
    /// Reads settings and the CA file; connects to nobody yet.
    pub fn new(network: &'a Network) -> Result<Self, SourceError> {
        Ok(Self { network, routes: Routes::new(&network.way)?, answered: Cell::new(false) })
    }

    /// A small file, whole: a signature, a checksum.
    pub async fn small(&self, url: &Url, limit: u64) -> Result<Vec<u8>, SourceError> {
        self.in_time(url, async {
            let answer = self.send(url, HeaderMap::new()).await?;
            self.read_small(answer, limit).await
        })
        .await
    }

    /// A list, unless it still is what it was.
    pub async fn list(&self, url: &Url, known: &Validators) -> Result<Listed, SourceError> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
            // What a server once said but cannot be said back is not worth an error.
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        let conditional = !headers.is_empty();
        self.in_time(url, async {
            let answer = self.send(url, headers).await?;
            if answer.meaning == Meaning::Unchanged && conditional {
                return Ok(Listed::Unchanged);
            }
            let validators = Validators {
                etag: answer::remembered_header(answer.response.headers(), &ETAG),
                last_modified: answer::remembered_header(answer.response.headers(), &LAST_MODIFIED),
            };
            let body = self.read_small(answer, self.network.list_limit_bytes).await?;
            Ok(Listed::New { body, validators })
        })
        .await
    }

    /// An archive, from the start or from where an earlier fetch ended. The session may be dropped after this.
    pub async fn open(&self, url: &Url, resume: Option<&Resume>) -> Result<Opened, SourceError> {
        self.in_time(url, async {
            let resume = resume.filter(|resume| resume.offset > 0);
            let asked = resume.and_then(|resume| Some((resume, range_headers(resume)?)));
            if let Some((resume, headers)) = asked {
                let answer = self.send(url, headers).await?;
                if answer.meaning == Meaning::Rest {
                    return self.rest(answer, resume);
                }
                if answer.meaning != Meaning::NoRest {
                    return self.whole(answer);
                }
            }
            self.whole(self.send(url, HeaderMap::new()).await?)
        })
        .await
    }

    fn whole(&self, answer: Answer) -> Result<Opened, SourceError> {
        let length = answer.whole_length()?;
        let validator = answer::validator(answer.response.headers());
        let download = Download::new(answer, length, 0, self.network)?;
        Ok(Opened { starts_at: 0, length, validator, body: Body::Http(Box::new(download)) })
    }

    fn rest(&self, answer: Answer, resume: &Resume) -> Result<Opened, SourceError> {
        let refused = |reason| SourceError::Refused { what: answer.what.clone(), reason };
        let (rest, whole) =
            answer::rest(answer.response.headers(), resume.offset, &resume.validator).map_err(refused)?;
        if answer.response.content_length().is_some_and(|said| said != rest) {
            return Err(refused("Content-Length and Content-Range say different lengths".into()));
        }
        let length = Some(whole.unwrap_or(resume.offset.saturating_add(rest)));
        let download = Download::new(answer, Some(rest), resume.offset, self.network)?;
        let validator = Some(resume.validator.clone());
        Ok(Opened { starts_at: resume.offset, length, validator, body: Body::Http(Box::new(download)) })
    }

    async fn read_small(&self, answer: Answer, limit: u64) -> Result<Vec<u8>, SourceError> {
        let length = answer.whole_length()?;
        let pace = Pace::strict(self.network.read_timeout, self.network.total_timeout);
        let mut download = Download::within(answer, length, 0, limit, pace)?;
        let mut body = Vec::new();
        while let Some(chunk) = download.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn in_time<T>(
        &self,
        url: &Url,
        errand: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let allowed = self.network.total_timeout;
        self.answered.set(false);
        match tokio::time::timeout(allowed, errand).await {
            Ok(done) => done,
            Err(_) if self.answered.get() => Err(unreachable(shown(url), Cause::GivenUp(GivenUp::Late.to_string()))),
            Err(_) => Err(unreachable(shown(url), Cause::NoAnswer(allowed))),
        }
    }

    /// Asks, and follows redirects as far as they may be followed.
    async fn send(&self, url: &Url, mut headers: HeaderMap) -> Result<Answer, SourceError> {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if !may_be_asked(url) {
            let what = shown(url);
            let why = "plain HTTP is spoken only to this machine; use https://";
            return Err(SourceError::SetUp { what, source: Box::new(Cause::Setting(why.into())) });
        }
        let mut hop = url.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.ask(url, &hop, headers.clone()).await?;
            let Meaning::Elsewhere(to) = &answer.meaning else { return Ok(answer) };
            hop = follow(url, &hop, to)?;
        }
        Err(SourceError::Refused { what: shown(url), reason: format!("it redirects more than {REDIRECTS} times") })
    }

    async fn ask(&self, url: &Url, hop: &Url, headers: HeaderMap) -> Result<Answer, SourceError> {
        let what = shown(url);
        let route = self.routes.to(hop)?;
        let patience = self.network.way.connect_timeout.saturating_add(self.network.read_timeout);
        let request = route.client.get(hop.clone()).headers(headers).send();
        let response = match tokio::time::timeout(patience, request).await {
            Err(_) => return Err(unreachable(what, Cause::NoAnswer(patience))),
            Ok(Err(error)) => return Err(no_answer(what, hop, &route, &error, self.routes.names())),
            Ok(Ok(response)) => response,
        };
        self.answered.set(true);
        judge(what, &route, response, self.routes.names())
    }
}

impl Answer {
    /// A whole file follows, not packed and not a web page: how long it is.
    fn whole_length(&self) -> Result<Option<u64>, SourceError> {
        let refused = |reason: String| Err(SourceError::Refused { what: self.what.clone(), reason });
        if self.meaning != Meaning::Whole {
            return refused(format!("it answered {}, which was not asked for", self.response.status()));
        }
        Ok(self.response.content_length())
    }
}

/// Sorts out the answers that have no body for us.
fn judge(what: String, route: &Route, response: reqwest::Response, names: Names) -> Result<Answer, SourceError> {
    let status = response.status();
    let meaning = answer::meaning(status, response.headers());
    match &meaning {
        Meaning::Missing => Err(SourceError::NotPublished { what }),
        Meaning::ProxyWantsPassword => Err(proxy_wants_password(&what, route, names)),
        Meaning::Later(retry_after) => {
            let cause = retry_after.map_or(Cause::Status(status), |wait| Cause::Busy { status, wait });
            Err(SourceError::Unreachable { what, retry_after: *retry_after, source: Box::new(cause) })
        }
        Meaning::Nonsense(reason) => Err(SourceError::Refused { what, reason: reason.clone() }),
        Meaning::Whole | Meaning::Rest => {
            let page = answer::says_web_page(response.headers()).then(|| answer::WEB_PAGE.to_owned());
            match page.map_or_else(|| answer::encoding(response.headers()), Err) {
                Err(reason) => Err(SourceError::Refused { what, reason }),
                Ok(()) => Ok(Answer { what, response, meaning, names }),
            }
        }
        Meaning::Unchanged | Meaning::NoRest | Meaning::Elsewhere(_) => Ok(Answer { what, response, meaning, names }),
    }
}

/// Where a redirect leads, if it may be followed.
fn follow(url: &Url, from: &Url, to: &str) -> Result<Url, SourceError> {
    let refused = |reason: String| SourceError::Refused { what: shown(url), reason };
    let mut next =
        from.join(to).map_err(|_| refused(format!("it redirects to {:?}, which is no address", clip(to))))?;
    let stays_plain = from.scheme() == "http" && next.scheme() == "http" && is_this_machine(&next);
    if next.scheme() != "https" && !stays_plain {
        return Err(refused(format!("it redirects to {}, which is not https", clip(&shown(&next)))));
    }
    if is_this_machine(&next) && !is_this_machine(from) {
        return Err(refused(format!("it redirects to {}, which is this machine", clip(&shown(&next)))));
    }
    // A server that names itself in full means no other user.
    if next.origin() == from.origin() && next.username().is_empty() && next.password().is_none() {
        // Fails only for URLs that cannot have a user; these have a host.
        let _ = next.set_username(from.username());
        let _ = next.set_password(from.password());
    }
    Ok(next)
}

/// The headers that ask for the rest; none where the validator cannot be sent.
fn range_headers(resume: &Resume) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(RANGE, HeaderValue::from_str(&format!("bytes={}-", resume.offset)).ok()?);
    headers.insert(IF_RANGE, HeaderValue::from_str(&resume.validator).ok().filter(|value| !value.is_empty())?);
    Some(headers)
}

fn no_answer(what: String, hop: &Url, route: &Route, error: &reqwest::Error, names: Names) -> SourceError {
    if cause::proxy_wants_password(error) {
        return proxy_wants_password(&what, route, names);
    }
    let host = hop.host_str().unwrap_or_default();
    let act = if error.is_connect() { "connect to" } else { "ask" };
    let through = route.proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
    unreachable(what, Cause::of(format!("{act} {host}{through}"), error, names))
}

fn proxy_wants_password(what: &str, route: &Route, names: Names) -> SourceError {
    let proxy = route.proxy.clone().unwrap_or_else(|| "in between".into());
    let cause = Cause::ProxyWantsPassword { proxy, setting: names.proxy };
    SourceError::SetUp { what: format!("way to {what}"), source: Box::new(cause) }
}

impl From<CannotSetUp> for SourceError {
    fn from(CannotSetUp { what, source }: CannotSetUp) -> Self {
        Self::SetUp { what, source }
    }
}

pub(crate) fn unreachable(what: String, cause: Cause) -> SourceError {
    SourceError::Unreachable { what, retry_after: None, source: Box::new(cause) }
}

#[cfg(test)]
mod tests;
