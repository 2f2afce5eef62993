//! Every change that the vault makes on the disk goes through [`Disk`], one small act a method.
//!
//! One place, so that each act is durable in the same way and names itself in the same words when it fails, and so that
//! tests can cut the power or fill the disk before any of them (see `power`). Reading needs no door.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::power::Power;
use super::system;
use crate::ports::VaultError;

/// Who may do what with a folder that others may look into.
pub(super) const OPEN_TO_READ: u32 = 0o755;
/// Who may do what with a folder that is nobody else's business: unverified bytes, citizens' messages.
pub(super) const PRIVATE: u32 = 0o700;

/// The door to the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) power: Power,
}

/// How a file or folder looks besides its bytes.
#[derive(Clone, Debug)]
pub(super) struct Look {
    permissions: fs::Permissions,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    pub(super) owner: (u32, u32),
}

impl Look {
    /// As these metadata say.
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            permissions: metadata.permissions(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            owner: {
                use std::os::unix::fs::MetadataExt;
                (metadata.uid(), metadata.gid())
            },
        }
    }
}

/// How the files of a tree come to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// Each by itself, with [`Disk::sync`]; then their names.
    Each,
    /// All at once, with whatever else is not yet written on that file system.
    FileSystem,
}

impl Flush {
    /// A flush for each of a hundred thousand messages takes minutes of downtime; flushing a whole file system for a
    /// few of them may wait for what other programs wrote.
    pub(super) fn of(files: usize) -> Self {
        const MANY: usize = 1000;
        if cfg!(target_os = "linux") && files > MANY { Self::FileSystem } else { Self::Each }
    }
}

/// An error of the disk, with the act and the path.
pub(super) fn failed(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VaultError {
    move |source| VaultError::Disk { act, path: path.to_owned(), source }
}

/// An error of the disk that we found ourselves.
pub(super) fn refused(act: &'static str, path: &Path, kind: io::ErrorKind, reason: impl Into<String>) -> VaultError {
    VaultError::Disk { act, path: path.to_owned(), source: io::Error::new(kind, reason.into()) }
}

/// Whether an error says that the disk, or our share of it, is full.
pub(super) fn is_full(error: &VaultError) -> bool {
    match error {
        VaultError::NoRoom { .. } => true,
        VaultError::Disk { source, .. } => {
            matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
            )
        }
        VaultError::Corrupt { .. }
        | VaultError::Changed { .. }
        | VaultError::Locked { .. }
        | VaultError::Unpack { .. } => false,
    }
}

/// What lies at a path itself, links not followed; none: nothing.
pub(super) fn what_lies_at(path: &Path) -> Result<Option<fs::Metadata>, VaultError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// The names in a folder, sorted; a folder that is not there has none.
pub(super) fn names_in(folder: &Path) -> Result<Vec<PathBuf>, VaultError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed("list", folder)(error)),
    };
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed("list", folder))?;
    names.sort();
    Ok(names)
}

/// Bytes free for us where `path` lies or will lie.
pub(super) fn free_on_volume_of(path: &Path) -> Result<u64, VaultError> {
    let there = path.ancestors().find(|above| above.exists()).unwrap_or(path);
    fs4::available_space(there).map_err(failed("measure", there))
}

impl Disk {
    fn step<T>(&self, act: &'static str, path: &Path, work: impl FnOnce() -> io::Result<T>) -> Result<T, VaultError> {
        self.power.needed_for(act, path).and_then(|()| work()).map_err(failed(act, path))
    }

    /// Makes a folder and those above it, durably. One that is there is left as it is.
    pub(super) fn make_folder(&self, path: &Path, mode: u32) -> Result<(), VaultError> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make_folder(parent, mode)?;
        }
        self.make_folder_unsettled(path, mode)?;
        self.sync_folder_of(path)
    }

    /// Makes one folder. [`Disk::settle`] makes it durable.
    pub(super) fn make_folder_unsettled(&self, path: &Path, mode: u32) -> Result<(), VaultError> {
        self.step("make folder", path, || system::make_folder(path, mode))?;
        self.power.made(path);
        Ok(())
    }

    /// Makes a new file that only we may touch, for writing. [`Disk::settle`] or a rename makes its name durable.
    pub(super) fn make_file(&self, path: &Path) -> Result<File, VaultError> {
        let file = self.step("make", path, || system::private_new_file().open(path))?;
        efm::owner::hand_over(&file, path);
        self.power.made(path);
        self.power.wrote(path);
        Ok(file)
    }

    /// Opens a file for reading and for appending, and makes it where it is not there.
    pub(super) fn open_to_append(&self, path: &Path) -> Result<File, VaultError> {
        let new = what_lies_at(path)?.is_none();
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = self.step("open", path, || efm::owner::open_or_make(path, &options))?;
        if new {
            self.power.made(path);
            self.sync_folder_of(path)?;
        }
        Ok(file)
    }

    /// Writes at the end of what was written.
    pub(super) fn write(&self, file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
        self.power.wrote(path);
        self.step("write", path, || self.power.fill(file, bytes).and_then(|()| file.write_all(bytes)))
    }

    /// Somebody else wrote this file, and did not flush it.
    pub(super) fn was_written(&self, path: &Path) {
        self.power.made(path);
        self.power.wrote(path);
    }

    /// Leaves a hole: zeros that take no room where the file system can.
    pub(super) fn skip(&self, file: &mut File, path: &Path, bytes: i64) -> Result<(), VaultError> {
        self.step("write", path, || file.seek(SeekFrom::Current(bytes)).map(drop))
    }

    /// Cuts the file, or lengthens it with a hole.
    pub(super) fn set_length(&self, file: &File, path: &Path, length: u64) -> Result<(), VaultError> {
        self.power.wrote(path);
        self.step("cut", path, || file.set_len(length))
    }

    /// Flushes a file's bytes to the disk.
    pub(super) fn sync(&self, file: &File, path: &Path) -> Result<(), VaultError> {
        self.step("flush", path, || file.sync_all())?;
        self.power.flushed(path);
        Ok(())
    }

    /// Flushes the folder that holds `path`.
    pub(super) fn sync_folder_of(&self, path: &Path) -> Result<(), VaultError> {
        self.step("flush folder of", path, || efm::atomic::sync_folder_of(path))?;
        self.power.flushed_folder_of(path);
        Ok(())
    }

    /// A tree becomes durable.
    pub(super) fn settle(&self, root: &Path, how: Flush) -> Result<(), VaultError> {
        self.step("flush", root, || match how {
            Flush::Each => system::flush_folders(root),
            Flush::FileSystem => system::flush_file_system(root),
        })?;
        self.power.settled(root, how == Flush::FileSystem);
        self.sync_folder_of(root)
    }

    /// Replaces a small file in one step.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
        self.step("write", path, || {
            self.power.tear(path, bytes)?;
            efm::atomic::replace(path, bytes)
        })?;
        self.power.flushed_folder_of(path);
        Ok(())
    }

    /// Renames, durably in both folders.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), VaultError> {
        self.step("rename", from, || self.power.cross(from).and_then(|()| efm::atomic::rename(from, to)))?;
        self.power.renamed(from, to);
        if from.parent() != to.parent() {
            self.sync_folder_of(from)?;
        }
        Ok(())
    }

    /// Removes a file; one that is gone is no error.
    pub(super) fn remove(&self, path: &Path) -> Result<(), VaultError> {
        self.step("remove", path, || efm::atomic::remove(path))
    }

    /// Removes a folder with all that is in it, or a file. A name that says "unfinished" comes first, so that half of
    /// it is never taken for the whole.
    pub(super) fn remove_tree(&self, path: &Path) -> Result<(), VaultError> {
        let Some(metadata) = what_lies_at(path)? else { return Ok(()) };
        if !metadata.is_dir() {
            return self.remove(path);
        }
        let doomed = if is_unfinished(path) {
            path.to_owned()
        } else {
            let doomed = unfinished(path);
            self.remove_tree(&doomed)?;
            self.rename(path, &doomed)?;
            doomed
        };
        self.step("open", &doomed, || system::make_removable(&doomed))?;
        self.empty(&doomed)?;
        self.step("remove", &doomed, || system::remove_folder(&doomed))?;
        self.sync_folder_of(&doomed)
    }

    /// Removes what is in a folder, but not the folder.
    pub(super) fn empty(&self, folder: &Path) -> Result<(), VaultError> {
        for inside in names_in(folder)? {
            let is_folder = what_lies_at(&inside)?.is_some_and(|metadata| metadata.is_dir());
            self.step("remove", &inside, || {
                if is_folder { system::remove_folder(&inside) } else { system::remove_link_or_file(&inside) }
            })?;
        }
        Ok(())
    }

    /// Makes a symbolic link to what `original` was a link to.
    pub(super) fn link(&self, target: &Path, original: &Path, at: &Path) -> Result<(), VaultError> {
        self.step("link", at, || system::make_link(target, original, at))?;
        self.power.made(at);
        Ok(())
    }

    /// Clones a file's blocks; an error means that the file system cannot, and nothing lies at `to`.
    pub(super) fn clone_blocks(&self, from: &File, to: &Path) -> Result<(), VaultError> {
        self.step("clone", to, || reflink_copy::reflink_file_to_path(from, to))?;
        efm::owner::hand_over_named(to);
        self.power.made(to);
        self.power.wrote(to);
        Ok(())
    }

    /// Gives a copy the permissions, the owner and the time of its original.
    pub(super) fn dress(&self, path: &Path, look: &Look) -> Result<(), VaultError> {
        self.step("set owner of", path, || system::give_owner(path, look))?;
        let times = look.modified.map(|modified| fs::FileTimes::new().set_modified(modified));
        self.step("set time of", path, || match times {
            Some(times) => system::open_for_times(path)?.set_times(times),
            None => Ok(()),
        })?;
        self.step("set permissions of", path, || fs::set_permissions(path, look.permissions.clone()))
    }

    /// Sets who may do what with an open file or a folder. Windows: what the folder above says holds.
    pub(super) fn set_mode(&self, path: &Path, mode: u32) -> Result<(), VaultError> {
        self.step("set permissions of", path, || {
            #[cfg(unix)]
            return fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode));
            #[cfg(not(unix))]
            {
                let _ = mode;
                Ok(())
            }
        })
    }
}

/// The name under which something is built or taken down; nobody takes it for the whole.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(efm::atomic::UNFINISHED);
    path.with_file_name(name)
}

/// Whether a name says that it is nobody's.
pub(super) fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(efm::atomic::UNFINISHED))
}
