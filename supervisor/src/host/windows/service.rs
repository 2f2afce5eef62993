//! The words of `kosmos service` on Windows: looks at the service control, has `host::scm` decide, and does it.

#![deny(unsafe_code)]

use std::io;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use efm::service::{control, sid_of};

use super::{access_list, services, terminate_process};
use crate::host::scm::plan::{Facts, Folders, Found, Step};
use crate::host::scm::{self, sddl, winsw};
use crate::host::service::{Plan, SETTINGS, ServiceError, Services, Standing, Word};
use crate::host::{Surroundings, descendants};

/// A supervisor that begins reads its state first, and adopts what runs.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// A supervisor that ends waits for its integration point, which may take its grace twice.
const STOP_PATIENCE: Duration = Duration::from_mins(10);
/// Grace of the integration point, asked and then told; and what is to be written down besides.
const PRESHUTDOWN: Duration = Duration::from_mins(5);
/// What was ended by force is gone by then, also for the service control.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// The service of one name, and what is around it.
#[derive(Clone, Debug)]
pub struct Here {
    facts: Facts,
    standing: Option<control::Standing>,
}

impl Services for Here {
    type Step = Step;

    async fn look(name: Option<&str>) -> Result<Self, ServiceError> {
        let failed = ServiceError::failed;
        let all = services::all().map_err(failed("list the services"))?;
        let own = match name {
            Some(name) => scm::PRODUCT.named(name),
            None => scm::plan::name_among(&all),
        };
        let standing = control::standing(&own).map_err(failed("look at the service"))?;
        let mut kosmos = Vec::new();
        for found in all.iter().filter_map(|service| winsw::kosmos(service, read)) {
            let standing = control::standing(&found.service).map_err(failed("look at the service of KOSMOS"))?;
            let Some(standing) = standing else { continue };
            let is_enabled = standing.known.start != scm::Start::Disabled;
            kosmos.push(Found { kosmos: found, is_up: standing.known.is_up, is_enabled });
        }
        let known = standing.as_ref().map(|it| it.known.clone());
        let program = std::env::current_exe().map_err(failed("find this program"))?;
        let facts = Facts { name: own, is_named: name.is_some(), known, kosmos, program, preshutdown: PRESHUTDOWN };
        Ok(Self { facts, standing })
    }

    fn may_change(&self, act: &str) -> Result<(), ServiceError> {
        control::may_change(act)
    }

    fn plan(&self, word: &Word) -> Result<Plan<Step>, ServiceError> {
        self.facts.plan(word, &Disk)
    }

    async fn carry_out(&self, step: &Step) -> Result<(), ServiceError> {
        carry_out(step).await.map_err(|error| control::not_done(&step.to_string(), &error))
    }

    fn standing(&self) -> Standing {
        let mut lines = Vec::new();
        let name = &self.facts.name;
        match &self.standing {
            Some(it) => {
                let ended = it.ended_with.as_ref().map(|how| format!(", ended: {how}")).unwrap_or_default();
                lines.push(("service", format!("{name}: {}{ended}, {}", it.state, it.known.start)));
                lines.push(("account", it.known.account.clone()));
                if let Some(home) = self.facts.home() {
                    lines.push(("home", home.display().to_string()));
                    if !Disk.has_settings(&home) {
                        lines.push(("missing", format!("settings: {}", SETTINGS.join(", "))));
                    }
                }
                if let Some(pid) = it.pid {
                    lines.push(("supervisor", format!("process {pid}")));
                }
            }
            None => lines.push(("service", format!("{name} is not installed: kosmos service install"))),
        }
        for found in &self.facts.kosmos {
            let folder = found.kosmos.folder.as_deref().map(|it| format!(" in {}", it.display())).unwrap_or_default();
            let state = if found.is_up { "running" } else { "stopped" };
            let start = if found.is_enabled { "" } else { ", disabled" };
            lines.push(("KOSMOS", format!("{}{folder}: {state}{start}", found.kosmos.service)));
        }
        Standing { runs: self.standing.as_ref().is_some_and(|it| it.is_running), home: self.facts.home(), lines }
    }
}

async fn carry_out(step: &Step) -> io::Result<()> {
    match step {
        Step::MakeFolder(path) => std::fs::create_dir_all(path),
        Step::Put(put) => {
            control::tell(services::put(put)?);
            Ok(())
        }
        Step::SetRights { home, state, service } => {
            std::fs::create_dir_all(state)?;
            control::tell(services::set_rights(home, state, service));
            Ok(())
        }
        Step::Disable(service) => services::disable(service),
        Step::EndKosmos(kosmos) => end_kosmos(kosmos).await,
        Step::Start(service) => control::start(service, START_PATIENCE).await,
        Step::Leave(service) => control::stop(service, STOP_PATIENCE).await,
        Step::StopBoth(home) => stop_both(home).await,
        Step::Remove(service) => services::remove(service),
    }
}

/// `kosmos stop`, in a process of its own, as a person would say it.
async fn stop_both(home: &Path) -> io::Result<()> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.arg("--home").arg(home).arg("stop").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(STOP_PATIENCE, command.output()).await;
    let output = output.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not end"))??;
    match output.status.code() {
        // Done; or nobody is there, and nothing that ran: as wished.
        Some(0 | 30) => Ok(()),
        _ => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

/// Ends the wrapper and the JVM of KOSMOS and nothing else: who stops the service in order ends the whole tree, with the
/// integration point in it. Where it cannot be told which process is which, the service is stopped in order, and the
/// integration point is started again by us.
async fn end_kosmos(kosmos: &winsw::Kosmos) -> io::Result<()> {
    let Some(standing) = control::standing(&kosmos.service)? else { return Ok(()) };
    let Some(wrapper) = standing.pid else { return services::stop_other(&kosmos.service).await };
    let all = super::processes()?;
    let Some(root) = all.iter().find(|seen| seen.pid == wrapper && !seen.ended).copied() else {
        return services::stop_other(&kosmos.service).await;
    };
    let below = descendants(&all, root);
    let pids: Vec<u32> = below.iter().map(|seen| seen.pid).collect();
    let around = super::surroundings(&pids);
    let Some(theirs) = of_kosmos(&pids, &around) else {
        tracing::warn!(
            service = kosmos.service,
            "cannot tell its processes apart: all of them are ended, and ours starts anew"
        );
        return services::stop_other(&kosmos.service).await;
    };
    // The wrapper first: it would end the others, or start KOSMOS again.
    for pid in std::iter::once(wrapper).chain(theirs) {
        let started = all.iter().find(|seen| seen.pid == pid).map(|seen| seen.started);
        if started.is_some() && super::identify(pid)? == started {
            let access = windows_sys::Win32::System::Threading::PROCESS_TERMINATE;
            if let Some(process) = super::open_process(pid, access)? {
                terminate_process(&process)?;
            }
        }
    }
    control::until_stopped(&kosmos.service, ENDED_WITHIN).await
}

/// Which of these run KOSMOS; none: what one of them runs cannot be told.
fn of_kosmos(pids: &[u32], around: &[Surroundings]) -> Option<Vec<u32>> {
    let mut theirs = Vec::new();
    for pid in pids {
        let words = &around.iter().find(|it| it.pid == *pid)?.command_line;
        if words.is_empty() {
            return None;
        }
        if words.iter().any(|word| winsw::is_jar(&word.to_string_lossy())) {
            theirs.push(*pid);
        }
    }
    // Without it there is nothing that we know of this tree.
    (!theirs.is_empty()).then_some(theirs)
}

/// The text of a small file.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(winsw::LIMIT_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The disk of this machine.
struct Disk;

impl Folders for Disk {
    fn is_there(&self, folder: &Path) -> bool {
        folder.is_dir()
    }

    fn has_settings(&self, home: &Path) -> bool {
        SETTINGS.iter().any(|name| home.join(name).exists())
    }

    fn are_rights_set(&self, home: &Path, service: &str) -> bool {
        let sid = sid_of(service);
        let state: PathBuf = crate::ports::state_folder(home);
        let let_in = access_list(home).is_ok_and(|list| sddl::with_modify(&list, &sid).is_none());
        let shut =
            access_list(&state).is_ok_and(|list| list.contains(&sid) && sddl::ordinary_writers(&list).is_empty());
        let_in && shut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(pid: u32, words: &[&str]) -> Surroundings {
        Surroundings { pid, folder: None, command_line: words.iter().map(std::ffi::OsString::from).collect() }
    }

    #[test]
    fn the_integration_point_is_spared_and_what_cannot_be_told_is_not_guessed() {
        let java = around(2, &["java", "-jar", r"C:\ip\kosmos-1.4.2.jar"]);
        let point = around(3, &["java", "-jar", r"C:\ip\integrasjonspunkt-4.0.8.jar"]);
        assert_eq!(of_kosmos(&[2, 3], &[java.clone(), point.clone()]), Some(vec![2]));
        assert_eq!(of_kosmos(&[3], std::slice::from_ref(&point)), None);
        assert_eq!(of_kosmos(&[2, 3], std::slice::from_ref(&java)), None);
        assert_eq!(of_kosmos(&[2, 3], &[java, around(3, &[])]), None);
    }
}
