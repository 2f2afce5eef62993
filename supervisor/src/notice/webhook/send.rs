//! One call over HTTP, the way of the release sources: same proxy, same trust, same time limits. No redirect is followed,
//! and nothing of the answer is read but its head.

use efm::outside::{CannotSetUp, Cause, Routes, cause, headers, may_be_asked};
use efm::secret::Secret;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use url::Url;

use crate::config::settings::{Network, Webhook};
use crate::notice::NoticeError;
use crate::notice::outbox::Call;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// They have it.
    Taken,
    /// They will not have it, now or later.
    No(u16),
    /// They cannot have it now.
    Later { status: u16, wait: Option<Duration> },
}

/// Whoever calls one webhook, for one round.
pub(crate) struct Caller<'a> {
    pub(super) webhook: &'a Webhook,
    pub(super) routes: &'a Routes,
    pub(super) network: &'a Network,
}

impl Caller<'_> {
    /// Makes a call. Cancel safe: who is called may have it then, and gets it again under the same id.
    pub(super) async fn send(&self, call: &Call, now: Timestamp, dropped: Option<u64>) -> Result<Answer, NoticeError> {
        let (webhook, setting) = (self.webhook, |why: &str| Box::new(Cause::Setting(why.into())));
        let url = Url::parse(webhook.url.reveal())
            .map_err(|_| failed(webhook, setting("its url is no address, like https://hooks.example.org/kosmos")))?;
        if !may_be_asked(&url) {
            return Err(failed(webhook, setting("plain HTTP is spoken only to this machine; use https://")));
        }
        let route = self.routes.to(&url).map_err(|error| cannot(webhook, error))?;
        let head = head(webhook, call, now.as_second(), dropped).map_err(|why| failed(webhook, setting(why)))?;
        let patience = self.network.way.connect_timeout.saturating_add(self.network.read_timeout);
        let patience = patience.min(self.network.total_timeout);
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = route.client.post(url).headers(head).body(call.body.clone()).send();
        match tokio::time::timeout(patience, request).await {
            Ok(Ok(response)) => Ok(meaning(response.status(), response.headers())),
            Ok(Err(error)) if cause::proxy_wants_password(&error) => {
                let setting = self.routes.names().proxy;
                let proxy = route.proxy.unwrap_or_else(|| "in between".into());
                Err(failed(webhook, Box::new(Cause::ProxyWantsPassword { proxy, setting })))
            }
            Ok(Err(error)) => {
                let act = if error.is_connect() { "connect to" } else { "call" };
                let through = route.proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
                Err(failed(webhook, Box::new(Cause::of(format!("{act} {host}{through}"), &error, self.routes.names()))))
            }
            Err(_) => Err(failed(webhook, Box::new(Cause::NoAnswer(patience)))),
        }
    }
}

/// A way that cannot be made.
pub(super) fn cannot(webhook: &Webhook, error: CannotSetUp) -> NoticeError {
    failed(webhook, Box::new(error))
}

fn failed(webhook: &Webhook, source: Box<dyn std::error::Error + Send + Sync>) -> NoticeError {
    NoticeError::Webhook { webhook: webhook.name.clone(), source }
}

/// What stands before the body. The time is that of this try, so that who is called can refuse an old call that
/// somebody else makes again; the id is that of the first.
fn head(webhook: &Webhook, call: &Call, seconds: i64, dropped: Option<u64>) -> Result<HeaderMap, &'static str> {
    let mut head = HeaderMap::new();
    let plain = |text: &str| HeaderValue::from_str(text).map_err(|_| "a name in its head is no text of HTTP");
    head.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.insert("webhook-id", plain(&call.id)?);
    head.insert("webhook-timestamp", HeaderValue::from(seconds));
    if let Some(secret) = &webhook.secret {
        head.insert(
            "webhook-signature",
            hidden(&Secret::new(efm::webhook::signature(secret, &call.id, seconds, &call.body)))?,
        );
    }
    if let Some(count) = dropped {
        head.insert("kosmos-dropped", HeaderValue::from(count));
    }
    if let Some((name, value)) = &webhook.header {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "its header has no name of HTTP")?;
        head.insert(name, hidden(value)?);
    }
    Ok(head)
}

fn hidden(secret: &Secret) -> Result<HeaderValue, &'static str> {
    let mut value = HeaderValue::from_str(secret.reveal()).map_err(|_| "its token cannot stand in a header")?;
    value.set_sensitive(true);
    Ok(value)
}

/// A redirect is told and tried again, not followed: what is called would be somebody else. 407 is a proxy's word about
/// us, 408 and 429 are about the time.
pub(super) fn meaning(status: StatusCode, head: &HeaderMap) -> Answer {
    const ABOUT_THE_TIME: [StatusCode; 3] =
        [StatusCode::PROXY_AUTHENTICATION_REQUIRED, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_success() {
        Answer::Taken
    } else if status.is_client_error() && !ABOUT_THE_TIME.contains(&status) {
        Answer::No(status.as_u16())
    } else {
        Answer::Later { status: status.as_u16(), wait: headers::retry_after(head) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_they_say() {
        let of = |code: u16| meaning(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(of(code), Answer::Taken, "{code}");
        }
        for code in [400, 401, 403, 404, 410, 413, 422] {
            assert_eq!(of(code), Answer::No(code), "{code}");
        }
        for code in [301, 302, 307, 308, 407, 408, 429, 500, 502, 503, 504] {
            assert_eq!(of(code), Answer::Later { status: code, wait: None }, "{code}");
        }
    }
}
