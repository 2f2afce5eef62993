//! Who tries, and what comes of it.

use super::{ALL, at, attach, blob, clauses, create, id, lease, names};
use crate::domain::{NewStatus, Service, Services, Status};
use crate::ports::{Attached, ConversationFilter, Enqueued, Lane, Settled, Settlement, Store, Work};

async fn work_is_leased_to_one_and_taken_over_when_the_lease_runs_out(store: &dyn Store) {
    create(store, 1).await;
    assert_eq!(store.enqueue(&id(2), at(0)).await.unwrap(), Enqueued::NoSuchMessage);
    assert_eq!(store.next_due(&Lane::All).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(store.enqueue(&id(1), at(5)).await.unwrap(), Enqueued::Queued);
    }
    assert_eq!(attach(store, 1, "a", false, 1).await, Attached::NoSuchMessage, "it is on its way");
    assert_eq!(store.next_due(&Lane::All).await.unwrap(), Some(at(5)));
    assert_eq!(lease(store, 4, 60).await, [], "not due");
    let first = lease(store, 5, 60).await.pop().unwrap();
    assert_eq!(first.tried, 0);
    assert_eq!(store.next_due(&Lane::All).await.unwrap(), Some(at(60)));
    assert_eq!(lease(store, 59, 90).await, [], "somebody has it");
    let second = lease(store, 60, 90).await.pop().unwrap();
    assert_eq!(second.tried, 1, "a try whose holder died counts");
    let again = Settlement::Again { due: at(70), because: "no".into() };
    assert_eq!(store.settle(&first, again.clone()).await.unwrap(), Settled::LeaseLost);
    assert_eq!(store.settle(&second, again).await.unwrap(), Settled::Done(vec![]));
    assert_eq!(store.next_due(&Lane::All).await.unwrap(), Some(at(70)));
}

async fn who_renews_a_lease_keeps_it(store: &dyn Store) {
    create(store, 1).await;
    store.enqueue(&id(1), at(0)).await.unwrap();
    let first = lease(store, 0, 15).await.pop().unwrap();
    assert_eq!(store.renew(&[first.held], at(30)).await.unwrap(), 1);
    assert_eq!(lease(store, 29, 45).await, []);
    let second = lease(store, 30, 45).await.pop().unwrap();
    assert_eq!(store.renew(&[first.held], at(90)).await.unwrap(), 0, "somebody else has it");
    assert_eq!(store.renew(&[first.held, second.held], at(90)).await.unwrap(), 1);
    let again = Settlement::Again { due: at(50), because: "refused".into() };
    store.settle(&second, again).await.unwrap();
    assert_eq!(store.renew(&[second.held], at(900)).await.unwrap(), 0, "what is settled is nobody's");
    assert_eq!(lease(store, 50, 60).await.pop().unwrap().last_error.as_deref(), Some("refused"));
}

async fn what_is_done_is_gone_and_its_status_is_noted(store: &dyn Store) {
    create(store, 1).await;
    attach(store, 1, "a", true, 1).await;
    store.enqueue(&id(1), at(0)).await.unwrap();
    let leased = lease(store, 0, 60).await.pop().unwrap();
    assert!(matches!(&leased.work, Work::Message(message) if message.files.len() == 1));
    let done = Settlement::Done {
        status: Some(NewStatus::plain(Status::Sendt, at(1))),
        external_reference: Some("theirs".into()),
    };
    assert_eq!(store.settle(&leased, done.clone()).await.unwrap(), Settled::Done(vec![blob(b'a')]));
    assert_eq!(store.settle(&leased, done).await.unwrap(), Settled::LeaseLost);
    assert_eq!(store.outgoing(&id(1)).await.unwrap(), None);
    assert_eq!(names(store, 1).await, ["OPPRETTET", "SENDT"]);
    let kept = store.conversations(ConversationFilter::default(), ALL).await.unwrap().rows.pop().unwrap();
    assert_eq!(kept.conversation.external_reference.as_deref(), Some("theirs"));
    assert_eq!(store.next_due(&Lane::All).await.unwrap(), None);
}

async fn a_lane_has_what_goes_over_its_service_and_nothing_else(store: &dyn Store) {
    let lane = |service| Lane::Of(service);
    let others = Lane::NoneOf([Service::Dpo, Service::Dpv].into_iter().collect());
    for number in [1, 2] {
        create(store, number).await;
        store.enqueue(&id(number), at(5)).await.unwrap();
    }
    let leased = async |lane: &Lane| store.lease("here", lane, at(9), at(60), 10).await.unwrap().len();
    for empty in [&lane(Service::Dpv), &others] {
        assert_eq!(store.next_due(empty).await.unwrap(), None, "{empty:?}");
        assert_eq!(leased(empty).await, 0, "{empty:?}");
    }
    let (dpo, whole) = (lane(Service::Dpo), Lane::NoneOf(Services::default()));
    for has_it in [&dpo, &Lane::All, &whole, &Lane::NoneOf([Service::Dpe].into_iter().collect())] {
        assert_eq!(store.next_due(has_it).await.unwrap(), Some(at(5)), "{has_it:?}");
    }
    assert_eq!(store.lease("here", &dpo, at(9), at(60), 1).await.unwrap().len(), 1);
    assert_eq!(leased(&whole).await, 1, "the other one");
    assert_eq!(store.next_due(&dpo).await.unwrap(), Some(at(60)));
}

clauses![
    a_lane_has_what_goes_over_its_service_and_nothing_else,
    work_is_leased_to_one_and_taken_over_when_the_lease_runs_out,
    who_renews_a_lease_keeps_it,
    what_is_done_is_gone_and_its_status_is_noted,
];
