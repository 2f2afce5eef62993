//! Puts the rooms together and runs them: opens the store, listens, polls, and ends in order.
//!
//! Start at [`run`]. Everything runs in one task on one thread; the store has two threads of its own, files and packing
//! use blocking ones.

mod dpo;
mod keys;
mod lookups;
mod onboarding;
mod pages;
mod serve;

pub use keys::NoTls;

use crate::api::{self, Door};
use crate::blobs::{Folder, Guard};
use crate::channels::Loopback;
use crate::config::{AtRest, Database, PostgresAt, PostgresTls, Profile, Settings};
use crate::domain::{Backoff, Service};
use crate::flow::{Bell, Desk, Pushing, Rules, Tally};
use crate::manage::{self, Facts, Manage, Requests, Stop};
use crate::pollers::{self, Dispatching, Upkeep};
use crate::ports::{
    Blobs, Caller, Certificate, Certificates, Channel, NoRandom, Packing, Random, Registry, Store, StoreError,
};
use crate::registry::Everybody;
use crate::sealing::Packer;
use crate::store::{Postgres, Server, Sqlite, Tls, Trust};
use crate::tokens::Checked;
use crate::web::{self, Web};
use crate::webhooks::{Http, Limits};
use efm::clock::Clock;
use efm::telemetry::Levels;
use futures_util::future::join_all;
use keys::Own;
use ring::rand::{SecureRandom, SystemRandom};
use serve::Front;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Requests and messages that are in hand when the stop is asked have so long.
const TO_FINISH: Duration = Duration::from_secs(20);
/// What a dead instance held is taken over after so long; who lives renews it three times as often.
const LEASE: Duration = Duration::from_secs(15);
/// How long one try to send may take.
const LONGEST_TRY: Duration = Duration::from_mins(15);

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum CannotRun {
    /// The store.
    #[error("open the store {path}")]
    Store {
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The folder of blobs.
    #[error("open the folder of files {path}")]
    Blobs {
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The port.
    #[error("listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The keystore of the API.
    #[error("serve TLS; difi.ssl.enabled=false would serve in the clear")]
    Tls(#[from] NoTls),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// Which version this is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs until the stop is asked, and then ends in order. Listens on the sockets that were handed in, else on the port of the
/// settings. `ready` is told the address when it answers.
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
    let (tls, ssl, of_tls) = keys::tls(&settings.keystores, clock.clone())?;
    let own = Own::open(&settings.keystores, clock.now());
    let closed = own.closed(&settings);
    let keystore = own.health(!closed.is_empty(), clock.clone());
    let desk = Arc::new(desk(&settings, &own, closed, clock.clone()).await?);
    let parts = lookups::Parts { settings: &settings, own: &own, clock: &clock, random: &desk.random };
    let onboarding = onboarding::of(parts);
    let (listeners, here) = listen(&settings, handed_in).await?;

    let certificates = own.certificate().into_iter().chain(of_tls).collect();
    let facts = Arc::new(Facts { version, ..facts(&settings, &clock, certificates, levels) });
    let door = Door { auth: settings.auth.clone().map(Arc::new), clock };
    let parts = [keystore, ssl].into();
    let manage = Manage { desk: Arc::clone(&desk), facts, shutdown: settings.shutdown, parts, stop: stop.clone() };
    let subscribers = Some(pages::subscribers(&desk.store));
    let pages = Web { manage: manage.clone(), subscribers, onboarding: Some(Arc::clone(&onboarding)) };
    let routes = api::routes(Arc::clone(&desk)).merge(api::onboarding::routes(onboarding));
    let routes = routes.merge(web::routes(pages)).merge(manage::routes(manage.clone()));
    let routes = manage::watch(manage, door.around(routes));
    let server = serve::serve(Front { listeners, tls }, routes, stop.clone());
    let stopped = || {
        let stop = stop.clone();
        async move {
            stop.asked().await;
        }
    };
    let holder = holder(&*desk.random)?;
    let how = Dispatching {
        holder: holder.clone(),
        concurrency: settings.concurrency,
        lease: LEASE,
        longest_try: LONGEST_TRY,
    };
    let dispatching = pollers::dispatch(&desk, &how, stopped);
    let collecting = join_all(desk.channels.values().map(|channel| pollers::collect(&desk, &**channel, stopped())));
    let pushing = pollers::push(&desk, &holder, stopped());
    let upkeep = Upkeep {
        expiry: settings.expiry,
        keeps_history: settings.keeps_history,
        keeps_deliveries: settings.webhooks.keeps_log,
    };
    let upkeep = pollers::upkeep(&desk, &upkeep, stopped());

    ready(here);
    let all = async { drop(tokio::join!(server, dispatching, pushing, collecting, upkeep)) };
    let all = std::pin::pin!(all);
    tokio::select! {
        () = all => {}
        () = async { stopped().await; tokio::time::sleep(TO_FINISH).await } => {
            tracing::warn!(after = ?TO_FINISH, "left what was still in hand; it is on the queue");
        }
    }
    Ok(())
}

/// What the program knows of itself from the start.
fn facts(settings: &Settings, clock: &Clock, certificates: Vec<Certificate>, levels: Levels) -> Facts {
    Facts {
        version: VERSION,
        started: clock.now(),
        since: Instant::now(),
        organisation: settings.organisation.clone(),
        profile: settings.profile.map(Profile::name),
        enabled: settings.enabled.clone(),
        certificates: Certificates(certificates),
        folder: settings.blobs.clone(),
        levels,
        log_file: settings.logging.file.clone(),
        requests: Requests::default(),
    }
}

async fn listen(
    settings: &Settings,
    handed_in: Vec<std::net::TcpListener>,
) -> Result<(Vec<TcpListener>, SocketAddr), CannotRun> {
    let address = SocketAddr::new(settings.address, settings.port);
    let cannot = |source| CannotRun::Listen { address, source };
    let mut listeners = Vec::new();
    for socket in handed_in {
        socket
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(socket))
            .map(|it| listeners.push(it))
            .map_err(cannot)?;
    }
    if listeners.is_empty() {
        listeners.push(TcpListener::bind(address).await.map_err(cannot)?);
    } else {
        tracing::info!(
            sockets = listeners.len(),
            "listens on what was handed in; server.port and server.address do not count"
        );
    }
    let here = listeners.first().map_or(Ok(address), TcpListener::local_addr).map_err(cannot)?;
    Ok((listeners, here))
}

async fn desk(
    settings: &Settings,
    own: &Own,
    closed: BTreeMap<Service, String>,
    clock: Clock,
) -> Result<Desk, CannotRun> {
    let store = store(settings).await?;
    let folder = &settings.blobs;
    let blobs =
        open_blobs(settings, own).map_err(|source| CannotRun::Blobs { path: folder.display().to_string(), source })?;
    let blobs: Arc<dyn Blobs> = Arc::new(blobs);
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
    Ok(Desk { store, blobs, registry, channels, closed, caller, clock, random, rules, queued, noted, tally })
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
fn open_blobs(settings: &Settings, own: &Own) -> io::Result<Folder> {
    let AtRest { key_file, is_wrapped } = &settings.at_rest;
    let identities: Vec<_> = own.identities().collect();
    let guard = Guard { identities: &identities, is_wrapped: *is_wrapped };
    Folder::open_with(&settings.blobs, key_file.as_deref(), guard)
}

async fn store(settings: &Settings) -> Result<Arc<dyn Store>, CannotRun> {
    let queued = &settings.status_queue;
    match &settings.database {
        Database::Sqlite(path) => {
            let cannot = |source| CannotRun::Store { path: path.display().to_string(), source };
            Ok(Arc::new(Sqlite::open(path, queued).map_err(cannot)?))
        }
        Database::Postgres(at) => {
            let hosts: Vec<_> = at.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
            let path = format!("{} on {}", at.database, hosts.join(", "));
            let store = Postgres::open(&server(at), queued).await;
            Ok(Arc::new(store.map_err(|source| CannotRun::Store { path, source })?))
        }
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

/// A name on leases that no other instance has.
fn holder(random: &dyn Random) -> Result<String, NoRandom> {
    Ok(hex::encode(random.sixteen()?))
}

struct FromSystem(SystemRandom);

impl Random for FromSystem {
    fn sixteen(&self) -> Result<[u8; 16], NoRandom> {
        let mut bytes = [0; 16];
        self.0.fill(&mut bytes).map_err(|_| NoRandom)?;
        Ok(bytes)
    }
}
