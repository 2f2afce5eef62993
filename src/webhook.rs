//! A signature that says who called and when: HMAC-SHA-256 over `<id>.<timestamp>.<body>`, as
//! [Standard Webhooks](https://www.standardwebhooks.com) has it. Both programs call people's servers, with one form of it.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// Before a key in base 64.
const IN_BASE_64: &str = "whsec_";
/// A shorter one can be guessed by who has one signed call.
pub const SHORTEST_SECRET: usize = 16;

/// What is wrong with a key. It never says what the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It says that it is base 64, and is none.
    #[error("what follows whsec_ is no base 64")]
    NotBase64,
    /// It is too short.
    #[error("it is so short that it can be guessed")]
    Short,
}

/// Whether calls can be signed with this: text, or `whsec_` and base 64.
pub fn check(key: &str) -> Result<(), BadKey> {
    let length = match key.strip_prefix(IN_BASE_64) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| BadKey::NotBase64)?.len(),
        None => key.len(),
    };
    if length < SHORTEST_SECRET { Err(BadKey::Short) } else { Ok(()) }
}

/// What stands in `webhook-signature`.
pub fn signature(secret: &Secret, id: &str, seconds: i64, body: &str) -> String {
    let tag = hmac::sign(&key(secret), format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// The bytes of a text, or those that it stands for. That it is base 64 was checked with the settings.
fn key(secret: &Secret) -> hmac::Key {
    let text = secret.reveal();
    let decoded = text.strip_prefix(IN_BASE_64).and_then(|encoded| STANDARD.decode(encoded).ok());
    hmac::Key::new(hmac::HMAC_SHA256, decoded.as_deref().unwrap_or(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_standard_webhooks_gives_as_its_example() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(signature(&secret, id, 1_614_265_330, body), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_that_is_plain_text_is_taken_as_it_is() {
        // By `printf 'id.1.body' | openssl dgst -sha256 -hmac 'a plain secret of a site' -binary | base64`
        let made = signature(&Secret::new("a plain secret of a site"), "id", 1, "body");
        assert_eq!(made, "v1,YijXew6AbsyEwewGqPtYTb1Alg+ypD6ZYG8D1K4Ar6o=");
    }

    #[test]
    fn a_key_that_can_be_guessed_or_read_two_ways_is_refused() {
        assert_eq!(check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(()));
        assert_eq!(check("a plain secret of a site"), Ok(()));
        assert_eq!(check("fifteen letters"), Err(BadKey::Short));
        assert_eq!(check("whsec_c2hvcnQ="), Err(BadKey::Short));
        assert_eq!(check("whsec_not base 64, and long enough"), Err(BadKey::NotBase64));
    }
}
