//! Keys and certificates of this organisation, out of PKCS #12, JKS or PEM. Start at [`open`].
//!
//! What a file is shows in its bytes, whatever the settings call it. Keys are wiped from memory when they are dropped, and
//! nothing here prints one. Whom to believe is not decided here: signatures of certificates are not looked at.

mod assemble;
mod ber;
mod certificate;
mod jks;
mod open;
mod pbe;
mod pem;
mod pkcs12;
mod subject;

pub use ber::Malformed;
pub use certificate::Certificate;
pub use open::{CannotOpen, Location, Opened, Remark, Wanted, Whence, open};
pub use pbe::Closed;
pub use subject::organisation_numbers;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::fmt;
use zeroize::Zeroize;

/// A key, and the certificates that say whose it is.
pub struct Identity {
    /// Its name in the keystore.
    pub alias: String,
    /// Its key. Never printed, wiped when dropped.
    pub key: PrivatePkcs8KeyDer<'static>,
    /// Its certificates, own first.
    pub chain: Vec<CertificateDer<'static>>,
}

impl Identity {
    /// Its own certificate.
    ///
    /// # Errors
    /// It has none that can be read.
    pub fn certificate(&self) -> Result<Certificate, Malformed> {
        Certificate::read(self.chain.first().ok_or(Malformed)?)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alias, key: _, chain } = self;
        f.debug_struct("Identity").field("alias", alias).field("certificates", &chain.len()).finish_non_exhaustive()
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { alias: self.alias.clone(), key: self.key.clone_key(), chain: self.chain.clone() }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Several of them: during a change of certificate the old one opens what was sealed for it.
#[derive(Debug, Default)]
pub struct Keystore {
    /// Those that can be used, in the order of the keystore.
    pub entries: Vec<Identity>,
}

/// Why PEM gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum CannotRead {
    /// It is not PEM, or not all of it.
    #[error("read it as PEM: {0}")]
    Pem(String),
}

impl Keystore {
    /// The entry of this name; upper and lower case are the same, as they are to Java.
    pub fn entry(&self, alias: &str) -> Option<&Identity> {
        self.entries.iter().find(|entry| is_same(&entry.alias, alias))
    }

    /// A key that needs no password, and its certificates, in any order.
    pub fn from_pem(alias: &str, pem: &[u8]) -> Result<Self, CannotRead> {
        let wrong = |why: &dyn fmt::Display| CannotRead::Pem(why.to_string());
        let found = read(pem, "", Kind::Pem).map_err(|error| wrong(&error))?;
        if let Some((_, why)) = found.unusable.first() {
            return Err(wrong(why));
        }
        let mut entries = found.keystore.entries;
        let first = entries.first_mut().ok_or_else(|| wrong(&"there is no PRIVATE KEY section in it"))?;
        alias.clone_into(&mut first.alias);
        Ok(Self { entries })
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A key alone.
    #[error("there is no certificate for its key")]
    NoCertificate,
    /// Somebody else's certificate.
    #[error("its key is not that of its certificate")]
    KeyDoesNotFit,
    /// Something that cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `.p12`, `.pfx`
    Pkcs12,
    /// Sun's.
    Jks,
    /// Text.
    Pem,
}

impl Kind {
    /// As the settings write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pkcs12 => "PKCS12",
            Self::Jks => "JKS",
            Self::Pem => "PEM",
        }
    }

    /// What these bytes are.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if jks::is_one(bytes) => Some(Self::Jks),
            _ if pkcs12::is_one(bytes) => Some(Self::Pkcs12),
            _ if pem::is_one(bytes) => Some(Self::Pem),
            _ => None,
        }
    }
}

/// A keystore, and what of it is of no use.
#[derive(Debug, Default)]
pub struct Found {
    /// What can be used.
    pub keystore: Keystore,
    /// Aliases of keys that cannot.
    pub unusable: Vec<(String, Unusable)>,
}

/// Reads a whole keystore.
///
/// # Errors
/// The password is wrong, or it is not of this kind.
pub fn read(bytes: &[u8], password: &str, kind: Kind) -> Result<Found, Closed> {
    let parts = match kind {
        Kind::Pkcs12 => pkcs12::read(bytes, password),
        Kind::Jks => jks::read(bytes, password),
        Kind::Pem => pem::read(bytes, password),
    }?;
    Ok(assemble::identities(parts))
}

#[cfg(test)]
mod tests;
