//! How long to wait before the next round. Pure.

use jiff::Timestamp;
use std::time::Duration;

/// The queue is looked at so often at least: another instance may have put something on it.
pub(super) const LONGEST: Duration = Duration::from_secs(5);
/// And never more often than this while nothing is taken.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);
/// After a round that failed.
pub(super) const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// A channel that leads to a folder is asked so often.
pub(super) const FOLDER: Duration = Duration::from_millis(100);

/// Locks that have run out are looked for so often.
pub(super) const UNLOCK: Duration = Duration::from_secs(5);
/// Bytes that nobody names, too: at the start, and then so often.
pub(super) const LEFTOVERS: Duration = Duration::from_hours(1);
/// And conversations that may be forgotten.
pub(super) const HISTORY: Duration = Duration::from_hours(1);

/// Until something is due, within bounds.
pub(super) fn until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(due) = due else { return LONGEST };
    let wait = due.duration_since(now);
    let wait = if wait.is_negative() { Duration::ZERO } else { wait.unsigned_abs() };
    wait.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_until_something_is_due_and_never_too_long() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(until(None, now), LONGEST);
        assert_eq!(until(Some(now - Duration::from_secs(9)), now), SHORTEST);
        assert_eq!(until(Some(now + Duration::from_secs(2)), now), Duration::from_secs(2));
        assert_eq!(until(Some(now + Duration::from_hours(1)), now), LONGEST);
    }
}
