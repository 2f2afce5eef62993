//! The settings as the rest of the house sees them: typed, checked, with units. No text is parsed after this.

use efm::secret::Secret;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

use crate::schedule::Cron;

/// All that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The home folder: jars, markers, the integration point's own files. The child's working folder. Absolute.
    pub home: PathBuf,
    /// When to look and when to act.
    pub schedule: Schedule,
    /// The integration point.
    pub child: Child,
    /// Where releases come from and which of them we want.
    pub release: Release,
    /// How to reach the outside.
    pub network: Network,
    /// What is copied before an upgrade.
    pub backup: Backup,
    /// Where mail goes; none: no mail.
    pub mail: Option<Mail>,
    /// Where else it is told: a file for Prometheus, webhooks.
    pub notice: Notice,
    /// KOSMOS markers.
    pub blocklist: Blocklist,
    /// The homes that one supervisor keeps, in the order in which they are upgraded; none: this folder is the home.
    /// Absolute.
    pub homes: Vec<PathBuf>,
    /// The organisation, for mail and for the splay; nine digits.
    pub organisation: Option<String>,
}

impl Settings {
    /// Whether this folder names homes and is none itself.
    pub fn names_other_homes(&self, folder: &Path) -> bool {
        !self.homes.is_empty() && !self.homes.iter().any(|home| home == folder)
    }
}

/// When to look and when to act.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// When to look for, fetch and verify releases.
    pub look: Look,
    /// The longest delay added to a look; each site has a fixed share of it.
    pub splay: Duration,
    /// When a stop and a start may begin.
    pub windows: Vec<Cron>,
    /// How long a window is open.
    pub window_length: Duration,
    /// The zone of all expressions.
    pub timezone: jiff::tz::TimeZone,
    /// How much is done without a person.
    pub mode: Mode,
    /// A newer version that has waited for longer is installed in the next window though the mode or a hold keeps it
    /// back; none: they keep it back for as long as they are set.
    pub longest_deferral: Option<Duration>,
    /// Days, first and last included, on which no window opens.
    pub blackout: Vec<(jiff::civil::Date, jiff::civil::Date)>,
}

/// When to look.
#[derive(Clone, Debug)]
pub enum Look {
    /// At fixed distances.
    Every(Duration),
    /// At the times of an expression.
    At(Cron),
    /// Never (`kosmos.integrasjonspunkt.autoRefresh=false`).
    Never,
}

/// How much is done without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Fetch, verify and install in the window.
    Auto,
    /// Fetch and verify; a person says `kosmos upgrade`.
    Stage,
    /// Only tell that there is something newer.
    Notify,
    /// Do not look.
    Off,
}

/// What kind of program the integration point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A jar, run by `java -jar`.
    Java,
    /// A zip archive with the program in it.
    Native,
}

/// The integration point.
#[derive(Clone, Debug)]
pub struct Child {
    /// Java or native.
    pub kind: Kind,
    /// The JVM, when it is set; otherwise it is looked for.
    pub java: Option<PathBuf>,
    /// For the JVM (before `-jar`) when Java; for the program (before ours) when native.
    pub arguments: Vec<String>,
    /// `dev`, `itest`, `staging`, `production`: the Spring profile and the environment of the version list.
    pub profile: String,
    /// How long it may take to end after being asked, before it is terminated; then once more before it is killed.
    pub stop_grace: Duration,
    /// How long it may take to come up.
    pub start_patience: Duration,
    /// The bound when patience is extended because the log or the database still grows.
    pub start_patience_bound: Duration,
    /// How long a new version is watched before it is committed.
    pub probation: Duration,
    /// Its base URL.
    pub base_url: Url,
    /// `base_url` + `/manage/health` unless set alone.
    pub health_url: Url,
    /// `base_url` + `/manage/info` unless set alone.
    pub info_url: Url,
    /// `base_url` + `/manage/shutdown` unless set alone.
    pub shutdown_url: Url,
    /// For one call to `/manage`.
    pub connect_timeout: Duration,
    /// For one call to `/manage`.
    pub read_timeout: Duration,
    /// Copy its lines into our log, marked `[INCLUDED]`.
    pub include_log: bool,
    /// Environment variables that begin with one of these (case ignored) do not reach it.
    pub environment_prefixes_removed: Vec<String>,
    /// A log file is turned over at this size.
    pub log_size_bytes: u64,
    /// How many turned-over log files are kept.
    pub log_files_kept: u32,
    /// Restart it when it has not answered for this long; none: never (a hang is only told).
    pub hang_patience: Option<Duration>,
    /// Components of `/manage/health` that are its own; a red one of these rolls a trial back, any other is only told.
    pub own_components: Vec<String>,
    /// A port that is held for it, so that nobody is refused while it is exchanged.
    pub listen: Option<SocketAddr>,
}

/// Where releases come from and which of them we want.
#[derive(Clone, Debug)]
pub struct Release {
    /// Where from.
    pub source: Source,
    /// `latest` or `earlybird`.
    pub channel: Channel,
    /// The seat belt: a higher major is never installed.
    pub supported_major: Option<u64>,
    /// Only versions that fit, like `>=4, <5`.
    pub allow: Option<semver::VersionReq>,
    /// Files with `OpenPGP` certificates. Absolute.
    pub keys: Vec<PathBuf>,
    /// Whole fingerprints, lower-case hexadecimal; empty: every key in the files counts.
    pub fingerprints: Vec<String>,
    /// Accept a signature that was made before its key expired (told each day).
    pub accept_expired_key: bool,
}

/// `latest` or `earlybird`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What everybody runs.
    Latest,
    /// What comes next; `latest` where there is none.
    Earlybird,
}

/// Where releases come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A YAML version list and a GitHub release layout.
    Digdir {
        /// The version list.
        list: Url,
        /// `https://github.com/felleslosninger/efm-integrasjonspunkt/releases/download/` with a trailing slash.
        downloads: Url,
        /// `integrasjonspunkt`, the start of the file name.
        artifact: String,
    },
    /// A Maven repository with `maven-metadata.xml`.
    Maven {
        /// `<repository>/no/difi/meldingsutveksling/integrasjonspunkt/` with a trailing slash.
        artifact_folder: Url,
        /// `integrasjonspunkt`
        artifact: String,
    },
    /// A folder or a file share. Absolute.
    Directory {
        /// The folder.
        folder: PathBuf,
        /// `integrasjonspunkt`
        artifact: String,
    },
}

impl Source {
    /// The start of the file names, and what the archive must call itself: `integrasjonspunkt`.
    pub fn artifact(&self) -> &str {
        match self {
            Self::Digdir { artifact, .. } | Self::Maven { artifact, .. } | Self::Directory { artifact, .. } => artifact,
        }
    }
}

/// How to reach the outside.
#[derive(Clone, Debug)]
pub struct Network {
    /// Proxy, trust, and how long a connection may take.
    pub way: efm::outside::Network,
    /// Between two reads.
    pub read_timeout: Duration,
    /// For a list or a signature, all in all; a jar gets this and what its size needs at `slowest_bytes_per_second`.
    pub total_timeout: Duration,
    /// Slower than this over a minute is given up.
    pub slowest_bytes_per_second: u64,
    /// Not faster than this; none: as fast as it goes.
    pub fastest_bytes_per_second: Option<u64>,
    /// 1 MiB.
    pub list_limit_bytes: u64,
    /// 64 KiB.
    pub signature_limit_bytes: u64,
    /// 2 GiB.
    pub jar_limit_bytes: u64,
}

/// What is copied before an upgrade.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Relative to the home folder.
    pub paths: Vec<PathBuf>,
    /// How many copies are kept.
    pub keep: u32,
}

/// Where mail goes.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `kosmos.mail.recipient`, one or more.
    pub recipients: Vec<String>,
    /// `kosmos.mail.from`
    pub from: String,
    /// Put at the end of each subject.
    pub append_subject: Option<String>,
    /// `spring.mail.host`
    pub host: String,
    /// `spring.mail.port`
    pub port: u16,
    /// `spring.mail.username` and `.password`
    pub login: Option<(String, Secret)>,
    /// Plain, STARTTLS or TLS.
    pub security: MailSecurity,
    /// For one connection and for one command.
    pub timeout: Duration,
    /// PEM file with authorities trusted for the mail server besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// How the mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// No encryption.
    Plain,
    /// STARTTLS where the server offers it.
    StartTlsIfOffered,
    /// STARTTLS or nothing.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// Where else it is told.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// The file for Prometheus; none: off. Absolute.
    pub metrics: Option<PathBuf>,
    /// Who is called when something happens.
    pub webhooks: Vec<Webhook>,
}

/// Who is called when something happens.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// What the log, the history and what waits for it call it. Unlike all others, also in small letters.
    pub name: String,
    /// The whole address; it may be a secret by itself.
    pub url: Secret,
    /// Of what it is told; none: of what a mail would tell.
    pub events: Option<Vec<Told>>,
    /// What each call is signed with: text, or `whsec_` and base 64.
    pub secret: Option<Secret>,
    /// One more header, and what it says.
    pub header: Option<(String, Secret)>,
}

/// What can be told, as the history, webhooks and metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each says what it is; ports::Happening has the words")]
pub enum Told {
    Available,
    Staged,
    Refused,
    FailedElsewhere,
    Upgraded,
    UpgradeFailed,
    RolledBack,
    RollBackFailed,
    Restarted,
    CrashLoop,
    Steady,
    Trouble,
    Well,
    Adopted,
    KeyExpires,
    Stale,
    PersonDecided,
    Warning,
}

impl Told {
    /// Each with its name. The names are part of the interface.
    pub const NAMES: [(&'static str, Self); 18] = [
        ("available", Self::Available),
        ("staged", Self::Staged),
        ("refused", Self::Refused),
        ("failed-elsewhere", Self::FailedElsewhere),
        ("upgraded", Self::Upgraded),
        ("upgrade-failed", Self::UpgradeFailed),
        ("rolled-back", Self::RolledBack),
        ("roll-back-failed", Self::RollBackFailed),
        ("restarted", Self::Restarted),
        ("crash-loop", Self::CrashLoop),
        ("steady", Self::Steady),
        ("trouble", Self::Trouble),
        ("well", Self::Well),
        ("adopted", Self::Adopted),
        ("key-expires", Self::KeyExpires),
        ("stale", Self::Stale),
        ("person-decided", Self::PersonDecided),
        ("warning", Self::Warning),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, told)| *told == self).map_or("", |(name, _)| name)
    }
}

/// KOSMOS' blocklist: the markers we write for the day a site goes back to it.
#[derive(Clone, Copy, Debug)]
pub struct Blocklist {
    /// `kosmos.blocklist.enabled`: honour and write `.blocklisted` markers.
    pub enabled: bool,
    /// `kosmos.blocklist.duration-in-hours`
    pub duration: Duration,
}
