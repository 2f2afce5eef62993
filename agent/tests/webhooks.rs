//! Subscriptions and pushes of the real program: what is answered, what is told, and that it is told whatever dies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "what the tests of the program share")]

mod program {
    pub mod http;
    pub mod postgres;
    pub mod process;
}
#[path = "../../tests/src/world/sink.rs"]
mod sink;

use program::http::{Answer, call, try_call};
use program::postgres::Cluster;
use program::process::Program;
use serde_json::{Value, json};
use sink::{Call, Manners, Sink};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

const OWN: &str = "910075918";
const SBD: &str = include_str!("fixtures/arkivmelding.json");
const ID: &str = "e99e5cd1-74de-4cce-b902-cecdf97dc4f3";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// A lease of a killed one runs out after the time limits of a call and five seconds.
const QUICK: [&str; 2] = ["--difi.move.webhooks.connectTimeout=500", "--difi.move.webhooks.readTimeout=500"];
const PATIENCE: Duration = Duration::from_mins(1);

fn subscribe(program: &Program, name: &str, endpoint: &str, filter: Option<&str>) -> i64 {
    let body = json!({ "name": name, "pushEndpoint": endpoint, "resource": "all", "event": "all", "filter": filter });
    let answer = call(program.port, "POST", "/api/subscriptions", &JSON, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_i64().unwrap()
}

fn message(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

fn create(port: u16, number: u32) -> Option<Answer> {
    let sbd = SBD.replace(ID, &message(number));
    try_call(port, "POST", "/api/messages/out", &JSON, sbd.as_bytes()).ok()
}

fn body(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

/// Calls that are about statuses.
fn statuses(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| body(call)["event"] == "status").collect()
}

fn is_signed(call: &Call, secret: &str) -> bool {
    let seconds = call.header("webhook-timestamp").parse().unwrap();
    let secret = efm::secret::Secret::new(secret);
    call.header("webhook-signature") == efm::webhook::signature(&secret, call.header("webhook-id"), seconds, &call.body)
}

fn deliveries(program: &Program, subscription: i64) -> Vec<Value> {
    let path = format!("/api/subscriptions/{subscription}/deliveries?size=2000");
    call(program.port, "GET", &path, &[], b"").json()["content"].as_array().unwrap().clone()
}

#[test]
fn subscriptions_are_answered_as_today() {
    let sink = Sink::start(0).unwrap();
    sink.behave("/away", sink::Answer::Status(404));
    let between = tempfile::tempdir().unwrap();
    let program = Program::start_with(OWN, between.path(), &QUICK);
    let mut seen = String::new();
    let port = sink.port().to_string();
    let mut ask = |method: &str, path: &str, body: &str| {
        let answer = call(program.port, method, path, &JSON, body.replace("PORT", &port).as_bytes());
        let text = answer.text_without_times().replace(&port, "PORT");
        write!(seen, "{method} {path} {body}\n{} {text}\n\n", answer.status).unwrap();
    };
    let all = "/api/subscriptions";
    let well = r#"{"name":"n","pushEndpoint":"http://127.0.0.1:PORT/hook","resource":"messages","event":"status","filter":"status=FEIL,LEVETID_UTLOPT&direction=INCOMING"}"#;
    ask("GET", all, "");
    ask("POST", all, well);
    ask("POST", all, well);
    ask(
        "POST",
        all,
        r#"{"name":2,"pushEndpoint":"http://127.0.0.1:PORT/away","resource":"all","event":"all","strange":{}}"#,
    );
    ask("GET", all, "");
    ask("GET", "/api/subscriptions?page=1&size=1", "");
    ask("GET", "/api/subscriptions?sort=name,asc", "");
    ask("GET", "/api/subscriptions/1", "");
    ask("GET", "/api/subscriptions/1234", "");
    ask("GET", "/api/subscriptions/x", "");
    ask("PUT", "/api/subscriptions/1", r#"{"name":"m","filter":"serviceIdentifier=DPO"}"#);
    ask("PUT", "/api/subscriptions/1", r#"{"name":"2","pushEndpoint":"http://127.0.0.1:PORT/away"}"#);
    ask("PUT", "/api/subscriptions/1", r#"{"resource":"things","filter":"status"}"#);
    ask("PUT", "/api/subscriptions/1234", r#"{"name":"m"}"#);
    ask("GET", "/api/subscriptions/1", "");
    ask("POST", all, "{}");
    ask(
        "POST",
        all,
        r#"{"id":7,"name":"n","pushEndpoint":"case.local/hook","resource":"message","event":"ping","filter":"state=FEIL"}"#,
    );
    ask(
        "POST",
        all,
        r#"{"name":"n","pushEndpoint":"http://169.254.169.254/","resource":"all","event":"all","filter":"status!=FEIL"}"#,
    );
    ask("POST", all, "{");
    ask("POST", all, r#"{"name":{}}"#);
    ask("PATCH", "/api/subscriptions/1", "");
    ask("GET", "/api/subscriptions/1234/deliveries", "");
    ask("DELETE", "/api/subscriptions/1", "");
    ask("DELETE", "/api/subscriptions/1", "");
    ask("DELETE", all, "");
    ask("GET", all, "");
    let again = call(program.port, "POST", all, &JSON, well.replace("PORT", &port).as_bytes()).text();
    let members: Vec<_> =
        again.split('"').skip(1).step_by(2).filter(|it| again.contains(&format!("\"{it}\" : "))).collect();
    assert_eq!(members, ["id", "name", "pushEndpoint", "resource", "event", "filter"]);
    let plain = call(program.port, "POST", all, &[("Content-Type", "text/plain")], b"x");
    assert_eq!(plain.status, 415);
    insta::assert_snapshot!(seen.replace("\\n", "\n"));
    let pings: Vec<_> = sink.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(
        pings,
        ["/hook", "/away", "/hook"],
        "a new endpoint is pinged, one that is there or would be there twice is not"
    );
}

#[test]
fn a_ping_may_be_asked_for() {
    let sink = Sink::start(0).unwrap();
    sink.behave("/away", sink::Answer::Status(404));
    let between = tempfile::tempdir().unwrap();
    let required = [QUICK[0], QUICK[1], "--integrasjonspunkt.webhooks.ping=required"];
    let program = Program::start_with(OWN, between.path(), &required);
    let body = json!({ "name": "n", "pushEndpoint": sink.url("/away"), "resource": "all", "event": "all" }).to_string();
    let refused = call(program.port, "POST", "/api/subscriptions", &JSON, body.as_bytes()).json();
    assert_eq!(refused["exception"], "no.difi.meldingsutveksling.exceptions.WebhookPushEndpointPingFailedException");
    assert_eq!(refused["message"], "Ping failed with: 404 Not Found.");
    subscribe(&program, "n", &sink.url("/hook"), None);
}

#[test]
fn each_status_is_told_signed_and_in_order_and_the_log_knows_it() {
    let sink = Sink::start(0).unwrap();
    let between = tempfile::tempdir().unwrap();
    let signed = format!("--integrasjonspunkt.webhooks.secret={SECRET}");
    let program = Program::start_with(OWN, between.path(), &[&signed]);
    let all = subscribe(&program, "all", &sink.url("/all"), None);
    subscribe(&program, "some", &sink.url("/some"), Some("status=sendt&direction=OUTGOING"));
    let plain = SBD.replace(ID, &message(1)).replace("910077473", OWN);
    assert_eq!(call(program.port, "POST", "/api/messages/out", &JSON, plain.as_bytes()).status, 200);
    let one = format!("/api/messages/out/{}", message(1));
    for name in ["brev.pdf", "vedlegg.pdf", "arkivmelding.xml"] {
        let disposition = format!("attachment; filename={name}");
        let headers = [("Content-Type", "application/pdf"), ("Content-Disposition", disposition.as_str())];
        let bytes = include_bytes!("fixtures/arkivmelding.xml");
        assert_eq!(call(program.port, "PUT", &one, &headers, bytes).status, 200);
    }
    assert_eq!(call(program.port, "POST", &one, &[], b"").status, 200);
    assert!(sink.wait("/all", PATIENCE, |calls| statuses(calls).len() >= 5), "{:?}", sink.calls());
    let calls = sink.calls_of("/all");
    assert_eq!(body(&calls[0])["event"], "ping");
    assert!(calls[0].header("webhook-id").starts_with("ping_"));
    let told = |direction: &str| -> Vec<String> {
        let of = statuses(&calls).into_iter().map(body).filter(|body| body["direction"] == direction);
        of.map(|body| body["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told("INCOMING"), ["OPPRETTET", "INNKOMMENDE_MOTTATT"]);
    let outgoing = told("OUTGOING");
    assert_eq!((&outgoing[..2], outgoing.len()), (&["OPPRETTET".to_owned(), "SENDT".to_owned()][..], 3));
    for call in &calls {
        assert!(is_signed(call, SECRET), "{call:?}");
        assert_eq!(call.header("content-type"), "application/json");
        assert!(call.header("user-agent").starts_with("integrasjonspunkt/"));
    }
    let ids: BTreeSet<_> = calls.iter().map(|call| call.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), calls.len(), "each is told once while nothing fails");
    assert!(sink.wait("/some", PATIENCE, |calls| statuses(calls).len() == 1));
    let some = sink.calls_of("/some");
    assert!(ids.contains(some[1].header("webhook-id")), "one event has one name, whoever is told");
    let numbers: BTreeSet<_> = statuses(&calls).iter().map(|call| call.header("webhook-id").to_owned()).collect();
    let known = call(program.port, "GET", "/api/statuses?size=50", &[], b"").json();
    for status in known["content"].as_array().unwrap() {
        assert!(numbers.contains(&format!("msg_{}_{}", status["messageId"].as_str().unwrap(), status["id"])));
    }
    let log = deliveries(&program, all);
    assert_eq!(log.last().unwrap()["event"], "ping");
    assert!(log.iter().all(|row| row["outcome"] == "DELIVERED" && row["code"] == 200 && row["try"] == 1), "{log:?}");
}

#[test]
fn who_is_dead_slow_or_elsewhere_holds_up_nobody_else() {
    let sink = Sink::start(0).unwrap();
    sink.behave("/silent", sink::Answer::Silence);
    sink.behave("/gone", sink::Answer::HangUp);
    sink.behave("/moved", sink::Answer::Redirect(sink.url("/elsewhere")));
    sink.behave("/slow", Manners { latency: Duration::from_millis(400), ..Manners::default() });
    let between = tempfile::tempdir().unwrap();
    let program = Program::start_with(OWN, between.path(), &QUICK);
    let bad: Vec<_> =
        ["/silent", "/gone", "/moved"].map(|path| subscribe(&program, path, &sink.url(path), None)).to_vec();
    subscribe(&program, "slow", &sink.url("/slow"), None);
    subscribe(&program, "nobody", "http://127.0.0.1:1/", None);
    subscribe(&program, "good", &sink.url("/good"), None);
    for number in 0..10 {
        assert_eq!(create(program.port, number).unwrap().status, 200);
    }
    assert!(sink.wait("/good", PATIENCE, |calls| statuses(calls).len() == 10));
    let good = sink.calls_of("/good");
    let order: Vec<_> = statuses(&good).iter().map(|call| body(call)["messageId"].clone()).collect();
    assert_eq!(order, (0..10).map(|number| Value::from(message(number))).collect::<Vec<_>>());
    assert!(sink.wait("/moved", PATIENCE, |calls| !statuses(calls).is_empty()));
    assert_eq!(sink.calls_of("/elsewhere").len(), 0, "a redirect is not followed");
    // The first waits for its second try, and the others for the first.
    assert!(bad.iter().all(|lane| deliveries(&program, *lane).iter().all(|row| row["outcome"] == "FAILED")));
    // It is mended, and everything comes, the oldest first.
    sink.behave("/gone", sink::Answer::Status(204));
    assert!(
        sink.wait("/gone", PATIENCE, |calls| statuses(calls).iter().filter(|it| it.answered.is_some()).count() == 10)
    );
    let gone = sink.calls_of("/gone");
    let first = statuses(&gone);
    assert_eq!(first[0].header("webhook-id"), first[1].header("webhook-id"), "the same call, by the same name");
    assert_eq!(first[0].body, first[1].body);
}

#[test]
fn what_was_noted_is_told_after_a_kill_before_and_after_the_call() {
    let sink = Sink::start(0).unwrap();
    let between = tempfile::tempdir().unwrap();
    let program = Program::start_with(OWN, between.path(), &QUICK);
    subscribe(&program, "hook", &sink.url("/hook"), None);
    // Killed at once when it has acknowledged: the push is on the disk, made or not.
    sink.behave("/hook", Manners { latency: Duration::from_millis(300), ..Manners::default() });
    for number in 0..3 {
        assert_eq!(create(program.port, number).unwrap().status, 200);
    }
    let program = program.killed_and_started_again();
    assert!(sink.wait("/hook", PATIENCE, |calls| events(calls).len() == 3), "{:?}", sink.calls());
    // Killed when the call has come, before it is answered: it comes again, under the same name.
    let before = sink.calls().len();
    sink.behave("/hook", sink::Answer::Silence);
    assert_eq!(create(program.port, 9).unwrap().status, 200);
    assert!(sink.wait("/hook", PATIENCE, |calls| calls.len() > before));
    let program = program.killed_and_started_again();
    sink.behave("/hook", sink::Answer::Status(200));
    let last = |call: &&Call| call.body.contains(&message(9));
    assert!(sink.wait("/hook", PATIENCE, |calls| calls.iter().filter(last).any(|call| call.answered.is_some())));
    let calls = sink.calls();
    let names: BTreeSet<_> = calls.iter().filter(last).map(|call| call.header("webhook-id")).collect();
    assert_eq!((names.len(), calls.iter().filter(last).count() > 1), (1, true));
    drop(program);
}

/// The names of all events that were taken, in the order in which they first came.
fn events(calls: &[Call]) -> Vec<String> {
    let mut names = Vec::new();
    for call in statuses(calls).into_iter().filter(|call| call.answered == Some(200)) {
        let name = call.header("webhook-id").to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// All events of what the programs know are told, each conversation's in order.
fn all_are_told(program: &Program, sink: &Sink, path: &str) {
    let known = call(program.port, "GET", "/api/statuses?size=2000", &[], b"").json();
    let known: Vec<(String, i64)> = known["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["messageId"].as_str().unwrap().to_owned(), row["id"].as_i64().unwrap()))
        .collect();
    let names: BTreeSet<_> = known.iter().map(|(message, number)| format!("msg_{message}_{number}")).collect();
    let is_whole = |calls: &[Call]| names.iter().all(|name| events(calls).contains(name));
    assert!(sink.wait(path, PATIENCE, is_whole), "{} of {}", events(&sink.calls_of(path)).len(), names.len());
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for name in events(&sink.calls_of(path)) {
        let (message, number) = name.rsplit_once('_').unwrap();
        let number: i64 = number.parse().unwrap();
        assert!(last.insert(message.to_owned(), number).is_none_or(|before| before < number), "{name} came too late");
    }
}

#[test]
fn nothing_that_was_acknowledged_is_left_untold_whenever_it_is_killed() {
    const KILLS: u32 = 12;
    let sink = Sink::start(0).unwrap();
    sink.behave("/hook", Manners { latency: Duration::from_millis(3), ..Manners::default() });
    let between = tempfile::tempdir().unwrap();
    let program = Program::start_with(OWN, between.path(), &QUICK);
    subscribe(&program, "hook", &sink.url("/hook"), None);
    let (port, is_over) = (AtomicU16::new(program.port), AtomicBool::new(false));
    let (program, acknowledged) = std::thread::scope(|scope| {
        let mut program = program;
        let client = scope.spawn(|| {
            let mut acknowledged = BTreeSet::new();
            for number in 0.. {
                if is_over.load(Ordering::Acquire) {
                    break;
                }
                let answer = create(port.load(Ordering::Acquire), number);
                if answer.is_some_and(|answer| answer.status == 200) {
                    acknowledged.insert(message(number));
                }
                pause(5);
            }
            acknowledged
        });
        for kill in 0..KILLS {
            // No two instants are the same on a loaded machine; the first kills come while calls are in hand.
            pause(20 + u64::from(kill) * 37 % 200);
            program = program.killed_and_started_again();
            port.store(program.port, Ordering::Release);
        }
        is_over.store(true, Ordering::Release);
        (program, client.join().unwrap())
    });
    all_are_told(&program, &sink, "/hook");
    let told = events(&sink.calls());
    for id in &acknowledged {
        assert!(told.iter().any(|name| name.contains(id)), "{id} was acknowledged and never told");
    }
    eprintln!("{} messages, {KILLS} kills, {} calls for {} events", acknowledged.len(), sink.calls().len(), told.len());
    assert!(acknowledged.len() > 5);
}

fn pause(millis: u64) {
    #[allow(clippy::disallowed_methods, reason = "the instants of kills are what is tested")]
    std::thread::sleep(Duration::from_millis(millis));
}

#[cfg(unix)]
#[test]
fn a_call_that_is_in_hand_when_it_is_stopped_is_finished_and_not_made_again() {
    let sink = Sink::start(0).unwrap();
    sink.behave("/hook", Manners { latency: Duration::from_millis(400), ..Manners::default() });
    let between = tempfile::tempdir().unwrap();
    let database = tempfile::tempdir().unwrap();
    let database = format!("--difi.datasource.url=jdbc:sqlite:{}", database.path().join("it.sqlite").display());
    let start = || Program::start_with(OWN, between.path(), &[&database, QUICK[0], QUICK[1]]);
    let program = start();
    let lane = subscribe(&program, "hook", &sink.url("/hook"), None);
    assert_eq!(create(program.port, 1).unwrap().status, 200);
    assert!(sink.wait("/hook", PATIENCE, |calls| !statuses(calls).is_empty()));
    program.terminate();
    assert_eq!(program.exit_code(), Some(0));
    let program = start();
    let log = deliveries(&program, lane);
    assert_eq!((log[0]["outcome"].as_str(), log[0]["try"].as_i64()), (Some("DELIVERED"), Some(1)), "{log:?}");
    assert_eq!(create(program.port, 2).unwrap().status, 200);
    assert!(sink.wait("/hook", PATIENCE, |calls| statuses(calls).len() >= 2));
    let names: BTreeSet<_> = statuses(&sink.calls()).iter().map(|call| call.header("webhook-id").to_owned()).collect();
    assert_eq!(names.len(), 2);
}

#[test]
fn two_on_one_postgresql_share_the_lanes_and_one_takes_over() {
    let Some(cluster) = Cluster::start("pushes of two programs on one PostgreSQL") else { return };
    let (between, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = format!("--difi.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres?user=test", cluster.port);
    let files = format!("--difi.move.nextmove.filedir={}", files.path().display());
    let start = || Program::start_with(OWN, between.path(), &[&database, &files, QUICK[0], QUICK[1]]);
    let (first, second) = (start(), start());
    let sink = Sink::start(0).unwrap();
    let lanes = ["/a", "/b", "/c", "/d"];
    for path in lanes {
        sink.behave(path, Manners { latency: Duration::from_millis(20), ..Manners::default() });
        subscribe(&first, path, &sink.url(path), None);
    }
    for number in 0..20 {
        assert_eq!(create(if number % 2 == 0 { first.port } else { second.port }, number).unwrap().status, 200);
    }
    for path in lanes {
        all_are_told(&second, &sink, path);
        let calls = sink.calls_of(path);
        assert_eq!(statuses(&calls).len(), events(&calls).len(), "while both live nothing is told twice");
    }
    // One of them goes with what it has in hand.
    for number in 20..30 {
        assert_eq!(create(first.port, number).unwrap().status, 200);
    }
    drop(first);
    for path in lanes {
        all_are_told(&second, &sink, path);
    }
}
