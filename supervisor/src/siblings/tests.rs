//! Whose turn it is, and what failed elsewhere.

use super::*;
use std::time::Duration;

fn asks(since: Instant) -> Asks {
    Asks { since, by_person: false }
}

#[test]
fn of_those_who_ask_the_first_listed_comes_first_and_one_that_is_not_due_holds_nobody_up() {
    let now = Instant::now();
    let later = now + SETTLE;
    let mut queue = Queue::of(3);
    queue.ask(2, asks(now));
    assert_eq!(queue.standing(2, now), Standing::Settles);
    assert_eq!(queue.standing(2, later), Standing::Turn);
    queue.ask(1, asks(now));
    assert_eq!(queue.standing(2, later), Standing::Behind(1));
    assert_eq!(queue.standing(1, later), Standing::Turn);
    assert!(queue.withdraw(1) && !queue.withdraw(1));
    assert_eq!(queue.standing(2, later), Standing::Turn);
}

#[test]
fn the_first_listed_waits_for_nobody() {
    let mut queue = Queue::of(2);
    let now = Instant::now();
    queue.ask(0, asks(now));
    assert_eq!((queue.standing(0, now), queue.settles_at(0)), (Standing::Turn, None));
}

#[test]
fn while_one_is_upgraded_no_other_begins_and_the_next_does_when_it_is_done() {
    let now = Instant::now();
    let later = now + SETTLE;
    let mut queue = Queue::of(3);
    for number in 0..3 {
        queue.ask(number, asks(now));
    }
    queue.begin(0);
    assert_eq!(queue.standing(1, later), Standing::Busy(0));
    assert_eq!(queue.settles_at(1), None);
    // A roll-back that was found at the start does not wait, and neither of the two ends the other.
    queue.begin(2);
    queue.end(0);
    assert_eq!(queue.standing(1, later), Standing::Busy(2));
    queue.end(2);
    assert_eq!(queue.standing(1, later), Standing::Turn);
}

#[test]
fn one_for_whom_a_person_waits_comes_first() {
    let now = Instant::now();
    let later = now + SETTLE;
    let mut queue = Queue::of(3);
    queue.ask(0, asks(now));
    assert!(queue.ask(2, asks(now)) && !queue.ask(2, asks(later)));
    assert!(queue.ask(2, Asks { since: later, by_person: true }));
    assert_eq!(queue.standing(2, later), Standing::Turn);
    assert_eq!(queue.standing(0, later), Standing::Behind(2));
    assert_eq!(queue.standing(1, later), Standing::Behind(2), "one that does not ask yet is told the same");
}

fn bytes(text: &str) -> Sha256 {
    crate::release::digest::sha256(text.as_bytes())
}

fn held(given_up: Option<&str>) -> Held {
    let version = "4.1.0".parse::<crate::release::Tag>().unwrap().version().clone();
    Held { version, deaths: 1, given_up: given_up.map(str::to_owned), signature: bytes("signature") }
}

fn home(name: &str, all: Vec<(Sha256, Held)>) -> Home {
    Home { name: name.to_owned(), held: Box::new(move || Ok(all.clone())) }
}

#[test]
fn what_was_given_up_in_another_home_is_a_failure_and_what_merely_died_there_once_is_none() {
    let siblings = Siblings::new(vec![
        home("a", vec![(bytes("bad"), held(Some("it crashed"))), (bytes("unlucky"), held(None))]),
        home("b", Vec::new()),
    ]);
    let expected = Failure { home: "a".to_owned(), reason: "it crashed".to_owned() };
    assert_eq!(siblings.place(1).failures_of(&bytes("bad")), [expected]);
    assert_eq!(siblings.place(1).failures_of(&bytes("unlucky")), []);
    assert_eq!(siblings.place(1).failures_of(&bytes("good")), []);
    assert_eq!(siblings.place(0).failures_of(&bytes("bad")), [], "its own failures are its own business");
}

#[test]
fn what_cannot_be_read_may_be_a_failure() {
    let unreadable = || Err(VaultError::Corrupt { path: "held.json".into(), reason: "no checksum line".to_owned() });
    let siblings =
        Siblings::new(vec![Home { name: "a".to_owned(), held: Box::new(unreadable) }, home("b", Vec::new())]);
    let failures = siblings.place(1).failures_of(&bytes("any"));
    assert_eq!(failures[0].reason, "what failed there cannot be read: read held.json: no checksum line");
}

#[test]
fn a_failure_of_the_machine_is_told_to_the_others() {
    let siblings = Siblings::new(vec![home("a", Vec::new()), home("b", Vec::new())]);
    let at = Timestamp::from_second(7).unwrap();
    siblings.place(0).note_failure(at);
    assert_eq!(siblings.place(1).failed_last(), Some(("a".to_owned(), at)));
    assert_eq!(siblings.place(0).failed_last(), None);
}

#[tokio::test(start_paused = true)]
async fn the_next_one_hears_at_once_that_the_turn_is_free() {
    let siblings = Siblings::new(vec![home("a", Vec::new()), home("b", Vec::new())]);
    let (first, mut second) = (siblings.place(0), siblings.place(1));
    let turn = first.take();
    second.ask(false);
    second.changed().await;
    assert_eq!(second.standing(), Standing::Busy(0));
    let ended = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(turn);
        Instant::now()
    };
    let heard = async {
        second.changed().await;
        (Instant::now(), second.standing())
    };
    let (ended, (heard, standing)) = tokio::join!(ended, heard);
    assert_eq!((heard, standing), (ended, Standing::Turn));
}

#[tokio::test(start_paused = true)]
async fn one_that_leaves_asks_no_more() {
    let siblings = Siblings::new(vec![home("a", Vec::new()), home("b", Vec::new())]);
    let (first, second) = (siblings.place(0), siblings.place(1));
    first.ask(false);
    second.ask(false);
    assert_eq!(second.standing(), Standing::Behind(0));
    drop(first);
    tokio::time::sleep(SETTLE).await;
    assert_eq!(second.standing(), Standing::Turn);
}
