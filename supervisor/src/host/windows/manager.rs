//! Windows' service control. Nothing is told yet: a supervisor that is run by hand, or by `WinSW`, has nobody to tell.

use std::time::Duration;

use crate::host::manager::Word;

/// The service control, if it keeps us.
#[derive(Debug, Default)]
pub struct Manager;

impl Manager {
    /// Who keeps us, as the system says.
    pub fn found() -> Self {
        Self
    }

    /// How long the loop may take for a turn before we are restarted; none: nobody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        None
    }

    /// Tells it.
    pub fn tell(&self, _: Word<'_>) {}

    /// Whether we are asked to leave because the machine goes down.
    pub async fn machine_goes_down(&self) -> bool {
        false
    }
}
