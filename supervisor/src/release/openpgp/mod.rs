//! `OpenPGP`: which signature of which key counts for which bytes, and why not.
//!
//! Start at [`Keyring`]: read certificates once, [`Keyring::begin`] a [`Reading`] with a detached signature, feed it
//! every byte of the archive, and [`Reading::finish`] gives a [`Witness`] or a [`Refusal`]. The library underneath
//! checks arithmetic only and calls expired, revoked and SHA-1 signatures good; the whole policy is here:
//! `certificate` gathers what a key file holds, `key` keeps of it what the certificate's own key has signed, `statement`
//! says which signature packets are well made, `judge` decides. What `sequoia-openpgp` decides for the same bytes is
//! compared in `tests/tests/openpgp_oracle.rs`.
//!
//! It never makes a signature, never asks a key server, never trusts MD5 or SHA-1, and never takes a 64-bit key id for
//! an identity: an id only says which keys are tried.

mod algorithm;
mod certificate;
mod judge;
mod key;
mod keyring;
mod packets;
mod reading;
mod refusal;
mod statement;
mod witness;

pub use keyring::{Expiry, Keyring};
pub use reading::Reading;
pub use refusal::{KeyError, Refusal};
pub use witness::{Signer, Warning, Who, Witness};

/// What a site may decide about signatures. Everything else is not up for decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Accept a signature that was made before its key expired, although the key has expired since.
    pub accept_expired_key: bool,
}

/// Clocks differ: a signature dated further ahead than this is refused.
pub const AHEAD_AT_MOST: std::time::Duration = std::time::Duration::from_hours(24);
/// A detached signature is a few hundred bytes, with several of them in a file.
pub const SIGNATURE_LIMIT_BYTES: usize = 64 * 1024;
/// A certificate with all its certifications from key servers.
pub const KEY_FILE_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// RSA keys below this are refused.
pub const RSA_LEAST_BITS: u16 = 3072;
