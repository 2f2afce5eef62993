//! The loop on paused time, with a post that is no server; and the outbox on disk.

use efm::clock::Clock;
use jiff::SignedDuration;
use lettre::message::Mailbox;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::time::Instant;

use super::{at, mail_to, names, open, open_at, upgraded, warning};
use crate::notice::NoticeError;
use crate::notice::deliver::{Post, back_off};
use crate::notice::outbox::{LETTERS_AT_MOST, Lane, Letter};
use crate::ports::Notice;

/// Takes mail, or does not.
#[derive(Default)]
struct Postman {
    down: Cell<bool>,
    tries: RefCell<Vec<Instant>>,
    taken: RefCell<Vec<(String, String)>>,
}

impl Post for &Postman {
    async fn send(&self, letter: &Letter, body: String, _: &[Mailbox], _: &[Mailbox]) -> Result<(), NoticeError> {
        self.tries.borrow_mut().push(Instant::now());
        if self.down.get() {
            return Err(NoticeError::Server { host: "mail:25".into(), source: "connection refused".into() });
        }
        self.taken.borrow_mut().push((letter.subject.clone(), body));
        Ok(())
    }
}

async fn for_a_while(loop_: impl Future<Output = ()>, time: Duration) {
    assert!(tokio::time::timeout(time, loop_).await.is_err(), "the loop never ends by itself");
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_asked_after_one_two_four_minutes_and_then_each_hour() {
    let state = tempfile::tempdir().unwrap();
    let mail = mail_to(&["drift@example.no"]);
    let notices = open(state.path(), Some(mail.clone()));
    let post = Postman { down: Cell::new(true), ..Postman::default() };
    notices.tell(upgraded());
    for_a_while(notices.deliver_by(&mail, || Ok(&post)), Duration::from_hours(5)).await;
    let tries = post.tries.borrow();
    let minutes: Vec<u64> = tries.windows(2).map(|pair| (pair[1] - pair[0]).as_secs() / 60).collect();
    assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(back_off(u32::MAX), Duration::from_hours(1));
    assert_eq!(names(&notices), ["upgraded", "mail-failed"], "told once, not at each try");
}

#[tokio::test(start_paused = true)]
async fn new_mail_is_sent_at_once_and_tries_a_failing_server_no_more_than_once_a_minute() {
    let state = tempfile::tempdir().unwrap();
    let mail = mail_to(&["drift@example.no"]);
    let notices = open(state.path(), Some(mail.clone()));
    let post = Postman::default();
    let told = async {
        for number in 0..3 {
            tokio::time::sleep(Duration::from_mins(10)).await;
            notices.tell(warning(&format!("number {number}")));
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(notices.waiting(), 0);
        }
        post.down.set(true);
        post.tries.borrow_mut().clear();
        for number in 0..180 {
            notices.tell(warning(&format!("another {number}")));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!((3..=4).contains(&post.tries.borrow().len()), "{}", post.tries.borrow().len());
        post.down.set(false);
        tokio::time::sleep(Duration::from_mins(10)).await;
    };
    tokio::select! {
        () = notices.deliver_by(&mail, || Ok(&post)) => {}
        () = told => {}
    }
    assert_eq!(notices.waiting(), 0);
    let events = names(&notices);
    assert_eq!(events.iter().filter(|name| *name == "mail-failed").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_wrong_are_tried_again_too() {
    let state = tempfile::tempdir().unwrap();
    let mail = mail_to(&["drift@example.no"]);
    let notices = open(state.path(), Some(mail.clone()));
    notices.tell(upgraded());
    let (post, wrong) = (Postman::default(), Cell::new(3));
    let make = || {
        wrong.set(wrong.get() - 1);
        if wrong.get() > 0 { Err(NoticeError::SetUp { what: "no such file".into() }) } else { Ok(&post) }
    };
    for_a_while(notices.deliver_by(&mail, make), Duration::from_mins(5)).await;
    assert_eq!(post.taken.borrow().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn mail_goes_out_oldest_first() {
    let state = tempfile::tempdir().unwrap();
    let mail = mail_to(&["drift@example.no"]);
    let notices = open_at(state.path(), Some(mail.clone()), Clock::paused_at(at("2026-11-21T05:30:00Z")));
    for number in 0..12 {
        notices.tell(warning(&format!("number {number}")));
        if number % 3 == 0 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
    let post = Postman::default();
    notices.round(&mail, &&post).await.unwrap();
    let order: Vec<bool> =
        post.taken.borrow().iter().enumerate().map(|(i, (_, body))| body.contains(&format!("number {i}\n"))).collect();
    assert_eq!(order, [true; 12]);
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_drops_the_oldest_and_the_next_mail_says_so() {
    let state = tempfile::tempdir().unwrap();
    let mail = mail_to(&["drift@example.no"]);
    // All in one second: the names that become free must not be taken again.
    let notices = open_at(state.path(), Some(mail.clone()), Clock::paused_at(at("2026-11-21T05:30:00Z")));
    for number in 0..LETTERS_AT_MOST + 7 {
        notices.tell(warning(&format!("number {number}")));
    }
    assert_eq!(notices.waiting(), LETTERS_AT_MOST);
    let post = Postman::default();
    notices.round(&mail, &&post).await.unwrap();
    let taken = post.taken.borrow();
    assert_eq!(taken.len(), LETTERS_AT_MOST);
    for (number, (_, body)) in taken.iter().enumerate() {
        assert!(body.contains(&format!("number {}\n", number + 7)), "{number}");
    }
    assert!(taken[0].1.contains("7 earlier mails could not be delivered and were dropped"), "{}", taken[0].1);
    assert!(!taken[1].1.contains("dropped"), "told once");
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_too_old_is_dropped_but_not_because_the_clock_was_wrong() {
    let mail = mail_to(&["drift@example.no"]);
    for (written, now, sent) in [
        ("2026-11-01T00:00:00Z", "2026-11-14T00:00:00Z", true),
        ("2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z", false),
        ("1970-01-01T00:00:10Z", "2026-11-16T00:00:00Z", true),
        ("2036-11-01T00:00:00Z", "2026-11-16T00:00:00Z", true),
    ] {
        let state = tempfile::tempdir().unwrap();
        open_at(state.path(), Some(mail.clone()), Clock::paused_at(at(written))).tell(upgraded());
        let notices = open_at(state.path(), Some(mail.clone()), Clock::paused_at(at(now)));
        let post = Postman::default();
        notices.round(&mail, &&post).await.unwrap();
        assert_eq!((post.taken.borrow().len(), notices.waiting()), (usize::from(sent), 0), "{written}");
        assert_eq!(notices.outbox.dropped(&Lane::Mail).is_some(), !sent, "{written}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_mail_holds_up_nobody() {
    let state = tempfile::tempdir().unwrap();
    let mail = mail_to(&["drift@example.no"]);
    let notices = open(state.path(), Some(mail.clone()));
    notices.tell(upgraded());
    efm::atomic::replace(&state.path().join("outbox/20200101T000000Z-000.json"), b"{\"half\":").unwrap();
    let post = Postman::default();
    notices.round(&mail, &&post).await.unwrap();
    assert_eq!((post.taken.borrow().len(), notices.waiting()), (1, 0));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_fails_nobody() {
    let state = tempfile::tempdir().unwrap();
    // Where the folders should be lie files, so that nothing can be written for anybody, root or not.
    efm::atomic::replace(&state.path().join("outbox"), b"").unwrap();
    std::fs::create_dir(state.path().join("history.jsonl")).unwrap();
    std::fs::create_dir(state.path().join("told.json")).unwrap();
    let notices = open(state.path(), Some(mail_to(&["drift@example.no"])));
    notices.tell(upgraded());
    notices.tell(warning("a warning"));
    assert_eq!(notices.waiting(), 0);
}

#[tokio::test]
async fn without_mail_settings_there_is_the_history_and_no_outbox() {
    let state = tempfile::tempdir().unwrap();
    let notices = open(state.path(), None);
    notices.tell(upgraded());
    notices.deliver_once().await.unwrap();
    assert_eq!(names(&notices), ["upgraded"]);
    assert!(!state.path().join("outbox").exists());
}

#[test]
fn two_sites_never_give_two_mails_the_same_name() {
    let id = |site: &str| {
        let state = tempfile::tempdir().unwrap();
        let outbox = crate::notice::outbox::Outbox::of(state.path());
        let now = at("2026-11-21T05:30:00Z");
        outbox.put("Upgrade SUCCESS x", "", site, "kosmos@example.no", now).unwrap();
        let later = now.checked_add(SignedDuration::from_secs(1)).unwrap();
        outbox.open::<Letter>(&Lane::Mail, &outbox.waiting()[0], later).unwrap().unwrap().message_id
    };
    assert_ne!(id("one"), id("other"));
    assert_eq!(id("one"), id("one"));
}
