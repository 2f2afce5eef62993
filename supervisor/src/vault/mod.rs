//! What lies on the disk: versions, the pointer, what is written down, copies of the child's data.
//!
//! Start at [`Folder`], the real [`Vault`]. [`lock`] comes first: one supervisor a home folder. [`kosmos_home::read`]
//! tells what KOSMOS left. Everything lies below the home folder:
//!
//! ```text
//! <home>/
//!   integrasjonspunkt-v4.0.8.jar  .allowlisted  .blocklisted    what KOSMOS would have left (mirror)
//!   kosmos/
//!     lock  lock.holder               whose the folder is
//!     current.json                    the pointer: what runs here, and what ran before it
//!     trial.json  floors.json  held.json  child.json  mirror.json
//!     *.second.json                   the second copy of each of these
//!     hold.json  waiting.json  last-look.json  settings.json    `duty`'s and `cli`'s
//!     told.json  history.jsonl  outbox/                         `notice`'s
//!     *.json.corrupt-<time>           neither copy made sense; for a person to look at
//!     staging/<tag>/                  what is being fetched; private; never a name that could be started
//!       archive.part  resume.json
//!     versions/<version>-<first 12 digits of its sha-256>/
//!       integrasjonspunkt-<tag>.jar   the archive, as verified
//!       program                       what was unpacked from it, where it is not started itself
//!       signature.asc
//!       release.json                  the facts; written last. Second copy beside it
//!     backup/<id>/                    the child's data before an upgrade; private
//!       copy-<n>/…                    the copy
//!       manifest.json                 what is in it; written last: no manifest, no copy
//!       put-back.json                 how far putting it back has come
//!       ready/…                       what is about to be put in its place
//!       set-aside-<n>/…               what lay in its place; never removed before the copy itself is
//! ```
//!
//! A name that ends in `.unfinished` is nobody's and is swept. Files that are not in this picture are left alone. The
//! vault never removes anything that the pointer or the trial names, never starts anything, never asks the network.

mod backup;
mod disk;
mod document;
mod hashing;
pub mod kosmos_home;
mod lately;
mod lock;
mod mirror;
mod power;
mod put_back;
mod staging;
mod state;
mod system;
#[cfg(test)]
mod tests;
mod tidy;
mod tree;
mod versions;

use efm::clock::Clock;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use lock::{HomeLock, holder, lock};

use crate::config::settings::{self, Kind, Settings, Source};
use crate::ports::{
    BackupId, Facts, Floors, Held, Keep, Mirror, Named, Process, Staging, Stored, Trial, Vault, VaultError,
    state_folder,
};
use crate::release::{Sha256, Tag};
use disk::{Disk, refused};

/// Unpacks one entry of an archive to a path, at most so many bytes, and says what the bytes are.
pub type Unpack = fn(&mut File, &str, &Path, u64) -> Result<Sha256, Box<dyn std::error::Error + Send + Sync + 'static>>;

/// What the vault needs of the settings.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The home folder. Absolute.
    pub home: PathBuf,
    /// A jar, or an archive with a program in it.
    pub kind: Kind,
    /// `integrasjonspunkt`, the start of the archive's file name.
    pub artifact: String,
    /// What is copied before an upgrade.
    pub backup: settings::Backup,
    /// Whether KOSMOS' block markers are written.
    pub blocklist: settings::Blocklist,
    /// The zone of the times in KOSMOS' markers.
    pub timezone: jiff::tz::TimeZone,
}

impl Plan {
    /// Enough to look at what is written down.
    fn bare(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            kind: Kind::Java,
            artifact: String::new(),
            backup: settings::Backup { paths: Vec::new(), keep: 0 },
            blocklist: settings::Blocklist { enabled: false, duration: std::time::Duration::ZERO },
            timezone: jiff::tz::TimeZone::UTC,
        }
    }

    /// As set.
    pub fn of(settings: &Settings) -> Self {
        let (Source::Digdir { artifact, .. } | Source::Maven { artifact, .. } | Source::Directory { artifact, .. }) =
            &settings.release.source;
        Self {
            home: settings.home.clone(),
            kind: settings.child.kind,
            artifact: artifact.clone(),
            backup: settings.backup.clone(),
            blocklist: settings.blocklist,
            timezone: settings.schedule.timezone.clone(),
        }
    }
}

/// The vault in the home folder.
///
/// What moves many bytes works on a thread of its own, one at a time; what only reads them does not wait for it. A
/// future that is dropped does not stop it: the work goes on to its end, and the next waits for it.
#[derive(Debug)]
pub struct Folder {
    core: Arc<Core>,
}

/// What every part of the vault works with.
#[derive(Debug)]
struct Core {
    plan: Plan,
    state: PathBuf,
    disk: Disk,
    clock: Clock,
    unpack: Unpack,
    /// None: we only look; nothing is changed, not even mended.
    lock: Option<HomeLock>,
    busy: Mutex<()>,
    lately: lately::Lately,
}

impl Folder {
    /// The vault, to work with.
    pub fn new(plan: Plan, clock: Clock, unpack: Unpack, lock: HomeLock) -> Self {
        Self::build(plan, clock, unpack, Some(lock), Disk::default())
    }

    /// The vault, to look into while perhaps another process works with it. Everything that would change it is an
    /// error.
    pub fn to_look_into(plan: Plan, clock: Clock, unpack: Unpack) -> Self {
        Self::build(plan, clock, unpack, None, Disk::default())
    }

    /// What is held against any bytes in a home folder, whatever its settings say. Nothing is changed.
    pub fn held_in(home: &Path) -> Result<Vec<(Sha256, Held)>, VaultError> {
        let nothing: Unpack = |_, _, _, _| Err("nothing is unpacked here".into());
        Self::to_look_into(Plan::bare(home), Clock::machine(), nothing).all_held()
    }

    fn build(plan: Plan, clock: Clock, unpack: Unpack, lock: Option<HomeLock>, disk: Disk) -> Self {
        let state = state_folder(&plan.home);
        Self {
            core: Arc::new(Core {
                plan,
                state,
                disk,
                clock,
                unpack,
                lock,
                busy: Mutex::new(()),
                lately: lately::Lately::default(),
            }),
        }
    }

    fn ours(&self) -> Result<&Core, VaultError> {
        if self.core.lock.is_none() {
            let reason = "the home folder is not locked by this process";
            return Err(refused("change", &self.core.state, io::ErrorKind::PermissionDenied, reason));
        }
        Ok(&self.core)
    }

    /// Changes something on another thread, after whatever is being changed there.
    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Core) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.away_reading(move |core| {
            let _one_at_a_time = core.busy.lock().unwrap_or_else(PoisonError::into_inner);
            work(core)
        })
        .await
    }

    /// Reads on another thread.
    async fn away_reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Core) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let core = Arc::clone(&self.core);
        // What it has to say belongs where the one who asked for it speaks.
        let span = tracing::Span::current();
        let worked = tokio::task::spawn_blocking(move || span.in_scope(|| work(&core))).await;
        worked.unwrap_or_else(|error| Err(disk::failed("work in", &self.core.state)(io::Error::other(error))))
    }
}

impl Core {
    fn versions(&self) -> PathBuf {
        self.state.join("versions")
    }

    fn staging(&self) -> PathBuf {
        self.state.join("staging")
    }

    fn backups(&self) -> PathBuf {
        self.state.join("backup")
    }
}

impl Vault for Folder {
    fn pointer(&self) -> Result<Option<Named>, VaultError> {
        state::pointer(&self.core)
    }

    fn point_at(&self, stored: &Stored) -> Result<(), VaultError> {
        state::point_at(self.ours()?, stored)
    }

    fn trial(&self) -> Result<Option<Trial>, VaultError> {
        state::trial(&self.core)
    }

    fn write_trial(&self, trial: &Trial) -> Result<(), VaultError> {
        state::write_trial(self.ours()?, trial)
    }

    fn end_trial(&self) -> Result<(), VaultError> {
        state::end_trial(self.ours()?)
    }

    fn floors(&self) -> Result<Floors, VaultError> {
        state::floors(&self.core)
    }

    fn raise_floors(&self, stored: &Stored) -> Result<(), VaultError> {
        state::raise_floors(self.ours()?, stored)
    }

    fn lower_floors(&self, floors: &Floors) -> Result<(), VaultError> {
        state::write_floors(self.ours()?, floors)
    }

    fn held_against(&self, sha256: &Sha256) -> Result<Option<Held>, VaultError> {
        state::held_against(&self.core, sha256)
    }

    fn all_held(&self) -> Result<Vec<(Sha256, Held)>, VaultError> {
        state::all_held(&self.core)
    }

    fn hold_against(&self, sha256: &Sha256, held: &Held) -> Result<(), VaultError> {
        state::hold_against(self.ours()?, sha256, held)
    }

    fn forgive(&self, sha256: &Sha256) -> Result<(), VaultError> {
        state::forgive(self.ours()?, sha256)
    }

    fn remembered_child(&self) -> Result<Option<Process>, VaultError> {
        state::remembered_child(&self.core)
    }

    fn remember_child(&self, process: Option<&Process>) -> Result<(), VaultError> {
        state::remember_child(self.ours()?, process)
    }

    fn stage(&self, tag: &Tag) -> Result<Staging, VaultError> {
        staging::stage(self.ours()?, tag)
    }

    fn start_anew(&self, staging: &mut Staging, validator: Option<&str>) -> Result<(), VaultError> {
        staging::start_anew(self.ours()?, staging, validator)
    }

    fn append(&self, staging: &mut Staging, bytes: &[u8]) -> Result<(), VaultError> {
        staging::append(self.ours()?, staging, bytes)
    }

    async fn finish(&self, staging: &mut Staging) -> Result<(), VaultError> {
        self.ours()?;
        let part = staging::Part::of(staging)?;
        self.away(move |core| staging::finish(core, &part)).await
    }

    fn discard(&self, staging: Staging) -> Result<(), VaultError> {
        staging::discard(self.ours()?, staging)
    }

    async fn admit(&self, staging: Staging, facts: &Facts) -> Result<Stored, VaultError> {
        self.ours()?;
        let facts = facts.clone();
        self.away(move |core| versions::admit(core, staging, &facts)).await
    }

    fn stored(&self, sha256: &Sha256) -> Result<Option<Stored>, VaultError> {
        versions::stored(&self.core, sha256)
    }

    fn all_stored(&self) -> Result<Vec<Stored>, VaultError> {
        versions::all_stored(&self.core)
    }

    async fn hash_again(&self, stored: &Stored) -> Result<(), VaultError> {
        let stored = stored.clone();
        self.away_reading(move |core| versions::hash_again(core, &stored)).await
    }

    async fn untouched(&self, stored: &Stored) -> Result<(), VaultError> {
        let stored = stored.clone();
        self.away_reading(move |core| versions::untouched(core, &stored)).await
    }

    async fn data_size(&self) -> Result<u64, VaultError> {
        self.away_reading(backup::data_size).await
    }

    async fn back_up(&self, id: &BackupId) -> Result<(), VaultError> {
        self.ours()?;
        let id = id.clone();
        self.away(move |core| backup::back_up(core, &id)).await
    }

    fn putting_back_has_begun(&self, id: &BackupId) -> Result<bool, VaultError> {
        put_back::has_begun(&self.core, id)
    }

    async fn put_back(&self, id: &BackupId) -> Result<(), VaultError> {
        self.ours()?;
        let id = id.clone();
        self.away(move |core| put_back::put_back(core, &id)).await
    }

    fn free_bytes(&self) -> Result<u64, VaultError> {
        disk::free_on_volume_of(&self.core.state)
    }

    async fn tidy(&self, keep: &Keep) -> Result<(), VaultError> {
        self.ours()?;
        let keep = keep.clone();
        self.away(move |core| tidy::tidy(core, &keep)).await
    }

    fn blocklisted(&self, now: jiff::Timestamp) -> Result<Vec<(Tag, Option<jiff::Timestamp>)>, VaultError> {
        let plan = &self.core.plan;
        if !plan.blocklist.enabled {
            // As KOSMOS: markers that were left from a time when it was on hold nothing back.
            return Ok(Vec::new());
        }
        let found = kosmos_home::read(&plan.home, &now.to_zoned(plan.timezone.clone()));
        Ok(found.blocklisted.into_iter().map(|marker| (marker.tag, marker.until)).collect())
    }

    fn jars_in_home(&self) -> Result<Vec<(Tag, PathBuf)>, VaultError> {
        let plan = &self.core.plan;
        let found = kosmos_home::read(&plan.home, &self.core.clock.now().to_zoned(plan.timezone.clone()));
        for warning in &found.warnings {
            tracing::warn!(%warning, "what KOSMOS left");
        }
        let first = found.current().cloned();
        let others = found.jars.iter().filter(|jar| first.as_ref() != Some(jar)).cloned();
        Ok(first.iter().cloned().chain(others).collect())
    }

    async fn mirror_for_kosmos(&self, mirror: &Mirror) -> Result<(), VaultError> {
        self.ours()?;
        let mirror = mirror.clone();
        self.away(move |core| mirror::mirror(core, &mirror)).await
    }
}
