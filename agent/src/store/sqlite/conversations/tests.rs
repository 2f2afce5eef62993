//! How lists are found: no filter reads the whole table, and the usual orders need no sorting.

use super::*;
use crate::domain::{Service, Services};
use crate::ports::Order;
use jiff::Timestamp;

/// The steps that the database takes for a page and for its total.
fn plan(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>("detail").unwrap());
    }
    steps
}

fn open(folder: &std::path::Path) -> Connection {
    drop(Sqlite::open(&folder.join("s.sqlite"), &Services::default()).unwrap());
    Connection::open(folder.join("s.sqlite")).unwrap()
}

fn filters() -> Vec<(&'static str, ConversationFilter)> {
    let all = ConversationFilter::default;
    let text = || Some("x".to_owned());
    vec![
        ("everything", all()),
        ("conversationId", ConversationFilter { conversation_id: text(), ..all() }),
        ("messageId", ConversationFilter { message_id: text(), ..all() }),
        ("sender", ConversationFilter { whole_sender: text(), ..all() }),
        ("senderIdentifier", ConversationFilter { sender: text(), ..all() }),
        ("receiver", ConversationFilter { whole_receiver: text(), ..all() }),
        ("receiverIdentifier", ConversationFilter { receiver: text(), ..all() }),
        ("messageReference", ConversationFilter { reference: text(), ..all() }),
        ("messageTitle", ConversationFilter { title: text(), ..all() }),
        ("serviceIdentifier", ConversationFilter { service: Some(Service::Dpo), ..all() }),
        ("direction", ConversationFilter { direction: Some(Direction::Incoming), ..all() }),
        ("pollable", ConversationFilter { is_pollable: Some(true), ..all() }),
        ("finished", ConversationFilter { is_finished: Some(true), ..all() }),
        ("unfinished", ConversationFilter { is_finished: Some(false), ..all() }),
        ("lastUpdateFrom", ConversationFilter { updated_from: Some(Timestamp::UNIX_EPOCH), ..all() }),
        ("lastUpdateTo", ConversationFilter { updated_before: Some(Timestamp::UNIX_EPOCH), ..all() }),
    ]
}

#[test]
fn no_filter_of_conversations_reads_the_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(folder.path());
    for (name, filter) in filters() {
        let (conditions, order) = conditions(filter);
        let list = List { columns: "*", from: "conversations", counted: "conversations", order: &order };
        for query in [conditions.query(&list), conditions.count(&list)] {
            let steps = plan(&connection, &query);
            let reads_all = steps.iter().any(|step| step.starts_with("SCAN") && !step.contains("INDEX"));
            assert!(!reads_all, "{name}: {steps:?} for {query}");
        }
    }
}

#[test]
fn conversations_come_in_their_order_without_being_sorted_where_many_have_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(folder.path());
    // Those that are left out name one conversation, or few.
    let few = ["conversationId", "messageId", "messageReference", "messageTitle"];
    for (name, filter) in filters().into_iter().filter(|(name, _)| !few.contains(name)) {
        let (conditions, order) = conditions(filter);
        let list = List { columns: "*", from: "conversations", counted: "conversations", order: &order };
        let steps = plan(&connection, &conditions.query(&list));
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{name}: {steps:?}");
    }
}

#[test]
fn no_filter_of_statuses_reads_the_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(folder.path());
    let all = StatusFilter::default;
    let moment = || Some(Timestamp::UNIX_EPOCH);
    for (name, filter) in [
        ("id", StatusFilter { number: Some(1), ..all() }),
        ("messageId", StatusFilter { message_id: Some("x".into()), ..all() }),
        ("conversationId", StatusFilter { conversation_id: Some("x".into()), ..all() }),
        ("status", StatusFilter { status: Some(Status::Feil), ..all() }),
        ("time", StatusFilter { from: moment(), until: moment(), ..all() }),
        ("by time", StatusFilter { order: vec![Order::down(StatusProperty::LastUpdate)], ..all() }),
    ] {
        let (conditions, order, counted) = status_conditions(filter);
        let list = List { columns: STATUS, from: STATUSES, counted, order: &order };
        for query in [conditions.query(&list), conditions.count(&list)] {
            let steps = plan(&connection, &query);
            let is_found = |step: &String| {
                step.contains("INDEX") || step.contains("PRIMARY KEY") || step.contains("TEMP B-TREE FOR ORDER BY")
            };
            assert!(steps.iter().all(is_found), "{name}: {steps:?} for {query}");
        }
    }
}
