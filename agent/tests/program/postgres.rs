//! A `PostgreSQL` cluster of the test's own, in a temporary folder, on a free port of this machine; ended with the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Cluster {
    server: Child,
    folder: tempfile::TempDir,
    pub port: u16,
}

/// Whether a commit is on the disk when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Faster. What is killed is the program, and never the database's machine.
    Never,
    /// As in operation, for measuring.
    #[allow(dead_code, reason = "not by all who share this")]
    Always,
}

/// As this user and group, where we are root: the programs refuse to run as root.
const NOBODY: u32 = 65534;

impl Cluster {
    /// None where there are no programs for it; that is told.
    #[allow(dead_code, reason = "not by all who share this")]
    pub fn start(what: &str) -> Option<Self> {
        Self::maybe_start(what, None)
    }

    /// As above; nobody comes in without TLS, which it speaks with this certificate and key.
    #[allow(dead_code, reason = "shared by tests of which some need it")]
    pub fn start_with_tls(what: &str, certificate: &str, key: &str) -> Option<Self> {
        Self::maybe_start(what, Some((certificate, key)))
    }

    fn maybe_start(what: &str, tls: Option<(&str, &str)>) -> Option<Self> {
        match Self::try_start(Flush::Never, tls) {
            Ok(cluster) => Some(cluster),
            Err(why) => {
                eprintln!("left out: {what}: {why}");
                None
            }
        }
    }

    pub fn try_start(flush: Flush, tls: Option<(&str, &str)>) -> Result<Self, String> {
        let programs = programs().ok_or("no initdb and postgres on this machine")?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        give_away(folder.path())?;
        let data = folder.path().join("data");
        let begun = Instant::now();
        let made = lower(&programs.join("initdb"), folder.path())
            .args(["-U", "test", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .map_err(|error| format!("initdb: {error}"))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let with_tls = tls.map(|tls| lay_down(&data, tls)).transpose()?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).map_err(|it| it.to_string())?.port();
        let server = lower(&programs.join("postgres"), folder.path())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", flush.setting()])
            .args(with_tls.unwrap_or_default())
            .args(["-c", &format!("port={port}"), "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("postgres: {error}"))?;
        let mut cluster = Self { server, folder, port };
        cluster.wait_until_ready()?;
        eprintln!("PostgreSQL on port {port}, ready after {:?}", begun.elapsed());
        Ok(cluster)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let told = self.folder.path().join("data/postmaster.pid");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            let state = std::fs::read_to_string(&told).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(format!("postgres ended at once: {status}"));
            }
            #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("postgres does not get ready".into())
    }
}

impl Cluster {
    /// From now on nobody comes in without a password.
    #[allow(dead_code, reason = "not by all who share this")]
    pub fn ask_for_passwords(&self) {
        let rules = self.folder.path().join("data/pg_hba.conf");
        efm::atomic::replace(&rules, b"host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
        give_away(&rules).unwrap();
        // It reads its rules anew.
        assert!(Command::new("kill").args(["-HUP", &self.server.id().to_string()]).status().unwrap().success());
    }
}

impl Flush {
    fn setting(self) -> &'static str {
        match self {
            Self::Never => "fsync=off",
            Self::Always => "fsync=on",
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGQUIT: its children end with it, and nothing of the folder is needed any more.
        let id = self.server.id().to_string();
        if !Command::new("kill").args(["-QUIT", &id]).status().is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// Puts certificate, key and the rule that nobody comes in without TLS into the cluster's folder; says the arguments for it.
fn lay_down(data: &Path, (certificate, key): (&str, &str)) -> Result<Vec<&'static str>, String> {
    let put = |name: &str, text: &str| -> Result<(), std::io::Error> {
        let path = data.join(name);
        efm::atomic::replace(&path, text.as_bytes())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    };
    put("server.crt", certificate).map_err(|error| error.to_string())?;
    put("server.key", key).map_err(|error| error.to_string())?;
    put("pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n").map_err(|error| error.to_string())?;
    for name in ["server.crt", "server.key", "pg_hba.conf"] {
        give_away(&data.join(name))?;
    }
    Ok(vec!["-c", "ssl=on"])
}

fn programs() -> Option<PathBuf> {
    let has_both = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    #[allow(clippy::disallowed_methods, reason = "a test looks for a program as a shell does")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path).chain(packaged.map(|entry| entry.path().join("bin"))).find(has_both)
}

/// The program, as somebody else where we are root.
fn lower(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(program);
    let mut command = if is_root(folder) { command } else { Command::new(program) };
    command.current_dir(folder).env_remove("PGDATA");
    command
}

#[cfg(unix)]
fn is_root(_: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    // What we make is ours.
    tempfile::tempdir().and_then(|folder| folder.path().metadata()).is_ok_and(|it| it.uid() == 0)
}

#[cfg(not(unix))]
fn is_root(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn give_away(folder: &Path) -> Result<(), String> {
    if is_root(folder) {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "its twin on Unix can fail")]
fn give_away(_: &Path) -> Result<(), String> {
    Ok(())
}
