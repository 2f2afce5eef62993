//! Whether the broker is left alone just now: because it asks for it, or because it fails again and again. Then nobody here
//! asks it anything, whatever is due; when the pause is over one asks first, and the others when that went well. Pure.

use std::time::Duration;
use tokio::time::Instant;

/// So often in a row it may fail before it is left alone.
const PATIENCE: u32 = 5;
/// For so long at first, and each time for twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// But not for longer than this.
const LONGEST: Duration = Duration::from_mins(1);
/// Who asks first after a pause has so long before another one does.
const PROBE: Duration = Duration::from_secs(10);
/// Nobody makes us wait longer.
const LONGEST_ASKED_FOR: Duration = Duration::from_hours(1);

/// How the broker is.
#[derive(Debug, Default)]
pub(super) struct Calm {
    /// How often it failed in a row.
    failures: u32,
    until: Option<Instant>,
    /// One has been let through after a pause, and has not been answered.
    is_probed: bool,
    /// What it said last.
    why: String,
}

impl Calm {
    /// Whether it may be asked now; else how long it is left alone still, and what it said.
    pub(super) fn may_ask(&mut self, now: Instant) -> Result<(), (Duration, String)> {
        match self.until {
            Some(until) if now < until => Err((until - now, self.why.clone())),
            Some(_) => {
                self.until = Some(now + PROBE);
                self.is_probed = true;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It has answered.
    pub(super) fn is_well(&mut self) {
        *self = Self::default();
    }

    /// It has failed, and may have said for how long it is to be left alone.
    pub(super) fn is_bad(&mut self, now: Instant, wait: Option<Duration>, why: String, noise: u8) {
        let is_left_alone = self.until.is_some_and(|until| now < until) && !self.is_probed;
        if is_left_alone && wait.is_none() {
            // It was asked before, with those that failed already.
            return;
        }
        self.is_probed = false;
        self.why = why;
        self.failures = self.failures.saturating_add(1);
        let pause = match wait {
            Some(wait) => wait.min(LONGEST_ASKED_FOR),
            None if self.failures < PATIENCE => return,
            None => FIRST.saturating_mul(2_u32.saturating_pow(self.failures - PATIENCE)).min(LONGEST),
        };
        // Longer by up to a fifth: others have been told the same.
        let pause = pause + pause * u32::from(noise) / (5 * u32::from(u8::MAX));
        let until = Some(now + pause);
        self.until = if is_left_alone { self.until.max(until) } else { until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_that_fails_again_and_again_is_left_alone_for_longer_each_time() {
        let (mut calm, mut now) = (Calm::default(), Instant::now());
        for _ in 0..4 {
            calm.is_bad(now, None, "503".into(), 0);
            assert_eq!(calm.may_ask(now), Ok(()));
        }
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            calm.is_bad(now, None, "503".into(), 0);
            assert_eq!(calm.may_ask(now), Err((SECOND * pause, "503".into())));
            now += SECOND * pause;
            assert_eq!(calm.may_ask(now), Ok(()));
            assert_eq!(calm.may_ask(now), Err((PROBE, "503".into())), "one asks first");
        }
        calm.is_well();
        assert_eq!(calm.may_ask(now), Ok(()));
        assert_eq!(calm.may_ask(now), Ok(()));
    }

    #[test]
    fn those_that_fail_together_count_as_one() {
        let (mut calm, now) = (Calm::default(), Instant::now());
        for _ in 0..20 {
            calm.is_bad(now, None, "503".into(), 0);
        }
        assert_eq!(calm.may_ask(now), Err((SECOND, "503".into())));
    }

    #[test]
    fn one_that_says_for_how_long_is_left_alone_for_so_long_and_a_little_longer() {
        let now = Instant::now();
        for (said, noise, pause) in [(30, 0, 30_000), (30, 255, 36_000), (100_000, 0, 3_600_000), (0, 0, 0)] {
            let mut calm = Calm::default();
            calm.is_bad(now, Some(SECOND * said), "429".into(), noise);
            let (left, _) = calm.may_ask(now).err().unwrap_or_default();
            assert_eq!(left, Duration::from_millis(pause));
        }
    }
}
