//! Whether a signer's certificate leads to an authority that this site trusts. No lists of revoked certificates are asked.

use super::verify::Holds;
use crate::domain::Finding;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert, ring};

/// The authorities of this site.
#[derive(Debug, Default)]
pub struct Authorities(Vec<TrustAnchor<'static>>);

impl Authorities {
    /// The `CERTIFICATE`s of a file; that it has none is wrong, too.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|why| format!("it is not PEM: {why}"))?;
        if certificates.is_empty() {
            return Err("there is no CERTIFICATE section in it".into());
        }
        Self::of(&certificates)
    }

    /// These certificates. What cannot be read of them is said by its place.
    pub fn of(certificates: &[CertificateDer<'_>]) -> Result<Self, String> {
        let mut anchors = Vec::new();
        for (certificate, number) in certificates.iter().zip(1..) {
            let anchor = anchor_from_trusted_cert(certificate);
            anchors.push(anchor.map_err(|why| format!("certificate {number} is no authority: {why}"))?.to_owned());
        }
        Ok(Self(anchors))
    }

    /// Who has signed, at the time of receipt.
    pub(super) fn judge(&self, signature: &Holds, now: Timestamp) -> Finding {
        if self.0.is_empty() {
            return Finding::Signed;
        }
        match self.lead(signature, now) {
            Ok(()) => Finding::Trusted,
            Err(why) => Finding::Untrusted(why.to_string()),
        }
    }

    fn lead(&self, signature: &Holds, now: Timestamp) -> Result<(), Error> {
        let algorithms = &[
            ring::RSA_PKCS1_2048_8192_SHA256,
            ring::RSA_PKCS1_2048_8192_SHA384,
            ring::RSA_PKCS1_2048_8192_SHA512,
            ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
            ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
            ring::ECDSA_P256_SHA256,
            ring::ECDSA_P256_SHA384,
            ring::ECDSA_P384_SHA256,
            ring::ECDSA_P384_SHA384,
        ];
        let signer = CertificateDer::from(signature.signer.der.as_slice());
        let others: Vec<CertificateDer<'_>> =
            signature.others.iter().map(|other| CertificateDer::from(other.as_slice())).collect();
        let signer = EndEntityCert::try_from(&signer)?;
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        signer.verify_for_usage(algorithms, &self.0, &others, now, AnyUse, None, None).map(|_| ())
    }
}

/// Certificates of organisations say what else they may be used for: TLS, mail. Signing is not among those names.
struct AnyUse;

impl ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, mut uses: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        uses.try_for_each(|one| one.map(|_| ()))
    }
}
