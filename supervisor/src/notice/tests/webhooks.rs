//! Against a server that speaks HTTP, on this machine.

use efm::chain::Chain;
use efm::clock::Clock;
use efm::secret::Secret;
use ring::hmac;
use std::path::Path;
use std::time::Duration;

use super::callee::{Callee, Does};
use super::server::Server as MailServer;
use super::{about, at, mail_to, names, open, upgraded, version, warning};
use crate::config::settings::{Mail, MailSecurity, Mode, Network, Told, Webhook};
use crate::notice::outbox::LETTERS_AT_MOST;
use crate::notice::{NoticeError, Notices};
use crate::ports::{Attempt, Event, Happening, Notice};

const KEY: &str = "a secret of this test alone";

fn network() -> Network {
    Network {
        way: efm::outside::Network::straight("kosmos/test", Duration::from_secs(10)),
        read_timeout: Duration::from_secs(20),
        total_timeout: Duration::from_secs(30),
        slowest_bytes_per_second: 0,
        fastest_bytes_per_second: None,
        list_limit_bytes: 1 << 20,
        signature_limit_bytes: 1 << 16,
        jar_limit_bytes: 1 << 20,
    }
}

fn hook(name: &str, port: u16) -> Webhook {
    Webhook {
        name: name.into(),
        url: Secret::new(format!("http://127.0.0.1:{port}/hooks/T0K3N-in-the-path?key=T0K3N-in-the-query")),
        events: None,
        secret: None,
        header: None,
    }
}

fn with(notices: Notices, hooks: Vec<Webhook>) -> Notices {
    notices.with_webhooks(hooks, network(), "host7".into())
}

fn only(state: &Path, hook: Webhook) -> Notices {
    with(open(state, None), vec![hook])
}

async fn once(notices: &Notices) -> Result<(), NoticeError> {
    notices.call_once().await.remove(0)
}

/// Delivers for as long as `until` takes; for ever it does not.
async fn delivering<T>(notices: &Notices, until: impl Future<Output = T>) -> T {
    let both = async {
        tokio::select! {
            () = notices.deliver() => panic!("it delivers for ever"),
            done = until => done,
        }
    };
    tokio::time::timeout(Duration::from_secs(30), both).await.unwrap()
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn waiting(state: &Path) -> usize {
    let Ok(all) = std::fs::read_dir(state.join("outbox")) else { return 0 };
    all.filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with("webhook.")).count()
}

fn last_reason(notices: &Notices) -> String {
    notices.history.read(1).unwrap().remove(0).reason.unwrap()
}

#[tokio::test]
async fn a_call_says_what_happened_and_is_signed() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    let webhook = Webhook {
        secret: Some(Secret::new(KEY)),
        header: Some(("X-Api-Key".into(), Secret::new("t0k3n"))),
        ..hook("on-call", callee.port())
    };
    let notices = only(state.path(), webhook);
    let attempt = Attempt { id: "2026-11-21T05-30-00Z-4.0.8".into(), steps: Vec::new() };
    let reason = Some("up after 38 s; user 01010112345 password=hunter2".into());
    notices.tell(Event { attempt: Some(attempt), reason, ..upgraded() });
    callee.during(once(&notices)).await.unwrap();
    let calls = callee.calls();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call.line, "POST /hooks/T0K3N-in-the-path?key=T0K3N-in-the-query HTTP/1.1");
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert_eq!(call.header("x-api-key"), Some("t0k3n"));
    let (id, seconds) = (call.header("webhook-id").unwrap(), call.header("webhook-timestamp").unwrap());
    let tag = call.header("webhook-signature").unwrap().strip_prefix("v1,").unwrap();
    let tag = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, tag).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    hmac::verify(&key, format!("{id}.{seconds}.{}", call.body).as_bytes(), &tag).unwrap();
    assert!(hmac::verify(&key, format!("{id}.{seconds}.{} ", call.body).as_bytes(), &tag).is_err());
    let age = Clock::machine().now().as_second() - seconds.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");

    let said: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    for (name, value) in [
        ("event", "upgraded"),
        ("outcome", "success"),
        ("from", "4.0.7"),
        ("to", "4.0.8"),
        ("attempt", "2026-11-21T05-30-00Z-4.0.8"),
        ("host", "host7"),
        ("site", "991825827 on host7, /srv/integrasjonspunkt"),
        ("summary", "Upgrade SUCCESS integrasjonspunkt-4.0.8.jar"),
        ("id", id),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    assert_eq!((said["schema"].as_u64(), said["downtime_ms"].as_u64()), (Some(1), Some(41_250)));
    for secret in ["hunter2", "01010112345", "T0K3N", "t0k3n", "Started Application"] {
        assert!(!call.body.contains(secret), "{secret}: {}", call.body);
    }
    assert_eq!(waiting(state.path()), 0);
}

#[tokio::test]
async fn who_is_told_of_what_is_chosen_and_where_nothing_is_chosen_it_is_what_a_mail_tells() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    let some = Webhook { events: Some(vec![Told::Staged, Told::Restarted]), ..hook("some", callee.port()) };
    let notices = with(open(state.path(), None), vec![hook("as-mail", callee.port()), some]);
    let staged = Happening::Staged { version: version("4.0.9"), signer: "AEF27AA6".into() };
    notices.tell(Event::of(staged));
    notices.tell(Event::of(Happening::Restarted { version: version("4.0.8") }));
    notices.tell(warning("the disk is nearly full"));
    callee.during(notices.call_once()).await;
    let events: Vec<String> = callee.calls().iter().map(|call| call.said("event")).collect();
    assert_eq!(events, ["warning", "staged", "restarted"]);
    assert_eq!(callee.calls()[1].said("summary"), "staged 4.0.9");
}

#[tokio::test]
async fn a_server_that_is_down_loses_nothing_and_its_calls_keep_their_ids() {
    let state = tempfile::tempdir().unwrap();
    let down = Callee::start().await;
    let port = down.port();
    drop(down);
    let notices = only(state.path(), hook("on-call", port));
    for number in 0..3 {
        notices.tell(warning(&format!("number {number}")));
    }
    let error = once(&notices).await.unwrap_err();
    let words = Chain(&error).to_string();
    assert!(words.contains("call webhook on-call: connect to 127.0.0.1"), "{words}");
    assert!(!words.contains("T0K3N"), "{words}");
    assert!(once(&notices).await.is_err());
    assert_eq!(names(&notices), ["warning", "warning", "warning", "webhook-failed"], "told once, not at each try");
    drop(notices);
    // Another supervisor, and the server is there, elsewhere: where a call goes is decided when it is made.
    let callee = Callee::start().await;
    let notices = only(state.path(), hook("on-call", callee.port()));
    callee.during(once(&notices)).await.unwrap();
    let reasons: Vec<String> = callee.calls().iter().map(|call| call.said("reason")).collect();
    assert_eq!(reasons, ["number 0", "number 1", "number 2"], "oldest first");
    let ids: std::collections::BTreeSet<_> = callee.calls().iter().map(|call| call.said("id")).collect();
    assert_eq!((ids.len(), waiting(state.path())), (3, 0));
}

#[tokio::test]
async fn a_supervisor_that_is_killed_between_the_call_and_its_end_calls_again_with_the_same_id() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    callee.does(&[Does::TakeAndSayNothing]);
    let notices = only(state.path(), hook("on-call", callee.port()));
    notices.tell(upgraded());
    // The future is dropped as a kill would drop it: the server has it all, and nobody here knows.
    callee.during(delivering(&notices, until(|| callee.calls().len() == 1))).await;
    drop(notices);
    let notices = only(state.path(), hook("on-call", callee.port()));
    callee.during(once(&notices)).await.unwrap();
    let calls = callee.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_eq!(calls[0].body, calls[1].body);
    assert_eq!(waiting(state.path()), 0);
}

#[tokio::test]
async fn what_a_server_cannot_take_now_is_kept_and_what_it_will_not_have_is_given_up_and_told_once() {
    for status in [500, 502, 503, 408, 429, 302] {
        let state = tempfile::tempdir().unwrap();
        let callee = Callee::start().await;
        callee.does(&[Does::Answer(status, "")]);
        let notices = only(state.path(), hook("on-call", callee.port()));
        notices.tell(upgraded());
        let error = callee.during(once(&notices)).await.unwrap_err();
        assert!(matches!(error, NoticeError::Answer { status: said, .. } if said == status), "{status}: {error}");
        assert_eq!((callee.calls().len(), waiting(state.path())), (1, 1), "{status}: no redirect is followed");
        callee.during(once(&notices)).await.unwrap();
        assert_eq!(waiting(state.path()), 0, "{status}");
    }
    for status in [400, 401, 404, 410] {
        let state = tempfile::tempdir().unwrap();
        let callee = Callee::start().await;
        callee.does(&[Does::Answer(status, ""), Does::Answer(status, "")]);
        let notices =
            with(open(state.path(), Some(mail_to(&["drift@example.no"]))), vec![hook("on-call", callee.port())]);
        notices.tell(warning("one"));
        notices.tell(warning("other"));
        callee.during(once(&notices)).await.unwrap();
        assert_eq!((callee.calls().len(), waiting(state.path())), (2, 0), "{status}: not called again");
        assert_eq!(names(&notices), ["warning", "warning", "webhook-given-up", "webhook-given-up"]);
        assert!(last_reason(&notices).contains(&format!("answered {status} to warning")), "{}", last_reason(&notices));
        assert_eq!(notices.waiting(), 3, "two warnings, and one mail about the webhook");
        // It takes the next one: should it refuse again, that is news.
        notices.tell(warning("third"));
        callee.during(once(&notices)).await.unwrap();
        callee.does(&[Does::Answer(status, "")]);
        notices.tell(warning("fourth"));
        callee.during(once(&notices)).await.unwrap();
        assert_eq!(notices.waiting(), 6);
    }
}

#[tokio::test]
async fn one_call_that_is_not_taken_holds_up_none_but_three_in_a_row_end_the_round() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    let notices = only(state.path(), hook("on-call", callee.port()));
    for number in 0..6 {
        notices.tell(warning(&format!("number {number}")));
    }
    callee.does(&[Does::Answer(500, ""), Does::Answer(200, "")]);
    assert!(callee.during(once(&notices)).await.is_err());
    assert_eq!((callee.calls().len(), waiting(state.path())), (6, 1));
    for number in 6..11 {
        notices.tell(warning(&format!("number {number}")));
    }
    callee.does(&[Does::Answer(500, ""); 3]);
    assert!(callee.during(once(&notices)).await.is_err());
    assert_eq!((callee.calls().len(), waiting(state.path())), (9, 6));
}

#[tokio::test]
async fn a_slow_drip_is_given_up_in_time() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    callee.does(&[Does::Drip]);
    let quick = Network {
        way: efm::outside::Network::straight("kosmos/test", Duration::from_millis(100)),
        read_timeout: Duration::from_millis(200),
        ..network()
    };
    let notices = open(state.path(), None).with_webhooks(vec![hook("on-call", callee.port())], quick, String::new());
    notices.tell(upgraded());
    let error = callee.during(once(&notices)).await.unwrap_err();
    assert!(Chain(&error).to_string().contains("no answer within 0.3 s"), "{}", Chain(&error));
    assert_eq!(waiting(state.path()), 1);
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_is() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    callee.does(&[Does::Answer(429, "retry-after: 2\r\n")]);
    let notices = only(state.path(), hook("on-call", callee.port()));
    notices.tell(warning("one"));
    notices.tell(warning("other"));
    assert!(callee.during(once(&notices)).await.is_err());
    assert_eq!(callee.calls().len(), 1, "the second is not tried when the first was sent away");
}

#[tokio::test(start_paused = true)]
async fn rounds_wait_one_two_four_minutes_and_as_long_as_they_are_asked_to() {
    use crate::notice::deliver::in_rounds;
    use tokio::time::Instant;
    for (asked, expected) in [(None, [1, 2, 4, 8, 16]), (Some(Duration::from_mins(5)), [5, 5, 5, 8, 16])] {
        let (mut tries, bell) = (Vec::new(), tokio::sync::Notify::new());
        let rounds = in_rounds(&bell, async || {
            tries.push(Instant::now());
            Err(asked)
        });
        assert!(tokio::time::timeout(Duration::from_mins(36), rounds).await.is_err());
        let minutes: Vec<u64> = tries.windows(2).map(|pair| (pair[1] - pair[0]).as_secs() / 60).collect();
        assert_eq!(minutes[..5.min(minutes.len())], expected[..minutes.len().min(5)], "{asked:?}");
        assert!(minutes.len() >= 4);
    }
    // Something new does not shorten what was asked for.
    let (tries, bell) = (std::cell::Cell::new(0), tokio::sync::Notify::new());
    let rounds = in_rounds(&bell, async || {
        tries.set(tries.get() + 1);
        Err(Some(Duration::from_hours(3)))
    });
    let ringing = async {
        loop {
            bell.notify_one();
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    };
    let both = async {
        tokio::select! { () = rounds => {}, () = ringing => {} }
    };
    assert!(tokio::time::timeout(Duration::from_mins(170), both).await.is_err());
    assert_eq!(tries.get(), 1);
}

#[tokio::test]
async fn a_webhook_that_hangs_delays_neither_mails_nor_another_webhook() {
    let state = tempfile::tempdir().unwrap();
    let (hangs, works) = (Callee::start().await, Callee::start().await);
    hangs.does(&[Does::Drip, Does::Drip]);
    let mails = MailServer::start(MailSecurity::Plain).await;
    let mail = Mail { port: mails.port(), ..mail_to(&["drift@example.no"]) };
    let notices = with(open(state.path(), Some(mail)), vec![hook("hangs", hangs.port()), hook("works", works.port())]);
    notices.tell(upgraded());
    let both_have_it = until(|| works.calls().len() == 1 && mails.received.borrow().len() == 1);
    mails.during(hangs.during(works.during(delivering(&notices, both_have_it)))).await;
    assert_eq!(hangs.calls().len(), 1, "it is being called all the while");
    assert_eq!(waiting(state.path()), 1);
}

#[tokio::test]
async fn a_webhook_that_is_down_for_long_drops_its_own_oldest_and_the_next_call_says_so() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    let hooks = || vec![hook("a", callee.port()), hook("a.b", 1)];
    let notices = with(open(state.path(), Some(mail_to(&["drift@example.no"]))), hooks());
    for number in 0..LETTERS_AT_MOST + 3 {
        notices.tell(warning(&format!("number {number}")));
    }
    assert_eq!(waiting(state.path()), 2 * LETTERS_AT_MOST);
    callee.during(notices.call_once()).await.remove(0).unwrap();
    let calls = callee.calls();
    assert_eq!((calls.len(), waiting(state.path())), (LETTERS_AT_MOST, LETTERS_AT_MOST));
    assert_eq!((calls[0].said("reason"), calls[0].header("kosmos-dropped")), ("number 3".into(), Some("3")));
    assert_eq!(calls[1].header("kosmos-dropped"), None, "told once");
    assert_eq!(notices.waiting(), LETTERS_AT_MOST, "nor are mails counted among them");
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_is_no_longer_set_is_kept_for_two_weeks() {
    for (now, left) in [("2026-11-14T00:00:00Z", 1), ("2026-11-16T00:00:00Z", 0)] {
        let state = tempfile::tempdir().unwrap();
        let then = Clock::paused_at(at("2026-11-01T00:00:00Z"));
        with(super::open_at(state.path(), None, then), vec![hook("gone", 1)]).tell(upgraded());
        let notices = super::open_at(state.path(), None, Clock::paused_at(at(now)));
        delivering(&notices, std::future::ready(())).await;
        // A future that was never polled does nothing.
        tokio::select! { biased; () = notices.deliver() => {}, () = std::future::ready(()) => {} }
        assert_eq!(waiting(state.path()), left, "{now}");
    }
}

#[tokio::test]
async fn a_file_that_makes_no_sense_holds_up_nobody() {
    let state = tempfile::tempdir().unwrap();
    let callee = Callee::start().await;
    let notices = only(state.path(), hook("on-call", callee.port()));
    notices.tell(upgraded());
    let odd = state.path().join("outbox/webhook.on-call.20200101T000000Z-000000.json");
    efm::atomic::replace(&odd, b"{\"half\":").unwrap();
    callee.during(once(&notices)).await.unwrap();
    assert_eq!((callee.calls().len(), waiting(state.path())), (1, 0));
}

#[tokio::test]
async fn mails_that_were_written_before_there_were_webhooks_are_sent_and_calls_are_no_mails() {
    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir(state.path().join("outbox")).unwrap();
    // As kosmos 0.1.0 of before wrote it.
    let old = r#"{
  "schema": 1,
  "message_id": "<kosmos.20261120T053000Z-000000.0123456789abcdef01234567@example.no>",
  "at": "2026-11-20T05:30:00.123Z",
  "subject": "Upgrade SUCCESS integrasjonspunkt-4.0.8.jar",
  "body": "what       Upgrade SUCCESS integrasjonspunkt-4.0.8.jar\n"
}"#;
    efm::atomic::replace(&state.path().join("outbox/20261120T053000Z-000000.json"), old.as_bytes()).unwrap();
    let mails = MailServer::start(MailSecurity::Plain).await;
    let callee = Callee::start().await;
    let mail = Mail { port: mails.port(), ..mail_to(&["drift@example.no"]) };
    let clock = Clock::paused_at(at("2026-11-21T05:30:00Z"));
    let notices = Notices::open(state.path(), Some(mail), about(Mode::Auto), clock);
    let notices = with(notices, vec![hook("on-call", callee.port())]);
    notices.tell(warning("new"));
    assert_eq!((notices.waiting(), waiting(state.path())), (2, 1));
    mails.during(notices.deliver_once()).await.unwrap();
    callee.during(once(&notices)).await.unwrap();
    let ids: Vec<_> = mails.received.borrow().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids[0], "<kosmos.20261120T053000Z-000000.0123456789abcdef01234567@example.no>");
    assert_eq!((ids.len(), callee.calls().len()), (2, 1));
}
