//! Keys of ours and the certificates that speak for them. Bytes in, [`Identity`]s out: nothing here asks the disk or the
//! network. Start at [`Keystore`].
//!
//! A private key is overwritten when it is dropped, and nothing prints it.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;

/// A key, and who says whose it is.
pub struct Identity {
    /// What the keystore calls it.
    pub alias: String,
    /// The key.
    pub key: PrivatePkcs8KeyDer<'static>,
    /// Its certificate, then those that signed for it, as far as they are known.
    pub chain: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Identity")
            .field("alias", &self.alias)
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Several of them: during a change of certificate the old one opens what was sealed for it.
#[derive(Debug, Default)]
pub struct Keystore {
    /// In the order of the keystore.
    pub entries: Vec<Identity>,
}

/// Why a keystore gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum CannotRead {
    /// It is not PEM.
    #[error("read it as PEM: {0}")]
    Pem(String),
}

impl Keystore {
    /// The entry of this name; upper and lower case are the same, as in Java.
    pub fn entry(&self, alias: &str) -> Option<&Identity> {
        self.entries.iter().find(|entry| entry.alias.eq_ignore_ascii_case(alias))
    }

    /// A `PRIVATE KEY` (PKCS#8, not encrypted) and its `CERTIFICATE`s, its own first.
    pub fn from_pem(alias: &str, pem: &[u8]) -> Result<Self, CannotRead> {
        let key = match PrivateKeyDer::from_pem_slice(pem) {
            Ok(PrivateKeyDer::Pkcs8(key)) => key,
            Ok(_) => return Err(CannotRead::Pem("the key must be in a PRIVATE KEY section (PKCS#8)".into())),
            Err(error) => return Err(CannotRead::Pem(error.to_string())),
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.map_err(|error| CannotRead::Pem(error.to_string()))?;
        if chain.is_empty() {
            return Err(CannotRead::Pem("there is no CERTIFICATE section in it".into()));
        }
        Ok(Self { entries: vec![Identity { alias: alias.to_owned(), key, chain }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_certificate_are_read_from_pem_and_the_key_is_not_printed() {
        let made = rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap();
        let pem = format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem());
        let keystore = Keystore::from_pem("Own", pem.as_bytes()).unwrap();
        let own = keystore.entry("OWN").unwrap();
        assert_eq!(own.key.secret_pkcs8_der(), made.signing_key.serialize_der());
        assert_eq!(own.chain, [made.cert.der().clone()]);
        assert_eq!(format!("{keystore:?}"), "Keystore { entries: [Identity { alias: \"Own\", chain: 1, .. }] }");
    }

    #[test]
    fn what_is_missing_is_named() {
        let made = rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap();
        let told = |pem: &str| Keystore::from_pem("own", pem.as_bytes()).unwrap_err().to_string();
        assert!(told(&made.signing_key.serialize_pem()).contains("no CERTIFICATE section"));
        assert!(told(&made.cert.pem()).starts_with("read it as PEM: "));
    }
}
