//! Statuses, and those that a case system takes one by one.

use super::{ALL, arrived, at, clauses, create, id, names};
use crate::domain::{Direction, NewStatus, Service, Status};
use crate::ports::{ConversationFilter, Registered, Store};

async fn each_status_comes_once_and_in_order(store: &dyn Store) {
    create(store, 1).await;
    let register = async |number: u8, status, seconds| {
        store.register(&id(number), Direction::Outgoing, NewStatus::plain(status, at(seconds))).await.unwrap()
    };
    assert_eq!(register(2, Status::Sendt, 1).await, Registered::NoConversation);
    assert_eq!(register(1, Status::Levert, 2).await, Registered::Noted);
    assert_eq!(register(1, Status::Mottatt, 3).await, Registered::Noted);
    assert_eq!(register(1, Status::Levert, 4).await, Registered::Repeated);
    assert_eq!(names(store, 1).await, ["OPPRETTET", "LEVERT", "MOTTATT"]);
    let kept = store.conversations(ConversationFilter::default(), ALL).await.unwrap().rows.pop().unwrap();
    assert!(kept.conversation.is_finished);
    assert_eq!((kept.conversation.updated, kept.statuses.len()), (at(3), 3));
    store.forget_conversation(kept.number).await.unwrap();
    assert_eq!(names(store, 1).await, [""; 0]);
}

async fn statuses_of_the_named_services_wait_in_order_until_they_are_taken(store: &dyn Store) {
    assert_eq!(store.first_status().await.unwrap(), None);
    create(store, 1).await;
    let sendt = NewStatus::plain(Status::Sendt, at(1));
    for _ in 0..2 {
        store.register(&id(1), Direction::Outgoing, sendt.clone()).await.unwrap();
    }
    let first = store.first_status().await.unwrap().unwrap();
    assert_eq!((first.status.status, first.message_id.clone()), (Status::Opprettet, id(1)));
    assert_eq!(store.first_status().await.unwrap().unwrap(), first, "it stays until it is taken");
    assert!(store.take_status(first.number).await.unwrap());
    assert!(!store.take_status(first.number).await.unwrap());
    let second = store.first_status().await.unwrap().unwrap();
    assert_eq!(second.status.status, Status::Sendt);
    assert!(store.take_status(second.number).await.unwrap());
    assert_eq!(store.first_status().await.unwrap(), None, "each is queued once");
    assert_eq!(names(store, 1).await, ["OPPRETTET", "SENDT"], "they are still there");
    // A service that was not named.
    let mut of_another = arrived(2, 0);
    of_another.conversation.service = Service::Dpv;
    store.receive(of_another).await.unwrap();
    assert_eq!(store.first_status().await.unwrap(), None);
    // What is forgotten is not waited for.
    store.register(&id(1), Direction::Outgoing, NewStatus::plain(Status::Levert, at(2))).await.unwrap();
    store.forget_conversation(first.conversation_number).await.unwrap();
    assert_eq!(store.first_status().await.unwrap(), None);
}

clauses![each_status_comes_once_and_in_order, statuses_of_the_named_services_wait_in_order_until_they_are_taken,];
