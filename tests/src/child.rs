//! A home folder with a false integration point in it, for tests with real processes.

use kosmos::child::IntegrationPoint;
use kosmos::config::settings::{Child as Settings, Kind};
use kosmos::demo::integration_point::make_archive;
use kosmos::ports::{Child as _, Launch};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use url::Url;

/// A home folder and the port that its integration point is told to take.
#[derive(Debug)]
pub struct Home {
    /// The folder; gone with this value.
    pub folder: tempfile::TempDir,
    /// Free a moment ago.
    pub port: u16,
}

impl Home {
    /// A new one, with a port of its own.
    pub fn new() -> std::io::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::at(port)
    }

    /// A new one that wants this port.
    pub fn at(port: u16) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let text = format!("server.port={port}\n");
        efm::atomic::replace(&folder.path().join("integrasjonspunkt-local.properties"), text.as_bytes())?;
        Ok(Self { folder, port })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// An archive of this version that behaves so, ready to start.
    pub fn archive(&self, version: &str, behaviour: &str) -> std::io::Result<Launch> {
        let file = self.path().join(format!("integrasjonspunkt-{version}.jar"));
        make_archive(&file, version, 17, behaviour)?;
        let version = version.parse().map_err(std::io::Error::other)?;
        Ok(Launch { file, version })
    }

    /// Its integration point, run by this `java`.
    pub fn integration_point(&self, java: &Path) -> std::io::Result<IntegrationPoint> {
        Ok(IntegrationPoint::of(self.path().to_owned(), settings(self.port, Some(java.to_owned()))?))
    }

    /// Ends whatever runs in this home. Needs no runtime, so that it can be the last thing that happens.
    pub fn clear(&self) {
        let (home, settings) = (self.path().to_owned(), settings(self.port, None));
        let cleared = std::thread::Builder::new().name("clear".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let child = IntegrationPoint::of(home, settings?);
            runtime.block_on(async {
                // Again, for what was just being started.
                for _ in 0..10 {
                    let Ok(Some(process)) = child.find(None).await else { return };
                    let _ = child.kill(&process).await;
                }
            });
            std::io::Result::Ok(())
        });
        let _ = cleared.map(std::thread::JoinHandle::join);
    }

    /// What the integration points of this home wrote: `start`, `stop`, `child`, each with its words.
    pub fn ran(&self) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.path().join("ran.log")).unwrap_or_default();
        text.lines().map(|line| line.split_ascii_whitespace().map(str::to_owned).collect()).collect()
    }
}

/// A program of this package. Cargo builds it with the tests and puts it one folder above theirs, beside other programs.
///
/// Not `env!("CARGO_BIN_EXE_…")`: a variable with a dash in its name is lost where the compiler is called by a shell script.
pub fn program(name: &str) -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.parent().unwrap_or(Path::new(""));
    let folder = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    Ok(folder.join(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// The supervisor as a program, with these words. Settings come from files, whatever the machine has in its environment.
pub fn kosmos(words: &[&str]) -> std::io::Result<Command> {
    const SPEAKS_TO_US: [&str; 6] = ["KOSMOS", "SPRING", "DIFI", "SERVER", "FALSE_JAVA", "JAVA"];
    let mut command = Command::new(program("kosmos-under-test")?);
    command.args(words).stdin(Stdio::null());
    for (name, _) in kosmos::child::environment::all() {
        let upper = name.to_uppercase();
        if SPEAKS_TO_US.iter().any(|begin| upper.starts_with(begin)) {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// Settings of the child with short limits.
pub fn settings(port: u16, java: Option<PathBuf>) -> std::io::Result<Settings> {
    let url = |path: &str| Url::parse(&format!("http://localhost:{port}{path}")).map_err(std::io::Error::other);
    Ok(Settings {
        kind: Kind::Java,
        java,
        arguments: vec!["-Xmx64m".into()],
        profile: "itest".into(),
        stop_grace: Duration::from_secs(5),
        start_patience: Duration::from_secs(10),
        start_patience_bound: Duration::from_secs(20),
        probation: Duration::from_secs(1),
        base_url: url("")?,
        health_url: url(efm::manage::HEALTH)?,
        info_url: url(efm::manage::INFO)?,
        shutdown_url: url(efm::manage::SHUTDOWN)?,
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
        include_log: false,
        environment_prefixes_removed: vec!["kosmos".into(), "spring".into()],
        log_size_bytes: 1 << 20,
        log_files_kept: 3,
        hang_patience: None,
        own_components: vec!["db".into()],
        listen: None,
    })
}
