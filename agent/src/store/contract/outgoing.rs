//! Messages on their way out.

use super::{attach, blob, clauses, create, envelope, id, names};
use crate::ports::{Attached, Created, OutgoingFilter, PageRequest, Store};

async fn a_message_is_kept_once_with_its_conversation(store: &dyn Store) {
    assert_eq!(create(store, 1).await, Created::Kept);
    assert_eq!(create(store, 1).await, Created::Exists);
    let kept = store.outgoing(&id(1)).await.unwrap().unwrap();
    assert_eq!((kept.envelope, kept.files.len()), (envelope(1), 0));
    assert_eq!(names(store, 1).await, ["OPPRETTET"]);
    assert_eq!(store.outgoing(&id(2)).await.unwrap(), None);
    // The conversation keeps the id taken when the message has gone.
    store.discard(&id(1)).await.unwrap();
    assert_eq!(create(store, 1).await, Created::Exists);
}

async fn files_are_numbered_and_held_to_the_rules(store: &dyn Store) {
    create(store, 1).await;
    assert_eq!(attach(store, 2, "a", false, 1).await, Attached::NoSuchMessage);
    assert_eq!(attach(store, 1, "a", true, 400).await, Attached::Kept(1));
    assert_eq!(attach(store, 1, "a", false, 1).await, Attached::SameName);
    assert_eq!(attach(store, 1, "b", true, 1).await, Attached::SecondPrimary);
    assert_eq!(attach(store, 1, "b", false, 601).await, Attached::TooLarge(1001));
    assert_eq!(attach(store, 1, "b", false, 600).await, Attached::Kept(2));
    let files = store.outgoing(&id(1)).await.unwrap().unwrap().files;
    assert_eq!(files.iter().map(|file| file.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        (files[0].file.filename.as_str(), files[0].file.is_primary, files[1].file.length_bytes),
        ("a", true, 600)
    );
    assert_eq!(store.discard(&id(1)).await.unwrap(), [blob(b'a'), blob(b'b')]);
    assert_eq!(store.discard(&id(1)).await.unwrap(), []);
}

async fn pages_have_an_order_and_a_total(store: &dyn Store) {
    for number in 0..5 {
        create(store, number).await;
    }
    let page = |number| store.all_outgoing(OutgoingFilter::default(), PageRequest { number, size: 2 });
    let mut seen = Vec::new();
    for number in 0..4 {
        let page = page(number).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.rows.into_iter().map(|message| message.id));
    }
    assert_eq!(seen, (0..5).map(id).collect::<Vec<_>>());
    assert_eq!(store.counts().await.unwrap().outgoing, 5);
}

clauses![
    a_message_is_kept_once_with_its_conversation,
    files_are_numbered_and_held_to_the_rules,
    pages_have_an_order_and_a_total,
];
