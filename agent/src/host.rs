//! What only the system knows: which sockets it has opened for us, who may read what we write. How it asks us to stop is heard by [`efm::console`].

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

/// Database, files and logs tell who writes to whom: what is made from now on is readable for us alone.
#[cfg(unix)]
pub fn keep_files_to_ourselves() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Files have the rights of the folder that they lie in.
#[cfg(windows)]
pub fn keep_files_to_ourselves() {}
