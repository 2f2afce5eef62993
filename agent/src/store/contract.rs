//! What every store must keep. Each test is written once, over `dyn Store`; all of them are run against each
//! store. A store is opened twice where the test asks whether something outlives the first one.

use crate::domain::{
    BlobId, Conversation, Direction, Envelope, Incoming, MessageId, NewFile, NewStatus, Outgoing, Service, Services,
    Status,
};
use crate::ports::{
    Acknowledged, Attached, ConversationFilter, Created, Enqueued, IncomingFilter, Leased, NewIncoming, OutgoingFilter,
    PageRequest, Received, Registered, Search, Settled, Settlement, StatusFilter, Store, Work,
};
use jiff::Timestamp;
use std::time::Duration;

const ALL: PageRequest = PageRequest { number: 0, size: 100 };
const LIMIT: u64 = 1000;

fn at(seconds: u64) -> Timestamp {
    "2026-11-21T08:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(seconds)
}

fn id(number: u8) -> MessageId {
    MessageId::random([number; 16])
}

fn blob(number: u8) -> BlobId {
    BlobId::random([number; 16])
}

/// A message whose defaults are filled in.
fn envelope(number: u8) -> Envelope {
    let text = include_str!("../../tests/fixtures/arkivmelding.json").replace(
        "administrasjon:ver1.0\"",
        "administrasjon:ver1.0\", \"scopeInformation\": [{\"expectedResponseDateTime\": \"2030-01-01T00:00:00+01:00\"}]",
    );
    let mut envelope = crate::sbd::read(text.as_bytes(), at(0)).unwrap();
    envelope.document.message_id = Some(id(number));
    envelope
}

/// Whose statuses are queued.
fn queued() -> Services {
    [Service::Dpo].into_iter().collect()
}

async fn create(store: &dyn Store, number: u8) -> Created {
    let envelope = envelope(number);
    let conversation = Conversation::of(&envelope, Direction::Outgoing, Service::Dpo, at(0)).unwrap();
    let message = Outgoing { id: id(number), service: Service::Dpo, envelope, files: Vec::new() };
    store.create(message, conversation).await.unwrap()
}

async fn attach(store: &dyn Store, number: u8, name: &str, is_primary: bool, length_bytes: u64) -> Attached {
    let blob = blob(name.as_bytes()[0]);
    let (filename, mime_type) = (name.to_owned(), "application/pdf".to_owned());
    let file = NewFile { blob, filename, title: Some("T".into()), mime_type, is_primary, length_bytes };
    store.attach(&id(number), file, LIMIT, at(1)).await.unwrap()
}

fn arrived(number: u8, seconds: u64) -> NewIncoming {
    let envelope = envelope(number);
    let conversation = Conversation::of(&envelope, Direction::Incoming, Service::Dpo, at(seconds)).unwrap();
    let package = Some(blob(number));
    let reply = Some(envelope.clone());
    let message = Incoming { id: id(number), service: Service::Dpo, envelope, package, locked_until: None };
    let statuses = [Status::Opprettet, Status::InnkommendeMottatt].map(|status| NewStatus::plain(status, at(seconds)));
    NewIncoming { message: Some(message), conversation, statuses: statuses.to_vec(), reply }
}

async fn names(store: &dyn Store, number: u8) -> Vec<&'static str> {
    let filter = StatusFilter { message_id: Some(id(number).to_string()), ..StatusFilter::default() };
    let rows = store.statuses(filter, ALL).await.unwrap().rows;
    rows.iter().map(|row| row.status.status.name()).collect()
}

async fn lease(store: &dyn Store, now: u64, until: u64) -> Vec<Leased> {
    store.lease("here", at(now), at(until), 10).await.unwrap()
}

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

async fn work_is_leased_to_one_and_taken_over_when_the_lease_runs_out(store: &dyn Store) {
    create(store, 1).await;
    assert_eq!(store.enqueue(&id(2), at(0)).await.unwrap(), Enqueued::NoSuchMessage);
    assert_eq!(store.next_due().await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(store.enqueue(&id(1), at(5)).await.unwrap(), Enqueued::Queued);
    }
    assert_eq!(attach(store, 1, "a", false, 1).await, Attached::NoSuchMessage, "it is on its way");
    assert_eq!(store.next_due().await.unwrap(), Some(at(5)));
    assert_eq!(lease(store, 4, 60).await, [], "not due");
    let first = lease(store, 5, 60).await.pop().unwrap();
    assert_eq!(first.tried, 0);
    assert_eq!(store.next_due().await.unwrap(), Some(at(60)));
    assert_eq!(lease(store, 59, 90).await, [], "somebody has it");
    let second = lease(store, 60, 90).await.pop().unwrap();
    assert_eq!(second.tried, 1, "a try whose holder died counts");
    let again = Settlement::Again { due: at(70), because: "no".into() };
    assert_eq!(store.settle(&first, again.clone()).await.unwrap(), Settled::LeaseLost);
    assert_eq!(store.settle(&second, again).await.unwrap(), Settled::Done(vec![]));
    assert_eq!(store.next_due().await.unwrap(), Some(at(70)));
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
    assert_eq!(store.next_due().await.unwrap(), None);
}

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
    assert_eq!(found(Search { status: Some(Status::Opprettet), ..any() }).await, ids(&[3, 1]), "the last one counts");
    assert_eq!(found(Search { direction: Some(Direction::Incoming), ..any() }).await, ids(&[4]));
    assert_eq!(found(Search { service: Some(Service::Dpe), ..any() }).await, ids(&[]));
    assert_eq!(found(Search { from: Some(at(50)), before: Some(at(100)), ..any() }).await, ids(&[2]));
    let second = store.search(any(), PageRequest { number: 1, size: 3 }).await.unwrap();
    assert_eq!((second.total, second.rows.len(), second.rows[0].statuses.len()), (4, 1, 1));
    let number = Some(second.rows[0].number);
    assert_eq!(found(Search { number, ..any() }).await, ids(&[1]));
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

async fn what_was_answered_is_there_when_it_is_opened_again(open: impl AsyncFn() -> Box<dyn Store>) {
    let store = open().await;
    create(&*store, 1).await;
    attach(&*store, 1, "a", true, 1).await;
    store.enqueue(&id(1), at(0)).await.unwrap();
    drop(store);
    let store = open().await;
    assert_eq!(lease(&*store, 0, 60).await.len(), 1);
    assert_eq!(names(&*store, 1).await, ["OPPRETTET"]);
}

async fn two_that_are_open_at_once_share_the_work(open: impl AsyncFn() -> Box<dyn Store>) {
    let stores = [open().await, open().await];
    for number in 0..20 {
        create(&*stores[0], number).await;
        stores[0].enqueue(&id(number), at(0)).await.unwrap();
    }
    let asked = (0..20).map(|turn| stores[turn % 2].lease("x", at(0), at(60), 1));
    let leased = futures_util::future::join_all(asked).await;
    let mut numbers: Vec<_> =
        leased.into_iter().flat_map(|leased| leased.unwrap()).map(|leased| leased.held.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
}

async fn of_two_that_do_the_same_at_once_one_does_it(open: impl AsyncFn() -> Box<dyn Store>) {
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

/// A name whose first letter is this number's.
fn letter(number: u8) -> String {
    char::from(b'a' + number).to_string()
}

/// What nobody can read; `spoil` runs SQL beside the store.
async fn a_row_that_cannot_be_read_keeps_nobody_back(store: &dyn Store, spoil: impl AsyncFn(&str)) {
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

fn boxed(store: impl Store + 'static) -> Box<dyn Store> {
    Box::new(store)
}

/// One act of the contract.
type Clause = (&'static str, for<'a> fn(&'a dyn Store) -> futures_util::future::BoxFuture<'a, ()>);

macro_rules! clauses {
    ($($name:ident),+ $(,)?) => {
        /// Makes a test of each.
        macro_rules! held_to_it {
            ($open:expr) => {
                $(
                    #[tokio::test]
                    async fn $name() {
                        let place = tempfile::tempdir().unwrap();
                        let store = $open(place.path());
                        super::$name(&store).await;
                    }
                )+
            };
        }
        const CLAUSES: &[Clause] = &[$((stringify!($name), |store| Box::pin($name(store)))),+];
    };
}

clauses![
    a_message_is_kept_once_with_its_conversation,
    files_are_numbered_and_held_to_the_rules,
    work_is_leased_to_one_and_taken_over_when_the_lease_runs_out,
    who_renews_a_lease_keeps_it,
    statuses_of_the_named_services_wait_in_order_until_they_are_taken,
    what_nobody_took_in_time_expires_once_and_leaves_nothing,
    what_somebody_has_in_hand_does_not_expire,
    a_lock_whose_time_is_over_is_taken_away,
    only_what_is_finished_and_has_no_message_is_forgotten,
    a_blob_is_unnamed_when_no_row_has_it,
    what_is_done_is_gone_and_its_status_is_noted,
    what_comes_twice_is_kept_once_and_answered_once,
    a_lock_is_one_peeks_until_it_runs_out,
    eight_peeks_at_once_get_eight_messages,
    only_a_locked_message_is_acknowledged_and_then_it_is_gone,
    each_status_comes_once_and_in_order,
    pages_have_an_order_and_a_total,
    conversations_are_found_by_words_and_by_what_became_of_them,
    what_is_on_the_queue_is_seen_with_its_last_error,
];

mod sqlite {
    //! `SQLite`, held to the contract.
    use super::boxed;
    use crate::store::Sqlite;
    use std::path::Path;

    fn open(place: &Path) -> Sqlite {
        Sqlite::open(&place.join("store.sqlite"), &super::queued()).unwrap()
    }

    held_to_it!(open);

    #[tokio::test]
    async fn several_that_are_open_one_after_the_other_or_at_once() {
        let places: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        let again = async |at: usize| boxed(open(places[at].path()));
        super::what_was_answered_is_there_when_it_is_opened_again(async || again(0).await).await;
        super::two_that_are_open_at_once_share_the_work(async || again(1).await).await;
        super::of_two_that_do_the_same_at_once_one_does_it(async || again(2).await).await;
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_keeps_nobody_back() {
        let place = tempfile::tempdir().unwrap();
        let store = open(place.path());
        let beside = rusqlite::Connection::open(place.path().join("store.sqlite")).unwrap();
        let spoil = async |text: &str| beside.execute_batch(text).unwrap();
        super::a_row_that_cannot_be_read_keeps_nobody_back(&store, spoil).await;
    }
}

#[path = "../../tests/program/postgres.rs"]
mod cluster;

mod postgres {
    //! `PostgreSQL`, held to the same contract: each clause in a schema of its own.
    use super::boxed;
    use super::cluster::Cluster;
    use crate::store::postgres::{Postgres, Server, beside};

    async fn server(port: u16, schema: &str) -> Server {
        let server = Server {
            hosts: vec![("127.0.0.1".into(), port)],
            database: "postgres".into(),
            schema: None,
            user: "test".into(),
            password: None,
        };
        beside(&server, &format!("CREATE SCHEMA {schema}")).await;
        Server { schema: Some(schema.into()), ..server }
    }

    async fn open(server: &Server) -> Postgres {
        Postgres::open(server, &super::queued()).await.unwrap()
    }

    #[tokio::test]
    async fn postgresql_keeps_the_contract() {
        let Some(cluster) = Cluster::start("the contract over PostgreSQL") else { return };
        for (number, (name, clause)) in super::CLAUSES.iter().enumerate() {
            eprintln!("{name}");
            let store = open(&server(cluster.port, &format!("clause{number}")).await).await;
            clause(&store).await;
        }
        let servers =
            [server(cluster.port, "a").await, server(cluster.port, "b").await, server(cluster.port, "c").await];
        let again = async |at: usize| boxed(open(&servers[at]).await);
        super::what_was_answered_is_there_when_it_is_opened_again(async || again(0).await).await;
        super::two_that_are_open_at_once_share_the_work(async || again(1).await).await;
        super::of_two_that_do_the_same_at_once_one_does_it(async || again(2).await).await;
        let spoilt = server(cluster.port, "spoilt").await;
        let store = open(&spoilt).await;
        super::a_row_that_cannot_be_read_keeps_nobody_back(&store, async |text: &str| beside(&spoilt, text).await)
            .await;
        let both = server(cluster.port, "twice").await;
        tokio::join!(open(&both), open(&both));
        beside(&both, "INSERT INTO schema_floor VALUES (7)").await;
        let refused = Postgres::open(&both, &super::queued()).await.unwrap_err().to_string();
        assert!(refused.contains("for programs that know at least 7; this one knows 2"), "{refused}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told() {
        let nowhere = Server {
            hosts: vec![("127.0.0.1".into(), 1)],
            database: "d".into(),
            schema: None,
            user: "u".into(),
            password: None,
        };
        let error = Postgres::open(&nowhere, &super::queued()).await.unwrap_err();
        assert_eq!(error.to_string(), "connect to the database in the store");
    }
}
