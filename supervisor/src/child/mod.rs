//! The integration point as a process: started, found again, watched, asked, stopped, killed.
//!
//! Start at [`IntegrationPoint`], the real [`Child`]. It decides nothing about upgrades: it does what it is told to the
//! process that it is told, and to no other, even one that got its number.

pub mod environment;
pub mod find;
pub mod java;
pub mod manage;
pub mod output;
pub mod port;
pub mod process;

use crate::config::Settings;
use crate::config::settings::{self, Kind};
use crate::host::system;
use crate::host::system::sockets::{self, Socket};
use crate::ports::{Child, ChildError, Examination, Exit, Launch, Needs, Process};
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Files of the integration point, Java's and ours, that grow while it migrates its data, relative to its home.
const DATABASE_FILES: [&str; 4] = [
    "integrasjonspunkt.mv.db",
    "integrasjonspunkt.trace.db",
    "integrasjonspunkt.sqlite",
    "integrasjonspunkt.sqlite-wal",
];

/// The integration point of one home folder.
#[derive(Debug)]
pub struct IntegrationPoint {
    home: PathBuf,
    settings: settings::Child,
    children: Rc<system::Children>,
    /// The port that is held for it, once it was started.
    socket: Rc<RefCell<Option<Socket>>>,
    output: output::Output,
    manage: manage::Manage,
    javas: java::Javas,
}

impl IntegrationPoint {
    /// The one of these settings. Nothing is started or looked for yet.
    pub fn new(settings: &Settings) -> Self {
        Self::of(settings.home.clone(), settings.child.clone())
    }

    /// The one of this home, an absolute path.
    pub fn of(home: PathBuf, settings: settings::Child) -> Self {
        Self {
            output: output::Output::of(&home, settings.log_size_bytes, settings.log_files_kept),
            manage: manage::Manage::new(&settings),
            javas: java::Javas::new(settings.java.clone()),
            children: Rc::default(),
            socket: Rc::default(),
            home,
            settings,
        }
    }

    /// With the processes that another one of this home has started: when settings are read again they are still ours,
    /// and nobody else can ask how they ended.
    #[must_use]
    pub fn in_place_of(self, before: &Self) -> Self {
        Self { children: Rc::clone(&before.children), socket: Rc::clone(&before.socket), ..self }
    }

    /// Passes its new lines on to our log, marked `[INCLUDED]`, while it is polled, when the settings say so; otherwise
    /// it only waits. Never resolves. Cancel safe.
    pub async fn include_log(&self) -> std::convert::Infallible {
        if self.settings.include_log { self.output.include().await } else { std::future::pending().await }
    }

    /// Where its output goes.
    pub fn log_file(&self) -> &Path {
        self.output.path()
    }

    /// The JVM that would run an archive with these needs, in words, for people.
    pub async fn java_for(&self, needs: &Needs) -> Result<String, ChildError> {
        Ok(self.javas.choose(needs.java).await?.to_string())
    }

    fn is_ours(&self, process: &Process) -> bool {
        self.children.are_parents_of(process.pid, process.started)
    }

    /// Opens the socket that the settings ask for, and closes one that they no longer do.
    fn hold_port(&self) -> std::io::Result<()> {
        let mut socket = self.socket.borrow_mut();
        let wanted = self.settings.listen;
        if socket.as_ref().map(Socket::address) == wanted {
            return Ok(());
        }
        if let Some(old) = socket.take() {
            old.close();
        }
        match wanted {
            Some(address) => *socket = Some(Socket::open(address)?),
            None => sockets::let_go(self.manage.port().number()),
        }
        Ok(())
    }

    fn lives_now(process: &Process) -> bool {
        process.boot == system::boot() && system::identify(process.pid).ok().flatten() == Some(process.started)
    }
}

impl Child for IntegrationPoint {
    async fn find(&self, remembered: Option<&Process>) -> Result<Option<Process>, ChildError> {
        self.children.reap();
        if let Some(process) = remembered.filter(|process| Self::lives_now(process)) {
            return Ok(Some(process.clone()));
        }
        find::unremembered(&self.home, self.manage.port()).map_err(|source| ChildError::Look { source })
    }

    /// Cancel safe: nothing is waited for between the start and the answer.
    async fn spawn(&self, program: &Launch) -> Result<Process, ChildError> {
        let failed = |what: &Path| {
            let what = what.display().to_string();
            move |source| ChildError::Start { what, source }
        };
        let java = match self.settings.kind {
            Kind::Java => self.javas.for_start(&program.file).await?,
            Kind::Native => PathBuf::new(),
        };
        let what = format!("integrasjonspunkt {}", program.version);
        let output = self.output.open_for(&what).map_err(failed(self.output.path()))?;
        let (path, arguments) = process::command_line(&self.settings, &java, &program.file);
        self.hold_port().map_err(|source| ChildError::Start { what: self.settings.base_url.to_string(), source })?;
        let socket = self.socket.borrow();
        let command = process::command(&path, &arguments, &self.settings, &self.home, output, socket.as_ref());
        let command = command.map_err(failed(&path))?;
        let (pid, started) = self.children.start(command).map_err(failed(&path))?;
        tracing::info!(pid, program = %path.display(), file = %program.file.display(), "started");
        Ok(Process { pid, started, boot: system::boot(), archive: Some(program.file.clone()) })
    }

    async fn ended(&self, process: &Process) -> Exit {
        if process.boot != system::boot() {
            return Exit::Gone;
        }
        if let Some(exit) = self.children.exit(process.pid, process.started) {
            return exit;
        }
        let told = system::ended(process.pid, process.started).await;
        self.children.exit(process.pid, process.started).or(told).unwrap_or(Exit::Gone)
    }

    fn boot(&self) -> String {
        system::boot()
    }

    async fn turn_logs_over(&self) -> std::io::Result<()> {
        self.children.reap();
        self.output.turn_over().await
    }

    fn lives(&self, process: &Process) -> bool {
        self.children.reap();
        Self::lives_now(process)
    }

    async fn ask_to_stop(&self, process: &Process) -> Result<(), ChildError> {
        self.manage.ask_to_stop(process, self.is_ours(process)).await
    }

    async fn terminate(&self, process: &Process) -> Result<(), ChildError> {
        if process.boot != system::boot() {
            return Ok(());
        }
        system::terminate(process.pid, process.started, self.is_ours(process))
            .await
            .map_err(|source| ChildError::Signal { act: "terminate", pid: process.pid, source })
    }

    async fn kill(&self, process: &Process) -> Result<(), ChildError> {
        if process.boot != system::boot() {
            return Ok(());
        }
        let killed = system::kill(process.pid, process.started, self.is_ours(process)).await;
        self.children.reap();
        killed.map_err(|source| ChildError::Signal { act: "kill", pid: process.pid, source })
    }

    async fn examine(&self, process: &Process) -> Result<Examination, ChildError> {
        self.manage.examine(process, self.is_ours(process)).await
    }

    async fn port_holder(&self) -> Result<Option<String>, ChildError> {
        let mut socket = self.socket.borrow_mut();
        if socket.is_none() {
            // Who adopted has started nothing yet; what systemd kept for him is no stranger on the port.
            *socket = self.settings.listen.and_then(Socket::kept);
        }
        self.manage.port().holder(socket.as_ref()).map_err(|source| ChildError::Look { source })
    }

    fn signs_of_progress(&self) -> u64 {
        let of_file = |name| fs::metadata(self.home.join(name)).map_or(0, |found| found.len());
        DATABASE_FILES.into_iter().map(of_file).fold(self.output.written(), u64::saturating_add)
    }

    fn start_up_log(&self, _process: &Process) -> String {
        self.output.start_up_log()
    }

    async fn can_run(&self, needs: &Needs) -> Result<(), ChildError> {
        match self.settings.kind {
            Kind::Native => Ok(()),
            Kind::Java => self.javas.choose(needs.java).await.map(drop),
        }
    }
}
