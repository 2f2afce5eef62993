//! What the registry says, what of it is believed, and what is kept.

use crate::scene::{Believes, OTHER, OWN, PROCESS, STANDARD, Scene, account, envelope, keys, signer};
use efm::clock::Clock;
use efm_world::registry::Lie;
use futures_util::future::join_all;
use integrasjonspunkt::domain::Service;
use integrasjonspunkt::ports::{Asked, LookupError, Registry, Route};
use integrasjonspunkt::registry::Directory;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

fn routed(route: Result<Route, LookupError>) -> Result<Service, String> {
    route.map(|route| route.service).map_err(|error| error.to_string())
}

async fn route(directory: &Directory) -> Result<Service, String> {
    routed(directory.route(&envelope()).await)
}

#[tokio::test]
async fn a_message_goes_where_the_registry_says_and_its_receiver_s_certificate_comes_with_it() {
    let scene = Scene::new();
    for believes in [Believes::Keys, Believes::Authority, Believes::Digdir] {
        let directory = scene.directory(believes, &[Service::Dpo]);
        let found = directory.route(&envelope()).await.unwrap();
        assert_eq!(found.service, Service::Dpo);
        let record = found.record.unwrap();
        assert_eq!(record.certificate.trim(), keys().somebody.certificate_pem().trim());
    }
    let asked = scene.registry.asked();
    let conversation = envelope().conversation_id().unwrap();
    assert_eq!(asked[0], format!("/identifier/{OTHER}/process/{PROCESS}?conversationId={conversation}"));
    assert_eq!(asked[1], "/jwk");
}

#[tokio::test]
async fn many_who_ask_at_once_ask_once_and_for_minutes_nobody_asks_again() {
    let scene = Scene::new();
    scene.registry_faults.set(Duration::from_millis(100), 0.0);
    let directory = scene.directory(Believes::Authority, &[Service::Dpo]);
    let all = join_all((0..50).map(|_| route(&directory))).await;
    assert!(all.iter().all(|it| *it == Ok(Service::Dpo)), "{all:?}");
    assert_eq!(scene.registry.asked().len(), 1);
    // It is away now; what was looked up in time counts.
    scene.registry_faults.set(Duration::ZERO, 1.0);
    assert_eq!(route(&directory).await, Ok(Service::Dpo));
    let other = Asked { identifier: OTHER.into(), ..Asked::default() };
    let away = directory.look_up(&other).await.unwrap_err();
    assert!(matches!(&away, LookupError::Unavailable(_)), "{away}");
    scene.registry_faults.set(Duration::ZERO, 0.0);
    assert_eq!(directory.look_up(&other).await.unwrap().records.len(), 1, "a failure is not kept");
}

#[tokio::test]
async fn a_token_that_was_withdrawn_is_thrown_away_and_asked_for_anew_once() {
    let scene = Scene::new();
    let directory = scene.directory(Believes::Authority, &[Service::Dpo]);
    assert_eq!(route(&directory).await, Ok(Service::Dpo));
    scene.maskinporten.withdraw_all();
    let (before, other) = (scene.maskinporten.asked(), Asked { identifier: OTHER.into(), ..Asked::default() });
    assert_eq!(directory.look_up(&other).await.unwrap().records.len(), 1);
    assert_eq!(scene.maskinporten.asked() - before, 1);
}

#[tokio::test]
async fn an_answer_that_is_not_rightly_signed_is_none() {
    let scene = Scene::new();
    let keys = keys();
    let by = |made| Lie::SignedBy(Arc::new(signer(made)));
    for (what, lie) in [
        ("not signed", Lie::Unsigned),
        ("alg none", Lie::AlgNone),
        ("another service in it", Lie::Tampered),
        ("an expired certificate", by(&keys.expired)),
        ("a certificate of a strange authority", by(&keys.strange)),
        ("a certificate of another organisation", by(&keys.somebody)),
    ] {
        scene.registry.lie(lie);
        for believes in [Believes::Keys, Believes::Digdir] {
            let directory = scene.directory(believes, &[Service::Dpo]);
            let bad = route(&directory).await;
            assert_eq!(bad, Err("Bad signature in response from service registry".into()), "{what}");
            let pem = directory.certificate(OWN).await;
            assert!(pem.is_err(), "{what}: {pem:?}");
        }
    }
    // Whoever's certificate it is, where no organisation is named.
    scene.registry.lie(by(&keys.somebody));
    assert_eq!(route(&scene.directory(Believes::Authority, &[Service::Dpo])).await, Ok(Service::Dpo));
    // In time when it was signed is not enough: it must be in time now.
    let then = Clock::paused_at("2121-01-01T00:00:00Z".parse().unwrap());
    let scene = Scene::at(then.clone());
    let late = scene.directory_at(Believes::Authority, &[Service::Dpo], then);
    assert_eq!(route(&late).await, Err("Bad signature in response from service registry".into()));
}

#[tokio::test]
async fn a_right_answer_about_somebody_else_is_none() {
    let scene = Scene::new();
    scene.registry.put_organisation("910076787", "TEST - C3", "DPO", PROCESS, &[STANDARD], "");
    scene.registry.lie(Lie::For("910076787".into()));
    let directory = scene.directory(Believes::Keys, &[Service::Dpo]);
    let error = route(&directory).await.unwrap_err();
    assert!(error.starts_with("The service registry answered for somebody else"), "{error}");
    let error = directory.who_is(OTHER).await.unwrap_err().to_string();
    assert!(error.starts_with("The service registry answered for somebody else"), "{error}");
    scene.registry.lie(Lie::Honest);
    assert_eq!(directory.who_is(OTHER).await.unwrap().name.as_deref(), Some("TEST - C4"));
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_the_java_one_s_words() {
    let scene = Scene::new();
    let mut told = String::new();
    let unsupported = r#"{"error_code":"krr_error","error_description":"KRR is away"}"#;
    for (what, lie) in [
        ("400", Lie::Status(400, unsupported.into())),
        ("401", Lie::Status(401, r#"{"error_code":"access_denied","error_description":"Access is denied"}"#.into())),
        ("500", Lie::Status(500, "<html>".into())),
        ("503", Lie::Status(503, String::new())),
        ("garbage", Lie::Garbage),
    ] {
        scene.registry.lie(lie);
        let error = route(&scene.directory(Believes::Keys, &[Service::Dpo])).await.unwrap_err();
        writeln!(told, "{what}: {error}").unwrap();
    }
    scene.registry.lie(Lie::Honest);
    let directory = scene.directory(Believes::Keys, &[Service::Dpo]);
    let asked = Asked { identifier: "910076787".into(), security_level: Some(4), ..Asked::default() };
    writeln!(told, "unknown: {}", directory.look_up(&asked).await.unwrap_err()).unwrap();
    let asked = Asked { identifier: OTHER.into(), security_level: Some(7), ..Asked::default() };
    writeln!(told, "strange level: {}", directory.look_up(&asked).await.unwrap_err()).unwrap();
    let mut other = envelope();
    other.document.standard = "urn:no:difi:avtalt:xsd::avtalt".into();
    writeln!(told, "document type: {}", routed(directory.route(&other).await).unwrap_err()).unwrap();
    writeln!(told, "virksert: {}", directory.certificate("910076787").await.unwrap_err()).unwrap();
    scene.registry_faults.set(Duration::from_secs(4), 0.0);
    let slow = route(&scene.directory(Believes::Keys, &[Service::Dpo])).await.unwrap_err();
    writeln!(told, "slow: {slow}").unwrap();
    insta::assert_snapshot!(told.replace(&scene.registry_server.url(""), "http://registry"));
}

#[tokio::test]
async fn one_scope_that_is_missing_does_not_keep_the_others_from_being_looked_up() {
    let scene = Scene::new();
    scene.maskinporten.register(account(&["eformidling:dpo"]));
    let directory = scene.directory(Believes::Keys, &[Service::Dpo, Service::Dpv, Service::Dpe]);
    assert_eq!(route(&directory).await, Ok(Service::Dpo));
    // The whole, each by itself, and the one with what was given: which is what was asked for by itself.
    assert_eq!(scene.maskinporten.asked(), 4);

    scene.maskinporten.register(account(&[]));
    let error = route(&scene.directory(Believes::Keys, &[Service::Dpo, Service::Dpv])).await.unwrap_err();
    assert!(error.contains("refuses scope eformidling:dpo for client MOVE_IP_910077473"), "{error}");
    scene.maskinporten_faults.set(Duration::ZERO, 1.0);
    let away = route(&scene.directory(Believes::Keys, &[Service::Dpo])).await.unwrap_err();
    assert!(away.contains("Maskinporten gives no token"), "{away}");
}

#[tokio::test]
async fn our_own_certificate_must_be_in_time_and_the_registered_one() {
    let scene = Scene::new();
    let own = |services: &'static [Service]| scene.directory(Believes::Keys, services);
    let told = async |services| own(services).own_certificate().await.map_err(|wrong| wrong.0);
    assert_eq!(told(&[Service::Dpo]).await, Ok(()));

    scene.registry.put_certificate(OWN, &keys().somebody.certificate_pem());
    let other = "Keystore certificate serial number (4711) does not match certificate in Virksert (4)";
    assert_eq!(told(&[Service::Dpo]).await, Err(other.into()));
    assert_eq!(told(&[Service::Dpv]).await, Ok(()), "only what is sealed to us needs it");
    scene.registry.put_certificate(OWN, &keys().expired.certificate_pem());
    let over = "The certificate in Virksert expired at 2021-01-01T00:00:00Z";
    assert_eq!(told(&[Service::Dpo]).await, Err(over.into()));
    scene.registry.put_certificate(OWN, "nothing");
    assert_eq!(told(&[Service::Dpo]).await, Err("Failed to parse certificate from Virksert".into()));
    scene
        .registry
        .lie(Lie::Status(404, r#"{"error_code":"x","error_description":"No certificate is registered"}"#.into()));
    assert_eq!(told(&[Service::Dpo]).await, Err("No certificate is registered".into()));
    // Nobody can say that it is wrong.
    scene.registry.lie(Lie::Status(503, String::new()));
    assert_eq!(told(&[Service::Dpo]).await, Ok(()));

    let then = Clock::paused_at("2121-01-01T00:00:00Z".parse().unwrap());
    let late = scene.directory_at(Believes::Keys, &[], then).own_certificate().await;
    assert_eq!(late.unwrap_err().0, "Keystore certificate expired at 2120-01-01T00:00:00Z");
}

#[tokio::test]
async fn the_key_of_the_service_bus_is_fetched_once_and_never_printed() {
    let scene = Scene::new();
    scene.maskinporten.register(account(&["eformidling:dpe"]));
    let directory = scene.directory(Believes::Keys, &[Service::Dpe]);
    let key = directory.service_bus_key().await.unwrap();
    assert_eq!((key.reveal(), format!("{key:?}").as_str()), ("false-bus-key", "********"));
    directory.service_bus_key().await.unwrap();
    assert_eq!(scene.registry.asked().iter().filter(|path| *path == "/sastoken").count(), 1);
}
