//! The named pipe: its name is made from the home folder, and its rights let in the owner, administrators and the
//! system alone.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};

use crate::host::system;

/// Between two of our servers there is a moment in which all are busy.
const BUSY_PATIENCE: Duration = Duration::from_secs(2);
/// `ERROR_PIPE_BUSY`
const PIPE_BUSY: i32 = 231;

/// Hears questions.
pub struct Listener {
    name: String,
    waiting: NamedPipeServer,
}

impl Listener {
    /// The caller holds the lock of the home folder, so that the name is ours.
    pub fn bind(state: &Path) -> io::Result<Self> {
        let name = name(state);
        let waiting = system::pipe_server(&name, true)?;
        Ok(Self { name, waiting })
    }

    /// The next one who asks. Cancel safe: a pipe that was connected to stays the waiting one.
    pub async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        self.waiting.connect().await?;
        let next = system::pipe_server(&self.name, false)?;
        Ok(std::mem::replace(&mut self.waiting, next))
    }
}

/// Knocks.
pub async fn connect(state: &Path) -> io::Result<NamedPipeClient> {
    let name = name(state);
    let until = tokio::time::Instant::now() + BUSY_PATIENCE;
    loop {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) && tokio::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            done => return done,
        }
    }
}

fn name(state: &Path) -> String {
    let whole = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
    let digest = crate::release::digest::sha256(whole.to_string_lossy().to_lowercase().as_bytes());
    format!(r"\\.\pipe\kosmos-{digest}")
}
