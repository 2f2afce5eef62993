//! A signature that says who called and when: HMAC-SHA-256 over `<id>.<timestamp>.<body>`, as Standard Webhooks has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use efm::secret::Secret;
use ring::hmac;

/// Before a key in base 64.
const IN_BASE_64: &str = "whsec_";

/// What stands in `webhook-signature`.
pub(super) fn signature(secret: &Secret, id: &str, seconds: i64, body: &str) -> String {
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
}
