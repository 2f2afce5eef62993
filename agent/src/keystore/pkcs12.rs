//! PKCS #12, as OpenSSL, Java, Windows and Bouncy Castle write it: `.p12`, `.pfx`.

use super::assemble::{Bag, Parts};
use super::ber::{self, INTEGER, Malformed, OCTETS, OID, SEQUENCE, SET, Value, ZERO};
use super::certificate::text;
use super::pbe::{self, Closed, Password, Purpose};
use ring::hmac;
use zeroize::Zeroizing;

const OF_PKCS7: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7];
const DATA: [u8; 1] = [1];
const ENCRYPTED: [u8; 1] = [6];
/// Bags lie in bags; not deeper than this.
const DEPTH: u32 = 4;

/// Whether these bytes begin like one: a sequence with a small number in front.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    ber::only(bytes, SEQUENCE).and_then(|pfx| pfx.inside().take(INTEGER)).is_ok_and(|version| version.content == [3])
}

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Parts, Closed> {
    let password = Password::new(password);
    let mut pfx = ber::only(bytes, SEQUENCE)?.inside();
    pfx.take(INTEGER)?;
    let safe = pfx.take(SEQUENCE)?;
    let (kind, content) = content(safe)?;
    if kind != DATA {
        // Signed instead of sealed with a password; nobody writes that.
        return Err(Closed::Scheme);
    }
    let safe = content.ok_or(Malformed)?.inside().next()?.ok_or(Malformed)?.octets()?;
    if let Some(mac) = pfx.take_if(SEQUENCE)? {
        check(mac, &safe, &password)?;
    }
    let mut parts = Parts::default();
    for one in ber::only(&safe, SEQUENCE)?.inside().all()? {
        match self::content(one)? {
            (kind, Some(content)) if kind == DATA => {
                let bytes = content.inside().next()?.ok_or(Malformed)?.octets()?;
                bags(&bytes, &password, DEPTH, &mut parts)?;
            }
            (kind, Some(content)) if kind == ENCRYPTED => {
                let mut data = content.inside().take(SEQUENCE)?.inside();
                data.take(INTEGER)?;
                let mut sealed = data.take(SEQUENCE)?.inside();
                sealed.take(OID)?;
                let scheme = sealed.take(SEQUENCE)?;
                if let Some(closed) = sealed.next()? {
                    let opened = pbe::open(scheme, &closed.octets()?, &password)?;
                    bags(&opened, &password, DEPTH, &mut parts)?;
                }
            }
            _ => return Err(Closed::Scheme),
        }
    }
    Ok(parts)
}

/// `ContentInfo`: the last digit of its kind, and what is in it.
fn content(info: Value<'_>) -> Result<(&[u8], Option<Value<'_>>), Closed> {
    let mut info = info.inside();
    let kind = info.take(OID)?.content.strip_prefix(OF_PKCS7).ok_or(Closed::Scheme)?;
    Ok((kind, info.take_if(ZERO)?))
}

fn check(mac: Value<'_>, safe: &[u8], password: &Password) -> Result<(), Closed> {
    const BY_PBKDF2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 14];
    let mut mac = mac.inside();
    let mut info = mac.take(SEQUENCE)?.inside();
    let mut algorithm = info.take(SEQUENCE)?.inside();
    let name = algorithm.take(OID)?.content;
    let expected = info.take(OCTETS)?.content;
    if name == BY_PBKDF2 {
        let mut parameters = algorithm.take(SEQUENCE)?.inside();
        let mut derivation = parameters.take(SEQUENCE)?.inside();
        derivation.take(OID)?;
        let hash = of_hmac(parameters.take(SEQUENCE)?.inside().take(OID)?.content)?;
        let length = hash.digest_algorithm().output_len();
        let key = pbe::pbkdf2(derivation.take(SEQUENCE)?, password, length)?;
        return verify(hash, &key, safe, expected);
    }
    let hash = of_digest(name)?;
    let salt = mac.take(OCTETS)?.content;
    let turns = mac.take_if(INTEGER)?.map_or(Ok(std::num::NonZeroU32::MIN), pbe::turns)?.get();
    let digest = hash.digest_algorithm();
    let mut ended = Err(Closed::Password);
    for password in password.wide_forms() {
        let key = pbe::derive(digest, password, salt, Purpose::Mac, turns, digest.output_len());
        ended = ended.or_else(|_| verify(hash, &key, safe, expected));
    }
    ended
}

fn verify(hash: hmac::Algorithm, key: &[u8], safe: &[u8], expected: &[u8]) -> Result<(), Closed> {
    hmac::verify(&hmac::Key::new(hash, key), safe, expected).map_err(|_| Closed::Password)
}

fn of_digest(name: &[u8]) -> Result<hmac::Algorithm, Closed> {
    const SHA1: &[u8] = &[0x2B, 14, 3, 2, 26];
    const SHA2: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];
    match name.strip_prefix(SHA2) {
        Some([1]) => Ok(hmac::HMAC_SHA256),
        Some([2]) => Ok(hmac::HMAC_SHA384),
        Some([3]) => Ok(hmac::HMAC_SHA512),
        None if name == SHA1 => Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        _ => Err(Closed::Scheme),
    }
}

fn of_hmac(name: &[u8]) -> Result<hmac::Algorithm, Closed> {
    match name.strip_prefix(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2]) {
        Some([7]) => Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Some([9]) => Ok(hmac::HMAC_SHA256),
        Some([10]) => Ok(hmac::HMAC_SHA384),
        Some([11]) => Ok(hmac::HMAC_SHA512),
        _ => Err(Closed::Scheme),
    }
}

fn bags(bytes: &[u8], password: &Password, depth: u32, into: &mut Parts) -> Result<(), Closed> {
    const OF_BAGS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 10, 1];
    let depth = depth.checked_sub(1).ok_or(Malformed)?;
    for bag in ber::only(bytes, SEQUENCE)?.inside().all()? {
        let mut bag = bag.inside();
        let kind = bag.take(OID)?.content.strip_prefix(OF_BAGS);
        let inside = bag.take(ZERO)?.inside().next()?.ok_or(Malformed)?;
        let (alias, id) = attributes(bag.take_if(SET)?)?;
        match kind {
            Some([1]) => into.keys.push(Bag { alias, id, bytes: Zeroizing::new(inside.whole.to_vec()) }),
            Some([2]) => {
                let bytes = pbe::open_key(inside.whole, password)?;
                into.keys.push(Bag { alias, id, bytes });
            }
            Some([3]) => {
                let mut certificate = inside.inside();
                certificate.take(OID)?;
                let der = certificate.take(ZERO)?.inside().next()?.ok_or(Malformed)?.octets()?;
                into.certificates.push(Bag { alias, id, bytes: Zeroizing::new(der.into_owned()) });
            }
            Some([6]) => bags(inside.whole, password, depth, into)?,
            // Lists of what was revoked, secrets, and what else there may be.
            _ => {}
        }
    }
    Ok(())
}

type Attributes = (Option<String>, Option<Vec<u8>>);

/// `friendlyName`, which Java takes for the alias, and `localKeyId`, which ties a certificate to its key.
fn attributes(set: Option<Value<'_>>) -> Result<Attributes, Malformed> {
    const OF_PKCS9: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9];
    let (mut alias, mut id) = (None, None);
    for attribute in set.map(|set| set.inside().all()).transpose()?.unwrap_or_default() {
        let mut attribute = attribute.inside();
        let name = attribute.take(OID)?.content.strip_prefix(OF_PKCS9);
        let Some(value) = attribute.take(SET)?.inside().next()? else { continue };
        match name {
            Some([20]) => alias = Some(text(value)),
            Some([21]) => id = Some(value.octets()?.into_owned()),
            _ => {}
        }
    }
    Ok((alias, id))
}
