//! A publisher of releases that exists only in memory: the demo's, and that of tests.
//!
//! It makes an archive that says of itself what it is, and signs bytes with a key that it made when it began and that
//! dies with it. It never writes a key anywhere.

use jiff::Timestamp;
use pgp::composed::{ArmorOptions, DetachedSignature, SignedKeyDetails, SignedPublicKey};
use pgp::crypto::Signer;
use pgp::crypto::ed25519::{Mode, SecretKey as Ed25519};
use pgp::crypto::{hash::HashAlgorithm, public_key::PublicKeyAlgorithm};
use pgp::packet::{KeyFlags, PubKeyInner, PublicKey, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId};
use pgp::types::{
    EddsaLegacyPublicParams, Fingerprint, KeyDetails, KeyId, KeyVersion, Password, PublicParams, SignatureBytes,
    SigningKey, Tag,
};
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// Somebody who signs what he publishes.
#[derive(Debug)]
pub struct Publisher {
    key: Key,
    certificate: SignedPublicKey,
}

/// A key of the one kind that we make. The library's own secret key can be of any kind, and would bring along how to
/// unlock and sign with all of them.
#[derive(Debug)]
struct Key {
    secret: Ed25519,
    public: PublicKey,
}

/// What is published: a jar, or a zip with a program, that says of itself what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// `integrasjonspunkt`
    pub artifact: String,
    /// `4.0.8`
    pub version: String,
    /// When it was built.
    pub built: Timestamp,
    /// The least Java version; none: it needs no Java.
    pub java: Option<u32>,
    /// What else is in it, by name.
    pub entries: Vec<(String, Vec<u8>)>,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The machine gave no randomness.
    #[error("make a signing key: the system gives no random numbers")]
    Random,
    /// The key could not be made, or did not sign.
    #[error("sign")]
    Sign(#[from] pgp::errors::Error),
    /// The archive could not be packed.
    #[error("pack archive")]
    Pack(#[from] zip::result::ZipError),
    /// The archive could not be packed.
    #[error("pack archive")]
    Write(#[from] std::io::Error),
}

impl Publisher {
    /// A publisher with a fresh Ed25519 key that is as old as this moment and never ends. `name` is its user id.
    pub fn new(name: &str, now: Timestamp) -> Result<Self, PublishError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| PublishError::Random)?;
        // The older of the two ways to write an Ed25519 key: every GnuPG in use reads it.
        let secret = Ed25519::try_from_bytes(seed, Mode::EdDSALegacy)?;
        let public = PublicKey::from_inner(PubKeyInner::new(
            KeyVersion::V4,
            PublicKeyAlgorithm::EdDSALegacy,
            seconds(now),
            None,
            PublicParams::EdDSALegacy(EddsaLegacyPublicParams::from(&secret)),
        )?)?;
        let key = Key { secret, public: public.clone() };

        let user = UserId::from_str(pgp::types::PacketHeaderVersion::New, name)?;
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        flags.set_sign(true);
        let mut words = words(SignatureType::CertPositive, &key, now)?;
        words.hashed_subpackets.push(Subpacket::critical(SubpacketData::KeyFlags(flags))?);
        let name = words.sign_certification(&key, &public, &Password::empty(), Tag::UserId, &user)?;
        let details = SignedKeyDetails::new(vec![], vec![], vec![user.into_signed(name)], vec![]);
        Ok(Self { certificate: SignedPublicKey::new(public, details, vec![]), key })
    }

    /// The certificate, armoured: what a site puts into `eformidling-key.asc`.
    pub fn certificate(&self) -> Result<String, PublishError> {
        Ok(self.certificate.to_armored_string(ArmorOptions::default())?)
    }

    /// The whole fingerprint, upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex::encode_upper(self.key.fingerprint().as_bytes())
    }

    /// A detached signature, armoured: what lies beside the archive as `.asc`.
    pub fn sign(&self, bytes: &[u8], now: Timestamp) -> Result<String, PublishError> {
        let words = words(SignatureType::Binary, &self.key, now)?;
        let signature = DetachedSignature::new(words.sign(&self.key, &Password::empty(), bytes)?);
        Ok(signature.to_armored_string(ArmorOptions::default())?)
    }
}

impl SigningKey for Key {
    fn sign(&self, _: &Password, hash: HashAlgorithm, digest: &[u8]) -> Result<SignatureBytes, pgp::errors::Error> {
        Signer::sign(&self.secret, hash, digest)
    }

    fn hash_alg(&self) -> HashAlgorithm {
        HashAlgorithm::Sha512
    }
}

impl KeyDetails for Key {
    fn version(&self) -> KeyVersion {
        self.public.version()
    }

    fn legacy_key_id(&self) -> KeyId {
        self.public.legacy_key_id()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.public.algorithm()
    }

    fn created_at(&self) -> pgp::types::Timestamp {
        self.public.created_at()
    }

    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.public.legacy_v3_expiration_days()
    }

    fn public_params(&self) -> &PublicParams {
        self.public.public_params()
    }
}

/// A signature of this key, about to be made.
fn words(kind: SignatureType, key: &Key, now: Timestamp) -> Result<SignatureConfig, pgp::errors::Error> {
    let mut words = SignatureConfig::v4(kind, key.algorithm(), HashAlgorithm::Sha512);
    words.hashed_subpackets = vec![
        Subpacket::critical(SubpacketData::SignatureCreationTime(seconds(now)))?,
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
    ];
    words.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
    Ok(words)
}

fn seconds(now: Timestamp) -> pgp::types::Timestamp {
    pgp::types::Timestamp::from_secs(u32::try_from(now.as_second()).unwrap_or(0))
}

impl Archive {
    /// An archive with nothing in it but what it says of itself.
    pub fn new(artifact: &str, version: &str, built: Timestamp) -> Self {
        Self { artifact: artifact.into(), version: version.into(), built, java: None, entries: Vec::new() }
    }

    /// With this entry, too.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.entries.push((name.into(), bytes.into()));
        self
    }

    /// Packed. The same archive gives the same bytes each time.
    pub fn bytes(&self) -> Result<Vec<u8>, PublishError> {
        let Self { artifact, version, built, .. } = self;
        let java = self.java.map(|java| format!("Build-Jdk-Spec: {java}\r\n")).unwrap_or_default();
        let manifest = format!(
            "Manifest-Version: 1.0\r\n{java}Implementation-Title: {artifact}\r\nImplementation-Version: {version}\r\n\r\n"
        );
        let built = built.to_string().replace(':', "\\:");
        let info = format!(
            "build.artifact={artifact}\nbuild.group=no.difi.meldingsutveksling\nbuild.time={built}\nbuild.version={version}\n"
        );
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let own = [("META-INF/MANIFEST.MF", manifest.as_bytes()), ("META-INF/build-info.properties", info.as_bytes())];
        let others = self.entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        for (name, bytes) in own.into_iter().chain(others) {
            zip.start_file(name, options())?;
            zip.write_all(bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::openpgp::{Keyring, Policy};

    #[test]
    fn what_the_publisher_signs_is_verified_by_its_certificate() {
        let now: Timestamp = "2026-11-21T05:30:00Z".parse().unwrap();
        let publisher = Publisher::new("Demo <demo@example.org>", now).unwrap();
        let archive = Archive::new("integrasjonspunkt", "4.0.8", now).with("a", "b").bytes().unwrap();
        let signature = publisher.sign(&archive, now).unwrap();

        let keys = [("demo.asc".to_owned(), publisher.certificate().unwrap().into_bytes())];
        let keyring = Keyring::read(&keys, &[publisher.fingerprint()]).unwrap();
        let mut reading = keyring.begin(signature.as_bytes(), &[], &Policy::default(), now).unwrap();
        reading.update(&archive);
        let witness = reading.finish().unwrap();
        assert_eq!(witness.signer.fingerprint, publisher.fingerprint());
        assert_eq!(witness.signer.user_id.as_deref(), Some("Demo <demo@example.org>"));
        assert_eq!((witness.signer.signed_at, witness.length), (now, u64::try_from(archive.len()).unwrap()));
        assert_eq!((witness.signer.key_algorithm.as_str(), witness.signer.hash.as_str()), ("Ed25519", "SHA-512"));
        assert_eq!(witness.warnings, []);
    }

    #[test]
    fn the_same_archive_gives_the_same_bytes() {
        let archive = Archive::new("integrasjonspunkt", "4.0.8", Timestamp::UNIX_EPOCH).with("a", "b");
        assert_eq!(archive.bytes().unwrap(), archive.clone().bytes().unwrap());
    }
}
