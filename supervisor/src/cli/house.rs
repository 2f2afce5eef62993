//! Puts the real doors together into a world.

use std::path::Path;

use efm::clock::Clock;
use tokio::sync::watch;

use crate::child::IntegrationPoint;
use crate::config::Settings;
use crate::host::{events, machine};
use crate::notice::{About, Notices};
use crate::ports::{Doors, VaultError, state_folder};
use crate::sources::AnySource;
use crate::sources::fetches::{Fetches, Shared};
use crate::update::{Progress, Steps, World};
use crate::vault::{self, Folder};

/// The settings as they were when they were last right.
pub const LAST_GOOD: &str = "settings.json";

/// Whose talk is ours: our crates, and the lines of the integration point that `include_log` passes on.
pub const OUR_CRATES: &[&str] = &["kosmos", "efm", crate::child::output::INCLUDED];

/// The doors of the real world.
#[derive(Debug)]
pub struct Real;

impl Doors for Real {
    type Source = Shared;
    type Child = IntegrationPoint;
    type Vault = Folder;
    type Notice = Notices;
}

/// What makes this site unlike others, for its share of the splay.
pub fn site(settings: &Settings) -> String {
    let organisation = settings.organisation.as_deref().unwrap_or("");
    format!("{organisation} {}", settings.home.display()).trim_start().to_owned()
}

/// A world to work in: takes the lock of the home folder and holds it.
pub fn to_work_in(settings: Settings, lock: vault::HomeLock, leave: watch::Receiver<bool>) -> World<Real> {
    let plan = vault::Plan::of(&settings);
    let vault = Folder::new(plan, Clock::machine(), unpack, lock);
    let metrics = settings.notice.metrics.clone();
    let world = world(settings, vault, leave);
    World { notice: world.notice.with_metrics(metrics), ..world }
}

/// Whether the state may be looked at at all, so that one who may not is told once and not by each door.
pub fn may_look(settings: &Settings) -> Result<(), VaultError> {
    let state = state_folder(&settings.home);
    match std::fs::read_dir(&state) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(VaultError::Disk { act: "look into", path: state, source })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A world to look at, beside a supervisor that may be working in it.
pub fn to_look_at(settings: Settings) -> World<Real> {
    let plan = vault::Plan::of(&settings);
    let vault = Folder::to_look_into(plan, Clock::machine(), unpack);
    world(settings, vault, watch::channel(false).1)
}

fn world(settings: Settings, vault: Folder, leave: watch::Receiver<bool>) -> World<Real> {
    let state = state_folder(&settings.home);
    World {
        source: Shared { source: AnySource::from_settings(&settings, &state), fetches: Fetches::default() },
        child: IntegrationPoint::new(&settings),
        vault,
        notice: notices(&settings, &state),
        clock: Clock::machine(),
        progress: watch::channel(Progress::Idle).0,
        steps: Steps::default(),
        leave,
        settings,
    }
}

fn notices(settings: &Settings, state: &Path) -> Notices {
    let webhooks = settings.notice.webhooks.clone();
    Notices::open(state, settings.mail.clone(), about(settings), Clock::machine())
        .with_webhooks(webhooks, settings.network.clone(), machine::name())
        .witnessed_by(into_event_log)
}

/// Watchers of Windows' event log have numbers to wait for; elsewhere the journal has it by our log.
fn into_event_log(row: &crate::notice::Row) {
    let version = row.to.as_deref();
    crate::host::manager::record(&events::happened(&row.what, version, row.reason.as_deref()));
}

fn about(settings: &Settings) -> About {
    let organisation = settings.organisation.as_deref().map_or_else(String::new, |number| format!("{number}, "));
    let site = format!("{organisation}{}", settings.home.display());
    About { site, zone: settings.schedule.timezone.clone(), mode: settings.schedule.mode }
}

fn unpack(
    file: &mut std::fs::File,
    entry: &str,
    to: &Path,
    limit: u64,
) -> Result<crate::release::Sha256, Box<dyn std::error::Error + Send + Sync>> {
    Ok(crate::release::jar::unpack(file, entry, to, limit)?)
}
