//! What is remembered of transfers from one round to the next, so that the broker is not asked the same again and again. It is
//! bounded, and lost with the program: then it is asked once more.

use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Of more than so many it begins anew.
const MOST: usize = 10_000;
/// What did not come whole is tried again after so long, and each time after twice as long.
pub(super) const SOON: Duration = Duration::from_secs(5);
/// And what could not be opened: somebody must do something first.
pub(super) const LATER: Duration = Duration::from_mins(1);
/// But never after longer than this.
const LONGEST: Duration = Duration::from_hours(1);
/// Every so many rounds it is asked for what was begun and never confirmed, by whomever.
const ROUNDS: u32 = 20;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Known {
    rounds: u32,
    /// For another integration point of the organisation, and when they were announced.
    foreign: BTreeMap<String, Option<Timestamp>>,
    /// To be tried later.
    later: BTreeMap<String, Later>,
    /// Downloads that we have begun and not confirmed: the broker has them in another list now.
    begun: BTreeSet<String>,
}

/// A transfer that is not to be asked about now.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftAlone {
    /// When it was announced, where that is known.
    pub(super) created: Option<Timestamp>,
}

#[derive(Debug)]
struct Later {
    tries: u32,
    not_before: Instant,
    created: Option<Timestamp>,
}

impl Known {
    /// A round begins; says whether it is to ask for downloads that were begun, too.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let is_due = self.rounds.is_multiple_of(ROUNDS);
        self.rounds = self.rounds.wrapping_add(1);
        // What is to be tried later was begun before.
        is_due || !self.begun.is_empty() || self.later.values().any(|later| later.not_before <= now)
    }

    /// All that was begun and is still there was in this round; the rest is gone.
    pub(super) fn are_all(&mut self, seen: &BTreeSet<String>) {
        self.begun.retain(|id| seen.contains(id));
        self.later.retain(|id, _| seen.contains(id));
    }

    /// What is known of one that is not to be asked about now; none: ask.
    pub(super) fn left_alone(&self, id: &str, now: Instant) -> Option<LeftAlone> {
        let later = self.later.get(id).filter(|later| later.not_before > now).map(|later| later.created);
        later.or_else(|| self.foreign.get(id).copied()).map(|created| LeftAlone { created })
    }

    pub(super) fn is_foreign(&mut self, id: String, created: Option<Timestamp>) {
        if self.foreign.len() >= MOST {
            self.foreign.clear();
        }
        self.foreign.insert(id, created);
    }

    pub(super) fn is_begun(&mut self, id: &str) {
        if self.begun.len() >= MOST {
            self.begun.clear();
        }
        self.begun.insert(id.to_owned());
    }

    /// Nobody has it any more, or we have it.
    pub(super) fn is_over(&mut self, id: &str) {
        self.begun.remove(id);
        self.later.remove(id);
    }

    pub(super) fn try_later(&mut self, id: String, created: Option<Timestamp>, now: Instant, first: Duration) {
        if self.later.len() >= MOST {
            self.later.clear();
        }
        self.begun.remove(&id);
        let tries = self.later.get(&id).map_or(0, |later| later.tries);
        let wait = first.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST);
        self.later.insert(id, Later { tries: tries.saturating_add(1), not_before: now + wait, created });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_opened_is_left_alone_for_longer_each_time() {
        let (mut known, now) = (Known::default(), Instant::now());
        for (tries, wait) in [(0, 60), (1, 120), (2, 240), (3, 480), (4, 960), (5, 1920), (6, 3600), (7, 3600)] {
            known.try_later("a".into(), None, now, LATER);
            let after = |seconds| now + Duration::from_secs(seconds);
            assert!(known.left_alone("a", after(wait - 1)).is_some(), "after try {tries}");
            assert!(known.left_alone("a", after(wait)).is_none(), "after try {tries}");
        }
        known.is_over("a");
        assert!(known.left_alone("a", now).is_none());
    }

    #[test]
    fn downloads_that_were_begun_are_asked_for_at_the_start_when_there_are_some_and_now_and_then() {
        let (mut known, now) = (Known::default(), Instant::now());
        let asked: Vec<u32> = (0..45).filter(|_| known.begin(now)).collect();
        assert_eq!(asked.len(), 3, "{asked:?}");
        known.is_begun("a");
        assert!(known.begin(now) && known.begin(now));
        known.is_over("a");
        assert!(!known.begin(now));
    }

    #[test]
    fn what_is_gone_or_waits_is_not_asked_for_each_time() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.begin(now);
        known.is_begun("gone");
        known.is_begun("there");
        known.are_all(&["there".to_owned()].into());
        assert!(known.begin(now));
        known.try_later("there".into(), None, now, SOON);
        assert!(!known.begin(now), "it waits");
        assert!(known.begin(now + SOON), "it is due");
        known.are_all(&BTreeSet::new());
        assert!(!known.begin(now + SOON), "it was purged");
    }
}
