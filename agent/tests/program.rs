//! The real program, in an empty folder: two of them with a folder between them, driven over HTTP as case systems do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod program {
    pub mod http;
    pub mod process;
}

use program::http::{Answer, call};
use program::process::Program;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

const SENDER: &str = "910077473";
const RECEIVER: &str = "910075918";
const MESSAGE: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");
const SBD: &str = include_str!("fixtures/arkivmelding.json");

/// Asks again until the answer is the wanted one; bounded.
fn until(what: &str, mut ask: impl FnMut() -> Option<Answer>) -> Answer {
    let begun = Instant::now();
    let mut wait = Duration::from_millis(10);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "waited too long for: {what}");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(wait);
        wait = (wait * 2).min(Duration::from_millis(200));
    }
}

fn both(between: &Path) -> (Program, Program) {
    (Program::start(SENDER, between), Program::start(RECEIVER, between))
}

fn statuses(program: &Program) -> Vec<String> {
    let body = call(program.port, "GET", &format!("/api/statuses/{MESSAGE}"), &[], b"").json();
    body["content"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_message_goes_from_one_program_to_the_other_and_its_statuses_come_back() {
    let between = tempfile::tempdir().unwrap();
    let (sender, receiver) = both(between.path());
    eprintln!("start to ready: {:?} and {:?}", sender.to_ready, receiver.to_ready);

    let created =
        call(sender.port, "POST", "/api/messages/out/", &[("Content-Type", "application/json")], SBD.as_bytes());
    assert_eq!(created.status, 200, "{}", created.text());
    let header = &created.json()["standardBusinessDocumentHeader"];
    assert_eq!(header["documentIdentification"]["instanceIdentifier"], MESSAGE);
    assert!(header["documentIdentification"]["creationDateAndTime"].is_string());
    let scope = &header["businessScope"]["scope"][0];
    assert!(scope["scopeInformation"][0]["expectedResponseDateTime"].is_string(), "{scope}");

    // Several chunks, so that it is streamed and not by chance whole.
    let letter = b"%PDF letter ".repeat(50_000);
    for (name, bytes) in [("arkivmelding.xml", ARKIVMELDING.as_bytes()), ("brev.pdf", &letter), ("vedlegg.pdf", b"x")] {
        let disposition = format!("attachment; name=\"Brev\"; filename=\"{name}\"");
        let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", &disposition)];
        let put = call(sender.port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &headers, bytes);
        assert_eq!((put.status, put.body.len()), (200, 0), "{}", put.text());
    }
    let sent = call(sender.port, "POST", &format!("/api/messages/out/{MESSAGE}"), &[], b"");
    assert_eq!((sent.status, sent.body.len()), (200, 0), "{}", sent.text());

    let peeked = until("the message to arrive", || {
        Some(call(receiver.port, "GET", "/api/messages/in/peek", &[], b"")).filter(|answer| answer.status == 200)
    });
    assert_eq!(peeked.json()["arkivmelding"]["hoveddokument"], "brev.pdf");
    assert_eq!(call(receiver.port, "GET", "/api/messages/in/peek", &[], b"").status, 204, "it is locked");
    let popped = call(receiver.port, "GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], b"");
    assert_eq!((popped.status, popped.header("content-type")), (200, Some("application/vnd.etsi.asic-e+zip")));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(popped.body)).unwrap();
    let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let all = ["mimetype", "manifest.xml", "brev.pdf", "arkivmelding.xml", "vedlegg.pdf", "META-INF/manifest.xml"];
    assert_eq!(names, all);
    let mut inside = Vec::new();
    std::io::copy(&mut zip.by_name("brev.pdf").unwrap(), &mut inside).unwrap();
    assert!(inside == letter, "the letter is not the one that was sent");
    let deleted = call(receiver.port, "DELETE", &format!("/api/messages/in/{MESSAGE}"), &[], b"");
    assert_eq!(deleted.status, 200);
    let again = call(receiver.port, "GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], b"");
    assert_eq!(again.status, 404);
    assert_eq!(statuses(&receiver), ["OPPRETTET", "INNKOMMENDE_MOTTATT", "INNKOMMENDE_LEVERT"]);

    until("LEVERT to come back", || {
        let known = call(sender.port, "GET", "/api/conversations?finished=true", &[], b"");
        (known.json()["totalElements"] == 1).then_some(known)
    });
    let mut came = statuses(&sender);
    came.sort();
    assert_eq!(came, ["LEVERT", "MOTTATT", "OPPRETTET", "SENDT"]);
    assert_eq!(call(sender.port, "GET", "/api/messages/out", &[], b"").json()["totalElements"], 0);

    for program in [sender, receiver] {
        let health = call(program.port, "GET", efm::manage::HEALTH, &[], b"");
        let health: efm::manage::Health = serde_json::from_slice(&health.body).unwrap();
        assert_eq!(health.status, efm::manage::Status::Up);
        let info: efm::manage::Info =
            serde_json::from_slice(&call(program.port, "GET", efm::manage::INFO, &[], b"").body).unwrap();
        assert_eq!(info.build.unwrap().version, env!("CARGO_PKG_VERSION"));
        let stopped = call(program.port, "POST", efm::manage::SHUTDOWN, &[("Content-Type", "application/json")], b"");
        assert_eq!(stopped.json()["message"], "Shutting down, bye...");
        assert_eq!(program.exit_code(), Some(0));
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_is_sent() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(SENDER, between.path());
    let created =
        call(sender.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], SBD.as_bytes());
    assert_eq!(created.status, 200);
    for name in ["brev.pdf", "vedlegg.pdf", "arkivmelding.xml"] {
        let disposition = format!("attachment; filename={name}");
        let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", disposition.as_str())];
        let put = call(sender.port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &headers, ARKIVMELDING.as_bytes());
        assert_eq!(put.status, 200);
    }
    let sender = sender.killed_and_started_again();
    assert_eq!(call(sender.port, "GET", "/api/messages/out", &[], b"").json()["totalElements"], 1);
    assert_eq!(call(sender.port, "POST", &format!("/api/messages/out/{MESSAGE}"), &[], b"").status, 200);

    let receiver = Program::start(RECEIVER, between.path());
    until("the message to arrive", || {
        Some(call(receiver.port, "GET", "/api/messages/in/peek", &[], b"")).filter(|answer| answer.status == 200)
    });
    let receiver = receiver.killed_and_started_again();
    let popped = call(receiver.port, "GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], b"");
    assert_eq!(popped.status, 200, "the lock outlives the kill, and so does the package");
}

#[test]
fn errors_have_the_form_of_the_catalogue() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let json = [("Content-Type", "application/json")];
    let file = [("Content-Type", "application/pdf"), ("Content-Disposition", "attachment; filename=a.pdf")];
    let one = format!("/api/messages/out/{MESSAGE}");
    let mut seen = String::new();
    let mut ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let answer = call(program.port, method, path, headers, body.as_bytes());
        write!(seen, "{method} {path}\n{} {}\n\n", answer.status, answer.text_without_times()).unwrap();
    };
    ask("GET", &one, &[], "");
    ask("POST", &one, &[], "");
    ask("GET", "/api/messages/in/peek", &[], "");
    ask("GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], "");
    ask("DELETE", &format!("/api/messages/in/{MESSAGE}"), &[], "");
    ask("GET", "/api/conversations/1234", &[], "");
    ask("POST", "/api/messages/out", &json, "{");
    ask("POST", "/api/messages/out", &json, "{\"standardBusinessDocumentHeader\":{}}");
    ask("POST", "/api/messages/out", &json, &SBD.replace("\"headerVersion\" : \"1.0\",", ""));
    ask("POST", "/api/messages/out", &json, &SBD.replace("xsd::arkivmelding", "xsd::avtalt"));
    ask("POST", "/api/messages/out", &json, &SBD.replace("{ \"hoveddokument\" : \"brev.pdf\" }", "null"));
    ask("POST", "/api/messages/out", &json, &SBD.replace("\"arkivmelding\" : {", "\"fiksio\" : {"));
    ask(
        "POST",
        "/api/messages/out",
        &json,
        &SBD.replace("\"0192:910075918\", ", "\"0192:910075918\", \"x\" : 1 } }, { \"identifier\" : { "),
    );
    ask("POST", "/api/messages/out", &json, &SBD.replace("\"type\" : \"ConversationId\"", "\"type\" : \"Strange\""));
    ask("POST", "/api/messages/out", &[("Content-Type", "text/plain")], "x");
    ask("POST", "/api/messages/out", &json, SBD);
    ask("POST", "/api/messages/out", &json, SBD);
    ask("POST", &one, &[], "");
    ask("PUT", &one, &[("Content-Type", "application/pdf")], "x");
    ask("PUT", &one, &file, "x");
    ask("PUT", &one, &file, "x");
    ask("PATCH", &one, &[], "");
    ask("GET", "/api/nothing?trace", &[], "");
    ask("GET", "/api/messages/in?serviceIdentifier=DPX", &[], "");
    ask("GET", "/api/conversations?lastUpdateFrom=yesterday", &[], "");
    ask("GET", "/api/statuses?fromDateTime=2026-01-01&toDateTime=2026-01-02", &[], "");
    ask("GET", "/api/conversations?sort=messageTitle,asc&sort=colour", &[], "");
    ask("GET", "/api/statuses?sort=status,asc&sort=id,asc", &[], "");
    ask("GET", "/api/messages/out?sort=lastUpdated,desc&size=5000&messageId=none", &[], "");
    ask("DELETE", "/api/statuses/x", &[], "");
    ask("GET", "/api/conversations/x", &[], "");
    ask("GET", "/api/statuses?sort=id,asc&page=x&size=1", &[], "");
    let seen = seen.replace("\\n", "\n");
    insta::assert_snapshot!(seen);
}

/// A request with parts, as curl writes it: name, file name, media type, bytes.
fn parts(all: &[(&str, Option<&str>, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, media_type, bytes) in all {
        let filename = filename.map(|it| format!("; filename=\"{it}\"")).unwrap_or_default();
        let head = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\nContent-Type: {media_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    body
}

#[test]
fn a_message_can_come_with_its_files_at_once() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let headers = [("Content-Type", "multipart/form-data; boundary=limit")];
    let post = |all: &[(&str, Option<&str>, &str, &[u8])]| {
        call(program.port, "POST", "/api/messages/out/multipart", &headers, &parts(all))
    };
    let pdf = "application/pdf";
    let sbd = ("sbd", None, "application/json", SBD.as_bytes());
    let letter: (&str, Option<&str>, &str, &[u8]) = ("Brev", Some("brev.pdf"), pdf, b"letter");
    let count = || call(program.port, "GET", "/api/conversations", &[], b"").json()["totalElements"].clone();

    let mut seen = String::new();
    let mut note = |what: &str, answer: Answer| {
        write!(seen, "{what}\n{} {}\n\n", answer.status, answer.text_without_times()).unwrap();
    };
    note("no sbd", post(&[letter]));
    note("a name twice", post(&[letter, sbd, letter]));
    note("a part too large", post(&[sbd, ("Brev", Some("brev.pdf"), pdf, &vec![b'x'; (5 << 20) + 1])]));
    note("no parts", call(program.port, "POST", "/api/messages/out/multipart", &[("Content-Type", pdf)], b"x"));
    assert_eq!(count(), 0, "what is refused leaves nothing");

    // The second step fails: the message is there, and its sender goes on with it.
    note("files missing", post(&[sbd, letter, ("A", Some("arkivmelding.xml"), "text/xml", ARKIVMELDING.as_bytes())]));
    assert_eq!(count(), 1);
    note("again", post(&[sbd, letter]));
    let one = format!("/api/messages/out/{MESSAGE}");
    let disposition = ("Content-Disposition", "attachment; filename=vedlegg.pdf");
    assert_eq!(call(program.port, "PUT", &one, &[("Content-Type", pdf), disposition], b"x").status, 200);
    assert_eq!(call(program.port, "POST", &one, &[], b"").status, 200);

    let other = "b4567a25-672c-4c2e-9a0f-08c52c54254c";
    let other_sbd = SBD.replace(MESSAGE, other);
    let whole = post(&[
        ("A", Some("arkivmelding.xml"), "text/xml", ARKIVMELDING.as_bytes()),
        letter,
        ("Vedlegg", Some("vedlegg.pdf"), pdf, b"x"),
        ("sbd", Some("sbd.json"), "application/json", other_sbd.as_bytes()),
    ]);
    assert_eq!(whole.status, 200, "{}", whole.text());
    note("whole", whole);
    until("both to be sent", || {
        let left = call(program.port, "GET", "/api/messages/out", &[], b"");
        (left.json()["totalElements"] == 0).then_some(left)
    });
    insta::assert_snapshot!(seen.replace("\\n", "\n"));
}

#[test]
fn what_is_created_is_held_to_the_rules_of_its_service_and_type() {
    let between = tempfile::tempdir().unwrap();
    let mut seen = String::new();
    let json = [("Content-Type", "application/json")];
    let body = |kind: &str, standard: &str, body: &str| {
        let sbd = SBD.replace("urn:no:difi:arkivmelding:xsd::arkivmelding", standard);
        let sbd = sbd.replace("\"type\" : \"arkivmelding\"", &format!("\"type\" : \"{kind}\""));
        let at = sbd.rfind("\"arkivmelding\" :").unwrap();
        format!("{}\"{kind}\" : {body} }}", &sbd[..at])
    };
    let digital = |more: &str| {
        let rest = "\"sikkerhetsnivaa\":\"3\",\"tittel\":\"T\",\"spraak\":\"nb\",\
            \"digitalPostInfo\":{\"virkningsdato\":\"2030-01-31\",\"aapningskvittering\":\"false\"}";
        body("digital", "urn:no:difi:digitalpost:xsd:digital::digital", &format!("{{{more}{rest}}}"))
    };
    let one = format!("/api/messages/out/{MESSAGE}");
    let start = |service: &str, more: &str| {
        let service = format!("--integrasjonspunkt.loopback.service={service}");
        let more: Vec<&str> = [service.as_str()].into_iter().chain(more.split_whitespace()).collect();
        Program::start_with(SENDER, between.path(), &more)
    };
    let put = |program: &Program, name: &str, title: &str, bytes: &[u8]| {
        let disposition = format!("attachment; filename={name}");
        let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", disposition.as_str())];
        call(program.port, "PUT", &format!("{one}{title}"), &headers, bytes)
    };
    let mut note = |what: &str, answer: Answer| {
        write!(seen, "{what}\n{} {}\n\n", answer.status, answer.text_without_times()).unwrap();
    };
    let create = |program: &Program, sbd: &str| call(program.port, "POST", "/api/messages/out", &json, sbd.as_bytes());

    let dpi = start("DPI", "--difi.move.dpi.upload-size-limit=100");
    note("digital without hoveddokument", create(&dpi, &digital("")));
    note(
        "print without address",
        create(&dpi, &body("print", "urn:no:difi:digitalpost:xsd:fysisk::print", "{\"hoveddokument\":\"a.pdf\"}")),
    );
    note(
        "print without postnummer",
        create(
            &dpi,
            &body(
                "print",
                "urn:no:difi:digitalpost:xsd:fysisk::print",
                "{\"hoveddokument\":\"a.pdf\",\"mottaker\":{\"navn\":\"N\",\"land\":\"Norge\",\"adresselinje1\":\"A\",\"poststed\":\"P\"}}",
            ),
        ),
    );
    note("digital", create(&dpi, &digital("\"hoveddokument\":\"a.pdf\",\"metadataFiler\":{\"a.pdf\":\"m.xml\"},")));
    note("no title", put(&dpi, "b.pdf", "", b"x"));
    note("too large", put(&dpi, "b.pdf", "?title=B", &[b'x'; 101]));
    note("metadata needs no title", put(&dpi, "m.xml", "", b"<m/>"));
    note("metadata names a.pdf", call(dpi.port, "POST", &one, &[], b""));
    let other = "b4567a25-672c-4c2e-9a0f-08c52c54254c";
    let plain = digital("\"hoveddokument\":\"a.pdf\",").replace(MESSAGE, other);
    assert_eq!(create(&dpi, &plain).status, 200);
    let other = format!("/api/messages/out/{other}");
    note("no file", call(dpi.port, "POST", &other, &[], b""));
    let headers = [("Content-Type", ""), ("Content-Disposition", "attachment; name=B; filename=b.pdf")];
    assert_eq!(call(dpi.port, "PUT", &other, &headers, b"x").status, 200);
    note("no primary document", call(dpi.port, "POST", &other, &[], b""));
    let dpv = start("DPV", "");
    note("dpv", create(&dpv, SBD));
    note("dpv without title", put(&dpv, "brev.pdf", "", b"x"));
    let dpf = start("DPF", "");
    note("dpf without sikkerhetsnivaa", create(&dpf, SBD));
    let dph = start("DPH", "--difi.move.dph.her-ids=8143548");
    let dialogue = |sender: &str, receiver: &str, authority: &str| {
        let text =
            "{\"hoveddokument\":\"a.pdf\",\"pasient\":{\"fnr\":\"01010750160\",\"fornavn\":\"A\",\"etternavn\":\"B\"}}";
        let sbd = body("dialogmelding", "urn:no:difi:helse:xsd:schema::dialogmelding", text);
        sbd.replace("0192:910077473", sender)
            .replace("0192:910075918", receiver)
            .replace("iso6523-actorid-upis", authority)
    };
    note(
        "dph from an organisation",
        create(&dph, &dialogue("0192:910077473", "0192:910075918", "iso6523-actorid-upis")),
    );
    note("dph from a HER id of others", create(&dph, &dialogue("her-id:1", "her-id:2", "nhn-actorid")));
    let whole = dialogue("her-id:8143548", "her-id:2", "nhn-actorid");
    let (first, rest) = whole.split_at(whole.find("\"receiver\"").unwrap());
    let rest = rest.replacen("nhn-actorid", "iso6523-actorid-upis", 1).replacen("her-id:2", "0192:910075918", 1);
    note("dph to an organisation", create(&dph, &format!("{first}{rest}")));
    let blank = whole.replace("b4567a25-672c-4c2e-9a0f-08c52c54254b", "");
    let scope = "/standardBusinessDocumentHeader/businessScope/scope/0/instanceIdentifier";
    assert_eq!(create(&dph, &blank).json().pointer(scope), Some(&MESSAGE.into()), "it is called by its first message");
    let dpo = start("DPO", "--difi.move.dpo.message-channel=ours");
    let scope = "\"scope\" : [ { \"type\" : \"MessageChannel\", \"identifier\" : \"theirs\" },";
    note("another channel", create(&dpo, &SBD.replace("\"scope\" : [", scope)));
    note("our channel is named", create(&dpo, SBD));
    note("arkivmelding that is none", put(&dpo, "arkivmelding.xml", "", b"x"));
    note("arkivmelding without saksmappe", put(&dpo, "arkivmelding.xml", "", b"<arkivmelding/>"));
    note("a letter", put(&dpo, "brev.pdf", "", b"x"));
    note("no arkivmelding", call(dpo.port, "POST", &one, &[], b""));
    note("arkivmelding", put(&dpo, "arkivmelding.xml", "", ARKIVMELDING.as_bytes()));
    note("a file is missing", call(dpo.port, "POST", &one, &[], b""));
    let conversation = call(dpo.port, "GET", &format!("/api/conversations/messageId/{MESSAGE}"), &[], b"").json();
    assert_eq!(conversation["messageTitle"], "Svar på søknad");
    assert_eq!(conversation["messageReference"], "4043f2a0-26dc-4f3b-8a36-1f0c4a2f5d11-7");
    let seen = seen.replace("\\n", "\n");
    insta::assert_snapshot!(seen);
}

#[test]
fn the_status_queue_gives_each_status_until_it_is_taken() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start_with(SENDER, between.path(), &["--difi.move.feature.statusQueueIncludes=DPO"]);
    let ask = |method: &str, path: &str| call(program.port, method, path, &[], b"");
    assert_eq!(ask("GET", "/api/statuses/peek").status, 204);
    let created =
        call(program.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], SBD.as_bytes());
    assert_eq!(created.status, 200);
    for _ in 0..2 {
        let first = ask("GET", "/api/statuses/peek").json();
        assert_eq!((&first["status"], &first["messageId"]), (&"OPPRETTET".into(), &MESSAGE.into()));
    }
    let number = ask("GET", "/api/statuses/peek").json()["id"].to_string();
    assert_eq!(ask("DELETE", &format!("/api/statuses/{number}")).status, 200);
    assert_eq!(ask("DELETE", &format!("/api/statuses/{number}")).status, 404);
    assert_eq!(ask("GET", "/api/statuses/peek").status, 204);
    assert_eq!(ask("GET", &format!("/api/statuses?id={number}")).json()["totalElements"], 1, "the status itself stays");
}

#[test]
fn conversations_are_found_and_removed_by_number_and_by_message() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let ask = |method: &str, path: &str| call(program.port, method, path, &[], b"");
    let create =
        || call(program.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], SBD.as_bytes());
    create();
    let of_message = ask("GET", &format!("/api/conversations/messageId/{MESSAGE}"));
    assert_eq!(of_message.json()["messageStatuses"][0]["status"], "OPPRETTET");
    assert!(of_message.text().starts_with("{\n  \"id\" : "), "{}", of_message.text());
    let one = format!("/api/conversations/{}", of_message.json()["id"]);
    assert_eq!(ask("GET", &one).text(), of_message.text());
    assert_eq!(ask("GET", "/api/conversations/queue").json()["totalElements"], 0);
    assert_eq!(ask("DELETE", &one).status, 200);
    assert_eq!(ask("DELETE", &one).status, 200);
    assert_eq!(ask("GET", &format!("/api/conversations/messageId/{MESSAGE}")).status, 404);
    assert_eq!(ask("DELETE", &format!("/api/messages/out/{MESSAGE}")).status, 200);
    assert_eq!(create().status, 200, "both are gone, so the id is free");
    assert_eq!(ask("DELETE", &format!("/api/conversations/messageId/{MESSAGE}")).status, 200);
    assert_eq!(ask("GET", "/api/conversations").json()["totalElements"], 0);
}

#[test]
fn lists_are_filtered_and_sorted_as_they_are_asked_for() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let names: Vec<String> = (1..=3).map(|number| MESSAGE.replace("e99e5cd1", &format!("e99e5cd{number}"))).collect();
    for name in &names {
        let sbd = SBD.replace(MESSAGE, name);
        let json = [("Content-Type", "application/json")];
        assert_eq!(call(program.port, "POST", "/api/messages/out", &json, sbd.as_bytes()).status, 200);
    }
    let disposition = [("Content-Type", "text/xml"), ("Content-Disposition", "attachment; filename=arkivmelding.xml")];
    let put =
        call(program.port, "PUT", &format!("/api/messages/out/{}", names[1]), &disposition, ARKIVMELDING.as_bytes());
    assert_eq!(put.status, 200, "{}", put.text());
    let list = |path: &str| {
        let answer = call(program.port, "GET", path, &[], b"");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let body = answer.json();
        let row = |row: &serde_json::Value| {
            let in_header = &row["standardBusinessDocumentHeader"]["documentIdentification"]["instanceIdentifier"];
            let name = row["messageId"].as_str().or(in_header.as_str()).unwrap();
            names.iter().position(|known| known == name).unwrap() + 1
        };
        let rows: Vec<usize> = body["content"].as_array().unwrap().iter().map(row).collect();
        assert_eq!(body["sort"], body["pageable"]["sort"]);
        assert_eq!(body["sort"]["sorted"], body["sort"]["unsorted"] == false);
        (rows, body["sort"]["sorted"] == true)
    };
    let today = call(program.port, "GET", "/api/conversations", &[], b"").json()["content"][0]["lastUpdate"].clone();
    let (day, moment) = (&today.as_str().unwrap()[..10], today.as_str().unwrap().replace('+', "%2B"));
    for (path, expected, is_sorted) in [
        ("/api/conversations".to_owned(), vec![3, 2, 1], true),
        ("/api/conversations?sort=messageId,asc".into(), vec![1, 2, 3], true),
        ("/api/conversations?sort=messageTitle&sort=messageId,desc".into(), vec![3, 1, 2], true),
        ("/api/conversations?messageTitle=Svar%20p%C3%A5%20s%C3%B8knad".into(), vec![2], true),
        ("/api/conversations?messageReference=4043f2a0-26dc-4f3b-8a36-1f0c4a2f5d11-7".into(), vec![2], true),
        ("/api/conversations?sender=0192:910077473&receiver=0192:910075918&sort=id".into(), vec![1, 2, 3], true),
        ("/api/conversations?sender=910077473".into(), vec![], true),
        (format!("/api/conversations?lastUpdateFrom={day}&lastUpdateTo={day}&sort=id"), vec![1, 2, 3], true),
        ("/api/conversations?lastUpdateTo=2020-01-01".into(), vec![], true),
        ("/api/conversations?lastUpdateFrom=2999-12-31".into(), vec![], true),
        ("/api/messages/out".into(), vec![1, 2, 3], false),
        ("/api/messages/out?sort=messageId,desc".into(), vec![3, 2, 1], true),
        ("/api/messages/out?id=2".into(), vec![2], false),
        ("/api/messages/out?lastUpdated=2020-01-01T00:00:00Z".into(), vec![], false),
        ("/api/statuses?sort=messageId,desc".into(), vec![3, 2, 1], true),
        (format!("/api/statuses?fromDateTime=2020-01-01T00:00:00Z&toDateTime={moment}&id=3"), vec![3], true),
        ("/api/statuses?fromDateTime=2020-01-01T00:00:00+01:00&toDateTime=2020-01-02T00:00:00Z".into(), vec![], true),
        ("/api/statuses?fromDateTime=2999-01-01T00:00:00Z".into(), vec![1, 2, 3], true),
    ] {
        assert_eq!(list(&path), (expected, is_sorted), "{path}");
    }
}

#[test]
fn a_package_that_is_not_there_any_more_ends_its_message() {
    let between = tempfile::tempdir().unwrap();
    let (sender, receiver) = both(between.path());
    let avtalt = SBD.replace("arkivmelding:xsd::arkivmelding", "avtalt:xsd::avtalt");
    let avtalt = avtalt.replace("\"type\" : \"arkivmelding\"", "\"type\" : \"avtalt\"");
    let at = avtalt.rfind("\"arkivmelding\" :").unwrap();
    let avtalt = format!("{}\"avtalt\" : {{ \"identifier\" : \"x\" }} }}", &avtalt[..at]);
    let created =
        call(sender.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], avtalt.as_bytes());
    assert_eq!(created.status, 200, "{}", created.text());
    let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", "attachment; filename=a.pdf")];
    assert_eq!(call(sender.port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &headers, b"x").status, 200);
    assert_eq!(call(sender.port, "POST", &format!("/api/messages/out/{MESSAGE}"), &[], b"").status, 200);
    until("the message to arrive", || {
        Some(call(receiver.port, "GET", "/api/messages/in/peek", &[], b"")).filter(|answer| answer.status == 200)
    });
    for folder in std::fs::read_dir(receiver.home().join("messages")).unwrap().flatten() {
        for blob in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            std::fs::remove_file(blob.path()).unwrap();
        }
    }
    let pop = || call(receiver.port, "GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], b"");
    let lost = pop();
    assert_eq!((lost.status, lost.json()["message"].as_str()), (404, Some("File(s) named asic.zip was not found")));
    assert!(pop().json()["exception"].as_str().unwrap().ends_with(".MessageNotFoundException"));
    let told = call(receiver.port, "GET", &format!("/api/statuses/{MESSAGE}?sort=id,desc"), &[], b"").json();
    assert_eq!(told["content"][0]["status"], "FEIL");
    let text = format!(
        "Can not read file \"asic.zip\" for message [messageId={MESSAGE}, sender=910077473], removing from queue."
    );
    assert_eq!(told["content"][0]["description"], text.as_str());
}

#[test]
fn the_key_of_the_files_lies_where_the_settings_say() {
    let between = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let key = elsewhere.path().join("blobs.key");
    let argument = format!("--integrasjonspunkt.blobs.key-file={}", key.display());
    let program = Program::start_with(SENDER, between.path(), &[&argument]);
    assert!(key.exists() && !program.home().join("messages/key").exists());
}

#[test]
fn the_description_of_the_api_names_what_is_served_and_nothing_else() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let described = call(program.port, "GET", "/api/openapi.json", &[], b"").json();
    let mut seen = String::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        let filled = path.replace("{messageId}", MESSAGE).replace("{id}", "1");
        for method in ["get", "put", "post", "delete", "patch"] {
            let answer = call(program.port, &method.to_uppercase(), &filled, &[], b"");
            let is_served = answer.status != 405 && !answer.text().contains("NoResourceFound");
            // A method that is not described for this path may be that of `{id}` beside it: peek, queue, pop.
            let is_described = methods.get(method).is_some();
            assert!(is_served || !is_described, "{method} {path} is described and not served");
            if is_described {
                writeln!(seen, "{method} {path}: {}", methods[method]["summary"].as_str().unwrap()).unwrap();
            } else {
                assert_eq!(answer.status, 405, "{method} {path} is served and not described");
            }
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn every_answer_has_the_headers_of_safety_and_a_trace_comes_when_it_is_asked_for() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let ask = |path: &str| call(program.port, "GET", path, &[], b"");
    for path in ["/api/conversations", "/api/nothing", "/api/messages/in/peek", "/manage/health"] {
        let answer = ask(path);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "0"),
            ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
            ("pragma", "no-cache"),
            ("expires", "0"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
    assert!(ask("/api/nothing").json().get("trace").is_none());
    assert!(ask("/api/nothing?trace=false").json().get("trace").is_none());
    assert!(ask("/api/nothing?trace=true").json()["trace"].is_array());
    assert_eq!(ask("/api/conversations/").status, 200, "a slash at the end does no harm");
}

#[test]
fn who_keeps_a_connection_is_told_that_it_ends_before_it_is_closed() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    let connect = || BufReader::new(TcpStream::connect(("127.0.0.1", program.port)).unwrap());
    // One request on a connection that is kept; whether the answer says that it is the last one.
    let ask = |on: &mut BufReader<TcpStream>| {
        on.get_mut().write_all(b"GET /manage/info HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let (mut head, mut length, mut closes) = (String::new(), 0, false);
        while on.read_line(&mut head).unwrap() > 2 {
            let line = head.to_lowercase();
            length = line.strip_prefix("content-length: ").map_or(length, |it| it.trim().parse().unwrap());
            closes |= line.trim() == "connection: close";
            assert!(!line.starts_with("http/") || line.contains(" 200 "), "{line}");
            head.clear();
        }
        on.read_exact(&mut vec![0; length]).unwrap();
        closes
    };
    let (mut busy, mut silent) = (connect(), connect());
    assert!(!ask(&mut busy) && !ask(&mut silent));
    let stopped = call(program.port, "POST", efm::manage::SHUTDOWN, &[], b"");
    assert_eq!(stopped.status, 200);
    assert!(ask(&mut busy), "it is told");
    assert!(ask(&mut connect()), "and who comes now is served, and told, too");
    let mut rest = Vec::new();
    busy.read_to_end(&mut rest).unwrap();
    silent.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    assert_eq!(program.exit_code(), Some(0));
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_in_order() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    program.terminate();
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn without_the_user_nothing_but_the_first_level_of_manage_is_open() {
    let between = tempfile::tempdir().unwrap();
    let with_user = ["--difi.security.enable=true", "--difi.security.user.name=u", "--difi.security.user.password=p"];
    let program = Program::start_with(SENDER, between.path(), &with_user);
    let status = |path: &str, headers: &[(&str, &str)]| call(program.port, "GET", path, headers, b"").status;
    assert_eq!(status("/api/conversations", &[]), 401);
    assert_eq!(status("/api/conversations", &[("Authorization", "Basic dTpx")]), 401);
    assert_eq!(status("/api/conversations", &[("Authorization", "Basic dTpw")]), 200);
    assert_eq!(status("/manage/health", &[]), 200);
    assert_eq!(status("/manage/health/liveness", &[]), 401);
    let refused = call(program.port, "GET", "/api/conversations", &[], b"");
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"Realm\""));
}

#[test]
fn wrong_settings_are_told_and_end_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_integrasjonspunkt"))
        .current_dir(folder.path())
        .args(["config", "check", "--difi.ssl.enabled=false", "--difi.security.enable=false"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("difi.move.org.number: it is not set; right would be: an organisation number"), "{told}");
}
