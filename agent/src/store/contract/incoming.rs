//! Messages that came in: locks, and their end.

use super::{ALL, arrived, at, blob, clauses, envelope, id, lease, names};
use crate::domain::{NewStatus, Status};
use crate::ports::{Acknowledged, IncomingFilter, Received, Store};

async fn what_comes_twice_is_kept_once_and_answered_once(store: &dyn Store) {
    assert_eq!(store.receive(arrived(1, 0)).await.unwrap(), Received::Kept);
    assert_eq!(store.receive(arrived(1, 1)).await.unwrap(), Received::Duplicate);
    assert_eq!(lease(store, 9, 60).await.len(), 1);
    assert_eq!(store.all_incoming(IncomingFilter::default(), ALL).await.unwrap().total, 1);
    assert_eq!(names(store, 1).await, ["OPPRETTET", "INNKOMMENDE_MOTTATT"]);
}

async fn a_lock_is_one_peeks_until_it_runs_out(store: &dyn Store) {
    store.receive(arrived(2, 1)).await.unwrap();
    store.receive(arrived(1, 0)).await.unwrap();
    let any = IncomingFilter::default;
    let lock = |now: u64, filter| store.lock_next(filter, at(now), at(now + 300));
    let nobodys = IncomingFilter { process: Some("urn:other".into()), ..any() };
    assert_eq!(lock(10, nobodys).await.unwrap(), None);
    let first = lock(10, any()).await.unwrap().unwrap();
    assert_eq!((first.id.clone(), first.locked_until), (id(1), Some(at(310))), "the oldest first");
    assert_eq!(lock(10, any()).await.unwrap().unwrap().id, id(2));
    assert_eq!(lock(310, any()).await.unwrap(), None);
    assert_eq!(lock(311, any()).await.unwrap().unwrap().id, id(1));
}

async fn eight_peeks_at_once_get_eight_messages(store: &dyn Store) {
    for number in 0..8 {
        store.receive(arrived(number, 0)).await.unwrap();
    }
    let peeks = (0..9).map(|_| store.lock_next(IncomingFilter::default(), at(1), at(300)));
    let got = futures_util::future::join_all(peeks).await;
    let mut ids: Vec<_> =
        got.into_iter().filter_map(|got| got.unwrap()).map(|message| message.id.to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

async fn only_a_locked_message_is_acknowledged_and_then_it_is_gone(store: &dyn Store) {
    store.receive(arrived(1, 0)).await.unwrap();
    let levert = |seconds| NewStatus::plain(Status::InnkommendeLevert, at(seconds));
    let one = id(1);
    let acknowledge = |seconds| store.acknowledge(&one, levert(seconds), Some(envelope(1)));
    assert_eq!(acknowledge(1).await.unwrap(), Acknowledged::NotLocked);
    store.lock_next(IncomingFilter::default(), at(1), at(300)).await.unwrap();
    assert_eq!(acknowledge(301).await.unwrap(), Acknowledged::NotLocked, "its time was over");
    assert!(
        matches!(acknowledge(300).await.unwrap(), Acknowledged::Removed(message) if message.package == Some(blob(1)))
    );
    assert_eq!(acknowledge(300).await.unwrap(), Acknowledged::NoSuchMessage);
    assert_eq!(names(store, 1).await, ["OPPRETTET", "INNKOMMENDE_MOTTATT", "INNKOMMENDE_LEVERT"]);
    assert_eq!(lease(store, 400, 500).await.len(), 2, "received and delivered are told");
}

clauses![
    what_comes_twice_is_kept_once_and_answered_once,
    a_lock_is_one_peeks_until_it_runs_out,
    eight_peeks_at_once_get_eight_messages,
    only_a_locked_message_is_acknowledged_and_then_it_is_gone,
];
