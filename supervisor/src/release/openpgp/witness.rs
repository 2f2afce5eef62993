//! What a good signature says, and who is who, for people.

use jiff::Timestamp;
use std::fmt;

use crate::release::{Checksum, Sha256};

/// A key, as people tell it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The whole fingerprint, upper-case hexadecimal.
    pub fingerprint: String,
    /// The user id that the certificate gives itself; none: it has none that its own key has signed.
    pub user_id: Option<String>,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user_id {
            Some(name) => write!(f, "{} ({name})", self.fingerprint),
            None => f.write_str(&self.fingerprint),
        }
    }
}

/// Proof that an acceptable key signed these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The bytes.
    pub sha256: Sha256,
    /// How many they are.
    pub length: u64,
    /// Who signed them.
    pub signer: Signer,
    /// What is right, but a person should hear of.
    pub warnings: Vec<Warning>,
}

/// Who signed, when, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The key that signed, whole fingerprint in upper-case hexadecimal; it may be a subkey.
    pub fingerprint: String,
    /// The certificate it belongs to; the same where the primary key signed.
    pub primary_fingerprint: String,
    /// The user id that the certificate gives itself.
    pub user_id: Option<String>,
    /// When the signature says that it was made.
    pub signed_at: Timestamp,
    /// `RSA 4096`, `Ed25519`.
    pub key_algorithm: String,
    /// `SHA-512`.
    pub hash: String,
    /// When the key ends; none: never.
    pub expires: Option<Timestamp>,
}

/// Something about good bytes that a person should hear of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The key has expired, and the site has decided to accept signatures from before.
    #[error(
        "key {who} expired {expired}; the signature of {signed} was made before and is accepted because the settings say \
         so; put the publisher's refreshed certificate (the same fingerprint) in place"
    )]
    KeyExpired {
        /// Which key.
        who: Who,
        /// When.
        expired: Timestamp,
        /// When the signature was made.
        signed: Timestamp,
    },
    /// A published checksum is not that of the bytes, although their signature is good.
    #[error("the published {} is not that of the file; the signature is good, so the checksum is at fault", checksum.name())]
    Checksum {
        /// What was published.
        checksum: Checksum,
    },
}

/// A moment of the library's 32-bit clock. All of them fit.
pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// A user id as it may be printed: no control characters, no tricks with the direction of writing, not endless.
pub(super) fn printable(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    String::from_utf8_lossy(name)
        .chars()
        .filter(|letter| !letter.is_control() && !matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'))
        .take(LONGEST)
        .collect()
}
