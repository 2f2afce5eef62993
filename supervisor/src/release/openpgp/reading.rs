//! One pass over the bytes: their SHA-256, their length, the published checksums, and the digest of each signature.

use md5::Digest;
use pgp::packet::{Signature, SignatureVersion, SignatureVersionSpecific};
use pgp::ser::Serialize;
use ring::digest::{Algorithm, Context, SHA256, SHA512};

use super::algorithm::ring_algorithm;
use super::judge::Candidate;
use super::packets::guarded;
use super::refusal::Refusal;
use super::witness::{Signer, Warning, Who, Witness};
use crate::release::{Checksum, Sha256};

/// A verification under way. Feed it every byte in order, then finish it.
pub struct Reading {
    length: u64,
    sha256: Context,
    /// One for each hash and salt that is asked for besides plain SHA-256.
    others: Vec<Other>,
    /// Ring has no assembly for this one.
    sha1: Option<sha1::Sha1>,
    md5: Option<md5::Md5>,
    checksums: Vec<Checksum>,
    candidates: Vec<Candidate>,
}

struct Other {
    algorithm: &'static Algorithm,
    salt: Vec<u8>,
    context: Context,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Reading {
    pub(super) fn start(candidates: Vec<Candidate>, checksums: &[Checksum]) -> Self {
        let sha1 = checksums.iter().any(|it| matches!(it, Checksum::Sha1(_)));
        let md5 = checksums.iter().any(|it| matches!(it, Checksum::Md5(_)));
        let mut reading = Self {
            length: 0,
            sha256: Context::new(&SHA256),
            others: Vec::new(),
            sha1: sha1.then(Digest::new),
            md5: md5.then(Digest::new),
            checksums: checksums.to_vec(),
            candidates: Vec::new(),
        };
        if checksums.iter().any(|it| matches!(it, Checksum::Sha512(_))) {
            reading.also(&SHA512, &[]);
        }
        for candidate in &candidates {
            if let Some((algorithm, salt)) = hash_of(&candidate.signature) {
                reading.also(algorithm, salt);
            }
        }
        reading.candidates = candidates;
        reading
    }

    fn also(&mut self, algorithm: &'static Algorithm, salt: &[u8]) {
        if self.context(algorithm, salt).is_none() {
            let mut context = Context::new(algorithm);
            context.update(salt);
            self.others.push(Other { algorithm, salt: salt.to_vec(), context });
        }
    }

    fn context(&self, algorithm: &'static Algorithm, salt: &[u8]) -> Option<&Context> {
        if *algorithm == SHA256 && salt.is_empty() {
            return Some(&self.sha256);
        }
        let fits = |it: &&Other| *it.algorithm == *algorithm && it.salt == salt;
        self.others.iter().find(fits).map(|it| &it.context)
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.sha256.update(bytes);
        for other in &mut self.others {
            other.context.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// How many bytes there were so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The verdict.
    ///
    /// # Errors
    /// No signature holds. A published checksum that does not fit then gives the reason; where a signature holds it is
    /// a warning, because a signature is more than a checksum.
    pub fn finish(mut self) -> Result<Witness, Refusal> {
        let broken = self.first_broken_checksum();
        let candidates = std::mem::take(&mut self.candidates);
        let mut nearest: Option<Signer> = None;
        for candidate in candidates {
            if self.holds(&candidate) {
                let mut warnings = candidate.warnings;
                warnings.extend(broken.map(|checksum| Warning::Checksum { checksum }));
                let sha256 = Sha256::from(self.sha256.finish());
                return Ok(Witness { sha256, length: self.length, signer: candidate.signer, warnings });
            }
            nearest.get_or_insert(candidate.signer);
        }
        Err(match (broken, nearest) {
            (Some(checksum), _) => Refusal::Broken { length: self.length, checksum },
            (None, Some(it)) => Refusal::BadSignature {
                who: Who { fingerprint: it.fingerprint, user_id: it.user_id },
                signed: it.signed_at,
                length: self.length,
            },
            (None, None) => Refusal::Unreadable { reason: "there is no signature in it".into() },
        })
    }

    fn holds(&self, candidate: &Candidate) -> bool {
        let signature = &candidate.signature;
        let Some(context) = hash_of(signature).and_then(|(algorithm, salt)| self.context(algorithm, salt)) else {
            return false;
        };
        let Some(signed_part) = guarded(|| signed_part(signature)).flatten() else { return false };
        let mut context = context.clone();
        context.update(&signed_part);
        let digest = context.finish();
        // The first two bytes lie beside the signature so that readers may stop here.
        let begins = signature.signed_hash_value().is_some_and(|begin| digest.as_ref().starts_with(&begin));
        let parts = signature.hash_alg().zip(signature.signature());
        begins && parts.is_some_and(|(hash, made)| candidate.key.made(hash, digest.as_ref(), made))
    }

    fn first_broken_checksum(&mut self) -> Option<Checksum> {
        let sha1 = self.sha1.take().map(Digest::finalize);
        let md5 = self.md5.take().map(Digest::finalize);
        let of = |algorithm| self.context(algorithm, &[]).map(|context| context.clone().finish());
        let (sha256, sha512) = (of(&SHA256), of(&SHA512));
        let differs = |published: &[u8], found: Option<&[u8]>| found.is_some_and(|found| found != published);
        let broken = self.checksums.iter().find(|published| match published {
            Checksum::Md5(it) => differs(it, md5.as_ref().map(AsRef::as_ref)),
            Checksum::Sha1(it) => differs(it, sha1.as_ref().map(AsRef::as_ref)),
            Checksum::Sha256(it) => differs(it, sha256.as_ref().map(AsRef::as_ref)),
            Checksum::Sha512(it) => differs(it, sha512.as_ref().map(AsRef::as_ref)),
        });
        broken.cloned()
    }
}

/// What the bytes are hashed with for this signature, and what comes before them.
fn hash_of(signature: &Signature) -> Option<(&'static Algorithm, &[u8])> {
    let config = signature.config()?;
    let salt: &[u8] = match &config.version_specific {
        SignatureVersionSpecific::V6 { salt } => salt,
        SignatureVersionSpecific::V2 { .. } | SignatureVersionSpecific::V3 { .. } | SignatureVersionSpecific::V4 => &[],
    };
    ring_algorithm(config.hash_alg).map(|algorithm| (algorithm, salt))
}

/// What is hashed after the bytes: the signature's own signed part and its length.
fn signed_part(signature: &Signature) -> Option<Vec<u8>> {
    let config = signature.config()?;
    let mut area = Vec::new();
    for part in config.hashed_subpackets() {
        part.to_writer(&mut area).ok()?;
    }
    let version = u8::from(config.version());
    let mut bytes = vec![version, u8::from(config.typ()), u8::from(config.pub_alg), u8::from(config.hash_alg)];
    match config.version() {
        SignatureVersion::V4 => bytes.extend(u16::try_from(area.len()).ok()?.to_be_bytes()),
        SignatureVersion::V6 => bytes.extend(u32::try_from(area.len()).ok()?.to_be_bytes()),
        SignatureVersion::V2 | SignatureVersion::V3 | SignatureVersion::V5 | SignatureVersion::Other(_) => return None,
    }
    bytes.append(&mut area);
    let length = u32::try_from(bytes.len()).ok()?;
    bytes.extend([version, 0xFF]);
    bytes.extend(length.to_be_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::publisher::Publisher;
    use crate::release::openpgp::{Keyring, Policy};

    #[test]
    fn a_checksum_explains_a_refusal_and_never_makes_one() {
        let now = "2026-11-21T05:30:00Z".parse().unwrap();
        let publisher = Publisher::new("Publisher", now).unwrap();
        let key = publisher.certificate().unwrap().into_bytes();
        let keyring = Keyring::read(&[("key".into(), key)], &[]).unwrap();
        let signature = publisher.sign(b"abc", now).unwrap();
        let verdict = |bytes: &[u8], checksums: &[Checksum]| {
            let mut reading = keyring.begin(signature.as_bytes(), checksums, &Policy::default(), now).unwrap();
            for byte in bytes {
                reading.update(&[*byte]);
            }
            reading.finish()
        };
        let beside = |ending, digits| Checksum::published(ending, digits).unwrap().unwrap();
        let right = [
            beside("md5", "900150983cd24fb0d6963f7d28e17f72"),
            beside("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            beside("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            beside(
                "sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ];
        let wrong =
            [Checksum::Md5([0; 16]), Checksum::Sha1([0; 20]), Checksum::Sha256([0; 32]), Checksum::Sha512([0; 64])];
        assert_eq!(verdict(b"abc", &right).unwrap().warnings, []);
        for (right, wrong) in right.into_iter().zip(wrong) {
            let warned = verdict(b"abc", std::slice::from_ref(&wrong)).unwrap().warnings;
            assert_eq!(warned, [Warning::Checksum { checksum: wrong.clone() }]);
            let broken = verdict(b"ab", std::slice::from_ref(&right)).unwrap_err();
            assert_eq!(broken, Refusal::Broken { length: 2, checksum: right });
            let swapped = verdict(b"abc!", std::slice::from_ref(&wrong)).unwrap_err();
            assert_eq!(swapped, Refusal::Broken { length: 4, checksum: wrong });
        }
        assert!(matches!(verdict(b"ab", &[]), Err(Refusal::BadSignature { length: 2, .. })));
    }
}
