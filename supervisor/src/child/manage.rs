//! Speaks `/manage` with the integration point, over loopback as a rule: tight limits, never a proxy, never a redirect.
//!
//! An answer counts only when the process that we mean holds the port. A DOWN (503) with a JSON body is an answer; a
//! page of HTML is not. A connection is kept and used again, but never for another process than the one it was made to.

use super::port::{Holder, Port};
use crate::config::settings::Child as Settings;
use crate::ports::{ChildError, Examination, Process};
use efm::manage::{BODY_LIMIT_BYTES, Health, Info};
use reqwest::{Client, Method, Response};
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::time::Instant;
use url::{Host, Url};

/// Who holds the port is believed for so long while the answers are no success. A success is always checked anew.
const HOLDER_BELIEVED: Duration = Duration::from_millis(250);

/// Which process something belongs to.
type Key = (u32, u64);

/// The client.
#[derive(Debug)]
pub struct Manage {
    health_url: Url,
    info_url: Url,
    shutdown_url: Url,
    connect_timeout: Duration,
    total_timeout: Duration,
    port: Port,
    client: RefCell<Option<(Key, Client)>>,
    believed: Cell<Option<(Key, Instant)>>,
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
enum Answer {
    #[error("the status is {0}")]
    Status(u16),
    #[error("the answer is longer than {BODY_LIMIT_BYTES} bytes")]
    TooLong,
    #[error("the answer is not in the language of /manage")]
    Strange(#[source] serde_json::Error),
    #[error("nobody listens on its port")]
    NobodyListens,
}

impl Manage {
    /// For the integration point of these settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            health_url: settings.health_url.clone(),
            info_url: settings.info_url.clone(),
            shutdown_url: settings.shutdown_url.clone(),
            connect_timeout: settings.connect_timeout,
            total_timeout: settings.connect_timeout + settings.read_timeout,
            port: Port::of(&settings.base_url),
            client: RefCell::default(),
            believed: Cell::default(),
        }
    }

    /// Our port.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// What the process says of itself. Cancel safe.
    ///
    /// # Errors
    /// Nobody answers, or somebody else does, or not in our language.
    pub async fn examine(&self, process: &Process, leader_known: bool) -> Result<Examination, ChildError> {
        let response = self.call(process, Method::GET, &self.health_url).await?;
        let body = read(response).await.map_err(|source| ask(&self.health_url, source))?;
        let health: Health =
            serde_json::from_slice(&body).map_err(|source| ask(&self.health_url, Answer::Strange(source)))?;
        let response = self.call(process, Method::GET, &self.info_url).await?;
        let found = response.status().is_success();
        let body = read(response).await.map_err(|source| ask(&self.info_url, source))?;
        let info: Option<Info> = if found { serde_json::from_slice(&body).ok() } else { None };
        let succeeded = health.status == efm::manage::Status::Up;
        self.check_holder(process, leader_known, &self.health_url, succeeded)?;
        Ok(Examination { version: info.and_then(|info| info.build).map(|build| build.version), health })
    }

    /// Asks it to stop. That it was asked does not mean that it ends.
    ///
    /// # Errors
    /// Nobody answers, or the process is not the one that would answer (it is then not asked), or it refuses.
    pub async fn ask_to_stop(&self, process: &Process, leader_known: bool) -> Result<(), ChildError> {
        self.check_holder(process, leader_known, &self.shutdown_url, true)?;
        let response = self.call(process, Method::POST, &self.shutdown_url).await?;
        let status = response.status();
        // Its answer is read, so that it need not be written into a closed connection.
        let _ = read(response).await;
        if status.is_success() { Ok(()) } else { Err(ask(&self.shutdown_url, Answer::Status(status.as_u16()))) }
    }

    async fn call(&self, process: &Process, method: Method, url: &Url) -> Result<Response, ChildError> {
        let client = self.client_for(process).map_err(|source| ask(url, source.without_url()))?;
        let request = client.request(method.clone(), url.clone());
        let request = if method == Method::POST {
            request.header("content-type", "application/json").body("")
        } else {
            request.header("accept", "application/json, */*")
        };
        request.send().await.map_err(|source| ask(url, source.without_url()))
    }

    fn check_holder(&self, process: &Process, leader_known: bool, url: &Url, anew: bool) -> Result<(), ChildError> {
        let key = (process.pid, process.started);
        let believed = |(whose, when): (Key, Instant)| whose == key && when.elapsed() < HOLDER_BELIEVED;
        if !anew && self.believed.get().is_some_and(believed) {
            return Ok(());
        }
        self.believed.set(None);
        match self.port.held_by(process, leader_known).map_err(|source| ChildError::Look { source })? {
            Holder::Itself => {
                self.believed.set(Some((key, Instant::now())));
                Ok(())
            }
            Holder::Nobody => Err(ask(url, Answer::NobodyListens)),
            Holder::Other(holder) => Err(ChildError::Impostor { url: url.to_string(), holder, expected: process.pid }),
        }
    }

    /// One client a process: a connection that was made to the old one must not answer for the new one.
    fn client_for(&self, process: &Process) -> reqwest::Result<Client> {
        let key = (process.pid, process.started);
        let mut kept = self.client.borrow_mut();
        if let Some((whose, client)) = kept.as_ref()
            && *whose == key
        {
            return Ok(client.clone());
        }
        let client = self.build()?;
        *kept = Some((key, client.clone()));
        Ok(client)
    }

    fn build(&self) -> reqwest::Result<Client> {
        // Fails when it is installed already, which is what we want of it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1)
            .connect_timeout(self.connect_timeout)
            .timeout(self.total_timeout);
        // On loopback its own certificate is as good as any: the process is checked, and no wire is crossed.
        let on_loopback = [&self.health_url, &self.info_url, &self.shutdown_url].into_iter().all(is_loopback);
        builder.tls_danger_accept_invalid_certs(on_loopback).build()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn ask(url: &Url, source: impl std::error::Error + Send + Sync + 'static) -> ChildError {
    ChildError::Ask { url: url.to_string(), source: Box::new(source) }
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadBody {
    #[error(transparent)]
    Answer(#[from] Answer),
    #[error(transparent)]
    Transport(#[from] reqwest::Error),
}

/// All of the body, up to its bound.
async fn read(mut response: Response) -> Result<Vec<u8>, ReadBody> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > BODY_LIMIT_BYTES {
            return Err(Answer::TooLong.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
