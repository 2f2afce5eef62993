//! Sockets that listen, asked of the kernel by `sock_diag`. Reading `/proc/net/tcp` walks every bucket of the table of
//! connections, ten milliseconds on an idle machine; this walks the few that listen. A sandbox may forbid it.

use crate::host::Listener;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Only sockets that listen.
const LISTEN: u32 = 1 << 10;
/// `struct nlmsghdr`
const HEADER: usize = 16;
/// `struct nlmsghdr` and `struct inet_diag_req_v2`
const REQUEST: usize = HEADER + 56;
/// The kernel fills at most this in one answer.
const ANSWER: usize = 32 * 1024;
/// More answers than this are not read: thousands of listeners.
const ANSWERS: usize = 256;

/// All sockets that listen on this port.
///
/// # Errors
/// The kernel does not speak it, or may not to us.
pub(super) fn listening(port: u16) -> io::Result<Vec<Listener>> {
    let kernel = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        Some(netlink::SOCK_DIAG),
    )?;
    let mut found = Vec::new();
    let mut buffer = vec![0; ANSWER];
    for family in [AF_INET, AF_INET6] {
        send(&kernel, &request(family), SendFlags::empty())?;
        let mut more = true;
        let mut answers = 0;
        while more {
            answers += 1;
            if answers > ANSWERS {
                return Err(io::Error::other("the kernel has no end of sockets"));
            }
            let (length, _) = recv(&kernel, buffer.as_mut_slice(), RecvFlags::empty())?;
            more = read(buffer.get(..length).unwrap_or_default(), port, &mut found)?;
        }
    }
    Ok(found)
}

fn request(family: u8) -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    let length = u32::try_from(REQUEST).unwrap_or(0).to_ne_bytes();
    let states = LISTEN.to_ne_bytes();
    let parts: [(usize, &[u8]); 5] = [
        (0, &length),
        (4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes()),
        (6, &REQUEST_DUMP.to_ne_bytes()),
        (HEADER, &[family, IPPROTO_TCP]),
        (HEADER + 4, &states),
    ];
    for (at, part) in parts {
        if let Some(place) = bytes.get_mut(at..at + part.len()) {
            place.copy_from_slice(part);
        }
    }
    bytes
}

/// Reads one answer; whether more follow.
fn read(mut answer: &[u8], port: u16, found: &mut Vec<Listener>) -> io::Result<bool> {
    let cut = || io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer is cut off");
    while !answer.is_empty() {
        let length = number::<4>(answer, 0).map(u32::from_ne_bytes).and_then(|length| usize::try_from(length).ok());
        let message =
            length.filter(|length| *length >= HEADER).and_then(|length| answer.get(..length)).ok_or_else(cut)?;
        match number::<2>(message, 4).map(u16::from_ne_bytes) {
            Some(NLMSG_DONE) => return Ok(false),
            Some(NLMSG_ERROR) => {
                let code = number::<4>(message, HEADER).map_or(0, i32::from_ne_bytes);
                return Err(io::Error::from_raw_os_error(code.saturating_neg()));
            }
            _ => found.extend(listener(message.get(HEADER..).unwrap_or_default(), port)),
        }
        // Messages begin at multiples of four.
        answer = answer.get(message.len().next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// `struct inet_diag_msg`
fn listener(message: &[u8], port: u16) -> Option<Listener> {
    if number::<2>(message, 4).map(u16::from_be_bytes)? != port {
        return None;
    }
    let address = match message.first()? {
        &AF_INET => IpAddr::from(Ipv4Addr::from(number::<4>(message, 8)?)),
        _ => Ipv6Addr::from(number::<16>(message, 8)?).to_canonical(),
    };
    Some(Listener { address, key: u32::from_ne_bytes(number::<4>(message, 68)?).into() })
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_cut_off_is_an_error_and_not_an_endless_loop() {
        for answer in [&[0_u8; 20][..], &[9, 0, 0, 0], &[1], &[255; 64]] {
            assert!(read(answer, 1, &mut Vec::new()).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn a_refusal_of_the_kernel_is_told_with_its_number() {
        let mut answer = vec![20, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        answer.extend_from_slice(&(-13_i32).to_ne_bytes());
        assert_eq!(read(&answer, 1, &mut Vec::new()).unwrap_err().raw_os_error(), Some(13));
    }
}
