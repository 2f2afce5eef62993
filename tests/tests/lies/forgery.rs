//! The publisher, the stranger, and what they make.

use crate::fixture::{Hash, KeyFile, Over, Person, Publish, Shape, Signed};
use jiff::Timestamp;
use kosmos::demo::publisher::Archive;
use outside_world::forge::{Forger, Words, armoured, ed25519, rsa};
use pgp::armor::BlockType;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{RevocationCode, Subpacket, SubpacketData};
use pgp::types::KeyDetails;
use sha1::Digest;
use std::io::Write;

/// Both keys were made then; the fixtures' dates lie behind it.
const MADE: &str = "2025-01-01T00:00:00Z";
const BUILD_INFO: &str = "META-INF/build-info.properties";
/// As long, so that it can be put in its place in a packed archive.
const NOT_YET_BUILD_INFO: &str = "META-INF/build-info.propertiez";

fn seconds(text: &str) -> u32 {
    text.parse::<Timestamp>().unwrap().as_second().try_into().unwrap()
}

impl Person {
    pub fn forger(self) -> Forger {
        Forger::proper(match self {
            Self::Publisher => ed25519(1, seconds(MADE)),
            Self::PublisherOfOld => rsa(include_str!("../../keys/rsa3072-secret.asc")),
            Self::Stranger => ed25519(2, seconds(MADE)),
        })
    }
}

/// What lies in `eformidling-key.asc`.
pub fn key_file(what: Option<KeyFile>) -> Vec<u8> {
    let publisher = Person::Publisher.forger();
    let made = seconds(MADE);
    let forger = match what {
        None => publisher,
        Some(KeyFile::Both) => {
            let both = [publisher.certificate(), Person::PublisherOfOld.forger().certificate()];
            return armoured(BlockType::PublicKey, &both.concat());
        }
        Some(KeyFile::Expired) => {
            let lasts = seconds("2025-09-01T00:00:00Z") - made;
            let words = Words::at(made).for_signing().key_lasts(lasts);
            Forger::with(publisher.key).user("Publisher <publisher@example.org>", &words)
        }
        Some(KeyFile::Revoked) => {
            let stolen = Words::at(seconds("2025-03-01T00:00:00Z")).because(RevocationCode::KeyCompromised);
            publisher.revoked(&stolen)
        }
    };
    armoured(BlockType::PublicKey, &forger.certificate())
}

/// The archive.
pub fn archive(publish: &Publish) -> Vec<u8> {
    let sound = Archive::new(&publish.artifact, &publish.inside, publish.built).with("noise", noise());
    let bytes = |archive: Archive| archive.bytes().unwrap();
    match publish.shape {
        Shape::Sound => bytes(sound),
        Shape::DataBefore => [b"#!/bin/sh\nexec rm -rf \"$HOME\"\n".as_slice(), &bytes(sound)].concat(),
        Shape::DataBehind => {
            let other = Archive::new(&publish.artifact, "9.9.9", publish.built);
            [bytes(sound), bytes(other)].concat()
        }
        Shape::TwoBuildInfos => {
            let other = format!("build.artifact={}\nbuild.version=9.9.9\n", publish.artifact);
            renamed(bytes(sound.with(NOT_YET_BUILD_INFO, other)))
        }
        Shape::Bomb => bomb(publish),
        Shape::BombThatSaysItIsSmall => {
            let mut bytes = bomb(publish);
            // The length that the entry's header and the directory say, both.
            let said = u32::try_from(BOMB_BYTES).unwrap().to_le_bytes();
            let small = 100_u32.to_le_bytes();
            let places: Vec<_> = (0..bytes.len() - 4).filter(|at| bytes[*at..at + 4] == said).collect();
            assert_eq!(places.len(), 2, "the length stands in the header and in the directory");
            for at in places {
                bytes[at..at + 4].copy_from_slice(&small);
            }
            bytes
        }
        Shape::Text => b"This is not the archive that you are looking for.\n".to_vec(),
    }
}

/// Two mebibytes and a bit: a number that stands nowhere else.
const BOMB_BYTES: usize = (2 << 20) + 77_777;

/// The build information inflates without end, and its last line is the only true one.
fn bomb(publish: &Publish) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    zip.start_file(BUILD_INFO, options.compression_method(zip::CompressionMethod::Deflated)).unwrap();
    let words = format!("\nbuild.artifact={}\nbuild.version={}\n", publish.artifact, publish.inside);
    let zeros = vec![b'#'; BOMB_BYTES - words.len()];
    zip.write_all(&zeros).unwrap();
    zip.write_all(words.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Gives a second entry the name of the first, which no honest packer would.
fn renamed(mut bytes: Vec<u8>) -> Vec<u8> {
    let (from, to) = (NOT_YET_BUILD_INFO.as_bytes(), BUILD_INFO.as_bytes());
    let places: Vec<_> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert_eq!(places.len(), 2, "a name stands before the entry and in the directory");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// Bytes that no packing makes smaller, the same each time.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..20_000).flat_map(|_| next()).collect()
}

/// The `.asc` beside the archive.
pub fn signature_file(publish: &Publish, archive: &[u8]) -> Vec<u8> {
    if let Some(text) = &publish.signature_text {
        return text.clone().into_bytes();
    }
    let honest = [Signed::default()];
    let signatures = if publish.signatures.is_empty() { &honest[..] } else { &publish.signatures };
    let packets: Vec<u8> = signatures.iter().flat_map(|signed| sign(signed, archive)).collect();
    armoured(BlockType::Signature, &packets)
}

fn sign(signed: &Signed, archive: &[u8]) -> Vec<u8> {
    let mut words = Words::at(signed.at.as_second().try_into().unwrap());
    if signed.hash == Hash::Sha1 {
        words = words.over(HashAlgorithm::Sha1);
    }
    if let Some(claimed) = signed.claims {
        words.names_issuer = false;
        words.hints_issuer = false;
        let id = claimed.forger().key.legacy_key_id();
        words.unsigned.push(Subpacket::regular(SubpacketData::IssuerKeyId(id)).unwrap());
    }
    let bytes = match signed.over {
        Over::TheArchive => archive,
        Over::AnotherFile => b"another file",
    };
    signed.by.forger().sign(&words, bytes)
}

/// The `.sha1` beside the archive.
pub fn checksum(archive: &[u8]) -> String {
    hex::encode(sha1::Sha1::digest(archive))
}
