//! The demo's stage: a home folder as a site has it, a release server, and a publisher who signs.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use efm::clock::Clock;

use crate::config::{self, Settings};
use crate::demo::integration_point::ENTRY;
use crate::demo::publisher::{Archive, Publisher};
use crate::demo::release_server::{ReleaseServer, Shelf};

/// What may go wrong on a stage.
pub type Mishap = Box<dyn std::error::Error + Send + Sync>;

/// How long the demo watches a new version; a site has ten minutes.
pub const PROBATION: Duration = Duration::from_secs(3);

/// The stage.
pub struct Stage {
    /// The home folder; gone with the stage.
    pub home: tempfile::TempDir,
    /// The settings that a site would have written.
    pub settings: Settings,
    /// What the release server serves.
    pub shelf: Shelf,
    /// Who signs.
    pub publisher: Publisher,
    /// When the curtain went up.
    pub began: Instant,
}

impl Stage {
    /// Sets it up. The server is to be polled by the caller.
    pub async fn set() -> Result<(Self, ReleaseServer), Mishap> {
        let home = tempfile::Builder::new().prefix("kosmos-demo-").tempdir()?;
        let server = ReleaseServer::bind().await?;
        let now = Clock::machine().now();
        let publisher = Publisher::new("the demo's publisher", now)?;
        let write = |name: &str, text: &str| efm::atomic::replace(&home.path().join(name), text.as_bytes());
        write("integrasjonspunkt-local.properties", &format!("server.port={}\n", free_port()?))?;
        write("eformidling-key.asc", &publisher.certificate()?)?;
        write("kosmos.toml", &settings_text(&server, &false_java(home.path())?)?)?;
        let loaded = config::load(home.path(), &[], &[]).map_err(|wrong| config::problems_text(&wrong))?;
        let shelf = server.shelf();
        let stage = Self { settings: loaded.settings, shelf, publisher, began: Instant::now(), home };
        Ok((stage, server))
    }

    /// Publishes a release that behaves so, and puts it at the head of the list.
    pub fn publish(&self, version: &str, behaviour: &str) -> Result<(), Mishap> {
        let archive = Self::archive(version, behaviour)?;
        let signature = self.publisher.sign(&archive, Clock::machine().now())?;
        self.put(version, archive, signature);
        Ok(())
    }

    /// Publishes a release that somebody else has signed.
    pub fn publish_forged(&self, version: &str) -> Result<(), Mishap> {
        let archive = Self::archive(version, "")?;
        let now = Clock::machine().now();
        let signature = Publisher::new("somebody else", now)?.sign(&archive, now)?;
        self.put(version, archive, signature);
        Ok(())
    }

    fn archive(version: &str, behaviour: &str) -> Result<Vec<u8>, Mishap> {
        let archive = Archive::new("integrasjonspunkt", version, Clock::machine().now());
        Ok(archive.with(ENTRY, behaviour.as_bytes()).bytes()?)
    }

    fn put(&self, version: &str, archive: Vec<u8>, signature: String) {
        let file = format!("/download/v{version}/integrasjonspunkt-v{version}.jar");
        self.shelf.put(&file, archive);
        self.shelf.put(&format!("{file}.asc"), signature);
        let list = format!(
            "integrasjonspunkt:\n  environments:\n    production: {{ latest: v{version}, earlybird: v{version} }}\n"
        );
        self.shelf.put("/latest-versions.yml", list);
    }
}

/// Our own program under another name: the demo needs a child, and has one file.
fn false_java(home: &Path) -> io::Result<std::path::PathBuf> {
    let ours = std::env::current_exe()?;
    let java = home.join(format!("{}{}", super::FALSE_JAVA, std::env::consts::EXE_SUFFIX));
    #[cfg(unix)]
    std::os::unix::fs::symlink(ours, &java)?;
    #[cfg(not(unix))]
    std::fs::copy(ours, &java)?;
    Ok(java)
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn settings_text(server: &ReleaseServer, java: &Path) -> Result<String, Mishap> {
    let (list, downloads) = (server.url("latest-versions.yml")?, server.url("download/")?);
    // Single quotes: a Windows path is full of backslashes.
    Ok(format!(
        "[release]\nlist = \"{list}\"\ndownloads = \"{downloads}\"\n\
         [child]\njava = '{}'\nprobation = \"{}s\"\nstop_grace = \"5s\"\nstart_patience = \"10s\"\n",
        java.display(),
        PROBATION.as_secs()
    ))
}
