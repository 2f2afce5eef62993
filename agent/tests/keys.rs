//! The real program and its keystores: TLS, a start without keys, and sockets that are handed in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod program {
    #[allow(dead_code, reason = "others use more of it")]
    pub mod http;
    #[allow(dead_code, reason = "others use more of it")]
    pub mod process;
    #[allow(dead_code, reason = "others use more of it")]
    pub mod tls;
}

use program::http::call;
use program::process::{Program, arguments, program};
use program::tls::{over_tls, vector};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const OWN: &str = "910077473";
const SBD: &str = include_str!("fixtures/arkivmelding.json");

fn with_tls(name: &str, kind: &str) -> Vec<String> {
    vec![
        "--difi.ssl.enabled=true".into(),
        format!("--difi.ssl.key-store=file:{}", vector(name).display()),
        format!("--difi.ssl.key-store-type={kind}"),
        "--difi.ssl.key-store-password=changeit".into(),
        "--difi.ssl.key-alias=virksomhet".into(),
    ]
}

fn started(more: &[String]) -> (Program, tempfile::TempDir) {
    let between = tempfile::tempdir().unwrap();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    (Program::start_with(OWN, between.path(), &more), between)
}

const HEALTH: &str = "GET /manage/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[test]
fn the_api_is_served_over_tls_with_java_s_keystore_and_one_who_dawdles_holds_up_nobody() {
    let (program, _between) = started(&with_tls("java.jks", "JKS"));
    // Connected, and never a word; connected, and no TLS.
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", program.port)).unwrap()).collect();
    let mut plain = TcpStream::connect(("127.0.0.1", program.port)).unwrap();
    plain.write_all(HEALTH.as_bytes()).unwrap();
    let mut half = TcpStream::connect(("127.0.0.1", program.port)).unwrap();
    half.write_all(&[0x16, 3, 1]).unwrap();

    let answer = over_tls(program.port, HEALTH).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000 ; includeSubDomains\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let chain = &body["components"]["ssl"]["details"]["validChains"][0];
    assert_eq!((&chain["alias"], &chain["certificates"][0]["subject"]), (&"virksomhet".into(), &"leaf".into()));

    let mut told = Vec::new();
    // Whether it says why or just closes is its own affair; nothing of HTTP is in it.
    let _ = plain.read_to_end(&mut told);
    assert!(!String::from_utf8_lossy(&told).contains("HTTP"), "answered in the clear");

    let shutdown =
        "POST /manage/shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(over_tls(program.port, shutdown).unwrap().starts_with("HTTP/1.1 200"));
    let begun = Instant::now();
    drop(half);
    assert_eq!(program.exit_code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "waits for those who say nothing: {:?}", begun.elapsed());
    drop(silent);
}

#[test]
fn a_keystore_whose_type_is_told_wrong_is_read_all_the_same() {
    let (program, _between) = started(&with_tls("openssl-legacy.p12", "JKS"));
    assert!(over_tls(program.port, HEALTH).unwrap().starts_with("HTTP/1.1 200"));
}

/// Until it ends by itself: how, and what it said.
fn ended(home: &Path, arguments: &[String]) -> (Option<i32>, String) {
    let output = Command::new(program()).current_dir(home).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    (output.status.code(), said)
}

#[test]
fn tls_without_a_keystore_is_a_mistake_of_the_settings() {
    let home = tempfile::tempdir().unwrap();
    let none = arguments(OWN, home.path(), &["--difi.ssl.enabled=true"]);
    let (code, said) = ended(home.path(), &none);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("it is not set, at default (difi.ssl.key-store)"), "{said}");
}

fn create(port: u16) -> program::http::Answer {
    call(port, "POST", "/api/messages/out", &[("Content-Type", "application/json")], SBD.as_bytes())
}

#[test]
fn without_its_keys_it_runs_and_says_what_is_closed() {
    let missing =
        ["--difi.move.org.keystore.path=none.p12".to_owned(), "--difi.move.feature.enableDPE=true".to_owned()];
    let (program, _between) = started(&missing);
    let health = call(program.port, "GET", "/manage/health", &[], b"");
    assert_eq!(health.status, 503);
    let keystore = &health.json()["components"]["keystore"];
    assert_eq!(keystore["status"], "DOWN");
    let error = keystore["details"]["error"].as_str().unwrap();
    assert!(error.contains("none.p12 cannot be read"), "{error}");
    assert_eq!(call(program.port, "GET", "/manage/health/readiness", &[], b"").status, 200);
    // The folder needs no keys.
    assert_eq!(create(program.port).status, 200);

    // The same service over the world would.
    let more = [
        "--difi.move.feature.enableDPO=true".to_owned(),
        "--integrasjonspunkt.loopback.service=DPO".to_owned(),
        format!("--difi.move.org.keystore.path=file:{}", vector("openssl.p12").display()),
        "--difi.move.org.keystore.password=changeit".to_owned(),
        "--difi.move.org.keystore.alias=VIRKSOMHET".to_owned(),
    ];
    let (program, _between) = started(&more);
    let health = call(program.port, "GET", "/manage/health", &[], b"");
    assert_eq!(health.status, 200, "{}", health.text());
    let details = &health.json()["components"]["keystore"]["details"];
    assert_eq!((&details["subject"], &details["issuer"]), (&"leaf".into(), &"between".into()));
    assert!(details["daysLeft"].as_i64().unwrap() > 30_000, "{details}");
}

#[test]
fn the_key_of_the_files_is_wrapped_for_the_keystore() {
    let more = [
        format!("--difi.move.org.keystore.path=file:{}", vector("java.p12").display()),
        "--difi.move.org.keystore.password=changeit".to_owned(),
        "--difi.move.org.keystore.alias=virksomhet".to_owned(),
        "--integrasjonspunkt.blobs.key-wrapping=keystore".to_owned(),
    ];
    let (program, _between) = started(&more);
    assert_eq!(create(program.port).status, 200);
    let program = program.killed_and_started_again();
    let listed = call(program.port, "GET", "/api/messages/out", &[], b"");
    assert_eq!(listed.json()["totalElements"], 1, "{}", listed.text());
}

#[cfg(unix)]
#[test]
fn with_a_socket_that_is_handed_in_nobody_is_refused_during_a_restart() {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let between = tempfile::tempdir().unwrap();
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let info = program::http::try_call(port, "GET", "/manage/info", &[], b"");
                    assert_eq!(info.expect("nobody is refused, and nobody is cut off").status, 200);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Ends the clients also where something fails.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..4 {
                let program = Program::start_on(&socket, OWN, between.path());
                assert_eq!(program.port, port);
                let (before, begun) = (asked.load(Ordering::Relaxed), Instant::now());
                while asked.load(Ordering::Relaxed) < before + 40 {
                    assert!(begun.elapsed() < Duration::from_secs(30), "it does not answer");
                    std::thread::yield_now();
                }
                program.terminate();
                assert_eq!(program.exit_code(), Some(0));
            }
            Program::start_on(&socket, OWN, between.path())
        }));
        done.store(true, Ordering::Relaxed);
        ended.unwrap()
    });
    eprintln!("{} requests over four restarts", asked.load(Ordering::Relaxed));
}
