//! Keys: our own, with which we open and sign; and how the key of a content is sealed to a receiver.
//!
//! RSA decryption is done with blinding. Whether a sealed key had the right padding is told nobody: where it had not, or
//! is of the wrong length, the content is decrypted with random bytes in its place, and fails where every spoilt content
//! fails. See docs/decisions/0035 for what remains.

use super::ber::{CONTEXT, OCTETS, OID, Reader, SEQUENCE};
use super::certificate::Certificate;
use super::{der, oids};
use crate::ports::{KeyEncryption, SealError};
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::OsRng;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};
use sha1_of_rsa::Sha1;

/// Shorter ones are not sealed to.
const SHORTEST_KEY_BITS: usize = 2048;

/// A key of ours, with its certificate.
pub(super) struct Own {
    pub(super) alias: String,
    pub(super) certificate: Certificate,
    /// Its certificate and those above it, DER.
    pub(super) chain: Vec<Vec<u8>>,
    key: RsaPrivateKey,
    pub(super) signer: ring::signature::RsaKeyPair,
}

impl Own {
    /// Reads what a keystore has. The key must be the certificate's.
    pub(super) fn read(alias: &str, key: &[u8], chain: Vec<Vec<u8>>) -> Result<Self, SealError> {
        let cannot = |why: String| SealError::OwnKey { alias: alias.to_owned(), why };
        let first = chain.first().ok_or_else(|| cannot("it has no certificate".into()))?;
        let certificate = Certificate::read(first).map_err(|why| cannot(why.to_string()))?;
        if certificate.key_algorithm != oids::RSA {
            return Err(cannot("its certificate is of no RSA key, and packages are sealed to RSA keys alone".into()));
        }
        let parsed = RsaPrivateKey::from_pkcs8_der(key);
        let parsed = parsed.map_err(|_| cannot("it is no RSA key in PKCS#8".into()))?;
        let public = RsaPublicKey::from_pkcs1_der(&certificate.key);
        if public.ok().as_ref() != Some(&parsed.to_public_key()) {
            return Err(cannot("the certificate is not of this key".into()));
        }
        let signer = ring::signature::RsaKeyPair::from_pkcs8(key);
        let signer = signer.map_err(|why| cannot(format!("one cannot sign with it: {why}")))?;
        Ok(Self { alias: alias.to_owned(), certificate, chain, key: parsed, signer })
    }

    /// The key of a content that was sealed to us; random bytes where it cannot be had, which is told nobody.
    pub(super) fn unwrap(&self, how: Wrapping, sealed: &[u8], length: usize) -> Result<Vec<u8>, SealError> {
        let mut instead = vec![0; length];
        fill(&mut instead)?;
        let opened = match how {
            Wrapping::Pkcs1 => self.key.decrypt_blinded(&mut OsRng, Pkcs1v15Encrypt, sealed),
            Wrapping::Oaep(digest, mgf) => self.key.decrypt_blinded(&mut OsRng, oaep(digest, mgf), sealed),
        };
        Ok(match opened {
            Ok(key) if key.len() == length => key,
            _ => instead,
        })
    }
}

/// Fills with random bytes.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    use ring::rand::SecureRandom;
    let filled = ring::rand::SystemRandom::new().fill(bytes);
    filled.map_err(|_| SealError::Machine("the system gives no random bytes".into()))
}

/// How a key is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    Pkcs1,
    /// The digest, and that of its mask.
    Oaep(Digest, Digest),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

fn oaep(digest: Digest, mask: Digest) -> Oaep {
    macro_rules! with {
        ($digest:ty) => {
            match mask {
                Digest::Sha1 => Oaep::new_with_mgf_hash::<$digest, Sha1>(),
                Digest::Sha256 => Oaep::new_with_mgf_hash::<$digest, Sha256>(),
                Digest::Sha384 => Oaep::new_with_mgf_hash::<$digest, Sha384>(),
                Digest::Sha512 => Oaep::new_with_mgf_hash::<$digest, Sha512>(),
            }
        };
    }
    match digest {
        Digest::Sha1 => with!(Sha1),
        Digest::Sha256 => with!(Sha256),
        Digest::Sha384 => with!(Sha384),
        Digest::Sha512 => with!(Sha512),
    }
}

impl Wrapping {
    /// Reads it; what is not known is said in words.
    pub(super) fn read(name: &[u8], parameters: Reader<'_>) -> Result<Self, String> {
        if name == oids::RSA {
            return Ok(Self::Pkcs1);
        }
        if name != oids::OAEP {
            return Err(format!("a key with {}", oids::dotted(name)));
        }
        Self::read_oaep(parameters).ok_or_else(|| "a key with OAEP, whose parameters are not known".to_owned())?
    }

    fn read_oaep(mut parameters: Reader<'_>) -> Option<Result<Self, String>> {
        let (mut digest, mut mask) = (Digest::Sha1, Digest::Sha1);
        let Some(inner) = parameters.next().ok()? else { return Some(Ok(Self::Oaep(digest, mask))) };
        let mut inner = Some(inner).filter(|inner| inner.tag == SEQUENCE)?.inside();
        if let Some(named) = inner.optional(CONTEXT).ok()? {
            digest = Digest::read(named.inside().expect(SEQUENCE, "").ok()?.inside())?;
        }
        if let Some(named) = inner.optional(CONTEXT | 1).ok()? {
            let mut generator = named.inside().expect(SEQUENCE, "").ok()?.inside();
            if generator.expect(OID, "").ok()?.content != oids::MGF1 {
                return None;
            }
            mask = Digest::read(generator.expect(SEQUENCE, "").ok()?.inside())?;
        }
        if let Some(named) = inner.optional(CONTEXT | 2).ok()? {
            let mut source = named.inside().expect(SEQUENCE, "").ok()?.inside();
            let is_plain = source.expect(OID, "").ok()?.content == oids::P_SPECIFIED;
            if !is_plain || !source.expect(OCTETS, "").ok()?.content.is_empty() {
                return Some(Err("a key with OAEP and a label".into()));
            }
        }
        Some(Ok(Self::Oaep(digest, mask)))
    }
}

impl Digest {
    fn read(mut algorithm: Reader<'_>) -> Option<Self> {
        match algorithm.expect(OID, "").ok()?.content {
            oids::SHA1 => Some(Self::Sha1),
            oids::SHA256 => Some(Self::Sha256),
            oids::SHA384 => Some(Self::Sha384),
            oids::SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// Seals the key of a content: the algorithm, written, and the sealed key.
pub(super) fn wrap(to: &Certificate, how: KeyEncryption, key: &[u8]) -> Result<(Vec<u8>, Vec<u8>), SealError> {
    let cannot = |why: String| SealError::Receiver(why);
    if to.key_algorithm != oids::RSA {
        return Err(cannot(format!("its key is no RSA key, but {}", oids::dotted(&to.key_algorithm))));
    }
    let public = RsaPublicKey::from_pkcs1_der(&to.key);
    let public = public.map_err(|why| cannot(format!("its key cannot be read: {why}")))?;
    if public.size() * 8 < SHORTEST_KEY_BITS {
        return Err(cannot(format!(
            "its key has {} bits, and at least {SHORTEST_KEY_BITS} are asked",
            public.size() * 8
        )));
    }
    let (algorithm, sealed) = match how {
        KeyEncryption::Pkcs1 => {
            (der::algorithm(oids::RSA, &der::null()), public.encrypt(&mut OsRng, Pkcs1v15Encrypt, key))
        }
        KeyEncryption::Oaep => {
            let sha256 = der::algorithm(oids::SHA256, &der::null());
            let parameters =
                der::sequence(&[&der::context(0, &sha256), &der::context(1, &der::algorithm(oids::MGF1, &sha256))]);
            let sealed = public.encrypt(&mut OsRng, Oaep::new::<Sha256>(), key);
            (der::algorithm(oids::OAEP, &parameters), sealed)
        }
    };
    Ok((algorithm, sealed.map_err(|why| cannot(why.to_string()))?))
}
