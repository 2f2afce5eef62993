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
    for (name, bytes) in [("arkivmelding.xml", b"<arkivmelding/>".as_slice()), ("brev.pdf", &letter)] {
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
    assert_eq!(names, ["mimetype", "brev.pdf", "arkivmelding.xml"]);
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
    let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", "attachment; filename=brev.pdf")];
    assert_eq!(call(sender.port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &headers, b"letter").status, 200);
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
    let seen = seen.replace("\\n", "\n");
    insta::assert_snapshot!(seen);
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
