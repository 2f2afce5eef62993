//! How it stands, for those who ask.

use jiff::Timestamp;

use super::Duty;
use crate::ports::Doors;
use crate::release::Version;
use crate::schedule::Window;
use crate::update::Running;

/// What those who ask for the status are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What runs.
    pub running: Option<Running>,
    /// Whether it was seen healthy since its start.
    pub up: bool,
    /// What its own word is: red components, or why there is no answer.
    pub trouble: Option<String>,
    /// How often it has ended without a steady time since.
    pub crashes: u32,
    /// What is wrong with the settings that are set; older ones are in force.
    pub wrong_settings: Option<String>,
    /// What is staged, and what it waits for.
    pub staged: Option<(Version, String)>,
    /// The last look.
    pub last_look: Option<LookResult>,
    /// The next one.
    pub next_look: Option<Timestamp>,
    /// The window that is open, or the next one.
    pub window: Option<Window>,
    /// Asked to stop both; the loop does not turn any more.
    pub leaving: bool,
}

/// How a look ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookResult {
    /// When.
    pub at: Timestamp,
    /// Whether the source answered.
    pub reached: bool,
    /// In words.
    pub text: String,
}

impl<D: Doors> Duty<'_, D> {
    pub(super) fn publish(&self) {
        let now = self.world.clock.now();
        self.snapshot.send_modify(|seen| {
            seen.running.clone_from(&self.running);
            seen.crashes = self.crashes.count();
            seen.wrong_settings.clone_from(&self.wrong_settings);
            let staged = self.staged.as_ref();
            seen.staged = staged.map(|it| (it.verified.stored().version().clone(), self.waits_for(it)));
            seen.next_look = self.looks.next(self.looked.as_ref(), now);
            seen.window = self.windows.open_or_next(now);
        });
    }
}
