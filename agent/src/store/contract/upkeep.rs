//! What time does to what is kept.

use super::{ALL, arrived, at, attach, blob, clauses, create, id, lease, names};
use crate::domain::{Direction, NewStatus, Status};
use crate::ports::{ConversationFilter, IncomingFilter, Settlement, StatusFilter, Store};

/// When the messages of these tests expire.
const OVER: u64 = 99_000_000;

async fn what_nobody_took_in_time_expires_once_and_leaves_nothing(store: &dyn Store) {
    create(store, 1).await;
    attach(store, 1, "a", true, 1).await;
    store.enqueue(&id(1), at(0)).await.unwrap();
    let leased = lease(store, 0, 15).await.pop().unwrap();
    store.settle(&leased, Settlement::Again { due: at(20), because: "refused".into() }).await.unwrap();
    create(store, 2).await;
    store.receive(arrived(3, 0)).await.unwrap();
    assert_eq!(store.expire(at(5), 10).await.unwrap(), [], "there is time yet");
    let mut expired = store.expire(at(OVER), 10).await.unwrap();
    expired.sort_by_key(|expired| expired.message.to_string());
    let blobs: Vec<_> = expired.into_iter().map(|expired| expired.blobs).collect();
    assert_eq!(blobs, [vec![blob(b'a')], vec![], vec![blob(3)]]);
    assert_eq!(store.expire(at(OVER), 10).await.unwrap(), []);
    for number in [1, 2, 3] {
        assert_eq!(names(store, number).await.last(), Some(&"LEVETID_UTLOPT"));
    }
    let first = store.statuses(StatusFilter { status: Some(Status::LevetidUtlopt), ..StatusFilter::default() }, ALL);
    let told: Vec<_> = first.await.unwrap().rows.into_iter().filter_map(|row| row.status.description).collect();
    assert_eq!(told, ["Last error: refused"]);
    assert_eq!(store.incoming(&id(3)).await.unwrap(), None);
    assert_eq!(store.outgoing(&id(1)).await.unwrap(), None);
    assert!(store.outgoing(&id(2)).await.unwrap().is_some(), "it was never sent: its case system removes it");
}

async fn what_somebody_has_in_hand_does_not_expire(store: &dyn Store) {
    create(store, 1).await;
    store.enqueue(&id(1), at(0)).await.unwrap();
    store.receive(arrived(2, 0)).await.unwrap();
    lease(store, OVER, OVER + 15).await;
    store.lock_next(IncomingFilter::default(), at(OVER), at(OVER + 300)).await.unwrap().unwrap();
    assert_eq!(store.expire(at(OVER), 10).await.unwrap(), []);
    assert_eq!(store.expire(at(OVER + 16), 10).await.unwrap().len(), 1);
    assert_eq!(store.expire(at(OVER + 301), 10).await.unwrap().len(), 1);
}

async fn a_lock_whose_time_is_over_is_taken_away(store: &dyn Store) {
    store.receive(arrived(1, 0)).await.unwrap();
    store.lock_next(IncomingFilter::default(), at(0), at(300)).await.unwrap().unwrap();
    assert_eq!(store.unlock(at(300)).await.unwrap(), 0);
    assert_eq!(store.unlock(at(301)).await.unwrap(), 1);
    assert_eq!(store.incoming(&id(1)).await.unwrap().unwrap().locked_until, None);
}

async fn only_what_is_finished_and_has_no_message_is_forgotten(store: &dyn Store) {
    for number in [1, 2, 3] {
        create(store, number).await;
    }
    let levert = |seconds| NewStatus::plain(Status::Levert, at(seconds));
    for number in [1, 2] {
        store.register(&id(number), Direction::Outgoing, levert(5)).await.unwrap();
    }
    for number in [1, 3] {
        store.discard(&id(number)).await.unwrap();
    }
    assert_eq!(store.forget_finished(at(5), 10).await.unwrap(), 0, "not yet");
    assert_eq!(store.forget_finished(at(6), 10).await.unwrap(), 1);
    assert_eq!(names(store, 1).await, [""; 0]);
    let left = store.conversations(ConversationFilter::default(), ALL).await.unwrap();
    assert_eq!(left.total, 2, "one has its message, the other is not finished");
}

async fn a_blob_is_unnamed_when_no_row_has_it(store: &dyn Store) {
    create(store, 1).await;
    attach(store, 1, "a", true, 1).await;
    store.receive(arrived(2, 0)).await.unwrap();
    let asked = [blob(b'a'), blob(2), blob(9)];
    assert_eq!(store.unnamed(&asked).await.unwrap(), [blob(9)]);
    assert_eq!(store.unnamed(&[]).await.unwrap(), []);
}

async fn it_knows_whether_any_row_names_a_blob(store: &dyn Store) {
    assert!(!store.names_blobs().await.unwrap());
    create(store, 1).await;
    assert!(!store.names_blobs().await.unwrap(), "a message without a file");
    attach(store, 1, "a", true, 1).await;
    assert!(store.names_blobs().await.unwrap());
    store.discard(&id(1)).await.unwrap();
    assert!(!store.names_blobs().await.unwrap());
    store.receive(arrived(2, 0)).await.unwrap();
    assert!(store.names_blobs().await.unwrap());
}

clauses![
    what_nobody_took_in_time_expires_once_and_leaves_nothing,
    what_somebody_has_in_hand_does_not_expire,
    a_lock_whose_time_is_over_is_taken_away,
    only_what_is_finished_and_has_no_message_is_forgotten,
    a_blob_is_unnamed_when_no_row_has_it,
    it_knows_whether_any_row_names_a_blob,
];
