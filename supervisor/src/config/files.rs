//! Settings files from the disk, with a bound, and who else may write to them.

use super::problem::{Place, Problem, Wrong, wrong};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A settings file larger than this is something else.
const LIMIT_BYTES: u64 = 1 << 20;

/// The ordinary users that may write to a file or folder, by name; only the system knows.
pub type WhoMayWrite = fn(&Path) -> Vec<&'static str>;

/// What a file gave.
#[derive(Debug)]
pub(super) enum FileRead {
    /// It is not there, which is no error.
    Absent,
    Bytes(Vec<u8>),
    Unreadable(Wrong),
}

/// Reads a file whole.
pub(super) fn read(path: &Path) -> FileRead {
    let refused = |error: &std::io::Error| {
        FileRead::Unreadable(wrong(format!("it cannot be read: {error}"), "a file that this program may read"))
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return FileRead::Absent,
        Err(error) => return refused(&error),
    };
    let mut bytes = Vec::new();
    match file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes) {
        Err(error) => refused(&error),
        Ok(_) if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LIMIT_BYTES => {
            FileRead::Unreadable(wrong("it is larger than 1MiB", "a settings file"))
        }
        Ok(_) => FileRead::Bytes(bytes),
    }
}

/// The text of a file that must be UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Wrong> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        wrong(format!("line {line} is not UTF-8"), "save it as UTF-8")
    })
}

/// A line of text from a file that holds nothing but a secret.
pub(super) fn secret(path: &Path) -> Result<String, Wrong> {
    let bytes = match read(path) {
        FileRead::Bytes(bytes) => bytes,
        FileRead::Unreadable(wrong) => return Err(wrong),
        FileRead::Absent => {
            return Err(wrong(format!("{} is not there", path.display()), "a file with the secret in it"));
        }
    };
    let text = utf8(&bytes)?.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.contains(['\r', '\n']) {
        return Err(wrong(format!("{} does not hold one line", path.display()), "one line with the secret in it"));
    }
    Ok(text.to_owned())
}

/// A warning when ordinary users, as `who` finds them, may write to this file or folder.
pub(super) fn writable_by_others(path: &Path, who: WhoMayWrite) -> Option<Problem> {
    let place = Place::File { path: path.to_owned(), line: None };
    let who = who(path);
    (!who.is_empty()).then(|| {
        let right = if cfg!(windows) {
            let taken: Vec<String> = who.iter().map(|name| format!(" /remove:g \"{name}\"")).collect();
            format!("icacls \"{}\" /inheritance:d{}", path.display(), taken.concat())
        } else {
            format!("chmod o-w {}", path.display())
        };
        let what = format!("{} may write to it, and so decide what runs here", who.join(", "));
        wrong(what, right).warn_at(place, "")
    })
}
