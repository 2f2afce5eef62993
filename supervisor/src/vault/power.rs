//! Where tests cut the power or fill the disk. In the program itself this is nothing at all.

#[cfg(not(test))]
pub(super) use absent::Power;
#[cfg(test)]
pub(super) use present::Power;

#[cfg(not(test))]
mod absent {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    /// Always there.
    #[derive(Clone, Debug, Default)]
    pub(in crate::vault) struct Power;

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "twin of the one that tests use")]
    impl Power {
        pub(in crate::vault) fn needed_for(&self, _act: &'static str, _path: &Path) -> io::Result<()> {
            Ok(())
        }
        pub(in crate::vault) fn tear(&self, _path: &Path, _bytes: &[u8]) -> io::Result<()> {
            Ok(())
        }
        pub(in crate::vault) fn fill(&self, _file: &mut File, _bytes: &[u8]) -> io::Result<()> {
            Ok(())
        }
        pub(in crate::vault) fn cross(&self, _from: &Path) -> io::Result<()> {
            Ok(())
        }
        pub(in crate::vault) fn made(&self, _path: &Path) {}
        pub(in crate::vault) fn wrote(&self, _path: &Path) {}
        pub(in crate::vault) fn flushed(&self, _path: &Path) {}
        pub(in crate::vault) fn flushed_folder_of(&self, _path: &Path) {}
        pub(in crate::vault) fn settled(&self, _root: &Path, _with_bytes: bool) {}
        pub(in crate::vault) fn renamed(&self, _from: &Path, _to: &Path) {}
    }
}

#[cfg(test)]
mod present {
    use std::fs::{self, File};
    use std::io::{self, Write};
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex, MutexGuard};

    /// Can be cut before any step, and knows what a power cut would take with it because it was never flushed.
    #[derive(Clone, Debug, Default)]
    pub(in crate::vault) struct Power(Arc<Mutex<Inner>>);

    #[derive(Debug, Default)]
    struct Inner {
        steps_left: Option<usize>,
        off: bool,
        loses_what_is_not_flushed: bool,
        bytes_left: Option<usize>,
        small_files_fit: bool,
        other_volume: Option<PathBuf>,
        names: Vec<PathBuf>,
        bytes: Vec<PathBuf>,
    }

    impl Power {
        /// Goes off before the step after so many.
        pub(in crate::vault) fn cut_after(steps: usize, loses_what_is_not_flushed: bool) -> Self {
            Self(Arc::new(Mutex::new(Inner { steps_left: Some(steps), loses_what_is_not_flushed, ..Inner::default() })))
        }

        /// The disk is full after so many more bytes.
        pub(in crate::vault) fn with_room_for(bytes: usize) -> Self {
            Self(Arc::new(Mutex::new(Inner { bytes_left: Some(bytes), ..Inner::default() })))
        }

        /// What lies at this path cannot be renamed away: it is a volume of its own.
        pub(in crate::vault) fn put_on_another_volume(&self, path: &Path) {
            self.inner().other_volume = Some(path.to_owned());
        }

        /// From now on there is room for so many more bytes of data; small files still fit.
        pub(in crate::vault) fn fill_up(&self, bytes: usize) {
            self.inner().bytes_left = Some(bytes);
            self.inner().small_files_fit = true;
        }

        pub(in crate::vault) fn is_off(&self) -> bool {
            self.inner().off
        }

        fn inner(&self) -> MutexGuard<'_, Inner> {
            self.0.lock().unwrap()
        }

        pub(in crate::vault) fn needed_for(&self, act: &'static str, path: &Path) -> io::Result<()> {
            let mut inner = self.inner();
            if !inner.off {
                match inner.steps_left.as_mut() {
                    Some(0) => inner.go_off(),
                    Some(left) => *left -= 1,
                    None => {}
                }
            }
            if inner.off { Err(io::Error::other(format!("power cut: {act} {}", path.display()))) } else { Ok(()) }
        }

        pub(in crate::vault) fn tear(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            let is_full = self.inner().bytes_left.is_some_and(|left| left < bytes.len());
            if is_full && !self.inner().small_files_fit {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let alive = self.needed_for("write half of", path);
            if alive.is_err() {
                let mut name = path.file_name().unwrap().to_os_string();
                name.push(format!(".0-0{}", efm::atomic::UNFINISHED));
                File::create(path.with_file_name(name)).unwrap().write_all(&bytes[..bytes.len() / 2]).unwrap();
            }
            alive
        }

        pub(in crate::vault) fn fill(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
            let mut inner = self.inner();
            let Some(left) = inner.bytes_left.as_mut() else { return Ok(()) };
            if *left < bytes.len() {
                file.write_all(&bytes[..*left])?;
                *left = 0;
                return Err(io::ErrorKind::StorageFull.into());
            }
            *left -= bytes.len();
            Ok(())
        }

        pub(in crate::vault) fn cross(&self, from: &Path) -> io::Result<()> {
            match &self.inner().other_volume {
                Some(volume) if volume == from => Err(io::ErrorKind::CrossesDevices.into()),
                _ => Ok(()),
            }
        }

        pub(in crate::vault) fn made(&self, path: &Path) {
            self.inner().names.push(path.to_owned());
        }

        pub(in crate::vault) fn wrote(&self, path: &Path) {
            self.inner().bytes.push(path.to_owned());
        }

        pub(in crate::vault) fn flushed(&self, path: &Path) {
            self.inner().bytes.retain(|unflushed| unflushed != path);
        }

        pub(in crate::vault) fn flushed_folder_of(&self, path: &Path) {
            self.inner().names.retain(|unflushed| unflushed.parent() != path.parent());
        }

        pub(in crate::vault) fn settled(&self, root: &Path, with_bytes: bool) {
            let mut inner = self.inner();
            inner.names.retain(|unflushed| unflushed == root || !unflushed.starts_with(root));
            inner.bytes.retain(|unflushed| !(with_bytes && unflushed.starts_with(root)));
        }

        pub(in crate::vault) fn renamed(&self, from: &Path, to: &Path) {
            let mut inner = self.inner();
            let moved = |path: &mut PathBuf| {
                if let Ok(below) = path.strip_prefix(from) {
                    *path = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
                }
            };
            inner.names.iter_mut().for_each(moved);
            inner.bytes.iter_mut().for_each(moved);
            drop(inner);
            self.flushed_folder_of(to);
        }
    }

    impl Inner {
        fn go_off(&mut self) {
            self.off = true;
            if !self.loses_what_is_not_flushed {
                return;
            }
            for path in &self.bytes {
                if let Ok(file) = File::options().write(true).open(path) {
                    let half = file.metadata().unwrap().len() / 2;
                    file.set_len(half).unwrap();
                }
            }
            for path in self.names.iter().rev() {
                let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
            }
        }
    }
}
