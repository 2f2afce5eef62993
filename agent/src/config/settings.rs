//! The settings, checked.

use super::at_rest::{self, AtRest};
use super::dpo::{self, Dpo};
use super::jdbc;
use super::keys::of_profile;
use super::keystores::{self, Keystores};
use super::logging::{self, Logging};
use super::lookups::{self, Lookups};
use super::network;
use super::problem::Severity;
use super::reader::Reader;
use super::sealing::{self, Sealing};
use super::values::{self, bytes, counted, flag, millis, number, organisation};
use super::webhooks::{self, Webhooks};
use crate::domain::{Service, Services};
use efm::outside::Network;
use efm::secret::Secret;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The settings. Everything in them is valid.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `dev`, `staging`, `production`, or none.
    pub profile: Option<Profile>,
    /// Where it listens.
    pub address: IpAddr,
    /// On which port; zero: one that is free.
    pub port: u16,
    /// Who may use the API; none: everybody.
    pub auth: Option<Auth>,
    /// Our own organisation number.
    pub organisation: String,
    /// Where the service registry is.
    pub registry: Url,
    /// How receivers are looked up.
    pub lookups: Lookups,
    /// What is enabled.
    pub enabled: Services,
    /// Where messages and what became of them are kept.
    pub database: Database,
    /// Where the bytes of files lie.
    pub blobs: PathBuf,
    /// How they are guarded there.
    pub at_rest: AtRest,
    /// How long a peek holds a message.
    pub lock: Duration,
    /// How long a message is worth sending.
    pub time_to_live: Duration,
    /// Services over which a status is sent back.
    pub status_services: Services,
    /// Services whose statuses a case system takes one by one.
    pub status_queue: Services,
    /// The document type of status messages.
    pub status_document_type: String,
    /// Which of an organisation's integration points this is.
    pub message_channel: Option<String>,
    /// Of which HER ids we may send.
    pub her_ids: Vec<String>,
    /// For how many hours what failed is sent again.
    pub maximum_retry_hours: u32,
    /// How often messages are looked at whose time may be over.
    pub expiry: Duration,
    /// How long finished conversations are kept; none: for ever.
    pub keeps_history: Option<Duration>,
    /// How much is sent at once.
    pub concurrency: u32,
    /// How many bytes all files of a message may have.
    pub upload_limits: BTreeMap<Service, u64>,
    /// Who may shut it down; none: nobody over HTTP.
    pub shutdown: Option<ShutdownFrom>,
    /// Whose keys we have.
    pub keystores: Keystores,
    /// The way to the outside.
    pub network: Network,
    /// DPO, where it is enabled.
    pub dpo: Option<Dpo>,
    /// How long to wait before what failed is sent for the second time.
    pub first_retry: Duration,
    /// What is asked of what comes in sealed.
    pub sealing: Sealing,
    /// How those who subscribed are called.
    pub webhooks: Webhooks,
    /// The false channel.
    pub loopback: Option<Loopback>,
    /// The log.
    pub logging: Logging,
}

/// Which world it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Digdir's own.
    Dev,
    /// The test world.
    Staging,
    /// The real one.
    Production,
}

impl Profile {
    /// As the settings name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// The user of the API.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// Which database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A server, which several programs may share.
    Postgres(PostgresAt),
}

/// Where a `PostgreSQL` database is.
#[derive(Clone, Debug)]
pub struct PostgresAt {
    /// Hosts and ports.
    pub hosts: Vec<(String, u16)>,
    /// The database.
    pub database: String,
    /// The schema, where it is not the user's own.
    pub schema: Option<String>,
    /// As whom.
    pub user: String,
    /// With which password.
    pub password: Option<Secret>,
    /// Over what.
    pub tls: PostgresTls,
    /// A file of authorities; none: whom the system trusts.
    pub trusted: Option<PathBuf>,
}

/// `sslmode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostgresTls {
    /// Plain.
    Never,
    /// Where the server has it; whoever it is.
    WherePossible,
    /// Always; whoever it is.
    Always,
    /// Always, and somebody trusted must have signed for it.
    VerifyAuthority,
    /// Always, and somebody trusted must have signed for it under its name.
    VerifyName,
}

/// From where it may be shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownFrom {
    /// From this machine.
    Loopback,
    /// From everywhere that reaches the port.
    Anywhere,
}

/// A channel that leads to a folder instead of to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loopback {
    /// Which folder.
    pub folder: PathBuf,
    /// In place of which service.
    pub service: Service,
    /// Whether the registry says who is reached over it; otherwise everybody is.
    pub asks_registry: bool,
}

/// Reads all; none where something is wrong, which is told.
pub(super) fn read(from: &mut Reader, folder: &Path) -> Option<Settings> {
    let profile = profile(from);
    let keystores = keystores::read(from, folder);
    let auth = auth(from);
    let network = network::read(from, folder);
    let webhooks = webhooks::read(from);
    let sealing = sealing::read(from, folder);
    let loopback = loopback(from, folder, profile);
    let shutdown = shutdown(from);
    let address = from.maybe("server.address", |text| text.parse::<IpAddr>().map_err(|_| "an IP address"));
    let port = from.need("server.port", |text| text.parse().map_err(|_| "a port, 0 to 65535"));
    let organisation = from.need("difi.move.org.number", organisation);
    let registry = from.need("difi.move.serviceregistryEndpoint", values::address);
    let lookups = lookups::read(from, folder);
    let enabled = Service::ALL.into_iter().zip(ENABLED).filter(|(_, key)| from.need(key, flag) == Some(true));
    let enabled: Services = enabled.map(|(service, _)| service).collect();
    // A folder in its place needs nothing of it.
    let is_in_place = loopback.as_ref().is_some_and(|loopback| loopback.service == Service::Dpo);
    let enables_dpo = enabled.has(Service::Dpo) && !is_in_place;
    let database = jdbc::database(from, folder);
    let blobs = from.need("difi.move.nextmove.filedir", |text| Ok(folder.join(text)));
    let at_rest = at_rest::read(from, folder);
    let her_ids = from.list("difi.move.dph.her-ids", her_id);
    let lock = from.need("difi.move.nextmove.lockTimeoutMinutes", |text| counted(text, 60, "minutes, from 1"));
    let time_to_live = from.need("difi.move.nextmove.default-ttl-hours", |text| counted(text, 3600, "hours, from 1"));
    let status_services = from.list("difi.move.nextmove.status-services", service).into_iter().collect();
    let status_queue = from.list("difi.move.feature.statusQueueIncludes", service).into_iter().collect();
    let status_document_type = from.need("difi.move.nextmove.status-document-type", |text| Ok(text.to_owned()));
    let message_channel = from.maybe("difi.move.dpo.message-channel", |text| {
        if text.trim().is_empty() { Err("the name of a channel, or no such key") } else { Ok(text.to_owned()) }
    });
    let maximum_retry_hours =
        from.need("difi.move.queue.maximum-retry-hours", |text| number(text, "a number of hours"));
    let concurrency = from.need("difi.move.queue.concurrency", |text| {
        number(text, "a number from 1 to 100")
            .and_then(|it| if (1..=100).contains(&it) { Ok(it) } else { Err("a number from 1 to 100") })
    });
    let expiry = from.need("difi.move.nextmove.ttlPollingrate", millis);
    let keeps_history = from.need("integrasjonspunkt.retention.days", |text| {
        number(text, "a number of days; 0: for ever").map(|days| Duration::from_secs(u64::from(days) * 86_400))
    });
    let logging = logging::logging(from, folder);
    let first_retry = from.need("integrasjonspunkt.queue.first-retry", millis);
    let dpo = if enables_dpo { dpo::read(from) } else { None };
    let limits = LIMITS.iter().filter_map(|(service, key)| Some((*service, from.need(key, bytes)?)));
    let upload_limits = limits.collect();
    Some(Settings {
        profile,
        address: address.unwrap_or(IpAddr::from([0, 0, 0, 0])),
        port: port?,
        auth,
        organisation: organisation?,
        registry: registry?,
        lookups: lookups?,
        enabled,
        database: database?,
        blobs: blobs?,
        at_rest,
        her_ids,
        lock: lock?,
        time_to_live: time_to_live?,
        status_services,
        status_queue,
        status_document_type: status_document_type?,
        message_channel,
        maximum_retry_hours: maximum_retry_hours?,
        concurrency: concurrency?,
        expiry: expiry?,
        keeps_history: keeps_history.filter(|keeps| !keeps.is_zero()),
        upload_limits,
        shutdown,
        keystores: keystores?,
        network: network?,
        dpo: if enables_dpo { Some(dpo?) } else { None },
        first_retry: first_retry?,
        webhooks: webhooks?,
        sealing,
        loopback,
        logging: logging?,
    })
}

/// In the order of [`Service::ALL`].
const ENABLED: [&str; 6] = [
    "difi.move.feature.enableDPO",
    "difi.move.feature.enableDPV",
    "difi.move.feature.enableDPI",
    "difi.move.feature.enableDPF",
    "difi.move.feature.enableDPE",
    "difi.move.feature.enableDPH",
];

const LIMITS: [(Service, &str); 6] = [
    (Service::Dpo, "difi.move.dpo.upload-size-limit"),
    (Service::Dpv, "difi.move.dpv.upload-size-limit"),
    (Service::Dpi, "difi.move.dpi.upload-size-limit"),
    (Service::Dph, "difi.move.dph.upload-size-limit"),
    (Service::Dpf, "difi.move.fiks.ut.upload-size-limit"),
    (Service::Dpe, "difi.move.nextmove.serviceBus.upload-size-limit"),
];

/// The last one that is known. Spring takes any name, so a strange one is told and keeps nobody from starting.
fn profile(from: &mut Reader) -> Option<Profile> {
    const KEY: &str = "spring.profiles.active";
    let named = from.list(KEY, |text| Ok(text.to_owned()));
    if named.iter().any(|name| of_profile(name).is_none()) {
        from.tell(
            Severity::Warning,
            KEY,
            "it names a profile that has no defaults here",
            "one of dev, staging, production",
        );
    }
    named.iter().rev().find_map(|name| match name.as_str() {
        "dev" => Some(Profile::Dev),
        "staging" => Some(Profile::Staging),
        "production" => Some(Profile::Production),
        _ => None,
    })
}

fn auth(from: &mut Reader) -> Option<Auth> {
    const RIGHT: &str = "difi.security.user.name and .password, or difi.security.enable=false for an API open to all";
    if from.need("difi.move.feature.enable-auth", flag) != Some(true) {
        return None;
    }
    let user =
        from.need("difi.security.user.name", |text| if text.is_empty() { Err(RIGHT) } else { Ok(text.to_owned()) });
    let password = from
        .need("difi.security.user.password", |text| if text.is_empty() { Err(RIGHT) } else { Ok(Secret::new(text)) });
    Some(Auth { user: user?, password: password? })
}

fn shutdown(from: &mut Reader) -> Option<ShutdownFrom> {
    let who = from.need("integrasjonspunkt.shutdown.from", |text| match text {
        "loopback" => Ok(ShutdownFrom::Loopback),
        "anywhere" => Ok(ShutdownFrom::Anywhere),
        _ => Err("loopback or anywhere"),
    });
    who.filter(|_| from.need("management.endpoint.shutdown.enabled", flag) == Some(true))
}

fn loopback(from: &mut Reader, folder: &Path, profile: Option<Profile>) -> Option<Loopback> {
    const KEY: &str = "integrasjonspunkt.loopback.folder";
    let service = from.need("integrasjonspunkt.loopback.service", service);
    let asks_registry = from.need("integrasjonspunkt.loopback.asks-registry", flag);
    let leads_to = from.maybe(KEY, |text| Ok(folder.join(text)))?;
    if profile == Some(Profile::Production) {
        from.tell(
            Severity::Error,
            KEY,
            "messages would go into a folder and nowhere else",
            "no such key in production",
        );
        return None;
    }
    Some(Loopback { folder: leads_to, service: service?, asks_registry: asks_registry? })
}

fn service(text: &str) -> Result<Service, &'static str> {
    let named = Service::named(&text.to_ascii_uppercase()).filter(|service| *service != Service::Unknown);
    named.ok_or("one of DPO, DPV, DPI, DPF, DPE, DPH")
}

/// With or without `her-id:` before it.
fn her_id(text: &str) -> Result<String, &'static str> {
    let digits = text.trim().trim_start_matches("her-id:");
    if digits.parse::<u32>().is_ok_and(|number| number > 0) {
        Ok(digits.to_owned())
    } else {
        Err("HER ids, such as 8143548")
    }
}
