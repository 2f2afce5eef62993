//! JKS, Sun's own keystore: the default of Java until version 9, and of `difi.ssl.key-store-type` until today.
//!
//! Its protection is SHA-1 as a stream cipher and a digest with a whale in it; both are read, and neither is ever written.

use super::assemble::{Entry, Parts};
use super::ber::{self, Malformed, OID, SEQUENCE};
use super::pbe::Closed;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, digest};
use zeroize::Zeroizing;

const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
/// The newer one of Sun, with triple DES; not read here.
const MAGIC_OF_JCEKS: [u8; 4] = [0xCE, 0xCE, 0xCE, 0xCE];
const DIGEST: usize = 20;

pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn is_jceks(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC_OF_JCEKS)
}

pub(super) fn read(bytes: &[u8], password: &str) -> Result<Parts, Closed> {
    let password: Zeroizing<Vec<u8>> = Zeroizing::new(password.encode_utf16().flat_map(u16::to_be_bytes).collect());
    let (body, seal) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or(Malformed)?;
    let mut sealed = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    sealed.update(&password);
    sealed.update(b"Mighty Aphrodite");
    sealed.update(body);
    if sealed.finish().as_ref() != seal {
        // A damaged one looks the same.
        return Err(Closed::Password);
    }
    let mut body = Bytes(body);
    body.take(MAGIC.len())?;
    let version = body.number()?;
    let mut parts = Parts::default();
    for _ in 0..body.number()? {
        let tag = body.number()?;
        let alias = body.text()?;
        body.take(8)?;
        match tag {
            1 => {
                let key = body.counted()?;
                let key = open(key, &password)?;
                let mut chain = Vec::new();
                for _ in 0..body.number()? {
                    chain.push(certificate(&mut body, version)?);
                }
                parts.entries.push(Entry { alias, key, chain });
            }
            2 => {
                certificate(&mut body, version)?;
            }
            _ => return Err(Malformed.into()),
        }
    }
    Ok(parts)
}

fn certificate(body: &mut Bytes<'_>, version: u32) -> Result<Vec<u8>, Malformed> {
    if version == 2 {
        body.text()?;
    }
    body.counted().map(<[u8]>::to_vec)
}

/// Sun's protection of a key: 20 bytes of salt, the key under a chain of digests, 20 bytes to check it by.
fn open(key: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
    const OF_SUN: &[u8] = &[0x2B, 6, 1, 4, 1, 0x2A, 2, 17, 1, 1];
    let mut parts = ber::only(key, SEQUENCE)?.inside();
    if parts.take(SEQUENCE)?.inside().take(OID)?.content != OF_SUN {
        return Err(Closed::Scheme);
    }
    let protected = parts.next()?.ok_or(Malformed)?.content;
    let (salt, rest) = protected.split_at_checked(DIGEST).ok_or(Malformed)?;
    let (closed, check) = rest.split_at_checked(rest.len().saturating_sub(DIGEST)).ok_or(Malformed)?;
    let after = |last: &[u8]| {
        let input: Zeroizing<Vec<u8>> = Zeroizing::new([password, last].concat());
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &input)
    };
    let mut opened = Zeroizing::new(closed.to_vec());
    let mut last = after(salt);
    for block in opened.chunks_mut(DIGEST) {
        for (byte, mask) in block.iter_mut().zip(last.as_ref()) {
            *byte ^= mask;
        }
        last = after(last.as_ref());
    }
    if after(&opened).as_ref() == check { Ok(opened) } else { Err(Closed::Password) }
}

/// Numbers and texts as Java's `DataOutputStream` writes them.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        let bytes = self.take(4)?.try_into().map_err(|_| Malformed)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let count = self.number()?;
        self.take(usize::try_from(count).map_err(|_| Malformed)?)
    }

    /// Java's own kind of UTF-8, which differs from the real one in what no alias has.
    fn text(&mut self) -> Result<String, Malformed> {
        let count = u16::from_be_bytes(self.take(2)?.try_into().map_err(|_| Malformed)?);
        Ok(String::from_utf8_lossy(self.take(count.into())?).into_owned())
    }
}
