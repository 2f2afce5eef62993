//! What follows when the child ends by itself: restarted at once, then with growing pauses; a loop is told once.
//! Values only: moments are handed in.

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause before a restart.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// So long without an end is steady: the pauses start from the beginning.
pub const STEADY_AFTER: Duration = Duration::from_mins(10);
/// So many ends without a steady time are a loop.
const LOOP_AFTER: u32 = 5;

/// The ends that have not been followed by a steady time.
#[derive(Clone, Debug, Default)]
pub struct Crashes {
    count: u32,
    last_start: Option<Instant>,
    looping: bool,
}

/// What to do about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The pause before the restart.
    pub pause: Duration,
    /// A loop has just been recognised: tell it, once.
    pub loop_began: bool,
}

impl Crashes {
    /// It was started, or found running.
    pub fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
    }

    /// It ended by itself, or could not be started.
    pub fn ended(&mut self, now: Instant) -> After {
        if self.last_start.is_some_and(|start| now.duration_since(start) >= STEADY_AFTER) {
            self.count = 0;
        }
        self.last_start = None;
        let doublings = self.count.saturating_sub(1).min(6);
        let pause =
            if self.count == 0 { Duration::ZERO } else { Duration::from_secs(1 << doublings).min(LONGEST_PAUSE) };
        self.count = self.count.saturating_add(1);
        let loop_began = self.count >= LOOP_AFTER && !self.looping;
        self.looping |= loop_began;
        After { pause, loop_began }
    }

    /// True once, when a loop is over.
    pub fn loop_is_over(&mut self, now: Instant) -> bool {
        let steady = self.last_start.is_some_and(|start| now.duration_since(start) >= STEADY_AFTER);
        if steady {
            self.count = 0;
        }
        steady && std::mem::take(&mut self.looping)
    }

    /// Whether it is in a loop now.
    pub fn is_looping(&self) -> bool {
        self.looping
    }

    /// How often it has ended without a steady time since.
    pub fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_comes_at_once_and_the_pauses_grow_to_a_ceiling() {
        let now = Instant::now();
        let mut crashes = Crashes::default();
        let pauses: Vec<u64> = (0..9)
            .map(|_| {
                crashes.started(now);
                crashes.ended(now).pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_loop_is_told_once_and_so_is_its_end() {
        let mut now = Instant::now();
        let mut crashes = Crashes::default();
        let told = (0..20).filter(|_| {
            crashes.started(now);
            crashes.ended(now).loop_began
        });
        assert_eq!(told.count(), 1);
        crashes.started(now);
        assert!(!crashes.loop_is_over(now));
        now += STEADY_AFTER;
        assert!(crashes.loop_is_over(now));
        assert!(!crashes.loop_is_over(now));
        assert_eq!(crashes.ended(now).pause, Duration::ZERO);
    }
}
