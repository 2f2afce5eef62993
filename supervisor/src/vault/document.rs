//! A state file: JSON that a person can read, with a schema, a number that grows with each writing, and a checksum
//! line; and a second copy of it beside.
//!
//! Start at [`Document::read`] and [`Document::write`]. The copy with the higher number is the truth; one broken copy
//! is mended from the other. When both are broken the answer is [`VaultError::Corrupt`], each time, until something is
//! written in their place: only then are they set aside as `.corrupt-<time>`. Nothing is ever read as "absent" because
//! it could not be read.
//!
//! The outer form never changes, so that an older kosmos can say "written by a newer one" instead of "broken".

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Core;
use super::disk::{failed, refused, what_lies_at};
use super::hashing;
use crate::ports::VaultError;

/// No state file is longer; a longer one is broken.
const LONGEST: u64 = 4 * 1024 * 1024;
/// Begins the last line.
const SUM: &str = "\"sha256\": \"";

/// A kind of state file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document {
    /// `current`: the file is `current.json`, its second copy `current.second.json`.
    pub(super) name: &'static str,
    /// The newest form of the body that we know.
    pub(super) schema: u32,
}

#[derive(Deserialize)]
struct Head {
    document: String,
    schema: u32,
    number: u64,
}

#[derive(Deserialize)]
struct Whole<T> {
    body: T,
}

/// What was found of one copy.
enum Found<T> {
    Absent,
    Good(u64, T, Vec<u8>),
    Newer(u32),
    Broken(String),
    Unreadable(io::Error),
}

impl Document {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, schema: 1 }
    }

    /// Where the two copies lie.
    pub(super) fn paths(self, folder: &Path) -> [PathBuf; 2] {
        [folder.join(format!("{}.json", self.name)), folder.join(format!("{}.second.json", self.name))]
    }

    /// What was written last; none: nothing, or it was removed. Mends a broken copy where we may write.
    pub(super) fn read<T: DeserializeOwned>(self, core: &Core, folder: &Path) -> Result<Option<T>, VaultError> {
        let [first, second] = self.paths(folder);
        match (self.look_at::<T>(&first, LONGEST), self.look_at::<T>(&second, LONGEST)) {
            (Found::Newer(schema), _) => Err(self.newer(&first, schema)),
            (_, Found::Newer(schema)) => Err(self.newer(&second, schema)),
            (Found::Good(one, body, bytes), Found::Good(two, other_body, other_bytes)) => {
                if one < two {
                    mend(core, &first, &other_bytes);
                    return Ok(Some(other_body));
                }
                if bytes != other_bytes {
                    mend(core, &second, &bytes);
                }
                Ok(Some(body))
            }
            (Found::Good(_, body, bytes), _) => {
                mend(core, &second, &bytes);
                Ok(Some(body))
            }
            (_, Found::Good(_, body, bytes)) => {
                mend(core, &first, &bytes);
                Ok(Some(body))
            }
            (Found::Absent, Found::Absent) => Ok(None),
            (Found::Unreadable(error), _) => Err(failed("read", &first)(error)),
            (_, Found::Unreadable(error)) => Err(failed("read", &second)(error)),
            (Found::Broken(reason), other) => Err(corrupt(&first, &reason, &other)),
            (other, Found::Broken(reason)) => Err(corrupt(&second, &reason, &other)),
        }
    }

    /// Reads the one copy of a file that has no second.
    pub(super) fn read_single<T: DeserializeOwned>(self, path: &Path, longest: u64) -> Result<Option<T>, VaultError> {
        match self.look_at::<T>(path, longest) {
            Found::Absent => Ok(None),
            Found::Good(_, body, _) => Ok(Some(body)),
            Found::Newer(schema) => Err(self.newer(path, schema)),
            Found::Broken(reason) => Err(VaultError::Corrupt { path: path.to_owned(), reason }),
            Found::Unreadable(error) => Err(failed("read", path)(error)),
        }
    }

    /// Writes both copies. When the call returns the new text counts, whatever happens; when it fails the old one does.
    pub(super) fn write<T: Serialize>(self, core: &Core, folder: &Path, body: &T) -> Result<(), VaultError> {
        let [first, second] = self.paths(folder);
        let number = self.make_room(core, [&first, &second])?;
        let bytes = self.seal(&first, number, body, LONGEST)?;
        core.disk.replace(&first, &bytes)?;
        if let Err(error) = core.disk.replace(&second, &bytes) {
            // The first counts already. A second copy that is older than it must not outlive it; the next read makes a
            // new one.
            tracing::warn!(path = %second.display(), error = %efm::chain::Chain(&error), "second copy not written");
            let _ = core.disk.remove(&second);
        }
        Ok(())
    }

    /// Writes the one copy of a file that has no second.
    pub(super) fn write_single<T: Serialize>(
        self,
        core: &Core,
        path: &Path,
        body: &T,
        longest: u64,
    ) -> Result<(), VaultError> {
        core.disk.replace(path, &self.seal(path, 1, body, longest)?)
    }

    /// Removes both copies; broken ones are set aside.
    pub(super) fn remove(self, core: &Core, folder: &Path) -> Result<(), VaultError> {
        let [first, second] = self.paths(folder);
        self.make_room(core, [&first, &second])?;
        // The first last: as long as one is there, it counts.
        core.disk.remove(&second)?;
        core.disk.remove(&first)
    }

    /// Sets aside what cannot be read, where it is safe to go on as if nothing had been there.
    pub(super) fn set_aside(self, core: &Core, folder: &Path) -> Result<(), VaultError> {
        for path in self.paths(folder) {
            if what_lies_at(&path)?.is_some() {
                move_aside(core, &path)?;
            }
        }
        Ok(())
    }

    /// The number for the next writing. Where neither copy can be read they are moved out of the way.
    fn make_room(self, core: &Core, paths: [&Path; 2]) -> Result<u64, VaultError> {
        let mut newest = None;
        let mut broken = Vec::new();
        for path in paths {
            match self.look_at::<serde_json::Value>(path, LONGEST) {
                Found::Absent => {}
                Found::Good(number, _, _) => newest = newest.max(Some(number)),
                Found::Newer(schema) => return Err(self.newer(path, schema)),
                Found::Broken(_) => broken.push(path),
                Found::Unreadable(error) => return Err(failed("read", path)(error)),
            }
        }
        if newest.is_none() {
            for path in broken {
                move_aside(core, path)?;
            }
        }
        Ok(newest.unwrap_or(0).saturating_add(1))
    }

    fn look_at<T: DeserializeOwned>(self, path: &Path, longest: u64) -> Found<T> {
        let bytes = match read_up_to(path, longest) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Found::Absent,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Found::Broken(error.to_string()),
            Err(error) => return Found::Unreadable(error),
        };
        match self.open::<T>(&bytes) {
            Ok(Opened::Body(number, body)) => Found::Good(number, body, bytes),
            Ok(Opened::Newer(schema)) => Found::Newer(schema),
            Err(reason) => Found::Broken(reason),
        }
    }

    fn open<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<Opened<T>, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text in UTF-8")?;
        let split = text.rfind(SUM).ok_or("it has no checksum line; it ends too soon or is no file of ours")?;
        let (covered, line) = text.split_at(split);
        if line != sum_line(covered) {
            return Err("its checksum line does not fit the rest".into());
        }
        let head: Head = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if head.document != self.name {
            return Err(format!("it holds \"{}\" where \"{}\" belongs", head.document, self.name));
        }
        if head.schema > self.schema {
            return Ok(Opened::Newer(head.schema));
        }
        let whole: Whole<T> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Opened::Body(head.number, whole.body))
    }

    fn seal<T: Serialize>(self, path: &Path, number: u64, body: &T, longest: u64) -> Result<Vec<u8>, VaultError> {
        let body =
            serde_json::to_string_pretty(body).map_err(|error| failed("write", path)(io::Error::other(error)))?;
        let mut text = format!(
            "{{\n\"document\": \"{}\",\n\"schema\": {},\n\"number\": {number},\n\"body\": {body},\n",
            self.name, self.schema
        );
        text.push_str(&sum_line(&text));
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > longest {
            let reason = format!("it would be longer than {longest} bytes");
            return Err(refused("write", path, io::ErrorKind::FileTooLarge, reason));
        }
        Ok(text.into_bytes())
    }

    fn newer(self, path: &Path, schema: u32) -> VaultError {
        VaultError::Corrupt {
            path: path.to_owned(),
            reason: format!(
                "it was written by a newer kosmos (schema {schema}; this one knows {}): run that one, or a newer",
                self.schema
            ),
        }
    }
}

enum Opened<T> {
    Body(u64, T),
    Newer(u32),
}

fn sum_line(covered: &str) -> String {
    format!("{SUM}{}\"\n}}\n", hashing::of_bytes(covered.as_bytes()))
}

fn read_up_to(path: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    match file.take(longest.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(read) if u64::try_from(read).unwrap_or(u64::MAX) > longest => {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is longer than {longest} bytes")))
        }
        Ok(_) => Ok(Some(bytes)),
        // A bad block is as good as bad bytes: the other copy may be whole.
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

fn corrupt<T>(path: &Path, reason: &str, other: &Found<T>) -> VaultError {
    let second = match other {
        Found::Broken(same) if same == reason => "its second copy is broken in the same way".into(),
        Found::Broken(reason) => format!("its second copy is broken too: {reason}"),
        Found::Absent | Found::Good(..) | Found::Newer(_) | Found::Unreadable(_) => "it has no second copy".into(),
    };
    VaultError::Corrupt { path: path.to_owned(), reason: format!("{reason}; {second}") }
}

fn mend(core: &Core, path: &Path, bytes: &[u8]) {
    if core.lock.is_none() {
        // Somebody else may be writing it this moment.
        return;
    }
    match core.disk.replace(path, bytes) {
        Ok(()) => tracing::warn!(path = %path.display(), "state file mended from its other copy"),
        Err(error) => {
            tracing::warn!(path = %path.display(), error = %efm::chain::Chain(&error), "state file not mended");
        }
    }
}

fn move_aside(core: &Core, path: &Path) -> Result<(), VaultError> {
    let time = core.clock.now().strftime("%Y%m%dT%H%M%SZ");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for number in 0..u32::MAX {
        let again = if number == 0 { String::new() } else { format!("-{number}") };
        let aside = path.with_file_name(format!("{name}.corrupt-{time}{again}"));
        if what_lies_at(&aside)?.is_none() {
            tracing::warn!(path = %path.display(), aside = %aside.display(), "broken state file set aside");
            return core.disk.rename(path, &aside);
        }
    }
    Err(refused("set aside", path, io::ErrorKind::AlreadyExists, "too many were set aside before"))
}
