//! Until when a message is worth delivering.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The moment after which a message is not sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// At this moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(moment)
    }

    /// So long after now; the end of time where that is beyond it.
    pub fn after(now: Timestamp, time_to_live: Duration) -> Self {
        let span = SignedDuration::try_from(time_to_live).unwrap_or(SignedDuration::MAX);
        Self(now.checked_add(span).unwrap_or(Timestamp::MAX))
    }

    /// The moment itself.
    pub fn moment(self) -> Timestamp {
        self.0
    }

    /// Whether it is over; the moment itself still counts.
    pub fn is_past(self, now: Timestamp) -> bool {
        self.0 < now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moment_still_counts() {
        let now = Timestamp::UNIX_EPOCH;
        let deadline = Deadline::after(now, Duration::from_secs(1));
        assert!(!deadline.is_past(deadline.moment()));
        assert!(deadline.is_past(deadline.moment() + SignedDuration::from_millis(1)));
        assert_eq!(Deadline::after(now, Duration::MAX).moment(), Timestamp::MAX);
    }
}
