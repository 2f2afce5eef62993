//! What we sign to get a token: who we are, what we want, for whom, until when. Pure, but for the noise in a signature.

use super::jwk::Jwk;
use crate::keystore::Identity;
use crate::ports::{SystemUser, TokenAsk};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// So long it may be used.
const LIFE_SECONDS: i64 = 120;

/// What assertions are signed with, and how it is named.
#[derive(Debug)]
pub struct Key {
    pair: RsaKeyPair,
    header: Value,
}

/// A key that cannot sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Key {
    /// Named by its certificate, in `x5c`.
    ///
    /// # Errors
    /// It is no RSA key of 2048 to 4096 bits, or has no certificate.
    pub fn of_certificate(identity: &Identity) -> Result<Self, Unfit> {
        let alias = &identity.alias;
        let own = identity.chain.first().ok_or_else(|| Unfit(format!("the key '{alias}' has no certificate")))?;
        let pair = RsaKeyPair::from_pkcs8(identity.key.secret_pkcs8_der())
            .map_err(|why| Unfit(format!("the key '{alias}' is no RSA key of 2048 to 4096 bits: {why}")))?;
        Ok(Self { pair, header: json!({ "alg": "RS256", "x5c": [STANDARD.encode(own)] }) })
    }

    /// Named by the `kid` of a JWK.
    ///
    /// # Errors
    /// Its numbers are no RSA key of 2048 to 4096 bits.
    pub fn of_jwk(jwk: &Jwk) -> Result<Self, Unfit> {
        let pair = jwk.pair().map_err(|why| Unfit(format!("the JWK '{}': {why}", jwk.kid)))?;
        Ok(Self { pair, header: json!({ "alg": "RS256", "kid": jwk.kid }) })
    }
}

/// Who asks, and whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties<'a> {
    pub(super) client_id: &'a str,
    pub(super) audience: &'a str,
}

pub(super) fn claims(parties: Parties<'_>, ask: &TokenAsk, now: Timestamp, jti: &str) -> Value {
    let at = now.as_second();
    let mut claims = json!({
        "aud": parties.audience,
        "iss": parties.client_id,
        "scope": ask.scopes.join(" "),
        "jti": jti,
        "iat": at,
        "exp": at + LIFE_SECONDS,
    });
    let organisation = ask.consumer_org.as_ref().map(|number| ("consumer_org", json!(number)));
    let user = ask.system_user.as_ref().map(|user| ("authorization_details", json!([system_user(user)])));
    if let Some(claims) = claims.as_object_mut() {
        claims.extend(organisation.into_iter().chain(user).map(|(name, value)| (name.to_owned(), value)));
    }
    claims
}

fn system_user(user: &SystemUser) -> Value {
    json!({
        "type": "urn:altinn:systemuser",
        "systemuser_org": { "authority": "iso6523-actorid-upis", "ID": user.org_id },
        "externalRef": user.name,
    })
}

/// The claims as a compact JWS.
pub(super) fn sign(key: &Key, claims: &Value) -> Result<String, Unfit> {
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encoded(&key.header), encoded(claims));
    let mut signature = vec![0; key.pair.public().modulus_len()];
    key.pair
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
        .map_err(|_| Unfit("it cannot sign".into()))?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_say_who_for_whom_as_whom_and_until_when() {
        let parties = Parties { client_id: "MOVE_IP_910077473", audience: "https://test.maskinporten.no/" };
        let user = SystemUser { org_id: "0192:910077473".into(), name: "910077473_systembruker".into() };
        let ask = TokenAsk {
            scopes: vec!["altinn:broker.read".into(), "altinn:broker.write".into()],
            consumer_org: Some("991825827".into()),
            system_user: Some(user),
        };
        let all = claims(parties, &ask, Timestamp::from_second(1_700_000_000).unwrap(), "id");
        insta::assert_snapshot!(serde_json::to_string_pretty(&all).unwrap());
        let bare = claims(parties, &TokenAsk::scopes(["a"]), Timestamp::UNIX_EPOCH, "id");
        assert!(bare.get("consumer_org").is_none() && bare.get("authorization_details").is_none());
    }
}
