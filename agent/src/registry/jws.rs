//! A compact JWS, taken apart and held to a list of algorithms. Pure. Whose key it is is decided elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents,
};
use rustls::pki_types::SignatureVerificationAlgorithm;
use serde::Deserialize;

/// What is not signed as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// Not signed at all, or cut.
    #[error("it is no compact JWS")]
    NotCompact,
    /// A header that makes no sense.
    #[error("its header is no JWS header")]
    Header,
    /// `none`, or one that is not on the list.
    #[error("it is signed with '{0}', and only {names} are taken", names = names())]
    Algorithm(String),
    /// It says that something must be understood that is not.
    #[error("it has critical extensions, which are not understood here")]
    Critical,
    /// No certificate where one is needed.
    #[error("it brings no certificate (x5c), and integrasjonspunkt.sign.ca-file wants one")]
    NoChain,
    /// A certificate that leads nowhere.
    #[error("its certificate is not believed: {0}")]
    Chain(String),
    /// No key that could be the one.
    #[error("{0}")]
    NoKey(String),
    /// Other bytes than were signed, or another key.
    #[error("the signature is not that of its bytes with this key")]
    Wrong,
}

/// An algorithm, for a bare key and for the key of a certificate.
struct Algorithm {
    name: &'static str,
    of_key: &'static RsaParameters,
    of_certificate: &'static dyn SignatureVerificationAlgorithm,
}

/// What is taken. There is no `none`, and nothing symmetric: a public key is no secret.
const TAKEN: [Algorithm; 3] = [
    Algorithm {
        name: "RS256",
        of_key: &RSA_PKCS1_2048_8192_SHA256,
        of_certificate: webpki::ring::RSA_PKCS1_2048_8192_SHA256,
    },
    Algorithm {
        name: "RS384",
        of_key: &RSA_PKCS1_2048_8192_SHA384,
        of_certificate: webpki::ring::RSA_PKCS1_2048_8192_SHA384,
    },
    Algorithm {
        name: "RS512",
        of_key: &RSA_PKCS1_2048_8192_SHA512,
        of_certificate: webpki::ring::RSA_PKCS1_2048_8192_SHA512,
    },
];

fn names() -> String {
    TAKEN.map(|it| it.name).join(", ")
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    x5c: Option<Vec<String>>,
    crit: Option<serde_json::Value>,
}

/// One, not yet believed.
pub(super) struct Jws<'a> {
    algorithm: &'static Algorithm,
    pub(super) kid: Option<String>,
    pub(super) x5c: Option<Vec<String>>,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<Self, BadSignature> {
        let text = std::str::from_utf8(text).map_err(|_| BadSignature::NotCompact)?.trim();
        let (signed, signature) = text.rsplit_once('.').ok_or(BadSignature::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(BadSignature::NotCompact)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadSignature::NotCompact);
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| BadSignature::Header)?;
        let algorithm = TAKEN.iter().find(|taken| taken.name == header.alg);
        let algorithm = algorithm.ok_or_else(|| BadSignature::Algorithm(header.alg.chars().take(20).collect()))?;
        if header.crit.is_some() {
            return Err(BadSignature::Critical);
        }
        let (payload, signature) = (decoded(payload)?, decoded(signature)?);
        Ok(Self { algorithm, kid: header.kid, x5c: header.x5c, signed, payload, signature })
    }

    /// What it says, when this key signed it.
    pub(super) fn signed_by(self, key: &RsaPublicKeyComponents<Vec<u8>>) -> Result<Vec<u8>, BadSignature> {
        let verified = key.verify(self.algorithm.of_key, self.signed.as_bytes(), &self.signature);
        verified.map(|()| self.payload).map_err(|_| BadSignature::Wrong)
    }

    /// What it says, when the key of this certificate signed it.
    pub(super) fn signed_by_certificate(self, own: &webpki::EndEntityCert<'_>) -> Result<Vec<u8>, BadSignature> {
        let verified = own.verify_signature(self.algorithm.of_certificate, self.signed.as_bytes(), &self.signature);
        verified.map(|()| self.payload).map_err(|_| BadSignature::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_list_is_not_even_looked_at() {
        let told = |header: &str| {
            let text = format!("{}.e30.", URL_SAFE_NO_PAD.encode(header));
            Jws::read(text.as_bytes()).err().map(|bad| bad.to_string())
        };
        for name in ["none", "None", "HS256", "ES256", "rs256", ""] {
            let wanted = format!("it is signed with '{name}', and only RS256, RS384, RS512 are taken");
            assert_eq!(told(&format!("{{\"alg\":\"{name}\"}}")), Some(wanted));
        }
        assert_eq!(
            told("{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}"),
            Some(BadSignature::Critical.to_string())
        );
        assert_eq!(told("{}"), Some(BadSignature::Header.to_string()));
        assert_eq!(told("{\"alg\":\"RS256\"}"), None);
        for cut in ["", "{\"serviceRecords\":[]}", "a.b", "..", "e30.e30.?"] {
            let bad = Jws::read(cut.as_bytes()).err();
            assert!(matches!(bad, Some(BadSignature::NotCompact | BadSignature::Header)), "{cut}: {bad:?}");
        }
    }
}
