//! Puts the rooms together and runs them: opens the store, listens, polls, and ends in order.
//!
//! Start at [`run`]; [`round`] has one life of everything. All of it runs in one task on one thread; the store has two threads of its own, files and packing
//! use blocking ones.

mod dpo;
mod keys;
mod lookups;
mod onboarding;
mod pages;
mod port;
mod round;
mod serve;
mod tls;
mod watched;

pub use tls::NoTls;

use crate::blobs::{Folder, Guard, Late, May};
use crate::channels::Loopback;
use crate::config::{AtRest, Database, PostgresAt, PostgresTls, Profile, Settings};
use crate::domain::{Backoff, Service};
use crate::flow::{Awaited, Bell, Desk, Pushing, Rules, Tally};
use crate::manage::{Facts, Requests, Stop};
use crate::ports::{
    Blobs, Caller, CannotUse, Certificates, Channel, LookupError, NoRandom, Packing, Random, Registry, Store,
};
use crate::registry::Everybody;
use crate::sealing::Packer;
use crate::store::{Postgres, Server, Sqlite, Tls, Trust};
use crate::tokens::Checked;
use crate::webhooks::{Http, Limits};
use efm::clock::Clock;
use efm::telemetry::Levels;
use keys::Own;
use port::Port;
use ring::rand::{SecureRandom, SystemRandom};
use round::{Ended, Site};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum CannotRun {
    /// The port.
    #[error("listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not even something that stands in for the keystore of the API.
    #[error("serve TLS; difi.ssl.enabled=false would serve in the clear")]
    Tls(#[from] NoTls),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// Which version this is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs until the stop is asked, and then ends in order. Listens on the sockets that were handed in, else on the port of the
/// settings. `ready` is told the address when messages are taken.
///
/// What is missing outside does not end it: it answers `/manage`, says what is missing, and tries again.
pub async fn run(
    settings: Settings,
    handed_in: Vec<std::net::TcpListener>,
    clock: Clock,
    stop: Stop,
    levels: Levels,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), CannotRun> {
    run_as(VERSION, settings, handed_in, clock, stop, levels, ready).await
}

/// The same, as a program that says that it is this version.
pub async fn run_as(
    version: &'static str,
    settings: Settings,
    handed_in: Vec<std::net::TcpListener>,
    clock: Clock,
    stop: Stop,
    levels: Levels,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), CannotRun> {
    let port = Port::open(&settings, handed_in).await?;
    let facts = Arc::new(Facts { version, ..facts(&settings, &clock, levels) });
    let site = Site { settings: &settings, port, clock, stop, facts };
    let ready = Cell::new(Some(ready));
    let ready = |address| {
        if let Some(ready) = ready.take() {
            ready(address);
        }
    };
    while round::round(&site, &ready).await? == Ended::HasKeys {
        tracing::info!("begins anew with its keys; who connects meanwhile waits");
    }
    Ok(())
}

/// What the program knows of itself from the start.
fn facts(settings: &Settings, clock: &Clock, levels: Levels) -> Facts {
    Facts {
        version: VERSION,
        started: clock.now(),
        since: Instant::now(),
        organisation: settings.organisation.clone(),
        profile: settings.profile.map(Profile::name),
        enabled: settings.enabled.clone(),
        certificates: Certificates::default(),
        folder: settings.blobs.clone(),
        levels,
        log_file: settings.logging.file.clone(),
        requests: Requests::default(),
    }
}

/// Of which nothing is open yet.
fn desk(
    settings: &Settings,
    own: &Arc<Own>,
    closed: BTreeMap<Service, String>,
    clock: Clock,
    awaited: Arc<Awaited>,
) -> Desk {
    let store = store(settings);
    let blobs: Arc<dyn Blobs> = Arc::new(blobs(settings, own));
    let random: Arc<dyn Random> = Arc::new(FromSystem(SystemRandom::new()));
    let parts = lookups::Parts { settings, own, clock: &clock, random: &random };
    let (channels, registry) = outside(parts, &blobs);
    let rules = Rules {
        organisation: settings.organisation.clone(),
        time_to_live: settings.time_to_live,
        lock: settings.lock,
        status_services: settings.status_services.clone(),
        upload_limits: settings.upload_limits.clone(),
        backoff: Backoff::of_the_queue(settings.maximum_retry_hours).beginning_with(settings.first_retry),
        status_document_type: settings.status_document_type.clone(),
        message_channel: settings.message_channel.clone(),
        default_process: settings.lookups.default_process.clone(),
        her_ids: settings.her_ids.clone(),
        pushing: pushing(settings),
    };
    let caller = caller(settings);
    let (queued, noted) = (Bell::default(), tokio::sync::Notify::new());
    let tally = Tally::default();
    Desk { store, blobs, registry, channels, closed, awaited, caller, clock, random, rules, queued, noted, tally }
}

fn pushing(settings: &Settings) -> Pushing {
    Pushing {
        backoff: Pushing::backoff(),
        give_up_after: settings.webhooks.give_up_after,
        ping_is_required: settings.webhooks.ping_is_required,
    }
}

fn caller(settings: &Settings) -> Arc<dyn Caller> {
    let how = &settings.webhooks;
    let limits = Limits { connect: how.connect_timeout, read: how.read_timeout };
    Arc::new(Http::new(&settings.network, limits, how.secret.clone()))
}

/// The bytes of files, with their key where and as the settings say.
fn blobs(settings: &Settings, own: &Arc<Own>) -> Late {
    let AtRest { key_file, is_wrapped } = settings.at_rest.clone();
    let (folder, own) = (settings.blobs.clone(), Arc::clone(own));
    let open = move |may: May| {
        let identities: Vec<_> = own.identities().collect();
        let guard = Guard { identities: &identities, is_wrapped };
        Folder::open_with(&folder, key_file.as_deref(), guard, may)
    };
    Late::at(settings.blobs.clone(), Arc::new(open))
}

fn store(settings: &Settings) -> Arc<dyn Store> {
    let queued = &settings.status_queue;
    match &settings.database {
        Database::Sqlite(path) => Arc::new(Sqlite::at(path, queued)),
        Database::Postgres(at) => Arc::new(Postgres::at(server(at), queued.clone())),
    }
}

/// Asks Maskinporten for each scope that the enabled services need. It signs, and changes nothing.
pub async fn check_scopes(settings: &Settings, clock: &Clock) -> Result<Vec<Checked>, String> {
    let is_folder_alone = settings.loopback.as_ref().is_some_and(|loopback| !loopback.asks_registry);
    if is_folder_alone {
        return Ok(Vec::new());
    }
    let own = Own::open(&settings.keystores, clock.now());
    let random: Arc<dyn Random> = Arc::new(FromSystem(SystemRandom::new()));
    lookups::check_scopes(lookups::Parts { settings, own: &own, clock, random: &random }).await
}

/// The certificate that is registered for the organisation, as PEM.
pub async fn registered(settings: &Settings, clock: &Clock) -> Result<String, LookupError> {
    let own = Own::open(&settings.keystores, clock.now());
    let random: Arc<dyn Random> = Arc::new(FromSystem(SystemRandom::new()));
    let registry = lookups::registry(lookups::Parts { settings, own: &own, clock, random: &random });
    registry.certificate(&settings.organisation).await
}

/// Asks each channel whether it can be used as it is set up, as it is asked at the start; none of them sends or fetches.
pub async fn check_channels(settings: &Settings, clock: &Clock) -> Vec<(Service, Result<(), CannotUse>)> {
    let own = Arc::new(Own::open(&settings.keystores, clock.now()));
    let random: Arc<dyn Random> = Arc::new(FromSystem(SystemRandom::new()));
    let parts = lookups::Parts { settings, own: &own, clock, random: &random };
    // Not opened: no folder is made.
    let blobs: Arc<dyn Blobs> = Arc::new(blobs(settings, &own));
    let mut all = Vec::new();
    match dpo::channel(parts, &lookups::registry(parts), &blobs) {
        Ok(None) => {}
        Ok(Some(channel)) => all.push((Service::Dpo, channel.check().await)),
        Err(why) => all.push((Service::Dpo, Err(CannotUse::Refused(why)))),
    }
    all
}

/// The server of these settings, as the store speaks to it.
pub fn server(at: &PostgresAt) -> Server {
    let PostgresAt { hosts, database, schema, user, password, tls, trusted } = at.clone();
    let trust = trusted.map_or(Trust::System, Trust::File);
    let tls = match tls {
        PostgresTls::Never => Tls::Never,
        PostgresTls::WherePossible => Tls::WherePossible,
        PostgresTls::Always => Tls::Always,
        PostgresTls::VerifyAuthority => Tls::VerifyAuthority(trust),
        PostgresTls::VerifyName => Tls::VerifyName(trust),
    };
    Server { hosts, database, schema, user, password, tls }
}

type Outside = (BTreeMap<Service, Arc<dyn Channel>>, Arc<dyn Registry>);

/// The channels and the registry of these settings. What is enabled and cannot be served is told.
fn outside(parts: lookups::Parts<'_>, blobs: &Arc<dyn Blobs>) -> Outside {
    let settings = parts.settings;
    let mut channels: BTreeMap<Service, Arc<dyn Channel>> = BTreeMap::new();
    if let Some(loopback) = &settings.loopback {
        let (folder, own) = (loopback.folder.clone(), settings.organisation.clone());
        tracing::warn!(folder = %folder.display(), service = loopback.service.name(), "messages go into a folder");
        let packing = packing(parts, blobs);
        channels.insert(loopback.service, Arc::new(Loopback::new(folder, loopback.service, own, packing)));
    }
    let registry: Arc<dyn Registry> = match &settings.loopback {
        Some(loopback) if !loopback.asks_registry => {
            let (folder, own) = (loopback.folder.clone(), settings.organisation.clone());
            let knows = move |who: &str| who == own || Loopback::knows(&folder, who);
            Arc::new(Everybody::over(loopback.service, Arc::new(knows)))
        }
        Some(_) | None => lookups::registry(parts),
    };
    match dpo::channel(parts, &registry, blobs) {
        Ok(channel) => channels.extend(channel.map(|channel| (Service::Dpo, channel))),
        Err(why) => tracing::error!(service = Service::Dpo.name(), error = why, "runs without it"),
    }
    let is_missing = |service: &Service| !channels.contains_key(service) && *service != Service::Dpo;
    for service in settings.enabled.iter().filter(is_missing) {
        tracing::warn!(service = service.name(), "enabled, and this version has no channel for it yet");
    }
    (channels, registry)
}

/// What packs for the folder; signed where there is a key that can.
fn packing(parts: lookups::Parts<'_>, blobs: &Arc<dyn Blobs>) -> Arc<dyn Packing> {
    let packer = |key| Packer::signing(key, Arc::clone(blobs), parts.clock.clone());
    match parts.own.identity().ok().map(packer) {
        Some(Ok(packer)) => Arc::new(packer),
        Some(Err(error)) => {
            tracing::warn!(error = %efm::chain::Chain(&error), "packages for the folder are not signed");
            Arc::new(Packer::unsigned(Arc::clone(blobs), parts.clock.clone()))
        }
        None => Arc::new(Packer::unsigned(Arc::clone(blobs), parts.clock.clone())),
    }
}

struct FromSystem(SystemRandom);

impl Random for FromSystem {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        let mut bytes = [0; 16];
        self.0.fill(&mut bytes).map_err(|_| NoRandom)?;
        Ok(bytes)
    }
}
