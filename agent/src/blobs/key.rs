//! The key of the folder: 32 random bytes in a file of its own, made once, readable by us only where the system has such
//! modes. It keeps apart those who may read the database or a blob from those who may read this file; who has the whole
//! folder has both.

use efm::atomic;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

const LENGTH: usize = 32;

/// The key.
#[derive(Clone)]
pub(super) struct Key([u8; LENGTH]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}

impl Key {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => read(&text).ok_or_else(|| {
                let why = format!("{} does not hold a key: 64 hexadecimal digits on one line", path.display());
                io::Error::new(io::ErrorKind::InvalidData, why)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
            Err(error) => Err(error),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn read(text: &str) -> Option<Key> {
    hex::decode(text.trim()).ok()?.try_into().ok().map(Key)
}

fn make(path: &Path) -> io::Result<Key> {
    let (mut bytes, mut name) = ([0; LENGTH], [0; 8]);
    let filled = SystemRandom::new().fill(&mut bytes).and_then(|()| SystemRandom::new().fill(&mut name));
    filled.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let beside = path.with_extension(format!("{}{}", hex::encode(name), atomic::UNFINISHED));
    let mut file = for_us_only().open(&beside)?;
    file.write_all(format!("{}\n", hex::encode(bytes)).as_bytes())?;
    file.sync_all()?;
    drop(file);
    // Of two programs that begin in the same folder one names its key, and both use that one.
    let named = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match named {
        Ok(()) => atomic::sync_folder_of(path).map(|()| Key(bytes)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Key::open(path),
        Err(error) => Err(error),
    }
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
