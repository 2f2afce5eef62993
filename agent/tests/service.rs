//! The service through its life under Windows' service control: installed, started, asked, stopped while something is in
//! hand, started again, told to shut down, given wrong settings, taken away.
//!
//! It changes the services of the machine, so it runs only when it is asked for: `.ci/windows` does, under Wine. What Wine
//! cannot show is in docs/windows.md.
#![cfg(windows)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[allow(dead_code, reason = "others use more of it")]
mod program {
    pub mod http;
    pub mod process;
}

use efm::service::control;
use program::http::{Answer, call, try_call};
use program::process::{Program, program};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Unless the settings say otherwise.
const LOG: &str = "integrasjonspunkt-logs/application.log";
const SENDER: &str = "910077473";
const RECEIVER: &str = "910075918";
const MESSAGE: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");
const SBD: &str = include_str!("fixtures/arkivmelding.json");
/// Longer than any step takes on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again until there is an answer; bounded.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited too long for: {what}");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A home folder with a service; the service goes with it.
struct Kept {
    home: tempfile::TempDir,
    between: tempfile::TempDir,
    port: u16,
    name: &'static str,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── {:?}\n{}", self.said(&["status"]), self.log());
        }
        let _ = self.said(&["uninstall"]);
    }
}

impl Kept {
    fn new(name: &'static str) -> Self {
        let home = tempfile::Builder::new().prefix("ip æøå ").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { home, between: tempfile::tempdir().unwrap(), port, name }
    }

    fn settings(&self, more: &str) {
        let between = self.between.path().display().to_string().replace('\\', "/");
        let text = format!(
            "spring.profiles.active=staging\nserver.address=127.0.0.1\nserver.port={}\ndifi.ssl.enabled=false\n\
             difi.security.enable=false\ndifi.move.org.number={SENDER}\nintegrasjonspunkt.loopback.folder={between}\n{more}",
            self.port
        );
        efm::atomic::replace(&self.home.path().join("integrasjonspunkt-local.properties"), text.as_bytes()).unwrap();
    }

    /// `integrasjonspunkt service …`, by another program's process in a folder that is not the home folder.
    fn said(&self, words: &[&str]) -> Output {
        let mut command = Command::new(program());
        command.current_dir(self.between.path()).arg("service").args(words).args(["--name", self.name]);
        if words.first() == Some(&"install") {
            command.arg("--home").arg(self.home.path());
        }
        command.output().unwrap()
    }

    fn service(&self, words: &[&str], code: i32) -> String {
        let output = self.said(words);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "service {words:?}: {text}\n{}", self.log());
        text
    }

    fn standing(&self) -> Option<control::Standing> {
        control::standing(&self.full_name()).unwrap()
    }

    fn full_name(&self) -> String {
        format!("integrasjonspunkt-{}", self.name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join(LOG)).unwrap_or_default()
    }

    fn get(&self, path: &str) -> Answer {
        call(self.port, "GET", path, &[], b"")
    }

    fn is_healthy(&self) -> bool {
        try_call(self.port, "GET", "/manage/health", &[], b"").is_ok_and(|answer| answer.status == 200)
    }
}

/// A file of a message that is sent in two halves.
struct Upload {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Upload {
    fn begin(port: u16, name: &str, bytes: &[u8]) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "PUT /api/messages/out/{MESSAGE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \
             application/pdf\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Length: {}\r\n\r\n",
            bytes.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        stream.write_all(first).unwrap();
        Self { stream, rest: rest.to_vec() }
    }

    fn finish(mut self) -> String {
        self.stream.write_all(&self.rest).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
#[ignore = "changes the services of this machine: .ci/windows"]
fn a_service_that_is_stopped_finishes_what_is_in_hand_and_nothing_is_lost() {
    let kept = Kept::new("life");
    kept.settings("");
    let dry = kept.service(&["install", "--dry-run"], 0);
    assert!(dry.contains("NT SERVICE\\integrasjonspunkt-life") && dry.contains(" run --service --home "), "{dry}");
    assert_eq!(kept.standing(), None, "dry");

    kept.service(&["install"], 0);
    assert_eq!(kept.standing().unwrap().state, "running");
    assert!(kept.is_healthy(), "a service that runs listens");
    let status = kept.service(&["status"], 0);
    assert!(status.contains("running") && status.contains("application.log"), "{status}");
    assert!(kept.service(&["install"], 0).contains("nothing to do"));

    let created = call(kept.port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], SBD.as_bytes());
    assert_eq!(created.status, 200, "{}", created.text());
    let disposition =
        [("Content-Type", "text/xml"), ("Content-Disposition", "attachment; filename=\"arkivmelding.xml\"")];
    let put = call(kept.port, "PUT", &format!("/api/messages/out/{MESSAGE}"), &disposition, ARKIVMELDING.as_bytes());
    assert_eq!(put.status, 200, "{}", put.text());
    let letter = b"%PDF letter ".repeat(50_000);
    let upload = Upload::begin(kept.port, "brev.pdf", &letter);
    stopped_while_in_hand(&kept, upload);

    kept.service(&["start"], 0);
    assert_eq!(kept.get("/api/messages/out").json()["totalElements"], 1);
    let rest = Upload::begin(kept.port, "vedlegg.pdf", b"xx").finish();
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
    let sent = call(kept.port, "POST", &format!("/api/messages/out/{MESSAGE}"), &[], b"");
    assert_eq!(sent.status, 200, "{}", sent.text());
    arrives_whole(kept.between.path(), &letter);

    // A shutdown is a stop of the service, and no failure that recovery would mend.
    assert_eq!(call(kept.port, "POST", "/manage/shutdown", &[], b"").status, 200);
    let ended = until("the service to stop", || kept.standing().filter(|it| it.state == "stopped"));
    assert_eq!(ended.ended_with, None);

    kept.service(&["uninstall"], 0);
    assert_eq!(kept.standing(), None);
    assert!(kept.home.path().join("integrasjonspunkt-local.properties").exists(), "the home folder stays");
}

fn stopped_while_in_hand(kept: &Kept, upload: Upload) {
    let mut stopping = Command::new(program()).args(["service", "stop", "--name", kept.name]).spawn().unwrap();
    let mut checkpoints = Vec::new();
    until("checkpoints that grow", || {
        let standing = kept.standing().unwrap();
        assert_ne!(standing.state, "stopped", "what is in hand is not waited for\n{}", kept.log());
        if standing.state == "stopping" && checkpoints.last() != Some(&standing.checkpoint) {
            checkpoints.push(standing.checkpoint);
        }
        (checkpoints.len() >= 3).then_some(())
    });
    assert!(checkpoints.is_sorted(), "{checkpoints:?}");
    assert!(!kept.is_healthy(), "it takes no more");
    let answer = upload.finish();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}\n{}", kept.log());
    assert!(stopping.wait().unwrap().success());
    let standing = kept.standing().unwrap();
    assert_eq!((standing.state, standing.ended_with), ("stopped", None));
    let log = kept.log();
    assert!(log.contains("service stop") && log.contains("ended in order"), "{log}");
}

fn arrives_whole(between: &Path, letter: &[u8]) {
    let receiver = Program::start(RECEIVER, between);
    until("the message to arrive", || {
        Some(call(receiver.port, "GET", "/api/messages/in/peek", &[], b"")).filter(|answer| answer.status == 200)
    });
    let popped = call(receiver.port, "GET", &format!("/api/messages/in/pop/{MESSAGE}"), &[], b"");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(popped.body)).unwrap();
    let mut inside = Vec::new();
    std::io::copy(&mut zip.by_name("brev.pdf").unwrap(), &mut inside).unwrap();
    assert!(inside == letter, "the letter is not the one that was sent");
}

#[test]
#[ignore = "changes the services of this machine: .ci/windows"]
fn what_is_wrong_is_told_before_anything_is_changed_and_of_a_service_in_its_log_and_its_exit_code() {
    let kept = Kept::new("wrong");
    kept.settings("difi.move.queue.maximum-retry-hours=many\n");
    let refused = kept.service(&["install"], 3);
    assert!(refused.contains("maximum-retry-hours") && refused.contains("nothing was changed"), "{refused}");
    assert_eq!(kept.standing(), None);

    kept.settings("");
    kept.service(&["install", "--start", "manual"], 0);
    assert_eq!(kept.standing().unwrap().state, "stopped");
    assert!(kept.service(&["status"], 5).contains("stopped, manual"));

    // Settings that go wrong later are found by the service alone.
    kept.settings("difi.move.queue.maximum-retry-hours=many\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(control::start(&kept.full_name(), PATIENCE)).unwrap_err();
    assert_eq!(ended.to_string(), "it has ended: exit code 3");
    assert!(kept.log().contains("maximum-retry-hours"), "{}", kept.log());
    assert!(kept.service(&["status"], 5).contains("ended: exit code 3"));

    // A port that is taken, too.
    kept.settings("");
    let taken = TcpListener::bind(("127.0.0.1", kept.port)).unwrap();
    let failed = kept.service(&["start"], 1);
    assert!(failed.contains("exit code 1") && failed.contains("application.log"), "{failed}");
    assert!(kept.log().contains("listen on 127.0.0.1"), "{}", kept.log());
    drop(taken);
    kept.service(&["start"], 0);
    assert!(kept.is_healthy());
    kept.service(&["restart"], 0);
    assert!(kept.is_healthy());

    let by_hand = Command::new(program()).args(["run", "--service"]).output().unwrap();
    assert_eq!(by_hand.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&by_hand.stderr).contains("service start has the system start it"));
}
