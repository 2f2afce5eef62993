//! Names bytes by their SHA-256, and looks at files before it trusts them.
//!
//! `ring` and not `sha2`: it is in the program for TLS anyway, and its assembly is fast also where the processor, or
//! the virtual machine, has no SHA instructions; a jar of 200 MB is hashed while the integration point is down.

use ring::digest::{Context, SHA256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::disk::{failed, refused};
use super::lately::{Lately, Stamp};
use crate::ports::VaultError;
use crate::release::Sha256;

/// Read at once. Small enough that the allocator does not ask the system for it by itself: glibc learns from a large
/// piece that is freed to keep such pieces, and an idle supervisor would hold them.
pub(super) const CHUNK: usize = 64 * 1024;

/// A hash that is being made.
pub(super) struct Hasher(Context);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Sha256 {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.0.finish().as_ref()) {
            *to = *from;
        }
        Sha256(bytes)
    }
}

/// The hash of bytes in memory.
pub(super) fn of_bytes(bytes: &[u8]) -> Sha256 {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// The hash and the length of what is left of an open file.
pub(super) fn of_file(file: &mut File, path: &Path) -> Result<(Sha256, u64), VaultError> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut length = 0_u64;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), length)),
            Ok(read) => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("hash", path)(error)),
        }
    }
}

/// Opens a file that must be a file itself, not a link to one.
pub(super) fn open_plain(path: &Path) -> Result<File, VaultError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without NONBLOCK a fifo that somebody put there would hold us for ever.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    #[cfg(windows)]
    {
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, FILE_FLAG_OPEN_REPARSE_POINT);
    }
    let is_link = || std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_symlink());
    let not_a_file =
        || refused("open", path, io::ErrorKind::InvalidInput, "it must be a file itself, not a link or something else");
    let file = match options.open(path) {
        Ok(file) => file,
        Err(_) if is_link() => return Err(not_a_file()),
        Err(error) => return Err(failed("open", path)(error)),
    };
    let metadata = file.metadata().map_err(failed("look at", path))?;
    if metadata.is_file() { Ok(file) } else { Err(not_a_file()) }
}

/// Hashes a file that is going to be started: a file itself, that nobody but its owner can write. One that was hashed
/// lately and is untouched since is not read a second time.
pub(super) fn of_trusted(lately: &Lately, path: &Path) -> Result<Sha256, VaultError> {
    let mut file = open_plain(path)?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    only_ours(&metadata, path)?;
    if let Some(folder) = path.parent() {
        only_ours(&std::fs::symlink_metadata(folder).map_err(failed("look at", folder))?, folder)?;
    }
    let before = Stamp::of(&metadata);
    if let Some(known) = before.as_ref().and_then(|stamp| lately.untouched(path, stamp)) {
        return Ok(known);
    }
    let began = lately.now();
    let sha256 = of_file(&mut file, path)?.0;
    let after = Stamp::of(&file.metadata().map_err(failed("look at", path))?);
    lately.remember(path, began, [before, after], sha256);
    Ok(sha256)
}

#[cfg(unix)]
fn only_ours(metadata: &std::fs::Metadata, path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::MetadataExt;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let reason = format!("others than its owner may write it (mode {mode:o}); take that from them: chmod go-w");
    Err(refused("trust", path, io::ErrorKind::PermissionDenied, reason))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "twin of the function above; Windows says it in access lists")]
fn only_ours(_metadata: &std::fs::Metadata, _path: &Path) -> Result<(), VaultError> {
    Ok(())
}
