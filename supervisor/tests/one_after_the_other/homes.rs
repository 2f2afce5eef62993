//! Three homes, their machines, and the supervisor that keeps them, as often as it is started.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use efm::clock::Clock;
use futures_util::future::join_all;
use jiff::Timestamp;
use kosmos::config::Settings;
use kosmos::demo::publisher::{Archive, Publisher};
use kosmos::duty::command::{Answer, Command};
use kosmos::duty::{Duty, Snapshot};
use kosmos::ports::{Happening, Held};
use kosmos::release::Sha256;
use kosmos::siblings::{self, Siblings};
use kosmos::update::World;
use kosmos::update::compare::Wish;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use crate::doors::{Children, InMemory, Published, Shed, Shelf, Told};
use crate::machine::{Behaviour, Machine};
use crate::{NEW, OLD};

pub const AN_HOUR: Duration = Duration::from_hours(1);
/// Between two looks at who is on trial.
const LOOK: Duration = Duration::from_millis(500);

/// An attempt, as seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub home: usize,
    pub began: Instant,
    pub ended: Instant,
}

pub struct Homes {
    pub machines: Vec<Rc<Machine>>,
    folders: Vec<tempfile::TempDir>,
    settings: Vec<Settings>,
    old: Published,
    new: Published,
    clock: RefCell<Option<Clock>>,
    attempts: RefCell<Vec<Attempt>>,
    most_at_once: Cell<usize>,
    waits_for: RefCell<BTreeMap<usize, Option<String>>>,
}

pub fn on_paused_time<T>(act: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(act)
}

impl Homes {
    /// Homes in which the new version behaves so.
    pub fn new(behaviours: [Behaviour; 3]) -> Self {
        let built: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        let publisher = Publisher::new("a publisher", built).unwrap();
        let publish = |version: &str| {
            let archive = Archive::new("integrasjonspunkt", version, built).bytes().unwrap();
            let signature = publisher.sign(&archive, built).unwrap().into_bytes();
            Published { tag: format!("v{version}").parse().unwrap(), archive, signature }
        };
        let folders: Vec<_> = behaviours.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        for folder in &folders {
            std::fs::write(folder.path().join("key.asc"), publisher.certificate().unwrap()).unwrap();
            std::fs::create_dir_all(folder.path().join("kosmos")).unwrap();
        }
        let machines = behaviours.iter().map(|new| Machine::new(&[(OLD, Behaviour::Good), (NEW, *new)])).collect();
        let settings = folders.iter().map(|folder| settings(folder, "0 0 * * * *")).collect();
        Self {
            machines,
            folders,
            settings,
            old: publish(OLD),
            new: publish(NEW),
            clock: RefCell::default(),
            attempts: RefCell::default(),
            most_at_once: Cell::default(),
            waits_for: RefCell::default(),
        }
    }

    /// The window of this one opens in the night alone.
    pub fn open_only_at_night(&mut self, number: usize) {
        self.settings[number] = settings(&self.folders[number], "0 0 2 * * *");
    }

    /// The old version runs everywhere; ten minutes remain until a window opens.
    pub async fn install_the_old(&self) {
        self.supervise(&[&self.old], sleep(Duration::from_mins(10)), |_| {}).await;
        assert_eq!(self.alive(), [OLD, OLD, OLD]);
        self.attempts.borrow_mut().clear();
        self.most_at_once.set(0);
        for machine in &self.machines {
            machine.told.borrow_mut().clear();
        }
    }

    /// A supervisor's life of this length.
    pub async fn live(&self, length: Duration) {
        self.supervise(&[&self.old, &self.new], sleep(length), |_| {}).await;
    }

    /// A supervisor's life that ends, without a farewell, when this is so.
    pub async fn live_until(&self, is_so: impl Fn(&Self) -> bool) {
        let so = async {
            let until = Instant::now() + AN_HOUR * 3;
            while !is_so(self) {
                assert!(Instant::now() < until, "it never was so: {:?}", self.attempts());
                sleep(LOOK).await;
            }
        };
        self.supervise(&[&self.old, &self.new], so, |_| {}).await;
    }

    /// A life in which a person asks for an upgrade of one home as soon as all is calm.
    pub async fn live_and_ask(&self, number: usize, now: bool, length: Duration) -> Answer {
        let mut commands = Vec::new();
        let heard = watch::channel(None);
        let asked = async {
            sleep(Duration::from_mins(1)).await;
            let answer = self.ask(&heard.1, number, now).await;
            sleep(length).await;
            answer
        };
        self.supervise(&[&self.old, &self.new], asked, |senders| {
            commands = senders;
            heard.0.send_replace(Some(commands.clone()));
        })
        .await
    }

    /// A life in which a person wants one home upgraded now while the first one's attempt is under way.
    pub async fn live_and_ask_during_the_first_attempt(&self, number: usize) -> Answer {
        let heard = watch::channel(None);
        let asked = async {
            self.first_attempt().await;
            let answer = self.ask(&heard.1, number, true).await;
            sleep(Duration::from_mins(10)).await;
            answer
        };
        self.supervise(&[&self.old, &self.new], asked, |senders| {
            heard.0.send_replace(Some(senders));
        })
        .await
    }

    /// A life in which one home's integration point dies while the first one's attempt is under way; how long it was
    /// down.
    pub async fn live_and_crash_during_the_first_attempt(&self, number: usize) -> Duration {
        let crashed = async {
            self.first_attempt().await;
            let machine = &self.machines[number];
            let process = machine.processes.borrow()[0].process.clone();
            machine.end(&process);
            let began = Instant::now();
            while machine.alive().is_empty() {
                sleep(Duration::from_millis(10)).await;
            }
            assert!(self.machines[0].disk.borrow().trial.is_some(), "the first one is still on trial");
            began.elapsed()
        };
        self.supervise(&[&self.old, &self.new], crashed, |_| {}).await
    }

    async fn first_attempt(&self) {
        while self.machines[0].disk.borrow().trial.is_none() {
            sleep(LOOK).await;
        }
    }

    async fn ask(
        &self,
        heard: &watch::Receiver<Option<Vec<mpsc::Sender<Command>>>>,
        number: usize,
        now: bool,
    ) -> Answer {
        let sender = heard.borrow().as_ref().unwrap()[number].clone();
        let (reply, answered) = oneshot::channel();
        sender.send(Command::Upgrade { wish: Wish::Newest, now, reply }).await.unwrap();
        answered.await.unwrap()
    }

    /// One supervisor for all, until this is over. Then it is gone, as one that was killed.
    async fn supervise<T>(
        &self,
        offers: &[&Published],
        until: impl Future<Output = T>,
        hand_out: impl FnOnce(Vec<mpsc::Sender<Command>>),
    ) -> T {
        let clock = self.clock.borrow_mut().get_or_insert_with(at_ten_to_nine).clone();
        let worlds: Vec<_> = (0..self.machines.len()).map(|number| self.world(number, offers, &clock)).collect();
        let siblings = Siblings::new(self.machines.iter().enumerate().map(as_sibling).collect());
        let (mut senders, mut lives, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (world, _leave)) in worlds.iter().enumerate() {
            let (commands, mut heard) = mpsc::channel(1);
            let (snapshot, shown) = watch::channel(Snapshot::default());
            let duty = Duty::new(world, format!("site {number}"), snapshot).among(siblings.place(number));
            senders.push(commands);
            seen.push(shown);
            lives.push(async move { panic!("home {number} left: {:?}", duty.run(&mut heard).await) });
        }
        hand_out(senders.clone());
        tokio::select! {
            _ = join_all(lives) => panic!("all left"),
            () = self.look_on() => panic!("never"),
            done = until => {
                for (number, seen) in seen.iter().enumerate() {
                    let waits_for = seen.borrow().staged.as_ref().map(|(_, waits_for)| waits_for.clone());
                    self.waits_for.borrow_mut().insert(number, waits_for);
                }
                done
            }
        }
    }

    fn world(&self, number: usize, offers: &[&Published], clock: &Clock) -> (World<InMemory>, watch::Sender<bool>) {
        let machine = &self.machines[number];
        let (leave, left) = watch::channel(false);
        let world = World {
            source: Shelf { machine: machine.clone(), offers: offers.iter().map(|offer| (*offer).clone()).collect() },
            child: Children { machine: machine.clone() },
            vault: Shed { machine: machine.clone(), scratch: PathBuf::from(self.folders[number].path()) },
            notice: Told { machine: machine.clone() },
            settings: self.settings[number].clone(),
            clock: clock.clone(),
            progress: watch::channel(kosmos::update::Progress::Idle).0,
            steps: kosmos::update::Steps::default(),
            leave: left,
        };
        (world, leave)
    }

    /// Sees who is on trial, all the while.
    async fn look_on(&self) {
        let mut before = vec![false; self.machines.len()];
        loop {
            before = self.note_who_is_on_trial(&before);
            sleep(LOOK).await;
        }
    }

    fn note_who_is_on_trial(&self, before: &[bool]) -> Vec<bool> {
        let now: Vec<bool> = self.machines.iter().map(|machine| machine.disk.borrow().trial.is_some()).collect();
        let at_once = now.iter().filter(|on_trial| **on_trial).count();
        self.most_at_once.set(self.most_at_once.get().max(at_once));
        let mut attempts = self.attempts.borrow_mut();
        let moment = Instant::now();
        for (home, (was, is)) in before.iter().zip(&now).enumerate() {
            if *is && !was {
                attempts.push(Attempt { home, began: moment, ended: moment });
            }
            if *is && let Some(attempt) = attempts.iter_mut().rev().find(|attempt| attempt.home == home) {
                attempt.ended = moment;
            }
        }
        now
    }

    pub fn alive(&self) -> Vec<String> {
        self.machines.iter().map(|machine| machine.alive().join(" and ")).collect()
    }

    pub fn attempts(&self) -> Vec<Attempt> {
        self.attempts.borrow().clone()
    }

    pub fn most_attempts_at_once(&self) -> usize {
        self.most_at_once.get()
    }

    pub fn told(&self, number: usize) -> Vec<Happening> {
        self.machines[number].told.borrow().iter().map(|event| event.what.clone()).collect()
    }

    /// What the staged version waited for when the last supervisor was gone.
    pub fn waits_for(&self, number: usize) -> Option<String> {
        self.waits_for.borrow()[&number].clone()
    }
}

fn at_ten_to_nine() -> Clock {
    Clock::paused_at("2026-11-21T08:45:00Z".parse::<Timestamp>().unwrap())
}

fn as_sibling((number, machine): (usize, &Rc<Machine>)) -> siblings::Home {
    let machine = machine.clone();
    let held = move || {
        let all = machine.disk.borrow().held.iter().map(|(bytes, held)| (*bytes, held.clone())).collect();
        Ok::<Vec<(Sha256, Held)>, _>(all)
    };
    siblings::Home { name: format!("home {number}"), held: Box::new(held) }
}

fn settings(folder: &tempfile::TempDir, window: &str) -> Settings {
    let toml = format!(
        "[release]\nkeys = [\"key.asc\"]\n[schedule]\nlook = \"5m\"\nsplay = \"0s\"\nwindow = [\"{window}\"]\n\
         window_length = \"30m\"\n[child]\nprobation = \"20s\"\nstart_patience = \"60s\"\nstart_patience_bound = \"60s\"\n"
    );
    std::fs::write(folder.path().join("kosmos.toml"), toml).unwrap();
    kosmos::config::load(folder.path(), &[], &[]).unwrap().settings
}
