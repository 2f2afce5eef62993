//! A whole site as a sysadmin has it: a home folder with settings and a key, a release server, and the real supervisor
//! as a process of its own, with a false integration point.
//!
//! Start at [`Site::new`], then [`Site::publish`], [`Site::start`], [`Site::kosmos`], [`Site::until`]. Whatever a site
//! has started ends with it, also when a test fails; nothing else is ever signalled. All waits are bounded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a tool of tests: what it cannot do fails the test"
)]

use crate::child::{self, program};
use jiff::Timestamp;
use kosmos::demo::integration_point::{BESIDE, ENTRY, RAN_LOG};
use kosmos::demo::publisher::{Archive, Publisher};
use kosmos::demo::release_server::Background;
use kosmos::host::system;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Nothing is waited for longer.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at something that can only be polled.
const POLL: Duration = Duration::from_millis(20);
/// Below the ports that the system gives out by itself, so that nobody is given one of ours meanwhile.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

/// The site.
pub struct Site {
    /// Holds `home/`, and what is said by supervisors beside it.
    folder: tempfile::TempDir,
    home: PathBuf,
    /// Where its integration point listens.
    pub port: u16,
    _claim: UdpSocket,
    /// Where its releases come from.
    pub server: Background,
    publisher: Publisher,
    stranger: Publisher,
    /// By SHA-256, what was published here and signed by the right key: which version, and how it behaves.
    pub published: BTreeMap<String, (String, String)>,
    supervisor: Option<Child>,
}

/// What a word of the command line said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The exit code; none: a signal.
    pub code: Option<i32>,
    /// Data.
    pub out: String,
    /// Talk.
    pub err: String,
}

/// A start of an integration point, as it wrote it down itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its process.
    pub pid: u32,
    /// What it calls itself.
    pub version: String,
    /// Its archive.
    pub sha256: String,
    /// Another one still lived.
    pub beside: bool,
    /// The code with which it said that it ends; none: it lives, or was killed.
    pub ended: Option<String>,
}

impl Site {
    /// A site with short limits, on which nothing is installed by itself: a person says `upgrade --now`.
    pub fn new() -> Self {
        Self::with("[schedule]\nmode = \"stage\"\n")
    }

    /// A site with these settings besides the short limits and where everything is.
    pub fn with(more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("kosmos-site-").tempdir().unwrap();
        // As the supervisor will call it: links are followed.
        let home = folder.path().canonicalize().unwrap().join("home");
        std::fs::create_dir(&home).unwrap();
        let (port, claim) = claim_port();
        let now = efm::clock::Clock::machine().now();
        let site = Self {
            folder,
            home,
            port,
            _claim: claim,
            server: Background::start().unwrap(),
            publisher: Publisher::new("the publisher", now).unwrap(),
            stranger: Publisher::new("a stranger", now).unwrap(),
            published: BTreeMap::new(),
            supervisor: None,
        };
        site.write("integrasjonspunkt-local.properties", &format!("server.port={port}\n"));
        site.write("eformidling-key.asc", &site.publisher.certificate().unwrap());
        site.write("kosmos.toml", &site.settings(more));
        site
    }

    /// `kosmos.toml` with the short limits, and with more; a section that comes twice is one.
    pub fn settings(&self, more: &str) -> String {
        let java = program("false-java").unwrap();
        let ours = format!(
            "[child]\njava = '{}'\nprofile = \"production\"\nprobation = \"300ms\"\nstop_grace = \"500ms\"\n\
             start_patience = \"3s\"\nstart_patience_bound = \"5s\"\n{}[network]\nproxy = \"none\"\n",
            java.display(),
            self.release_settings(),
        );
        merge(&[&ours, more])
    }

    /// Only what says where releases come from.
    pub fn release_settings(&self) -> String {
        let url = |path| self.server.url(path).unwrap();
        format!("[release]\nlist = \"{}\"\ndownloads = \"{}\"\n", url("latest-versions.yml"), url("download/"))
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Writes a file in the home folder.
    pub fn write(&self, name: &str, text: &str) {
        efm::atomic::replace(&self.home.join(name), text.as_bytes()).unwrap();
    }

    /// Reads a file in the home folder; empty: it is not there.
    pub fn read(&self, name: &str) -> String {
        std::fs::read(self.home.join(name))
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into())
    }

    // ── Releases ────────────────────────────────────────────────────────────────────────────────────────────────────

    /// A jar that behaves so.
    pub fn jar(version: &str, behaviour: &str) -> Vec<u8> {
        let archive = Archive::new("integrasjonspunkt", version, efm::clock::Clock::machine().now());
        archive.with(ENTRY, behaviour.as_bytes()).bytes().unwrap()
    }

    /// Publishes a jar that behaves so, signed well, and puts it at the head of the list. Gives its SHA-256.
    pub fn publish(&mut self, version: &str, behaviour: &str) -> String {
        let jar = Self::jar(version, behaviour);
        self.publish_bytes(version, ".jar", jar, behaviour)
    }

    /// The same with these bytes under a name that ends so.
    pub fn publish_bytes(&mut self, version: &str, ending: &str, bytes: Vec<u8>, behaviour: &str) -> String {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let signature = self.sign(&bytes);
        self.put(version, ending, bytes, &signature);
        self.published.insert(sha256.clone(), (version.to_owned(), behaviour.to_owned()));
        sha256
    }

    /// Publishes a jar that somebody else has signed. Gives its SHA-256, which must never be seen to run.
    pub fn publish_forged(&self, version: &str) -> String {
        let jar = Self::jar(version, "");
        let sha256 = hex::encode(Sha256::digest(&jar));
        let signature = self.stranger.sign(&jar, efm::clock::Clock::machine().now()).unwrap();
        self.put(version, ".jar", jar, &signature);
        sha256
    }

    /// A detached signature by the right key.
    pub fn sign(&self, bytes: &[u8]) -> String {
        self.publisher.sign(bytes, efm::clock::Clock::machine().now()).unwrap()
    }

    fn put(&self, version: &str, ending: &str, bytes: Vec<u8>, signature: &str) {
        let served = self.server.shelf();
        let file = format!("/download/v{version}/integrasjonspunkt-v{version}{ending}");
        served.put(&format!("{file}.sha1"), hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&bytes)));
        served.put(&file, bytes);
        served.put(&format!("{file}.asc"), signature.to_owned());
        self.list(version);
    }

    /// The list names this version from now on.
    pub fn list(&self, version: &str) {
        let newest = format!("{{ latest: v{version}, earlybird: v{version} }}");
        let list = format!("integrasjonspunkt:\n  environments:\n    production: {newest}\n    staging: {newest}\n");
        self.server.shelf().put("/latest-versions.yml", list);
    }

    // ── The supervisor ──────────────────────────────────────────────────────────────────────────────────────────────

    /// Starts the supervisor. It works when it answers: [`Site::until`].
    pub fn start(&mut self) {
        assert!(self.supervisor.is_none(), "one is enough");
        let said =
            OpenOptions::new().create(true).append(true).open(self.folder.path().join("supervisor.txt")).unwrap();
        let mut command = self.command(&self.home, &["--log", "debug", "run"]);
        command.current_dir(&self.home).stdout(said.try_clone().unwrap()).stderr(said);
        self.supervisor = Some(command.spawn().unwrap());
    }

    /// The same, as systemd starts it again: with the socket that it has kept.
    #[cfg(unix)]
    pub fn start_with(&mut self, kept: &TcpListener) {
        const HAND_IN: &str = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
        assert!(self.supervisor.is_none(), "one is enough");
        let said =
            OpenOptions::new().create(true).append(true).open(self.folder.path().join("supervisor.txt")).unwrap();
        let plain = self.command(&self.home, &["--log", "debug", "run"]);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", HAND_IN]).arg(plain.get_program()).args(plain.get_args()).current_dir(&self.home);
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let kept = std::os::fd::OwnedFd::from(kept.try_clone().unwrap());
        command.stdin(Stdio::from(kept)).stdout(said.try_clone().unwrap()).stderr(said);
        self.supervisor = Some(command.spawn().unwrap());
    }

    /// All that the supervisors said on the terminal.
    pub fn supervisors_said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("supervisor.txt")).unwrap_or_default()
    }

    /// The supervisor's process.
    pub fn supervisor(&self) -> u32 {
        self.supervisor.as_ref().expect("it was started").id()
    }

    /// Ends the supervisor as the system does when it has no memory left: it has no chance to do anything.
    pub fn kill(&mut self) {
        let mut supervisor = self.supervisor.take().expect("it was started");
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
    }

    /// Asks the supervisor to leave, as systemd does, and waits until it has.
    #[cfg(unix)]
    pub fn terminate(&mut self) -> ExitStatus {
        let pid = i32::try_from(self.supervisor()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM)
            .unwrap();
        self.left()
    }

    /// Waits until the supervisor has left by itself.
    pub fn left(&mut self) -> ExitStatus {
        let mut supervisor = self.supervisor.take().expect("it was started");
        let left = within(PATIENCE, || supervisor.try_wait().unwrap());
        left.unwrap_or_else(|| {
            supervisor.kill().unwrap();
            supervisor.wait().unwrap();
            panic!("the supervisor does not leave:\n{}", self.log());
        })
    }

    /// The supervisor's log.
    pub fn log(&self) -> String {
        self.read("logs/kosmos.log")
    }

    fn command(&self, home: &Path, words: &[&str]) -> Command {
        let mut command = child::kosmos(words).unwrap();
        command.arg("--home").arg(home).current_dir(self.folder.path());
        command
    }

    // ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────

    /// `kosmos <words>` to its end.
    pub fn kosmos(&self, words: &[&str]) -> Said {
        self.begin(words).end()
    }

    /// `kosmos <words> --home <folder>` to its end, for a folder that is not this site's own.
    pub fn kosmos_at(&self, folder: &Path, words: &[&str]) -> Said {
        self.begin_at(folder, words).end()
    }

    /// `kosmos <words>`, not waited for.
    pub fn begin(&self, words: &[&str]) -> Word {
        self.begin_at(&self.home, words)
    }

    fn begin_at(&self, folder: &Path, words: &[&str]) -> Word {
        let file = |name: &str| {
            let path = self.folder.path().join(format!("word-{}-{name}", next()));
            (File::create(&path).unwrap(), path)
        };
        let ((out, out_path), (err, err_path)) = (file("out"), file("err"));
        let child = self.command(folder, words).stdout(out).stderr(err).spawn().unwrap();
        Word { child, words: words.join(" "), out: out_path, err: err_path }
    }

    /// `kosmos status --json`
    pub fn status(&self) -> Value {
        let said = self.kosmos(&["status", "--json"]);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("status --json: {error}: {said:?}"))
    }

    /// `kosmos history --json`: a row each.
    pub fn history(&self) -> Vec<Value> {
        let said = self.kosmos(&["history", "--json", "--last", "10000"]);
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often the history has this.
    pub fn happened(&self, what: &str) -> usize {
        self.history().iter().filter(|row| row["what"] == what).count()
    }

    /// Waits until the status is so; gives it.
    pub fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = within(PATIENCE, || {
            last = self.status();
            is_so(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("not within {PATIENCE:?}: {what}\n{last:#}\n{}", self.log()))
    }

    /// Waits until this version runs, is up, and nothing is being done.
    pub fn until_runs(&self, version: &str) -> Value {
        self.until(&format!("{version} runs"), |status| {
            is_at_rest(status) && status["supervisor"]["runs"]["version"] == version
        })
    }

    /// Waits for anything.
    pub fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        within(PATIENCE, look).unwrap_or_else(|| panic!("not within {PATIENCE:?}: {what}\n{}", self.log()))
    }

    /// `kosmos upgrade --now`, which must end so.
    pub fn upgrade_now(&self, expected: i32) -> Said {
        let said = self.kosmos(&["upgrade", "--now"]);
        assert_eq!(said.code, Some(expected), "{said:#?}\n{}", self.log());
        said
    }

    // ── The integration point ───────────────────────────────────────────────────────────────────────────────────────

    /// Every start of an integration point here.
    pub fn ran(&self) -> Vec<Start> {
        let mut starts: Vec<Start> = Vec::new();
        for line in self.read(RAN_LOG).lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["start", pid, version, sha256, more] => starts.push(Start {
                    pid: pid.parse().unwrap(),
                    version: (*version).to_owned(),
                    sha256: (*sha256).to_owned(),
                    beside: *more == BESIDE,
                    ended: None,
                }),
                ["stop", pid, _, _, code] => {
                    let pid: u32 = pid.parse().unwrap();
                    let start = starts.iter_mut().rev().find(|start| start.pid == pid).unwrap();
                    start.ended = Some((*code).to_owned());
                }
                _ => panic!("{RAN_LOG} has a strange line: {line:?}"),
            }
        }
        starts
    }

    /// The processes that work in this site's home folder, but for those that the system is about to forget.
    pub fn integration_points(&self) -> Vec<(u32, u64)> {
        let supervisor = self.supervisor.as_ref().map(Child::id);
        self.processes().into_iter().filter(|(pid, _)| Some(*pid) != supervisor).collect()
    }

    /// Kills whatever runs here as an integration point.
    pub fn kill_integration_points(&self) {
        for (pid, started) in self.integration_points() {
            end(pid, started);
        }
    }

    /// Starts a jar of the home folder as KOSMOS does. It is nobody's child of ours: it lives on.
    pub fn start_as_kosmos(&self, jar: &str) -> u32 {
        let java = program("false-java").unwrap();
        let log = File::create(self.folder.path().join("started-by-kosmos.txt")).unwrap();
        let child = Command::new(java)
            .args(["-jar", jar, "--management.endpoint.shutdown.enabled=true", "--app.logger.enableSSL=false"])
            .arg("--spring.profiles.active=production")
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pid = child.id();
        // Somebody must ask how it ended, or it would seem to live on.
        let waits = std::thread::Builder::new().name("kosmos-of-old".into());
        drop(waits.spawn(move || {
            let mut child = child;
            let _ = child.wait();
        }));
        pid
    }

    /// All that works in our folder: it is ours, since nobody else knows the folder.
    fn processes(&self) -> Vec<(u32, u64)> {
        let mut living = system::processes().unwrap_or_default();
        living.retain(|seen| !seen.ended && seen.pid != std::process::id());
        let pids: Vec<u32> = living.iter().map(|seen| seen.pid).collect();
        let here: Vec<u32> = system::surroundings(&pids)
            .into_iter()
            .filter(|around| around.folder.as_ref().is_some_and(|folder| folder.starts_with(&self.home)))
            .map(|around| around.pid)
            .collect();
        living.iter().filter(|seen| here.contains(&seen.pid)).map(|seen| (seen.pid, seen.started)).collect()
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            let _ = supervisor.kill();
            let _ = supervisor.wait();
        }
        // Again, for what was just being started.
        for _ in 0..3 {
            for (pid, started) in self.processes() {
                end(pid, started);
            }
        }
        if std::thread::panicking() {
            eprintln!("── the supervisor's log of the site that failed\n{}", self.log());
        }
    }
}

/// A word that is being carried out.
pub struct Word {
    child: Child,
    words: String,
    out: PathBuf,
    err: PathBuf,
}

impl Word {
    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Said {
        let ended = within(PATIENCE, || self.child.try_wait().unwrap());
        let Some(status) = ended else { panic!("kosmos {} does not end: {}", self.words, text(&self.err)) };
        Said { code: status.code(), out: text(&self.out), err: text(&self.err) }
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.out);
        let _ = std::fs::remove_file(&self.err);
    }
}

/// A supervisor is there, nothing is being done, nothing is on trial, and what runs is up.
pub fn is_at_rest(status: &Value) -> bool {
    let live = &status["supervisor"];
    live.is_object() && live["doing"].is_null() && live["runs"]["up"] == true && status["trial"].is_null()
}

/// Polls until there is something, or the time is over.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + limit;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= until {
            return found;
        }
        pause(POLL);
    }
}

/// For what is no event: the instant of a kill, the distance of two polls.
#[allow(clippy::disallowed_methods, reason = "the one place where tests with processes wait for time itself")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Now, as the machine says.
pub fn now() -> Timestamp {
    efm::clock::Clock::machine().now()
}

/// Kills a process, if it is still the same.
fn end(pid: u32, started: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Err(error) = runtime.block_on(system::kill(pid, started, true)) {
        eprintln!("cannot end {pid}: {error}");
    }
}

fn text(path: &Path) -> String {
    std::fs::read(path).map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into())
}

/// A port, and our claim to it on this machine for as long as the socket lives.
fn claim_port() -> (u16, UdpSocket) {
    for _ in 0..1000 {
        let port = rand::random_range(PORTS);
        if let Ok(claim) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        {
            return (port, claim);
        }
    }
    panic!("no port is free");
}

fn next() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Several toml texts as one: what comes later in a section replaces what came before under the same name.
fn merge(texts: &[&str]) -> String {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for text in texts {
        let mut section = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.split_once(" = ") {
                None => line.clone_into(&mut section),
                Some((name, value)) => {
                    sections.entry(section.clone()).or_default().insert(name.to_owned(), value.to_owned());
                }
            }
        }
    }
    sections.iter().fold(String::new(), |mut text, (section, lines)| {
        let _ = writeln!(text, "{section}");
        for (name, value) in lines {
            let _ = writeln!(text, "{name} = {value}");
        }
        text
    })
}
