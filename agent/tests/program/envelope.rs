//! Encrypts whatever it is given to an organisation of the stage: CMS `EnvelopedData`, RSA PKCS#1 v1.5, AES-256-CBC, by hand.
//! What is inside need not be anything that a sealer would seal.

use cbc::cipher::{
    BlockEncryptMut, KeyIvInit,
    block_padding::{NoPadding, Pkcs7},
};
use efm_world::identity::Identity;
use rsa::pkcs8::DecodePrivateKey;

pub fn sealed_to(who: &Identity, content: &[u8]) -> Vec<u8> {
    let encryptor = cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &IV.into());
    enveloped(who, &encryptor.encrypt_padded_vec_mut::<Pkcs7>(content))
}

/// Begins as this does, in whole blocks, and goes on with so many bytes that a packer makes a thousandth of.
pub fn swelling_to(who: &Identity, begin: &[u8], more: usize) -> Vec<u8> {
    let encryptor = cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &IV.into());
    let begin = encryptor.encrypt_padded_vec_mut::<NoPadding>(begin);
    enveloped(who, &[begin, vec![0; more]].concat())
}

const KEY: [u8; 32] = [7; 32];
const IV: [u8; 16] = [9; 16];

fn enveloped(who: &Identity, encrypted: &[u8]) -> Vec<u8> {
    let public = rsa::RsaPrivateKey::from_pkcs8_der(&who.key().unwrap()).unwrap().to_public_key();
    let sealed_key = public.encrypt(&mut rsa::rand_core::OsRng, rsa::Pkcs1v15Encrypt, &KEY).unwrap();
    let rsa = [&oid("2a864886f70d010101")[..], &[5, 0]].concat();
    let recipient =
        [number(0), issuer_and_serial(&who.certificate().unwrap()), element(0x30, &rsa), element(4, &sealed_key)];
    let aes = [oid("60864801650304012a"), element(4, &IV)].concat();
    let info = [oid("2a864886f70d010701"), element(0x30, &aes), element(0x80, encrypted)].concat();
    let data = [number(0), element(0x31, &element(0x30, &recipient.concat())), element(0x30, &info)].concat();
    element(0x30, &[oid("2a864886f70d010703"), element(0xa0, &element(0x30, &data))].concat())
}

fn number(number: u8) -> Vec<u8> {
    element(2, &[number])
}

fn oid(hexadecimal: &str) -> Vec<u8> {
    element(6, &hex::decode(hexadecimal).unwrap())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count().min(7)..];
    let long = u8::try_from(length.len()).unwrap() | 0x80;
    let head =
        if length.len() > 1 || length[0] > 0x7f { [&[tag, long], length].concat() } else { vec![tag, length[0]] };
    [&head, content].concat()
}

/// Splits the first element off: its head, its content, and what follows.
fn split(input: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (size, length) = match input[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            (2 + count, input[2..2 + count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    (&input[..size], &input[size..size + length], &input[size + length..])
}

/// As a certificate names itself.
fn issuer_and_serial(certificate: &[u8]) -> Vec<u8> {
    let rest = split(split(certificate).1).1;
    let (_, _, rest) = split(rest);
    let (_, serial, rest) = split(rest);
    let (_, _, rest) = split(rest);
    let (_, issuer, _) = split(rest);
    element(0x30, &[element(0x30, issuer), element(2, serial)].concat())
}
