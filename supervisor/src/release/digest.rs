//! Digests, and the checksums that publishers put beside their files.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of some bytes; how the house names bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

/// The SHA-256 of bytes in memory.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    ring::digest::digest(&ring::digest::SHA256, bytes).into()
}

impl From<ring::digest::Digest> for Sha256 {
    /// Of a digest made with SHA-256; one of another length is cut or filled up, and equal to no SHA-256.
    fn from(digest: ring::digest::Digest) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

/// A checksum as published beside a file. Never a reason for trust; a mismatch means that the file is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// `.md5`
    Md5([u8; 16]),
    /// `.sha1`
    Sha1([u8; 20]),
    /// `.sha256`
    Sha256([u8; 32]),
    /// `.sha512`
    Sha512([u8; 64]),
}

/// The text is not the checksum that its file's name promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read checksum: it must be {digits} hexadecimal digits, perhaps with the file's name")]
pub struct NotAChecksum {
    digits: usize,
}

impl Checksum {
    /// Reads what lies beside a file, in `file.sha1` and the like: the digits alone, or with the file's name as
    /// `sha1sum` (behind) and `openssl` (before) write it. None where the ending is that of no checksum.
    pub fn published(ending: &str, text: &str) -> Option<Result<Self, NotAChecksum>> {
        Some(match ending {
            "md5" => digits(text).map(Self::Md5),
            "sha1" => digits(text).map(Self::Sha1),
            "sha256" => digits(text).map(Self::Sha256),
            "sha512" => digits(text).map(Self::Sha512),
            _ => return None,
        })
    }

    /// What it is called: `SHA-1`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Md5(_) => "MD5",
            Self::Sha1(_) => "SHA-1",
            Self::Sha256(_) => "SHA-256",
            Self::Sha512(_) => "SHA-512",
        }
    }
}

/// The first word, or the last one, if it is so many bytes in hexadecimal.
fn digits<const N: usize>(text: &str) -> Result<[u8; N], NotAChecksum> {
    let mut words = text.trim_start_matches('\u{feff}').split_whitespace();
    let mut bytes = [0; N];
    let read = |word: Option<&str>, to: &mut [u8]| word.is_some_and(|word| hex::decode_to_slice(word, to).is_ok());
    if read(words.next(), &mut bytes) || read(words.next_back(), &mut bytes) {
        Ok(bytes)
    } else {
        Err(NotAChecksum { digits: N * 2 })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Md5(bytes) => hex::encode(bytes),
            Self::Sha1(bytes) => hex::encode(bytes),
            Self::Sha256(bytes) => hex::encode(bytes),
            Self::Sha512(bytes) => hex::encode(bytes),
        })
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read sha-256: it must be 64 hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Sha256 {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotADigest)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_read_however_it_was_written() {
        let digits = "ab".repeat(20);
        let upper = digits.to_uppercase();
        for text in [
            digits.clone(),
            format!("{digits}\n"),
            format!("{upper}\r\n"),
            format!("{digits}  integrasjonspunkt-4.0.8.jar\n"),
            format!("{digits} *integrasjonspunkt-4.0.8.jar"),
            format!("SHA1(integrasjonspunkt-4.0.8.jar)= {digits}\n"),
            format!("\u{feff}{digits}"),
        ] {
            assert_eq!(Checksum::published("sha1", &text), Some(Ok(Checksum::Sha1([0xAB; 20]))), "{text:?}");
        }
        for text in ["", "not", &digits[1..], &format!("{digits}ab"), "<html>"] {
            assert!(Checksum::published("sha1", text).unwrap().is_err(), "{text:?}");
        }
        assert!(Checksum::published("sha256", &digits).unwrap().is_err());
        assert_eq!(Checksum::published("asc", &digits), None);
    }

    #[test]
    fn a_sha_256_is_read_as_it_is_printed() {
        let sha256 = Sha256([0x0F; 32]);
        assert_eq!(sha256.to_string().parse(), Ok(sha256));
        assert_eq!("0f".parse::<Sha256>(), Err(NotADigest));
        assert_eq!(serde_json::from_str::<Sha256>(&serde_json::to_string(&sha256).unwrap()).unwrap(), sha256);
    }
}
