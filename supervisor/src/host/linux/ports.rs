//! Who listens on a port.

use super::processes::processes;
use crate::host::Listener;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The state of a socket that listens, as `/proc/net/tcp` writes it.
const LISTEN: &str = "0A";

/// All sockets that listen on this port.
///
/// # Errors
/// `/proc` cannot be read.
pub fn listening(port: u16) -> io::Result<Vec<Listener>> {
    super::diag::listening(port).or_else(|_| listed(port))
}

/// The slow way, where the kernel may not be asked.
fn listed(port: u16) -> io::Result<Vec<Listener>> {
    let mut found = Vec::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        match fs::read_to_string(table) {
            Ok(text) => found.extend(text.lines().filter_map(|line| parse(line, port))),
            // A machine without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Whether this process has the socket.
pub fn holds(pid: u32, listener: &Listener) -> bool {
    let wanted = format!("socket:[{}]", listener.key);
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()))
}

/// Who has the socket; none: a process that we may not look into.
pub fn holder(listener: &Listener) -> Option<u32> {
    processes().ok()?.into_iter().map(|seen| seen.pid).find(|pid| holds(*pid, listener))
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`
fn parse(line: &str, port: u16) -> Option<Listener> {
    let mut fields = line.split_ascii_whitespace();
    let (address, listens_on) = fields.nth(1)?.split_once(':')?;
    if u16::from_str_radix(listens_on, 16).ok()? != port || fields.nth(1)? != LISTEN {
        return None;
    }
    let key = fields.nth(5)?.parse().ok()?;
    Some(Listener { address: parse_address(address)?, key })
}

/// Words of 32 bits, each as the processor has it in memory.
fn parse_address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (part, at) in bytes.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                part.copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn we_are_found_as_the_holder_of_our_own_port_and_of_no_other() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let found = listening(port).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(listed(port).unwrap(), found, "both ways say the same");
        let listener = found.first().unwrap();
        assert!(listener.address.is_loopback());
        assert!(holds(std::process::id(), listener));
        assert_eq!(holder(listener), Some(std::process::id()));
        assert!(!holds(1, &Listener { key: 0, ..*listener }));

        // A connection to it is not a listener.
        let _client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert_eq!(listening(port).unwrap().len(), 1);
        drop(socket);
        assert!(listening(port).unwrap().is_empty());
    }

    #[test]
    fn a_listener_on_the_other_family_is_found_by_both_ways() {
        let Ok(socket) = TcpListener::bind("[::]:0") else {
            println!("left out: no IPv6 on this machine");
            return;
        };
        let port = socket.local_addr().unwrap().port();
        let found = listening(port).unwrap();
        assert!(found.first().unwrap().address.is_unspecified());
        assert_eq!(listed(port).unwrap(), found);
    }

    #[test]
    fn an_address_of_either_family_is_read() {
        assert_eq!(parse_address("0100007F").unwrap(), IpAddr::from([127, 0, 0, 1]));
        assert!(parse_address("00000000000000000000000001000000").unwrap().is_loopback());
        assert!(parse_address("00000000000000000000000000000000").unwrap().is_unspecified());
        assert_eq!(parse_address("xyz"), None);
    }
}
