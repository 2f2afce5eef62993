//! The integration point.

use std::path::PathBuf;

use crate::release::Version;

/// The integration point as a process, and what it says of itself.
pub trait Child {
    /// Which process is this home's integration point: the one remembered if it lives, else one that KOSMOS, `WinSW` or
    /// a person started (it listens on our port, or has our home as working folder and the archive on its command line).
    async fn find(&self, remembered: Option<&Process>) -> Result<Option<Process>, ChildError>;
    /// Start these bytes. The process outlives us. The file has been hashed just before.
    async fn spawn(&self, program: &Launch) -> Result<Process, ChildError>;
    /// Resolves when the process has ended, and says how. Cancel safe.
    async fn ended(&self, process: &Process) -> Exit;
    /// Which boot of the machine this is.
    fn boot(&self) -> String;
    /// Whether it lives, now.
    fn lives(&self, process: &Process) -> bool;
    /// Ask in the orderly way: `/manage/shutdown`.
    async fn ask_to_stop(&self, process: &Process) -> Result<(), ChildError>;
    /// SIGTERM to the group, a console event, or what the system has.
    async fn terminate(&self, process: &Process) -> Result<(), ChildError>;
    /// Kill it and all that it started.
    async fn kill(&self, process: &Process) -> Result<(), ChildError>;
    /// What it says of itself: version and health. An error where nobody answers or somebody else does.
    async fn examine(&self, process: &Process) -> Result<Examination, ChildError>;
    /// Whether the port is free; if not, who has it.
    async fn port_holder(&self) -> Result<Option<String>, ChildError>;
    /// A number that grows while it works on starting: bytes of its log and its database.
    fn signs_of_progress(&self) -> u64;
    /// The last lines of its output, secrets and identity numbers masked, for mail.
    fn start_up_log(&self, process: &Process) -> String;
    /// Turn over log files that have grown too large. Cheap when there is nothing to do; called each half minute.
    async fn turn_logs_over(&self) -> std::io::Result<()>;
    /// Whether this archive can run on this machine (a JVM that is new enough); the reason where not.
    async fn can_run(&self, needs: &Needs) -> Result<(), ChildError>;
}

/// A process that can be told from every other that ever had its number.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in the system's own unit (clock ticks since boot on Linux, file time on Windows); with the pid
    /// it names a process for as long as the machine is up.
    pub started: u64,
    /// Which boot of the machine it belongs to.
    pub boot: String,
    /// The archive or program it was started from, where known.
    pub archive: Option<PathBuf>,
}

impl Process {
    /// Whether both are one and the same process.
    pub fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started == other.started && self.boot == other.boot
    }
}

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The jar, or the program that was in the archive.
    pub file: PathBuf,
    /// Its version, for logs.
    pub version: Version,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It is gone; it was not our child, so nobody told us how.
    Gone,
}

/// What an integration point says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// `build.version` of `/manage/info`, as text; it may be anything.
    pub version: Option<String>,
    /// `/manage/health`.
    pub health: efm::manage::Health,
}

/// What an archive needs to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// `Build-Jdk-Spec`: the least Java version.
    pub java: Option<u32>,
}

/// Why a door to the child failed.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("start {what}")]
    Start {
        /// The program.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// It could not be signalled.
    #[error("{act} process {pid}")]
    Signal {
        /// `terminate`, `kill`.
        act: &'static str,
        /// Which.
        pid: u32,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody answered, or not in time, or not in the language of `/manage`.
    #[error("ask {url}")]
    Ask {
        /// What was asked.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody answered, but not the process we started.
    #[error("ask {url}: process {holder} answers there, not {expected}, which we started")]
    Impostor {
        /// What was asked.
        url: String,
        /// Who has the port.
        holder: String,
        /// Who should.
        expected: u32,
    },
    /// It cannot run on this machine.
    #[error("{reason}")]
    CannotRun {
        /// What is missing and what would be right.
        reason: String,
    },
    /// The machine does not tell what we ask of it.
    #[error("look at processes")]
    Look {
        /// Why.
        source: std::io::Error,
    },
}
