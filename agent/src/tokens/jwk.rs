//! An RSA key as a JWK with its private numbers (RFC 7517), as Samarbeidsportalen and our own page make them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use efm::secret::Secret;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::RsaKeyPair;
use serde::Deserialize;

/// A private key with the name that it was registered under.
#[derive(Clone, Debug)]
pub struct Jwk {
    /// Its name.
    pub kid: String,
    numbers: [Secret; 8],
}

/// Text that is no such key. Says nothing of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoJwk(String);

#[derive(Deserialize)]
struct Wire {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

impl Jwk {
    /// Reads one.
    ///
    /// # Errors
    /// It is no RSA key, has no name, or lacks a private number; which is told.
    pub fn read(text: &[u8]) -> Result<Self, NoJwk> {
        // Not serde's own words: they may quote what they read.
        let wire: Wire = serde_json::from_slice(text)
            .map_err(|error| NoJwk(format!("it is no JWK, see line {} column {}", error.line(), error.column())))?;
        if wire.kty != "RSA" || wire.alg.as_deref().is_some_and(|alg| alg != "RS256") {
            return Err(NoJwk("it is not for RS256; right would be \"kty\": \"RSA\"".into()));
        }
        let kid = wire.kid.filter(|kid| !kid.is_empty());
        let kid = kid.ok_or_else(|| NoJwk("it has no kid; right would be the one that is registered".into()))?;
        let number = |name: &str, text: Option<String>| {
            let text = text.filter(|text| URL_SAFE_NO_PAD.decode(text).is_ok());
            text.map(Secret::new).ok_or_else(|| NoJwk(format!("its {name} is missing, or is no base64url")))
        };
        let numbers = [
            number("n", wire.n)?,
            number("e", wire.e)?,
            number("d", wire.d)?,
            number("p", wire.p)?,
            number("q", wire.q)?,
            number("dp", wire.dp)?,
            number("dq", wire.dq)?,
            number("qi", wire.qi)?,
        ];
        Ok(Self { kid, numbers })
    }

    pub(super) fn pair(&self) -> Result<RsaKeyPair, String> {
        let [modulus, exponent, private, first, second, of_first, of_second, inverse] =
            self.numbers.each_ref().map(|number| URL_SAFE_NO_PAD.decode(number.reveal()).unwrap_or_default());
        let components = KeyPairComponents {
            public_key: PublicKeyComponents { n: modulus, e: exponent },
            d: private,
            p: first,
            q: second,
            dP: of_first,
            dQ: of_second,
            qInv: inverse,
        };
        RsaKeyPair::from_components(&components)
            .map_err(|why| format!("its numbers are no RSA key of 2048 to 4096 bits: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_jwk_is_told_without_its_numbers() {
        let told = |text: &str| Jwk::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(told("{\"kty\":\"RSA\", \"d\": secret}"), "it is no JWK, see line 1 column 20");
        assert!(told("{\"kty\":\"EC\"}").contains("kty"));
        assert!(told("{\"kty\":\"RSA\"}").contains("no kid"));
        assert!(told("{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQ\",\"e\":\"AQAB\"}").contains("its d is missing"));
        assert!(told("{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"=\"}").contains("its n is missing, or"));
    }
}
