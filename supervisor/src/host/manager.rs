//! What keeps us: systemd, or Windows' service control. We tell it when we work, that our loop turns, what we wait for,
//! and that we leave; it restarts us when the loop hangs.
//!
//! Start at [`Manager`]. `system::manager` has the body of each system. Where nobody keeps us, nothing is told.

use std::time::Duration;

pub use super::system::manager::{Manager, as_service, record};

/// What a service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'t> {
    /// The duty loop has turned once more, and this is how it stands. The first one means: at work. It is also what the
    /// manager's watchdog waits for, so only the loop may cause it.
    Turn(&'t str),
    /// Settings are read again; the next turn ends it.
    Reloading,
    /// We leave, and need at most so long.
    Leaving(Duration),
}
