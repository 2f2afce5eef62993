//! Stores that are opened one after the other or at once, and what lies in them that nobody can read.

use super::{arrived, at, attach, create, id, lease, names};
use crate::domain::{Direction, EventKind, NewStatus, Resource, Status, Subscription};
use crate::ports::{
    Acknowledged, Attached, Attempt, Created, IncomingFilter, Lane, NewIncoming, PageRequest, Received, Registered,
    Settlement, Store, Work,
};
use std::time::Duration;

pub(super) async fn what_was_answered_is_there_when_it_is_opened_again(open: impl AsyncFn() -> Box<dyn Store>) {
    let store = open().await;
    create(&*store, 1).await;
    attach(&*store, 1, "a", true, 1).await;
    store.enqueue(&id(1), at(0)).await.unwrap();
    drop(store);
    let store = open().await;
    assert_eq!(lease(&*store, 0, 60).await.len(), 1);
    assert_eq!(names(&*store, 1).await, ["OPPRETTET"]);
}

pub(super) async fn two_that_are_open_at_once_share_the_work(open: impl AsyncFn() -> Box<dyn Store>) {
    let stores = [open().await, open().await];
    for number in 0..20 {
        create(&*stores[0], number).await;
        stores[0].enqueue(&id(number), at(0)).await.unwrap();
    }
    let asked = (0..20).map(|turn| stores[turn % 2].lease("x", &Lane::All, at(0), at(60), 1));
    let leased = futures_util::future::join_all(asked).await;
    let mut numbers: Vec<_> =
        leased.into_iter().flat_map(|leased| leased.unwrap()).map(|leased| leased.held.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
}

pub(super) async fn of_two_that_do_the_same_at_once_one_does_it(open: impl AsyncFn() -> Box<dyn Store>) {
    let stores = [open().await, open().await];
    for number in 0..10 {
        let made = futures_util::future::join_all(stores.iter().map(|store| create(&**store, number))).await;
        assert_eq!(made.iter().filter(|made| **made == Created::Kept).count(), 1, "{made:?}");
        let received =
            futures_util::future::join_all(stores.iter().map(|store| store.receive(arrived(number + 100, 0)))).await;
        assert_eq!(received.iter().filter(|it| *it.as_ref().unwrap() == Received::Kept).count(), 1);
        // One attaches while the other sends: the file is there before, or it is refused.
        let (name, one) = (letter(number), id(number));
        let (attached, _) = tokio::join!(attach(&*stores[0], number, &name, true, 1), stores[1].enqueue(&one, at(0)));
        let here = stores[0].outgoing(&id(number)).await.unwrap().unwrap().files.len();
        assert_eq!(here, usize::from(attached != Attached::NoSuchMessage));
        let sendt = || NewStatus::plain(Status::Sendt, at(1));
        let noted = futures_util::future::join_all(
            stores.iter().map(|store| store.register(&one, Direction::Outgoing, sendt())),
        );
        assert_eq!(noted.await.iter().filter(|it| *it.as_ref().unwrap() == Registered::Noted).count(), 1);
    }
    let first = stores[0].lock_next(IncomingFilter::default(), at(1), at(300)).await.unwrap().unwrap().id;
    let status = NewStatus::plain(Status::InnkommendeLevert, at(2));
    let done =
        futures_util::future::join_all(stores.iter().map(|store| store.acknowledge(&first, status.clone(), None)));
    let removed = done.await.into_iter().filter(|it| matches!(it, Ok(Acknowledged::Removed(_)))).count();
    assert_eq!(removed, 1);
}

pub(super) async fn two_that_are_open_at_once_share_the_lanes(open: impl AsyncFn() -> Box<dyn Store>) {
    let stores = [open().await, open().await];
    for number in 0..10 {
        let wants = Subscription {
            name: letter(number),
            push_endpoint: "http://localhost/".into(),
            resource: Resource::All,
            event: EventKind::All,
            filter: None,
        };
        let went = Attempt { at: at(0), took: Duration::ZERO, code: Some(200), error: None };
        stores[0].subscribe(&wants, "ping", &went).await.unwrap();
    }
    // Noting goes on while they lease: neither waits for the other, and nobody's push is left out.
    let both = async |number: u8| {
        let asked = (0..4).map(|turn: u8| stores[usize::from(turn % 2)].lease_lanes("x", at(1), at(60), 2));
        tokio::join!(create(&*stores[usize::from(number % 2)], number), futures_util::future::join_all(asked)).1
    };
    let mut leased = Vec::new();
    for number in 0..6 {
        leased.extend(both(number).await.into_iter().flat_map(|leased| leased.unwrap()));
    }
    let mut lanes: Vec<_> = leased.iter().map(|push| push.held.number).collect();
    lanes.sort_unstable();
    lanes.dedup();
    assert_eq!((lanes.len(), leased.len()), (10, 10), "each lane is one holder's");
    for stored in stores[1].subscriptions(PageRequest { number: 0, size: 10 }).await.unwrap().rows {
        assert_eq!(stored.waiting, 6);
    }
    // Who subscribed may go while its push is noted.
    let (made, gone) = tokio::join!(create(&*stores[0], 20), stores[1].unsubscribe_all());
    assert_eq!((made, gone.unwrap()), (Created::Kept, 10));
}

/// A name whose first letter is this number's.
fn letter(number: u8) -> String {
    char::from(b'a' + number).to_string()
}

/// What nobody can read; `spoil` runs SQL beside the store.
pub(super) async fn a_row_that_cannot_be_read_keeps_nobody_back(store: &dyn Store, spoil: impl AsyncFn(&str)) {
    for number in [1, 2] {
        create(store, number).await;
        store.enqueue(&id(number), at(0)).await.unwrap();
    }
    for number in [3, 4] {
        store.receive(NewIncoming { reply: None, ..arrived(number, u64::from(number)) }).await.unwrap();
    }
    spoil(&format!("UPDATE messages_out SET sbd = '{{' WHERE message_id = '{}'", id(1))).await;
    spoil(&format!("UPDATE messages_in SET sbd = '{{' WHERE message_id = '{}'", id(3))).await;
    let leased = lease(store, 0, 60).await;
    assert_eq!(leased.len(), 2);
    assert!(matches!(&leased[0].work, Work::Unreadable { message: Some(message), .. } if *message == id(1)));
    assert!(matches!(&leased[1].work, Work::Message(_)));
    let feil = Some(NewStatus::plain(Status::Feil, at(1)));
    store.settle(&leased[0], Settlement::Done { status: feil, external_reference: None }).await.unwrap();
    assert_eq!(names(store, 1).await, ["OPPRETTET", "FEIL"]);
    let peeked = store.lock_next(IncomingFilter::default(), at(5), at(300)).await.unwrap().unwrap();
    assert_eq!(peeked.id, id(4));
}
