//! A site whose supervisors live in the test's own process, with the real doors and a clock that the test sets: a home
//! folder, a release server, a publisher who signs. Whatever happens, nothing is left running.
//!
//! Start at [`Site::new`], then [`Site::publish`], [`Site::supervisor`] and [`Supervisor::on_duty`]. For the program as a
//! process of its own see [`crate::site`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::wrong_self_convention,
    clippy::large_futures,
    clippy::similar_names,
    clippy::unused_self,
    clippy::wildcard_enum_match_arm,
    clippy::new_without_default,
    reason = "a tool of tests: what it cannot do fails the test"
)]

use crate::child::{self, program};
use crate::doors::{Real, world};
use efm::clock::Clock;
use jiff::Timestamp;
use kosmos::child::IntegrationPoint;
use kosmos::config::{self, Settings};
use kosmos::demo::integration_point::ENTRY;
use kosmos::demo::publisher::{Archive, Publisher};
use kosmos::demo::release_server::Background;
use kosmos::duty::command::{Answer, Command};
use kosmos::duty::{Duty, Ending, LookResult, Snapshot};
use kosmos::notice::{History, Row};
use kosmos::ports::{Child, Launch, Process, VaultError, state_folder};
use kosmos::update::compare::Wish;
use kosmos::update::{self, Outcome, Running, UpdateError, Verified, World};
use kosmos::vault::{self, HomeLock};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

/// Nothing here takes longer.
pub const BOUND: Duration = Duration::from_secs(30);
/// A Tuesday, in the window that opens at 05:30 in Oslo.
pub const NIGHT: &str = "2026-11-24T04:31:00Z";
/// The same Tuesday at ten, when people work and no window is open.
pub const DAY: &str = "2026-11-24T09:00:00Z";
/// The next window, at 19:30.
pub const EVENING: &str = "2026-11-24T18:31:00Z";
/// When everything was built, and the publisher's key was made.
pub const BUILT: &str = "2026-10-01T00:00:00Z";

pub fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The home folder and what is outside of it.
pub struct Site {
    pub home: child::Home,
    pub server: Background,
    pub publisher: Publisher,
    flags: Vec<(String, String)>,
}

impl Site {
    pub fn new() -> Self {
        let server = Background::start().unwrap();
        let publisher = Publisher::new("a publisher", moment(BUILT)).unwrap();
        let site = Self { home: child::Home::new().unwrap(), server, publisher, flags: Vec::new() };
        site.write("eformidling-key.asc", site.publisher.certificate().unwrap());
        let java = program("false-java").unwrap();
        site.set("child.java", java.to_str().unwrap())
            .set("child.profile", "production")
            .set("child.probation", "300ms")
            .set("child.stop_grace", "1s")
            .set("child.start_patience", "5s")
            .set("child.start_patience_bound", "8s")
            .set("schedule.splay", "0s")
            .from_server()
    }

    fn from_server(self) -> Self {
        let list = self.server.url("latest-versions.yml").unwrap().to_string();
        let downloads = self.server.url("download/").unwrap().to_string();
        self.set("release.list", &list).set("release.downloads", &downloads)
    }

    /// With this setting, named as in `kosmos.toml`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.flags.retain(|(known, _)| known != name);
        self.flags.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        // In place, as people do it; and a temporary file would look old to a supervisor whose clock is days ahead.
        File::create(self.path().join(name)).unwrap().write_all(bytes.as_ref()).unwrap();
    }

    /// A jar that says of itself that it is this version, and behaves so.
    pub fn jar(&self, version: &str, behaviour: &str) -> Vec<u8> {
        let archive = Archive::new("integrasjonspunkt", version, moment(BUILT));
        archive.with(ENTRY, behaviour.as_bytes()).bytes().unwrap()
    }

    pub fn sign(&self, bytes: &[u8]) -> String {
        self.publisher.sign(bytes, moment(BUILT)).unwrap()
    }

    /// Where a jar lies on the server. `tag` as it is written, `v4.0.8`.
    pub fn place(tag: &str) -> String {
        format!("/download/{tag}/integrasjonspunkt-{tag}.jar")
    }

    /// Puts the list of versions that names this tag.
    pub fn list(&self, tag: &str) {
        let list = format!("integrasjonspunkt:\n  environments:\n    production: {{ latest: {tag}, earlybird: '' }}\n");
        self.server.shelf().put("/latest-versions.yml", list);
    }

    /// Puts a jar and its signature, without naming them in the list.
    pub fn put(&self, tag: &str, jar: &[u8], signature: impl AsRef<[u8]>) {
        self.server.shelf().put(&Self::place(tag), jar.to_vec());
        self.server.shelf().put(&format!("{}.asc", Self::place(tag)), signature.as_ref().to_vec());
    }

    /// Publishes a release as it should be, under its version with a `v`.
    pub fn publish(&self, version: &str, behaviour: &str) {
        let jar = self.jar(version, behaviour);
        self.put(&format!("v{version}"), &jar, self.sign(&jar));
        self.list(&format!("v{version}"));
    }

    pub fn settings(&self) -> Settings {
        config::load(self.path(), &[], &self.flags)
            .map_err(|wrong| config::problems_text(&wrong))
            .unwrap_or_else(|wrong| panic!("{wrong}"))
            .settings
    }

    /// A supervisor that begins at this moment; its clock goes on from there.
    pub async fn supervisor(&self, at: &str) -> Supervisor {
        self.supervisor_with(self.settings(), at).await
    }

    /// With settings that no file would give.
    pub async fn supervisor_with(&self, settings: Settings, at: &str) -> Supervisor {
        let until = Instant::now() + BOUND;
        let lock = loop {
            match vault::lock(self.path()) {
                Ok(lock) => break lock,
                Err(VaultError::Locked { .. }) if Instant::now() < until => sleep(Duration::from_millis(10)).await,
                Err(error) => panic!("{error}"),
            }
        };
        Supervisor::new(settings, lock, Clock::paused_at(moment(at)))
    }

    /// The versions that were started here, in order.
    pub fn started(&self) -> Vec<String> {
        self.home.ran().into_iter().filter(|line| line[0] == "start").map(|line| line[2].clone()).collect()
    }

    /// No integration point ever found another on its database or its port.
    pub fn assert_never_two_at_once(&self) {
        let mut output = String::new();
        for file in std::fs::read_dir(self.path().join("logs")).unwrap() {
            output.push_str(&String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()));
        }
        assert!(output.contains("Starting the false integration point"), "{output}");
        assert!(!output.contains("two at once") && !output.contains("already in use"), "{output}");
    }

    pub fn history(&self) -> Vec<Row> {
        History::of(&state_folder(self.path())).read(1000).unwrap()
    }

    /// The rows of this name.
    pub fn told(&self, what: &str) -> Vec<Row> {
        self.history().into_iter().filter(|row| row.what == what).collect()
    }

    /// Files below the home folder whose names end so.
    pub fn files(&self, ending: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_string_lossy().ends_with(ending) {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.home.clear();
    }
}

/// A supervisor with the real doors.
pub struct Supervisor {
    pub world: World<Real>,
    pub leave: watch::Sender<bool>,
}

impl Supervisor {
    fn new(settings: Settings, lock: HomeLock, clock: Clock) -> Self {
        let (leave, left) = watch::channel(false);
        Self { world: world(settings, lock, clock, left), leave }
    }

    /// Asks, compares, fetches, verifies.
    pub async fn look(&self) -> Result<Option<Verified>, UpdateError> {
        timeout(BOUND, update::look(&self.world, &Wish::Newest)).await.unwrap()
    }

    pub async fn attempt(&self, new: Verified, running: Option<&Running>) -> Outcome {
        timeout(BOUND * 2, update::attempt(&self.world, new, running.cloned())).await.unwrap()
    }

    /// Looks and installs what is offered.
    pub async fn upgrade(&self, running: Option<&Running>) -> Outcome {
        let new = self.look().await.unwrap().expect("something newer");
        self.attempt(new, running).await
    }

    /// Looks and installs what is offered, and it must be well.
    pub async fn install(&self, running: Option<&Running>) -> Running {
        match self.upgrade(running).await {
            Outcome::Committed { running, .. } => running,
            other => panic!("{other:?}"),
        }
    }

    pub fn lives(&self, running: &Running) -> bool {
        self.world.child.lives(&running.process)
    }

    pub fn pointer(&self) -> Option<String> {
        use kosmos::ports::Vault;
        self.world.vault.pointer().unwrap().map(|pointer| pointer.tag.to_string())
    }

    /// On duty for as long as the scene takes; then it is gone, as if it were killed.
    pub async fn on_duty<T>(&self, scene: impl AsyncFnOnce(&mut Talk) -> T) -> T {
        let (commands, mut heard) = mpsc::channel(4);
        let (snapshot, seen) = watch::channel(Snapshot::default());
        let mut talk = Talk { commands, seen: seen.clone() };
        let duty = Duty::new(&self.world, "site".into(), snapshot);
        tokio::select! {
            ended = duty.run(&mut heard) => panic!("off duty: {ended:?}"),
            told = timeout(BOUND, scene(&mut talk)) => told.unwrap_or_else(|_| panic!("too long: {:#?}", seen.borrow())),
        }
    }

    /// On duty beside a scene, until it leaves.
    pub async fn until_it_leaves(&self, scene: impl AsyncFnOnce(&mut Talk)) -> Result<Ending, UpdateError> {
        let (commands, mut heard) = mpsc::channel(4);
        let (snapshot, seen) = watch::channel(Snapshot::default());
        let mut talk = Talk { commands, seen };
        let duty = Duty::new(&self.world, "site".into(), snapshot);
        let both = async { tokio::join!(duty.run(&mut heard), scene(&mut talk)).0 };
        timeout(BOUND * 2, both).await.expect("it leaves in time")
    }
}

/// What a scene says to a supervisor on duty, and sees of it.
pub struct Talk {
    pub commands: mpsc::Sender<Command>,
    pub seen: watch::Receiver<Snapshot>,
}

impl Talk {
    /// Waits until it is so.
    pub async fn until(&mut self, is_so: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        self.seen.wait_for(is_so).await.expect("it is on duty").clone()
    }

    /// Waits until this version runs and is up.
    pub async fn until_up(&mut self, version: &str) -> Running {
        let is_up = |seen: &Snapshot| seen.up && version_of(seen.running.as_ref()).as_deref() == Some(version);
        self.until(is_up).await.running.unwrap()
    }

    /// Waits for the first look.
    pub async fn until_looked(&mut self) -> LookResult {
        self.until(|seen| seen.last_look.is_some()).await.last_look.unwrap()
    }

    /// Waits for another look, which comes at once.
    pub async fn look_again(&mut self) -> LookResult {
        let before = self.until_looked().await;
        let (reply, answer) = oneshot::channel();
        let version = "0.0.1".parse().unwrap();
        self.commands.send(Command::Forgive { version, reply }).await.unwrap();
        answer.await.unwrap();
        self.until(|seen| seen.last_look.as_ref().is_some_and(|look| look.at != before.at)).await.last_look.unwrap()
    }

    pub async fn ask(&self, wish: Wish, now: bool) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Upgrade { wish, now, reply }).await.unwrap();
        answer
    }

    pub async fn upgrade_now(&self) -> Answer {
        self.ask(Wish::Newest, true).await.await.unwrap()
    }
}

/// A process that a person runs, or KOSMOS did. It has begun, and does not answer yet.
pub async fn begun_by_hand(site: &Site, jar: &Path) -> Process {
    let before = site.started().len();
    let launch = Launch { file: jar.to_owned(), version: "0.0.0".parse().unwrap() };
    let process = IntegrationPoint::new(&site.settings()).spawn(&launch).await.unwrap();
    until("it begins", async || site.started().len() > before).await;
    process
}

/// As [`begun_by_hand`], and it answers.
pub async fn started_by_hand(site: &Site, jar: &Path) -> Process {
    let process = begun_by_hand(site, jar).await;
    let child = IntegrationPoint::new(&site.settings());
    until("it answers", async || child.examine(&process).await.is_ok()).await;
    process
}

pub fn version_of(running: Option<&Running>) -> Option<String> {
    Some(running?.stored.as_ref()?.version().to_string())
}

/// A bounded poll.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + BOUND;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within {BOUND:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
