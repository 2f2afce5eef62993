//! A host with several sites and one supervisor for all of them, as a process of its own.
//!
//! Start at [`Host::with`]. Each site is one of [`site`](crate::site), but for its supervisor: that is the host's. What was
//! started ends with the host, also when a test fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a tool of tests: what it cannot do fails the test"
)]

use crate::site::{Said, Site};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Stdio};

/// The host. Its folder names the homes of its sites in their order.
pub struct Host {
    /// Before the sites: it is ended first.
    supervisor: Option<Child>,
    /// The sites, in the order in which they are upgraded.
    pub sites: Vec<Site>,
    folder: tempfile::TempDir,
}

impl Host {
    /// So many sites, each with these settings besides its own.
    pub fn with(count: usize, settings: &str) -> Self {
        let sites: Vec<Site> = (0..count).map(|_| Site::with(settings)).collect();
        let folder = tempfile::Builder::new().prefix("kosmos-host-").tempdir().unwrap();
        let mut homes = String::new();
        for site in &sites {
            writeln!(homes, "  '{}',", site.home().display()).unwrap();
        }
        let settings = format!("[host]\nhomes = [\n{homes}]\n");
        efm::atomic::replace(&folder.path().join("kosmos.toml"), settings.as_bytes()).unwrap();
        Self { supervisor: None, sites, folder }
    }

    /// The same bytes on each of the release servers, signed by the key of each.
    pub fn publish(&mut self, version: &str, behaviour: &str) {
        let jar = Site::jar(version, behaviour);
        for site in &mut self.sites {
            site.publish_bytes(version, ".jar", jar.clone(), behaviour);
        }
    }

    /// Starts the one supervisor.
    pub fn start(&mut self) {
        assert!(self.supervisor.is_none(), "one is enough");
        let said =
            OpenOptions::new().create(true).append(true).open(self.folder.path().join("supervisor.txt")).unwrap();
        let mut command = crate::child::kosmos(&["--log", "debug", "run"]).unwrap();
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(said.try_clone().unwrap()).stderr(said);
        self.supervisor = Some(command.spawn().unwrap());
    }

    /// The host's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that it said on the terminal.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("supervisor.txt")).unwrap_or_default()
    }

    /// `kosmos <words>` in the host's folder, to its end.
    pub fn kosmos(&self, words: &[&str]) -> Said {
        let output = crate::child::kosmos(words).unwrap().current_dir(self.folder.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Ends the supervisor without a chance to do anything.
    pub fn kill(&mut self) {
        let mut supervisor = self.supervisor.take().expect("it was started");
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
    }

    /// Asks the supervisor to leave, as systemd does, and waits until it has.
    #[cfg(unix)]
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        use crate::site::{PATIENCE, within};
        let mut supervisor = self.supervisor.take().expect("it was started");
        let pid = i32::try_from(supervisor.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM)
            .unwrap();
        let left = within(PATIENCE, || supervisor.try_wait().unwrap());
        left.unwrap_or_else(|| {
            supervisor.kill().unwrap();
            supervisor.wait().unwrap();
            panic!("the supervisor does not leave:\n{}", self.said());
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            let _ = supervisor.kill();
            let _ = supervisor.wait();
        }
        if std::thread::panicking() {
            eprintln!("── what the supervisor of all said\n{}", self.said());
        }
    }
}
