//! The wall clock, as a value that is handed in. The only place that asks the machine what time it is.
//!
//! Durations are measured with `tokio::time`; this is for dates only. [`Clock::paused_at`] follows tokio's
//! clock, so that a test on paused time moves both hands at once.

use jiff::Timestamp;

/// What time it is.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Machine,
    FollowsTokio { from: Timestamp, since: tokio::time::Instant },
}

impl Clock {
    /// The machine's own clock.
    pub fn machine() -> Self {
        Self(Kind::Machine)
    }

    /// A clock that shows `from` now and goes on as `tokio::time` does.
    pub fn paused_at(from: Timestamp) -> Self {
        Self(Kind::FollowsTokio { from, since: tokio::time::Instant::now() })
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[allow(clippy::disallowed_methods, reason = "this is the module that owns the clock")]
            Kind::Machine => Timestamp::now(),
            Kind::FollowsTokio { from, since } => *from + since.elapsed(),
        }
    }
}
