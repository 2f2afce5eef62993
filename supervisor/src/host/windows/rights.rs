//! Who may write to our folders, and that ordinary users may not.

#![deny(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};

use super::{access_list, set_access_list};
use crate::host::scm::{HOME_OF_OLD, sddl};

/// The ordinary users that may write to a file or folder.
pub fn ordinary_writers(path: &Path) -> Vec<&'static str> {
    // What is not there, or does not tell, is no finding.
    access_list(path).map(|list| sddl::ordinary_writers(&list)).unwrap_or_default()
}

/// Keeps ordinary users out of our folder: a folder that was made in the root of a disk lets everybody in who logs on. A
/// list that lets none of them write is left as it is; an administrator, or `kosmos service install`, made it.
///
/// # Errors
/// We do not own it, or the disk knows no access lists.
pub fn shut_out_others(folder: &Path) -> io::Result<()> {
    if ordinary_writers(folder).is_empty() {
        return Ok(());
    }
    set_access_list(folder, &sddl::of_our_folder(None), true)
}

/// The home folder that KOSMOS' guide names, where it is there.
pub fn home_of_old() -> Option<PathBuf> {
    Some(PathBuf::from(HOME_OF_OLD)).filter(|folder| folder.is_dir())
}
