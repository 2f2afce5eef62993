//! Stop: ask, wait for the process itself to end, terminate, kill. The first step right of the bar.
//!
//! A stop means that the process has ended. While the old one winds down, the bytes of the new one are hashed, unless
//! they were a moment ago, in the preflight, and are untouched since.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::preflight::Ready;
use super::roll_back::Failed;
use super::{Progress, Verified, World};
use crate::ports::{Child, ChildError, Doors, Exit, Process, Stored, Trial, Vault};

/// After a kill the system needs a moment; longer than this is a process that cannot be ended.
const AFTER_KILL: Duration = Duration::from_secs(10);
/// A port of a process that has ended is free at once, but for what the system still sorts out.
const PORT_PATIENCE: Duration = Duration::from_secs(10);
/// How often the port is looked at while it is not free.
const PORT_POLL: Duration = Duration::from_millis(10);

/// Proof that nothing of ours runs and the port is free.
#[derive(Debug)]
pub struct Stopped {
    pub(super) trial: Trial,
    pub(super) new: Verified,
    pub(super) old: Option<Stored>,
    /// When the old process ended; none: nothing ran.
    pub(super) ended: Option<Instant>,
}

/// Stops the old version, if it runs, and hashes the new one meanwhile.
pub async fn old<D: Doors>(world: &World<D>, ready: Ready) -> Result<Stopped, Failed> {
    let Ready { trial, new, old, running } = ready;
    world.progress.send_replace(Progress::Stopping(old.as_ref().map(|old| old.version().clone())));
    world.steps.begin("stop");
    let failed = |process, why: &dyn std::error::Error| {
        Failed::of_machine(trial.clone(), new.clone(), old.clone(), process, why)
    };
    if let Err(error) = world.vault.write_trial(&trial) {
        return Err(failed(running, &error));
    }
    let stopping = async {
        match &running {
            Some(process) => process_has_ended(world, process).await.map(|()| Some(Instant::now())),
            None => Ok(None),
        }
    };
    let (ended, hashed) = tokio::join!(stopping, world.vault.hash_again(new.stored()));
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return Err(failed(running, &error)),
    };
    if let Err(error) = hashed {
        return Err(failed(None, &error));
    }
    if let Err(error) = port_is_free(world).await {
        return Err(failed(None, &error));
    }
    Ok(Stopped { trial, new, old, ended })
}

/// Ask, wait, terminate, wait, kill, wait. `Ok` means that the process is gone.
pub async fn process_has_ended<D: Doors>(world: &World<D>, process: &Process) -> Result<(), super::UpdateError> {
    let grace = world.settings.child.stop_grace;
    tracing::info!(pid = process.pid, grace_s = grace.as_secs(), "stop");
    if let Err(error) = world.child.ask_to_stop(process).await {
        tracing::warn!(pid = process.pid, error = %efm::chain::Chain(&error), "shutdown refused, terminate");
    } else if ends_within(world, process, grace).await {
        forget(world);
        return Ok(());
    }
    after(world.child.terminate(process).await, process);
    if ends_within(world, process, grace).await {
        forget(world);
        return Ok(());
    }
    tracing::warn!(pid = process.pid, "still there, kill");
    after(world.child.kill(process).await, process);
    if ends_within(world, process, AFTER_KILL).await {
        forget(world);
        return Ok(());
    }
    Err(super::UpdateError::WillNotStop { pid: process.pid })
}

async fn ends_within<D: Doors>(world: &World<D>, process: &Process, limit: Duration) -> bool {
    match timeout(limit, world.child.ended(process)).await {
        Ok(exit) => {
            let code = match exit {
                Exit::Code(code) => format!("code {code}"),
                Exit::Signal(signal) => format!("signal {signal}"),
                Exit::Gone => "gone".to_owned(),
            };
            tracing::info!(pid = process.pid, how = %code, "stopped");
            true
        }
        Err(_) => false,
    }
}

fn after(signalled: Result<(), ChildError>, process: &Process) {
    if let Err(error) = signalled {
        tracing::warn!(pid = process.pid, error = %efm::chain::Chain(&error), "cannot signal");
    }
}

/// A record of a process that is gone is only a hint that leads nowhere; failing to remove it stops nothing.
fn forget<D: Doors>(world: &World<D>) {
    if let Err(error) = world.vault.remember_child(None) {
        tracing::warn!(error = %efm::chain::Chain(&error), "cannot forget a process");
    }
}

/// Bounded wait until nobody has the port.
pub(super) async fn port_is_free<D: Doors>(world: &World<D>) -> Result<(), super::UpdateError> {
    let until = Instant::now() + PORT_PATIENCE;
    loop {
        let Some(holder) = world.child.port_holder().await? else { return Ok(()) };
        if Instant::now() >= until {
            let base_url = world.settings.child.base_url.to_string();
            return Err(super::UpdateError::PortTaken { holder, base_url });
        }
        tokio::time::sleep(PORT_POLL).await;
    }
}

impl Stopped {
    /// The failure of a step that follows the stop, with nothing running.
    pub(super) fn failed(self, why: &dyn std::error::Error) -> Failed {
        Failed::of_machine(self.trial, self.new, self.old, None, why)
    }
}
