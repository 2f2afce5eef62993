//! Checksums as publishers write them: bare, or as `shasum` does with the name behind, in either case. Pure.

use crate::release::Checksum;

/// A kind of checksum, named by the ending of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `.md5`
    Md5,
    /// `.sha1`
    Sha1,
    /// `.sha256`
    Sha256,
    /// `.sha512`
    Sha512,
}

impl Ending {
    /// As it stands at the end of the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => ".md5",
            Self::Sha1 => ".sha1",
            Self::Sha256 => ".sha256",
            Self::Sha512 => ".sha512",
        }
    }

    /// Reads the file; what is wrong with it, in words.
    pub fn read(self, bytes: &[u8]) -> Result<Checksum, String> {
        let first = first_word(bytes);
        let read = match self {
            Self::Md5 => decode(&first).map(Checksum::Md5),
            Self::Sha1 => decode(&first).map(Checksum::Sha1),
            Self::Sha256 => decode(&first).map(Checksum::Sha256),
            Self::Sha512 => decode(&first).map(Checksum::Sha512),
        };
        let digits = match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        };
        let shown: String = first.chars().take(160).collect();
        read.ok_or_else(|| format!("it starts with {shown:?}; it must start with {digits} hexadecimal digits"))
    }
}

/// The digits come first; `shasum` puts a backslash before them where the name behind them is odd.
fn first_word(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    text.split_whitespace().next().unwrap_or_default().trim_start_matches('\\').to_owned()
}

fn decode<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k17_checksums_are_read_as_people_write_them() {
        let digits = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let right = Ending::Sha1.read(digits.as_bytes()).unwrap();
        for text in [
            format!("{digits}\n"),
            format!("{digits}\r\n"),
            format!("{digits}  integrasjonspunkt-v4.0.8.jar\n"),
            format!("{digits} *integrasjonspunkt-v4.0.8.jar\n"),
            format!("\u{feff}  {}", digits.to_uppercase()),
            format!("\\{digits}  odd\\nname"),
        ] {
            assert_eq!(Ending::Sha1.read(text.as_bytes()).as_ref(), Ok(&right), "{text:?}");
        }
    }

    #[test]
    fn a_bad_checksum_is_told_and_never_a_panic() {
        for bad in [&b""[..], b"\n", b"Not Found", b"da39", b"zz39a3ee5e6b4b0d3255bfef95601890afd80709", &[0xff; 40]] {
            assert!(Ending::Sha1.read(bad).unwrap_err().contains("40 hexadecimal digits"), "{bad:?}");
        }
        assert!(Ending::Sha512.read(b"da39a3ee5e6b4b0d3255bfef95601890afd80709").is_err());
        assert!(matches!(Ending::Md5.read(b"d41d8cd98f00b204e9800998ecf8427e"), Ok(Checksum::Md5(_))));
    }
}
