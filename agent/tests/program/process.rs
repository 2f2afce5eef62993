//! The program as a process, in a folder of its own. It is ended when the test ends, however that is.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Of its log so much is kept.
const LOG_BYTES: usize = 1 << 20;

type Said = Arc<Mutex<String>>;

/// A running program.
pub struct Program {
    child: Child,
    arguments: Vec<String>,
    home: tempfile::TempDir,
    said: Said,
    pub port: u16,
    pub to_ready: Duration,
}

impl Program {
    /// For this organisation, with a folder as its only channel.
    pub fn start(organisation: &str, between: &Path) -> Self {
        Self::start_with(organisation, between, &[])
    }

    pub fn start_with(organisation: &str, between: &Path, more: &[&str]) -> Self {
        let arguments = arguments(organisation, between, more);
        let home = tempfile::tempdir().unwrap();
        let said = Said::default();
        let (child, port, to_ready) = begin(home.path(), &arguments, &said);
        Self { child, arguments, home, said, port, to_ready }
    }

    /// With these settings and no other channel.
    #[allow(dead_code, reason = "shared by tests of which some need it")]
    pub fn start_bare(settings: &[String]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let arguments = settings.to_vec();
        let said = Said::default();
        let (child, port, to_ready) = begin(home.path(), &arguments, &said);
        Self { child, arguments, home, said, port, to_ready }
    }

    /// In this folder; until it answers, though it takes no messages.
    #[allow(dead_code, reason = "shared by tests of which some need it")]
    pub fn start_waiting(home: tempfile::TempDir, arguments: Vec<String>) -> Self {
        let command = Command::new(program());
        let said = Said::default();
        let (child, port, to_ready) = begin_until(command, home.path(), &arguments, "takes no messages yet", &said);
        Self { child, arguments, home, said, port, to_ready }
    }

    /// What it has said so far: its log.
    #[allow(dead_code, reason = "shared by tests of which some need it")]
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Its folder.
    #[allow(dead_code, reason = "shared by tests of which some need it")]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// As systemd starts it: with a socket that is open already.
    #[cfg(unix)]
    #[allow(dead_code, reason = "one of several tests uses it")]
    pub fn start_on(socket: &std::net::TcpListener, organisation: &str, between: &Path) -> Self {
        const HAND_IN: &str = "exec 3<&0; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", HAND_IN]).arg(program());
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(socket.try_clone().unwrap())));
        let arguments = arguments(organisation, between, &[]);
        let home = tempfile::tempdir().unwrap();
        let said = Said::default();
        let (child, port, to_ready) = begin_as(command, home.path(), &arguments, &said);
        Self { child, arguments, home, said, port, to_ready }
    }

    /// Without a warning, and in the same folder again.
    pub fn killed_and_started_again(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let (child, port, to_ready) = begin(self.home.path(), &self.arguments, &self.said);
        self.child = child;
        self.port = port;
        self.to_ready = to_ready;
        self
    }

    /// Without a warning; its folder stays.
    #[allow(dead_code, reason = "shared by tests of which some need it")]
    pub fn killed(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.home, tempfile::tempdir().unwrap())
    }

    /// Waits for its end.
    pub fn exit_code(mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
            #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[cfg(unix)]
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What every one of them is told. The supervisor's arguments are among them: they are told, and do no harm.
pub fn arguments(organisation: &str, between: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--spring.profiles.active=staging",
        "--management.endpoint.shutdown.enabled=true",
        "--app.logger.enableSSL=false",
        "--server.address=127.0.0.1",
        "--server.port=0",
        "--difi.ssl.enabled=false",
        "--difi.security.enable=false",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--difi.move.org.number={organisation}"));
    arguments.push(format!("--integrasjonspunkt.loopback.folder={}", between.display()));
    arguments.extend(more.iter().map(|it| (*it).to_owned()));
    arguments
}

pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_integrasjonspunkt"))
}

fn begin(home: &Path, arguments: &[String], all: &Said) -> (Child, u16, Duration) {
    begin_as(Command::new(program()), home, arguments, all)
}

fn begin_as(command: Command, home: &Path, arguments: &[String], all: &Said) -> (Child, u16, Duration) {
    begin_until(command, home, arguments, " ready ", all)
}

fn begin_until(
    mut command: Command,
    home: &Path,
    arguments: &[String],
    word: &str,
    all: &Said,
) -> (Child, u16, Duration) {
    let begun = Instant::now();
    let mut child =
        command.current_dir(home).args(arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        if line.contains(word)
            && let Some(address) = line.split("address=").nth(1)
        {
            let port = address.split(' ').next().unwrap().rsplit(':').next().unwrap().parse().unwrap();
            let to_ready = begun.elapsed();
            // Its log is read on, so that it never waits for us; the thread ends with the process.
            let all = Said::clone(all);
            all.lock().unwrap().push_str(&said);
            std::thread::spawn(move || {
                for line in lines.map_while(Result::ok) {
                    let mut all = all.lock().unwrap();
                    if all.len() > LOG_BYTES {
                        // The last is what one asks for.
                        all.clear();
                    }
                    *all += &line;
                    all.push('\n');
                }
            });
            return (child, port, to_ready);
        }
    }
    let _ = child.kill();
    let status = child.wait();
    panic!("it did not get ready, {status:?}:\n{said}");
}
