//! A new RSA key as two JWKs: one to be registered, one to be kept. Nothing is stored, and nothing logged.

use crate::ports::{KeySize, NewKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use efm::secret::Secret;
use ring::digest::{SHA256, digest};
use rsa::rand_core::OsRng;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, RsaPrivateKey};
use std::fmt::Write as _;

/// Makes one. It takes a second or more: on a thread where it keeps nobody waiting.
///
/// # Errors
/// The machine gives no random bytes.
pub fn generate(size: KeySize) -> Result<NewKey, String> {
    let key = RsaPrivateKey::new(&mut OsRng, size.bits()).map_err(|error| error.to_string())?;
    let number = |number: &BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    let (Some(dp), Some(dq), Some(qi)) = (key.dp(), key.dq(), key.crt_coefficient()) else {
        return Err("the key has no second form".into());
    };
    let [first, second] = key.primes() else { return Err("the key has not two primes".into()) };
    let (modulus, exponent) = (number(key.n()), number(key.e()));
    // RFC 7638: the needed members in the order of their names, without a blank.
    let whole = format!("{{\"e\":\"{exponent}\",\"kty\":\"RSA\",\"n\":\"{modulus}\"}}");
    let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, whole.as_bytes()));
    let public = format!(
        "\"kty\" : \"RSA\",\n  \"n\" : \"{modulus}\",\n  \"e\" : \"{exponent}\",\n  \"alg\" : \"RS256\",\n  \"kid\" : \"{kid}\""
    );
    let private = [
        ("d", number(key.d())),
        ("p", number(first)),
        ("q", number(second)),
        ("dp", number(dp)),
        ("dq", number(dq)),
        ("qi", number(&qi)),
    ];
    let mut whole = format!("{{\n  {public}");
    for (name, value) in private {
        let _ = write!(whole, ",\n  \"{name}\" : \"{value}\"");
    }
    whole.push_str("\n}");
    Ok(NewKey { kid, private: Secret::new(whole), public: format!("{{\n  {public}\n}}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Jwk, Key};

    #[test]
    fn a_new_key_signs_and_its_public_half_has_nothing_private() {
        let made = generate(KeySize::Bits2048).unwrap();
        let read = Jwk::read(made.private.reveal().as_bytes()).unwrap();
        assert_eq!(read.kid, made.kid);
        assert!(Key::of_jwk(&read).is_ok());
        let public: serde_json::Value = serde_json::from_str(&made.public).unwrap();
        let names: Vec<_> = public.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "e", "kid", "kty", "n"]);
        let whole = format!("{{\"e\":{},\"kty\":\"RSA\",\"n\":{}}}", public["e"], public["n"]);
        assert_eq!(made.kid, URL_SAFE_NO_PAD.encode(digest(&SHA256, whole.as_bytes())));
    }
}
