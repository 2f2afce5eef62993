//! What a person and a monitoring system look at, asked of the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "a test"
)]
#![allow(dead_code, reason = "what the tests of the program share")]

mod program {
    pub mod http;
    pub mod process;
}
#[path = "../../tests/house/exposition.rs"]
mod exposition;

use exposition::Family;
use program::http::{Answer, call};
use program::process::Program;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const OWN: &str = "910077473";
const SBD: &str = include_str!("fixtures/arkivmelding.json");
const MESSAGE: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const ARKIVMELDING: &str = include_str!("fixtures/arkivmelding.xml");

fn get(program: &Program, path: &str) -> Answer {
    call(program.port, "GET", path, &[], b"")
}

/// Creates the message, and sends it whole.
fn send(program: &Program) {
    let json = [("Content-Type", "application/json"), ("User-Agent", "P360/5.2 for 01010112345")];
    assert_eq!(call(program.port, "POST", "/api/messages/out", &json, SBD.as_bytes()).status, 200);
    for (name, bytes) in [("arkivmelding.xml", ARKIVMELDING), ("brev.pdf", "%PDF"), ("vedlegg.pdf", "%PDF")] {
        let named = format!("attachment; name=\"{name}\"; filename=\"{name}\"");
        let headers = [("Content-Disposition", named.as_str()), ("Content-Type", "application/octet-stream")];
        let path = format!("/api/messages/out/{MESSAGE}");
        assert_eq!(call(program.port, "PUT", &path, &headers, bytes.as_bytes()).status, 200, "{name}");
    }
    assert_eq!(call(program.port, "POST", &format!("/api/messages/out/{MESSAGE}"), &json, b"").status, 200);
}

fn metrics(program: &Program) -> BTreeMap<String, Family> {
    let answer = get(program, "/manage/prometheus");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    exposition::parse(&answer.text())
}

/// The value of the sample that has all these labels.
fn value(families: &BTreeMap<String, Family>, name: &str, labels: &[(&str, &str)]) -> f64 {
    let family = families.get(name).unwrap_or_else(|| panic!("{name} is not there"));
    let has = |all: &Vec<(String, String)>| {
        labels.iter().all(|(name, value)| all.iter().any(|(label, is)| label == name && is == value))
    };
    let found: Vec<_> = family.samples.iter().filter(|(all, _)| has(all)).collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
    *found[0].1
}

/// Waits, within bounds, until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        #[allow(clippy::disallowed_methods, reason = "another process has no event for us")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn metrics_are_those_of_the_format_and_their_counts_are_true() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(OWN, between.path());
    send(&program);
    for path in ["/nothing/at/all", "/nothing/else", "/api/statuses/peek", "/api/statuses/peek"] {
        get(&program, path);
    }
    call(program.port, "FROBNICATE", "/", &[], b"");
    until("it is sent", || {
        value(&metrics(&program), "integrasjonspunkt_dispatched_total", &[("outcome", "sent")]) == 1.0
    });
    let families = metrics(&program);
    let requests = "http_server_requests_seconds";
    let count = |labels: &[(&str, &str)]| value(&families, requests, &[labels, &[("", "_count")]].concat());
    assert_eq!(
        count(&[("uri", "/api/statuses/peek"), ("status", "204"), ("method", "GET"), ("outcome", "SUCCESS")]),
        2.0
    );
    assert_eq!(count(&[("uri", "/api/messages/out/{messageId}"), ("method", "PUT")]), 3.0);
    assert_eq!(count(&[("uri", "/**"), ("status", "404"), ("outcome", "CLIENT_ERROR")]), 2.0, "one label for all");
    assert_eq!(count(&[("method", "OTHER"), ("status", "405")]), 1.0);
    let all = families[requests].samples.keys().flatten();
    assert!(all.clone().all(|(_, value)| !value.contains(MESSAGE) && !value.contains("nothing")));
    assert_eq!(value(&families, "integrasjonspunkt_messages", &[("direction", "outgoing")]), 0.0);
    assert_eq!(value(&families, "integrasjonspunkt_queue_length", &[]), 0.0);
    assert_eq!(value(&families, "integrasjonspunkt_database_up", &[("database", "SQLite")]), 1.0);
    assert_eq!(value(&families, "integrasjonspunkt_channel_enabled", &[("service", "DPO")]), 1.0);
    assert_eq!(value(&families, "integrasjonspunkt_channel_enabled", &[("service", "DPV")]), 0.0);
    assert!(value(&families, "integrasjonspunkt_database_size_bytes", &[]) > 0.0);
    assert!(value(&families, "disk_free_bytes", &[]) > 0.0);
}

#[test]
fn metrics_health_and_info_have_the_shape_of_springs_actuator() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(OWN, between.path());
    let json = |path: &str| get(&program, path).json();
    json("/api/conversations");
    let names = json("/manage/metrics")["names"].as_array().unwrap().clone();
    for name in ["http.server.requests", "process.uptime", "disk.free", "integrasjonspunkt.queue.length"] {
        assert!(names.contains(&name.into()), "{name} in {names:?}");
    }
    let requests = json("/manage/metrics/http.server.requests?tag=uri:/api/conversations&tag=status:200");
    assert_eq!(
        (requests["name"].as_str(), requests["baseUnit"].as_str()),
        (Some("http.server.requests"), Some("seconds"))
    );
    assert_eq!(requests["measurements"][0], serde_json::json!({ "statistic": "COUNT", "value": 1 }));
    assert_eq!(requests["measurements"][2]["statistic"], "MAX");
    let tags: Vec<_> = requests["availableTags"].as_array().unwrap().iter().map(|tag| tag["tag"].clone()).collect();
    assert_eq!(tags, ["error", "exception", "method", "outcome"]);
    for (path, status) in [
        ("/manage/metrics/nothing", 404),
        ("/manage/metrics/http.server.requests?tag=uri:/nowhere", 404),
        ("/manage/metrics/http.server.requests?tag=uri", 400),
        ("/manage/health/nothing", 404),
        ("/manage/health/db", 200),
        ("/manage/health/channels/dpo", 200),
        ("/manage/health/liveness", 200),
    ] {
        assert_eq!(get(&program, path).status, status, "{path}");
    }
    let health = json("/manage/health");
    for name in [
        "channels",
        "db",
        "diskSpace",
        "jms",
        "livenessState",
        "messageStatus",
        "nextMoveQueue",
        "ping",
        "readinessState",
        "ssl",
    ] {
        assert_eq!(health["components"][name]["status"], "UP", "{name} in {health}");
    }
    assert!(health["components"]["diskSpace"]["details"]["free"].as_u64().unwrap() > 0);
    assert_eq!(health["components"]["nextMoveQueue"]["details"]["outgoing"], 0);
    assert_eq!(json("/manage/info")["build"]["group"], "no.difi.meldingsutveksling");
    let links = json("/manage");
    assert!(links["_links"]["prometheus"]["href"].as_str().unwrap().ends_with("/manage/prometheus"));
    assert_eq!(links["_links"]["health-path"]["templated"], true);
}

#[test]
fn the_level_of_a_logger_is_changed_while_it_runs() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(OWN, between.path());
    let json = [("Content-Type", "application/json")];
    let post = |name: &str, body: &str, headers: &[(&str, &str)]| {
        call(program.port, "POST", &format!("/manage/loggers/{name}"), headers, body.as_bytes()).status
    };
    let all = get(&program, "/manage/loggers").json();
    assert_eq!(all["levels"], serde_json::json!(["OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"]));
    assert_eq!(all["loggers"]["ROOT"], serde_json::json!({ "configuredLevel": "WARN", "effectiveLevel": "WARN" }));
    assert_eq!(all["loggers"]["integrasjonspunkt::flow"], serde_json::json!({ "effectiveLevel": "INFO" }));
    let log = || get(&program, "/manage/logfile").text();
    assert_eq!(post("STATUS", r#"{"configuredLevel":"OFF"}"#, &json), 204);
    send(&program);
    let sent = || get(&program, &format!("/api/statuses/{MESSAGE}")).text().contains("SENDT");
    until("it is sent", sent);
    assert!(log().contains("AUDIT: Message [id=e99e5cd1"), "{}", log());
    assert!(!log().contains("STATUS:"), "{}", log());
    assert_eq!(post("no.difi.meldingsutveksling", r#"{"configuredLevel":"debug"}"#, &json), 204);
    assert_eq!(get(&program, "/manage/loggers/integrasjonspunkt").json()["configuredLevel"], "DEBUG");
    assert_eq!(post("STATUS", r#"{"configuredLevel":null}"#, &json), 204);
    assert_eq!(get(&program, "/manage/loggers/STATUS").json(), serde_json::json!({ "effectiveLevel": "WARN" }));
    assert_eq!(post("STATUS", r#"{"configuredLevel":"LOUD"}"#, &json), 400);
    assert_eq!(post("STATUS", "{", &json), 400);
    // What a page of another site can send without asking.
    assert_eq!(post("STATUS", r#"{"configuredLevel":"OFF"}"#, &[("Content-Type", "text/plain")]), 415);
}

#[test]
fn each_status_has_its_line_and_nothing_in_the_log_names_a_person() {
    let between = tempfile::tempdir().unwrap();
    let program = Program::start(OWN, between.path());
    send(&program);
    let log = || get(&program, "/manage/logfile").text();
    let line = |status: &str| format!("Message [id={MESSAGE}] updated with status \"{status}\"");
    until("SENDT has its line", || log().contains(&line("SENDT")));
    let log = log();
    assert_eq!(log.matches(&line("OPPRETTET")).count(), 1, "{log}");
    for marker in [
        "conversation_id=\"b4567a25",
        "sender_org_number=\"910077473\"",
        "receiver=\"0192:910075918\"",
        "process_identifier=\"urn:no:difi:profile:arkivmelding",
        "service_identifier=\"DPO\"",
        "direction=\"OUTGOING\"",
        &format!("correlation_id=\"{MESSAGE}\""),
    ] {
        let of = log.lines().find(|text| text.contains(&line("SENDT"))).unwrap();
        assert!(of.contains(marker), "{marker} in {of}");
    }
    assert!(!log.contains("01010112345"));
    let part = call(program.port, "GET", "/manage/logfile", &[("Range", "bytes=0-3")], b"");
    assert_eq!((part.status, part.text().as_str()), (206, &log[..4]));
}

#[test]
fn pages_are_behind_the_user_and_only_read() {
    let between = tempfile::tempdir().unwrap();
    let user = ["--difi.security.enable=true", "--difi.security.user.name=u", "--difi.security.user.password=p"];
    let program = Program::start_with(OWN, between.path(), &user);
    for path in ["/", "/conversations", "/conversations/1", "/style.css", "/manage/logfile", "/manage/loggers/ROOT"] {
        assert_eq!(get(&program, path).status, 401, "{path}");
    }
    let with = [("Authorization", "Basic dTpw")];
    let page = call(program.port, "GET", "/", &with, b"");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(call(program.port, method, "/conversations", &with, b"").status, 405, "{method}");
    }
    assert_eq!(call(program.port, "GET", "/conversations/1", &with, b"").status, 404);
}

/// The browser that is here; none: the test is left out.
fn browser() -> Option<&'static str> {
    let is_here = |name: &&str| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|it| it.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(is_here)
}

fn browse(browser: &str, profile: &Path, more: &[&str], address: &str) -> Vec<u8> {
    let profile = format!("--user-data-dir={}", profile.display());
    let fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", &profile];
    let output = Command::new(browser).args(fixed).args(more).arg(address).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_browser_draws_the_pages_in_their_own_style() {
    let Some(browser) = browser() else {
        eprintln!("left out, because no Chromium is here: a browser draws the pages");
        return;
    };
    let (between, profile) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = Program::start(OWN, between.path());
    send(&program);
    let at = |path: &str| format!("http://127.0.0.1:{}{path}", program.port);
    let dom = browse(browser, profile.path(), &["--dump-dom"], &at("/conversations?search=910075918"));
    let dom = String::from_utf8(dom).unwrap();
    assert!(dom.contains("1 treff") && dom.contains(MESSAGE), "{dom}");
    // A page without its style is white where ours is grey, and a wide one does not fit: both are seen in the picture.
    for (name, size) in [("wide", "1280,1000"), ("phone", "500,1000")] {
        let picture = profile.path().join(format!("{name}.png"));
        let shot = format!("--screenshot={}", picture.display());
        browse(browser, profile.path(), &[&shot, &format!("--window-size={size}")], &at("/"));
        let length = std::fs::metadata(&picture).unwrap().len();
        assert!(length > 20_000, "{name}: {length} bytes is an empty page");
    }
    let families = metrics(&program);
    let styles =
        value(&families, "http_server_requests_seconds", &[("uri", "/style.css"), ("status", "200"), ("", "_count")]);
    assert!(styles >= 1.0, "the style was fetched");
}
