//! A forger of `OpenPGP` certificates and signatures: anything that the format can say, true or not.
//!
//! Start at [`Forger`]. It signs whatever words it is given, which a proper publisher would not; nothing of it is in the
//! shipped program.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a tool of tests: what it cannot forge fails the test"
)]

use pgp::armor::BlockType;
use pgp::composed::{Deserializable, SignedSecretKey};
use pgp::crypto::ed25519::{Mode, SecretKey as Ed25519};
use pgp::crypto::eddsa_legacy::SecretKey as EddsaLegacy;
use pgp::crypto::{hash::HashAlgorithm, public_key::PublicKeyAlgorithm};
use pgp::packet::{
    KeyFlags, PacketTrait, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey, Signature, SignatureConfig,
    SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::ser::Serialize;
use pgp::types::{
    Duration, KeyDetails, KeyVersion, PacketHeaderVersion, Password, PlainSecretParams, PublicParams, SecretParams,
    SigningKey, Tag, Timestamp,
};
use std::io;

/// A day, in the unit of the format.
pub const DAY: u32 = 24 * 60 * 60;

/// What a signature says, and how it is made.
#[derive(Clone, Debug)]
pub struct Words {
    /// When it says that it was made; seconds since 1970.
    pub at: u32,
    /// What it is hashed with.
    pub hash: HashAlgorithm,
    /// Signed parts besides the time and the issuer's fingerprint.
    pub signed: Vec<Subpacket>,
    /// Whether the signed part names the issuer by fingerprint.
    pub names_issuer: bool,
    /// Parts that are not signed, besides the issuer's key id.
    pub unsigned: Vec<Subpacket>,
    /// Whether the part that is not signed names the issuer by key id.
    pub hints_issuer: bool,
}

impl Words {
    /// Proper words of this moment.
    pub fn at(at: u32) -> Self {
        Self {
            at,
            hash: HashAlgorithm::Sha512,
            signed: vec![],
            names_issuer: true,
            unsigned: vec![],
            hints_issuer: true,
        }
    }

    /// With this signed part.
    #[must_use]
    pub fn saying(mut self, data: SubpacketData) -> Self {
        self.signed.push(Subpacket::regular(data).unwrap());
        self
    }

    /// With this signed part, marked critical.
    #[must_use]
    pub fn insisting(mut self, data: SubpacketData) -> Self {
        self.signed.push(Subpacket::critical(data).unwrap());
        self
    }

    /// Made over another hash.
    #[must_use]
    pub fn over(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    /// For a key that may certify and sign.
    #[must_use]
    pub fn for_signing(self) -> Self {
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        flags.set_sign(true);
        self.saying(SubpacketData::KeyFlags(flags))
    }

    /// For a key that may certify only.
    #[must_use]
    pub fn for_certifying(self) -> Self {
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        self.saying(SubpacketData::KeyFlags(flags))
    }

    /// For a key that ends so long after it was made.
    #[must_use]
    pub fn key_lasts(self, seconds: u32) -> Self {
        self.saying(SubpacketData::KeyExpirationTime(Duration::from_secs(seconds)))
    }

    /// A signature that ends so long after it was made.
    #[must_use]
    pub fn lasts(self, seconds: u32) -> Self {
        self.saying(SubpacketData::SignatureExpirationTime(Duration::from_secs(seconds)))
    }

    /// A revocation for this reason.
    #[must_use]
    pub fn because(self, code: RevocationCode) -> Self {
        self.saying(SubpacketData::RevocationReason(code, Vec::new().into()))
    }

    /// As the library wants them.
    pub fn config(&self, kind: SignatureType, key: &impl SigningKey) -> SignatureConfig {
        let mut config = if key.version() == KeyVersion::V6 {
            let salt = vec![7; self.hash.salt_len().unwrap()];
            SignatureConfig::v6_with_salt(kind, key.algorithm(), self.hash, salt)
        } else {
            SignatureConfig::v4(kind, key.algorithm(), self.hash)
        };
        let time = SubpacketData::SignatureCreationTime(Timestamp::from_secs(self.at));
        config.hashed_subpackets = vec![Subpacket::critical(time).unwrap()];
        if self.names_issuer {
            let issuer = SubpacketData::IssuerFingerprint(key.fingerprint());
            config.hashed_subpackets.push(Subpacket::regular(issuer).unwrap());
        }
        config.hashed_subpackets.extend(self.signed.iter().cloned());
        config.unhashed_subpackets.clone_from(&self.unsigned);
        if self.hints_issuer && key.version() == KeyVersion::V4 {
            let issuer = SubpacketData::IssuerKeyId(key.legacy_key_id());
            config.unhashed_subpackets.push(Subpacket::regular(issuer).unwrap());
        }
        config
    }
}

/// A key that signs whatever it is told, and the certificate that is being put together around it.
#[derive(Clone, Debug)]
pub struct Forger {
    /// The primary key.
    pub key: SecretKey,
    direct: Vec<Signature>,
    users: Vec<(UserId, Vec<Signature>)>,
    subkeys: Vec<(PublicSubkey, Vec<Signature>)>,
}

impl Forger {
    /// A certificate with nothing in it but its key.
    pub fn with(key: SecretKey) -> Self {
        Self { key, direct: vec![], users: vec![], subkeys: vec![] }
    }

    /// As a person would make it: a user id, and a key that certifies and signs.
    pub fn proper(key: SecretKey) -> Self {
        let made = key.created_at().as_secs();
        if key.version() == KeyVersion::V6 {
            return Self::with(key).direct(&Words::at(made).for_signing());
        }
        Self::with(key).user("Forger <forger@example.org>", &Words::at(made).for_signing())
    }

    fn public(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// Says something about the key itself.
    #[must_use]
    pub fn direct(mut self, words: &Words) -> Self {
        let config = words.config(SignatureType::Key, &self.key);
        self.direct.push(config.sign_key(&self.key, &Password::empty(), self.public()).unwrap());
        self
    }

    /// Says something about the key under a name.
    #[must_use]
    pub fn user(self, name: &str, words: &Words) -> Self {
        self.certify(name, SignatureType::CertPositive, words)
    }

    /// Takes a name back.
    #[must_use]
    pub fn without_user(self, name: &str, words: &Words) -> Self {
        self.certify(name, SignatureType::CertRevocation, words)
    }

    fn certify(mut self, name: &str, kind: SignatureType, words: &Words) -> Self {
        let user = UserId::from_str(PacketHeaderVersion::New, name).unwrap();
        let config = words.config(kind, &self.key);
        let said = config.sign_certification(&self.key, self.public(), &Password::empty(), Tag::UserId, &user).unwrap();
        match self.users.iter_mut().find(|(known, _)| known.id() == user.id()) {
            Some((_, signatures)) => signatures.push(said),
            None => self.users.push((user, vec![said])),
        }
        self
    }

    /// Revokes the key.
    #[must_use]
    pub fn revoked(mut self, words: &Words) -> Self {
        self.direct.push(self.revocation(words));
        self
    }

    /// A revocation of the key, by itself.
    pub fn revocation(&self, words: &Words) -> Signature {
        let config = words.config(SignatureType::KeyRevocation, &self.key);
        config.sign_key(&self.key, &Password::empty(), self.public()).unwrap()
    }

    /// Calls a key its own; with the other's consent where it is given.
    #[must_use]
    pub fn subkey(self, subkey: &SecretKey, words: &Words, consent: Option<&Words>) -> Self {
        let public = as_subkey(subkey);
        let mut words = words.clone();
        if let Some(consent) = consent {
            let config = consent.config(SignatureType::KeyBinding, subkey);
            let back = config.sign_primary_key_binding(subkey, &public, &Password::empty(), self.public()).unwrap();
            words.signed.push(Subpacket::regular(SubpacketData::EmbeddedSignature(Box::new(back))).unwrap());
        }
        let config = words.config(SignatureType::SubkeyBinding, &self.key);
        let said = config.sign_subkey_binding(&self.key, self.public(), &Password::empty(), &public).unwrap();
        self.about_subkey(public, said)
    }

    /// Revokes a subkey.
    #[must_use]
    pub fn without_subkey(self, subkey: &SecretKey, words: &Words) -> Self {
        let public = as_subkey(subkey);
        let config = words.config(SignatureType::SubkeyRevocation, &self.key);
        let said = config.sign_subkey_binding(&self.key, self.public(), &Password::empty(), &public).unwrap();
        self.about_subkey(public, said)
    }

    fn about_subkey(mut self, public: PublicSubkey, said: Signature) -> Self {
        match self.subkeys.iter_mut().find(|(known, _)| known.fingerprint() == public.fingerprint()) {
            Some((_, signatures)) => signatures.push(said),
            None => self.subkeys.push((public, vec![said])),
        }
        self
    }

    /// The certificate, binary.
    pub fn certificate(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut write = |packet: &dyn Fn(&mut Vec<u8>)| packet(&mut bytes);
        write(&|to| self.public().to_writer_with_header(to).unwrap());
        let all = |to: &mut Vec<u8>, said: &[Signature]| {
            for it in said {
                it.to_writer_with_header(to).unwrap();
            }
        };
        write(&|to| all(to, &self.direct));
        for (user, said) in &self.users {
            write(&|to| user.to_writer_with_header(to).unwrap());
            write(&|to| all(to, said));
        }
        for (subkey, said) in &self.subkeys {
            write(&|to| subkey.to_writer_with_header(to).unwrap());
            write(&|to| all(to, said));
        }
        bytes
    }

    /// A detached signature over bytes by the primary key.
    pub fn sign(&self, words: &Words, bytes: &[u8]) -> Vec<u8> {
        sign(&self.key, SignatureType::Binary, words, bytes)
    }

    /// The whole fingerprint, upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex::encode_upper(self.key.fingerprint().as_bytes())
    }
}

/// A detached signature of any type by any key, binary.
pub fn sign(key: &SecretKey, kind: SignatureType, words: &Words, bytes: &[u8]) -> Vec<u8> {
    packet(&words.config(kind, key).sign(key, &Password::empty(), bytes).unwrap())
}

/// A signature as a packet.
pub fn packet(signature: &Signature) -> Vec<u8> {
    let mut bytes = Vec::new();
    signature.to_writer_with_header(&mut bytes).unwrap();
    bytes
}

/// An Ed25519 key with this secret, in the way `GnuPG` writes it.
pub fn ed25519(seed: u8, made: u32) -> SecretKey {
    let secret = Ed25519::try_from_bytes([seed; 32], Mode::EdDSALegacy).unwrap();
    let secret = PlainSecretParams::EdDSALegacy(EddsaLegacy::Ed25519(secret));
    key(KeyVersion::V4, PublicKeyAlgorithm::EdDSALegacy, made, secret)
}

/// An Ed25519 key with this secret, as RFC 9580 writes it.
pub fn ed25519_of(version: KeyVersion, seed: u8, made: u32) -> SecretKey {
    let secret = PlainSecretParams::Ed25519(Ed25519::try_from_bytes([seed; 32], Mode::Ed25519).unwrap());
    key(version, PublicKeyAlgorithm::Ed25519, made, secret)
}

/// One of the RSA keys in `tests/keys`.
pub fn rsa(armoured: &str) -> SecretKey {
    SignedSecretKey::from_string(armoured).unwrap().0.primary_key
}

fn key(version: KeyVersion, algorithm: PublicKeyAlgorithm, made: u32, secret: PlainSecretParams) -> SecretKey {
    let params = PublicParams::try_from(&secret).unwrap();
    let inner = PubKeyInner::new(version, algorithm, Timestamp::from_secs(made), None, params).unwrap();
    SecretKey::new(PublicKey::from_inner(inner).unwrap(), SecretParams::Plain(secret)).unwrap()
}

fn as_subkey(key: &SecretKey) -> PublicSubkey {
    let params = key.public_params().clone();
    let inner = PubKeyInner::new(key.version(), key.algorithm(), key.created_at(), None, params).unwrap();
    PublicSubkey::from_inner(inner).unwrap()
}

/// Bytes in armour.
pub fn armoured(kind: BlockType, bytes: &[u8]) -> Vec<u8> {
    struct Raw<'a>(&'a [u8]);
    impl Serialize for Raw<'_> {
        fn to_writer<W: io::Write>(&self, to: &mut W) -> pgp::errors::Result<()> {
            Ok(to.write_all(self.0)?)
        }
        fn write_len(&self) -> usize {
            self.0.len()
        }
    }
    let mut text = Vec::new();
    pgp::armor::write(&Raw(bytes), kind, &mut text, None, true).unwrap();
    text
}
