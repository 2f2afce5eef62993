//! A port that we hold open for the integration point, so that who calls while it is exchanged waits and is not refused.
//!
//! The child gets the socket as systemd would hand it over: as descriptor 3, told by `LISTEN_FDS`. A shell puts it there
//! and then becomes the program, because only between fork and exec is it known which process that will be. Ours is kept by
//! systemd while we are restarted ourselves; who is not kept by systemd binds anew when the next one is started.

use super::manager::Manager;
use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::host::Listener;

/// As many may wait while the integration point is exchanged; the system may bound it further.
const BACKLOG: i32 = 4096;

/// The socket comes as the standard input, because nothing else of ours is handed on.
const HAND_OVER: &str = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";

/// What systemd kept for us, until somebody asks for it.
fn kept() -> MutexGuard<'static, Vec<TcpListener>> {
    static KEPT: OnceLock<Mutex<Vec<TcpListener>>> = OnceLock::new();
    let take = || {
        let mut given = ListenFd::from_env();
        let sockets = (0..given.len()).filter_map(|at| given.take_tcp_listener(at).ok().flatten());
        Mutex::new(sockets.collect())
    };
    KEPT.get_or_init(take).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what systemd kept for us, so that no process that we start inherits it by chance.
pub fn take_kept() {
    drop(kept());
}

/// A socket that listens, and goes on listening while nobody accepts.
#[derive(Debug)]
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
}

impl Socket {
    /// The one that systemd kept, or a new one.
    ///
    /// # Errors
    /// Somebody else has the port, or it is none of ours to have.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        if let Some(kept) = Self::kept(address) {
            return Ok(kept);
        }
        let listener = TcpListener::bind(address)?;
        rustix::net::listen(&listener, BACKLOG)?;
        Manager::found().keep(&name(address), listener.as_fd());
        Ok(Self { listener, address })
    }

    /// The one that systemd kept while we were restarted, if it did.
    pub fn kept(address: SocketAddr) -> Option<Self> {
        let mut kept = kept();
        let is_it = |one: &TcpListener| one.local_addr().is_ok_and(|at| at == address);
        let listener = kept.iter().position(is_it).map(|at| kept.swap_remove(at))?;
        Some(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether this is the socket that was seen.
    pub fn is(&self, seen: &Listener) -> bool {
        super::holds(std::process::id(), seen) && self.listener.local_addr().is_ok_and(|at| at.ip() == seen.address)
    }

    /// Closes it, also where systemd keeps it. Who listens on it goes on.
    pub fn close(self) {
        Manager::found().forget(&name(self.address));
    }

    /// The command that starts this program with the socket in its hands.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn hand_to(&self, program: &Path) -> io::Result<Command> {
        let socket: OwnedFd = self.listener.as_fd().try_clone_to_owned()?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(HAND_OVER).arg(program).stdin(Stdio::from(socket));
        Ok(shell)
    }
}

/// Closes what systemd kept on this port: nobody is to have it but the integration point.
pub fn let_go(port: u16) {
    let mut kept = kept();
    let (gone, stays) = kept.drain(..).partition(|one| one.local_addr().is_ok_and(|at| at.port() == port));
    *kept = stays;
    drop(kept);
    let gone: Vec<TcpListener> = gone;
    for listener in gone {
        if let Ok(address) = listener.local_addr() {
            Socket { listener, address }.close();
        }
    }
}

/// systemd's names are letters, digits and few signs.
fn name(address: SocketAddr) -> String {
    address.to_string().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpStream;

    #[test]
    fn the_program_gets_the_socket_as_systemd_hands_it_over_and_nothing_to_read() {
        let socket = Socket::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let script = "test \"$LISTEN_FDS $LISTEN_PID $1\" = \"1 $$ a b\" && test -S /proc/self/fd/3 && readlink /proc/self/fd/0 /proc/self/fd/3";
        let mut command = socket.hand_to(Path::new("/bin/sh")).unwrap();
        let output = command.args(["-c", script, "x", "a b"]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let words: Vec<_> = said.lines().collect();
        assert!(output.status.success(), "{said}");
        assert!(words[0] == "/dev/null" && words[1].starts_with("socket:["), "{said}");
    }

    #[test]
    fn who_calls_while_nobody_accepts_waits() {
        let socket = Socket::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let here = socket.listener.local_addr().unwrap();
        let mut waits = TcpStream::connect(here).unwrap();
        // Whoever comes next accepts it.
        let (mut accepted, _) = socket.listener.accept().unwrap();
        io::Write::write_all(&mut accepted, b"hei").unwrap();
        drop(accepted);
        let mut said = String::new();
        waits.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hei");
    }

    #[test]
    fn it_is_known_among_those_that_listen() {
        let socket = Socket::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.listener.local_addr().unwrap().port();
        let seen = super::super::listening(port).unwrap();
        assert!(seen.len() == 1 && seen.iter().all(|seen| socket.is(seen)));
    }

    #[test]
    fn a_name_is_one_that_systemd_takes() {
        assert_eq!(name("[::1]:9093".parse().unwrap()), "---1--9093");
    }
}
