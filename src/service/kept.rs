//! A program that a service control keeps: what the control asks of it, and what it is told. The control itself is behind
//! a door, so that all of this is the same on every system; `windows` has the door of Windows.
//!
//! What the control asks arrives on a thread of the system.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::told::{State, Told};

/// While we begin or end the control hears from us so often.
const PROGRESS_EACH: Duration = Duration::from_secs(2);
/// What is said to be needed until the next word; the control believes that we hang when it is over.
pub(super) const NEXT_WORD_WITHIN: Duration = Duration::from_secs(30);
/// The loop must turn within this many looks of the watchdog, which come each [`LOOK_EACH`]. Looks and not a span of
/// time: a machine that slept for an hour has missed one look.
const LOOKS: u32 = 12;
/// Between two looks.
const LOOK_EACH: Duration = Duration::from_secs(5);

/// What a kind of service brings along.
#[derive(Debug)]
pub struct Life {
    /// The name by which it registers; it does not matter to a service with a process of its own.
    pub name: &'static str,
    /// It calls [`Kept::at_work`] over and over, and is ended when it does not.
    pub is_watched: bool,
    /// Where what happens to it is written down.
    pub record: fn(&Happening),
}

/// What happens to a service as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The control does not hear us, for this reason.
    Unheard(String),
    /// It has begun.
    Started,
    /// It has ended with this exit code.
    Left(u8),
    /// It has hung and is ended for it.
    Hung,
}

/// Why we are asked to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Somebody stops the service.
    Stop,
    /// The machine goes down.
    Shutdown,
    /// The machine is about to go down, and waits.
    Preshutdown,
}

impl Asked {
    /// A machine that goes down while we are stopping counts more.
    fn is_news_after(self, before: Option<Self>) -> bool {
        before.is_none() || (before == Some(Self::Stop) && self != Self::Stop)
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Stop => "service stop",
            Self::Shutdown => "shutdown",
            Self::Preshutdown => "preshutdown",
        }
    }
}

/// Tells the control; the number is the exit code of what has ended.
pub type Door = Box<dyn Fn(Told, u8) + Send + Sync>;

/// Us, as the control knows us.
pub struct Kept {
    door: Door,
    is_watched: bool,
    record: fn(&Happening),
    asked: watch::Sender<Option<Asked>>,
    told: Mutex<Told>,
    /// How often the watchdog has looked without a turn in between.
    looks: AtomicU32,
    over: (Mutex<bool>, Condvar),
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    /// Begins, and says so.
    pub fn begin(life: &Life, door: Door) -> Self {
        let told = Told::beginning(NEXT_WORD_WITHIN);
        door(told, 0);
        Self {
            door,
            is_watched: life.is_watched,
            record: life.record,
            asked: watch::channel(None).0,
            told: Mutex::new(told),
            looks: AtomicU32::new(0),
            over: (Mutex::new(false), Condvar::new()),
        }
    }

    /// How long the loop may take for a turn before we are ended; none: nobody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.is_watched.then_some(LOOK_EACH * LOOKS)
    }

    /// We are at work; of one that is watched: the loop has turned.
    pub fn at_work(&self) {
        self.looks.store(0, Ordering::Relaxed);
        let mut told = lock(&self.told);
        if told.state == State::Starting {
            *told = told.say(State::Running, Duration::ZERO);
            (self.door)(*told, 0);
        }
    }

    /// We leave, and need at most so long.
    pub fn leaving(&self, within: Duration) {
        let mut told = lock(&self.told);
        *told = told.say(State::Stopping, within);
        (self.door)(*told, 0);
    }

    /// Whether we are asked to leave because the machine goes down.
    pub fn machine_goes_down(&self) -> bool {
        matches!(*self.asked.borrow(), Some(Asked::Shutdown | Asked::Preshutdown))
    }

    /// The control asks us to leave.
    pub fn ask(&self, asked: Asked) {
        self.leaving(NEXT_WORD_WITHIN);
        self.asked.send_if_modified(|before| {
            let is_news = asked.is_news_after(*before);
            if is_news {
                *before = Some(asked);
            }
            is_news
        });
    }

    /// We have ended.
    pub fn ended(&self, exit: u8) {
        (self.door)(Told::ended(), exit);
    }

    /// Still at it. Only who waits for the end of what we do may say so.
    fn progress(&self) {
        let mut told = lock(&self.told);
        if let Some(progress) = told.progress() {
            *told = progress;
            (self.door)(progress, 0);
        }
    }

    /// The watchdog ends when the job does.
    pub fn is_over(&self) {
        *lock(&self.over.0) = true;
        self.over.1.notify_all();
    }

    /// Ends us when the loop hangs; the control's recovery starts us again.
    pub fn watch(&self) {
        let (over, ring) = &self.over;
        let mut is_over = lock(over);
        while !*is_over {
            is_over = ring.wait_timeout(is_over, LOOK_EACH).unwrap_or_else(PoisonError::into_inner).0;
            if lock(&self.told).state != State::Running {
                self.looks.store(0, Ordering::Relaxed);
            } else if self.looks.fetch_add(1, Ordering::Relaxed) >= LOOKS {
                (self.record)(&Happening::Hung);
                // Not `exit`: a destructor may be what hangs.
                std::process::abort();
            }
        }
    }
}

/// What the service control asks, for whoever waits for it. Without one: nothing, for ever.
#[derive(Debug)]
pub struct Asks {
    kept: Option<(&'static Kept, watch::Receiver<Option<Asked>>)>,
}

impl Asks {
    /// Of the one that keeps us.
    pub fn of(kept: Option<&'static Kept>) -> Self {
        Self { kept: kept.map(|kept| (kept, kept.asked.subscribe())) }
    }

    /// Resolves when we are asked to leave, and says by what; until then it tells the control that we are still at what
    /// we began. It shares a task with what we do: where that hangs nothing is told. Cancel safe.
    pub async fn heard(&mut self) -> &'static str {
        let Some((kept, asked)) = &mut self.kept else { return std::future::pending().await };
        loop {
            match tokio::time::timeout(PROGRESS_EACH, asked.changed()).await {
                Ok(Ok(())) => {
                    if let Some(asked) = *asked.borrow_and_update() {
                        return asked.in_words();
                    }
                }
                // The sender lives as long as we do.
                Ok(Err(_)) => return std::future::pending().await,
                Err(_) => kept.progress(),
            }
        }
    }
}

pub(super) fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking thread left is as good as what it found.
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LIFE: Life = Life { name: "it", is_watched: false, record: |_| {} };

    type Heard = Arc<Mutex<Vec<(Told, u8)>>>;

    /// A false service control: it remembers what it was told.
    fn kept() -> (&'static Kept, Heard) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let control = Arc::clone(&heard);
        let kept = Kept::begin(&LIFE, Box::new(move |told, exit| lock(&control).push((told, exit))));
        (Box::leak(Box::new(kept)), heard)
    }

    fn states(heard: &Mutex<Vec<(Told, u8)>>) -> Vec<State> {
        lock(heard).iter().map(|(told, _)| told.state).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_begins_works_is_asked_to_stop_says_that_it_is_at_it_and_ends() {
        let (kept, heard) = kept();
        kept.at_work();
        kept.at_work();
        assert_eq!(states(&heard), [State::Starting, State::Running], "told once");
        let mut asks = Asks::of(Some(kept));
        kept.ask(Asked::Stop);
        assert_eq!(asks.heard().await, "service stop");
        // What is in hand takes seven seconds.
        let finishing = tokio::time::timeout(Duration::from_secs(7), asks.heard()).await;
        assert!(finishing.is_err(), "nothing more is asked");
        kept.at_work();
        kept.ended(0);
        let words: Vec<u32> = lock(&heard).iter().skip(2).map(|(told, _)| told.word).collect();
        assert_eq!(words, [1, 2, 3, 4, 0]);
        let (last, exit) = *lock(&heard).last().unwrap();
        assert_eq!((last.state, exit), (State::Stopped, 0));
        assert_eq!(states(&heard)[2..6], [State::Stopping; 4], "a stop is not taken back by work that goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_beginning_is_told_and_a_failure_has_its_code() {
        let (kept, heard) = kept();
        let mut asks = Asks::of(Some(kept));
        assert!(tokio::time::timeout(Duration::from_secs(5), asks.heard()).await.is_err());
        kept.ended(3);
        let all: Vec<_> = lock(&heard).iter().map(|(told, exit)| (told.state, told.word, *exit)).collect();
        let begins = |word| (State::Starting, word, 0);
        assert_eq!(all, [begins(1), begins(2), begins(3), (State::Stopped, 0, 3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_goes_down_while_it_is_stopped_is_heard_too_and_a_second_stop_is_not() {
        let (kept, _) = kept();
        let mut asks = Asks::of(Some(kept));
        kept.ask(Asked::Stop);
        assert_eq!(asks.heard().await, "service stop");
        assert!(!kept.machine_goes_down());
        kept.ask(Asked::Stop);
        kept.ask(Asked::Preshutdown);
        assert_eq!(asks.heard().await, "preshutdown");
        assert!(kept.machine_goes_down());
        kept.ask(Asked::Shutdown);
        assert!(tokio::time::timeout(Duration::from_secs(5), asks.heard()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_control_nothing_is_asked() {
        let mut asks = Asks::of(None);
        assert!(tokio::time::timeout(Duration::from_mins(5), asks.heard()).await.is_err());
    }
}
