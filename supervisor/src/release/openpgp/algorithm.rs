//! Which keys and which hashes are strong enough, and their names for people.

use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize;
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, PublicParams};

use super::RSA_LEAST_BITS;

/// A key's algorithm: its name, and whether a signature made with it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Algorithm {
    pub(super) name: String,
    pub(super) strong: bool,
}

impl Algorithm {
    pub(super) fn of(params: &PublicParams) -> Self {
        let (name, strong) = match params {
            PublicParams::RSA(rsa) => {
                let bits = rsa_bits(rsa);
                (format!("RSA {bits}"), bits >= RSA_LEAST_BITS)
            }
            PublicParams::Ed25519(_) | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. }) => {
                ("Ed25519".into(), true)
            }
            PublicParams::ECDSA(EcdsaPublicParams::P256 { .. }) => ("ECDSA P-256".into(), true),
            PublicParams::ECDSA(EcdsaPublicParams::P384 { .. }) => ("ECDSA P-384".into(), true),
            PublicParams::ECDSA(EcdsaPublicParams::P521 { .. }) => ("ECDSA P-521".into(), true),
            PublicParams::ECDSA(_) => ("ECDSA on another curve".into(), false),
            PublicParams::EdDSALegacy(_) => ("EdDSA on another curve".into(), false),
            PublicParams::DSA(_) => ("DSA".into(), false),
            PublicParams::Ed448(_) => ("Ed448".into(), false),
            PublicParams::Elgamal(_) => ("Elgamal".into(), false),
            PublicParams::ECDH(_) | PublicParams::X25519(_) | PublicParams::X448(_) => {
                ("an encryption algorithm".into(), false)
            }
            PublicParams::Unknown { .. } => ("an unknown algorithm".into(), false),
        };
        Self { name, strong }
    }
}

/// The modulus is written first, after its length in bits.
fn rsa_bits(rsa: &impl Serialize) -> u16 {
    match rsa.to_bytes().unwrap_or_default().as_slice() {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

/// Whether statements hashed with it count. `GnuPG` makes these three; more would only widen the door.
pub(super) fn is_strong(hash: HashAlgorithm) -> bool {
    ring_algorithm(hash).is_some()
}

/// The implementation that is used for data: assembly.
pub(super) fn ring_algorithm(hash: HashAlgorithm) -> Option<&'static ring::digest::Algorithm> {
    let strong = [
        (HashAlgorithm::Sha256, &ring::digest::SHA256),
        (HashAlgorithm::Sha384, &ring::digest::SHA384),
        (HashAlgorithm::Sha512, &ring::digest::SHA512),
    ];
    strong.into_iter().find_map(|(known, algorithm)| (known == hash).then_some(algorithm))
}

/// A hash by the name that people know: `SHA-256` for what the format calls `SHA256`.
pub(super) fn hash_name(hash: HashAlgorithm) -> String {
    let name = hash.to_string();
    match (name.strip_prefix("SHA"), name.strip_prefix("RIPEMD")) {
        (Some(size), _) if !size.contains('-') => format!("SHA-{size}"),
        (_, Some(size)) => format!("RIPEMD-{size}"),
        _ => name,
    }
}
