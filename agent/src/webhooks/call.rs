//! One call over HTTP, the way of everything that goes outside. No redirect is followed, and nothing of an answer is read
//! but its head.

use super::{address, body};
use crate::ports::{Caller, Event, Heard};
use efm::outside::{Cause, Network, Routes, cause, headers};
use efm::secret::Secret;
use efm::webhook::signature;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// And then until there is an answer.
    pub read: Duration,
}

impl Limits {
    fn longest(self) -> Duration {
        self.connect.saturating_add(self.read)
    }
}

/// Calls over HTTP.
pub struct Http {
    network: Network,
    secret: Option<Secret>,
    limits: Limits,
    /// Made at the first call, so that a file of authorities that was put right is read.
    routes: Mutex<Option<Arc<Routes>>>,
}

/// Why nothing, or nothing good, was heard.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

impl Http {
    /// Signs with the secret, where there is one.
    pub fn new(network: &Network, limits: Limits, secret: Option<Secret>) -> Self {
        let network = Network { connect_timeout: limits.connect, ..network.clone() };
        Self { network, secret, limits, routes: Mutex::default() }
    }

    fn routes(&self) -> Result<Arc<Routes>, Trouble> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*routes {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(Routes::new(&self.network)?);
        *routes = Some(Arc::clone(&made));
        Ok(made)
    }

    async fn ask(&self, endpoint: &str, event: &Event, now: Timestamp) -> Result<Heard, Trouble> {
        let url = address::endpoint(endpoint)?;
        let (id, body) = body::text(event)?;
        let head = self.head(&id, &body, now)?;
        let routes = self.routes()?;
        let route = routes.to(&url)?;
        if route.proxy.is_none() {
            may_be_reached(&url).await?;
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        match route.client.post(url).headers(head).body(body).send().await {
            Ok(response) => Ok(meaning(response.status(), response.headers())),
            Err(error) if cause::proxy_wants_password(&error) => {
                let proxy = route.proxy.unwrap_or_else(|| "in between".into());
                Err(Cause::ProxyWantsPassword { proxy, setting: routes.names().proxy }.into())
            }
            Err(error) => {
                let act = if error.is_connect() { "connect to" } else { "call" };
                let through = route.proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
                Err(Cause::of(format!("{act} {host}{through}"), &error, routes.names()).into())
            }
        }
    }

    /// The time is that of this try, so that who is called can refuse an old call that somebody else makes again.
    fn head(&self, id: &str, body: &str, now: Timestamp) -> Result<HeaderMap, Trouble> {
        let mut head = HeaderMap::new();
        head.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        head.insert("webhook-id", HeaderValue::from_str(id)?);
        head.insert("webhook-timestamp", HeaderValue::from(now.as_second()));
        if let Some(secret) = &self.secret {
            let mut value = HeaderValue::from_str(&signature(secret, id, now.as_second(), body))?;
            value.set_sensitive(true);
            head.insert("webhook-signature", value);
        }
        Ok(head)
    }
}

impl Caller for Http {
    fn call<'a>(&'a self, endpoint: &'a str, event: &'a Event, now: Timestamp) -> BoxFuture<'a, Heard> {
        Box::pin(async move {
            let later = |why: String| Heard::Later { code: None, wait: None, why };
            match tokio::time::timeout(self.limits.longest(), self.ask(endpoint, event, now)).await {
                Ok(Ok(heard)) => heard,
                Ok(Err(error)) => later(efm::chain::Chain(&*error).to_string()),
                Err(_) => later(Cause::NoAnswer(self.limits.longest()).to_string()),
            }
        })
    }

    fn refuses(&self, endpoint: &str) -> Option<String> {
        address::endpoint(endpoint).err()
    }

    fn longest(&self) -> Duration {
        self.limits.longest()
    }
}

/// A name may lead where an address may not. Between this look and the connection it may change; what would be reached then
/// gets one of our bodies, and nothing of its answer is told but the number.
async fn may_be_reached(url: &Url) -> Result<(), Trouble> {
    let Some(url::Host::Domain(name)) = url.host() else { return Ok(()) };
    let port = url.port_or_known_default().unwrap_or(443);
    let found = tokio::net::lookup_host((name, port)).await;
    let found = found.map_err(|error| Cause::Broken { act: format!("look {name} up"), reason: error.to_string() })?;
    for address in found {
        if let Some(why) = address::forbidden(address.ip()) {
            return Err(Cause::Broken { act: format!("call {name}"), reason: why.to_owned() }.into());
        }
    }
    Ok(())
}

/// A redirect is told, not followed: what is called would be somebody else. Who does not know us, or does not know the path,
/// may be mended by a person; what else is refused is about this one call.
fn meaning(status: StatusCode, head: &HeaderMap) -> Heard {
    const MAY_BE_MENDED: [StatusCode; 7] = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_success() {
        return Heard::Taken(status.as_u16());
    }
    let why = if status.is_redirection() {
        format!("{status}: redirects are not followed; the endpoint must be the address itself")
    } else {
        status.to_string()
    };
    if status.is_client_error() && !MAY_BE_MENDED.contains(&status) {
        return Heard::Refused(status.as_u16(), why);
    }
    Heard::Later { code: Some(status.as_u16()), wait: headers::retry_after(head), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_means_what_it_says() {
        let of = |code: u16| meaning(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
        for code in [200, 202, 204] {
            assert_eq!(of(code), Heard::Taken(code));
        }
        for code in [400, 405, 410, 413, 422] {
            assert!(matches!(of(code), Heard::Refused(it, _) if it == code), "{code}");
        }
        for code in [301, 307, 401, 403, 404, 408, 429, 500, 502, 503] {
            assert!(matches!(of(code), Heard::Later { code: Some(it), .. } if it == code), "{code}");
        }
        let mut head = HeaderMap::new();
        head.insert("retry-after", HeaderValue::from_static("120"));
        let wait = Some(Duration::from_mins(2));
        assert!(matches!(meaning(StatusCode::SERVICE_UNAVAILABLE, &head), Heard::Later { wait: it, .. } if it == wait));
    }

    #[tokio::test]
    async fn what_may_not_be_called_is_not() {
        let limits = Limits { connect: Duration::from_secs(2), read: Duration::from_secs(2) };
        let http = Http::new(&Network::straight("test", limits.connect), limits, None);
        let ping = Event::Ping { id: "ping_1".into(), at: Timestamp::UNIX_EPOCH };
        let heard = http.call("http://169.254.169.254/", &ping, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(heard, Heard::Later { code: None, why, .. } if why.contains("metadata")));
        assert!(http.refuses("http://[fe80::1]/").is_some());
        assert!(http.refuses("http://localhost/").is_none());
    }
}
