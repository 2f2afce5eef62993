//! Who a service is: its security identifier follows from its name alone, so that rights can be given before it exists.

use std::fmt::Write as _;

use sha1::{Digest, Sha1};

/// `S-1-5-80-…`: five words of the SHA-1 of the name in capital letters, in UTF-16.
pub fn of_service(name: &str) -> String {
    let mut sha1 = Sha1::new();
    for unit in name.to_uppercase().encode_utf16() {
        sha1.update(unit.to_le_bytes());
    }
    let mut sid = "S-1-5-80".to_owned();
    for word in sha1.finalize().as_chunks::<4>().0 {
        let _ = write!(sid, "-{}", u32::from_le_bytes(*word));
    }
    sid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_windows_makes_of_the_name() {
        // `sc showsid` of two services that every Windows has.
        let installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(of_service("TrustedInstaller"), installer);
        assert_eq!(of_service("trustedinstaller"), installer);
        assert_ne!(of_service("kosmos"), of_service("kosmos-supervisor"));
    }
}
