//! The words of `integrasjonspunkt service` on Windows: looks at the service control, has `scm` decide, and does it.

use super::Word;
use super::scm::{Facts, Folders, PRODUCT, Step};
use efm::service::{Plan, ServiceError, Standing, control};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// A database of an older version is brought up to date first.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// What is in hand is finished within half of it.
const STOP_PATIENCE: Duration = Duration::from_mins(1);
/// So long a program of the system may take that changes an access list; what lies in the folder inherits it.
const RIGHTS_PATIENCE: Duration = Duration::from_mins(5);

/// The service of one name.
#[derive(Debug)]
pub struct Here {
    facts: Facts,
    standing: Option<control::Standing>,
}

impl Here {
    /// The service of this name, as it stands; none: the one without a name.
    ///
    /// # Errors
    /// The service control does not tell.
    pub fn look(name: Option<&str>) -> Result<Self, ServiceError> {
        let name = name.map_or_else(|| PRODUCT.name.to_owned(), |name| PRODUCT.named(name));
        let standing = control::standing(&name).map_err(ServiceError::failed("look at the service"))?;
        let program = std::env::current_exe().map_err(ServiceError::failed("find this program"))?;
        let working = std::env::current_dir().map_err(ServiceError::failed("find the working folder"))?;
        let facts = Facts { name, known: standing.as_ref().map(|it| it.known.clone()), program, working };
        Ok(Self { facts, standing })
    }

    /// Whether this user may change it.
    ///
    /// # Errors
    /// Not this one.
    pub fn may_change(&self, act: &str) -> Result<(), ServiceError> {
        control::may_change(act)
    }

    /// A word as steps.
    ///
    /// # Errors
    /// It cannot be done as things stand.
    pub fn plan(&self, word: &Word) -> Result<Plan<Step>, ServiceError> {
        self.facts.plan(word, &Disk)
    }

    /// Carries out one step. Not cancel safe.
    ///
    /// # Errors
    /// It was not done.
    pub async fn carry_out(&self, step: &Step) -> Result<(), ServiceError> {
        carry_out(step).await.map_err(|error| control::not_done(&step.to_string(), &error))
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let name = &self.facts.name;
        let Some(it) = &self.standing else {
            let text = format!("{name} is not installed: integrasjonspunkt service install");
            return Standing { runs: false, home: None, lines: vec![("service", text)] };
        };
        let ended = it.ended_with.as_ref().map(|how| format!(", ended: {how}")).unwrap_or_default();
        let mut lines = vec![
            ("service", format!("{name}: {}{ended}, {}", it.state, it.known.start)),
            ("account", it.known.account.clone()),
        ];
        let home = self.facts.home();
        match &home {
            Some(home) => lines.push(("home", home.display().to_string())),
            None => lines.push(("program", format!("another one: {}", it.known.command_line))),
        }
        if let Some(pid) = it.pid {
            lines.push(("process", pid.to_string()));
        }
        Standing { runs: it.is_running && home.is_some(), home, lines }
    }
}

async fn carry_out(step: &Step) -> io::Result<()> {
    match step {
        Step::MakeFolder { home, .. } => {
            std::fs::create_dir_all(home)?;
            set_rights(home, step).await
        }
        Step::LetIn { home, .. } => {
            // A disk may know no rights at all.
            let refused = set_rights(home, step).await.err();
            let wrong = |why| control::Wrong { what: "let the service write in the home folder", why };
            control::tell(refused.map(wrong).into_iter().collect());
            Ok(())
        }
        Step::Put(put) => {
            control::tell(control::put(put)?);
            Ok(())
        }
        Step::Start(service) => control::start(service, START_PATIENCE).await,
        Step::Stop(service) => control::stop(service, STOP_PATIENCE).await,
        Step::Remove(service) => control::remove(service),
    }
}

/// By the system's own program, which says in its own words what is wrong.
async fn set_rights(home: &Path, step: &Step) -> io::Result<()> {
    let mut icacls = tokio::process::Command::new("icacls.exe");
    icacls.arg(home).args(step.rights().unwrap_or_default()).stdin(Stdio::null()).kill_on_drop(true);
    let said = tokio::time::timeout(RIGHTS_PATIENCE, icacls.output()).await;
    let said = said.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "icacls does not end"))??;
    if said.status.success() {
        return Ok(());
    }
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Err(io::Error::other(format!("icacls: {} {}", words(&said.stdout), words(&said.stderr))))
}

/// The disk of this machine.
struct Disk;

impl Folders for Disk {
    fn is_there(&self, folder: &Path) -> bool {
        folder.is_dir()
    }

    fn has_settings(&self, home: &Path) -> bool {
        crate::config::has_settings(home)
    }

    fn has_kosmos(&self, home: &Path) -> bool {
        home.join("kosmos").join("current.json").exists()
    }
}
