//! What a service control is told of a service, and what follows on what. Pure.

use std::time::Duration;

/// How a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It begins.
    Starting,
    /// It is at work.
    Running,
    /// It ends.
    Stopping,
    /// It has ended.
    Stopped,
}

/// What of the control it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// That the machine goes down.
    GoingDown,
    /// That, and a stop.
    All,
}

/// What the control is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How it stands.
    pub state: State,
    /// The checkpoint: one that does not grow is a service that hangs.
    pub word: u32,
    /// Until then comes the next word.
    pub within: Duration,
}

impl Told {
    /// It begins.
    pub fn beginning(within: Duration) -> Self {
        Self { state: State::Starting, word: 1, within }
    }

    /// What is told when it says that it stands so. A stop is never taken back, and a longer patience is not shortened.
    #[must_use]
    pub fn say(self, state: State, within: Duration) -> Self {
        let state = if self.state == State::Stopping { self.state } else { state };
        let within = if state == self.state && self.word > 0 { within.max(self.within) } else { within };
        let is_pending = matches!(state, State::Starting | State::Stopping);
        Self { state, word: if is_pending { self.word.saturating_add(1) } else { 0 }, within }
    }

    /// What is told while it is still at what it began; none: there is nothing that somebody waits for.
    #[must_use]
    pub fn progress(self) -> Option<Self> {
        matches!(self.state, State::Starting | State::Stopping)
            .then(|| Self { word: self.word.saturating_add(1), ..self })
    }

    /// It has ended.
    pub fn ended() -> Self {
        Self { state: State::Stopped, word: 0, within: Duration::ZERO }
    }

    /// What it takes now.
    pub fn takes(self) -> Takes {
        match self.state {
            State::Running => Takes::All,
            // Somebody stops us while the machine begins to go down.
            State::Stopping => Takes::GoingDown,
            State::Starting | State::Stopped => Takes::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(30);
    const LONG: Duration = Duration::from_mins(2);

    #[test]
    fn checkpoints_grow_while_it_begins_and_while_it_ends_and_not_while_it_works() {
        let began = Told::beginning(SHORT);
        let still = began.progress().unwrap();
        assert_eq!((still.state, still.word), (State::Starting, began.word + 1));
        let works = still.say(State::Running, Duration::ZERO);
        assert_eq!(works, Told { state: State::Running, word: 0, within: Duration::ZERO });
        assert_eq!(works.progress(), None);
        let ends = works.say(State::Stopping, SHORT);
        assert_eq!((ends.state, ends.word), (State::Stopping, 1));
        assert_eq!(ends.progress().unwrap().word, 2);
        assert_eq!(Told::ended().progress(), None);
    }

    #[test]
    fn a_stop_is_never_taken_back_and_its_patience_not_shortened() {
        let ends = Told::beginning(SHORT).say(State::Stopping, LONG);
        let late = ends.say(State::Running, Duration::ZERO);
        assert_eq!((late.state, late.within), (State::Stopping, LONG));
        assert!(late.word > ends.word);
        assert_eq!(ends.say(State::Stopping, SHORT).within, LONG);
    }

    #[test]
    fn it_takes_a_stop_only_at_work_and_the_end_of_the_machine_also_while_it_ends() {
        let began = Told::beginning(SHORT);
        let works = began.say(State::Running, Duration::ZERO);
        assert_eq!(began.takes(), Takes::Nothing);
        assert_eq!(works.takes(), Takes::All);
        assert_eq!(works.say(State::Stopping, SHORT).takes(), Takes::GoingDown);
        assert_eq!(Told::ended().takes(), Takes::Nothing);
    }
}
