//! Answers that are kept for a while. Who asks for what is being asked for waits for that answer; nobody asks twice.
//!
//! A failure is not kept: it is the answer of those who waited for it, and who comes later asks again. Dropped while it
//! asks, the next in line asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Answers by what was asked for.
#[derive(Debug)]
pub struct Kept<K, V, E> {
    slots: Mutex<BTreeMap<K, Arc<Slot<V, E>>>>,
    most: usize,
}

#[derive(Debug)]
struct Slot<V, E> {
    /// How many have come.
    came: AtomicU64,
    last: tokio::sync::Mutex<Option<Last<V, E>>>,
}

#[derive(Debug)]
enum Last<V, E> {
    Got {
        value: V,
        until: Instant,
    },
    /// With how many had come by then: those waited for it.
    Failed {
        error: E,
        for_those_before: u64,
    },
}

impl<K: Ord + Clone, V: Clone, E: Clone> Kept<K, V, E> {
    /// Keeps about so many at most.
    pub fn at_most(most: usize) -> Self {
        Self { slots: Mutex::default(), most }
    }

    /// What is kept for this, or what `ask` says, with how long that may be kept; it begins only where nothing is kept.
    /// Cancel safe.
    pub async fn get_or(&self, key: &K, ask: impl Future<Output = Result<(V, Duration), E>>) -> Result<V, E> {
        let slot = self.slot(key);
        let number = slot.came.fetch_add(1, Ordering::Relaxed);
        let mut last = slot.last.lock().await;
        match &*last {
            Some(Last::Got { value, until }) if Instant::now() < *until => return Ok(value.clone()),
            Some(Last::Failed { error, for_those_before }) if number < *for_those_before => return Err(error.clone()),
            _ => {}
        }
        let (now, said) = match ask.await {
            Ok((value, keep)) => (Last::Got { value: value.clone(), until: Instant::now() + keep }, Ok(value)),
            Err(error) => {
                let for_those_before = slot.came.load(Ordering::Relaxed);
                (Last::Failed { error: error.clone(), for_those_before }, Err(error))
            }
        };
        *last = Some(now);
        said
    }

    /// What was kept for this is not kept any more.
    pub fn forget(&self, key: &K) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// What was kept for this is not kept any more, where it is such a one. Whoever is asking anew goes on.
    pub fn forget_if(&self, key: &K, is_such: impl FnOnce(&V) -> bool) {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(key).map(Arc::clone);
        if let Some(mut last) = slot.as_ref().and_then(|slot| slot.last.try_lock().ok())
            && matches!(&*last, Some(Last::Got { value, .. }) if is_such(value))
        {
            *last = None;
        }
    }

    fn slot(&self, key: &K) -> Arc<Slot<V, E>> {
        // Nothing is left half done under this lock.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.most {
            let now = Instant::now();
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_worth_keeping(now));
        }
        if slots.len() >= self.most {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        let slot = Arc::new(Slot { came: AtomicU64::new(0), last: tokio::sync::Mutex::new(None) });
        slots.insert(key.clone(), Arc::clone(&slot));
        slot
    }
}

impl<V, E> Slot<V, E> {
    fn is_worth_keeping(&self, now: Instant) -> bool {
        self.last.try_lock().map_or(true, |last| matches!(&*last, Some(Last::Got { until, .. }) if now < *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_ask_once_and_the_answer_lasts_as_long_as_it_said() {
        let (kept, asked) = (Kept::<_, _, ()>::at_most(10), AtomicU32::new(0));
        let ask = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok((asked.fetch_add(1, Ordering::Relaxed), MINUTE))
        };
        let all = futures_util::future::join_all((0..50).map(|_| kept.get_or(&"a", ask()))).await;
        assert!(all.iter().all(|it| *it == Ok(0)), "{all:?}");
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert_eq!(kept.get_or(&"a", ask()).await, Ok(0));
        assert_eq!(kept.get_or(&"b", ask()).await, Ok(1));
        tokio::time::advance(MINUTE).await;
        assert_eq!(kept.get_or(&"a", ask()).await, Ok(2));
        kept.forget(&"a");
        assert_eq!(kept.get_or(&"a", ask()).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_good_is_thrown_away_and_what_came_after_it_is_kept() {
        let kept = Kept::<_, u32, ()>::at_most(10);
        let get = async |value| kept.get_or(&"a", async { Ok((value, MINUTE)) }).await.unwrap();
        assert_eq!(get(1).await, 1);
        kept.forget_if(&"a", |value| *value == 1);
        assert_eq!(get(2).await, 2);
        // Who says so late means the first one.
        kept.forget_if(&"a", |value| *value == 1);
        kept.forget_if(&"b", |_| true);
        assert_eq!(get(3).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_those_who_waited_and_the_next_asks_again() {
        let (kept, asked) = (Kept::<_, u32, u32>::at_most(10), AtomicU32::new(0));
        let ask = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(asked.fetch_add(1, Ordering::Relaxed))
        };
        let all = futures_util::future::join_all((0..50).map(|_| kept.get_or(&"a", ask()))).await;
        assert!(all.iter().all(|it| *it == Err(0)), "{all:?}");
        assert_eq!(kept.get_or(&"a", ask()).await, Err(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_dropped_while_asking_leaves_the_asking_to_the_next() {
        let kept = Kept::<_, u32, ()>::at_most(10);
        let never = kept.get_or(&"a", std::future::pending());
        let second = kept.get_or(&"a", async { Ok((7, MINUTE)) });
        let first = async { tokio::time::timeout(Duration::from_secs(1), never).await.is_err() };
        assert_eq!(tokio::join!(first, second), (true, Ok(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_kept_than_was_said() {
        let kept = Kept::<_, u32, ()>::at_most(10);
        for key in 0..100 {
            kept.get_or(&key, async { Ok((key, MINUTE)) }).await.unwrap();
        }
        assert!(kept.slots.lock().unwrap().len() <= 10);
    }
}
