//! Why a key file or a signature does not count: who, when, which key, and what would be right.

use jiff::Timestamp;

use super::witness::Who;
use super::{AHEAD_AT_MOST, KEY_FILE_LIMIT_BYTES, RSA_LEAST_BITS, SIGNATURE_LIMIT_BYTES};
use crate::ports::Remedy;
use crate::release::Checksum;

/// Why there is no keyring. Always a matter for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No file was named, or none of them holds a certificate.
    #[error("read keys: there is none; name the file with the publisher's certificate in release.keys")]
    NoKey,
    /// A file makes no sense.
    #[error("read keys from {file}: {reason}")]
    Unreadable {
        /// Its name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was pinned is no whole fingerprint.
    #[error("read fingerprint {text:?}: it must be the whole fingerprint, 40 or 64 hexadecimal digits")]
    NotAFingerprint {
        /// What was pinned.
        text: String,
    },
    /// A pinned key is in none of the files.
    #[error("find key {fingerprint}: it is pinned but none of the key files holds it; they hold {}", list(found))]
    NotFound {
        /// What was pinned.
        fingerprint: String,
        /// What the files hold.
        found: Vec<Who>,
    },
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no signature, or longer than any.
    #[error(
        "read signature: {reason}; at most {SIGNATURE_LIMIT_BYTES} bytes with a detached OpenPGP signature are right"
    )]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// It does not say which key made it.
    #[error(
        "verify signature: it does not say which key made it; sign with a tool that writes the issuer's fingerprint"
    )]
    NoIssuer,
    /// A key made it that we do not accept.
    #[error(
        "verify signature: key {issuer} made it, and only {} counts; if the publisher has a new key, get its certificate \
         from the publisher and name the file in release.keys",
        list(known)
    )]
    UnknownKey {
        /// Which.
        issuer: String,
        /// Those that we accept.
        known: Vec<Who>,
    },
    /// It is a signature of something else than a file's bytes.
    #[error(
        "verify signature of key {who}: its type is 0x{kind:02x}; only type 0x00, over the bytes of a file, counts"
    )]
    WrongType {
        /// Whose.
        who: Who,
        /// Its type.
        kind: u8,
    },
    /// The packet is not well made.
    #[error("verify signature of key {who}: {reason}")]
    Malformed {
        /// Whose.
        who: Who,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The hash can be forged.
    #[error("verify signature of key {who}: it is made over {hash}; only SHA-256, SHA-384 and SHA-512 count")]
    WeakHash {
        /// Whose.
        who: Who,
        /// Which.
        hash: String,
    },
    /// The key can be broken, or nobody can say that it cannot.
    #[error(
        "verify signature of key {who}: the key is {algorithm}; only RSA of at least {RSA_LEAST_BITS} bits, Ed25519 and \
         ECDSA on a NIST curve count"
    )]
    WeakKey {
        /// Which.
        who: Who,
        /// What it is.
        algorithm: String,
    },
    /// Nothing that its own certificate has signed says that the key is valid.
    #[error(
        "verify signature of key {who}: nothing that its certificate has signed with a strong hash says that this key is \
         valid now; fetch the publisher's certificate anew"
    )]
    NotBound {
        /// Which.
        who: Who,
    },
    /// The key is there for something else.
    #[error(
        "verify signature of key {who}: the certificate does not make this a key that signs files, or the key does not \
         confirm that it belongs to the certificate"
    )]
    NotForSigning {
        /// Which.
        who: Who,
    },
    /// The key was given up.
    #[error(
        "verify signature of key {who}: the key was revoked {revoked} as {why}; {}",
        if *hard { "none of its signatures counts, get the publisher's new key" } else { "signatures made after that do not count" }
    )]
    Revoked {
        /// Which.
        who: Who,
        /// When.
        revoked: Timestamp,
        /// Why, in words.
        why: &'static str,
        /// Whether signatures from before are lost, too.
        hard: bool,
    },
    /// The key has expired since.
    #[error(
        "verify signature of key {who}: the key expired {expired}, after it made this signature {signed}; put the \
         publisher's refreshed certificate (the same fingerprint, a later end) in place, or set \
         release.accept_expired_key"
    )]
    KeyExpired {
        /// Which.
        who: Who,
        /// When the signature was made.
        signed: Timestamp,
        /// When the key ended.
        expired: Timestamp,
    },
    /// The key had expired already.
    #[error(
        "verify signature of key {who}: it was made {signed} and the key expired before, {expired}; put the publisher's \
         refreshed certificate (the same fingerprint, a later end) in place"
    )]
    SignedAfterExpiry {
        /// Which.
        who: Who,
        /// When the signature was made.
        signed: Timestamp,
        /// When the key ended.
        expired: Timestamp,
    },
    /// The signature says itself that it does not hold any more.
    #[error("verify signature of key {who}: it was made {signed} and itself says that it holds until {expired} only")]
    SignatureExpired {
        /// Whose.
        who: Who,
        /// When it was made.
        signed: Timestamp,
        /// When it ended.
        expired: Timestamp,
    },
    /// It is dated ahead of our clock.
    #[error(
        "verify signature of key {who}: it is dated {signed} and it is {now} here; at most {} hours ahead is accepted, so \
         look at this machine's clock", AHEAD_AT_MOST.as_secs() / 3600
    )]
    FromTheFuture {
        /// Whose.
        who: Who,
        /// When it says that it was made.
        signed: Timestamp,
        /// What our clock says.
        now: Timestamp,
    },
    /// It is dated before its key was made.
    #[error("verify signature of key {who}: it is dated {signed} and the key was made later, {created}")]
    OlderThanKey {
        /// Whose.
        who: Who,
        /// When it says that it was made.
        signed: Timestamp,
        /// When the key was made.
        created: Timestamp,
    },
    /// It asks to be refused by whoever does not understand a part of it.
    #[error("verify signature of key {who}: it has a critical part that we do not understand, {what}")]
    Critical {
        /// Whose.
        who: Who,
        /// Which part.
        what: String,
    },
    /// The bytes are not those that were published.
    #[error(
        "verify {length} bytes: their {} is not the published {checksum}; the upload or the download is cut off or broken",
        checksum.name()
    )]
    Broken {
        /// How many bytes there were.
        length: u64,
        /// What was published.
        checksum: Checksum,
    },
    /// The bytes are not those that were signed.
    #[error(
        "verify signature of key {who}, made {signed}: it is not over these {length} bytes; the archive was changed, or one \
         of the two belongs to another file"
    )]
    BadSignature {
        /// Whose it says that it is.
        who: Who,
        /// When it says that it was made.
        signed: Timestamp,
        /// How many bytes there were.
        length: u64,
    },
}

impl Refusal {
    /// Retry, give up, or call a person.
    pub fn remedy(&self) -> Remedy {
        match self {
            // Files are published by hand, one after the other: in between they do not fit each other.
            Self::Unreadable { .. } | Self::Broken { .. } | Self::BadSignature { .. } => Remedy::Retry(None),
            Self::UnknownKey { .. }
            | Self::WeakKey { .. }
            | Self::NotBound { .. }
            | Self::NotForSigning { .. }
            | Self::Revoked { .. }
            | Self::KeyExpired { .. }
            | Self::SignedAfterExpiry { .. }
            | Self::FromTheFuture { .. } => Remedy::CallAPerson,
            Self::NoIssuer
            | Self::WrongType { .. }
            | Self::Malformed { .. }
            | Self::WeakHash { .. }
            | Self::SignatureExpired { .. }
            | Self::OlderThanKey { .. }
            | Self::Critical { .. } => Remedy::GiveUp,
        }
    }

    /// Whether it is about a key of ours: of several refusals in a file that one is told.
    pub(super) fn is_about_us(&self) -> bool {
        !matches!(self, Self::NoIssuer | Self::UnknownKey { .. } | Self::Unreadable { .. })
    }
}

/// The error of a key file that is too large.
pub(super) fn too_large() -> String {
    format!("it has more than {KEY_FILE_LIMIT_BYTES} bytes")
}

fn list(keys: &[Who]) -> String {
    let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
    if keys.is_empty() { "no key".into() } else { keys.join(", ") }
}
