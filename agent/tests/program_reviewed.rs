//! What a hostile reader of the running program found, and how it is now.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[allow(dead_code, reason = "others use more of it")]
mod program {
    pub mod http;
    pub mod process;
}

use program::http::{Answer, call};
use program::process::{Program, program};

const SBD: &str = include_str!("fixtures/arkivmelding.json");
const MESSAGE: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const OWN: &str = "910077473";

fn created(program: &Program, body: &[u8]) -> Answer {
    call(program.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], body)
}

#[test]
fn a_file_that_could_never_be_packed_is_refused_when_it_comes() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(OWN, between.path());
    assert_eq!(created(&sender, SBD.as_bytes()).status, 200);
    for name in ["mimetype", "manifest.xml", "META-INF/signatures.xml", "../../brev/x.txt", "/etc/x"] {
        let disposition = format!("attachment; filename=\"{name}\"");
        let headers = [("Content-Type", "text/plain"), ("Content-Disposition", disposition.as_str())];
        let put = call(sender.port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &headers, b"hi");
        assert_eq!(put.status, 400, "{name}");
        let text = put.json()["message"].as_str().unwrap().to_owned();
        assert!(text.contains(name) && text.contains("cannot be packed"), "{text}");
    }
}

#[test]
fn a_mark_of_the_byte_order_is_no_part_of_the_message() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(OWN, between.path());
    let body = [b"\xef\xbb\xbf".as_slice(), SBD.as_bytes()].concat();
    assert_eq!(created(&sender, &body).status, 200);
}

#[test]
fn one_of_two_documents_is_not_taken_in_silence() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(OWN, between.path());
    let part = |document: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"sbd\"\r\nContent-Type: application/json\r\n\r\n{document}\r\n"
        )
    };
    let file = "--b\r\nContent-Disposition: form-data; name=\"t\"; filename=\"a.txt\"\r\n\r\nhi\r\n";
    let body = [&part(SBD), file, &part("{}"), "--b--\r\n"].concat();
    let headers = [("Content-Type", "multipart/form-data; boundary=b")];
    let refused = call(sender.port, "POST", "/api/messages/out/multipart", &headers, body.as_bytes());
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(
        refused.json()["message"].as_str().unwrap().contains("more than one part named 'sbd'"),
        "{}",
        refused.text()
    );
    assert_eq!(call(sender.port, "GET", "/api/messages/out", &[], b"").json()["totalElements"], 0);
}

#[test]
fn a_page_that_is_asked_for_nonsense_says_what_is_wrong() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(OWN, between.path());
    for (asked, wrong) in [
        ("/conversations?created=bad", "«bad» er ikke en dato"),
        ("/conversations?from=%ff", "ikke en dato"),
        ("/conversations/bad", "Finnes ikke"),
    ] {
        let page = call(sender.port, "GET", asked, &[], b"");
        assert!((400..500).contains(&page.status), "{asked}: {}", page.status);
        assert!(page.text().contains(wrong) && page.text().contains("</html>"), "{asked}: {}", page.text());
    }
    let page = call(sender.port, "GET", "/conversations?created=bad", &[], b"").text();
    assert_eq!(page.matches("er ikke en dato").count(), 1, "told once: {page}");
}

#[test]
fn a_web_page_cannot_shut_it_down() {
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(OWN, between.path());
    let page = [("Origin", "http://evil.example"), ("Content-Type", "text/plain")];
    assert_eq!(call(sender.port, "POST", "/manage/shutdown", &page, b"").status, 403);
    assert_eq!(call(sender.port, "POST", "/manage/shutdown", &[], b"").status, 200);
    assert_eq!(sender.exit_code(), Some(0));
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_what_it_writes() {
    use std::os::unix::fs::PermissionsExt;
    let between = tempfile::tempdir().unwrap();
    let sender = Program::start(OWN, between.path());
    assert_eq!(created(&sender, SBD.as_bytes()).status, 200);
    for entry in std::fs::read_dir(sender.home()).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has {mode:o}", entry.path());
    }
}

#[test]
fn the_log_says_what_is_wrong_with_a_setting_that_is_a_secret_and_not_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(program())
        .current_dir(folder.path())
        .args(["--difi.move.org.number=910077473", "--difi.ssl.enabled=false", "--difi.security.user.name=ola"])
        .args(["--integrasjonspunkt.webhooks.secret=hemmelig", "--server.port=0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("it is not set, at default (difi.security.user.password)"), "{told}");
    assert!(told.contains("(integrasjonspunkt.webhooks.secret); right would be: "), "{told}");
    assert!(!told.contains("hemmelig"), "{told}");
}

#[test]
fn a_letter_that_says_no_time_when_it_expires_is_kept_all_the_same() {
    let between = tempfile::tempdir().unwrap();
    let letter = between.path().join(OWN).join(MESSAGE);
    std::fs::create_dir_all(&letter).unwrap();
    assert!(!SBD.contains("expectedResponseDateTime"), "it would prove nothing");
    efm::atomic::replace(&letter.join("sbd.json"), SBD.as_bytes()).unwrap();
    let receiver = Program::start(OWN, between.path());
    let begun = std::time::Instant::now();
    let peeked = loop {
        let peeked = call(receiver.port, "GET", "/api/messages/in/peek", &[], b"");
        if peeked.status != 204 {
            break peeked;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "it never came");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(peeked.status, 200);
    let conversations = call(receiver.port, "GET", "/api/conversations", &[], b"").json();
    assert!(conversations["content"][0]["expiry"].is_string(), "{conversations}");
}
