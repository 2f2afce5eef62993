//! No sequence of requests, failures, crashes and restarts loses a message that was acknowledged, or delivers one twice.
//!
//! The real router over the real `SQLite` and the real files, in this process; the outside world is a mailbox that this site
//! sends to and fetches from. Sequences are drawn at random, a small model ([`model`]) says what must be true, and what
//! fails is made smaller. `PROPTEST_CASES` says how many are tried.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod model;
mod outside;
mod site;

use model::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use site::{Empty, Site};

/// Which message, which file: few, so that they meet again.
const MESSAGES: u8 = 3;
const FILES: u8 = 3;

/// What somebody asks for, or what the program does by itself.
#[derive(Clone, Debug)]
pub enum Act {
    Create(u8),
    CreateWhole(u8),
    Upload(u8, u8),
    Send(u8),
    Discard(u8),
    Dispatch,
    Collect,
    Peek,
    Pop(u8),
    Acknowledge(u8),
    Upkeep,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// To its end.
    Done(Act),
    /// The program dies when this has gone so many steps, and is started again.
    Died(Act, u8),
    /// It is stopped in order and started again.
    Restarted,
    /// So many seconds go by.
    Later(u16),
    /// The outside world or the disk will fail.
    Fails(Fault),
}

/// A failure to come.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// This call of the files from now.
    Disk(u8),
    /// A message is not taken.
    NotTaken,
    /// A message is taken, and that is not heard.
    TakenUnheard,
    /// Nothing can be fetched.
    Fetch,
    /// What was fetched cannot be confirmed.
    Confirm,
}

fn acts() -> impl Strategy<Value = Act> {
    let message = || 0..MESSAGES;
    prop_oneof![
        2 => message().prop_map(Act::Create),
        1 => message().prop_map(Act::CreateWhole),
        3 => (message(), 0..FILES).prop_map(|(message, file)| Act::Upload(message, file)),
        3 => message().prop_map(Act::Send),
        1 => message().prop_map(Act::Discard),
        4 => Just(Act::Dispatch),
        4 => Just(Act::Collect),
        4 => Just(Act::Peek),
        2 => message().prop_map(Act::Pop),
        3 => message().prop_map(Act::Acknowledge),
        1 => Just(Act::Upkeep),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let fault = prop_oneof![
        3 => (1_u8..8).prop_map(Fault::Disk),
        1 => Just(Fault::NotTaken),
        2 => Just(Fault::TakenUnheard),
        1 => Just(Fault::Fetch),
        2 => Just(Fault::Confirm),
    ];
    prop_oneof![
        12 => acts().prop_map(Event::Done),
        4 => (acts(), 0_u8..8).prop_map(|(act, steps)| Event::Died(act, steps)),
        1 => Just(Event::Restarted),
        2 => prop_oneof![Just(16), Just(25), Just(301), Just(3700)].prop_map(Event::Later),
        2 => fault.prop_map(Event::Fails),
    ]
}

fn check(events: &[Event], empty: &Empty) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut site = Site::open(empty);
        let mut model = Model::default();
        for event in events {
            match event {
                Event::Done(act) => model.judge(act, Some(site.act(act).await), &site)?,
                Event::Died(act, steps) => {
                    let answer = site.act_and_die(act, *steps).await;
                    model.judge(act, answer, &site)?;
                }
                Event::Restarted => site.restart(),
                Event::Later(seconds) => site.later(*seconds),
                Event::Fails(fault) => site.outside.arm(*fault),
            }
        }
        model.ends_well(&mut site).await
    })
}

#[test]
fn nothing_that_was_acknowledged_is_lost_and_nothing_is_delivered_twice() {
    #[allow(clippy::disallowed_methods, reason = "a test asks how many cases it shall try")]
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = Config { failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let config = if is_asked { default } else { Config { cases: 40, ..default } };
    let empty = Empty::make();
    let strategy = prop::collection::vec(events(), 1..40);
    if let Err(error) = TestRunner::new(config).run(&strategy, |events| check(&events, &empty)) {
        panic!("{error}");
    }
}

#[test]
fn the_model_sees_a_message_that_is_lost_and_one_that_comes_twice() {
    let whole = [Act::Create(0), Act::Upload(0, 0), Act::Send(0), Act::Dispatch, Act::Collect, Act::Peek];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let empty = &Empty::make();
    let told = |then: &'static [Act], lie: fn(&Site)| {
        runtime.block_on(async {
            let mut site = Site::open(empty);
            let mut model = Model::default();
            for act in &whole {
                model.judge(act, Some(site.act(act).await), &site).unwrap();
            }
            lie(&site);
            for act in then {
                model.judge(act, Some(site.act(act).await), &site).map_err(|error| error.to_string())?;
            }
            model.ends_well(&mut site).await.map_err(|error| error.to_string())
        })
    };
    assert_eq!(told(&[], |_| {}), Ok(()));
    let lost = told(&[], |site| site.spoil("DELETE FROM messages_in")).unwrap_err();
    assert!(lost.contains("was acknowledged and is lost"), "{lost}");
    let locked = told(&[Act::Peek], |site| site.spoil("UPDATE messages_in SET locked_until = NULL")).unwrap_err();
    assert!(locked.contains("is given to a second peek"), "{locked}");
    let twice = told(&[Act::Acknowledge(0), Act::Collect, Act::Peek], |site| {
        site.spoil("UPDATE conversations SET message_id = 'x' WHERE direction = 'INCOMING'");
        site.outside.send_again();
    });
    assert!(twice.clone().unwrap_err().contains("was delivered before"), "{twice:?}");
}
