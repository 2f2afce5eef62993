//! The file in its place: whole or not at all, and readable by whoever runs `node_exporter`.

use efm::atomic;
use std::path::{Path, PathBuf};
use std::sync::Once;

use crate::notice::NoticeError;

/// The file.
#[derive(Debug)]
pub(super) struct Textfile {
    path: PathBuf,
    swept: Once,
}

impl Textfile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, swept: Once::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the place of what was there. May take as long as the disk does.
    pub(super) fn replace(&self, text: &str) -> Result<(), NoticeError> {
        self.swept.call_once(|| self.sweep());
        atomic::replace_for_all_to_read(&self.path, text.as_bytes()).map_err(|source| NoticeError::Disk {
            act: "write",
            path: self.path.clone(),
            source,
        })
    }

    /// What a supervisor left that was killed while it wrote. The folder is not ours, so it goes by the whole name.
    fn sweep(&self) {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name().and_then(|name| name.to_str()))
        else {
            return;
        };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_left = |left: &str| {
                left.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(atomic::UNFINISHED))
            };
            if entry.file_name().to_str().is_some_and(is_left)
                && let Err(error) = atomic::remove(&entry.path())
            {
                tracing::debug!(%error, file = %entry.path().display(), "sweep");
            }
        }
    }
}
