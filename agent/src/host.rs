//! What only the system knows: how it or a person asks us to stop, and which sockets it has opened for us.

use std::io;
use std::net::TcpListener;

/// TCP sockets that whoever started us has opened (`LISTEN_FDS`, as systemd does). None where `LISTEN_PID` is not ours: then
/// they were meant for a parent of ours. The variables are taken away, so that no child takes the sockets for its own.
///
/// Must be called while there is one thread only.
///
/// # Errors
/// What was handed in is no TCP socket.
#[cfg(unix)]
pub fn handed_in(environment: &[(String, String)]) -> io::Result<Vec<TcpListener>> {
    let said = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if said("LISTEN_FDS").is_none() || said("LISTEN_PID") != Some(&std::process::id().to_string()) {
        return Ok(Vec::new());
    }
    let mut handed_in = listenfd::ListenFd::from_env();
    (0..handed_in.len()).filter_map(|number| handed_in.take_tcp_listener(number).transpose()).collect()
}

/// Nobody hands in sockets on Windows.
///
/// # Errors
/// Never.
#[cfg(windows)]
pub fn handed_in(_environment: &[(String, String)]) -> io::Result<Vec<TcpListener>> {
    Ok(Vec::new())
}

/// Hears it.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlBreak,
    #[cfg(windows)]
    close: tokio::signal::windows::CtrlClose,
    #[cfg(windows)]
    shutdown: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    /// From now on none of them ends us by itself. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system does not let us listen.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// From now on none of them ends us by itself. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system does not let us listen.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, terminate: ctrl_break()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Resolves when one comes, and says which. Cancel safe.
    #[cfg(unix)]
    pub async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Resolves when one comes, and says which. Cancel safe.
    #[cfg(windows)]
    pub async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "Ctrl-Break",
            _ = self.close.recv() => "a closing console",
            _ = self.shutdown.recv() => "a machine that goes down",
        }
    }
}
