//! What is remembered of what waits to be installed, so that a restart forgets neither a person's word nor that this
//! window has had its attempt. A small file in the state folder, replaced in one step.
//!
//! What cannot be read counts as nothing, and is told: at the worst a person says it once more, and a window sees a
//! second attempt. What cannot be written is told too, and counts for as long as this supervisor lives.

use std::io;
use std::path::{Path, PathBuf};

use efm::chain::Chain;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Duty;
use super::after_look::Staged;
use super::due::InVain;
use crate::ports::{Doors, Happening, Vault, state_folder};
use crate::release::{Sha256, Version};
use crate::schedule::Window;
use crate::update::compare::Wish;
use crate::update::{Verified, verify};

/// Of the file.
const SCHEMA: u32 = 1;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// A person's word: this is installed in the next window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
    /// What was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// The newer version that waits, or the first of several that came one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Behind>,
    /// What ran here before us and could not be verified yet, as it says itself: nothing older is taken by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
}

/// Something newer than what runs has been here, or was seen, since then. A newer one still does not begin it anew: a
/// site that puts each off is behind all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// When it was first found.
    pub since: Timestamp,
    /// What was found then.
    pub version: String,
}

/// A person's word that a version is to be installed in the next window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Its bytes, as they were verified when it was said.
    pub sha256: Sha256,
    /// What they call themselves; for people.
    pub version: String,
    /// Whether the person named the version; if not, it was what the channel offered.
    pub named: bool,
    /// The reason that was given for going below a floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downgrade: Option<String>,
    /// The other homes of the supervisor in which it had failed when it was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_spite_of: Vec<String>,
}

/// A try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// What was tried.
    pub sha256: Sha256,
    /// When the window opened in which it was; none: no window was open, a person said "now".
    pub window: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
    /// Nothing was touched and it may pass: this window may see one more.
    pub once_more: bool,
    /// In how many windows, one after the other, these bytes were tried without success and without being given up.
    pub windows: u32,
    /// Why it failed the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// A person was told that nothing more is tried without one.
    pub told: bool,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    schema: u32,
    #[serde(flatten)]
    waiting: Waiting,
}

#[derive(Deserialize)]
struct Head {
    schema: u32,
}

impl Word {
    fn of(staged: &Staged) -> Self {
        let stored = staged.verified.stored();
        let (named, downgrade) = match &staged.wish {
            Wish::Newest => (false, None),
            Wish::This { downgrade, .. } => (true, downgrade.clone()),
        };
        let in_spite_of = staged.in_spite_of.clone();
        Self { sha256: stored.sha256, version: stored.version().to_string(), named, downgrade, in_spite_of }
    }

    fn wish(&self, version: Version) -> Wish {
        if self.named { Wish::This { version, downgrade: self.downgrade.clone() } } else { Wish::Newest }
    }
}

impl Waiting {
    /// It is about to be tried: written down before the act.
    ///
    /// It counts as in vain until it is known how it ended: a supervisor that dies each time must not try for ever.
    pub fn try_now(&mut self, sha256: Sha256, window: Option<Window>, now: Timestamp) {
        let window = window.map(|window| window.opens);
        let before = self.tried.take().filter(|tried| tried.sha256 == sha256);
        let is_same_window = before.as_ref().is_some_and(|tried| window.is_some() && tried.window == window);
        let (windows, why, told) = before.map_or((0, None, false), |tried| (tried.windows, tried.why, tried.told));
        let windows = windows.saturating_add(u32::from(!is_same_window));
        self.tried = Some(Tried { sha256, window, at: now, once_more: false, windows, why, told });
    }

    /// The tries of these bytes that were in vain.
    pub fn in_vain(&self, sha256: &Sha256) -> InVain {
        let of_these = self.tried.as_ref().filter(|tried| tried.sha256 == *sha256);
        of_these.map_or_else(InVain::default, |tried| InVain { windows: tried.windows, last: Some(tried.at) })
    }

    /// A person has spoken: what was in vain may not be any more. That this window has had its attempt remains.
    pub fn begin_anew(&mut self) {
        if let Some(tried) = &mut self.tried {
            (tried.windows, tried.told) = (0, false);
        }
    }

    /// Something newer waits, or goes on waiting.
    pub fn is_behind(&mut self, version: &Version, now: Timestamp) {
        self.behind.get_or_insert_with(|| Behind { since: now, version: version.to_string() });
    }

    /// Why the last try failed.
    pub fn failed(&mut self, why: &str) {
        if let Some(tried) = &mut self.tried {
            tried.why = Some(start_of(why));
        }
    }

    /// The window in which these bytes were tried and may not be tried again.
    pub fn tried_in(&self, sha256: &Sha256) -> Option<Timestamp> {
        self.tried.as_ref().filter(|tried| tried.sha256 == *sha256 && !tried.once_more)?.window
    }

    /// What was tried touched nothing, and may do in this very window.
    pub fn may_try_once_more(&mut self) {
        if let Some(tried) = &mut self.tried {
            tried.once_more = true;
        }
    }
}

/// Where it is written down.
pub fn file(state: &Path) -> PathBuf {
    state.join("waiting.json")
}

/// What is written down; what makes no sense is an error, with nothing in its place.
pub fn read(state: &Path) -> io::Result<Waiting> {
    let bytes = match std::fs::read(file(state)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Waiting::default()),
        Err(error) => return Err(error),
    };
    let head: Head = serde_json::from_slice(&bytes)?;
    if head.schema > SCHEMA {
        let newer = format!("it was written by a newer kosmos (schema {}; this one knows {SCHEMA})", head.schema);
        return Err(io::Error::new(io::ErrorKind::InvalidData, newer));
    }
    Ok(serde_json::from_slice::<OnDisk>(&bytes)?.waiting)
}

/// Writes it down; nothing is written as no file.
pub fn write(state: &Path, waiting: &Waiting) -> io::Result<()> {
    if *waiting == Waiting::default() {
        return efm::atomic::remove(&file(state));
    }
    efm::owner::make_folders(state)?;
    let bytes = serde_json::to_vec_pretty(&OnDisk { schema: SCHEMA, waiting: waiting.clone() })?;
    efm::atomic::replace(&file(state), &bytes)
}

/// A reason is one line for people, not a log.
fn start_of(why: &str) -> String {
    const LONGEST: usize = 400;
    why.chars().take(LONGEST).collect()
}

impl<D: Doors> Duty<'_, D> {
    /// What the supervisor before us knew. What a person asked for lies in the vault and is held to the rules once more
    /// before it is installed.
    pub(super) fn recall(&mut self) {
        let state = state_folder(&self.world.settings.home);
        match read(&state) {
            Ok(waiting) => self.waiting = waiting,
            Err(error) => {
                let path = file(&state);
                let reason = format!(
                    "read {}: {error}; if a version was to be installed in the next window, say so again: kosmos upgrade",
                    path.display()
                );
                tracing::warn!(%reason, "forget what waits");
                self.tell(Happening::Warning, Some(reason));
            }
        }
        self.written = self.waiting.clone();
        if let Some(word) = self.waiting.word.clone() {
            self.recall_word(&word);
        }
    }

    fn recall_word(&mut self, word: &Word) {
        let pointer = self.world.vault.pointer().ok().flatten();
        if pointer.is_some_and(|pointer| pointer.sha256 == word.sha256) {
            // It was installed, and nobody was left to take the word back.
            return;
        }
        match self.what_was_asked_for(word) {
            Ok((verified, wish)) => {
                tracing::info!(version = %word.version, "a person has asked for this in the next window");
                self.staged = Some(Staged { verified, wish, by_person: true, in_spite_of: word.in_spite_of.clone() });
            }
            Err(why) => {
                let reason = format!(
                    "{} was to be installed in the next window and will not be: {why}; say so again: kosmos upgrade",
                    word.version
                );
                tracing::warn!(%reason, "forget what was asked for");
                self.tell(Happening::Warning, Some(reason));
            }
        }
    }

    fn what_was_asked_for(&self, word: &Word) -> Result<(Verified, Wish), String> {
        let gone = || "its bytes are not in the vault any more".to_owned();
        let in_words = |error: &dyn std::error::Error| Chain(error).to_string();
        let here = verify::lies_here(self.world, &word.sha256).map_err(|error| in_words(&error))?.ok_or_else(gone)?;
        let wish = word.wish(here.stored().version().clone());
        if wish == Wish::Newest {
            return Ok((here, wish));
        }
        // What was said about going below a floor belongs to it.
        let named = verify::named_and_here(self.world, &wish).map_err(|error| in_words(&error))?;
        let named = named.filter(|named| named.stored().sha256 == word.sha256).ok_or_else(gone)?;
        Ok((named, wish))
    }

    /// Writes down what has changed; says whether it lies on the disk.
    pub(super) fn write_down(&mut self) -> bool {
        // "Now" is no word about a window: whoever says it waits for the answer.
        let by_person = self.staged.as_ref().filter(|staged| staged.by_person);
        let said_now = self.asked.as_ref().is_some_and(|asked| asked.now && asked.found);
        self.waiting.word = by_person.filter(|_| !said_now).map(Word::of);
        if self.waiting == self.written {
            return true;
        }
        let state = state_folder(&self.world.settings.home);
        match write(&state, &self.waiting) {
            Ok(()) => {
                self.written = self.waiting.clone();
                true
            }
            Err(error) => {
                tracing::warn!(path = %file(&state).display(), %error, "cannot write down what waits");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn sample() -> Waiting {
        let sha256 = Sha256([7; 32]);
        let word = Word {
            sha256,
            version: "4.0.7".into(),
            named: true,
            downgrade: Some("attachments".into()),
            in_spite_of: vec!["/srv/a".into()],
        };
        let mut waiting = Waiting { word: Some(word), ..Waiting::default() };
        waiting.try_now(sha256, Some(Window { opens: at(100), closes: at(200) }), at(150));
        waiting
    }

    #[test]
    fn what_was_written_is_read_and_nothing_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("kosmos");
        assert_eq!(read(&state).unwrap(), Waiting::default());
        write(&state, &sample()).unwrap();
        assert_eq!(read(&state).unwrap(), sample());
        write(&state, &Waiting::default()).unwrap();
        assert!(!file(&state).exists());
    }

    #[test]
    fn garbage_and_the_writing_of_a_newer_kosmos_are_errors_that_say_so() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, says) in [("{", "EOF"), ("{\"schema\": 2, \"word\": 5}", "a newer kosmos (schema 2")] {
            efm::atomic::replace(&file(folder.path()), bytes.as_bytes()).unwrap();
            let said = read(folder.path()).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn windows_in_vain_are_counted_once_each_and_for_the_same_bytes() {
        let (these, others) = (Sha256([7; 32]), Sha256([8; 32]));
        let window = |number: i64| Some(Window { opens: at(number * 100), closes: at(number * 100 + 50) });
        let mut waiting = Waiting::default();
        for number in [1, 1, 2, 3] {
            waiting.try_now(these, window(number), at(number * 100));
            waiting.may_try_once_more();
        }
        assert_eq!(waiting.in_vain(&these), InVain { windows: 3, last: Some(at(300)) });
        assert_eq!(waiting.in_vain(&others), InVain::default());
        waiting.begin_anew();
        assert_eq!(waiting.in_vain(&these).windows, 0);
        waiting.try_now(these, window(4), at(400));
        waiting.try_now(others, window(4), at(410));
        assert_eq!(waiting.in_vain(&others).windows, 1);
    }

    #[test]
    fn a_window_counts_as_tried_for_the_bytes_that_were_tried_in_it() {
        let mut waiting = sample();
        assert_eq!(waiting.tried_in(&Sha256([7; 32])), Some(at(100)));
        assert_eq!(waiting.tried_in(&Sha256([8; 32])), None);
        waiting.may_try_once_more();
        assert_eq!(waiting.tried_in(&Sha256([7; 32])), None);
    }
}
