//! Whose the things are that we make. Where root works in a folder of somebody else (`sudo kosmos import`), what it makes
//! there belongs to whoever has the folder: otherwise the user that the service runs as could not go on with it.
//!
//! Start at [`hand_over`]. It goes by the open file that was made, never by a name that its owner could have given to
//! something else meanwhile. It never takes anything away from anybody but root, and on Windows, where a file has the
//! rights of its folder, it does nothing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Gives what we made at `path` to the one who has the folder around it, if we are root and that is somebody else. That
/// it cannot be done (a share may refuse) is told in the log, and keeps nobody from working.
pub fn hand_over(made: &File, path: &Path) {
    if let Err(error) = system::hand_over(made, path) {
        tracing::warn!(path = %path.display(), %error, "cannot give it to the owner of its folder");
    }
}

/// Like [`hand_over`], for what was made by its name alone.
pub fn hand_over_named(path: &Path) {
    if let Err(error) = system::hand_over_named(path) {
        tracing::warn!(path = %path.display(), %error, "cannot give it to the owner of its folder");
    }
}

/// Makes a folder and those above it, each where it is not there.
///
/// # Errors
/// As `std::fs::create_dir_all`.
pub fn make_folders(path: &Path) -> io::Result<()> {
    make_folders_like(path, &DirBuilder::new())
}

/// Like [`make_folders`], with the rights that the builder gives.
///
/// # Errors
/// As `std::fs::create_dir_all`.
pub fn make_folders_like(path: &Path, builder: &DirBuilder) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_folders_like(above, builder)?;
    }
    match builder.create(path) {
        Ok(()) => {
            hand_over_named(path);
            Ok(())
        }
        // Another one was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file, and makes it where it is not there.
///
/// # Errors
/// As `std::fs::OpenOptions::open`.
pub fn open_or_make(path: &Path, options: &OpenOptions) -> io::Result<File> {
    match options.clone().create_new(true).open(path) {
        Ok(made) => {
            hand_over(&made, path);
            Ok(made)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.clone().create(true).open(path),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod system {
    use super::{File, Path, io};
    use std::fs;
    use std::os::unix::fs::{MetadataExt, fchown};

    const ROOT: u32 = 0;

    pub(super) fn hand_over(made: &File, path: &Path) -> io::Result<()> {
        if made.metadata()?.uid() != ROOT {
            return Ok(());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let theirs = fs::metadata(folder)?;
        if theirs.uid() == ROOT { Ok(()) } else { fchown(made, Some(theirs.uid()), Some(theirs.gid())) }
    }

    pub(super) fn hand_over_named(path: &Path) -> io::Result<()> {
        let named = fs::symlink_metadata(path)?;
        if named.uid() != ROOT {
            return Ok(());
        }
        let open = File::open(path)?;
        let opened = open.metadata()?;
        // The owner of the folder may have put a link there, of either kind, to something that is really root's.
        let is_it = (opened.dev(), opened.ino()) == (named.dev(), named.ino());
        if is_it && (named.is_dir() || named.is_file() && opened.nlink() == 1) {
            hand_over(&open, path)
        } else {
            Ok(())
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{File, Path, io};

    #[allow(clippy::unnecessary_wraps, reason = "twin of the function above")]
    pub(super) fn hand_over(_made: &File, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "twin of the function above")]
    pub(super) fn hand_over_named(_path: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    const SOMEBODY: u32 = 54_321;

    /// A folder of somebody else; none, where only root could make one.
    fn theirs() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        let given = chown(folder.path(), Some(SOMEBODY), Some(SOMEBODY));
        if given.is_err() {
            println!("left out: only root makes a folder of somebody else");
        }
        given.ok().map(|()| folder)
    }

    fn owner(path: &Path) -> (u32, u32) {
        let metadata = fs::symlink_metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    }

    #[test]
    fn what_root_makes_in_a_folder_of_somebody_is_theirs() {
        let Some(folder) = theirs() else { return };
        let deep = folder.path().join("kosmos/outbox");
        make_folders(&deep).unwrap();
        crate::atomic::replace(&deep.join("letter"), b"x").unwrap();
        open_or_make(&deep.join("log"), OpenOptions::new().append(true)).unwrap();
        for path in ["kosmos", "kosmos/outbox", "kosmos/outbox/letter", "kosmos/outbox/log"] {
            assert_eq!(owner(&folder.path().join(path)), (SOMEBODY, SOMEBODY), "{path}");
        }
    }

    #[test]
    fn what_was_roots_before_or_is_reached_through_a_link_stays_roots() {
        let Some(folder) = theirs() else { return };
        let secret = tempfile::tempdir().unwrap();
        let (file, inner) = (secret.path().join("file"), secret.path().join("inner"));
        File::create(&file).unwrap();
        fs::create_dir(&inner).unwrap();
        for (name, target) in [("to-file", &file), ("to-folder", &inner)] {
            let link = folder.path().join(name);
            symlink(target, &link).unwrap();
            hand_over_named(&link);
            assert_eq!(owner(target), (0, 0), "{name}");
        }
        let same = folder.path().join("same");
        fs::hard_link(&file, &same).unwrap();
        hand_over_named(&same);
        open_or_make(&same, OpenOptions::new().append(true)).unwrap();
        assert_eq!(owner(&file), (0, 0));
    }
}
