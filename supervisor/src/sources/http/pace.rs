//! How long we wait for bytes and how fast we take them. Pure: told how long was waited and what came, it says whether
//! to go on.
//!
//! Only time spent waiting for the server counts; a slow disk of ours, or a cap that we set, is not the server's fault.

use std::time::Duration;

/// A speed is judged over this long.
pub const SPEED_WINDOW: Duration = Duration::from_mins(1);

/// The clock and the scales of one body.
#[derive(Debug)]
pub struct Pace {
    read_timeout: Duration,
    window: Duration,
    slowest_bytes_per_second: u64,
    patience_left: Duration,
    waited_in_window: Duration,
    bytes_in_window: u64,
}

/// Why we no longer wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// Nothing came for too long.
    #[error("nothing came for {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// Something came, but too little.
    #[error("{bytes} bytes in {} s are fewer than {slowest} a second", window.as_secs_f32())]
    Slow {
        /// What came.
        bytes: u64,
        /// In how long.
        window: Duration,
        /// What is expected.
        slowest: u64,
    },
    /// All in all it took too long.
    #[error("it took longer than network.total_timeout and network.slowest_per_second allow")]
    Late,
}

impl Pace {
    /// For a body that may take `total`, and what `length` bytes need at the slowest speed that is borne.
    pub fn new(read_timeout: Duration, total: Duration, length: u64, slowest_bytes_per_second: u64) -> Self {
        let slowest = slowest_bytes_per_second.max(1);
        Self {
            read_timeout,
            window: SPEED_WINDOW,
            slowest_bytes_per_second,
            patience_left: total.saturating_add(Duration::from_secs(length / slowest)),
            waited_in_window: Duration::ZERO,
            bytes_in_window: 0,
        }
    }

    /// For a small body: `total` and not a moment more.
    pub fn strict(read_timeout: Duration, total: Duration) -> Self {
        Self::new(read_timeout, total, 0, 0)
    }

    /// How long to wait for the next bytes.
    pub fn patience(&self) -> Duration {
        self.read_timeout.min(self.patience_left)
    }

    /// The wait of [`Pace::patience`] ended with nothing.
    pub fn nothing_came(&self) -> GivenUp {
        if self.patience_left <= self.read_timeout { GivenUp::Late } else { GivenUp::Silent(self.read_timeout) }
    }

    /// After `waited`, these many bytes came.
    pub fn came(&mut self, waited: Duration, bytes: u64) -> Result<(), GivenUp> {
        self.patience_left = self.patience_left.saturating_sub(waited);
        self.waited_in_window = self.waited_in_window.saturating_add(waited);
        self.bytes_in_window = self.bytes_in_window.saturating_add(bytes);
        if self.patience_left.is_zero() {
            return Err(GivenUp::Late);
        }
        if self.waited_in_window < self.window {
            return Ok(());
        }
        let (waited, bytes) = (self.waited_in_window, self.bytes_in_window);
        self.waited_in_window = Duration::ZERO;
        self.bytes_in_window = 0;
        if bytes < self.slowest_bytes_per_second.saturating_mul(waited.as_secs().max(1)) {
            return Err(GivenUp::Slow { bytes, window: waited, slowest: self.slowest_bytes_per_second });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_drip_is_given_up_after_a_minute_and_not_before() {
        let mut pace = Pace::new(30 * SECOND, 60 * SECOND, 1 << 30, 4096);
        for second in 1..60 {
            assert_eq!(pace.came(SECOND, 1), Ok(()), "second {second}");
        }
        assert_eq!(pace.came(SECOND, 1), Err(GivenUp::Slow { bytes: 60, window: 60 * SECOND, slowest: 4096 }));
    }

    #[test]
    fn what_is_just_fast_enough_is_borne_to_the_end() {
        let length = 4096 * 600;
        let mut pace = Pace::new(30 * SECOND, 60 * SECOND, length, 4096);
        for _ in 0..600 {
            assert_eq!(pace.came(SECOND, 4096), Ok(()));
        }
    }

    #[test]
    fn a_fast_minute_does_not_pay_for_a_slow_one() {
        let mut pace = Pace::new(30 * SECOND, 60 * SECOND, 1 << 40, 4096);
        assert_eq!(pace.came(60 * SECOND, 1 << 30), Ok(()));
        assert!(matches!(pace.came(60 * SECOND, 10), Err(GivenUp::Slow { .. })));
    }

    #[test]
    fn a_small_body_gets_the_total_time_and_no_more() {
        let mut pace = Pace::strict(5 * SECOND, 8 * SECOND);
        assert_eq!(pace.patience(), 5 * SECOND);
        assert_eq!(pace.nothing_came(), GivenUp::Silent(5 * SECOND));
        assert_eq!(pace.came(4 * SECOND, 1), Ok(()));
        assert_eq!((pace.patience(), pace.nothing_came()), (4 * SECOND, GivenUp::Late));
        assert_eq!(pace.came(4 * SECOND, 1), Err(GivenUp::Late));
    }
}
