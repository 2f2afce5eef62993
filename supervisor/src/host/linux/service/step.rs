//! One thing that is done, and the few questions that only the machine can answer.

use std::fmt;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::quiet;
use crate::host::service::ServiceError;

/// A supervisor that stops waits for its integration point; systemd itself ends what takes longer.
const STEP_PATIENCE: Duration = Duration::from_mins(10);

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A file is written.
    Write {
        /// Where.
        path: PathBuf,
        /// What is in it.
        text: String,
    },
    /// A file of ours is removed.
    Remove(PathBuf),
    /// This program is put where a service may start it.
    PutProgram(PathBuf),
    /// `systemctl` is told something.
    Systemctl(Vec<String>),
    /// A program of systemd's is run.
    Program(&'static str, Vec<String>),
    /// `kosmos stop`, as the user who owns the state: supervisor and integration point.
    StopBoth(PathBuf),
}

impl Step {
    /// `systemctl <word> <unit>`
    pub fn systemctl(word: &str, unit: &str) -> Self {
        Self::Systemctl(vec![word.to_owned(), unit.to_owned()])
    }

    /// Does it.
    pub async fn carry_out(&self) -> Result<(), ServiceError> {
        let failed = |error: io::Error| ServiceError::Failed { step: self.to_string(), why: error.to_string() };
        match self {
            Self::Write { path, text } => write(path, text).map_err(failed),
            Self::Remove(path) => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                Ok(()) | Err(_) => {
                    // The folder of what differs is left where there is more in it.
                    let _ = path
                        .parent()
                        .filter(|it| it.extension().is_some_and(|end| end == "d"))
                        .map(std::fs::remove_dir);
                    Ok(())
                }
            },
            Self::PutProgram(path) => put_program(path).map_err(failed),
            Self::Systemctl(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                run(self, quiet("systemctl").arg("--no-ask-password").args(words)).await.map(drop)
            }
            Self::Program(program, words) => run(self, quiet(program).args(words)).await.map(drop),
            Self::StopBoth(home) => self.stop_both(home).await,
        }
    }

    /// As its owner, so that nothing in the home folder becomes root's.
    async fn stop_both(&self, home: &Path) -> Result<(), ServiceError> {
        let failed = |why: String| ServiceError::Failed { step: self.to_string(), why };
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let state = crate::ports::state_folder(home);
        let owner = state.metadata().map_err(|error| failed(format!("{}: {error}", state.display())))?;
        let mut command = quiet(&program.to_string_lossy());
        command.arg("--home").arg(home).arg("stop").uid(owner.uid()).gid(owner.gid());
        let ended = tokio::time::timeout(STEP_PATIENCE, command.output()).await;
        let output =
            ended.map_err(|_| failed("it does not end".to_owned()))?.map_err(|error| failed(error.to_string()))?;
        // Nobody there, and nothing that ran: as wished.
        match output.status.code() {
            Some(0 | 30) => Ok(()),
            _ => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, .. } => write!(f, "write {}", path.display()),
            Self::Remove(path) => write!(f, "remove {}", path.display()),
            Self::PutProgram(path) => write!(f, "copy this program to {}", path.display()),
            Self::Systemctl(words) => write!(f, "systemctl {}", words.join(" ")),
            Self::Program(program, words) => write!(f, "{program} {}", words.join(" ")),
            Self::StopBoth(home) => {
                write!(f, "stop the integration point and the supervisor in {}", home.display())
            }
        }
    }
}

/// What `systemctl` answers.
pub async fn systemctl(words: &[&str]) -> Result<String, ServiceError> {
    let step = Step::Systemctl(words.iter().take(2).map(|&word| word.to_owned()).collect());
    run(&step, quiet("systemctl").args(words)).await
}

async fn run(step: &Step, command: &mut tokio::process::Command) -> Result<String, ServiceError> {
    let failed = |why: String| ServiceError::Failed { step: step.to_string(), why };
    let ended = tokio::time::timeout(STEP_PATIENCE, command.kill_on_drop(true).output()).await;
    let output = ended.map_err(|_| failed("it does not end".to_owned()))?.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed(if said.is_empty() { output.status.to_string() } else { said }))
}

/// What came from KOSMOS' environment may be secret: nobody else reads what holds it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    efm::atomic::replace(path, text.as_bytes())?;
    let mode = if text.contains("\nEnvironment=") { 0o600 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn put_program(path: &Path) -> io::Result<()> {
    efm::atomic::replace(path, &std::fs::read(std::env::current_exe()?)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// Whether this very program, or one with the same bytes, lies there.
pub fn is_this_program(path: &Path) -> bool {
    let Ok(own) = std::env::current_exe() else { return false };
    let same_place = std::fs::canonicalize(path).is_ok_and(|there| there == own);
    same_place || matches!((std::fs::read(own), std::fs::read(path)), (Ok(own), Ok(there)) if own == there)
}

/// Who owns something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// By name.
    pub name: String,
}

/// Who owns a folder; none: it is not there, or its owner has no name.
pub fn owner(path: &Path) -> Option<Owner> {
    let number = path.metadata().ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let name = users.lines().find(|line| line.split(':').nth(2) == Some(&number))?.split(':').next()?;
    Some(Owner { name: name.to_owned() })
}

/// Whether there is such a user. One that another source than `/etc/passwd` knows is asked for with `id`.
pub fn is_user(name: &str) -> bool {
    let known = std::fs::read_to_string("/etc/passwd");
    known.is_ok_and(|users| users.lines().any(|line| line.split(':').next() == Some(name)))
        || std::process::Command::new("id").arg("--").arg(name).output().is_ok_and(|output| output.status.success())
}
