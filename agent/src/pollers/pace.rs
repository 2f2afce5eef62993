//! How long to wait before the next round. Pure.

use jiff::Timestamp;
use std::time::Duration;

/// The queue is looked at so often at least: another instance may have put something on it.
pub(super) const LONGEST: Duration = Duration::from_secs(5);
/// And never more often than this while nothing is taken.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);
/// After a round that failed.
pub(super) const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// A channel that gives nothing but trouble is asked so often at least.
const LONGEST_TROUBLE: Duration = Duration::from_mins(5);
/// A channel that has given something is asked again after this long at most.
const AFTER_SOME: Duration = Duration::from_secs(1);

/// A channel that asks to be left alone for longer is asked all the same.
pub(super) const LONGEST_QUIET: Duration = Duration::from_hours(1);
/// What could not be opened is tried again so often at least.
const LONGEST_TO_OPEN: Duration = Duration::from_secs(30);

/// And what is open is asked so often whether it is still there.
pub(super) const LOOKED_AFTER: Duration = Duration::from_secs(2);

/// Locks that have run out are looked for so often.
pub(super) const UNLOCK: Duration = Duration::from_secs(5);
/// Bytes that nobody names, too: at the start, and then so often.
pub(super) const LEFTOVERS: Duration = Duration::from_hours(1);
/// And conversations that may be forgotten.
pub(super) const HISTORY: Duration = Duration::from_hours(1);

/// After so many rounds of nothing but trouble, of a channel that is asked so often.
pub(super) fn after_trouble(pace: Duration, rounds: u32) -> Duration {
    let longer = 2_u32.saturating_pow(rounds.saturating_sub(1));
    pace.max(AFTER_TROUBLE).saturating_mul(longer).min(LONGEST_TROUBLE.max(pace))
}

/// A little longer, by up to a fifth: those that failed together do not ask again together.
pub(super) fn jittered(wait: Duration, noise: u8) -> Duration {
    wait.saturating_add(wait.saturating_mul(u32::from(noise)) / (5 * u32::from(u8::MAX)))
}

/// After so many tries to open something.
pub(super) fn to_open(tries: u32) -> Duration {
    AFTER_TROUBLE.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST_TO_OPEN)
}

/// After a round that brought something: there may be more.
pub(super) fn after_some(pace: Duration) -> Duration {
    (pace / 10).clamp(SHORTEST, AFTER_SOME)
}

/// Until something is due, within bounds.
pub(super) fn until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(due) = due else { return LONGEST };
    let wait = due.duration_since(now);
    let wait = if wait.is_negative() { Duration::ZERO } else { wait.unsigned_abs() };
    wait.clamp(SHORTEST, LONGEST)
}

/// How long to wait for what happens next; none: nothing more will, it has ended.
pub(super) fn patience(takes_more: bool, in_hand: usize, wait: Duration) -> Option<Duration> {
    (takes_more || in_hand > 0).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_gives_only_trouble_is_asked_less_and_less_often() {
        let dpo = Duration::from_secs(15);
        let waits: Vec<u64> = (1..8).map(|rounds| after_trouble(dpo, rounds).as_secs()).collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 300, 300]);
        assert_eq!(after_trouble(Duration::from_millis(100), 1), AFTER_TROUBLE);
        let jittered = [0, 128, 255].map(|noise| jittered(dpo, noise).as_millis());
        assert_eq!(jittered, [15_000, 16_505, 18_000]);
        let waits: Vec<u64> = (1..8).map(|tries| to_open(tries).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(to_open(u32::MAX).as_secs(), 30);
        assert_eq!((after_some(dpo), after_some(Duration::from_millis(100))), (AFTER_SOME, SHORTEST));
    }

    #[test]
    fn it_waits_until_something_is_due_and_never_too_long() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(until(None, now), LONGEST);
        assert_eq!(until(Some(now - Duration::from_secs(9)), now), SHORTEST);
        assert_eq!(until(Some(now + Duration::from_secs(2)), now), Duration::from_secs(2));
        assert_eq!(until(Some(now + Duration::from_hours(1)), now), LONGEST);
    }

    #[test]
    fn a_stop_waits_for_what_is_in_hand_and_for_nothing_else() {
        let wait = Duration::from_secs(5);
        assert_eq!(patience(true, 0, wait), Some(wait));
        assert_eq!(patience(false, 1, wait), Some(wait));
        assert_eq!(patience(false, 0, wait), None, "nothing would ever wake it");
    }
}
