//! A machine in memory: its processes, its disk, and a fault that strikes at the n-th door that is passed.
//!
//! It outlives the supervisors that run on it, as a real one does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use kosmos::ports::{BackupId, Event, Floors, Held, Named, Process, Stored, Trial};
use kosmos::release::{Sha256, Tag, Version};
use tokio::sync::Notify;
use tokio::time::Instant;

/// What happens at the n-th door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The door says no.
    Fails,
    /// The supervisor is gone before the act.
    DiesBefore,
    /// The supervisor is gone after the act, before it hears of it.
    DiesAfter,
}

/// How a version behaves once it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Up after five seconds, and then for good.
    Good,
    /// Never answers.
    NeverUp,
    /// Ends after two seconds.
    Crashes,
    /// Up, and ends in its probation.
    DiesInProbation,
    /// Up, but its database is down.
    Red,
}

/// Thrown through the supervisor when it dies.
pub struct Died;

pub struct Running {
    pub process: Process,
    pub version: Version,
    pub started: Instant,
    pub behaviour: Behaviour,
    pub ended: Rc<Notify>,
}

/// The disk: what the vault holds.
#[derive(Default)]
pub struct Disk {
    pub pointer: Option<Named>,
    pub trial: Option<Trial>,
    pub floors: Floors,
    pub held: BTreeMap<Sha256, Held>,
    pub child: Option<Process>,
    pub stored: BTreeMap<Sha256, Stored>,
    pub backups: BTreeMap<String, String>,
    /// Which copies were put back: `false` is half-way.
    pub put_back: BTreeMap<String, bool>,
    /// The child's own data: who has written to it.
    pub data: String,
    /// What lay there when a copy was put back.
    pub set_aside: Vec<String>,
    /// Jars that KOSMOS or a person left in the home folder.
    pub jars: Vec<(Tag, PathBuf)>,
}

pub struct Machine {
    pub disk: RefCell<Disk>,
    pub processes: RefCell<Vec<Running>>,
    pub behaviours: BTreeMap<String, Behaviour>,
    /// It migrates its data, and no other version can live with that.
    pub one_way: RefCell<Option<&'static str>>,
    pub boot: RefCell<u32>,
    pub next_pid: RefCell<u32>,
    pub told: RefCell<Vec<Event>>,
    pub violations: RefCell<Vec<String>>,
    pub passed: RefCell<Vec<&'static str>>,
    pub fault: RefCell<Option<(usize, Fault)>>,
    /// A door that says no each time.
    pub shut: RefCell<Option<&'static str>>,
    pub struck: RefCell<Option<&'static str>>,
}

impl Machine {
    pub fn new(behaviours: &[(&str, Behaviour)]) -> Rc<Self> {
        Rc::new(Self {
            disk: RefCell::default(),
            processes: RefCell::default(),
            behaviours: behaviours.iter().map(|(version, is)| ((*version).to_owned(), *is)).collect(),
            one_way: RefCell::default(),
            boot: RefCell::new(1),
            next_pid: RefCell::new(100),
            told: RefCell::default(),
            violations: RefCell::default(),
            passed: RefCell::default(),
            fault: RefCell::default(),
            shut: RefCell::default(),
            struck: RefCell::default(),
        })
    }

    /// A door is passed: the fault may strike before the act, instead of it, or after it.
    pub fn through<T, E>(
        &self,
        door: &'static str,
        act: impl FnOnce() -> Result<T, E>,
        no: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let number = self.passed.borrow().len();
        self.passed.borrow_mut().push(door);
        let fault = self.fault.borrow().filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        if fault.is_some() {
            *self.struck.borrow_mut() = Some(door);
        }
        match fault {
            None if *self.shut.borrow() == Some(door) => Err(no()),
            None => act(),
            Some(Fault::Fails) => Err(no()),
            Some(Fault::DiesBefore) => std::panic::resume_unwind(Box::new(Died)),
            Some(Fault::DiesAfter) => {
                let _ = act();
                std::panic::resume_unwind(Box::new(Died))
            }
        }
    }

    pub fn start(&self, version: &Version, file: &std::path::Path) -> Process {
        if !self.disk.borrow().stored.values().any(|stored| stored.file == file) {
            self.violations.borrow_mut().push(format!("{} was started and was never verified", file.display()));
        }
        self.start_by_hand(version, file)
    }

    /// As a person does, or KOSMOS: nothing was verified.
    pub fn start_by_hand(&self, version: &Version, file: &std::path::Path) -> Process {
        let alive: Vec<String> = self.alive();
        if !alive.is_empty() {
            self.violations.borrow_mut().push(format!("{version} was started beside {}", alive.join(", ")));
        }
        if self.disk.borrow().put_back.values().any(|whole| !whole) {
            self.violations.borrow_mut().push(format!("{version} was started on data that is half put back"));
        }
        let pid = *self.next_pid.borrow();
        *self.next_pid.borrow_mut() += 1;
        let process = Process {
            pid,
            started: u64::from(pid),
            boot: self.boot.borrow().to_string(),
            archive: Some(file.to_owned()),
        };
        let behaviour = self.behaviour_of(&version.to_string());
        let running = Running {
            process: process.clone(),
            version: version.clone(),
            started: Instant::now(),
            behaviour,
            ended: Rc::new(Notify::new()),
        };
        self.processes.borrow_mut().push(running);
        let _ = write!(self.disk.borrow_mut().data, "[{version}]");
        process
    }

    fn behaviour_of(&self, version: &str) -> Behaviour {
        let migrated_by = self.one_way.borrow().filter(|other| *other != version);
        let is_lost = migrated_by.is_some_and(|other| self.disk.borrow().data.contains(&format!("[{other}]")));
        if is_lost { Behaviour::Crashes } else { self.behaviours[version] }
    }

    pub fn alive(&self) -> Vec<String> {
        self.sweep();
        self.processes.borrow().iter().map(|running| running.version.to_string()).collect()
    }

    /// Those whose time has come are gone.
    pub fn sweep(&self) {
        self.processes.borrow_mut().retain(|running| {
            let lives = lifetime(running.behaviour).is_none_or(|limit| running.started.elapsed() < limit);
            if !lives {
                running.ended.notify_waiters();
            }
            lives
        });
    }

    pub fn lives(&self, process: &Process) -> bool {
        self.sweep();
        self.processes.borrow().iter().any(|running| running.process.is(process))
    }

    pub fn end(&self, process: &Process) {
        self.processes.borrow_mut().retain(|running| {
            if running.process.is(process) {
                running.ended.notify_waiters();
            }
            !running.process.is(process)
        });
    }

    /// The power goes: every process is gone, and the machine has another boot id when it is back.
    pub fn lose_power(&self) {
        self.processes.borrow_mut().clear();
        *self.boot.borrow_mut() += 1;
    }

    pub fn back_up(&self, id: &BackupId) {
        let data = self.disk.borrow().data.clone();
        if !self.alive().is_empty() {
            self.violations.borrow_mut().push("data was copied while something ran".to_owned());
        }
        self.disk.borrow_mut().backups.insert(id.0.clone(), data);
    }

    pub fn begin_to_put_back(&self, id: &BackupId) {
        self.disk.borrow_mut().put_back.insert(id.0.clone(), false);
    }

    pub fn put_back(&self, id: &BackupId) -> bool {
        if !self.alive().is_empty() {
            self.violations.borrow_mut().push("data was put back while something ran".to_owned());
        }
        let mut disk = self.disk.borrow_mut();
        match disk.backups.get(&id.0).cloned() {
            Some(data) => {
                let before = std::mem::replace(&mut disk.data, data);
                disk.set_aside.push(before);
                disk.put_back.insert(id.0.clone(), true);
                true
            }
            None => false,
        }
    }
}

/// How long a process lives.
pub fn lifetime(behaviour: Behaviour) -> Option<Duration> {
    match behaviour {
        Behaviour::Good | Behaviour::NeverUp | Behaviour::Red => None,
        Behaviour::Crashes => Some(Duration::from_secs(2)),
        Behaviour::DiesInProbation => Some(Duration::from_secs(15)),
    }
}
