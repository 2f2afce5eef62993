//! A home folder with a false integration point in it, for tests with real processes.

use kosmos::child::IntegrationPoint;
use kosmos::config::settings::{Child as Settings, Kind};
use kosmos::demo::integration_point::make_archive;
use kosmos::ports::Launch;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
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

    /// What the integration points of this home wrote: `start`, `stop`, `child`, each with its words.
    pub fn ran(&self) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.path().join("ran.log")).unwrap_or_default();
        text.lines().map(|line| line.split_ascii_whitespace().map(str::to_owned).collect()).collect()
    }
}

/// A program of this package. Cargo builds it with the tests and puts it one folder above theirs.
///
/// Not `env!("CARGO_BIN_EXE_…")`: a variable with a dash in its name is lost where the compiler is called by a shell script.
pub fn program(name: &str) -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    Ok(folder.join(name).with_extension(std::env::consts::EXE_EXTENSION))
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
    })
}
