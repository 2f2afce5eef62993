//! The columns that lists are ordered by. Their names are the same in each database; what differs is said by a [`Tongue`].

use crate::ports::{ConversationProperty, Lane, MessageProperty, Order, StatusProperty};

/// A column of a list.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The number of the row, which no other row has.
    Number,
    Plain,
    Text,
    /// A text that may not be there; what is not there comes before what is.
    MaybeText,
}

/// Whether a row of the queue is of this lane. The names are ours, and can stand in a query.
pub(super) fn of_lane(lane: &Lane) -> String {
    match lane {
        Lane::All => "true".to_owned(),
        Lane::Of(service) => format!("service = '{}'", service.name()),
        Lane::NoneOf(services) => {
            // Of no service at all it would be an empty list, which is no query.
            let names: Vec<_> =
                services.iter().map(|service| format!("'{}'", service.name())).chain(["''".to_owned()]).collect();
            format!("service NOT IN ({})", names.join(", "))
        }
    }
}

/// How a database says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    Sqlite,
    Postgres,
}

pub(super) fn of_conversation(property: ConversationProperty) -> Column {
    use ConversationProperty as P;
    let (name, kind) = match property {
        P::Id => ("id", Kind::Number),
        P::ConversationId => ("conversation_id", Kind::Text),
        P::MessageId => ("message_id", Kind::Text),
        P::Sender => ("sender", Kind::Text),
        P::SenderIdentifier => ("sender_identifier", Kind::Text),
        P::Receiver => ("receiver", Kind::Text),
        P::ReceiverIdentifier => ("receiver_identifier", Kind::Text),
        P::ProcessIdentifier => ("process", Kind::Text),
        P::DocumentIdentifier => ("document_type", Kind::Text),
        P::MessageReference => ("reference", Kind::Text),
        P::MessageTitle => ("title", Kind::Text),
        P::LastUpdate => ("updated", Kind::Plain),
        P::Pollable => ("is_pollable", Kind::Plain),
        P::Finished => ("is_finished", Kind::Plain),
        P::Expiry => ("expires", Kind::Plain),
        P::Direction => ("direction", Kind::Text),
        P::ServiceIdentifier => ("service", Kind::Text),
        P::ExternalSystemReference => ("external_reference", Kind::MaybeText),
    };
    Column { name, kind }
}

pub(super) fn of_status(property: StatusProperty) -> Column {
    use StatusProperty as P;
    let (name, kind) = match property {
        P::Id => ("statuses.id", Kind::Number),
        P::LastUpdate => ("statuses.at", Kind::Plain),
        P::Status => ("statuses.status", Kind::Text),
        P::Description => ("statuses.description", Kind::MaybeText),
        P::ConversationNumber => ("statuses.conversation", Kind::Plain),
        P::ConversationId => ("conversations.conversation_id", Kind::Text),
        P::MessageId => ("conversations.message_id", Kind::Text),
    };
    Column { name, kind }
}

pub(super) fn of_message(property: MessageProperty) -> Column {
    use MessageProperty as P;
    let (name, kind) = match property {
        P::Id => ("id", Kind::Number),
        P::ConversationId => ("conversation_id", Kind::Text),
        P::MessageId => ("message_id", Kind::Text),
        P::ProcessIdentifier => ("process", Kind::Text),
        P::ReceiverIdentifier => ("receiver_identifier", Kind::Text),
        P::SenderIdentifier => ("sender_identifier", Kind::Text),
        P::ServiceIdentifier => ("service", Kind::Text),
        P::LastUpdated => ("updated", Kind::Plain),
    };
    Column { name, kind }
}

/// What stands behind ORDER BY: the asked order, or this one where none is asked for. It ends with the number of the row, the
/// same way as what stands before it, so that pages never overlap and an index of both serves.
pub(super) fn order<P: Copy>(
    tongue: Tongue,
    asked: &[Order<P>],
    or: &[Order<P>],
    column: impl Fn(P) -> Column,
    number: P,
) -> String {
    let asked = if asked.is_empty() { or } else { asked };
    let mut terms = Vec::new();
    let mut is_descending = false;
    let mut has_number = false;
    for order in asked {
        let column = column(order.by);
        is_descending = order.is_descending;
        terms.push(term(tongue, column, is_descending));
        if column.kind == Kind::Number {
            has_number = true;
            // Nothing is the same any more.
            break;
        }
    }
    if !has_number {
        terms.push(term(tongue, column(number), is_descending));
    }
    terms.join(", ")
}

fn term(tongue: Tongue, column: Column, is_descending: bool) -> String {
    let direction = if is_descending { " DESC" } else { "" };
    let is_text = matches!(column.kind, Kind::Text | Kind::MaybeText);
    // SQLite compares bytes, and puts what is not there first; PostgreSQL does so when it is told.
    let collation = if tongue == Tongue::Postgres && is_text { " COLLATE \"C\"" } else { "" };
    let nothing = match (tongue, column.kind, is_descending) {
        (Tongue::Postgres, Kind::MaybeText, true) => " NULLS LAST",
        (Tongue::Postgres, Kind::MaybeText, false) => " NULLS FIRST",
        _ => "",
    };
    format!("{}{collation}{direction}{nothing}", column.name)
}
