//! Our port: who has it, and whether that is the integration point that we mean.

use crate::host::system::sockets::Socket;
use crate::host::{Listener, Seen, system};
use crate::ports::Process;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use url::{Host, Url};

/// Who has the port, seen from one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody listens.
    Nobody,
    /// The process, or one that belongs to it.
    Itself,
    /// Somebody else, in words.
    Other(String),
}

/// The port of a base URL, and the addresses of it that matter to us.
#[derive(Clone, Debug)]
pub struct Port {
    number: u16,
    /// None: any, because a name may stand for any.
    addresses: Option<Vec<IpAddr>>,
}

impl Port {
    /// The port that this URL speaks to.
    pub fn of(url: &Url) -> Self {
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => Some(vec![IpAddr::V4(address)]),
            Some(Host::Ipv6(address)) => Some(vec![IpAddr::V6(address)]),
            Some(Host::Domain("localhost")) => Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
            Some(Host::Domain(_)) | None => None,
        };
        Self { number: url.port_or_known_default().unwrap_or(0), addresses }
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Sockets that would answer us. One on another address of this machine is another instance's business.
    ///
    /// # Errors
    /// The system does not say.
    pub fn listeners(&self) -> io::Result<Vec<Listener>> {
        let mut found = system::listening(self.number)?;
        found.retain(|listener| self.concerns_us(listener.address));
        Ok(found)
    }

    fn concerns_us(&self, address: IpAddr) -> bool {
        let ours = |addresses: &Vec<IpAddr>| addresses.contains(&address);
        address.is_unspecified() || self.addresses.as_ref().is_none_or(ours)
    }

    /// Who has it, seen from this process. Every socket that would answer us must be its own.
    ///
    /// # Errors
    /// The system does not say.
    pub fn held_by(&self, process: &Process, leader_known: bool) -> io::Result<Holder> {
        let listeners = self.listeners()?;
        if listeners.is_empty() {
            return Ok(Holder::Nobody);
        }
        // Cheap for the usual case: it holds them itself.
        if listeners.iter().all(|listener| system::holds(process.pid, listener)) {
            return Ok(Holder::Itself);
        }
        let tree = system::tree(process.pid, process.started, leader_known)?;
        // Windows always says who listens; Wine says process 0, which is nobody.
        let is_untold = |listener: &Listener| cfg!(windows) && listener.key == 0 && !tree.is_empty();
        let in_tree = |listener: &Listener| tree.iter().any(|seen: &Seen| system::holds(seen.pid, listener));
        let belongs = |listener: &Listener| in_tree(listener) || is_untold(listener);
        Ok(match listeners.iter().find(|listener| !belongs(listener)) {
            None => Holder::Itself,
            Some(stranger) => Holder::Other(describe(system::holder(stranger))),
        })
    }

    /// Who has it, in words; none: it is free, and can be bound, or is held by us for the integration point.
    ///
    /// # Errors
    /// The system does not say.
    pub fn holder(&self, ours: Option<&Socket>) -> io::Result<Option<String>> {
        let is_other = |listener: &&Listener| ours.is_none_or(|ours| !ours.is(listener));
        if let Some(listener) = self.listeners()?.iter().find(is_other) {
            return Ok(Some(describe(system::holder(listener))));
        }
        if ours.is_some() {
            // What we hold nobody else can have.
            return Ok(None);
        }
        // Taken by a socket that no table shows us (another network stack, a reserved range): only trying tells.
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        for address in self.addresses.as_deref().unwrap_or(&loopback) {
            match TcpListener::bind((*address, self.number)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(Some(describe(None))),
                // Windows denies a port that somebody has for himself alone, or that is reserved. Elsewhere it is a low
                // number, which the child may have a right to that we lack.
                Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
                    return Ok(Some(format!("that reserved it: {error}")));
                }
                // An address that this machine does not have is nobody's.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// `1234 (java)`
fn describe(pid: Option<u32>) -> String {
    let Some(pid) = pid else { return "of another user".into() };
    let command_line = system::surroundings(&[pid]).into_iter().next().unwrap_or_default().command_line;
    let name = command_line.into_iter().next().unwrap_or_default();
    let name = std::path::Path::new(&name).file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.is_empty() { pid.to_string() } else { format!("{pid} ({name})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> (TcpListener, Port) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}", socket.local_addr().unwrap().port());
        (socket, Port::of(&Url::parse(&url).unwrap()))
    }

    #[test]
    fn the_holder_of_a_taken_port_is_named_and_a_closed_port_is_free() {
        let (socket, port) = taken();
        let holder = port.holder(None).unwrap().unwrap();
        let named = holder.starts_with(&std::process::id().to_string());
        assert!(!crate::host::tells_owners() || named, "{holder}");
        drop(socket);
        assert_eq!(port.holder(None).unwrap(), None);
    }

    #[test]
    fn a_port_that_we_hold_is_not_held_by_another_process() {
        let (_socket, port) = taken();
        let parent = Process { pid: 1, started: 0, boot: String::new(), archive: None };
        assert!(matches!(port.held_by(&parent, false).unwrap(), Holder::Other(_)));
        let started = system::identify(std::process::id()).unwrap().unwrap();
        let own = Process { pid: std::process::id(), started, ..parent };
        assert!(!crate::host::tells_owners() || port.held_by(&own, false).unwrap() == Holder::Itself);
    }

    #[test]
    fn a_socket_on_another_address_is_not_ours() {
        let port = |url: &str| Port::of(&Url::parse(url).unwrap());
        let other = IpAddr::from([10, 0, 0, 5]);
        assert!(!port("http://localhost:9093").concerns_us(other));
        assert!(port("http://10.0.0.5:9093").concerns_us(other));
        assert!(port("http://minside.example:9093").concerns_us(other));
        assert!(port("http://localhost:9093").concerns_us(Ipv4Addr::UNSPECIFIED.into()));
        assert_eq!(port("https://localhost").number, 443);
    }
}
