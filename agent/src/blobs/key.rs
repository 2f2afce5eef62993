//! The key of the folder: 32 random bytes in a file, made once, readable by us only where the system has such modes.
//!
//! The file holds the key as it is, or wrapped: then it opens with a private key of the organisation's keystore and not
//! without. Either is read whatever is asked for, and then written as it is asked for, so that a change of the setting or of
//! the certificate needs nothing but a start.

use super::May;
use super::wrapping::{self, Wrapped};
use crate::keystore::Identity;
use efm::atomic;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

pub(super) const LENGTH: usize = 32;

/// The key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key([u8; LENGTH]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}

/// How the key lies in its file.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    /// Who can open a wrapped key: our own identities, those of earlier certificates too.
    pub identities: &'a [&'a Identity],
    /// Whether it is to be wrapped for them.
    pub is_wrapped: bool,
}

impl Guard<'_> {
    /// The key lies there as it is.
    pub const NONE: Self = Self { identities: &[], is_wrapped: false };
}

impl Key {
    pub(super) fn open(path: &Path, guard: Guard<'_>, may: May) -> io::Result<Self> {
        if guard.is_wrapped && guard.identities.is_empty() {
            return Err(wrong(path, "is to be wrapped with the organisation's keystore, and that is not open"));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => read(path, &text, guard),
            Err(error) if error.kind() == io::ErrorKind::NotFound && may == May::Make => make(path, guard),
            Err(error) => Err(error),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As the file holds it.
    fn written(&self, guard: Guard<'_>) -> io::Result<String> {
        if guard.is_wrapped {
            let wrapped = guard.identities.iter().map(|identity| wrapping::wrap(self, identity));
            return Ok(wrapping::write(&wrapped.collect::<io::Result<Vec<_>>>()?));
        }
        Ok(format!("{}\n", hex::encode(self.0)))
    }
}

fn wrong(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {why}", path.display()))
}

fn read(path: &Path, text: &str, guard: Guard<'_>) -> io::Result<Key> {
    if let Some(key) = hex::decode(text.trim()).ok().and_then(|bytes| Key::of(&bytes)) {
        if guard.is_wrapped {
            write(path, &key.written(guard)?)?;
            tracing::info!(key = %path.display(), "the key of the files is wrapped now; copies of the old file still open them");
        }
        return Ok(key);
    }
    let wrapped = wrapping::read(text)
        .ok_or_else(|| wrong(path, "does not hold a key: 64 hexadecimal digits on one line, or a wrapped key"))?;
    let opened = guard.identities.iter().find_map(|identity| wrapping::open(&wrapped, identity));
    let key = opened.ok_or_else(|| wrong(path, &nobody_opens(&wrapped, guard)))?;
    if !guard.is_wrapped || !is_for(&wrapped, guard) {
        write(path, &key.written(guard)?)?;
        tracing::info!(key = %path.display(), is_wrapped = guard.is_wrapped, "the key of the files is written anew");
    }
    Ok(key)
}

fn nobody_opens(wrapped: &[Wrapped], guard: Guard<'_>) -> String {
    let theirs: Vec<&str> = wrapped.iter().map(|one| one.certificate.as_str()).collect();
    let ours: Vec<String> = guard.identities.iter().map(|identity| wrapping::fingerprint(identity)).collect();
    let ours = if ours.is_empty() { "none".to_owned() } else { ours.join(", ") };
    format!(
        "is wrapped for the certificate {} (SHA-256), and the keystore that is open has {ours}: start once with the keystore \
         that has it beside the new one",
        theirs.join(", ")
    )
}

/// Whether it is wrapped for all of them and nobody else.
fn is_for(wrapped: &[Wrapped], guard: Guard<'_>) -> bool {
    let ours =
        |one: &Wrapped| guard.identities.iter().any(|identity| wrapping::fingerprint(identity) == one.certificate);
    wrapped.len() == guard.identities.len() && wrapped.iter().all(ours)
}

/// Replaces the file. Several programs on one folder write the same key.
fn write(path: &Path, text: &str) -> io::Result<()> {
    atomic::replace_private(path, text.as_bytes())
}

fn make(path: &Path, guard: Guard<'_>) -> io::Result<Key> {
    let (mut bytes, mut name) = ([0; LENGTH], [0; 8]);
    fill(&mut bytes)?;
    fill(&mut name)?;
    let key = Key(bytes);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}{}", hex::encode(name), atomic::UNFINISHED));
    let mut file = for_us_only().open(&beside)?;
    file.write_all(key.written(guard)?.as_bytes())?;
    file.sync_all()?;
    drop(file);
    // Of two programs that begin in the same folder one names its key, and both use that one.
    let named = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match named {
        Ok(()) => atomic::sync_folder_of(path).map(|()| key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Key::open(path, guard, May::Find),
        Err(error) => Err(error),
    }
}

pub(super) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    SystemRandom::new().fill(bytes).map_err(|_| io::Error::other("the system gives no random bytes"))
}

#[cfg(unix)]
fn for_us_only() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

/// On Windows the folder's access list decides.
#[cfg(not(unix))]
fn for_us_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options
}
