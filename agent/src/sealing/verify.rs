//! Reads a detached CMS signature and says whether it holds. SHA-1 holds, too, and is told: it is what is sent to us.

use super::ber::{CONTEXT, Element, INTEGER, OCTETS, OID, PLAIN, Reader, SEQUENCE, SET, Unreadable};
use super::certificate::Certificate;
use super::{der, oids};
use crate::domain::Weakness;
use ring::digest::{self, digest};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

/// A chain is not longer, and nobody sends us a bag of certificates.
const MOST_CERTIFICATES: usize = 20;

/// A signature that holds.
#[derive(Debug)]
pub(super) struct Holds {
    pub(super) signer: Certificate,
    /// What else came with it, DER.
    pub(super) others: Vec<Vec<u8>>,
    pub(super) weak: Vec<Weakness>,
}

/// A signature of which that cannot be said.
#[derive(Debug)]
pub(super) enum DoesNot {
    /// It does not hold.
    Hold { why: String, signer: Option<Box<Certificate>> },
    /// It is made in a way that is not known here.
    Tell { why: String, signer: Option<Box<Certificate>> },
}

impl From<Unreadable> for DoesNot {
    fn from(why: Unreadable) -> Self {
        Self::Tell { why: format!("it cannot be read: {why}"), signer: None }
    }
}

/// The parts of it that are needed.
struct Parts<'a> {
    certificates: Vec<&'a [u8]>,
    signer: Element<'a>,
    digest: &'a [u8],
    attributes: Option<Element<'a>>,
    algorithm: &'a [u8],
    parameters: Reader<'a>,
    signature: Vec<u8>,
}

/// Whether `cms` is a signature of `content`.
pub(super) fn verify(cms: &[u8], content: &[u8]) -> Result<Holds, DoesNot> {
    let parts = read(cms)?;
    let certificates: Vec<Certificate> =
        parts.certificates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
    let signer = certificates.iter().find(|certificate| is_named(certificate, &parts.signer));
    let Some(signer) = signer.cloned() else {
        return Err(DoesNot::Tell { why: "its signer's certificate is not in it".into(), signer: None });
    };
    let hold = |why: &str| DoesNot::Hold { why: why.into(), signer: Some(Box::new(signer.clone())) };
    let tell = |why: String| DoesNot::Tell { why, signer: Some(Box::new(signer.clone())) };
    let hash = hash(parts.digest).ok_or_else(|| tell(format!("it has the digest {}", oids::dotted(parts.digest))))?;
    let covered = match &parts.attributes {
        None => content.to_vec(),
        Some(attributes) => {
            let told = message_digest(attributes)?.ok_or_else(|| hold("it does not name a digest"))?;
            if told != digest(hash, content).as_ref() {
                return Err(hold("the list of files is not the one that was signed"));
            }
            der::element(SET, attributes.content)
        }
    };
    let algorithm = algorithm(&parts, &signer).ok_or_else(|| {
        tell(format!("it has the algorithm {} or a key that is not known here", oids::dotted(parts.algorithm)))
    })?;
    let is_held = UnparsedPublicKey::new(algorithm, &signer.key).verify(&covered, &parts.signature).is_ok();
    if !is_held {
        return Err(hold("it was not made with the key of the certificate in it"));
    }
    let mut weak = Vec::new();
    if parts.digest == oids::SHA1 || parts.algorithm == oids::SHA1_WITH_RSA {
        weak.push(Weakness::Sha1);
    }
    // A signature is as long as its key.
    if signer.key_algorithm == oids::RSA && parts.signature.len() < 256 {
        weak.push(Weakness::ShortKey);
    }
    let others = certificates.into_iter().filter(|other| *other != signer).map(|other| other.der).collect();
    Ok(Holds { signer, others, weak })
}

fn read(cms: &[u8]) -> Result<Parts<'_>, Unreadable> {
    let mut info = Reader(cms).expect(SEQUENCE, "no sequence")?.inside();
    if info.expect(OID, "no type")?.content != oids::SIGNED_DATA {
        return Err(Unreadable::Wrong("it is no signed data"));
    }
    let mut data = info.expect(CONTEXT, "no content")?.inside().expect(SEQUENCE, "no signed data")?.inside();
    data.expect(INTEGER, "no version")?;
    data.expect(SET, "no digests")?;
    data.expect(SEQUENCE, "no content")?;
    let mut certificates = Vec::new();
    if let Some(all) = data.optional(CONTEXT)? {
        let mut all = all.inside();
        while let Some(one) = all.next()? {
            if certificates.len() == MOST_CERTIFICATES {
                return Err(Unreadable::Wrong("more certificates than a chain has"));
            }
            certificates.push(one.whole);
        }
    }
    data.optional(CONTEXT | 1)?;
    let mut signers = data.expect(SET, "no signers")?.inside();
    let mut signer = signers.expect(SEQUENCE, "no signer")?.inside();
    if signers.next()?.is_some() {
        return Err(Unreadable::Wrong("more than one signer"));
    }
    signer.expect(INTEGER, "no version of its signer")?;
    let named = signer.any("no name of its signer")?;
    let digest = signer.expect(SEQUENCE, "no digest")?.inside().expect(OID, "no digest")?.content;
    let attributes = signer.optional(CONTEXT)?;
    let mut algorithm = signer.expect(SEQUENCE, "no algorithm")?.inside();
    let name = algorithm.expect(OID, "no algorithm")?.content;
    let signature = signer.any("no signature")?.octets()?.into_owned();
    Ok(Parts { certificates, signer: named, digest, attributes, algorithm: name, parameters: algorithm, signature })
}

fn is_named(certificate: &Certificate, signer: &Element<'_>) -> bool {
    if signer.tag & !super::ber::CONSTRUCTED == PLAIN {
        return certificate.key_identifier.as_deref() == signer.octets().ok().as_deref();
    }
    let mut parts = signer.inside();
    match (parts.next(), parts.next()) {
        (Ok(Some(issuer)), Ok(Some(serial))) => certificate.is_of(issuer.whole, serial.content),
        _ => false,
    }
}

fn message_digest(attributes: &Element<'_>) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut all = attributes.inside();
    let mut found = None;
    while let Some(attribute) = all.next()? {
        let mut parts = attribute.inside();
        if parts.expect(OID, "an attribute without a name")?.content == oids::MESSAGE_DIGEST {
            let mut values = parts.expect(SET, "an attribute without a value")?.inside();
            let value = values.expect(OCTETS, "a digest that is none")?;
            if found.replace(value.content.to_vec()).is_some() || values.next()?.is_some() {
                return Err(Unreadable::Wrong("more than one digest"));
            }
        }
    }
    Ok(found)
}

fn hash(oid: &[u8]) -> Option<&'static digest::Algorithm> {
    match oid {
        oids::SHA1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        oids::SHA256 => Some(&digest::SHA256),
        oids::SHA384 => Some(&digest::SHA384),
        oids::SHA512 => Some(&digest::SHA512),
        _ => None,
    }
}

fn algorithm(parts: &Parts<'_>, signer: &Certificate) -> Option<&'static dyn VerificationAlgorithm> {
    if signer.key_algorithm != oids::RSA {
        let curve = signer.key_parameters.as_slice();
        return match (parts.algorithm, curve) {
            (oids::ECDSA_WITH_SHA256, oids::P256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
            (oids::ECDSA_WITH_SHA384, oids::P256) => Some(&signature::ECDSA_P256_SHA384_ASN1),
            (oids::ECDSA_WITH_SHA256, oids::P384) => Some(&signature::ECDSA_P384_SHA256_ASN1),
            (oids::ECDSA_WITH_SHA384, oids::P384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
            _ => None,
        };
    }
    let digest = match parts.algorithm {
        // The digest of RSA alone is the signer's.
        oids::RSA => parts.digest,
        oids::SHA1_WITH_RSA => oids::SHA1,
        oids::SHA256_WITH_RSA => oids::SHA256,
        oids::SHA384_WITH_RSA => oids::SHA384,
        oids::SHA512_WITH_RSA => oids::SHA512,
        oids::PSS => return pss(parts.parameters),
        _ => return None,
    };
    match digest {
        oids::SHA1 => Some(&signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        oids::SHA256 => Some(&signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        oids::SHA384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        oids::SHA512 => Some(&signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

fn pss(mut parameters: Reader<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    let mut inner = parameters.expect(SEQUENCE, "").ok()?.inside();
    let named = inner.expect(CONTEXT, "").ok()?;
    match named.inside().expect(SEQUENCE, "").ok()?.inside().expect(OID, "").ok()?.content {
        oids::SHA256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        oids::SHA384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        oids::SHA512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}
