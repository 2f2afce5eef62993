//! A false integration point, for the demo and for tests: it starts in milliseconds, answers `/manage`, and misbehaves as
//! `false/behaviour.properties` in its archive tells it to. See [`behaviour`] for what it can be told.
//!
//! Start at [`as_java`]. In its working folder it leaves `ran.log`, a line for each start and stop with its number, its
//! version and the SHA-256 of its archive; and like the true one it cannot run twice on one database or one port. One
//! that is started while another one still lives says so in its line: the system itself knows, by a lock.

mod behaviour;
mod http;

pub use behaviour::{Behaviour, ENTRY, Health, Start, Stop};

use crate::child::environment;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The database that only one may have.
pub const DATABASE: &str = "integrasjonspunkt.mv.db";
/// Where it leaves its lines, in its working folder.
pub const RAN_LOG: &str = "ran.log";
/// The last word of the line of one that was started beside another.
pub const BESIDE: &str = "beside";
/// Locked by each for as long as it lives, also by one that never gets as far as its database.
const LIVES: &str = "ran.lock";
/// The word by which it starts its own child.
const GRANDCHILD: &str = "--false-grandchild";
/// Nothing of it outlives a test that forgot it for longer than this.
const LONGEST_LIFE: Duration = Duration::from_mins(10);
/// The port of an integration point that is not told another.
const DEFAULT_PORT: u16 = 9093;

/// Behaves as `java` does for as much of it as a supervisor uses: `-XshowSettings:properties -version` says `version`,
/// and `… -jar ARCHIVE …` is the false integration point. Gives the exit code.
pub fn as_java(arguments: &[OsString], version: &str) -> i32 {
    if arguments.iter().any(|word| word == GRANDCHILD) {
        return wait_for_the_end();
    }
    if let Some(at) = arguments.iter().position(|word| word == "-jar") {
        let Some(archive) = arguments.get(at + 1) else {
            eprintln!("Error: -jar requires jar file specification");
            return 1;
        };
        return as_program(Path::new(archive), arguments.get(at + 2..).unwrap_or_default());
    }
    if arguments.iter().any(|word| word == "-version") {
        // 1.8.0_402 is of specification 1.8, 21.0.2 of 21.
        let numbers = if version.starts_with("1.") { 2 } else { 1 };
        let specification = version.split(['.', '-']).take(numbers).collect::<Vec<_>>().join(".");
        eprintln!(
            "Property settings:\n    java.specification.version = {specification}\n    java.version = {version}\n"
        );
        eprintln!("openjdk version \"{version}\" 2026-01-01");
        return 0;
    }
    eprintln!("Usage: java [options] -jar <jarfile> [args...]");
    1
}

/// The false integration point as a whole program. Gives the exit code.
pub fn as_program(archive: &Path, arguments: &[OsString]) -> i32 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("no runtime: {error}");
            return 1;
        }
    };
    runtime.block_on(run(archive, arguments))
}

/// The false integration point, in the current folder. Gives the exit code. What misbehaves ends after ten minutes.
pub async fn run(archive: &Path, arguments: &[OsString]) -> i32 {
    let life = match Life::begin(archive, arguments) {
        Ok(life) => life,
        Err(reason) => {
            println!("Error: cannot start {}: {reason}", archive.display());
            return 1;
        }
    };
    let code = tokio::time::timeout(LONGEST_LIFE, life.live()).await.unwrap_or(3);
    life.note("stop", &code.to_string());
    code
}

/// One run of it.
struct Life {
    behaviour: Behaviour,
    version: String,
    sha256: String,
    port: u16,
    shutdown_enabled: bool,
    started: std::time::Instant,
    asked_to_stop: Notify,
    stops_anyway: Cell<bool>,
    /// None: another one lives in this folder.
    alone: Option<File>,
}

impl Life {
    fn begin(archive: &Path, arguments: &[OsString]) -> Result<Self, String> {
        let (behaviour, built) = Behaviour::of(archive)?;
        let bytes = fs::read(archive).map_err(|error| error.to_string())?;
        let life = Self {
            version: behaviour.version.clone().unwrap_or(built),
            behaviour,
            sha256: hex::encode(Sha256::digest(&bytes)),
            port: port(arguments),
            shutdown_enabled: arguments.iter().any(|word| word == "--management.endpoint.shutdown.enabled=true"),
            started: std::time::Instant::now(),
            asked_to_stop: Notify::new(),
            stops_anyway: Cell::new(false),
            alone: alone(),
        };
        life.note("start", if life.alone.is_some() { "" } else { BESIDE });
        Ok(life)
    }

    async fn live(&self) -> i32 {
        println!("Starting the false integration point {} as process {}", self.version, std::process::id());
        self.flood();
        if self.behaviour.has_child {
            self.start_a_child();
        }
        let terminated = self.terminated();
        let lived = tokio::select! {
            code = self.serve() => code,
            code = terminated => code,
            code = self.crash() => code,
        };
        println!("Stopped with code {lived}");
        lived
    }

    /// Until it is asked to stop, or cannot start.
    async fn serve(&self) -> i32 {
        match self.behaviour.start {
            Start::Crash => {
                println!("APPLICATION FAILED TO START");
                return 1;
            }
            Start::Never => std::future::pending().await,
            Start::Slow(delay) => tokio::time::sleep(delay).await,
            Start::Up | Start::Down => {}
        }
        let _database = match self.take_database() {
            Ok(file) => file,
            Err(reason) => {
                println!("APPLICATION FAILED TO START: two at once? {reason}");
                return 1;
            }
        };
        let listener = match listener(self.port).await {
            Ok(listener) => listener,
            Err(error) => {
                println!("APPLICATION FAILED TO START: port {} was already in use: {error}", self.port);
                return 1;
            }
        };
        println!("Started on port {}", self.port);
        http::serve(&listener, self).await;
        drop(listener);
        if let Stop::Lingers(delay) = self.behaviour.stop {
            tokio::time::sleep(delay).await;
        }
        0
    }

    /// The lock is held for as long as the file is open.
    fn take_database(&self) -> Result<File, String> {
        let open = OpenOptions::new().create(true).read(true).append(true).open(DATABASE);
        let mut file = open.map_err(|error| format!("{DATABASE}: {error}"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(format!("{DATABASE} is locked by another process")),
            Err(TryLockError::Error(error)) => return Err(format!("{DATABASE}: {error}")),
        }
        if let Some(written) = &self.behaviour.writes {
            let line = format!("{}\n", self.version);
            let done =
                if written == Path::new(DATABASE) { file.write_all(line.as_bytes()) } else { append(written, &line) };
            done.map_err(|error| format!("{}: {error}", written.display()))?;
        }
        Ok(file)
    }

    async fn crash(&self) -> i32 {
        let Some(after) = self.behaviour.crash_after else { return std::future::pending().await };
        tokio::time::sleep(after).await;
        println!("Exception in thread \"main\" java.lang.OutOfMemoryError: false");
        1
    }

    /// By the system, not by `/manage/shutdown`. A JVM ends with 143 then.
    async fn terminated(&self) -> i32 {
        let Ok(mut stop) = crate::host::console::Stop::listen() else { return std::future::pending().await };
        loop {
            let by = stop.asked().await;
            println!("Asked by the system to stop: {by}");
            if self.behaviour.stop != Stop::Ignore {
                return 143;
            }
        }
    }

    fn flood(&self) {
        let line = format!("{}\n", "o".repeat(99));
        let mut left = self.behaviour.output_bytes;
        let mut out = io::stdout().lock();
        while left > 0 && out.write_all(line.as_bytes()).is_ok() {
            left = left.saturating_sub(100);
        }
    }

    fn start_a_child(&self) {
        let started = std::env::current_exe().and_then(|own| {
            Command::new(own).arg(GRANDCHILD).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        });
        match started {
            Ok(child) => self.note("child", &child.id().to_string()),
            Err(error) => println!("no child: {error}"),
        }
    }

    /// A line that tests read: what, our number, version, digest, and perhaps a word more.
    fn note(&self, what: &str, more: &str) {
        let line = format!("{what} {} {} {} {more}\n", std::process::id(), self.version, self.sha256);
        if let Err(error) = append(Path::new(RAN_LOG), &line) {
            println!("cannot write {RAN_LOG}: {error}");
        }
    }

    /// What `/manage/health` says now.
    fn is_up(&self) -> bool {
        match (self.behaviour.start == Start::Down, self.behaviour.health) {
            (true, _) | (_, Health::Down) => false,
            (_, Health::Up) => true,
            (_, Health::Flap(period)) => {
                (self.started.elapsed().as_millis() / period.as_millis().max(1)).is_multiple_of(2)
            }
        }
    }
}

/// The system lets go of the lock when the process ends, however it ends, and before anybody can see that it has.
fn alone() -> Option<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(LIVES).ok()?;
    file.try_lock().ok().map(|()| file)
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
}

/// `--server.port`, `SERVER_PORT`, or `server.port` in the properties of the working folder.
fn port(arguments: &[OsString]) -> u16 {
    let argument = |word: &OsString| word.to_str()?.strip_prefix("--server.port=")?.parse().ok();
    let variable = || environment::variable("SERVER_PORT")?.to_str()?.parse().ok();
    let file = || {
        let text = fs::read_to_string("integrasjonspunkt-local.properties").ok()?;
        behaviour::property(&text, "server.port")?.parse().ok()
    };
    arguments.iter().find_map(argument).or_else(variable).or_else(file).unwrap_or(DEFAULT_PORT)
}

/// The grandchild says that it lives, and does nothing else.
/// The socket that was handed over, or one of its own.
async fn listener(port: u16) -> io::Result<TcpListener> {
    #[cfg(unix)]
    if let Some(socket) = listenfd::ListenFd::from_env().take_tcp_listener(0)? {
        socket.set_nonblocking(true)?;
        return TcpListener::from_std(socket);
    }
    TcpListener::bind(("127.0.0.1", port)).await
}

fn wait_for_the_end() -> i32 {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return 1 };
    runtime.block_on(async {
        let said = append(Path::new(RAN_LOG), &format!("grandchild {}\n", std::process::id()));
        tokio::time::sleep(LONGEST_LIFE).await;
        i32::from(said.is_err())
    })
}

/// Makes an archive of a false integration point: the entries that the supervisor reads, and its behaviour, which is
/// written as lines `key=value`.
///
/// # Errors
/// The file cannot be written.
pub fn make_archive(path: &Path, version: &str, needs_java: u32, behaviour: &str) -> io::Result<()> {
    let mut archive = zip::ZipWriter::new(File::create(path)?);
    let options = zip::write::SimpleFileOptions::default();
    let manifest = format!(
        "Manifest-Version: 1.0\r\nImplementation-Title: integrasjonspunkt\r\nImplementation-Version: {version}\r\n\
         Build-Jdk-Spec: {needs_java}\r\n\r\n"
    );
    let build = format!("build.artifact=integrasjonspunkt\nbuild.version={version}\nbuild.time=2026-11-21T05:30:00Z\n");
    for (name, text) in
        [("META-INF/MANIFEST.MF", manifest.as_str()), (behaviour::BUILD_INFO, &build), (ENTRY, behaviour)]
    {
        archive.start_file(name, options)?;
        archive.write_all(text.as_bytes())?;
    }
    archive.finish()?.sync_all()
}

/// The version that `java` should call itself: from the environment, else from the file `version` beside the program.
pub fn false_java_version(program: Option<&OsStr>) -> String {
    let beside = || {
        let folder = PathBuf::from(program?).parent()?.to_owned();
        Some(fs::read_to_string(folder.join("version")).ok()?.trim().to_owned())
    };
    let variable = || environment::variable("FALSE_JAVA_VERSION")?.into_string().ok();
    variable().or_else(beside).unwrap_or_else(|| "21.0.2".into())
}
