//! What a person looks for.

use super::{ALL, arrived, at, clauses, create, id, lease};
use crate::domain::{Direction, NewStatus, Service, Status};
use crate::ports::{PageRequest, Search, Settlement, Store};

async fn conversations_are_found_by_words_and_by_what_became_of_them(store: &dyn Store) {
    for number in 1..=3 {
        create(store, number).await;
    }
    store.receive(arrived(4, 100)).await.unwrap();
    store.register(&id(2), Direction::Outgoing, NewStatus::plain(Status::Feil, at(50))).await.unwrap();
    let found = async |search: Search| {
        let page = store.search(search, ALL).await.unwrap();
        assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
        page.rows.iter().map(|row| row.conversation.message_id.as_str().to_owned()).collect::<Vec<_>>()
    };
    let words = |text: &str| Search { alternatives: Search::words(text), ..Search::default() };
    let ids = |numbers: &[u8]| numbers.iter().map(|number| id(*number).to_string()).collect::<Vec<_>>();
    assert_eq!(found(Search::default()).await, ids(&[4, 2, 3, 1]), "those that changed last first");
    assert_eq!(found(words(id(3).as_str())).await, ids(&[3]));
    assert_eq!(found(words(&format!("{} || feil", id(1)))).await, ids(&[2, 1]));
    assert_eq!(found(words("910075918 && dpo && opprettet")).await, ids(&[4, 2, 3, 1]));
    assert_eq!(found(words("dpv")).await, ids(&[]));
    for harmless in ["%", "M_TTATT", "\\", "' OR 1 = 1 --", "91007591", "\0"] {
        assert_eq!(
            found(words(harmless)).await,
            if harmless == "\0" { ids(&[4, 2, 3, 1]) } else { ids(&[]) },
            "{harmless}"
        );
    }
    let any = Search::default;
    assert_eq!(found(Search { status: Some(Status::Feil), ..any() }).await, ids(&[2]));
    assert_eq!(found(Search { status: Some(Status::Opprettet), ..any() }).await, ids(&[3, 1]), "the furthest counts");
    assert_eq!(found(Search { direction: Some(Direction::Incoming), ..any() }).await, ids(&[4]));
    assert_eq!(found(Search { service: Some(Service::Dpe), ..any() }).await, ids(&[]));
    assert_eq!(found(Search { from: Some(at(50)), before: Some(at(100)), ..any() }).await, ids(&[2]));
    let second = store.search(any(), PageRequest { number: 1, size: 3 }).await.unwrap();
    assert_eq!((second.total, second.rows.len(), second.rows[0].statuses.len()), (4, 1, 1));
    let number = Some(second.rows[0].number);
    assert_eq!(found(Search { number, ..any() }).await, ids(&[1]));
    // One that was overtaken hides nothing.
    store.register(&id(2), Direction::Outgoing, NewStatus::plain(Status::Mottatt, at(60))).await.unwrap();
    assert_eq!(found(Search { status: Some(Status::Feil), ..any() }).await, ids(&[2]));
    assert_eq!(found(Search { status: Some(Status::Mottatt), ..any() }).await, ids(&[]));
}

async fn what_is_on_the_queue_is_seen_with_its_last_error(store: &dyn Store) {
    create(store, 1).await;
    create(store, 2).await;
    assert_eq!(store.queue(10).await.unwrap(), []);
    store.enqueue(&id(1), at(0)).await.unwrap();
    store.enqueue(&id(2), at(1)).await.unwrap();
    let leased = lease(store, 0, 60).await;
    let seen = store.queue(10).await.unwrap();
    assert_eq!(seen.iter().map(|one| one.message.clone()).collect::<Vec<_>>(), [Some(id(1)), Some(id(2))]);
    assert_eq!((seen[0].leased_until, seen[0].receiver.as_deref()), (Some(at(60)), Some("910075918")));
    let again = Settlement::Again { due: at(90), because: "refused".into() };
    store.settle(&leased[0], again).await.unwrap();
    let seen = store.queue(10).await.unwrap();
    let last = &seen[1];
    assert_eq!((last.message.clone(), last.due, last.tried, last.leased_until), (Some(id(1)), at(90), 1, None));
    assert_eq!(last.last_error.as_deref(), Some("refused"));
    assert_eq!(store.queue(1).await.unwrap().len(), 1);
    assert!(store.size_bytes().await.unwrap() > 0);
}

clauses![conversations_are_found_by_words_and_by_what_became_of_them, what_is_on_the_queue_is_seen_with_its_last_error];
