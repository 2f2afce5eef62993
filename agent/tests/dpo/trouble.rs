//! What goes wrong, and who is told what.

use super::site::*;
use efm_world::broker::Mischief;

#[test]
fn who_is_not_set_up_at_altinn_is_told_so_and_its_messages_wait() {
    let (stage, folder) = world(&Faults::default());
    stage.broker.may_use("0192:910077473", false);
    let nord = start(&stage, &NORD, folder.path(), &[]);
    let port = AtomicU16::new(nord.port);
    send(&port, &arkivmelding(1, ADMINISTRASJON));
    pause(500);
    assert_eq!(statuses(&port, &id(1)), ["OPPRETTET"]);
    stage.broker.may_use("0192:910077473", true);
    has_statuses(&port, &id(1), &["OPPRETTET", "SENDT"]);
}

#[test]
fn a_status_that_is_overtaken_is_noted_when_it_comes_and_changes_nothing_else() {
    let both = Both::start(&[], &[]);
    let letter = arkivmelding(1, ADMINISTRASJON);
    // MOTTATT lies at the broker and is not published, as when it is looked at for long.
    send(&both.nord, &letter);
    has_statuses(&both.nord, &letter.id, &["OPPRETTET", "SENDT"]);
    both.stage.broker.hold_back(true);
    let came = waited("the letter", PATIENCE, || {
        let answer = insist(&both.sor, "GET", "/api/messages/in/peek", &[], b"");
        (answer.status == 200).then(|| id_of(&answer.json()))
    });
    waited("MOTTATT at the broker", PATIENCE, || (both.stage.broker.transfers().len() >= 2).then_some(()));
    pause(300);
    both.stage.broker.hold_back(false);
    remove(&both.sor, &came);
    let receipt = receipt(2, &letter.id);
    send(&both.sor, &receipt);
    has_statuses(&both.nord, &letter.id, &["OPPRETTET", "SENDT", "LEVERT", "LEST"]);
    let conversation = || {
        let found = insist(&both.nord, "GET", &format!("/api/conversations/messageId/{}", letter.id), &[], b"").json();
        found["finished"].clone()
    };
    assert_eq!(conversation(), true);
    both.stage.broker.release();
    has_statuses(&both.nord, &letter.id, &["OPPRETTET", "SENDT", "LEVERT", "LEST", "MOTTATT"]);
    assert_eq!(statuses(&both.nord, &letter.id).last().unwrap(), "MOTTATT", "in the order in which they came");
    assert_eq!(conversation(), true, "it stays finished");
    // The transfer is let go of.
    waited("the last confirmation", PATIENCE, || {
        let transfers = both.stage.broker.transfers();
        transfers.iter().all(|it| it.status == efm_world::broker::FileStatus::AllConfirmedDownloaded).then_some(())
    });
}

#[test]
fn what_arrived_though_nobody_heard_so_is_not_sent_again_and_does_not_expire() {
    let (stage, folder) = world(&Faults::default());
    let slowly = ["--integrasjonspunkt.queue.first-retry=4000".to_owned()];
    let nord = start(&stage, &NORD, folder.path(), &slowly);
    let sor = start(&stage, &SOR, folder.path(), &[]);
    let (nord, sor) = ((AtomicU16::new(nord.port), nord), (AtomicU16::new(sor.port), sor));
    // The broker has it, and its answers get lost.
    stage.broker.go_wrong(Mischief { unheard: 1.0, ..Mischief::default() }, 1);
    send(&nord.0, &Letter::default());
    let (came, _) = peek(&sor.0);
    stage.broker.go_wrong(Mischief::default(), 1);
    remove(&sor.0, &came);
    has_statuses(&nord.0, &id(1), &["OPPRETTET", "MOTTATT", "LEVERT", "SENDT"]);
    let letters = stage.broker.transfers().into_iter().filter(|it| it.announced.sender.ends_with(NORD.number));
    let at_the_broker = letters.count();
    pause(1000);
    let letters = stage.broker.transfers().into_iter().filter(|it| it.announced.sender.ends_with(NORD.number));
    assert_eq!(letters.count(), at_the_broker, "it was sent again");
    assert!(at_the_broker <= 3, "{at_the_broker}: those of the first try alone");
}

#[test]
fn a_token_that_is_withdrawn_is_thrown_away_and_nobody_notices() {
    let both = Both::start(&[], &[]);
    send(&both.nord, &Letter::default());
    has_statuses(&both.nord, &id(1), &["OPPRETTET", "SENDT", "MOTTATT"]);
    let before = both.stage.maskinporten.asked();
    both.stage.maskinporten.withdraw_all();
    send(&both.nord, &Letter { id: id(2), ..Letter::default() });
    has_statuses(&both.nord, &id(2), &["OPPRETTET", "SENDT", "MOTTATT"]);
    let asked = both.stage.maskinporten.asked() - before;
    assert!(
        (1..=4).contains(&asked),
        "{asked} new tokens: each of the two needs one for the broker, one for the registry"
    );
    for program in &both.programs {
        assert!(program.said().contains("a token was not taken and is thrown away"), "{}", program.said());
    }
}

fn in_seconds(seconds: i64) -> jiff::Timestamp {
    efm::clock::Clock::machine().now() + jiff::SignedDuration::from_secs(seconds)
}

#[test]
fn what_its_time_has_passed_by_is_not_sent_not_received_and_told_to_both() {
    let (stage, folder) = world(&Faults::default());
    let quick = ["--difi.move.nextmove.ttlPollingrate=200".to_owned()];
    let nord = start(&stage, &NORD, folder.path(), &quick);
    let nord = (AtomicU16::new(nord.port), nord);
    // One that the receiver never fetched, and one that was never sent.
    send(&nord.0, &Letter { id: id(1), expires: Some(in_seconds(4)), ..Letter::default() });
    has_statuses(&nord.0, &id(1), &["OPPRETTET", "SENDT"]);
    stage.broker.may_use("0192:910077473", false);
    send(&nord.0, &Letter { id: id(2), expires: Some(in_seconds(3)), ..Letter::default() });
    has_statuses(&nord.0, &id(1), &["OPPRETTET", "SENDT", "LEVETID_UTLOPT"]);
    has_statuses(&nord.0, &id(2), &["OPPRETTET", "LEVETID_UTLOPT"]);
    stage.broker.may_use("0192:910077473", true);

    let sor = start(&stage, &SOR, folder.path(), &quick);
    let sor = (AtomicU16::new(sor.port), sor);
    has_statuses(&sor.0, &id(1), &["OPPRETTET", "LEVETID_UTLOPT"]);
    assert_eq!(insist(&sor.0, "GET", "/api/messages/in", &[], b"").json()["totalElements"], 0);
    assert_eq!(stage.broker.transfers().len(), 1, "nothing else was sent, and nobody is told of it");
    waited("its confirmation", PATIENCE, || {
        let first = &stage.broker.transfers()[0];
        (first.status == efm_world::broker::FileStatus::AllConfirmedDownloaded).then_some(())
    });
    // And one that came in time and was not taken in time.
    send(&nord.0, &Letter { id: id(3), expires: Some(in_seconds(5)), ..Letter::default() });
    has_statuses(&sor.0, &id(3), &["OPPRETTET", "INNKOMMENDE_MOTTATT", "LEVETID_UTLOPT"]);
    assert_eq!(insist(&sor.0, "GET", "/api/messages/in/peek", &[], b"").status, 204);
    has_statuses(&nord.0, &id(3), &["OPPRETTET", "SENDT", "MOTTATT", "LEVETID_UTLOPT"]);
    // What is over is not sent at all.
    let json = [("Content-Type", "application/json")];
    let over = Letter { id: id(4), expires: Some(in_seconds(-5)), ..Letter::default() };
    assert_eq!(insist(&nord.0, "POST", "/api/messages/out", &json, &over.sbd()).status, 400);
}

#[test]
fn a_certificate_that_is_not_the_registered_one_is_told_at_the_start_and_refused_at_create_and_send() {
    const WORDS: &str = "does not match certificate in Virksert";
    let (stage, folder) = world(&Faults::default());
    let nord = start(&stage, &NORD, folder.path(), &[]);
    let port = AtomicU16::new(nord.port);
    let json = [("Content-Type", "application/json")];
    let create = |number| {
        insist(&port, "POST", "/api/messages/out", &json, &Letter { id: id(number), ..Letter::default() }.sbd())
    };
    let send = |number| insist(&port, "POST", &format!("/api/messages/out/{}", id(number)), &[], b"");
    assert_eq!(create(1).status, 200);
    waited("the look at the certificate", PATIENCE, || nord.said().contains("the channel can be used").then_some(()));
    assert!(!nord.said().contains(WORDS), "{}", nord.said());

    // What was looked up is kept for some minutes: a new program asks anew.
    stage.registry.put_certificate(NORD.number, SOR.certificate_pem());
    let nord = nord.killed_and_started_again();
    port.store(nord.port, Ordering::Release);
    let told = waited("a line of the log", PATIENCE, || {
        nord.said().lines().find(|line| line.contains(WORDS)).map(str::to_owned)
    });
    assert!(told.contains("nothing is sent with our own certificate until this is put right"), "{told}");
    for (act, refused) in [("create", create(2)), ("send", send(1))] {
        assert_eq!(refused.status, 400, "{act}: {}", refused.text());
        let body = refused.json();
        assert!(body["message"].as_str().unwrap().contains(WORDS), "{act}: {body}");
    }
    assert_eq!(statuses(&port, &id(1)), ["OPPRETTET"]);

    stage.registry.put_certificate(NORD.number, NORD.certificate_pem());
    let nord = nord.killed_and_started_again();
    port.store(nord.port, Ordering::Release);
    assert_eq!(send(1).status, 200);
    has_statuses(&port, &id(1), &["OPPRETTET", "SENDT"]);
}
