//! What must be there before messages are taken. It may come later than we do: the program waits for it in the open, and
//! says what it waits for.

use std::collections::BTreeMap;
use std::fmt;
use tokio::sync::watch;

/// Something without which no message is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The database.
    Database,
    /// The folder of files.
    Files,
    /// The key and certificate that the API answers with.
    Tls,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "the database",
            Self::Files => "the folder of files",
            Self::Tls => "the keystore of the API",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody knows yet.
    Tried,
    /// It is there.
    Here,
    /// It is not, and why.
    Away(String),
}

/// What is waited for.
#[derive(Debug)]
pub struct Awaited(watch::Sender<BTreeMap<Need, State>>);

impl Default for Awaited {
    fn default() -> Self {
        Self::of([])
    }
}

impl Awaited {
    /// These; of none of them is known yet whether it is there.
    pub fn of(needs: impl IntoIterator<Item = Need>) -> Self {
        Self(watch::Sender::new(needs.into_iter().map(|need| (need, State::Tried)).collect()))
    }

    /// It is there.
    pub fn is_here(&self, need: Need) {
        if self.becomes(need, &State::Here) {
            tracing::info!(%need, "is there now");
        }
    }

    /// It is not, and why. What is told again and again is logged once.
    pub fn is_away(&self, need: Need, why: &str) {
        if self.becomes(need, &State::Away(why.to_owned())) {
            tracing::error!(%need, error = why, "runs without it, takes no messages, and tries again");
        }
    }

    /// Whether that is worth a word: it is not the same as before, and no matter of course.
    fn becomes(&self, need: Need, state: &State) -> bool {
        let mut is_told = false;
        self.0.send_if_modified(|all| {
            let before = all.insert(need, state.clone());
            is_told = before.as_ref().is_some_and(|before| before != state)
                && !(before == Some(State::Tried) && *state == State::Here);
            before.as_ref() != Some(state)
        });
        is_told
    }

    /// Why this is not there; none: it is, or nobody waits for it.
    pub fn why(&self, need: Need) -> Option<String> {
        self.0.borrow().get(&need).and_then(State::why)
    }

    /// The first that is not there, and why.
    pub fn first(&self) -> Option<(Need, String)> {
        self.0.borrow().iter().find_map(|(need, state)| Some((*need, state.why()?)))
    }

    /// Until these are there. Cancel safe.
    pub async fn here(&self, needs: &[Need]) {
        self.until(|all| all.iter().all(|(need, state)| *state == State::Here || !needs.contains(need))).await;
    }

    /// Until it is known whether this is there. Cancel safe.
    pub async fn tried(&self, need: Need) {
        self.until(|all| all.get(&need) != Some(&State::Tried)).await;
    }

    /// Until everything is there. Cancel safe.
    pub async fn all_here(&self) {
        self.until(|all| all.values().all(|state| *state == State::Here)).await;
    }

    /// Until of everything is known whether it is there. Cancel safe.
    pub async fn all_tried(&self) {
        self.until(|all| all.values().all(|state| *state != State::Tried)).await;
    }

    async fn until(&self, is_so: impl FnMut(&BTreeMap<Need, State>) -> bool) {
        // We hold a sender: the channel is never closed.
        let _ = self.0.subscribe().wait_for(is_so).await;
    }
}

impl State {
    fn why(&self) -> Option<String> {
        match self {
            Self::Tried => Some("it is being opened".to_owned()),
            Self::Here => None,
            Self::Away(why) => Some(why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_again_is_no_news() {
        let awaited = Awaited::of([Need::Database]);
        assert_eq!(awaited.first(), Some((Need::Database, "it is being opened".into())));
        assert!(awaited.becomes(Need::Database, &State::Away("refused".into())));
        assert!(!awaited.becomes(Need::Database, &State::Away("refused".into())));
        assert_eq!(awaited.why(Need::Database).as_deref(), Some("refused"));
        assert!(awaited.becomes(Need::Database, &State::Here));
        assert_eq!((awaited.first(), awaited.why(Need::Tls)), (None, None));
        let awaited = Awaited::of([Need::Files]);
        assert!(!awaited.becomes(Need::Files, &State::Here), "as it should be");
    }
}
