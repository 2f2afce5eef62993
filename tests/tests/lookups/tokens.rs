//! Maskinporten's grant and Altinn's exchange.

use crate::scene::{CLIENT, OWN, Scene, account, keys};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use efm::clock::Clock;
use efm_world::maskinporten::Account;
use futures_util::future::join_all;
use integrasjonspunkt::domain::Service;
use integrasjonspunkt::ports::{SystemUser, TokenAsk, TokenError, Tokens};
use integrasjonspunkt::tokens::{Jwk, Key, check, needed};
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use std::time::Duration;

fn dpo() -> TokenAsk {
    TokenAsk::scopes(["eformidling:dpo"])
}

#[tokio::test]
async fn a_token_is_asked_for_once_however_many_need_it_and_each_kind_is_another() {
    let scene = Scene::new();
    let tokens = scene.tokens(Clock::machine());
    let ask = dpo();
    let all = join_all((0..30).map(|_| tokens.maskinporten(&ask))).await;
    assert!(all.iter().all(|token| token.as_ref().unwrap() == all[0].as_ref().unwrap()));
    assert_eq!(scene.maskinporten.asked(), 1);
    let other = tokens.maskinporten(&TokenAsk::scopes(["eformidling:dpv"])).await.unwrap();
    assert_ne!(&other, all[0].as_ref().unwrap());
    let granted = scene.maskinporten.grant(all[0].as_ref().unwrap().reveal()).unwrap();
    assert_eq!((granted.client.as_str(), granted.scopes), (CLIENT, vec!["eformidling:dpo".to_owned()]));
}

#[tokio::test]
async fn a_token_that_lasts_no_longer_than_a_moment_is_not_kept() {
    let scene = Scene::new();
    scene.maskinporten.tokens_last(5);
    let tokens = scene.tokens(Clock::machine());
    let first = tokens.maskinporten(&dpo()).await.unwrap();
    assert_ne!(first, tokens.maskinporten(&dpo()).await.unwrap());
}

#[tokio::test]
async fn on_behalf_of_another_is_another_token_and_only_where_it_was_delegated() {
    let scene = Scene::new();
    let delegations = ["991825827".to_owned()].into();
    scene.maskinporten.register(Account { delegations, ..account(&["eformidling:dpo"]) });
    let tokens = scene.tokens(Clock::machine());
    let own = tokens.maskinporten(&dpo()).await.unwrap();
    let for_other = TokenAsk { consumer_org: Some("991825827".into()), ..dpo() };
    let other = tokens.maskinporten(&for_other).await.unwrap();
    assert_ne!(own, other);
    let granted = scene.maskinporten.grant(other.reveal()).unwrap();
    assert_eq!(granted.consumer_org.as_deref(), Some("991825827"));
    let nobody = TokenAsk { consumer_org: Some("910076787".into()), ..dpo() };
    let refused = tokens.maskinporten(&nobody).await.unwrap_err().to_string();
    assert!(refused.contains("on behalf of 910076787: invalid_grant"), "{refused}");
}

#[tokio::test]
async fn altinn_gives_one_for_it_as_the_system_user_that_was_approved() {
    let scene = Scene::new();
    let user = (format!("0192:{OWN}"), format!("{OWN}_integrasjonspunkt_systembruker_{OWN}"));
    let system_users = [user.clone()].into();
    let scopes = ["altinn:broker.read", "altinn:broker.write", "eformidling:dpo"];
    scene.maskinporten.register(Account { system_users, ..account(&scopes) });
    let tokens = scene.tokens(Clock::machine());
    let (org_id, name) = user.clone();
    let ask = TokenAsk {
        system_user: Some(SystemUser { org_id, name }),
        ..TokenAsk::scopes(["altinn:broker.read", "altinn:broker.write"])
    };
    let token = tokens.altinn(&ask).await.unwrap();
    assert!(!token.reveal().contains('"'), "the quotes are the wire's");
    assert_eq!(scene.maskinporten.altinn_grant(token.reveal()).unwrap().system_user, Some(user));
    assert_eq!(token, tokens.altinn(&ask).await.unwrap());
    assert_eq!(scene.maskinporten.asked(), 1);

    let stranger = SystemUser { org_id: format!("0192:{OWN}"), name: "nobody".into() };
    let refused = tokens.altinn(&TokenAsk { system_user: Some(stranger), ..ask }).await.unwrap_err().to_string();
    assert!(refused.contains("as the system user nobody") && refused.contains("approved in Altinn"), "{refused}");
    let refused = tokens.altinn(&dpo()).await.unwrap_err().to_string();
    assert!(refused.contains("the token has no scope of Altinn"), "{refused}");
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named_with_the_client_and_who_can_give_it_and_nobody_asks_twice() {
    let scene = Scene::new();
    let tokens = scene.tokens(Clock::machine());
    let ask = TokenAsk::scopes(["eformidling:dpo", "eformidling:dpe"]);
    let refused = tokens.maskinporten(&ask).await.unwrap_err();
    let TokenError::Refused { text, advice, code } = refused else { panic!("{refused}") };
    assert_eq!(code.as_deref(), Some("invalid_scope"));
    let text = text.replace(&scene.maskinporten_server.url(""), "http://maskinporten");
    insta::assert_snapshot!(format!("{text}; {advice}"));
    assert_eq!(scene.maskinporten.asked(), 1, "what will not pass is not tried again");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_a_new_name_and_not_for_ever() {
    let scene = Scene::new();
    // The name of a used assertion is refused: that these pass shows that each try has a new one.
    let mut passed = 0;
    for _ in 0..4 {
        scene.maskinporten_faults.set(Duration::ZERO, 0.4);
        passed += u32::from(scene.tokens(Clock::machine()).maskinporten(&dpo()).await.is_ok());
    }
    assert!(passed >= 2, "{passed} of 4");
    scene.maskinporten_faults.set(Duration::ZERO, 1.0);
    let away = scene.tokens(Clock::machine()).maskinporten(&dpo()).await.unwrap_err();
    let TokenError::Unavailable(text) = away else { panic!("{away}") };
    assert!(
        text.starts_with("Maskinporten gives no token for eformidling:dpo to client MOVE_IP_910077473: "),
        "{text}"
    );
    // The reason is not taken for a secret where it is logged.
    assert_eq!(efm::masking::mask(&text), text);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_what_is_told() {
    let scene = Scene::new();
    let late = Clock::paused_at("2031-01-01T00:00:00Z".parse().unwrap());
    let refused = scene.tokens(late).maskinporten(&dpo()).await.unwrap_err().to_string();
    assert!(refused.contains("set the clock of this machine"), "{refused}");
}

#[tokio::test]
async fn a_jwk_signs_as_a_certificate_does_and_another_key_of_that_name_does_not() {
    let scene = Scene::new();
    let jwk = jwk(&keys().own.key);
    let read = Jwk::read(jwk.to_string().as_bytes()).unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let keys_of = vec![("the-kid".to_owned(), number("n"), number("e"))];
    let account = Account { certificates: Vec::new(), keys: keys_of, ..account(&["eformidling:dpo"]) };
    scene.maskinporten.register(account);
    scene.tokens_with(Key::of_jwk(&read).unwrap(), Clock::machine()).maskinporten(&dpo()).await.unwrap();

    let stranger = self::jwk(&keys().somebody.key);
    let stranger = Key::of_jwk(&Jwk::read(stranger.to_string().as_bytes()).unwrap()).unwrap();
    let refused = scene.tokens_with(stranger, Clock::machine()).maskinporten(&dpo()).await.unwrap_err().to_string();
    assert!(refused.contains("Invalid signature"), "{refused}");
    let printed = format!("{read:?}");
    assert!(!printed.contains(jwk["d"].as_str().unwrap()), "a private number is printed");
}

fn jwk(pkcs8: &[u8]) -> serde_json::Value {
    let key = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8).unwrap();
    let number = |of: &rsa::BigUint| URL_SAFE_NO_PAD.encode(of.to_bytes_be());
    let qi = key.crt_coefficient().unwrap();
    serde_json::json!({
        "kty": "RSA", "kid": "the-kid", "alg": "RS256",
        "n": number(key.n()), "e": number(key.e()), "d": number(key.d()),
        "p": number(&key.primes()[0]), "q": number(&key.primes()[1]),
        "dp": number(key.dp().unwrap()), "dq": number(key.dq().unwrap()), "qi": number(&qi),
    })
}

#[tokio::test]
async fn the_doctor_is_told_scope_by_scope() {
    let scene = Scene::new();
    let tokens = scene.tokens(Clock::machine());
    let wanted = needed(&[Service::Dpo, Service::Dpv].into_iter().collect());
    let told = check(&tokens, wanted).await;
    let told = told.iter().map(|it| (it.needed.scope, it.needed.at, it.wrong.is_none()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("eformidling:dpo", "the service registry", true),
            ("altinn:broker.read", "the channel", false),
            ("altinn:broker.write", "the channel", false),
            ("eformidling:dpv", "the service registry", true),
        ]
    );
}
