//! What goes well.

use super::program::postgres::Cluster;
use super::site::*;

#[test]
fn letters_and_receipts_go_from_one_organisation_to_the_other_with_every_status() {
    let (stage, folder) = world(&Faults::default());
    let cluster = Cluster::start("one of the two on PostgreSQL; both are on SQLite");
    let database = cluster.as_ref().map(|cluster| {
        format!("--difi.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres?user=test", cluster.port)
    });
    let (nord, sor) =
        (start(&stage, &NORD, folder.path(), &[]), start(&stage, &SOR, folder.path(), database.as_slice()));
    let (nord, sor) = (AtomicU16::new(nord.port), (AtomicU16::new(sor.port), nord, sor));
    let sor = &sor.0;

    for (number, process) in [(1, ADMINISTRASJON), (2, TAUSHETSBELAGT)] {
        let letter = arkivmelding(number, process);
        send(&nord, &letter);
        let (came, sbd) = peek(sor);
        assert_eq!((came.as_str(), &sbd["arkivmelding"]), (letter.id.as_str(), &letter.body));
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT"]);
        let package = pop(sor, &came);
        for (name, bytes) in &letter.files {
            assert!(package.get(*name) == Some(bytes), "{name} is another one");
        }
        remove(sor, &came);
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
        has_statuses(sor, &letter.id, &["OPPRETTET", "INNKOMMENDE_MOTTATT", "INNKOMMENDE_LEVERT"]);

        // The receipt of the other case system.
        let receipt = receipt(100 + number, &letter.id);
        send(sor, &receipt);
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT", "LEST"]);
        let (came, sbd) = peek(&nord);
        assert_eq!((came.as_str(), &sbd["arkivmelding_kvittering"]), (receipt.id.as_str(), &receipt.body));
        assert_eq!(insist(&nord, "GET", &format!("/api/messages/in/pop/{came}"), &[], b"").status, 204);
        remove(&nord, &came);
        has_statuses(sor, &receipt.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    }

    // What two have agreed upon, with a file and without one.
    for (number, files) in [(3, vec![("avtale.json", b"{}".to_vec())]), (4, Vec::new())] {
        let body = json!({ "identifier": "urn:vi:to", "content": { "a": [1, "to"] } });
        let letter = Letter { id: id(number), body, files, ..Letter::default() };
        send(&nord, &letter);
        let (came, sbd) = peek(sor);
        assert_eq!((came.as_str(), &sbd["avtalt"]), (letter.id.as_str(), &letter.body));
        if let Some((name, bytes)) = letter.files.first() {
            assert_eq!(pop(sor, &came).get(*name), Some(bytes));
        }
        remove(sor, &came);
        has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    }
    // The broker has let go of all of them.
    waited("the last confirmation", PATIENCE, || {
        let transfers = stage.broker.transfers();
        transfers.iter().all(|it| it.status == efm_world::broker::FileStatus::AllConfirmedDownloaded).then_some(())
    });
}

const EINNSYN: &str = "urn:no:difi:profile:einnsyn";

#[test]
fn what_belongs_to_einnsyn_goes_over_dpo_where_the_registry_says_so() {
    let both = Both::start(&[], &[]);
    let krav = format!("{EINNSYN}:innsynskrav:ver1.0");
    let (journalpost, meeting) = (format!("{EINNSYN}:journalpost:ver1.0"), format!("{EINNSYN}:meeting:ver1.0"));
    let file = |name| vec![(name, b"<einnsyn/>".to_vec())];
    for (number, kind, process, body) in [
        (1, "innsynskrav", &krav, json!({ "orgnr": "910075918", "epost": "ola@example.no" })),
        (2, "publisering", &journalpost, json!({ "orgnr": "910075918" })),
        (3, "publisering", &meeting, json!({ "orgnr": "910075918" })),
    ] {
        let files = file("einnsyn.xml");
        let letter = Letter { id: id(number), kind, process, body, files, ..Letter::default() };
        send(&both.nord, &letter);
        let (came, sbd) = peek(&both.sor);
        assert_eq!((came.as_str(), &sbd[kind]), (letter.id.as_str(), &letter.body));
        assert_eq!(pop(&both.sor, &came)["einnsyn.xml"], b"<einnsyn/>");
        remove(&both.sor, &came);
        has_statuses(&both.nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);

        // Its receipt is a message of its own: pop has nothing, and it says nothing of the statuses of the other.
        let body = json!({ "dokumentId": "1", "status": "OK", "referanseType": kind });
        let (from, to, kind) = (SOR.number, NORD.number, "einnsyn_kvittering");
        let process = &format!("{EINNSYN}:response:ver1.0");
        let receipt = Letter { id: id(100 + number), from, to, kind, process, body, ..Letter::default() };
        send(&both.sor, &receipt);
        let (came, sbd) = peek(&both.nord);
        assert_eq!((came.as_str(), &sbd[kind]), (receipt.id.as_str(), &receipt.body));
        assert_eq!(insist(&both.nord, "GET", &format!("/api/messages/in/pop/{came}"), &[], b"").status, 204);
        remove(&both.nord, &came);
        has_statuses(&both.sor, &receipt.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
        assert_eq!(statuses(&both.nord, &letter.id), ["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    }
    // Without a file it is none.
    let letter = Letter { id: id(9), kind: "publisering", process: &meeting, ..Letter::default() };
    let letter = Letter { body: json!({ "orgnr": "910075918" }), ..letter };
    let json = [("Content-Type", "application/json")];
    assert_eq!(insist(&both.nord, "POST", "/api/messages/out", &json, &letter.sbd()).status, 200);
    let refused = insist(&both.nord, "POST", &format!("/api/messages/out/{}", letter.id), &[], b"");
    assert_eq!(refused.status, 400, "{}", refused.text());
}

#[test]
fn what_answers_a_message_goes_back_to_the_channel_that_it_came_from() {
    let both = Both::start(&["--difi.move.dpo.message-channel=sak"], &[]);
    // Another integration point of nord, without a channel: nothing of this is for it.
    let home = tempfile::tempdir().unwrap();
    let other = start(&both.stage, &NORD, home.path(), &[]);
    let letter = arkivmelding(1, ADMINISTRASJON);
    send(&both.nord, &letter);
    let (came, sbd) = peek(&both.sor);
    let scopes = sbd["standardBusinessDocumentHeader"]["businessScope"]["scope"].as_array().unwrap();
    assert!(scopes.iter().any(|it| it["type"] == "MessageChannel" && it["identifier"] == "sak"), "{scopes:?}");
    remove(&both.sor, &came);
    has_statuses(&both.nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    let receipt = receipt(2, &letter.id);
    send(&both.sor, &receipt);
    assert_eq!(peek(&both.nord).0, receipt.id);
    has_statuses(&both.nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT", "LEST"]);
    let transfers = both.stage.broker.transfers();
    let named = |name: &str| transfers.iter().filter(|it| it.announced.senders_file_transfer_reference == name).count();
    assert_eq!(named("sak"), 3, "two statuses and a receipt");
    let other = AtomicU16::new(other.port);
    assert_eq!(insist(&other, "GET", "/api/messages/in", &[], b"").json()["totalElements"], 0);
}

#[test]
fn who_acts_for_another_organisation_sends_and_receives_as_that_one() {
    let theirs = "991825827";
    let (stage, folder) = world(&Faults::default());
    stage.know(&NORD, &[theirs]).unwrap();
    let user = efm_world::stage::user(theirs);
    let settings = [
        format!("--difi.move.dpo.reportees[0].orgId=0192:{theirs}"),
        format!("--difi.move.dpo.reportees[0].name={user}"),
    ];
    let nord = start(&stage, &NORD, folder.path(), &settings);
    let sor = start(&stage, &SOR, folder.path(), &[]);
    let (nord, sor) = (AtomicU16::new(nord.port), (AtomicU16::new(sor.port), nord, sor));
    let sor = &sor.0;
    let from = format!("{}:{theirs}", NORD.number);
    let letter = Letter { from: &from, ..arkivmelding(1, ADMINISTRASJON) };
    send(&nord, &letter);
    let (came, sbd) = peek(sor);
    let sender = &sbd["standardBusinessDocumentHeader"]["sender"][0]["identifier"]["value"];
    assert_eq!(sender, &format!("0192:{theirs}"));
    for (name, bytes) in &letter.files {
        assert!(pop(sor, &came).get(*name) == Some(bytes), "{name} is another one");
    }
    remove(sor, &came);
    has_statuses(&nord, &letter.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
    // And a letter to the one that nord acts for, with a file that is sealed to nord.
    let back = Letter { from: SOR.number, to: theirs, ..arkivmelding(2, ADMINISTRASJON) };
    send(sor, &back);
    let (came, _) = peek(&nord);
    assert_eq!(came, back.id);
    assert!(pop(&nord, &came).get("brev.pdf") == Some(&back.files[1].1));
    remove(&nord, &came);
    has_statuses(sor, &back.id, &["OPPRETTET", "SENDT", "MOTTATT", "LEVERT"]);
}

#[test]
fn more_than_a_hundred_that_wait_are_all_fetched() {
    let (stage, folder) = world(&Faults::default());
    let nord = start(&stage, &NORD, folder.path(), &[]);
    let nord = (AtomicU16::new(nord.port), nord);
    for number in 0..130 {
        send(&nord.0, &Letter { id: id(number), ..Letter::default() });
    }
    waited("all at the broker", PATIENCE, || (stage.broker.transfers().len() == 130).then_some(()));
    let sor = start(&stage, &SOR, folder.path(), &[]);
    let sor = (AtomicU16::new(sor.port), sor);
    waited("all of them", PATIENCE, || {
        let listed = insist(&sor.0, "GET", "/api/messages/in?size=1", &[], b"").json();
        (listed["totalElements"] == 130).then_some(())
    });
}
