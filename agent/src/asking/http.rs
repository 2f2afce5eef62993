//! One request, one whole answer, both bounded; what goes wrong is told in words that name the host and never a secret.

use efm::outside::{CannotSetUp, Cause, Network, Routes, cause, may_be_asked, shown};
use efm::secret::Secret;
use reqwest::StatusCode;
use std::time::Duration;
use url::Url;

/// Asks.
pub struct Http {
    routes: Routes,
    read_timeout: Duration,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("read_timeout", &self.read_timeout).finish_non_exhaustive()
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// To whom.
    pub url: &'a Url,
    /// `Authorization: Bearer`
    pub bearer: Option<&'a Secret>,
    /// More headers.
    pub headers: Vec<(&'static str, &'a str)>,
    /// A form; with one it is a POST, without a GET.
    pub form: Option<Vec<(&'a str, &'a str)>>,
    /// An answer that is longer is none.
    pub limit_bytes: usize,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// The media type, without parameters, in small letters.
    pub media_type: String,
    /// All of it.
    pub body: Vec<u8>,
}

/// Nothing came, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(pub String);

impl Http {
    /// Over these ways; nobody is waited for longer than `read_timeout` for an answer, and as long again for its body.
    pub fn new(network: &Network, connect_timeout: Duration, read_timeout: Duration) -> Result<Self, CannotSetUp> {
        let routes = Routes::new(&Network { connect_timeout, ..network.clone() })?;
        Ok(Self { routes, read_timeout })
    }

    /// Asks. May be dropped.
    pub async fn ask(&self, request: Request<'_>) -> Result<Reply, Unreached> {
        let url = request.url;
        // The reason first: what stands behind the name of a path like `/token` with a colon is taken for a secret in logs.
        let unreached = |why: String| Unreached(format!("{why} ({})", shown(url)));
        if !may_be_asked(url) {
            return Err(unreached("plain HTTP is spoken to this machine only; right would be https://".into()));
        }
        let way = self.routes.to(url).map_err(|error| unreached(efm::chain::Chain(&error).to_string()))?;
        let (host, through) = (url.host_str().unwrap_or_default(), &way.proxy);
        let through = through.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        let broken = |act: &str, error: &reqwest::Error| {
            if let (true, Some(proxy)) = (cause::proxy_wants_password(error), &way.proxy) {
                let setting = self.routes.names().proxy;
                return unreached(Cause::ProxyWantsPassword { proxy: proxy.clone(), setting }.to_string());
            }
            let act = if error.is_connect() { "connect to" } else { act };
            unreached(Cause::of(format!("{act} {host}{through}"), error, self.routes.names()).to_string())
        };
        let no_answer = || unreached(Cause::NoAnswer(self.read_timeout).to_string());

        let mut building =
            if request.form.is_some() { way.client.post(url.clone()) } else { way.client.get(url.clone()) };
        if let Some(token) = request.bearer {
            building = building.bearer_auth(token.reveal());
        }
        for (name, value) in request.headers {
            building = building.header(name, value);
        }
        if let Some(fields) = request.form {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            building = building.header("Content-Type", "application/x-www-form-urlencoded").body(text);
        }
        let answer = tokio::time::timeout(self.read_timeout, building.send()).await.map_err(|_| no_answer())?;
        let mut answer = answer.map_err(|error| broken("ask", &error))?;
        let status = answer.status();
        let media_type = efm::outside::headers::text(answer.headers(), "content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| broken("read from", &error))? {
                if body.len() + chunk.len() > request.limit_bytes {
                    return Err(unreached(format!("its answer has more than {} bytes", request.limit_bytes)));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        let body = tokio::time::timeout(self.read_timeout, read).await.map_err(|_| no_answer())??;
        Ok(Reply { status, media_type, body })
    }
}
