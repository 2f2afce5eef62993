//! What each system does in its own way: links, owners, times, flushing. Called by `disk` alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::disk::Look;

/// A file that must not be there yet, for writing, and for nobody else.
pub(super) fn private_new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(target_os = "linux")]
pub(super) fn flush_file_system(root: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(root)?)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn flush_file_system(root: &Path) -> io::Result<()> {
    flush_folders(root)
}

pub(super) fn flush_folders(root: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let mut folders: Vec<PathBuf> = root.is_dir().then(|| root.to_owned()).into_iter().collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn make_link(target: &Path, _original: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(windows)]
pub(super) fn make_link(target: &Path, original: &Path, at: &Path) -> io::Result<()> {
    use std::os::windows::fs::FileTypeExt;
    // Windows wants to know beforehand what the link leads to.
    if fs::symlink_metadata(original)?.file_type().is_symlink_dir() {
        std::os::windows::fs::symlink_dir(target, at)
    } else {
        std::os::windows::fs::symlink_file(target, at)
    }
}

/// Makes one folder.
pub(super) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), mode).create(path)?;
    #[cfg(not(unix))]
    {
        let _ = mode;
        fs::create_dir(path)?;
    }
    efm::owner::hand_over_named(path);
    Ok(())
}

/// A copy keeps the rights of its original, and the original may have been a folder that nobody writes.
#[cfg(unix)]
pub(super) fn make_removable(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(super::disk::PRIVATE))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "twin of the function above")]
pub(super) fn make_removable(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn remove_link_or_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

#[cfg(windows)]
pub(super) fn remove_link_or_file(path: &Path) -> io::Result<()> {
    use std::os::windows::fs::FileTypeExt;
    if fs::symlink_metadata(path)?.file_type().is_symlink_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
}

#[cfg(unix)]
pub(super) fn give_owner(path: &Path, look: &Look) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let is = fs::symlink_metadata(path)?;
    let (user, group) = look.owner;
    if (is.uid(), is.gid()) == look.owner {
        return Ok(());
    }
    match std::os::unix::fs::lchown(path, Some(user), Some(group)) {
        // Only root gives files away. Then the copy is ours, and so was the right to read the original.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), user, group, "copy keeps another owner than its original");
            Ok(())
        }
        done => done,
    }
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "twin of the function above")]
pub(super) fn give_owner(_path: &Path, _look: &Look) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn open_for_times(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(windows)]
pub(super) fn open_for_times(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_WRITE_ATTRIBUTES: u32 = 0x0100;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    OpenOptions::new().access_mode(FILE_WRITE_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

/// Removes a folder and all in it, whatever rights the folders in it have.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    make_removable(folder)?;
    efm::atomic::remove_folder(folder)
}
