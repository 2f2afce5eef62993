//! Signatures that no proper tool makes.

use outside_world::forge::{Words, packet, sign};
use pgp::packet::{SecretKey, Signature, SignatureType, SubpacketData};
use pgp::types::{Password, SigningKey, Tag};

/// The bytes with one bit of this byte turned over.
pub(crate) fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1;
    bytes
}

/// The same signature with another type written on it.
pub(crate) fn relabelled(signature: &[u8], kind: u8) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    let start = body(&bytes);
    bytes[start + 1] = kind;
    bytes
}

/// A signature that does not say when it was made.
pub(crate) fn timeless(key: &SecretKey, words: &Words, data: &[u8]) -> Vec<u8> {
    let mut config = words.config(SignatureType::Binary, key);
    config.hashed_subpackets.remove(0);
    packet(&config.sign(key, &Password::empty(), data).unwrap())
}

/// A certification of a user id, to be served as a signature of data.
pub(crate) fn certification(key: &SecretKey, words: &Words) -> Vec<u8> {
    let config = words.config(SignatureType::CertPositive, key);
    let user = pgp::packet::UserId::from_str(pgp::types::PacketHeaderVersion::New, "Forger").unwrap();
    packet(&config.sign_certification(key, key.public_key(), &Password::empty(), Tag::UserId, &user).unwrap())
}

/// A signature with a critical part that nobody knows. The library refuses to make one: the mark is one bit of the
/// part's type, so it is set in the bytes, and the bytes are signed.
pub(crate) fn with_unknown_critical_part(key: &SecretKey, words: &Words, data: &[u8]) -> Vec<u8> {
    const NUMBER: u8 = 63;
    let words = words.clone().saying(SubpacketData::Other(NUMBER, vec![1].into()));
    let plain = sign(key, SignatureType::Binary, &words, data);
    let mark = |mut bytes: Vec<u8>| {
        let place = bytes.windows(3).position(|it| it == [2, NUMBER, 1]).unwrap();
        bytes[place + 1] |= 0x80;
        bytes
    };
    let signed = mark(plain[body(&plain)..].to_vec());
    let length = 6 + usize::from(u16::from_be_bytes([signed[4], signed[5]]));
    let mut hasher = words.hash.new_hasher().unwrap();
    hasher.update(data);
    hasher.update(&signed[..length]);
    hasher.update(&[4, 0xFF]);
    hasher.update(&u32::try_from(length).unwrap().to_be_bytes());
    let digest = hasher.finalize();
    let made = key.sign(&Password::empty(), words.hash, &digest).unwrap();
    let config = words.config(SignatureType::Binary, key);
    mark(packet(&Signature::from_config(config, [digest[0], digest[1]], made).unwrap()))
}

/// Where a version 4 signature of type zero begins behind its header.
fn body(packet: &[u8]) -> usize {
    packet.windows(2).position(|it| it == [4, 0]).unwrap()
}
