//! A key wrapped for identities of the keystore: a line for each, `efm-key-1 <certificate> <salt> <sealed key>`, all in
//! hexadecimal. The certificate is named by the SHA-256 of its DER.
//!
//! What seals it is derived from the private key itself (HKDF-SHA256 over the key inside its PKCS#8, with the salt) and used
//! once (AES-256-GCM). So it is the same for RSA and for elliptic curves, and nothing of it depends on the keystore's own format.

use super::key::{Key, fill};
use crate::keystore::Identity;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{digest, hkdf};
use std::io;

const MARK: &str = "efm-key-1";
const SALT_LENGTH: usize = 32;

/// One line.
pub(super) struct Wrapped {
    pub(super) certificate: String,
    salt: Vec<u8>,
    sealed: Vec<u8>,
}

/// The name of its certificate.
pub(super) fn fingerprint(identity: &Identity) -> String {
    let own = identity.chain.first().map(AsRef::as_ref).unwrap_or_default();
    hex::encode(digest::digest(&digest::SHA256, own))
}

pub(super) fn wrap(key: &Key, identity: &Identity) -> io::Result<Wrapped> {
    let cannot = |()| io::Error::other("the key could not be wrapped");
    let mut salt = vec![0; SALT_LENGTH];
    fill(&mut salt)?;
    let mut sealed = key.bytes().to_vec();
    let with = derived(identity, &salt).ok_or(()).map_err(cannot)?;
    with.seal_in_place_append_tag(once(), Aad::from(MARK), &mut sealed).map_err(|_| cannot(()))?;
    Ok(Wrapped { certificate: fingerprint(identity), salt, sealed })
}

/// None: it is not wrapped for this one, or was changed.
pub(super) fn open(wrapped: &[Wrapped], identity: &Identity) -> Option<Key> {
    let name = fingerprint(identity);
    let one = wrapped.iter().find(|one| one.certificate == name)?;
    let mut sealed = one.sealed.clone();
    let key = derived(identity, &one.salt)?.open_in_place(once(), Aad::from(MARK), &mut sealed).ok()?;
    Key::of(key)
}

pub(super) fn write(wrapped: &[Wrapped]) -> String {
    let line =
        |one: &Wrapped| format!("{MARK} {} {} {}\n", one.certificate, hex::encode(&one.salt), hex::encode(&one.sealed));
    wrapped.iter().map(line).collect()
}

/// None: it is none.
pub(super) fn read(text: &str) -> Option<Vec<Wrapped>> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (mark, certificate) = (words.next()?, words.next()?.to_owned());
        let (salt, sealed) = (hex::decode(words.next()?).ok()?, hex::decode(words.next()?).ok()?);
        (mark == MARK && words.next().is_none()).then_some(Wrapped { certificate, salt, sealed })
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty()).map(line).collect::<Option<Vec<_>>>()?;
    (!lines.is_empty()).then_some(lines)
}

fn derived(identity: &Identity, salt: &[u8]) -> Option<LessSafeKey> {
    let material = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(inside(identity.key.secret_pkcs8_der()));
    let info = [MARK.as_bytes()];
    let key = UnboundKey::from(material.expand(&info, &AES_256_GCM).ok()?);
    Some(LessSafeKey::new(key))
}

/// The key is derived with a salt of its own for each wrapping, and seals once.
fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The key inside a PKCS#8 structure: keystores write what is around it in more than one way. All of it where it is none.
fn inside(pkcs8: &[u8]) -> &[u8] {
    let found = || {
        let (_, sequence, _) = element(pkcs8)?;
        let (_, _version, rest) = element(sequence)?;
        let (_, _algorithm, rest) = element(rest)?;
        let (tag, key, _) = element(rest)?;
        (tag == 0x04).then_some(key)
    };
    found().unwrap_or(pkcs8)
}

/// Tag, content and what follows of the first element of DER.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length =
            digits.iter().try_fold(0_usize, |all, digit| all.checked_mul(256)?.checked_add(usize::from(*digit)));
        (length?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_in_pkcs8_whatever_stands_around_it() {
        // SEQUENCE { INTEGER 0, SEQUENCE {}, OCTET STRING 'key', [0] attributes }
        let plain = [&[0x30, 10, 2, 1, 0, 0x30, 0, 4, 3][..], b"key"].concat();
        let with_attributes = [&[0x30, 12, 2, 1, 0, 0x30, 0, 4, 3][..], b"key", &[0xa0, 0]].concat();
        assert_eq!((inside(&plain), inside(&with_attributes)), (&b"key"[..], &b"key"[..]));
        for strange in [&b""[..], b"x", &[0x30, 0x84, 255, 255, 255, 255], &[0x30, 0x80]] {
            assert_eq!(inside(strange), strange);
        }
    }
}
