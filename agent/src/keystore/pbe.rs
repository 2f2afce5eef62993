//! Keys under a password: the schemes of PKCS #12 (3DES and RC2 with SHA-1, as Java and Windows wrote them for twenty years),
//! and PBES2 with PBKDF2 (AES, as they write today).

use super::ber::{self, INTEGER, Malformed, OCTETS, OID, SEQUENCE, Value, Values};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecrypt, BlockDecryptMut, BlockSizeUser, KeyIvInit};
use ring::{digest, pbkdf2};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Whoever wants more turns wants our time.
const MOST_TURNS: u32 = 5_000_000;

/// Why something stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// It did not open.
    #[error("the password is wrong")]
    Password,
    /// A scheme that we do not speak.
    #[error("it is encrypted in a way that is not known here")]
    Scheme,
    /// No ASN.1.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// A password in the forms that the schemes want it.
#[derive(Debug)]
pub(super) struct Password {
    utf8: Zeroizing<Vec<u8>>,
    wide: Zeroizing<Vec<u8>>,
}

impl Password {
    pub(super) fn new(text: &str) -> Self {
        let wide = text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
        Self { utf8: Zeroizing::new(text.as_bytes().to_vec()), wide: Zeroizing::new(wide) }
    }

    /// UTF-16 with a zero behind; some write nothing at all for an empty one.
    pub(super) fn wide_forms(&self) -> impl Iterator<Item = &[u8]> {
        let none: Option<&[u8]> = self.utf8.is_empty().then_some(&[]);
        std::iter::once(&**self.wide).chain(none)
    }

    pub(super) fn utf8(&self) -> &[u8] {
        &self.utf8
    }
}

/// What a key is made for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Encryption,
    Vector,
    Mac,
}

impl Purpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Encryption => 1,
            Self::Vector => 2,
            Self::Mac => 3,
        }
    }
}

/// Opens what `scheme`, an `AlgorithmIdentifier`, has closed.
pub(super) fn open(scheme: Value<'_>, closed: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Closed> {
    const PBES2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 0x0D];
    const OF_PKCS12: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1];
    let mut parts = scheme.inside();
    let name = parts.take(OID)?.content;
    let parameters = parts.take(SEQUENCE)?.inside();
    if name == PBES2 {
        return pbes2(parameters, closed, password);
    }
    match name.strip_prefix(OF_PKCS12) {
        Some([which]) => of_pkcs12(*which, parameters, closed, password),
        _ => Err(Closed::Scheme),
    }
}

fn of_pkcs12(
    which: u8,
    mut parameters: Values<'_>,
    closed: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let salt = parameters.take(OCTETS)?.content;
    let turns = turns(parameters.take(INTEGER)?)?;
    let mut ended = Closed::Password;
    for password in password.wide_forms() {
        let derive =
            |purpose, length| derive(&digest::SHA1_FOR_LEGACY_USE_ONLY, password, salt, purpose, turns.get(), length);
        let vector = derive(Purpose::Vector, 8);
        let key = |length| derive(Purpose::Encryption, length);
        let opened = match which {
            3 => decrypt::<des::TdesEde3>(&key(24), &vector, closed),
            4 => decrypt::<des::TdesEde2>(&key(16), &vector, closed),
            5 => decrypt_rc2(&key(16), &vector, closed),
            6 => decrypt_rc2(&key(5), &vector, closed),
            _ => Err(Closed::Scheme),
        };
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => ended = error,
        }
    }
    Err(ended)
}

fn pbes2(mut parameters: Values<'_>, closed: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Closed> {
    const PBKDF2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 0x0C];
    const AES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1];
    const TRIPLE_DES: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 3, 7];
    let (mut derivation, mut cipher) = (parameters.take(SEQUENCE)?.inside(), parameters.take(SEQUENCE)?.inside());
    if derivation.take(OID)?.content != PBKDF2 {
        return Err(Closed::Scheme);
    }
    let derivation = derivation.take(SEQUENCE)?;
    let name = cipher.take(OID)?.content;
    let vector = cipher.take(OCTETS)?.content;
    let key = |length| pbkdf2(derivation, password, length);
    match (name.strip_prefix(AES), name) {
        (Some([2]), _) => decrypt::<aes::Aes128>(&key(16)?, vector, closed),
        (Some([22]), _) => decrypt::<aes::Aes192>(&key(24)?, vector, closed),
        (Some([42]), _) => decrypt::<aes::Aes256>(&key(32)?, vector, closed),
        (_, TRIPLE_DES) => decrypt::<des::TdesEde3>(&key(24)?, vector, closed),
        _ => Err(Closed::Scheme),
    }
}

/// PBKDF2 with the parameters of RFC 8018.
pub(super) fn pbkdf2(parameters: Value<'_>, password: &Password, length: usize) -> Result<Zeroizing<Vec<u8>>, Closed> {
    const HMAC: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2];
    let mut parameters = parameters.inside();
    let salt = parameters.take(OCTETS)?.content;
    let turns = turns(parameters.take(INTEGER)?)?;
    parameters.take_if(INTEGER)?;
    let algorithm = match parameters.take_if(SEQUENCE)? {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(named) => match named.inside().take(OID)?.content.strip_prefix(HMAC) {
            Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
            Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
            Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
            Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(Closed::Scheme),
        },
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(algorithm, turns, salt, password.utf8(), &mut key);
    Ok(key)
}

pub(super) fn turns(number: Value<'_>) -> Result<NonZeroU32, Closed> {
    let turns = number.number()?;
    NonZeroU32::new(turns).filter(|turns| turns.get() <= MOST_TURNS).ok_or(Closed::Scheme)
}

type Cbc<C> = cbc::Decryptor<C>;

fn decrypt<C>(key: &[u8], vector: &[u8], closed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed>
where
    C: BlockDecrypt + BlockSizeUser + cbc::cipher::BlockCipher + cbc::cipher::KeyInit,
{
    let cipher = Cbc::<C>::new_from_slices(key, vector).map_err(|_| Malformed)?;
    unpad(cipher, closed)
}

/// RC2 takes keys of any length, which the trait of the others does not tell.
fn decrypt_rc2(key: &[u8], vector: &[u8], closed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
    use cbc::cipher::InnerIvInit;
    let rc2 = rc2::Rc2::new_with_eff_key_len(key, key.len() * 8);
    let cipher = Cbc::<rc2::Rc2>::inner_iv_slice_init(rc2, vector).map_err(|_| Malformed)?;
    unpad(cipher, closed)
}

fn unpad<C: BlockDecryptMut>(cipher: C, closed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let mut bytes = Zeroizing::new(closed.to_vec());
    let length = cipher.decrypt_padded_mut::<Pkcs7>(&mut bytes).map_err(|_| Closed::Password)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

/// A key as PKCS #12 makes it of a password (RFC 7292, appendix B).
pub(super) fn derive(
    hash: &'static digest::Algorithm,
    password: &[u8],
    salt: &[u8],
    purpose: Purpose,
    turns: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.block_len();
    let filled =
        |text: &[u8]| -> Vec<u8> { text.iter().copied().cycle().take(text.len().div_ceil(block) * block).collect() };
    let mut input = Zeroizing::new(filled(salt));
    input.extend(filled(password));
    let mut key = Zeroizing::new(Vec::with_capacity(length + hash.output_len()));
    while key.len() < length {
        let mut first = digest::Context::new(hash);
        first.update(&vec![purpose.byte(); block]);
        first.update(&input);
        let mut turned = first.finish();
        for _ in 1..turns {
            turned = digest::digest(hash, turned.as_ref());
        }
        key.extend_from_slice(turned.as_ref());
        let added: Vec<u8> = turned.as_ref().iter().copied().cycle().take(block).collect();
        for chunk in input.chunks_exact_mut(block) {
            add_and_one(chunk, &added);
        }
    }
    key.truncate(length);
    key
}

/// `number = number + added + 1`, of the same length; what runs over is dropped.
fn add_and_one(number: &mut [u8], added: &[u8]) {
    let mut carry = 1_u16;
    for (digit, added) in number.iter_mut().zip(added).rev() {
        let sum = u16::from(*digit) + u16::from(*added) + carry;
        let [high, low] = sum.to_be_bytes();
        *digit = low;
        carry = u16::from(high);
    }
}

/// A `PrivateKeyInfo` of an `EncryptedPrivateKeyInfo`.
pub(super) fn open_key(encrypted: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let mut parts = ber::only(encrypted, SEQUENCE)?.inside();
    let scheme = parts.take(SEQUENCE)?;
    let closed = parts.next()?.ok_or(Malformed)?.octets()?;
    let opened = open(scheme, &closed, password)?;
    // A wrong password leaves a right padding once in 256 times.
    ber::only(&opened, SEQUENCE).map_err(|Malformed| Closed::Password)?;
    Ok(opened)
}
