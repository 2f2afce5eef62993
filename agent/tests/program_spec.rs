//! What the description of the API says and no other test of the program looks at: rows of the catalogue of errors that are
//! hard to reach, the forms of what is sent and of what is answered, the folder in place of a service.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test: it spoils files, and waits by its own clock"
)]

#[allow(dead_code, reason = "others use more of it")]
mod program {
    pub mod http;
    pub mod process;
}
#[allow(dead_code, reason = "others use more of it")]
#[path = "../../tests/src/world/sink.rs"]
mod sink;

use program::http::{Answer, call};
use program::process::Program;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

const SBD: &str = include_str!("fixtures/arkivmelding.json");
const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");
const MESSAGE: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const SENDER: &str = "910077473";
const RECEIVER: &str = "910075918";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const OUT: &str = "/api/messages/out";

fn one() -> String {
    format!("{OUT}/{MESSAGE}")
}

fn create(program: &Program, sbd: &str) -> Answer {
    call(program.port, "POST", OUT, &JSON, sbd.as_bytes())
}

fn put(program: &Program, name: &str, media_type: &str, bytes: &[u8]) -> Answer {
    let disposition = format!("attachment; filename={name}; name=T");
    let headers = [("Content-Type", media_type), ("Content-Disposition", disposition.as_str())];
    call(program.port, "PUT", &one(), &headers, bytes)
}

/// Asks again until the answer is the wanted one; bounded.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "waited too long for: {what}");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As [`SBD`], of another type.
fn of_type(kind: &str, standard: &str, body: &str) -> String {
    let sbd = SBD.replace("urn:no:difi:arkivmelding:xsd::arkivmelding", standard);
    let sbd = sbd.replace("\"type\" : \"arkivmelding\"", &format!("\"type\" : \"{kind}\""));
    let at = sbd.rfind("\"arkivmelding\" :").unwrap();
    format!("{}\"{kind}\" : {body} }}", &sbd[..at])
}

/// With all files, and on its way.
fn sent(program: &Program) {
    assert_eq!(create(program, SBD).status, 200);
    for (name, bytes) in [("arkivmelding.xml", ARKIVMELDING.as_bytes()), ("brev.pdf", b"letter"), ("vedlegg.pdf", b"x")]
    {
        assert_eq!(put(program, name, "application/pdf", bytes).status, 200, "{name}");
    }
    assert_eq!(call(program.port, "POST", &one(), &[], b"").status, 200);
}

fn peeked(program: &Program) {
    until("the message to arrive", || {
        (call(program.port, "GET", "/api/messages/in/peek", &[], b"").status == 200).then_some(())
    });
}

fn blobs(program: &Program) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(program.home().join("messages")).unwrap().flatten();
    folders
        .flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten())
        .map(|it| it.path())
        .collect()
}

#[test]
fn a_folder_says_what_those_who_listen_there_take_and_knows_nobody_else() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(SENDER, between.path());
    let ask = |who: &str| call(sender.port, "GET", &format!("/api/capabilities/{who}"), &[], b"");
    assert_eq!(ask(RECEIVER).status, 404, "nobody listens yet");
    let _receiver = Program::start(RECEIVER, between.path());
    let found = until("the receiver to listen", || Some(ask(RECEIVER)).filter(|answer| answer.status == 200));
    let first = &found.json()["capabilities"][0];
    let expected = serde_json::json!({
        "process": "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0",
        "serviceIdentifier": "DPO",
        "documentTypes": [{ "type": "arkivmelding", "standard": "urn:no:difi:arkivmelding:xsd::arkivmelding" }]
    });
    assert_eq!(*first, expected);
    let of_process = ask(&format!("{RECEIVER}?process=urn:no:difi:profile:avtalt:avtalt:ver1.0")).json();
    assert_eq!(of_process["capabilities"].as_array().unwrap().len(), 1, "{of_process}");
    assert_eq!(ask(SENDER).status, 200, "it knows itself");
    let record = call(sender.port, "GET", &format!("/servicerecord/0192:{RECEIVER}"), &[], b"").json();
    assert_eq!(record["serviceRecord"]["process"], "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0");
}

#[test]
fn what_comes_over_a_folder_is_a_container_as_any_other_and_says_what_it_is_about() {
    let between = tempfile::tempdir().unwrap();
    let (sender, receiver) = (Program::start(SENDER, between.path()), Program::start(RECEIVER, between.path()));
    sent(&sender);
    peeked(&receiver);
    let popped = call(receiver.port, "GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], b"");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(popped.body)).unwrap();
    assert_eq!(zip.comment(), b"mimetype=application/vnd.etsi.asic-e+zip");
    let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let all = ["mimetype", "manifest.xml", "brev.pdf", "arkivmelding.xml", "vedlegg.pdf", "META-INF/manifest.xml"];
    assert_eq!(names, all);
    let mut manifest = String::new();
    zip.by_name("manifest.xml").unwrap().read_to_string(&mut manifest).unwrap();
    assert!(manifest.contains("<organisasjon authority=\"iso6523-actorid-upis\">0192:910075918</organisasjon>"));
    assert!(manifest.contains("<hoveddokument href=\"brev.pdf\" mime=\"application/pdf\">"), "{manifest}");
    let about = &call(receiver.port, "GET", "/api/conversations", &[], b"").json()["content"][0];
    assert_eq!(about["messageTitle"], "Svar på søknad");
    assert_eq!(about["messageReference"], "4043f2a0-26dc-4f3b-8a36-1f0c4a2f5d11-7");
}

#[test]
fn a_message_that_has_a_title_gives_it_to_its_conversation() {
    let between = tempfile::tempdir().unwrap();
    let dpv = Program::start_with(SENDER, between.path(), &["--integrasjonspunkt.loopback.service=DPV"]);
    let body = "{\"hoveddokument\":\"a.pdf\",\"tittel\":\"Vedtak om noe\",\"sammendrag\":\"S\",\"innhold\":\"I\"}";
    let created = create(&dpv, &of_type("digital_dpv", "urn:no:difi:digitalpost:xsd:digital::digital_dpv", body));
    assert_eq!(created.status, 200, "{}", created.text());
    let about = &call(dpv.port, "GET", "/api/conversations", &[], b"").json()["content"][0];
    assert_eq!(about["messageTitle"], "Vedtak om noe");
}

#[test]
fn a_send_that_fails_leaves_nothing_half_written_in_the_folder() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(SENDER, between.path());
    // Where the receiver's folder should be made lies a file.
    std::fs::write(between.path().join(RECEIVER), b"in the way").unwrap();
    sent(&sender);
    until("a try to fail", || {
        let page = call(sender.port, "GET", "/", &[], b"").text();
        page.contains("write into the folder").then_some(())
    });
    let half = std::fs::read_dir(between.path().join(".being-written")).unwrap().count();
    assert_eq!(half, 0);
}

#[test]
fn json_comes_in_any_form_of_unicode() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(SENDER, between.path());
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let four = |text: &str| -> Vec<u8> { text.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect() };
    let letters: Vec<Vec<u8>> = vec![
        SBD.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", SBD.as_bytes()].concat(),
        wide(SBD),
        wide(&format!("\u{feff}{SBD}")),
        four(SBD),
    ];
    for (number, letter) in (0..).zip(letters) {
        let created = call(sender.port, "POST", OUT, &JSON, &letter);
        assert_eq!(created.status, 200, "{number}: {}", created.text());
        assert_eq!(created.json()["arkivmelding"]["hoveddokument"], "brev.pdf");
        let forgotten = call(sender.port, "DELETE", &one(), &[], b"").status;
        let of_message = format!("/api/conversations/messageId/{MESSAGE}");
        assert_eq!((forgotten, call(sender.port, "DELETE", &of_message, &[], b"").status), (200, 200));
    }
    let in_parts =
        |sbd: &[u8]| [b"--b\r\nContent-Disposition: form-data; name=\"sbd\"\r\n\r\n", sbd, b"\r\n--b--\r\n"].concat();
    let headers = [("Content-Type", "multipart/form-data; boundary=b")];
    let whole = call(sender.port, "POST", "/api/messages/out/multipart", &headers, &in_parts(&wide(SBD)));
    assert!(whole.text().contains("MissingFileException"), "{}", whole.text());
}

#[test]
fn json_is_read_as_deep_as_jackson_reads_it_and_comes_out_as_deep() {
    let between = tempfile::tempdir().unwrap();
    let (sender, receiver) = (Program::start(SENDER, between.path()), Program::start(RECEIVER, between.path()));
    let avtalt = |depth: usize| {
        let content = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!("{{ \"identifier\" : \"x\", \"content\" : {content} }}");
        of_type("avtalt", "urn:no:difi:avtalt:xsd::avtalt", &body)
    };
    // The document and the body are two of them.
    for depth in [999, 100_000] {
        let refused = create(&sender, &avtalt(depth));
        assert_eq!(refused.status, 400);
        let told = refused.json()["message"].as_str().unwrap().to_owned();
        assert_eq!(told, "JSON parse error: Document nesting depth (1001) exceeds the maximum allowed (1000)");
    }
    assert_eq!(create(&sender, &avtalt(998)).status, 200);
    assert_eq!(call(sender.port, "POST", &one(), &[], b"").status, 200);
    let arrived = until("it to arrive", || {
        Some(call(receiver.port, "GET", "/api/messages/in/peek", &[], b"")).filter(|answer| answer.status == 200)
    });
    assert!(arrived.text().contains(&"[ ".repeat(997)), "{}", arrived.text());
    let deep = format!("{{\"name\":\"n\",\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let refused = call(sender.port, "POST", "/api/subscriptions", &JSON, deep.as_bytes());
    assert!(refused.text().contains("nesting depth (1001)"), "{}", refused.text());
}

#[test]
fn whoever_is_subscribed_already_is_not_called_again() {
    let between = tempfile::tempdir().unwrap();
    let sink = sink::Sink::start(0).unwrap();
    let program = Program::start(SENDER, between.path());
    let subscribe = |name: &str| {
        let body =
            serde_json::json!({ "name": name, "pushEndpoint": sink.url("/a"), "resource": "all", "event": "all" });
        call(program.port, "POST", "/api/subscriptions", &JSON, body.to_string().as_bytes())
    };
    assert_eq!(subscribe("one").status, 200);
    let second = subscribe("two");
    assert_eq!(second.status, 200);
    assert_eq!(subscribe("one").status, 400);
    let renamed = format!("/api/subscriptions/{}", second.json()["id"]);
    assert_eq!(call(program.port, "PUT", &renamed, &JSON, b"{\"name\":\"one\"}").status, 400);
    assert_eq!(sink.calls().len(), 2, "one ping for each that was kept");
}

#[test]
fn a_request_is_told_once_in_each_line_of_the_log_that_is_about_it() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(SENDER, between.path());
    assert_eq!(create(&program, SBD).status, 200);
    assert_eq!(put(&program, "arkivmelding.xml", "text/xml", b"<x/>").status, 400);
    let log = program.home().join("integrasjonspunkt-logs/application.log");
    let line = until("the line", || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.lines().find(|line| line.contains("an arkivmelding is refused")).map(str::to_owned)
    });
    assert_eq!(line.matches("correlation_id=").count(), 1, "{line}");
}

/// Notes each answer, whole.
struct Seen(String);

impl Seen {
    fn note(&mut self, what: &str, answer: &Answer) {
        let allow = answer.header("allow").map(|methods| format!(" allow: {methods}")).unwrap_or_default();
        let realm = answer.header("www-authenticate").map(|realm| format!(" {realm}")).unwrap_or_default();
        let mut text = answer.text_without_times();
        // What the system says of a connection is its own.
        if let Some(at) = text.find("connect to 127.0.0.1") {
            let end = at + text[at..].find('"').unwrap();
            text.replace_range(at..end, "…");
        }
        write!(self.0, "{what}\n{}{allow}{realm} {text}\n\n", answer.status).unwrap();
    }
}

/// A body that breaks off.
fn broken_off(port: u16) -> Answer {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Disposition: a; filename=c.txt\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nno chunk\r\n",
        one()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    program::http::read(&all).unwrap()
}

fn of_catalogue(between: &Path, seen: &mut Seen) {
    let (sender, receiver) = (Program::start(SENDER, between), Program::start(RECEIVER, between));
    let ask = |method: &str, path: &str| call(sender.port, method, path, &[], b"");
    seen.note("a receiver that nobody knows", &ask("GET", "/api/capabilities/991825827"));
    seen.note("a status that is not queued", &ask("DELETE", "/api/statuses/1234"));
    seen.note("a path that is no text", &ask("GET", "/api/conversations/messageId/%ff"));
    seen.note("a method that is not served", &ask("PATCH", OUT));
    let process = "\"identifier\" : \"urn:no:difi:profile:arkivmelding:administrasjon:ver1.0\"";
    assert!(SBD.contains(process));
    seen.note("no process", &create(&sender, &SBD.replace(process, "\"identifier\" : \" \"")));
    let print = of_type("print", "urn:no:difi:digitalpost:xsd:fysisk::print", "{\"hoveddokument\":\"a.pdf\"}");
    let (before, after) = (print.find("\"receiver\"").unwrap(), print.find("\"documentIdentification\"").unwrap());
    seen.note("print to nobody", &create(&sender, &format!("{}{}", &print[..before], &print[after..])));
    seen.note("a document of 6 MB", &create(&sender, &" ".repeat(6 << 20)));
    seen.note(
        "a strange charset",
        &call(sender.port, "POST", OUT, &[("Content-Type", "application/json;charset=koi8-r")], b"{}"),
    );

    assert_eq!(create(&sender, SBD).status, 200);
    seen.note("a file that breaks off", &broken_off(sender.port));
    for (name, bytes) in [("arkivmelding.xml", ARKIVMELDING.as_bytes()), ("brev.pdf", b"letter"), ("vedlegg.pdf", b"x")]
    {
        assert_eq!(put(&sender, name, "application/pdf", bytes).status, 200, "{name}");
    }
    assert_eq!(ask("POST", &one()).status, 200);
    until("it to be there", || {
        let waits = call(receiver.port, "GET", "/api/messages/in", &[], b"").json();
        (waits["totalElements"] == 1).then_some(())
    });
    let pop = format!("/api/messages/in/pop/{MESSAGE}");
    seen.note("pop before peek", &call(receiver.port, "GET", &pop, &[], b""));
    seen.note("delete before peek", &call(receiver.port, "DELETE", &format!("/api/messages/in/{MESSAGE}"), &[], b""));
    peeked(&receiver);
    for blob in blobs(&receiver) {
        std::fs::write(blob, b"spoilt").unwrap();
    }
    seen.note("pop of what is spoilt", &call(receiver.port, "GET", &pop, &[], b""));
    for blob in blobs(&receiver) {
        std::fs::remove_file(blob).unwrap();
    }
    seen.note("pop of what is gone", &call(receiver.port, "GET", &pop, &[], b""));
}

#[test]
fn rows_of_the_catalogue_that_are_hard_to_reach() {
    let between = tempfile::tempdir().unwrap();
    let mut seen = Seen(String::new());
    of_catalogue(between.path(), &mut seen);

    // What waits is on the queue; its receiver's folder cannot be made.
    let apart = tempfile::tempdir().unwrap();
    let sender = Program::start(SENDER, apart.path());
    std::fs::write(apart.path().join(RECEIVER), b"in the way").unwrap();
    sent(&sender);
    seen.note("a file for what is sent already", &put(&sender, "d.pdf", "application/pdf", b"x"));

    let soon = jiff::Timestamp::now() + Duration::from_secs(2);
    let other = "b4567a25-672c-4c2e-9a0f-08c52c54254c";
    let sbd = of_type("avtalt", "urn:no:difi:avtalt:xsd::avtalt", "{ }").replace(MESSAGE, other);
    let mut sbd: serde_json::Value = serde_json::from_str(&sbd).unwrap();
    sbd["standardBusinessDocumentHeader"]["businessScope"]["scope"][0]["scopeInformation"] =
        serde_json::json!([{ "expectedResponseDateTime": soon.to_string() }]);
    assert_eq!(create(&sender, &sbd.to_string()).status, 200);
    until("its time to be over", || (jiff::Timestamp::now() > soon).then_some(()));
    let expired = call(sender.port, "POST", &format!("{OUT}/{other}"), &[], b"");
    assert!(expired.text().contains("has been exceeded. Please resend the message"), "{}", expired.text());
    assert_eq!(expired.json()["exception"], "no.difi.meldingsutveksling.exceptions.TimeToLiveException");

    let health = ["--integrasjonspunkt.loopback.service=DPH", "--difi.move.dph.her-ids=8143548"];
    let dph = Program::start_with(SENDER, between.path(), &health);
    let text = "{\"hoveddokument\":\"a.pdf\",\"pasient\":{\"fnr\":\"01010750160\",\"fornavn\":\"A\",\"etternavn\":\"B\"},\
        \"metadataFiler\":{\"b.txt\":{\"description\":\"B\"},\"dialogmelding.xml\":{\"description\":\"D\"}}}";
    let dialogue = of_type("dialogmelding", "urn:no:difi:helse:xsd:schema::dialogmelding", text)
        .replace("0192:910077473", "her-id:8143548")
        .replace("0192:910075918", "her-id:2")
        .replace("iso6523-actorid-upis", "nhn-actorid");
    let created = create(&dph, &dialogue);
    assert_eq!(created.status, 200, "{}", created.text());
    seen.note("a text in a dialogue", &put(&dph, "b.txt", "text/plain", b"x"));
    seen.note("a dialogue that is no XML", &put(&dph, "dialogmelding.xml", "application/pdf", b"x"));

    let required = ["--integrasjonspunkt.webhooks.ping=required"];
    let strict = Program::start_with(SENDER, between.path(), &required);
    let body = "{\"name\":\"n\",\"pushEndpoint\":\"http://127.0.0.1:1/x\",\"resource\":\"all\",\"event\":\"all\"}";
    seen.note("nobody takes the ping", &call(strict.port, "POST", "/api/subscriptions", &JSON, body.as_bytes()));
    // Nothing can be written where the files should be.
    assert_eq!(create(&strict, SBD).status, 200);
    std::fs::remove_dir_all(strict.home().join("messages")).unwrap();
    std::fs::write(strict.home().join("messages"), b"in the way").unwrap();
    seen.note("no place for files", &put(&strict, "e.pdf", "application/pdf", b"x"));

    let user = ["--difi.security.enable=true", "--difi.security.user.name=u", "--difi.security.user.password=p"];
    let closed = Program::start_with(SENDER, between.path(), &user);
    seen.note("nobody", &call(closed.port, "GET", "/api/statuses", &[], b""));
    seen.note("somebody else", &call(closed.port, "GET", "/api/statuses", &[("Authorization", "Basic dTpx")], b""));

    let asking = ["--integrasjonspunkt.loopback.asks-registry=true", "--difi.move.oidc.enable=false"];
    let registry = "--difi.move.serviceregistryEndpoint=http://127.0.0.1:1/";
    let alone = Program::start_with(
        SENDER,
        between.path(),
        &[&asking[..], &[registry, "--difi.move.sign.enable=false"]].concat(),
    );
    seen.note("no registry", &call(alone.port, "GET", "/api/capabilities/910075918", &[], b""));
    seen.note("no registry, and a message", &create(&alone, SBD));
    insta::assert_snapshot!(seen.0.replace("\\n", "\n"));
}

#[test]
fn the_way_to_dpo_is_shown_step_by_step_and_a_key_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let stage = efm_world::stage::Stage::set(folder.path(), &efm_world::faults::Faults::default()).unwrap();
    let nord = &efm_world::identity::NORD;
    stage.know(nord, &[]).unwrap();
    let mut settings = stage.settings(nord, &folder.path().join("own.pem")).unwrap();
    let here =
        ["--server.port=0", "--server.address=127.0.0.1", "--difi.ssl.enabled=false", "--difi.security.enable=false"];
    settings.extend(here.map(str::to_owned));
    let program = Program::start_bare(&settings);
    let ask = |path: &str| call(program.port, "GET", path, &[], b"");

    let page = ask("/onboarding").text();
    assert!(page.contains("<strong>Systembrukeren er godkjent</strong>: i orden"), "{page}");
    assert!(page.contains("<strong>Maskinporten gir scopene</strong>: gjenstår"), "{page}");
    let scopes = ask("/onboarding/dialog/scopes").json();
    assert_eq!((&scopes["name"], &scopes["completed"]), (&"scopes".into(), &false.into()));
    let missing = scopes["description"].as_str().unwrap();
    assert!(missing.contains("altinn:authentication/systemregister.write") && !missing.contains("eformidling:dpo"));
    for (step, is_complete) in [("system", true), ("systemuser", true), ("konfigurer", true), ("paavegneav", false)] {
        let confirmed = call(program.port, "POST", &format!("/onboarding/dialog/{step}/confirm"), &JSON, b"{}").json();
        assert_eq!(confirmed["completed"], is_complete, "{confirmed}");
    }
    assert!(ask("/onboarding/token/DPO").text().starts_with("maskinporten-"));
    let users = ask("/onboarding/systemusers/910077473").json();
    assert_eq!(users["systemUsers"][0], "910077473_integrasjonspunkt_systembruker");
    assert_eq!(users["systemName"], "910077473_integrasjonspunkt");
    for nowhere in ["/onboarding/dialog/strange", "/onboarding/token/DPX"] {
        let nothing = ask(nowhere);
        assert_eq!((nothing.status, nothing.json()["error"].as_str()), (404, Some("Not Found")), "{nowhere}");
    }

    assert!(ask("/jwk").text().contains("<form method=\"post\" action=\"/jwk\">"));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let made = call(program.port, "POST", "/jwk", &form, b"keySize=2048&shortName=%3Cmin%3E").text();
    assert!(made.contains("heter <code>") && made.contains("Nøkkelen &#60;min&#62;"), "{made}");
    assert_eq!(made.matches("RS256").count(), 2, "{made}");
    assert_eq!(call(program.port, "POST", "/jwk", &form, b"keySize=512").status, 400);
    let log = std::fs::read_to_string(program.home().join("integrasjonspunkt-logs/application.log")).unwrap();
    assert!(!log.contains("RS256") && !log.contains("maskinporten-"), "{log}");
}
