//! A port that is held open for the integration point: on Linux only. The settings refuse it here.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::host::Listener;

/// Nobody keeps anything for us.
pub fn take_kept() {}

/// Nobody keeps anything for us.
pub fn let_go(_port: u16) {}

/// There is none.
#[derive(Debug)]
pub enum Socket {}

impl Socket {
    /// There is none.
    ///
    /// # Errors
    /// Always.
    pub fn open(_address: SocketAddr) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a port is held for the integration point on Linux only"))
    }

    /// Nobody keeps anything for us.
    pub fn kept(_address: SocketAddr) -> Option<Self> {
        None
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        match *self {}
    }

    /// Whether this is the socket that was seen.
    pub fn is(&self, _seen: &Listener) -> bool {
        match *self {}
    }

    /// Closes it.
    pub fn close(self) {
        match self {}
    }

    /// The command that starts this program with the socket in its hands.
    ///
    /// # Errors
    /// Never: there is none.
    pub fn hand_to(&self, _program: &Path) -> io::Result<Command> {
        match *self {}
    }
}
