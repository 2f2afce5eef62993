//! systemd, by its datagrams: `sd_notify` without its library.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Stdio;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr};

use crate::child::environment;
use crate::host::events::Entry;
use crate::host::manager::Word;

/// systemd shows one line of it.
const STATUS_CHARS: usize = 400;
/// systemd is asked no longer than this whether the machine goes down.
const ASK_PATIENCE: Duration = Duration::from_secs(5);

/// systemd, if it keeps us.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    /// What was told last, so that it is told once.
    said: RefCell<String>,
}

impl Manager {
    /// Who keeps us, as the environment says.
    pub fn found() -> Self {
        let own = std::process::id();
        let number = |name| environment::variable(name)?.to_str()?.parse::<u64>().ok();
        // A watchdog of another process, whose environment we were given, is none of ours.
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(own));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| ours && *usec > 0).map(Duration::from_micros);
        Self::at(environment::variable("NOTIFY_SOCKET"), watchdog)
    }

    fn at(socket: Option<OsString>, watchdog: Option<Duration>) -> Self {
        let socket = socket.and_then(|name| match reach(&name) {
            Ok(reached) => Some(reached),
            Err(error) => {
                tracing::warn!(%error, socket = %name.display(), "cannot reach systemd; it will not know how we are");
                None
            }
        });
        Self { watchdog: watchdog.filter(|_| socket.is_some()), socket, said: RefCell::default() }
    }

    /// How long the loop may take for a turn before we are restarted; none: nobody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it. What cannot be told is tried again with the next turn.
    pub fn tell(&self, word: Word<'_>) {
        let Some((socket, address)) = &self.socket else { return };
        let text = self.in_its_words(word);
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::debug!(%error, "systemd does not listen");
            self.said.borrow_mut().clear();
        }
    }

    /// Gives it a socket to keep for us while we are restarted; under this name it comes back.
    pub fn keep(&self, name: &str, socket: BorrowedFd<'_>) {
        self.about_a_socket(&format!("FDSTORE=1\nFDNAME={name}\n"), &[socket]);
    }

    /// What it keeps under this name is no longer wanted.
    pub fn forget(&self, name: &str) {
        self.about_a_socket(&format!("FDSTOREREMOVE=1\nFDNAME={name}\n"), &[]);
    }

    fn about_a_socket(&self, text: &str, sockets: &[BorrowedFd<'_>]) {
        let Some((socket, address)) = &self.socket else { return };
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut with = SendAncillaryBuffer::new(&mut room);
        if !sockets.is_empty() {
            with.push(SendAncillaryMessage::ScmRights(sockets));
        }
        let sent = address_of(address).and_then(|address| {
            let flags = SendFlags::NOSIGNAL;
            Ok(sendmsg_addr(socket, &address, &[IoSlice::new(text.as_bytes())], &mut with, flags)?)
        });
        if let Err(error) = sent {
            tracing::warn!(%error, "systemd does not keep the socket; who calls while we are restarted may be refused later");
        }
    }

    /// Whether we are asked to leave because the machine goes down: then the child is to be stopped in good time, before
    /// the network and the disks are taken away from it. A systemd that does not answer does not say so.
    pub async fn machine_goes_down(&self) -> bool {
        if self.socket.is_none() {
            return false;
        }
        let mut ask = tokio::process::Command::new("systemctl");
        ask.arg("is-system-running").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(ASK_PATIENCE, ask.output()).await {
            Ok(Ok(answer)) => answer.stdout.trim_ascii() == b"stopping",
            Ok(Err(_)) | Err(_) => false,
        }
    }

    fn in_its_words(&self, word: Word<'_>) -> String {
        match word {
            Word::Turn(status) => {
                let status: String =
                    status.chars().take(STATUS_CHARS).map(|c| if c == '\n' { ' ' } else { c }).collect();
                let mut said = self.said.borrow_mut();
                if *said == status {
                    return "WATCHDOG=1\n".to_owned();
                }
                said.clone_from(&status);
                format!("READY=1\nWATCHDOG=1\nSTATUS={status}\n")
            }
            Word::Reloading => {
                self.said.borrow_mut().clear();
                "RELOADING=1\nSTATUS=reads its settings again\n".to_owned()
            }
            Word::Leaving(within) => {
                format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS=leaves\n", within.as_micros())
            }
        }
    }
}

/// The same address for the call that hands sockets over.
fn address_of(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    match (address.as_pathname(), address.as_abstract_name()) {
        (Some(path), _) => Ok(SocketAddrUnix::new(path)?),
        (None, Some(name)) => Ok(SocketAddrUnix::new_abstract_name(name)?),
        (None, None) => Err(io::Error::from(io::ErrorKind::InvalidInput)),
    }
}

/// A name that begins with `@` is of the abstract kind, which has no file.
fn reach(name: &OsString) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(abstracted) => SocketAddr::from_abstract_name(abstracted)?,
        None => SocketAddr::from_pathname(OsString::from_vec(name.as_bytes().to_vec()))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A systemd that does not read must not hold up the loop that it watches.
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// Does the job; systemd needs no more than a process.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "its twin on Windows can fail")]
pub fn as_service(job: impl FnOnce() -> u8 + Send + 'static) -> io::Result<u8> {
    Ok(job())
}

/// Nothing to do: the journal has our log.
pub fn record(_: &Entry) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_each_turn_and_a_status_only_when_it_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let heard = || {
            let mut buffer = [0; 4096];
            systemd.recv(&mut buffer).map(|length| String::from_utf8(buffer[..length].to_vec()).unwrap()).unwrap()
        };
        let manager = Manager::at(Some(path.into()), Some(Duration::from_mins(1)));
        assert_eq!(manager.watchdog(), Some(Duration::from_mins(1)));
        manager.tell(Word::Turn("runs 4.0.7"));
        assert_eq!(heard(), "READY=1\nWATCHDOG=1\nSTATUS=runs 4.0.7\n");
        manager.tell(Word::Turn("runs 4.0.7"));
        assert_eq!(heard(), "WATCHDOG=1\n");
        manager.tell(Word::Reloading);
        assert!(heard().starts_with("RELOADING=1\n"));
        manager.tell(Word::Turn("runs 4.0.7"));
        assert!(heard().starts_with("READY=1\n"), "a reload ends with the next turn");
        manager.tell(Word::Turn("two\nlines"));
        assert_eq!(heard(), "READY=1\nWATCHDOG=1\nSTATUS=two lines\n");
        manager.tell(Word::Leaving(Duration::from_secs(90)));
        assert_eq!(heard(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000\nSTATUS=leaves\n");
    }

    #[test]
    fn an_abstract_socket_is_reached() {
        let name = format!("kosmos-test-{}", std::process::id());
        let systemd = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Manager::at(Some(format!("@{name}").into()), None).tell(Word::Turn("x"));
        let mut buffer = [0; 100];
        assert!(systemd.recv(&mut buffer).unwrap() > 0);
    }

    #[test]
    fn a_socket_is_handed_to_systemd_and_taken_back() {
        use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
        use std::io::IoSliceMut;
        use std::os::fd::AsFd;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        let manager = Manager::at(Some(path.into()), None);
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        manager.keep("127-0-0-1-9093", held.as_fd());
        let (mut text, mut room) = ([0; 200], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))]);
        let mut with = RecvAncillaryBuffer::new(&mut room);
        let heard =
            recvmsg(&systemd, &mut [IoSliceMut::new(&mut text)], &mut with, RecvFlags::CMSG_CLOEXEC).unwrap().bytes;
        assert_eq!(std::str::from_utf8(&text[..heard]).unwrap(), "FDSTORE=1\nFDNAME=127-0-0-1-9093\n");
        let came = with.drain().find_map(|message| {
            let RecvAncillaryMessage::ScmRights(mut sockets) = message else { return None };
            sockets.next()
        });
        let came = std::net::TcpListener::from(came.unwrap());
        assert_eq!(came.local_addr().unwrap(), held.local_addr().unwrap());
        manager.forget("127-0-0-1-9093");
        let heard = systemd.recv(&mut text).unwrap();
        assert_eq!(std::str::from_utf8(&text[..heard]).unwrap(), "FDSTOREREMOVE=1\nFDNAME=127-0-0-1-9093\n");
    }

    #[test]
    fn without_systemd_nothing_is_told_and_nobody_watches() {
        let nobody = Manager::at(None, Some(Duration::from_secs(1)));
        assert_eq!(nobody.watchdog(), None);
        nobody.tell(Word::Turn("x"));
        let gone = Manager::at(Some("/nowhere/notify".into()), Some(Duration::from_secs(1)));
        gone.tell(Word::Turn("x"));
    }
}
