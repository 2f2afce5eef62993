//! Puts the rooms together and runs them: opens the store, listens, polls, and ends in order.
//!
//! Start at [`run`]. Everything runs in one task on one thread; the store has two threads of its own, files and packing
//! use blocking ones.

use crate::api::{self, Door};
use crate::blobs::{Folder, Guard};
use crate::channels::Loopback;
use crate::config::{AtRest, Database, PostgresAt, PostgresTls, Profile, Settings};
use crate::domain::{Backoff, Service};
use crate::flow::{Desk, Rules, Tally};
use crate::manage::{self, Facts, Manage, Requests, Stop};
use crate::pollers::{self, Dispatching, Upkeep};
use crate::ports::{Blobs, Certificates, Channel, NoRandom, Random, Registry, Store, StoreError};
use crate::registry::{Absent, Everybody};
use crate::store::{Postgres, Server, Sqlite, Tls, Trust};
use crate::web::{self, Web};
use axum::ServiceExt;
use axum::extract::Request;
use efm::clock::Clock;
use efm::telemetry::Levels;
use futures_util::future::join_all;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::Layer;
use tower::util::MapRequestLayer;

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
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// Runs until the stop is asked, and then ends in order. `ready` is told the address when it answers.
pub async fn run(
    settings: Settings,
    clock: Clock,
    stop: Stop,
    levels: Levels,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), CannotRun> {
    let desk = Arc::new(desk(&settings, clock.clone()).await?);
    let address = SocketAddr::new(settings.address, settings.port);
    let listen = |source| CannotRun::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let here = listener.local_addr().map_err(listen)?;

    let facts = Arc::new(facts(&settings, &clock, levels));
    let door = Door { auth: settings.auth.clone().map(Arc::new), clock };
    let manage = Manage { desk: Arc::clone(&desk), facts, shutdown: settings.shutdown, stop: stop.clone() };
    let routes = api::routes(Arc::clone(&desk))
        .merge(web::routes(Web { manage: manage.clone(), subscribers: None }))
        .merge(manage::routes(manage.clone()));
    let routes = manage::watch(manage, door.around(routes));
    let service = MapRequestLayer::new(api::without_trailing_slash).layer(routes);
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service);
    let stopped = || {
        let stop = stop.clone();
        async move {
            stop.asked().await;
        }
    };
    let server = axum::serve(listener, service).with_graceful_shutdown(stopped());
    let how = Dispatching {
        holder: holder(&*desk.random)?,
        concurrency: settings.concurrency,
        lease: LEASE,
        longest_try: LONGEST_TRY,
    };
    let dispatching = pollers::dispatch(&desk, &how, stopped());
    let collecting = join_all(desk.channels.values().map(|channel| pollers::collect(&desk, &**channel, stopped())));
    let upkeep = Upkeep { expiry: settings.expiry, keeps_history: settings.keeps_history };
    let upkeep = pollers::upkeep(&desk, &upkeep, stopped());

    ready(here);
    let all = async { tokio::join!(server, dispatching, collecting, upkeep).0 };
    let all = std::pin::pin!(all);
    let ended = tokio::select! {
        ended = all => Some(ended),
        () = async { stopped().await; tokio::time::sleep(TO_FINISH).await } => None,
    };
    match ended {
        None => tracing::warn!(after = ?TO_FINISH, "left what was still in hand; it is on the queue"),
        Some(Err(error)) => tracing::error!(%error, "the server ended"),
        Some(Ok(())) => {}
    }
    Ok(())
}

/// What the program knows of itself from the start.
fn facts(settings: &Settings, clock: &Clock, levels: Levels) -> Facts {
    Facts {
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

async fn desk(settings: &Settings, clock: Clock) -> Result<Desk, CannotRun> {
    let store = store(settings).await?;
    let folder = &settings.blobs;
    let blobs =
        open_blobs(settings).map_err(|source| CannotRun::Blobs { path: folder.display().to_string(), source })?;
    let blobs: Arc<dyn Blobs> = Arc::new(blobs);
    let (channels, registry) = outside(settings, &blobs);
    let rules = Rules {
        organisation: settings.organisation.clone(),
        time_to_live: settings.time_to_live,
        lock: settings.lock,
        status_services: settings.status_services.clone(),
        upload_limits: settings.upload_limits.clone(),
        backoff: Backoff::of_the_queue(settings.maximum_retry_hours),
        status_document_type: settings.status_document_type.clone(),
        message_channel: settings.message_channel.clone(),
        her_ids: settings.her_ids.clone(),
    };
    let random = Arc::new(FromSystem(SystemRandom::new()));
    let queued = tokio::sync::Notify::new();
    let tally = Tally::default();
    Ok(Desk { store, blobs, registry, channels, clock, random, rules, queued, tally })
}

/// The bytes of files, with their key where and as the settings say.
fn open_blobs(settings: &Settings) -> io::Result<Folder> {
    let AtRest { key_file, is_wrapped } = &settings.at_rest;
    let guard = Guard { identities: &[], is_wrapped: *is_wrapped };
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
            let PostgresAt { hosts, database, schema, user, password, tls, trusted } = at.clone();
            let trust = trusted.map_or(Trust::System, Trust::File);
            let tls = match tls {
                PostgresTls::Never => Tls::Never,
                PostgresTls::WherePossible => Tls::WherePossible,
                PostgresTls::Always => Tls::Always,
                PostgresTls::VerifyAuthority => Tls::VerifyAuthority(trust),
                PostgresTls::VerifyName => Tls::VerifyName(trust),
            };
            let server = Server { hosts, database, schema, user, password, tls };
            let store = Postgres::open(&server, queued).await;
            Ok(Arc::new(store.map_err(|source| CannotRun::Store { path, source })?))
        }
    }
}

type Outside = (BTreeMap<Service, Arc<dyn Channel>>, Arc<dyn Registry>);

/// The channels and the registry of these settings. What is enabled and cannot be served is told.
fn outside(settings: &Settings, blobs: &Arc<dyn Blobs>) -> Outside {
    let mut channels: BTreeMap<Service, Arc<dyn Channel>> = BTreeMap::new();
    let mut registry: Arc<dyn Registry> = Arc::new(Absent { endpoint: settings.registry.clone() });
    if let Some(loopback) = &settings.loopback {
        let (folder, own) = (loopback.folder.clone(), settings.organisation.clone());
        tracing::warn!(folder = %folder.display(), service = loopback.service.name(), "messages go into a folder");
        channels.insert(loopback.service, Arc::new(Loopback::new(folder, loopback.service, own, Arc::clone(blobs))));
        registry = Arc::new(Everybody(loopback.service));
    }
    for service in settings.enabled.iter().filter(|service| !channels.contains_key(service)) {
        tracing::warn!(service = service.name(), "enabled, and this version has no channel for it yet");
    }
    (channels, registry)
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
