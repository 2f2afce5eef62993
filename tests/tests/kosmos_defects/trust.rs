//! What is let in: signatures, keys, versions, lists.

use crate::world::{BUILT, DAY, EVENING, NIGHT, Site, moment};
use efm::chain::Chain;
use kosmos::demo::publisher::Publisher;
use kosmos::duty::housekeeping;
use kosmos::ports::{Child, SourceError};
use kosmos::update::compare::Refusal;
use kosmos::update::{Outcome, UpdateError, Verified};
use outside_world::forge::{DAY as A_DAY, Forger, Words, ed25519, rsa, sign};
use outside_world::liar::{Liar, Lie};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{RevocationCode, SignatureType};
use pgp::types::KeyDetails;

fn refused_by_verification(looked: Result<Option<Verified>, UpdateError>) -> String {
    match looked {
        Err(UpdateError::Verification { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn source_error(looked: Result<Option<Verified>, UpdateError>) -> SourceError {
    match looked {
        Err(UpdateError::Source(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// KOSMOS: the first run downloads, validates and fails; the second finds the file, skips validation, and starts it.
#[tokio::test]
async fn defect_01_and_k_01_bytes_that_failed_verification_are_never_started() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let first = site.supervisor(NIGHT).await;
    let running = first.install(None).await;
    drop(first);

    let forged = site.jar("4.0.8", "");
    let somebody_else = Publisher::new("somebody else", moment(BUILT)).unwrap();
    let half = &forged[..forged.len() / 2];
    let other = site.jar("4.0.8", "start=crash");
    let wrongs = [
        ("a key that is not ours", forged.clone(), somebody_else.sign(&forged, moment(BUILT)).unwrap()),
        ("half of the file", half.to_vec(), site.sign(&forged)),
        ("the signature of another file", forged.clone(), site.sign(&other)),
        ("no signature at all", forged.clone(), "here will be a signature soon".to_owned()),
    ];
    site.list("v4.0.8");
    for (what, jar, signature) in wrongs {
        site.put("v4.0.8", &jar, signature);
        // Another supervisor each time: what the one before left on the disk must count for nothing.
        for look in 1..=3 {
            let supervisor = site.supervisor(NIGHT).await;
            let reason = refused_by_verification(supervisor.look().await);
            assert!(!reason.is_empty(), "{what}, look {look}");
            supervisor
                .on_duty(async |talk| {
                    let looked = talk.until_looked().await;
                    assert!(looked.text.contains("verify v4.0.8"), "{what}, look {look}: {looked:?}");
                    let looked = talk.look_again().await;
                    assert!(looked.text.contains("verify v4.0.8"), "{what}, look {look}: {looked:?}");
                })
                .await;
            assert!(supervisor.lives(&running));
        }
        let launchable: Vec<_> =
            site.files(".jar").into_iter().filter(|jar| jar.to_string_lossy().contains("4.0.8")).collect();
        assert!(launchable.is_empty(), "{what}: {launchable:?}");
    }
    assert_eq!(site.started(), ["4.0.7"]);
    assert_eq!(site.told("refused").len(), 4, "a person is told, once for each reason: {:?}", site.history());
}

/// KOSMOS: a 404 or a broken line leaves an empty or truncated jar under its final name, for ever.
#[tokio::test]
async fn k_02_a_release_that_is_not_whole_yet_changes_nothing_and_is_installed_once_it_is() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;

    let jar = site.jar("4.0.8", "");
    let (list, place) = ("/latest-versions.yml", Site::place("v4.0.8"));
    site.list("v4.0.8");
    // The tag is there, its files are not.
    assert!(matches!(source_error(supervisor.look().await), SourceError::NotPublished { .. }));
    // The jar is there, its signature is not.
    site.server.shelf().put(&place, jar.clone());
    assert!(matches!(source_error(supervisor.look().await), SourceError::NotPublished { .. }));
    assert_eq!(site.server.shelf().requests(&place), 0, "no jar is fetched before its signature");
    // The signature is there, the jar is not.
    site.put("v4.0.8", &jar, site.sign(&jar));
    site.server.shelf().remove(&place);
    assert!(matches!(source_error(supervisor.look().await), SourceError::NotPublished { .. }));
    assert!(supervisor.lives(&running));
    drop(supervisor);

    // A server that breaks off, fails, or sends a page for people; then it is well.
    let liar = Liar::start().unwrap();
    let lies = [
        Lie::Status { code: 404, headers: Vec::new() },
        Lie::Status { code: 503, headers: Vec::new() },
        Lie::Truncated { after: 100 },
        Lie::ResetAfter { bytes: 50 },
        Lie::LoginPage { honest_type: false },
        Lie::Honest,
    ];
    liar.page(list, "integrasjonspunkt:\n  environments:\n    production: { latest: v4.0.8 }\n", &[]);
    liar.page(&format!("{place}.asc"), site.sign(&jar), &[]);
    liar.page(&place, jar.clone(), &lies);
    let site = site.set("release.list", &liar.url(list)).set("release.downloads", &liar.url("/download/"));
    let supervisor = site.supervisor(NIGHT).await;
    for lie in &lies[..5] {
        let looked = supervisor.look().await;
        assert!(looked.is_err(), "{lie:?}: {looked:?}");
        let found: Vec<_> =
            site.files(".jar").into_iter().filter(|jar| jar.to_string_lossy().contains("4.0.8")).collect();
        assert!(found.is_empty(), "{lie:?}: {found:?}");
        assert!(supervisor.lives(&running), "{lie:?}");
    }
    let running = supervisor.install(Some(&running)).await;
    assert!(supervisor.lives(&running));
    assert_eq!(site.started(), ["4.0.7", "4.0.8"]);
}

/// KOSMOS: the list is unsigned and the signature covers no name: any old jar passes as the newest.
#[tokio::test]
async fn defect_02_and_k_13_an_old_jar_with_a_good_signature_is_not_taken_under_a_new_name() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    let old = site.jar("4.0.1", "");
    site.put("v4.0.9", &old, site.sign(&old));
    site.list("v4.0.9");
    for _ in 0..2 {
        let reason = refused_by_verification(supervisor.look().await);
        assert!(reason.contains("4.0.1") && reason.contains("4.0.9"), "{reason}");
    }
    assert!(supervisor.lives(&running));
    assert_eq!(site.started(), ["4.0.7"]);
}

/// KOSMOS: versions are compared as words, so a list with an older one is a downgrade, and a frozen list is silence.
#[tokio::test]
async fn defect_02_and_k_12_an_older_version_in_the_list_is_no_upgrade_and_a_list_that_is_gone_for_days_is_told() {
    let site = Site::new();
    site.publish("4.0.6", "");
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    site.list("v4.0.6");
    match supervisor.look().await {
        Err(UpdateError::Policy(Refusal::Older { version, floor })) => {
            assert_eq!((version.to_string(), floor.to_string()), ("4.0.6".into(), "4.0.7".into()));
        }
        other => panic!("{other:?}"),
    }
    supervisor.on_duty(async |talk| talk.until_looked().await).await;
    assert!(supervisor.lives(&running));
    drop(supervisor);

    site.server.shelf().remove("/latest-versions.yml");
    for (at, told) in [("2026-11-27T09:00:00Z", 0), ("2026-12-02T09:00:00Z", 1), ("2026-12-03T09:00:00Z", 1)] {
        let supervisor = site.supervisor(at).await;
        supervisor.on_duty(async |talk| talk.until_looked().await).await;
        housekeeping::all(&supervisor.world, None, None).await;
        assert_eq!(site.told("stale").len(), told, "{at}: {:?}", site.history());
    }
    assert_eq!(site.started(), ["4.0.7"]);
}

/// KOSMOS: SHA-1 passes, revocation and the signature's own end are not looked at, the first key id wins, nothing is
/// pinned. The whole table of verdicts is in `openpgp_oracle`; here each ends at the door, twice.
#[tokio::test]
async fn defect_03_and_k_14_and_k_15_revoked_ended_weak_and_foreign_keys_let_nothing_in() {
    let made = u32::try_from(moment(BUILT).as_second()).unwrap();
    let proper = || Words::at(made).for_signing();
    let key = || ed25519(1, made);
    let user = "A publisher <publisher@example.org>";
    let good = Forger::with(key()).user(user, &proper());
    let (binary, text) = (SignatureType::Binary, SignatureType::Text);
    let subkey = ed25519(2, made);
    let twin = Forger::with(ed25519(3, made)).user(user, &proper());
    // With an Ed25519 key not even a forger can sign over SHA-1.
    let weak = rsa(include_str!("../../keys/rsa3072-secret.asc"));
    let weak_made = weak.created_at().as_secs();
    let weak = Forger::proper(weak);

    let site = Site::new();
    let jar = site.jar("4.0.8", "");
    site.list("v4.0.8");
    let later = || Words::at(made + A_DAY);
    let revoked = |code| Forger::with(key()).user(user, &proper()).revoked(&later().because(code));
    let rows: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("a revoked key", revoked(RevocationCode::KeyCompromised).certificate(), good.sign(&later(), &jar)),
        (
            "a revoked name",
            Forger::with(key()).user(user, &proper()).without_user(user, &later()).certificate(),
            good.sign(&later(), &jar),
        ),
        (
            "a key that has ended",
            Forger::with(key()).user(user, &proper().key_lasts(A_DAY)).certificate(),
            good.sign(&Words::at(made + 2 * A_DAY), &jar),
        ),
        (
            "a revoked subkey",
            Forger::with(key())
                .user(user, &proper())
                .subkey(&subkey, &proper(), Some(&Words::at(made)))
                .without_subkey(&subkey, &later())
                .certificate(),
            sign(&subkey, binary, &Words::at(made + 2 * A_DAY), &jar),
        ),
        (
            "a subkey that does not consent",
            Forger::with(key()).user(user, &proper()).subkey(&subkey, &proper(), None).certificate(),
            sign(&subkey, binary, &later(), &jar),
        ),
        ("a signature that has ended", good.certificate(), good.sign(&later().lasts(A_DAY), &jar)),
        ("a signature from tomorrow", good.certificate(), good.sign(&Words::at(made + 400 * A_DAY), &jar)),
        ("SHA-1", weak.certificate(), weak.sign(&Words::at(weak_made + A_DAY).over(HashAlgorithm::Sha1), &jar)),
        ("a signature of text", good.certificate(), sign(&good.key, text, &later(), &jar)),
        ("another key of the same name", good.certificate(), twin.sign(&later(), &jar)),
    ];
    for (what, certificate, signature) in rows {
        site.write("eformidling-key.asc", certificate);
        site.put("v4.0.8", &jar, signature);
        for look in 1..=2 {
            let supervisor = site.supervisor(NIGHT).await;
            let reason = refused_by_verification(supervisor.look().await);
            assert!(!reason.is_empty(), "{what}, look {look}");
        }
    }
    // The same jar with all as it should be, or the rows above would prove nothing; but not where another is pinned.
    site.write("eformidling-key.asc", good.certificate());
    site.put("v4.0.8", &jar, good.sign(&later(), &jar));
    let site = site.set("release.fingerprints", &twin.fingerprint());
    let refused = site.supervisor(NIGHT).await.look().await;
    assert!(matches!(refused, Err(UpdateError::Verification { .. } | UpdateError::Keys { .. })), "{refused:?}");
    let site = site.set("release.fingerprints", &good.fingerprint());
    let verified = site.supervisor(NIGHT).await.look().await.unwrap().unwrap();
    assert_eq!(verified.stored().signer.to_uppercase(), good.fingerprint());
}

/// KOSMOS: of a file that both keys of a key change have signed it reads only the first signature.
#[tokio::test]
async fn k_15_a_release_that_both_keys_have_signed_is_good_whichever_comes_first() {
    let made = u32::try_from(moment(BUILT).as_second()).unwrap();
    let old = Forger::proper(ed25519(1, made));
    let new = Forger::proper(ed25519(2, made));
    let site = Site::new();
    let jar = site.jar("4.0.8", "");
    site.list("v4.0.8");
    let [one, other] = [old.sign(&Words::at(made), &jar), new.sign(&Words::at(made), &jar)];
    site.write("eformidling-key.asc", new.certificate());
    for signature in [[one.clone(), other.clone()].concat(), [other, one].concat()] {
        site.put("v4.0.8", &jar, signature);
        assert!(site.supervisor(NIGHT).await.look().await.unwrap().is_some());
    }
}

/// KOSMOS: nobody is warned before the key ends, and when it has, the next jar is started unverified (K-01).
#[tokio::test]
async fn k_16_the_end_of_a_key_is_told_ahead_stops_no_service_and_a_refreshed_key_counts_at_once() {
    let made = u32::try_from(moment(BUILT).as_second()).unwrap();
    let key = || ed25519(1, made);
    let lasting = |days: u32| {
        Forger::with(key()).user("p <p@example.org>", &Words::at(made).for_signing().key_lasts(days * A_DAY))
    };
    let publisher = lasting(75);
    let site = Site::new();
    site.write("eformidling-key.asc", publisher.certificate());
    let publish = |version: &str, at: u32| {
        let jar = site.jar(version, "");
        site.put(&format!("v{version}"), &jar, publisher.sign(&Words::at(at), &jar));
        site.list(&format!("v{version}"));
    };
    publish("4.0.7", made);
    // 54 days after it was made, and so 21 before its end.
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    for _ in 0..2 {
        housekeeping::all(&supervisor.world, Some(&running), None).await;
    }
    let told = site.told("key-expires");
    assert_eq!(told.len(), 1, "{:?}", site.history());
    drop(supervisor);

    // A year later nobody has refreshed it: no release is let in, and what runs goes on, and starts again when it ends.
    let later = "2027-11-24T04:31:00Z";
    publish("4.0.8", made + 80 * A_DAY);
    let supervisor = site.supervisor(later).await;
    let reason = refused_by_verification(supervisor.look().await);
    assert!(!reason.is_empty());
    supervisor
        .on_duty(async |talk| {
            let before = talk.until_up("4.0.7").await;
            assert!(before.process.is(&running.process), "adopted");
            supervisor.world.child.kill(&before.process).await.unwrap();
            talk.until(|seen| seen.up && seen.running.as_ref().is_some_and(|now| !now.process.is(&before.process)))
                .await;
        })
        .await;
    assert_eq!(site.started(), ["4.0.7", "4.0.7"]);

    // The same key with a later end in the same file counts without a restart.
    site.write("eformidling-key.asc", lasting(4000).certificate());
    assert!(supervisor.look().await.unwrap().is_some());
}

/// KOSMOS: no proxy is ever used for jar and signature. The whole of it, with TLS and a password, is shown in
/// `sources::http`; here that what is set is what is used.
#[tokio::test]
async fn k_18_all_outside_traffic_goes_to_the_proxy_that_is_set() {
    let proxy = Liar::start().unwrap();
    let site = Site::new()
        .set("release.list", "https://releases.invalid/latest-versions.yml")
        .set("release.downloads", "https://releases.invalid/download/")
        .set("network.proxy", &proxy.url(""));
    let supervisor = site.supervisor(DAY).await;
    let error = source_error(supervisor.look().await);
    let asked = proxy.asked("releases.invalid:443");
    assert_eq!(asked.len(), 1, "{}", Chain(&error));
    assert_eq!(asked[0].method, "CONNECT");
}

/// KOSMOS: a slow drip blocks the only thread for ever, and nothing bounds what is written.
#[tokio::test]
async fn k_19_a_body_without_end_is_given_up_and_leaves_what_runs_alone() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let running = site.supervisor(NIGHT).await.install(None).await;
    let jar = site.jar("4.0.8", "");
    let liar = Liar::start().unwrap();
    let list = "/latest-versions.yml";
    liar.page(list, "integrasjonspunkt:\n  environments:\n    production: { latest: v4.0.8 }\n", &[]);
    liar.page(&format!("{}.asc", Site::place("v4.0.8")), site.sign(&jar), &[]);
    liar.page(&Site::place("v4.0.8"), jar, &[Lie::Endless]);
    let site = site
        .set("release.list", &liar.url(list))
        .set("release.downloads", &liar.url("/download/"))
        .set("network.jar_limit", "1MiB");
    let supervisor = site.supervisor(NIGHT).await;
    let error = source_error(supervisor.look().await);
    assert!(matches!(error, SourceError::Refused { .. }), "{error:?}");
    assert!(supervisor.lives(&running));
    let left: u64 = site.files("archive.part").iter().map(|part| part.metadata().unwrap().len()).sum();
    assert!(left <= 1 << 20, "{left}");
}

/// What was given up stays so when the same bytes come again; a person, or other bytes, open the way.
#[tokio::test]
async fn defect_06_and_k_25_a_release_that_failed_here_is_not_tried_again_in_any_later_window() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    site.publish("4.0.8", "start=crash");
    let Outcome::RolledBack { running, why } = supervisor.upgrade(Some(&running)).await else { panic!("it crashes") };
    assert!(why.contains("ended by itself with code 1"), "{why}");
    assert_eq!(site.started(), ["4.0.7", "4.0.8", "4.0.7"]);
    drop(supervisor);
    let fetched = site.server.shelf().requests(&Site::place("v4.0.8"));

    for at in [EVENING, "2026-11-25T04:31:00Z"] {
        let supervisor = site.supervisor(at).await;
        supervisor
            .on_duty(async |talk| {
                for _ in 0..2 {
                    let looked = talk.look_again().await;
                    assert!(looked.text.contains("it failed here"), "{looked:?}");
                }
                // Asked for in so many words it is not tried either; a person takes it back by another word.
                let answer = talk.upgrade_now().await;
                assert!(matches!(answer, kosmos::duty::command::Answer::RefusedByPolicy { .. }), "{answer:?}");
            })
            .await;
        assert!(supervisor.lives(&running));
    }
    assert_eq!(site.started(), ["4.0.7", "4.0.8", "4.0.7"]);
    assert_eq!(site.server.shelf().requests(&Site::place("v4.0.8")), fetched, "nor fetched again");

    // Other bytes under the same tag are another release.
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(EVENING).await;
    let running = supervisor.install(Some(&running)).await;
    assert_eq!(running.stored.unwrap().version().to_string(), "4.0.8");
}
