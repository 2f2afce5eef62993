//! What a list said last time, on disk, so that a look that finds nothing new costs one request and an answer without
//! a body, also after a restart.
//!
//! It is a convenience, never a need: what cannot be read is forgotten, what cannot be written is told in the log.

use sha2::Digest;
use std::io::Read;
use std::path::{Path, PathBuf};
use url::Url;

use super::http::{Listed, Session, Validators};
use crate::ports::SourceError;
use crate::release::Sha256;

const VERSION: u32 = 1;
const ENDING: &str = "json";

/// The folder where lists are remembered.
#[derive(Clone, Debug)]
pub struct Memory {
    folder: PathBuf,
}

/// As it is written. The URL is only in the file's name, hashed, because it may hold a password.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Remembered {
    version: u32,
    etag: Option<String>,
    last_modified: Option<String>,
    sha256: Sha256,
    body: String,
}

impl Memory {
    /// Below the folder of the supervisor's state.
    pub fn new(state_folder: &Path) -> Self {
        Self { folder: state_folder.join("look") }
    }

    /// The list at this URL: from the server, or from here where the server says that it has not changed. Cancel safe.
    pub async fn list(&self, session: &Session<'_>, url: &Url, limit: u64) -> Result<String, SourceError> {
        let path = self.path(url);
        let known = recall(&path, limit);
        let validators = known.as_ref().map(Remembered::validators).unwrap_or_default();
        let (body, validators) = match (session.list(url, &validators).await?, &known) {
            (Listed::Unchanged, Some(known)) => return Ok(known.body.clone()),
            (Listed::Unchanged, None) => {
                let reason = "it answered that nothing changed, but was not asked that".into();
                return Err(SourceError::Refused { what: efm::outside::shown(url), reason });
            }
            (Listed::New { body, validators }, _) => (body, validators),
        };
        let body = String::from_utf8(body).map_err(|_| SourceError::BadList {
            what: efm::outside::shown(url),
            reason: "it is not text in UTF-8".into(),
        })?;
        let same = |known: &Remembered| known.body == body && known.validators() == validators;
        if !known.as_ref().is_some_and(same) {
            self.remember(&path, &body, validators);
        }
        Ok(body)
    }

    fn path(&self, url: &Url) -> PathBuf {
        let name = hex::encode(sha2::Sha256::digest(url.as_str().as_bytes()));
        self.folder.join(name).with_extension(ENDING)
    }

    fn remember(&self, path: &Path, body: &str, validators: Validators) {
        let Validators { etag, last_modified } = validators;
        let sha256 = digest(body);
        let remembered = Remembered { version: VERSION, etag, last_modified, sha256, body: body.to_owned() };
        let written = serde_json::to_vec(&remembered).map_err(std::io::Error::other).and_then(|bytes| {
            efm::owner::make_folders(&self.folder)?;
            efm::atomic::replace(path, &bytes)
        });
        match written {
            Ok(()) => self.forget_others(path),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "list not remembered, it is fetched whole next time");
            }
        }
    }

    /// A home has one list; others are from settings of the past.
    fn forget_others(&self, keep: &Path) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path != keep && path.extension().is_some_and(|ending| ending == ENDING) {
                // Left lying it does no harm.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl Remembered {
    fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
    }
}

fn recall(path: &Path, limit: u64) -> Option<Remembered> {
    // JSON may write a byte of text as six.
    let most = limit.saturating_mul(6).saturating_add(4096);
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    let known: Option<Remembered> = serde_json::from_slice(&bytes).ok();
    let sound = known.filter(|known| known.version == VERSION && known.sha256 == digest(&known.body));
    if sound.is_none() {
        tracing::warn!(path = %path.display(), "remembered list makes no sense, it is fetched whole");
    }
    sound
}

fn digest(body: &str) -> Sha256 {
    Sha256(sha2::Sha256::digest(body.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_recalled_and_what_is_damaged_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let memory = Memory::new(state.path());
        let path = memory.path(&Url::parse("https://ola:hemmelig@example.no/list.yml").unwrap());
        let validators = Validators { etag: Some("\"a\"".into()), last_modified: None };
        memory.remember(&path, "body: æ", validators.clone());
        let known = recall(&path, 100).unwrap();
        assert_eq!((known.body.as_str(), known.validators()), ("body: æ", validators));

        let whole = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&whole).contains("hemmelig"));
        let mut flipped = String::from_utf8(whole.clone()).unwrap();
        flipped = flipped.replace("body: æ", "body: x");
        for damaged in [&whole[..whole.len() / 2], b"", b"null", b"{}", flipped.as_bytes()] {
            efm::atomic::replace(&path, damaged).unwrap();
            assert_eq!(recall(&path, 100), None);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(recall(&path, 100), None);
    }

    #[test]
    fn only_the_list_of_today_is_kept() {
        let state = tempfile::tempdir().unwrap();
        let memory = Memory::new(state.path());
        for name in ["a", "b", "c"] {
            let path = memory.path(&Url::parse(&format!("https://example.no/{name}")).unwrap());
            memory.remember(&path, name, Validators::default());
        }
        assert_eq!(std::fs::read_dir(state.path().join("look")).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let state = tempfile::tempdir().unwrap();
        efm::atomic::replace(&state.path().join("look"), b"a file in the way").unwrap();
        let memory = Memory::new(state.path());
        let path = memory.path(&Url::parse("https://example.no/").unwrap());
        memory.remember(&path, "x", Validators::default());
        assert_eq!(recall(&path, 100), None);
    }
}
