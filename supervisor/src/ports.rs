//! The doors: everything the process needs from the world, and nothing else of the world is reached but through them.
//!
//! [`ReleaseSource`], [`Child`], [`Vault`], [`Notice`]. The real ones are in `sources/`, `child/`, `vault/`, `notice/`;
//! tests put fakes here and only here.

#![allow(async_fn_in_trait, reason = "everything runs in one task on one thread; no future here need be Send")]

use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::release::{Checksum, Release, Sha256, Tag, Version};

/// What a caller should do about an error that crossed a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It may pass: try again, not before the time given where one is.
    Retry(Option<Duration>),
    /// It will not pass for these bytes or this release.
    GiveUp,
    /// Somebody must change something on this machine.
    CallAPerson,
}

/// The four doors, so that the process is written once and tested with any of them.
pub trait Doors {
    /// Where releases come from.
    type Source: ReleaseSource;
    /// The integration point.
    type Child: Child;
    /// Versions on disk, and the state.
    type Vault: Vault;
    /// The outbox.
    type Notice: Notice;
}

// ── Where releases come from ────────────────────────────────────────────────────────────────────────────────────────

/// Where releases come from. Every call is cancel safe: it changes nothing here.
pub trait ReleaseSource {
    /// What the source offers on our channel today. A source that has not changed answers from what it said before.
    async fn find(&self) -> Result<Release, SourceError>;
    /// The release of this version, for a person who asks for it by name. Whether it exists shows when it is fetched.
    async fn named(&self, version: &Version) -> Result<Release, SourceError>;
    /// The detached signature, fetched before anything else of the release.
    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError>;
    /// The checksums beside the file; none is no error.
    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError>;
    /// The archive, from the start, or from where an earlier fetch ended if the server still has the same bytes.
    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError>;
}

/// How far an earlier fetch came, and of what.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Resume {
    /// Bytes we have.
    pub offset: u64,
    /// The server's validator for them: a strong `ETag`, or `Last-Modified`.
    pub validator: String,
}

/// An archive that is being fetched.
#[derive(Debug)]
pub struct Opened {
    /// Where the body starts: zero, or the offset that was asked for.
    pub starts_at: u64,
    /// The length of the whole archive where the source says it.
    pub length: Option<u64>,
    /// What to resume with.
    pub validator: Option<String>,
    /// The bytes.
    pub body: Body,
}

/// The bytes of an archive, a chunk at a time, within all limits of size, speed and time.
#[derive(Debug)]
pub enum Body {
    /// Over HTTP.
    Http(Box<crate::sources::http::Download>),
    /// From a folder.
    File(tokio::fs::File),
    /// From memory: tests.
    Memory(std::collections::VecDeque<Result<Bytes, SourceError>>),
}

impl Body {
    /// The next bytes; none at the end. A body that ends early is an error, not an end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        use tokio::io::AsyncReadExt;
        const CHUNK: usize = 64 * 1024;
        match self {
            Self::Http(download) => download.chunk().await,
            Self::File(file) => {
                let mut buffer = vec![0; CHUNK];
                let read = file
                    .read(&mut buffer)
                    .await
                    .map_err(|source| SourceError::Read { what: "archive".into(), source })?;
                buffer.truncate(read);
                Ok((read > 0).then(|| Bytes::from(buffer)))
            }
            Self::Memory(chunks) => chunks.pop_front().transpose(),
        }
    }
}

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// 404: the list, the tag and the files of a release are published by hand, one after the other.
    #[error("fetch {what}: not published yet")]
    NotPublished {
        /// The URL or path.
        what: String,
    },
    /// The source cannot be reached or does not do its part; it may later.
    #[error("fetch {what}")]
    Unreachable {
        /// The URL or path.
        what: String,
        /// The server asked us to wait.
        retry_after: Option<Duration>,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of a folder source cannot be read.
    #[error("read {what}")]
    Read {
        /// The path.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The source gave something that we refuse: too large, too slow, a redirect to plain HTTP, a length that lies.
    #[error("refuse {what}: {reason}")]
    Refused {
        /// The URL or path.
        what: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The list of versions makes no sense.
    #[error("read release list {what}: {reason}")]
    BadList {
        /// The URL or path.
        what: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Settings that only show to be wrong here: a CA file that cannot be read, a proxy that is no URL.
    #[error("set up {what}")]
    SetUp {
        /// The setting.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SourceError {
    /// Retry, give up, or call a person.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NotPublished { .. } | Self::Read { .. } | Self::Refused { .. } | Self::BadList { .. } => {
                Remedy::Retry(None)
            }
            Self::Unreachable { retry_after, .. } => Remedy::Retry(*retry_after),
            Self::SetUp { .. } => Remedy::CallAPerson,
        }
    }
}

// ── The integration point ───────────────────────────────────────────────────────────────────────────────────────────

/// The integration point as a process, and what it says of itself.
pub trait Child {
    /// Which process is this home's integration point: the one remembered if it lives, else one that KOSMOS, `WinSW` or
    /// a person started (it listens on our port, or has our home as working folder and the archive on its command line).
    async fn find(&self, remembered: Option<&Process>) -> Result<Option<Process>, ChildError>;
    /// Start these bytes. The process outlives us. The file has been hashed just before.
    async fn spawn(&self, program: &Launch) -> Result<Process, ChildError>;
    /// Resolves when the process has ended, and says how. Cancel safe.
    async fn ended(&self, process: &Process) -> Exit;
    /// Which boot of the machine this is.
    fn boot(&self) -> String;
    /// Whether it lives, now.
    fn lives(&self, process: &Process) -> bool;
    /// Ask in the orderly way: `/manage/shutdown`.
    async fn ask_to_stop(&self, process: &Process) -> Result<(), ChildError>;
    /// SIGTERM to the group, a console event, or what the system has.
    async fn terminate(&self, process: &Process) -> Result<(), ChildError>;
    /// Kill it and all that it started.
    async fn kill(&self, process: &Process) -> Result<(), ChildError>;
    /// What it says of itself: version and health. An error where nobody answers or somebody else does.
    async fn examine(&self, process: &Process) -> Result<Examination, ChildError>;
    /// Whether the port is free; if not, who has it.
    async fn port_holder(&self) -> Result<Option<String>, ChildError>;
    /// A number that grows while it works on starting: bytes of its log and its database.
    fn signs_of_progress(&self) -> u64;
    /// The last lines of its output, secrets and identity numbers masked, for mail.
    fn start_up_log(&self, process: &Process) -> String;
    /// Turn over log files that have grown too large. Cheap when there is nothing to do; called each half minute.
    async fn turn_logs_over(&self) -> std::io::Result<()>;
    /// Whether this archive can run on this machine (a JVM that is new enough); the reason where not.
    async fn can_run(&self, needs: &Needs) -> Result<(), ChildError>;
}

/// A process that can be told from every other that ever had its number.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in the system's own unit (clock ticks since boot on Linux, file time on Windows); with the pid
    /// it names a process for as long as the machine is up.
    pub started: u64,
    /// Which boot of the machine it belongs to.
    pub boot: String,
    /// The archive or program it was started from, where known.
    pub archive: Option<PathBuf>,
}

impl Process {
    /// Whether both are one and the same process.
    pub fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started == other.started && self.boot == other.boot
    }
}

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The jar, or the program that was in the archive.
    pub file: PathBuf,
    /// Its version, for logs.
    pub version: Version,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It is gone; it was not our child, so nobody told us how.
    Gone,
}

/// What an integration point says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// `build.version` of `/manage/info`, as text; it may be anything.
    pub version: Option<String>,
    /// `/manage/health`.
    pub health: efm::manage::Health,
}

/// What an archive needs to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// `Build-Jdk-Spec`: the least Java version.
    pub java: Option<u32>,
}

/// Why a door to the child failed.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("start {what}")]
    Start {
        /// The program.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// It could not be signalled.
    #[error("{act} process {pid}")]
    Signal {
        /// `terminate`, `kill`.
        act: &'static str,
        /// Which.
        pid: u32,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody answered, or not in time, or not in the language of `/manage`.
    #[error("ask {url}")]
    Ask {
        /// What was asked.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody answered, but not the process we started.
    #[error("ask {url}: process {holder} answers there, not {expected}, which we started")]
    Impostor {
        /// What was asked.
        url: String,
        /// Who has the port.
        holder: String,
        /// Who should.
        expected: u32,
    },
    /// It cannot run on this machine.
    #[error("{reason}")]
    CannotRun {
        /// What is missing and what would be right.
        reason: String,
    },
    /// The machine does not tell what we ask of it.
    #[error("look at processes")]
    Look {
        /// Why.
        source: std::io::Error,
    },
}

// ── Versions on disk, and the state ─────────────────────────────────────────────────────────────────────────────────

/// A version that lies in the vault, complete. Its bytes were verified when they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What the publisher calls it.
    pub tag: Tag,
    /// Its bytes.
    pub sha256: Sha256,
    /// Bytes of the archive.
    pub length: u64,
    /// The archive.
    pub archive: PathBuf,
    /// What is started: the archive itself (Java), or the program that was in it (native).
    pub file: PathBuf,
    /// What it needs.
    pub needs: Needs,
    /// When it was built, as it says; seconds since 1970.
    pub built: Option<i64>,
    /// When it was signed; seconds since 1970.
    pub signed: i64,
    /// By which key.
    pub signer: String,
    /// The digest of the signature file it came with.
    pub signature: Sha256,
}

impl Stored {
    /// The version to compare by.
    pub fn version(&self) -> &Version {
        self.tag.version()
    }
}

/// Nothing in the vault falls below these but by a person's command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Floors {
    /// The newest version that was committed here.
    pub version: Option<Version>,
    /// The newest build time that was committed here; seconds since 1970.
    pub built: Option<i64>,
    /// The newest signature time that was committed here; seconds since 1970.
    pub signed: Option<i64>,
}

impl Floors {
    /// What this release alone would set them to.
    pub fn of(stored: &Stored) -> Self {
        Self { version: Some(stored.version().clone()), built: stored.built, signed: Some(stored.signed) }
    }

    /// The higher of each.
    #[must_use]
    pub fn raised_by(self, stored: &Stored) -> Self {
        let other = Self::of(stored);
        Self {
            version: self.version.max(other.version),
            built: self.built.max(other.built),
            signed: self.signed.max(other.signed),
        }
    }
}

/// A copy of the child's data, by name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackupId(pub String);

/// Bytes that a pointer or a trial names: the publisher's name for them, and the bytes themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What the publisher calls them.
    pub tag: Tag,
    /// What they are.
    pub sha256: Sha256,
}

/// A trial as it is written down before each act, so that the next supervisor knows what this one was about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its name, also in the history: `2026-11-21T05-30-00Z-4.0.8`.
    pub id: String,
    /// What is tried.
    pub to: Named,
    /// What ran before; none: nothing was installed.
    pub from: Option<Named>,
    /// Where it stands.
    pub stage: TrialStage,
    /// The copy of the child's data, once it is complete.
    pub backup: Option<BackupId>,
    /// The process on trial, once it was started.
    pub child: Option<Process>,
    /// Whether the new version was ever seen healthy: from then on its data holds messages that a copy lacks.
    pub came_up: bool,
    /// How many supervisors have died with this trial open.
    pub deaths: u32,
    /// Components that were red before the stop; they are no evidence against the new version.
    pub red_before: Vec<String>,
    /// The supervisor left on purpose while it watched: the next one goes on, and nobody died.
    pub left: bool,
}

/// Where a trial stands. Each is written before the act that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialStage {
    /// The old version is being stopped, and the data copied.
    Stopping,
    /// The new version is being started and watched.
    Trying,
    /// The old version is being brought back.
    RollingBack,
}

/// What is held against certain bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The version they call themselves.
    pub version: Version,
    /// How many supervisors died while they were on trial.
    pub deaths: u32,
    /// Why they are never tried again; none: they may be.
    pub given_up: Option<String>,
    /// The published signature they came with: another one under the same tag means other bytes.
    pub signature: Sha256,
}

/// An archive that is being fetched into a private place. It never has a launchable name.
#[derive(Debug)]
pub struct Staging {
    /// What is fetched.
    pub tag: Tag,
    /// Where it is written.
    pub file: PathBuf,
    /// How many bytes lie there.
    pub length: u64,
    /// What an earlier fetch left; `length` bytes of it are on disk.
    pub resume: Option<Resume>,
    /// Open for appending.
    pub handle: std::fs::File,
}

/// What verification learned about an archive; kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its bytes.
    pub sha256: Sha256,
    /// How many they are.
    pub length: u64,
    /// What it needs.
    pub needs: Needs,
    /// When it was built, as it says; seconds since 1970.
    pub built: Option<i64>,
    /// When it was signed; seconds since 1970.
    pub signed: i64,
    /// The whole fingerprint of the key that signed it.
    pub signer: String,
    /// The detached signature, kept with the archive.
    pub signature: Vec<u8>,
    /// The program that is to be unpacked and started; none: the archive itself is started.
    pub program: Option<String>,
}

/// What may not be thrown away. Everything else may, while nothing is going on.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Versions that are pointed at, on trial, running, or staged for the next window.
    pub versions: Vec<Sha256>,
}

/// Versions on disk, the pointer, and what is written down. Small files are synchronous and durable when the call
/// returns; what moves many bytes is `async` and does its work on another thread.
pub trait Vault {
    /// What the pointer names; none: nothing was ever committed.
    fn pointer(&self) -> Result<Option<Named>, VaultError>;
    /// Committing is pointing. Atomic and durable.
    fn point_at(&self, stored: &Stored) -> Result<(), VaultError>;
    /// The open trial, if any.
    fn trial(&self) -> Result<Option<Trial>, VaultError>;
    /// Written down before the act.
    fn write_trial(&self, trial: &Trial) -> Result<(), VaultError>;
    /// The trial is over.
    fn end_trial(&self) -> Result<(), VaultError>;
    /// What nothing may fall below.
    fn floors(&self) -> Result<Floors, VaultError>;
    /// Raised at commit; never lowered here.
    fn raise_floors(&self, stored: &Stored) -> Result<(), VaultError>;
    /// Lowered by a person's command, with a reason that goes into the history.
    fn lower_floors(&self, floors: &Floors) -> Result<(), VaultError>;
    /// What is held against these bytes; none: nothing.
    fn held_against(&self, sha256: &Sha256) -> Result<Option<Held>, VaultError>;
    /// All that is held against any bytes.
    fn all_held(&self) -> Result<Vec<(Sha256, Held)>, VaultError>;
    /// Held against them from now on.
    fn hold_against(&self, sha256: &Sha256, held: &Held) -> Result<(), VaultError>;
    /// A person cleared them, or they were committed.
    fn forgive(&self, sha256: &Sha256) -> Result<(), VaultError>;
    /// The process that we started or adopted, to find it again.
    fn remembered_child(&self) -> Result<Option<Process>, VaultError>;
    /// Remember it; none: nothing runs.
    fn remember_child(&self, process: Option<&Process>) -> Result<(), VaultError>;

    /// A private place to fetch into; what an earlier fetch of the same tag left is still there.
    fn stage(&self, tag: &Tag) -> Result<Staging, VaultError>;
    /// Throw away what an earlier fetch left and start at zero, remembering what to resume with later.
    fn start_anew(&self, staging: &mut Staging, validator: Option<&str>) -> Result<(), VaultError>;
    /// More bytes. A full disk is an error that leaves nothing half.
    fn append(&self, staging: &mut Staging, bytes: &[u8]) -> Result<(), VaultError>;
    /// All bytes are there: flush them to the disk.
    async fn finish(&self, staging: &mut Staging) -> Result<(), VaultError>;
    /// Throw it away.
    fn discard(&self, staging: Staging) -> Result<(), VaultError>;
    /// Verified bytes move in: unpack the program where there is one, write down the facts last, rename into place.
    async fn admit(&self, staging: Staging, facts: &Facts) -> Result<Stored, VaultError>;
    /// These bytes, if they lie here complete.
    fn stored(&self, sha256: &Sha256) -> Result<Option<Stored>, VaultError>;
    /// Everything that lies here complete, newest version first.
    fn all_stored(&self) -> Result<Vec<Stored>, VaultError>;
    /// Hash it again, all of it, before it is started; another digest is an error. What was hashed in full within the
    /// last minutes, and is provably untouched since, is not read a second time.
    async fn hash_again(&self, stored: &Stored) -> Result<(), VaultError>;
    /// The last look before a start, after [`Vault::hash_again`]: it is still the file that was hashed. Where the system
    /// cannot tell, it is taken to be.
    async fn untouched(&self, _stored: &Stored) -> Result<(), VaultError> {
        Ok(())
    }

    /// How many bytes a copy of the child's data would take.
    async fn data_size(&self) -> Result<u64, VaultError>;
    /// Whether putting this copy back was begun: from then on some of the data may be the copy's and some not yet, and
    /// the only way is on.
    fn putting_back_has_begun(&self, id: &BackupId) -> Result<bool, VaultError>;
    /// Copy the child's data while nothing runs; verified, complete when the call returns.
    async fn back_up(&self, id: &BackupId) -> Result<(), VaultError>;
    /// Put a copy back; what lay there is set aside beside the copy, not deleted.
    async fn put_back(&self, id: &BackupId) -> Result<(), VaultError>;
    /// Bytes free on the volume.
    fn free_bytes(&self) -> Result<u64, VaultError>;
    /// Throw away what nobody needs: old versions, old copies, unfinished files. Only while idle.
    async fn tidy(&self, keep: &Keep) -> Result<(), VaultError>;

    /// The `.blocklisted` markers that KOSMOS left and that still hold at `now`; without a time: until they are removed.
    fn blocklisted(&self, now: jiff::Timestamp) -> Result<Vec<(Tag, Option<jiff::Timestamp>)>, VaultError>;
    /// The jars in the home folder that KOSMOS or a person put there, the one to start first: what the newest
    /// `.allowlisted` marker names, then the newest.
    fn jars_in_home(&self) -> Result<Vec<(Tag, PathBuf)>, VaultError>;
    /// Keep KOSMOS' own files true, so that a site can go back to it: markers and the jar in the home folder.
    async fn mirror_for_kosmos(&self, mirror: &Mirror) -> Result<(), VaultError>;
}

/// What KOSMOS would have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// This version runs well: `.allowlisted`, and its jar in the home folder.
    Allowlisted(Stored),
    /// This version failed: `.blocklisted`.
    Blocklisted(Tag),
}

/// Why the vault could not do it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A file or folder could not be read or written.
    #[error("{act} {}", path.display())]
    Disk {
        /// `read`, `write`, `remove`, `rename`, `copy`.
        act: &'static str,
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A state file is there but makes no sense, and neither does its second copy.
    #[error("read {}: {reason}", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The bytes are not the bytes that were verified.
    #[error("hash {}: it is {found}, not {expected}, which was verified", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// What was verified.
        expected: Sha256,
        /// What lies there.
        found: Sha256,
    },
    /// There is not enough room.
    #[error("{what} needs {needed} bytes and {} has {free}", path.display())]
    NoRoom {
        /// What for.
        what: String,
        /// How much.
        needed: u64,
        /// How much there is.
        free: u64,
        /// On which volume.
        path: PathBuf,
    },
    /// Somebody else has the home folder.
    #[error("lock {}: held by process {holder}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who.
        holder: String,
    },
    /// The archive could not be unpacked.
    #[error("unpack {}: {reason}", path.display())]
    Unpack {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Notices: rows in an outbox, sent by someone else. Never fails into the process.
pub trait Notice {
    /// Tell people and the history what happened.
    fn tell(&self, event: Event);
}

/// Something that happened and that a person or the history wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub what: Happening,
    /// In words: the reason, one line.
    pub reason: Option<String>,
    /// The child's start-up log, for mail; masked already.
    pub log: Option<String>,
    /// The attempt that it belongs to; none: it belongs to none.
    pub attempt: Option<Attempt>,
}

impl Event {
    /// What happened, without anything beside it.
    pub fn of(what: Happening) -> Self {
        Self { what, reason: None, log: None, attempt: None }
    }
}

/// An attempt as the history knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The name of its trial.
    pub id: String,
    /// The steps that it has been through, in order, and how long each took.
    pub steps: Vec<(&'static str, Duration)>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A release was found that is newer than what runs.
    Available { version: Version },
    /// A release was fetched and verified.
    Staged { version: Version, signer: String },
    /// A release was refused by verification or policy.
    Refused { version: Version },
    /// An upgrade was committed. Without a downtime: the supervisor that would know it died right after the commit.
    Upgraded { archive: String, from: Option<Version>, to: Version, downtime: Option<Duration> },
    /// An upgrade failed; what follows is told by itself.
    UpgradeFailed { archive: String, from: Option<Version>, to: Version },
    /// The old version runs again.
    RolledBack { archive: String, to: Version },
    /// The old version could not be brought up.
    RollBackFailed { archive: String, to: Version },
    /// The child ended by itself and was started again.
    Restarted { version: Version },
    /// The child ends again and again; told once.
    CrashLoop { version: Version },
    /// It runs steadily again after a crash loop.
    Steady { version: Version },
    /// What was here before us was verified and taken over; the process, where it ran.
    Adopted { version: String, pid: Option<u32> },
    /// A signing key nears its end, or has passed it.
    KeyExpires { fingerprint: String, days: i64 },
    /// No look has succeeded for so many days.
    Stale { days: i64 },
    /// A person changed what may run: hold, downgrade, cleared quarantine.
    PersonDecided,
    /// Something that a person must see and that fits nowhere else.
    Warning,
}

/// The home folder of the state: `<home>/kosmos`.
pub fn state_folder(home: &Path) -> PathBuf {
    home.join("kosmos")
}
