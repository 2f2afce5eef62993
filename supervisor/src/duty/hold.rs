//! A person's word that nothing is to be installed, until a moment or until it is taken back. A small file in the
//! state folder, so that it counts whether a supervisor runs or not.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nothing is installed while this holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Until when; none: until a person takes it back.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Hold {
    /// ` until 2026-12-01T00:00:00Z`, or nothing.
    pub fn until_text(&self) -> String {
        self.until.map_or_else(String::new, |until| format!(" until {until}"))
    }
}

/// Where it is written down.
pub fn file(state: &Path) -> PathBuf {
    state.join("hold.json")
}

/// The hold that counts at `now`. A file that makes no sense is told and holds: a person wanted something.
pub fn now_in_force(state: &Path, now: Timestamp) -> Option<Hold> {
    let bytes = match std::fs::read(file(state)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(unreadable(&error, now)),
    };
    match serde_json::from_slice::<Hold>(&bytes) {
        Ok(hold) if hold.until.is_some_and(|until| until <= now) => None,
        Ok(hold) => Some(hold),
        Err(error) => Some(unreadable(&error, now)),
    }
}

fn unreadable(error: &dyn std::error::Error, now: Timestamp) -> Hold {
    Hold { until: None, reason: format!("hold.json cannot be read: {error}"), since: now }
}

/// Holds from now on.
pub fn begin(state: &Path, hold: &Hold) -> io::Result<()> {
    efm::owner::make_folders(state)?;
    efm::atomic::replace(&file(state), &serde_json::to_vec_pretty(hold)?)
}

/// Takes it back.
pub fn end(state: &Path) -> io::Result<()> {
    efm::atomic::remove(&file(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_ends_by_itself_or_by_a_word_and_garbage_holds() {
        let folder = tempfile::tempdir().unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(now_in_force(folder.path(), at(0)), None);
        let hold = Hold { until: Some(at(100)), reason: "year end".into(), since: at(0) };
        begin(folder.path(), &hold).unwrap();
        assert_eq!(now_in_force(folder.path(), at(99)), Some(hold));
        assert_eq!(now_in_force(folder.path(), at(100)), None);
        efm::atomic::replace(&file(folder.path()), b"{").unwrap();
        assert!(now_in_force(folder.path(), at(0)).unwrap().reason.contains("hold.json cannot be read"));
        end(folder.path()).unwrap();
        end(folder.path()).unwrap();
        assert_eq!(now_in_force(folder.path(), at(0)), None);
    }
}
