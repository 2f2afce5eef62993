//! Signs: detached CMS `SignedData` with the attributes that `CAdES` asks for, SHA-256 with RSA. See docs/decisions/0034.

use super::certificate::Certificate;
use super::keys::Own;
use super::{ber, der, oids};
use crate::ports::SealError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;

/// The signature of these bytes, which are not in it.
pub(super) fn sign(own: &Own, content: &[u8], now: Timestamp) -> Result<Vec<u8>, SealError> {
    let sha256 = der::algorithm(oids::SHA256, &[]);
    let with_rsa = der::algorithm(oids::SHA256_WITH_RSA, &der::null());
    let attributes = attributes(&own.certificate, content, now, &sha256, &with_rsa);
    // Signed as a set; written as `[0]`.
    let covered = der::set(attributes);
    let mut signature = vec![0; own.signer.public().modulus_len()];
    let done = own.signer.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &covered, &mut signature);
    done.map_err(|_| SealError::OwnKey { alias: own.alias.clone(), why: "one cannot sign with it".into() })?;
    let mut tagged = covered;
    if let Some(tag) = tagged.first_mut() {
        *tag = ber::CONTEXT;
    }
    let serial = der::element(ber::INTEGER, &own.certificate.serial);
    let signer = der::sequence(&[
        &der::small(1),
        &der::sequence(&[&own.certificate.issuer, &serial]),
        &sha256,
        &tagged,
        &with_rsa,
        &der::octets(&signature),
    ]);
    let data = der::sequence(&[
        &der::small(1),
        &der::set(vec![sha256]),
        &der::sequence(&[&der::oid(oids::DATA)]),
        &der::context(0, &own.chain.concat()),
        &der::set(vec![signer]),
    ]);
    Ok(der::sequence(&[&der::oid(oids::SIGNED_DATA), &der::context(0, &data)]))
}

fn attributes(own: &Certificate, content: &[u8], now: Timestamp, sha256: &[u8], with_rsa: &[u8]) -> Vec<Vec<u8>> {
    let attribute = |name: &[u8], value: Vec<u8>| der::sequence(&[&der::oid(name), &der::set(vec![value])]);
    let mut signed_with = with_rsa.to_vec();
    if let Some(tag) = signed_with.first_mut() {
        *tag = ber::CONTEXT | 1;
    }
    // SHA-256 is the default of this attribute, and a default is not written.
    let certificate = der::sequence(&[&der::octets(digest(&SHA256, &own.der).as_ref())]);
    vec![
        attribute(oids::CONTENT_TYPE, der::oid(oids::DATA)),
        attribute(oids::SIGNING_TIME, time(now)),
        attribute(oids::MESSAGE_DIGEST, der::octets(digest(&SHA256, content).as_ref())),
        attribute(oids::ALGORITHM_PROTECTION, der::sequence(&[sha256, &signed_with])),
        attribute(oids::SIGNING_CERTIFICATE_V2, der::sequence(&[&der::sequence(&[&certificate])])),
    ]
}

/// Two digits of the year until 2049.
fn time(now: Timestamp) -> Vec<u8> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let now = now.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&now.year()) {
        der::element(UTC_TIME, now.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        der::element(GENERALIZED_TIME, now.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
    }
}
