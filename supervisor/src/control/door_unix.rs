//! The local socket: `<state>/control.sock`, for its owner and root alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// A longer path does not fit into a socket address.
const LONGEST_PATH: usize = 100;

/// Hears questions.
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// The caller holds the lock of the home folder: a socket that lies there is a dead one's.
    pub fn bind(state: &Path) -> io::Result<Self> {
        let path = state.join("control.sock");
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let socket = through_short_path(&path, UnixListener::bind)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { socket, path })
    }

    /// The next one who asks and may. Cancel safe.
    pub async fn accept(&mut self) -> io::Result<UnixStream> {
        let (stream, _) = self.socket.accept().await?;
        let asker = stream.peer_cred()?.uid();
        if asker != 0 && asker != rustix::process::geteuid().as_raw() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The next supervisor removes what is left.
        let _ = fs::remove_file(&self.path);
    }
}

/// Knocks.
pub async fn connect(state: &Path) -> io::Result<UnixStream> {
    let path = state.join("control.sock");
    if path.as_os_str().len() < LONGEST_PATH {
        return UnixStream::connect(&path).await;
    }
    let folder = fs::File::open(state)?;
    UnixStream::connect(short_path(&folder, &path)).await
}

fn through_short_path<T>(path: &Path, act: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() < LONGEST_PATH {
        return act(path.to_owned());
    }
    let folder = fs::File::open(path.parent().unwrap_or(Path::new(".")))?;
    act(short_path(&folder, path))
}

/// A folder that is open has a short name.
fn short_path(folder: &fs::File, path: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(path.file_name().unwrap_or_default())
}
