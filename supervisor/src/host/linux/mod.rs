//! Linux: `/proc` for what is, pidfds for what happens. No unsafe.

mod diag;
pub mod manager;
mod ports;
mod processes;
pub mod service;
mod signals;
pub mod sockets;
mod spawning;

pub use ports::{holder, holds, listening};
pub use processes::{boot, identify, processes, surroundings};
pub use signals::{ended, kill, terminate, tree};
pub use spawning::Children;

use std::io;
use std::path::{Path, PathBuf};

/// The ordinary users that may write to a file or folder.
pub fn ordinary_writers(path: &Path) -> Vec<&'static str> {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS_WRITE: u32 = 0o002;
    let may = path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & OTHERS_WRITE != 0);
    if may { vec!["every user of this machine"] } else { Vec::new() }
}

/// Keeps ordinary users out of our folder. It was made so.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "its twin on Windows can fail")]
pub fn shut_out_others(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// The home folder that KOSMOS' guide names: none here.
pub fn home_of_old() -> Option<PathBuf> {
    None
}

/// Folders in which JVMs lie on this system, each with one JVM below it or in its subfolders.
pub fn java_folders() -> Vec<PathBuf> {
    ["/usr/lib/jvm", "/usr/lib64/jvm", "/usr/java", "/opt", "/opt/java"].map(PathBuf::from).into()
}

/// Homes of JVMs that the system has a record of: none here.
pub fn registered_javas() -> Vec<PathBuf> {
    Vec::new()
}

/// Cuts about the first `length` bytes off a file that somebody appends to, and says how many. What is appended
/// meanwhile is kept.
///
/// # Errors
/// `Unsupported` where the file system cannot do it (ext4 and xfs can).
pub fn cut_front(file: &std::fs::File, length: u64) -> io::Result<u64> {
    // The block size of every file system that can do it divides this, or it says so by an error.
    const BLOCK: u64 = 64 * 1024;
    let whole = length - length % BLOCK;
    if whole == 0 {
        return Ok(0);
    }
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::COLLAPSE_RANGE, 0, whole)?;
    Ok(whole)
}
