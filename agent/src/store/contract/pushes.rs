//! Who subscribed, what they are to be told, and how that went.

use super::{ALL, arrived, at, clauses, create, id};
use crate::domain::{Direction, EventKind, Filter, NewStatus, Resource, Status, StatusNoted, Subscription};
use crate::ports::{
    Attempt, KEPT_DELIVERIES, Outcome, PageRequest, Pending, Push, PushSettled, PushSettlement, Resubscribed, Store,
    Subscribed, SubscriptionChange,
};
use std::time::Duration;

fn wanting(name: &str, filter: Option<&str>) -> Subscription {
    Subscription {
        name: name.to_owned(),
        push_endpoint: format!("http://localhost/{name}"),
        resource: Resource::Messages,
        event: EventKind::Status,
        filter: filter.map(|text| Filter::parse(text).unwrap()),
    }
}

fn well(seconds: u64) -> Attempt {
    Attempt { at: at(seconds), took: Duration::from_millis(7), code: Some(200), error: None }
}

fn ill(seconds: u64) -> Attempt {
    Attempt { code: Some(500), error: Some("500".into()), ..well(seconds) }
}

async fn subscribe(store: &dyn Store, name: &str, filter: Option<&str>) -> i64 {
    match store.subscribe(&wanting(name, filter), "ping_1", &well(0)).await.unwrap() {
        Subscribed::Kept(number) => number,
        Subscribed::Exists => panic!("{name} is there"),
    }
}

async fn register(store: &dyn Store, number: u8, status: Status, seconds: u64) {
    store.register(&id(number), Direction::Outgoing, NewStatus::plain(status, at(seconds))).await.unwrap();
}

pub(super) async fn lanes(store: &dyn Store, now: u64) -> Vec<Push> {
    store.lease_lanes("here", at(now), at(now + 30), 10).await.unwrap()
}

fn noted(push: &Push) -> &StatusNoted {
    match &push.pending {
        Pending::Status(noted) => noted,
        Pending::Unreadable(why) => panic!("{why}"),
    }
}

/// Takes all that is due, and delivers it.
async fn told(store: &dyn Store, now: u64) -> Vec<(i64, &'static str)> {
    let mut told = Vec::new();
    loop {
        let taken = lanes(store, now).await;
        if taken.is_empty() {
            return told;
        }
        for push in taken {
            told.push((push.held.number, noted(&push).status.name()));
            store.settle_push(&push, well(now), PushSettlement::Delivered).await.unwrap();
        }
    }
}

async fn waiting(store: &dyn Store, number: i64) -> u64 {
    store.subscription(number).await.unwrap().unwrap().waiting
}

async fn subscriptions_are_kept_changed_and_removed(store: &dyn Store) {
    let first = subscribe(store, "a", Some("status=FEIL")).await;
    assert_eq!(store.subscribe(&wanting("a", None), "ping_2", &well(0)).await.unwrap(), Subscribed::Exists);
    let second = subscribe(store, "b", None).await;
    let kept = store.subscription(first).await.unwrap().unwrap();
    assert_eq!((kept.number, kept.subscription), (first, wanting("a", Some("status=FEIL"))));
    assert_eq!(store.subscription(second + 1).await.unwrap(), None);
    let change = SubscriptionChange {
        event: Some(EventKind::All),
        filter: Some(Filter::parse("direction=INCOMING").unwrap()),
        ..SubscriptionChange::default()
    };
    assert_eq!(store.resubscribe(first, &change, None).await.unwrap(), Resubscribed::Changed);
    let changed = Subscription { event: EventKind::All, ..wanting("a", Some("direction=INCOMING")) };
    assert_eq!(store.subscription(first).await.unwrap().unwrap().subscription, changed);
    let like_the_first = SubscriptionChange {
        name: Some("a".into()),
        push_endpoint: Some("http://localhost/a".into()),
        ..SubscriptionChange::default()
    };
    assert_eq!(store.resubscribe(second, &like_the_first, None).await.unwrap(), Resubscribed::Exists);
    assert_eq!(store.resubscribe(99, &change, None).await.unwrap(), Resubscribed::NoSuchSubscription);
    let page = store.subscriptions(PageRequest { number: 1, size: 1 }).await.unwrap();
    assert_eq!((page.total, page.rows[0].number), (2, second));
    assert!(store.unsubscribe(first).await.unwrap());
    assert!(!store.unsubscribe(first).await.unwrap());
    assert_eq!(store.unsubscribe_all().await.unwrap(), 1);
    assert_eq!(store.subscriptions(ALL).await.unwrap().total, 0);
}

async fn each_status_is_told_once_to_each_that_wants_it_and_in_order(store: &dyn Store) {
    let all = subscribe(store, "all", None).await;
    let some = subscribe(store, "some", Some("status=levert&direction=OUTGOING")).await;
    create(store, 1).await;
    for (status, seconds) in [(Status::Sendt, 1), (Status::Mottatt, 2), (Status::Sendt, 3), (Status::Levert, 4)] {
        register(store, 1, status, seconds).await;
    }
    store.receive(arrived(2, 5)).await.unwrap();
    let told = told(store, 10).await;
    let to = |lane| told.iter().filter(|(it, _)| *it == lane).map(|(_, status)| *status).collect::<Vec<_>>();
    assert_eq!(to(all), ["OPPRETTET", "SENDT", "MOTTATT", "LEVERT", "OPPRETTET", "INNKOMMENDE_MOTTATT"]);
    assert_eq!(to(some), ["LEVERT"]);
    assert_eq!(store.next_push().await.unwrap(), None);
}

async fn what_was_noted_is_told_when_its_conversation_is_forgotten(store: &dyn Store) {
    let all = subscribe(store, "all", None).await;
    create(store, 1).await;
    let status = store.statuses(crate::ports::StatusFilter::default(), ALL).await.unwrap().rows.pop().unwrap();
    store.forget_conversation(status.conversation_number).await.unwrap();
    let push = lanes(store, 1).await.pop().unwrap();
    let noted = noted(&push);
    assert_eq!((noted.number, noted.at, push.held.number), (status.number, at(0), all));
    assert_eq!((&noted.message_id, &noted.conversation_id), (&id(1), &status.conversation_id));
    assert_eq!(push.endpoint, "http://localhost/all");
}

async fn a_lane_is_one_holders_until_its_lease_runs_out(store: &dyn Store) {
    subscribe(store, "a", None).await;
    create(store, 1).await;
    register(store, 1, Status::Sendt, 1).await;
    assert!(store.next_push().await.unwrap().unwrap() <= at(1));
    let first = lanes(store, 1).await.pop().unwrap();
    assert_eq!((first.tried, noted(&first).status), (0, Status::Opprettet));
    assert_eq!(lanes(store, 30).await, [], "the second waits for the first");
    assert_eq!(store.next_push().await.unwrap(), Some(at(31)));
    let again = lanes(store, 31).await.pop().unwrap();
    assert_eq!((again.tried, noted(&again).status), (1, Status::Opprettet), "the same once more");
    let settle = async |push, at| store.settle_push(push, at, PushSettlement::Delivered).await.unwrap();
    assert_eq!(settle(&first, well(32)).await, PushSettled::LeaseLost);
    assert_eq!(settle(&again, well(32)).await, PushSettled::Done { given_up: 0 });
    assert_eq!(noted(&lanes(store, 32).await.pop().unwrap()).status, Status::Sendt);
}

async fn a_lane_that_fails_waits_and_holds_up_no_other(store: &dyn Store) {
    let bad = subscribe(store, "bad", None).await;
    let good = subscribe(store, "good", None).await;
    create(store, 1).await;
    let again = |due| PushSettlement::Again { due: at(due), give_up_before: at(0) };
    for push in lanes(store, 1).await {
        let settlement = if push.held.number == bad { again(100) } else { PushSettlement::Delivered };
        store.settle_push(&push, ill(1), settlement).await.unwrap();
    }
    register(store, 1, Status::Sendt, 2).await;
    assert_eq!(told(store, 3).await, [(good, "SENDT")]);
    assert_eq!((waiting(store, bad).await, waiting(store, good).await), (2, 0));
    assert_eq!(store.next_push().await.unwrap(), Some(at(100)));
    assert_eq!(store.subscription(bad).await.unwrap().unwrap().failures, 1);
    let elsewhere =
        SubscriptionChange { push_endpoint: Some("http://localhost/new".into()), ..SubscriptionChange::default() };
    store.resubscribe(bad, &elsewhere, Some(("ping_2", &ill(4)))).await.unwrap();
    let push = lanes(store, 5).await.pop().unwrap();
    assert_eq!((push.endpoint.as_str(), push.failures, push.tried), ("http://localhost/new", 0, 1));
    store.unsubscribe(bad).await.unwrap();
    let lost = store.settle_push(&push, well(6), PushSettlement::Delivered).await.unwrap();
    assert_eq!(lost, PushSettled::LeaseLost);
    assert_eq!(store.next_push().await.unwrap(), None);
}

async fn what_cannot_be_told_is_given_up_and_that_is_known(store: &dyn Store) {
    let lane = subscribe(store, "a", None).await;
    create(store, 1).await;
    for (status, seconds) in [(Status::Sendt, 10), (Status::Mottatt, 20), (Status::Levert, 30)] {
        register(store, 1, status, seconds).await;
    }
    let push = lanes(store, 40).await.pop().unwrap();
    assert_eq!(
        store.settle_push(&push, ill(40), PushSettlement::GivenUp).await.unwrap(),
        PushSettled::Done { given_up: 1 }
    );
    let push = lanes(store, 41).await.pop().unwrap();
    let again = PushSettlement::Again { due: at(50), give_up_before: at(21) };
    assert_eq!(store.settle_push(&push, ill(41), again).await.unwrap(), PushSettled::Done { given_up: 2 });
    assert_eq!(told(store, 50).await, [(lane, "LEVERT")]);
    let log = store.deliveries(lane, ALL).await.unwrap();
    let rows =
        log.rows.iter().rev().map(|row| (row.told.as_ref().map(|told| told.status.name()), row.tried, row.outcome));
    let rows = rows.collect::<Vec<_>>();
    assert_eq!(
        rows,
        [
            (None, 1, Outcome::Delivered),
            (Some("OPPRETTET"), 1, Outcome::GivenUp),
            (Some("SENDT"), 1, Outcome::GivenUp),
            (Some("MOTTATT"), 0, Outcome::GivenUp),
            (Some("LEVERT"), 1, Outcome::Delivered),
        ]
    );
    assert_eq!(log.rows[1].attempt, ill(41));
    assert_eq!(log.rows[4].call, "ping_1");
    assert!(log.rows[0].call.starts_with(&format!("msg_{}_", id(1))));
}

async fn the_log_of_deliveries_is_bounded_in_number_and_age(store: &dyn Store) {
    let lane = subscribe(store, "a", None).await;
    create(store, 1).await;
    let rounds = u64::from(KEPT_DELIVERIES) + 5;
    for round in 0..rounds {
        let push = lanes(store, round).await.pop().unwrap();
        let again = PushSettlement::Again { due: at(round), give_up_before: at(0) };
        store.settle_push(&push, ill(round), again).await.unwrap();
    }
    let log = store.deliveries(lane, PageRequest { number: 0, size: 1 }).await.unwrap();
    assert_eq!((log.total, log.rows[0].attempt.at), (u64::from(KEPT_DELIVERIES), at(rounds - 1)));
    assert_eq!(u64::from(log.rows[0].tried), rounds);
    assert_eq!(store.forget_deliveries(at(rounds - 2), 100).await.unwrap(), 100);
    assert_eq!(store.forget_deliveries(at(rounds - 2), 100).await.unwrap(), u64::from(KEPT_DELIVERIES) - 102);
    assert_eq!(store.deliveries(lane, ALL).await.unwrap().total, 2);
}

clauses![
    subscriptions_are_kept_changed_and_removed,
    each_status_is_told_once_to_each_that_wants_it_and_in_order,
    what_was_noted_is_told_when_its_conversation_is_forgotten,
    a_lane_is_one_holders_until_its_lease_runs_out,
    a_lane_that_fails_waits_and_holds_up_no_other,
    what_cannot_be_told_is_given_up_and_that_is_known,
    the_log_of_deliveries_is_bounded_in_number_and_age,
];
