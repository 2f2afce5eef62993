//! The real doors, put together in the test's own process.

use efm::clock::Clock;
use kosmos::child::IntegrationPoint;
use kosmos::config::Settings;
use kosmos::notice::{About, Notices};
use kosmos::ports::{Doors, state_folder};
use kosmos::release::jar;
use kosmos::sources::AnySource;
use kosmos::update::{Progress, Steps, World};
use kosmos::vault::{Folder, HomeLock, Plan, Unpack};
use tokio::sync::watch;

/// The doors of the real world.
#[derive(Debug)]
pub struct Real;

impl Doors for Real {
    type Source = AnySource;
    type Child = IntegrationPoint;
    type Vault = Folder;
    type Notice = Notices;
}

/// A world with the real doors, and a clock that the test has.
pub fn world(settings: Settings, lock: HomeLock, clock: Clock, leave: watch::Receiver<bool>) -> World<Real> {
    let state = state_folder(&settings.home);
    let zone = settings.schedule.timezone.clone();
    let about = About { site: "site".into(), zone, mode: settings.schedule.mode };
    let unpack: Unpack = |file, entry, to, limit| Ok(jar::unpack(file, entry, to, limit)?);
    World {
        source: AnySource::from_settings(&settings, &state),
        child: IntegrationPoint::new(&settings),
        vault: Folder::new(Plan::of(&settings), clock.clone(), unpack, lock),
        notice: Notices::open(&state, settings.mail.clone(), about, clock.clone()),
        clock,
        progress: watch::channel(Progress::Idle).0,
        steps: Steps::default(),
        leave,
        settings,
    }
}
