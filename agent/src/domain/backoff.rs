//! When something that failed is tried again, and when it is given up.

use std::time::Duration;

/// Waits longer each time, up to a bound, and so many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second try.
    pub first: Duration,
    /// Each time so many times longer.
    pub factor: u32,
    /// Never longer.
    pub longest: Duration,
    /// How often it is tried again.
    pub again: u32,
}

impl Backoff {
    /// The queue's: 20 s, 60 s, 180 s … every hour; five times, and then for so many hours.
    pub fn of_the_queue(maximum_retry_hours: u32) -> Self {
        Self {
            first: Duration::from_secs(20),
            factor: 3,
            longest: Duration::from_hours(1),
            again: maximum_retry_hours.saturating_add(5),
        }
    }

    /// As it is, but for its first wait.
    #[must_use]
    pub fn beginning_with(self, first: Duration) -> Self {
        Self { first, ..self }
    }

    /// Whether it was tried more often than is allowed. Only tries that nobody could tell of come so far.
    pub fn is_over(&self, tried_before: u32) -> bool {
        tried_before > self.again
    }

    /// How long to wait after a try that failed, when it was tried so often before that; none: it is given up.
    pub fn after(&self, tried_before: u32) -> Option<Duration> {
        if tried_before >= self.again {
            return None;
        }
        let factor = self.factor.checked_pow(tried_before);
        let wait = factor.and_then(|factor| self.first.checked_mul(factor));
        Some(wait.unwrap_or(self.longest).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_waits_as_the_one_of_today_and_then_gives_up() {
        let backoff = Backoff::of_the_queue(100);
        let waits: Vec<_> = (0..7).map(|tried| backoff.after(tried).unwrap().as_secs()).collect();
        assert_eq!(waits, [20, 60, 180, 540, 1620, 3600, 3600]);
        assert_eq!(backoff.after(104), Some(Duration::from_hours(1)));
        assert_eq!(backoff.after(105), None);
        assert!(!backoff.is_over(105) && backoff.is_over(106));
    }
}
