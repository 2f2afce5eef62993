//! How the broker goes wrong where it is told to: files come twice, in another order, in part. Drawn from a seed.

use crate::faults::Seeded;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is looked at before it is published is looked at for so long at most.
const LONGEST_LOOK_MS: u64 = 3000;

/// How often each goes wrong: parts of all, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mischief {
    /// Files that are there twice, as those of a sender whose answer was lost.
    pub duplicates: f64,
    /// Files that are looked at for so long that later ones are published before them. With any of them lists have no order.
    pub disorder: f64,
    /// Uploads and downloads that end in the middle; of the downloads one in two without a sign of it.
    pub cuts: f64,
    /// Uploads that are here, and whose answer is a 503.
    pub unheard: f64,
}

/// What is drawn.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    how: Mischief,
    random: Seeded,
    slow: BTreeMap<String, Duration>,
    holds_back: bool,
}

impl Drawn {
    pub(super) fn new(how: Mischief, seed: u64) -> Self {
        Self { how, random: Seeded(seed), ..Self::default() }
    }

    /// Whether a file is there twice.
    pub(super) fn again(&mut self) -> bool {
        self.random.part() < self.how.duplicates
    }

    /// For how long a file is looked at before it is published; none: for good.
    pub(super) fn delay(&mut self) -> Option<SignedDuration> {
        if self.holds_back {
            return None;
        }
        if self.random.part() >= self.how.disorder {
            return Some(SignedDuration::ZERO);
        }
        Some(SignedDuration::from_millis(i64::try_from(self.random.next() % LONGEST_LOOK_MS).unwrap_or(0)))
    }

    pub(super) fn hold_back(&mut self, holds: bool) {
        self.holds_back = holds;
    }

    /// After how many of these bytes it ends.
    pub(super) fn cut(&mut self, length: u64) -> Option<u64> {
        let is_cut = self.random.part() < self.how.cuts && length > 0;
        is_cut.then(|| self.random.next() % length)
    }

    /// Whether who uploads is not told that it went well.
    pub(super) fn is_unheard(&mut self) -> bool {
        self.random.part() < self.how.unheard
    }

    /// Whether it ends as if that were all.
    pub(super) fn is_clean(&mut self) -> bool {
        self.random.next().is_multiple_of(2)
    }

    pub(super) fn slow_down(&mut self, id: &str, pause: Duration) {
        self.slow.insert(id.to_owned(), pause);
    }

    /// Before each chunk of this file.
    pub(super) fn pause(&self, id: &str) -> Duration {
        self.slow.get(id).copied().unwrap_or_default()
    }

    /// Puts a list out of order.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        if self.how.disorder <= 0.0 {
            return;
        }
        for at in (1..list.len()).rev() {
            let other = self.random.next() % u64::try_from(at + 1).unwrap_or(1);
            list.swap(at, usize::try_from(other).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_often_as_it_was_told_and_the_same_for_the_same_seed() {
        let how = Mischief { duplicates: 0.25, disorder: 0.5, cuts: 0.1, unheard: 0.0 };
        let drawn = |seed| {
            let mut drawn = Drawn::new(how, seed);
            let one = |_| (drawn.again(), drawn.delay().unwrap(), drawn.cut(1000));
            (0..2000).map(one).collect::<Vec<_>>()
        };
        let all = drawn(3);
        assert_eq!(all, drawn(3));
        let again = all.iter().filter(|it| it.0).count();
        let late = all.iter().filter(|it| !it.1.is_zero()).count();
        let cut = all.iter().filter(|it| it.2.is_some()).count();
        assert!((400..600).contains(&again) && (900..1100).contains(&late) && (150..250).contains(&cut));
        assert!(all.iter().all(|it| it.2.is_none_or(|at| at < 1000)));
        let mut nothing = Drawn::new(Mischief::default(), 3);
        assert_eq!((nothing.again(), nothing.delay(), nothing.cut(9)), (false, Some(SignedDuration::ZERO), None));
    }

    #[test]
    fn a_list_out_of_order_has_the_same_in_it() {
        let mut list: Vec<u32> = (0..100).collect();
        Drawn::new(Mischief { disorder: 0.1, ..Mischief::default() }, 3).shuffle(&mut list);
        assert!(!list.is_sorted());
        list.sort_unstable();
        assert_eq!(list, (0..100).collect::<Vec<_>>());
    }
}
