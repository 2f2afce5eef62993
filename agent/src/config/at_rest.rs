//! How the bytes of files are guarded on the disk.

use super::reader::Reader;
use std::path::{Path, PathBuf};

/// Where the key of the files lies, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtRest {
    /// In which file; none: beside the files.
    pub key_file: Option<PathBuf>,
    /// Whether it opens with the organisation's keystore only.
    pub is_wrapped: bool,
}

pub(super) fn read(from: &mut Reader, folder: &Path) -> AtRest {
    let key_file = from.maybe("integrasjonspunkt.blobs.key-file", |text| {
        if text.trim().is_empty() { Err("a file, or no such key") } else { Ok(folder.join(text)) }
    });
    let is_wrapped = from.need("integrasjonspunkt.blobs.key-wrapping", |text| match text {
        "none" => Ok(false),
        "keystore" => Ok(true),
        _ => Err("none or keystore"),
    });
    AtRest { key_file, is_wrapped: is_wrapped.unwrap_or_default() }
}
