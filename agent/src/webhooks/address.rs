//! Who is called, and who is not. Pure.
//!
//! Case systems listen on this machine and inside the house, mostly without TLS, so those may be called, as they may today.
//! Addresses that no case system has, and behind which clouds hand out keys to whoever asks from inside, may not: link-local
//! ones, the known ones of metadata services, multicast, and "no address".

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Metadata services that are not link-local.
const METADATA: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254))];

/// The address of an endpoint.
///
/// # Errors
/// Why it cannot be one, in words for its owner.
pub(super) fn endpoint(text: &str) -> Result<Url, String> {
    const RIGHT: &str = "an address like https://case.example.org/hook";
    let url = Url::parse(text).map_err(|_| format!("it is no address; right would be: {RIGHT}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("only http and https are spoken; right would be: {RIGHT}"));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    match literal.and_then(forbidden) {
        Some(why) => Err(why.to_owned()),
        None => Ok(url),
    }
}

/// Why this address is not called; none: it may be.
pub(super) fn forbidden(address: IpAddr) -> Option<&'static str> {
    let address = bare(address);
    let is_link_local = match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    };
    if is_link_local || METADATA.contains(&address) {
        return Some("link-local addresses and those of metadata services are not called");
    }
    let is_broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    if address.is_multicast() || address.is_unspecified() || is_broadcast {
        return Some("it is not the address of one machine");
    }
    None
}

/// The IPv4 address that hides in an IPv6 one, mapped or translated (`64:ff9b::/96`).
fn bare(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return IpAddr::V4(four);
    }
    match six.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_the_house_may_be_called_with_and_without_tls() {
        for right in [
            "http://localhost:8080/hook",
            "http://127.0.0.1/hook",
            "http://[::1]:9/",
            "http://10.0.0.7/hook?case=1",
            "http://case.local/hook",
            "https://case.example.org/hook",
            "https://192.168.1.2:8443/",
        ] {
            assert!(endpoint(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_case_system_is_not_called() {
        for wrong in [
            "",
            "case.local/hook",
            "ftp://case.local/hook",
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://0.0.0.0:9093/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
        ] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
