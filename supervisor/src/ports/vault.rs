//! Versions on disk, and the state.

use std::path::PathBuf;

use super::{Needs, Process, Resume};
use crate::release::{Sha256, Tag, Version};

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
