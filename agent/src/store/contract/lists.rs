//! Every filter and every order of every list.

use super::{ALL, arrived, at, clauses, create, envelope, id};
use crate::domain::{Conversation, Direction, NewStatus, Outgoing, Service, Status};
use crate::ports::{
    ConversationFilter, ConversationProperty as C, IncomingFilter, MessageProperty as M, Order, OutgoingFilter,
    PageRequest, StatusFilter, StatusProperty as S, Store,
};
use std::collections::BTreeSet;

/// Three that differ in everything: the message's number is the second of its last change.
async fn three(store: &dyn Store) {
    for (number, service) in [(1, Service::Dpo), (2, Service::Dpv), (3, Service::Dpi)] {
        let mut envelope = envelope(number);
        envelope.scopes[0].instance = Some(id(number + 100).to_string());
        let mut it = Conversation::of(&envelope, Direction::Outgoing, service, at(u64::from(number))).unwrap();
        it.whole(number);
        let message = Outgoing { id: id(number), service, envelope, files: Vec::new() };
        store.create(message, it).await.unwrap();
    }
}

trait Whole {
    fn whole(&mut self, number: u8);
}

impl Whole for Conversation {
    fn whole(&mut self, number: u8) {
        // The order of these texts is that of bytes: capitals first.
        let text = ["", "b", "B", "å"][usize::from(number)].to_owned();
        self.sender = format!("sender {text}");
        self.sender_identifier = format!("sender's {text}");
        self.receiver = format!("receiver {text}");
        self.receiver_identifier = format!("receiver's {text}");
        self.title = format!("title {text}");
        self.reference = format!("reference {text}");
        self.process = format!("process {text}");
        self.document_type = format!("type {text}");
        self.external_reference = (number > 1).then(|| text.clone());
    }
}

async fn found(store: &dyn Store, filter: ConversationFilter) -> Vec<u8> {
    let page = store.conversations(filter, ALL).await.unwrap();
    assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
    page.rows.iter().map(|row| number(&row.conversation.message_id.to_string())).collect()
}

fn number(message: &str) -> u8 {
    (0..=u8::MAX).find(|number| id(*number).to_string() == message).unwrap()
}

async fn conversations_are_found_by_each_of_their_members(store: &dyn Store) {
    three(store).await;
    let all = ConversationFilter::default;
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (ConversationFilter { whole_sender: text("sender b"), ..all() }, vec![1]),
        (ConversationFilter { sender: text("sender's B"), ..all() }, vec![2]),
        (ConversationFilter { whole_receiver: text("receiver å"), ..all() }, vec![3]),
        (ConversationFilter { receiver: text("receiver's b"), ..all() }, vec![1]),
        (ConversationFilter { title: text("title B"), ..all() }, vec![2]),
        (ConversationFilter { title: text("title"), ..all() }, vec![]),
        (ConversationFilter { reference: text("reference å"), ..all() }, vec![3]),
        (ConversationFilter { service: Some(Service::Dpv), ..all() }, vec![2]),
        (ConversationFilter { direction: Some(Direction::Incoming), ..all() }, vec![]),
        (ConversationFilter { is_finished: Some(false), is_pollable: Some(false), ..all() }, vec![3, 2, 1]),
        (ConversationFilter { is_finished: Some(true), ..all() }, vec![]),
        (ConversationFilter { is_pollable: Some(true), ..all() }, vec![]),
        (ConversationFilter { updated_from: Some(at(2)), ..all() }, vec![3, 2]),
        (ConversationFilter { updated_before: Some(at(2)), ..all() }, vec![1]),
        (ConversationFilter { updated_from: Some(at(2)), updated_before: Some(at(3)), ..all() }, vec![2]),
        (ConversationFilter { title: text("title b"), sender: text("sender's B"), ..all() }, vec![]),
    ] {
        assert_eq!(found(store, filter.clone()).await, expected, "{filter:?}");
    }
    store.register(&id(2), Direction::Outgoing, NewStatus::plain(Status::Levert, at(9))).await.unwrap();
    assert_eq!(found(store, ConversationFilter { is_finished: Some(true), ..all() }).await, [2]);
    assert_eq!(found(store, ConversationFilter { is_finished: Some(false), ..all() }).await, [3, 1]);
}

async fn conversations_come_in_every_order(store: &dyn Store) {
    three(store).await;
    let by = async |order: &[Order<C>]| {
        found(store, ConversationFilter { order: order.to_vec(), ..ConversationFilter::default() }).await
    };
    assert_eq!(by(&[]).await, [3, 2, 1], "those that changed last first");
    for property in [C::Id, C::LastUpdate, C::MessageId, C::ConversationId, C::ExternalSystemReference] {
        assert_eq!(by(&[Order::up(property)]).await, [1, 2, 3], "{property:?}");
        assert_eq!(by(&[Order::down(property)]).await, [3, 2, 1], "{property:?}");
    }
    for property in [
        C::Sender,
        C::SenderIdentifier,
        C::Receiver,
        C::ReceiverIdentifier,
        C::MessageTitle,
        C::MessageReference,
        C::ProcessIdentifier,
        C::DocumentIdentifier,
    ] {
        assert_eq!(by(&[Order::up(property)]).await, [2, 1, 3], "{property:?}");
        assert_eq!(by(&[Order::down(property)]).await, [3, 1, 2], "{property:?}");
    }
    assert_eq!(by(&[Order::up(C::ServiceIdentifier)]).await, [3, 1, 2]);
    // What is the same comes by number, the same way as what was asked for.
    for property in [C::Pollable, C::Finished, C::Expiry, C::Direction] {
        assert_eq!(by(&[Order::up(property)]).await, [1, 2, 3], "{property:?}");
        assert_eq!(by(&[Order::down(property)]).await, [3, 2, 1], "{property:?}");
        assert_eq!(by(&[Order::up(property), Order::down(C::MessageTitle)]).await, [3, 1, 2], "{property:?}");
    }
}

async fn statuses_are_found_by_time_and_come_in_every_order(store: &dyn Store) {
    three(store).await;
    let described = NewStatus { description: Some("why".into()), ..NewStatus::plain(Status::Feil, at(4)) };
    store.register(&id(1), Direction::Outgoing, described).await.unwrap();
    let seen = async |filter: StatusFilter| -> Vec<(u8, Status)> {
        let page = store.statuses(filter, ALL).await.unwrap();
        assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
        page.rows.iter().map(|row| (number(&row.message_id.to_string()), row.status.status)).collect()
    };
    let all = StatusFilter::default;
    let between = StatusFilter { from: Some(at(2)), until: Some(at(3)), ..all() };
    let (one, two, three, feil) =
        ((1, Status::Opprettet), (2, Status::Opprettet), (3, Status::Opprettet), (1, Status::Feil));
    assert_eq!(seen(between.clone()).await, [two, three], "both ends count");
    assert_eq!(seen(StatusFilter { status: Some(Status::Feil), ..between }).await, []);
    assert_eq!(seen(StatusFilter { status: Some(Status::Feil), ..all() }).await, [feil]);
    let conversation_id = Some(id(102).to_string());
    assert_eq!(seen(StatusFilter { conversation_id, ..all() }).await, [two]);
    for (order, expected) in [
        (vec![], [one, two, three, feil]),
        (vec![Order::down(S::Id)], [feil, three, two, one]),
        (vec![Order::down(S::LastUpdate)], [feil, three, two, one]),
        (vec![Order::up(S::Status)], [feil, one, two, three]),
        (vec![Order::down(S::Description)], [feil, three, two, one]),
        (vec![Order::up(S::Description)], [one, two, three, feil]),
        (vec![Order::up(S::ConversationNumber)], [one, feil, two, three]),
        (vec![Order::up(S::MessageId), Order::down(S::Id)], [feil, one, two, three]),
        (vec![Order::down(S::ConversationId)], [three, two, feil, one]),
    ] {
        assert_eq!(seen(StatusFilter { order: order.clone(), ..all() }).await, expected, "{order:?}");
    }
}

async fn messages_come_in_every_order_and_are_found_by_number_and_time(store: &dyn Store) {
    three(store).await;
    let sent = async |filter: OutgoingFilter| -> Vec<u8> {
        let page = store.all_outgoing(filter, ALL).await.unwrap();
        page.rows.iter().map(|row| number(&row.id.to_string())).collect()
    };
    let all = OutgoingFilter::default;
    assert_eq!(sent(OutgoingFilter { updated: Some(at(2)), ..all() }).await, [2]);
    assert!(sent(OutgoingFilter { number: Some(-1), ..all() }).await.is_empty());
    for property in [M::Id, M::ConversationId, M::MessageId, M::LastUpdated] {
        assert_eq!(
            sent(OutgoingFilter { order: vec![Order::down(property)], ..all() }).await,
            [3, 2, 1],
            "{property:?}"
        );
    }
    for property in [M::ProcessIdentifier, M::SenderIdentifier, M::ReceiverIdentifier] {
        assert_eq!(sent(OutgoingFilter { order: vec![Order::up(property)], ..all() }).await, [2, 1, 3], "{property:?}");
    }
    assert_eq!(sent(OutgoingFilter { order: vec![Order::up(M::ServiceIdentifier)], ..all() }).await, [3, 1, 2]);
    for number in [7, 5, 6] {
        store.receive(arrived(number, u64::from(number))).await.unwrap();
    }
    let came = async |order: Vec<Order<M>>| -> Vec<u8> {
        let page = store.all_incoming(IncomingFilter { order, ..IncomingFilter::default() }, ALL).await.unwrap();
        page.rows.iter().map(|row| number(&row.id.to_string())).collect()
    };
    assert_eq!(came(vec![]).await, [5, 6, 7]);
    assert_eq!(came(vec![Order::up(M::Id)]).await, [7, 5, 6]);
    assert_eq!(came(vec![Order::down(M::MessageId)]).await, [7, 6, 5]);
    let by_number = IncomingFilter { order: vec![Order::down(M::MessageId)], ..IncomingFilter::default() };
    let locked = store.lock_next(by_number, at(9), at(99)).await.unwrap().unwrap();
    assert_eq!(locked.id, id(5), "a peek gives the oldest, whatever is asked");
}

async fn pages_of_what_is_the_same_never_overlap(store: &dyn Store) {
    for number in 0..7 {
        create(store, number).await;
    }
    for is_descending in [false, true] {
        let order = vec![Order { by: C::Direction, is_descending }];
        let mut seen = BTreeSet::new();
        for page in 0..4 {
            let filter = ConversationFilter { order: order.clone(), ..ConversationFilter::default() };
            let page = store.conversations(filter, PageRequest { number: page, size: 2 }).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.number));
        }
        assert_eq!(seen.len(), 7);
    }
}

clauses![
    conversations_are_found_by_each_of_their_members,
    conversations_come_in_every_order,
    statuses_are_found_by_time_and_come_in_every_order,
    messages_come_in_every_order_and_are_found_by_number_and_time,
    pages_of_what_is_the_same_never_overlap,
];
