//! The four doors of the machine in memory. Each call passes through [`Machine::through`].

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use efm::manage::{Component, Health, Status};
use jiff::Timestamp;
use kosmos::ports::*;
use kosmos::release::{Checksum, Release, Sha256, Tag, Version, digest};
use tokio::time::{Instant, sleep_until};

use crate::machine::{Behaviour, Machine, lifetime};

pub struct InMemory;

impl Doors for InMemory {
    type Source = Shelf;
    type Child = Children;
    type Vault = Shed;
    type Notice = Told;
}

fn no() -> io::Error {
    io::Error::other("the door says no")
}

// ── releases ──

#[derive(Clone)]
pub struct Published {
    pub tag: Tag,
    pub archive: Vec<u8>,
    pub signature: Vec<u8>,
}

pub struct Shelf {
    pub machine: Rc<Machine>,
    pub offers: Vec<Published>,
}

impl Shelf {
    fn no() -> SourceError {
        SourceError::Unreachable { what: "shelf".into(), retry_after: None, source: Box::new(no()) }
    }

    fn of(&self, release: &Release) -> Result<&Published, SourceError> {
        self.offers
            .iter()
            .find(|offer| offer.tag == release.tag)
            .ok_or_else(|| SourceError::NotPublished { what: release.tag.to_string() })
    }
}

impl ReleaseSource for Shelf {
    async fn find(&self) -> Result<Release, SourceError> {
        let newest = self.offers.last().map(|offer| Release { tag: offer.tag.clone() });
        self.machine.through("find", || newest.ok_or_else(Self::no), Self::no)
    }

    async fn named(&self, version: &Version) -> Result<Release, SourceError> {
        Ok(Release { tag: version.clone().into() })
    }

    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError> {
        let signature = self.of(release).map(|offer| offer.signature.clone());
        self.machine.through("signature", || signature, Self::no)
    }

    async fn checksums(&self, _: &Release) -> Result<Vec<Checksum>, SourceError> {
        self.machine.through("checksums", || Ok(Vec::new()), Self::no)
    }

    async fn open(&self, release: &Release, _: Option<&Resume>) -> Result<Opened, SourceError> {
        let archive = self.of(release)?.archive.clone();
        let length = u64::try_from(archive.len()).ok();
        let chunks: VecDeque<_> = archive.chunks(512).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let opened = Opened { starts_at: 0, length, validator: None, body: Body::Memory(chunks) };
        self.machine.through("open", || Ok(opened), Self::no)
    }
}

// ── the integration point ──

pub struct Children {
    pub machine: Rc<Machine>,
}

impl Children {
    fn no() -> ChildError {
        ChildError::Look { source: no() }
    }

    fn examination(&self, process: &Process) -> Result<Examination, ChildError> {
        self.machine.sweep();
        let silent = || ChildError::Ask { url: "http://127.0.0.1/manage/info".into(), source: Box::new(no()) };
        let processes = self.machine.processes.borrow();
        let running = processes.iter().find(|running| running.process.is(process)).ok_or_else(silent)?;
        let is_up = running.started.elapsed() >= Duration::from_secs(5);
        let (answers, database) = match running.behaviour {
            Behaviour::Good | Behaviour::DiesInProbation => (is_up, Status::Up),
            Behaviour::Red => (is_up, Status::Down),
            Behaviour::NeverUp | Behaviour::Crashes => (false, Status::Down),
        };
        if !answers {
            return Err(silent());
        }
        let components = [("db".to_owned(), Component { status: database })].into();
        let health = Health { status: database, components };
        Ok(Examination { version: Some(running.version.to_string()), health })
    }
}

impl Child for Children {
    async fn find(&self, _: Option<&Process>) -> Result<Option<Process>, ChildError> {
        self.machine.sweep();
        let first = self.machine.processes.borrow().first().map(|running| running.process.clone());
        self.machine.through("find child", || Ok(first), Self::no)
    }

    async fn spawn(&self, program: &Launch) -> Result<Process, ChildError> {
        let start = || Ok(self.machine.start(&program.version, &program.file));
        self.machine.through("spawn", start, || ChildError::Start { what: "child".into(), source: no() })
    }

    async fn ended(&self, process: &Process) -> Exit {
        let found = {
            let processes = self.machine.processes.borrow();
            processes
                .iter()
                .find(|running| running.process.is(process))
                .map(|running| (running.ended.clone(), running.started, running.behaviour))
        };
        let Some((ended, started, behaviour)) = found else { return Exit::Gone };
        let dies_at =
            lifetime(behaviour).map_or_else(|| Instant::now() + Duration::from_hours(10_000), |l| started + l);
        tokio::select! {
            () = ended.notified() => {}
            () = sleep_until(dies_at) => self.machine.sweep(),
        }
        Exit::Code(1)
    }

    fn boot(&self) -> String {
        self.machine.boot.borrow().to_string()
    }

    fn lives(&self, process: &Process) -> bool {
        self.machine.lives(process)
    }

    async fn ask_to_stop(&self, process: &Process) -> Result<(), ChildError> {
        let end = || {
            self.machine.end(process);
            Ok(())
        };
        self.machine.through("ask to stop", end, Self::no)
    }

    async fn terminate(&self, process: &Process) -> Result<(), ChildError> {
        let end = || {
            self.machine.end(process);
            Ok(())
        };
        self.machine.through("terminate", end, Self::no)
    }

    async fn kill(&self, process: &Process) -> Result<(), ChildError> {
        self.machine.end(process);
        Ok(())
    }

    async fn examine(&self, process: &Process) -> Result<Examination, ChildError> {
        self.machine.through("examine", || self.examination(process), Self::no)
    }

    async fn port_holder(&self) -> Result<Option<String>, ChildError> {
        let holder = self.machine.alive().first().cloned();
        self.machine.through("port holder", || Ok(holder), Self::no)
    }

    fn signs_of_progress(&self) -> u64 {
        0
    }

    fn start_up_log(&self, _: &Process) -> String {
        String::new()
    }

    async fn turn_logs_over(&self) -> io::Result<()> {
        Ok(())
    }

    async fn can_run(&self, _: &Needs) -> Result<(), ChildError> {
        self.machine.through("can run", || Ok(()), Self::no)
    }
}

// ── versions and state ──

pub struct Shed {
    pub machine: Rc<Machine>,
    pub scratch: PathBuf,
}

impl Shed {
    fn no() -> VaultError {
        VaultError::Disk { act: "write", path: "state".into(), source: no() }
    }

    fn file_of(tag: &Tag) -> PathBuf {
        PathBuf::from(format!("/vault/integrasjonspunkt-{tag}.jar"))
    }

    fn write<T>(&self, door: &'static str, act: impl FnOnce() -> T) -> Result<T, VaultError> {
        self.machine.through(door, || Ok(act()), Self::no)
    }
}

impl Vault for Shed {
    fn pointer(&self) -> Result<Option<Named>, VaultError> {
        let pointer = self.machine.disk.borrow().pointer.clone();
        Ok(pointer)
    }

    fn point_at(&self, stored: &Stored) -> Result<(), VaultError> {
        let named = Named { tag: stored.tag.clone(), sha256: stored.sha256 };
        self.write("point at", || self.machine.disk.borrow_mut().pointer = Some(named))
    }

    fn trial(&self) -> Result<Option<Trial>, VaultError> {
        let trial = self.machine.disk.borrow().trial.clone();
        Ok(trial)
    }

    fn write_trial(&self, trial: &Trial) -> Result<(), VaultError> {
        self.write("write trial", || self.machine.disk.borrow_mut().trial = Some(trial.clone()))
    }

    fn end_trial(&self) -> Result<(), VaultError> {
        self.write("end trial", || self.machine.disk.borrow_mut().trial = None)
    }

    fn floors(&self) -> Result<Floors, VaultError> {
        let floors = self.machine.disk.borrow().floors.clone();
        Ok(floors)
    }

    fn raise_floors(&self, stored: &Stored) -> Result<(), VaultError> {
        self.write("raise floors", || {
            let mut disk = self.machine.disk.borrow_mut();
            disk.floors = disk.floors.clone().raised_by(stored);
        })
    }

    fn lower_floors(&self, floors: &Floors) -> Result<(), VaultError> {
        self.write("lower floors", || self.machine.disk.borrow_mut().floors = floors.clone())
    }

    fn held_against(&self, sha256: &Sha256) -> Result<Option<Held>, VaultError> {
        let held = self.machine.disk.borrow().held.get(sha256).cloned();
        Ok(held)
    }

    fn all_held(&self) -> Result<Vec<(Sha256, Held)>, VaultError> {
        let held = self.machine.disk.borrow().held.iter().map(|(bytes, held)| (*bytes, held.clone())).collect();
        Ok(held)
    }

    fn hold_against(&self, sha256: &Sha256, held: &Held) -> Result<(), VaultError> {
        self.write("hold against", || self.machine.disk.borrow_mut().held.insert(*sha256, held.clone())).map(|_| ())
    }

    fn forgive(&self, sha256: &Sha256) -> Result<(), VaultError> {
        self.write("forgive", || self.machine.disk.borrow_mut().held.remove(sha256)).map(|_| ())
    }

    fn remembered_child(&self) -> Result<Option<Process>, VaultError> {
        let child = self.machine.disk.borrow().child.clone();
        Ok(child)
    }

    fn remember_child(&self, process: Option<&Process>) -> Result<(), VaultError> {
        self.write("remember child", || self.machine.disk.borrow_mut().child = process.cloned())
    }

    fn stage(&self, tag: &Tag) -> Result<Staging, VaultError> {
        let file = self.scratch.join(tag.as_str());
        let handle = std::fs::File::create(&file).map_err(|source| VaultError::Disk {
            act: "write",
            path: file.clone(),
            source,
        })?;
        self.write("stage", || Staging { tag: tag.clone(), file, length: 0, resume: None, handle })
    }

    fn start_anew(&self, staging: &mut Staging, _: Option<&str>) -> Result<(), VaultError> {
        self.write("start anew", || staging.length = 0)
    }

    fn append(&self, staging: &mut Staging, bytes: &[u8]) -> Result<(), VaultError> {
        use std::io::Write;
        self.write("append", || {
            staging.handle.write_all(bytes).unwrap();
            staging.length += u64::try_from(bytes.len()).unwrap();
        })
    }

    async fn finish(&self, _: &mut Staging) -> Result<(), VaultError> {
        self.write("finish", || ())
    }

    fn discard(&self, _: Staging) -> Result<(), VaultError> {
        self.write("discard", || ())
    }

    async fn admit(&self, staging: Staging, facts: &Facts) -> Result<Stored, VaultError> {
        self.write("admit", || {
            let file = Self::file_of(&staging.tag);
            let stored = Stored {
                tag: staging.tag,
                sha256: facts.sha256,
                length: facts.length,
                archive: file.clone(),
                file,
                needs: facts.needs.clone(),
                built: facts.built,
                signed: facts.signed,
                signer: facts.signer.clone(),
                signature: digest::sha256(&facts.signature),
            };
            self.machine.disk.borrow_mut().stored.insert(stored.sha256, stored.clone());
            stored
        })
    }

    fn stored(&self, sha256: &Sha256) -> Result<Option<Stored>, VaultError> {
        let stored = self.machine.disk.borrow().stored.get(sha256).cloned();
        Ok(stored)
    }

    fn all_stored(&self) -> Result<Vec<Stored>, VaultError> {
        let mut all: Vec<Stored> = self.machine.disk.borrow().stored.values().cloned().collect();
        all.sort_by(|one, other| other.version().cmp(one.version()));
        Ok(all)
    }

    async fn hash_again(&self, _: &Stored) -> Result<(), VaultError> {
        self.write("hash again", || ())
    }

    async fn data_size(&self) -> Result<u64, VaultError> {
        Ok(0)
    }

    async fn back_up(&self, id: &BackupId) -> Result<(), VaultError> {
        self.write("back up", || self.machine.back_up(id))
    }

    fn putting_back_has_begun(&self, id: &BackupId) -> Result<bool, VaultError> {
        Ok(self.machine.disk.borrow().put_back.contains_key(&id.0))
    }

    async fn put_back(&self, id: &BackupId) -> Result<(), VaultError> {
        if self.machine.disk.borrow().put_back.get(&id.0) == Some(&true) {
            return Ok(());
        }
        self.write("begin to put back", || self.machine.begin_to_put_back(id))?;
        let ended =
            self.machine.through("put back", || self.machine.put_back(id).then_some(()).ok_or_else(Self::no), Self::no);
        if ended.is_err() {
            // What fails half-way is undone.
            self.machine.disk.borrow_mut().put_back.remove(&id.0);
        }
        ended
    }

    fn free_bytes(&self) -> Result<u64, VaultError> {
        Ok(u64::MAX)
    }

    async fn tidy(&self, _: &Keep) -> Result<(), VaultError> {
        self.write("tidy", || ())
    }

    fn blocklisted(&self, _: Timestamp) -> Result<Vec<(Tag, Option<Timestamp>)>, VaultError> {
        Ok(Vec::new())
    }

    fn jars_in_home(&self) -> Result<Vec<(Tag, PathBuf)>, VaultError> {
        Ok(self.machine.disk.borrow().jars.clone())
    }

    async fn mirror_for_kosmos(&self, _: &Mirror) -> Result<(), VaultError> {
        self.write("mirror", || ())
    }
}

// ── notices ──

pub struct Told {
    pub machine: Rc<Machine>,
}

impl Notice for Told {
    fn tell(&self, event: Event) {
        self.machine.told.borrow_mut().push(event);
    }
}
