//! Conversations and their statuses. [`register`] is the only way by which a status is noted.

use super::filter::{Filter, List};
use super::rows::{self, change, column, each, millis, moment, one, word};
use super::{Sqlite, pushes, statuses};
use crate::domain::conversation::{About, Conversation, Direction, Move, judge};
use crate::domain::{Deadline, MessageId, NewStatus, Status, StatusNoted};
use crate::ports::{
    Answer, ConversationFilter, ConversationProperty, Conversations, Counts, Order, Page, PageRequest, Registered,
    StatusFilter, StatusProperty, StatusRow, StoreError, StoredConversation,
};
use crate::store::columns::{Tongue, of_conversation, of_status, order};
use crate::store::told::{self, Noted};
use rusqlite::{Connection, Row, params};

impl Conversations for Sqlite {
    fn register<'a>(
        &'a self,
        id: &'a MessageId,
        direction: Direction,
        status: NewStatus,
    ) -> Answer<'a, Registered, StoreError> {
        let id = id.clone();
        self.write("note a status", move |connection| register(connection, &id, direction, &status))
    }

    fn conversations(
        &self,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Answer<'_, Page<StoredConversation>, StoreError> {
        self.read("list conversations", move |connection| {
            let (filter, order) = conditions(filter);
            let list = List { columns: "*", from: "conversations", counted: "conversations", order: &order };
            filter.page(connection, &list, page, |row| stored(connection, row))
        })
    }

    fn forget_conversation(&self, number: i64) -> Answer<'_, (), StoreError> {
        self.write("forget a conversation", move |connection| {
            change(connection, "DELETE FROM conversations WHERE id = ?1", &[&number]).map(|_| ())
        })
    }

    fn statuses(&self, filter: StatusFilter, page: PageRequest) -> Answer<'_, Page<StatusRow>, StoreError> {
        self.read("list statuses", move |connection| {
            let (filter, order, counted) = status_conditions(filter);
            filter.page(connection, &List { columns: STATUS, from: STATUSES, counted, order: &order }, page, status)
        })
    }

    fn counts(&self) -> Answer<'_, Counts, StoreError> {
        self.read("count", |connection| {
            let query = "SELECT (SELECT count(*) FROM messages_out) AS outgoing,
                                (SELECT count(*) FROM messages_in) AS incoming,
                                (SELECT count(*) FROM conversations WHERE is_pollable) AS pollable,
                                (SELECT count(*) FROM queue) AS queued";
            let counts = one(connection, query, &[], |row| {
                let count = |name| column::<i64>(row, name).map(|count| u64::try_from(count).unwrap_or(0));
                Ok(Counts {
                    outgoing: count("outgoing")?,
                    incoming: count("incoming")?,
                    pollable: count("pollable")?,
                    queued: count("queued")?,
                })
            })?;
            Ok(counts.unwrap_or_default())
        })
    }
}

pub(super) const STATUSES: &str = "statuses JOIN conversations ON conversations.id = statuses.conversation";
pub(super) const STATUS: &str = "statuses.id AS number, statuses.conversation AS conversation_number, conversation_id, message_id, \
                      statuses.at AS at, statuses.status AS status, statuses.description AS description, \
                      statuses.raw_receipt AS raw_receipt";

/// What a list of conversations asks for, and its order.
fn conditions(filter: ConversationFilter) -> (Filter, String) {
    let by_change = [Order::down(ConversationProperty::LastUpdate)];
    let number = ConversationProperty::Id;
    let order = order(Tongue::Sqlite, &filter.order, &by_change, of_conversation, number);
    let conditions = Filter::default()
        .is("id", filter.number)
        .is("message_id", filter.message_id)
        .is("conversation_id", filter.conversation_id)
        .is("sender", filter.whole_sender)
        .is("sender_identifier", filter.sender)
        .is("receiver", filter.whole_receiver)
        .is("receiver_identifier", filter.receiver)
        .is("reference", filter.reference)
        .is("title", filter.title)
        .is("service", filter.service.map(|service| service.name().to_owned()))
        .is("direction", filter.direction.map(|direction| direction.name().to_owned()))
        .compared("updated", ">=", filter.updated_from.map(millis))
        .compared("updated", "<", filter.updated_before.map(millis))
        .flag("is_pollable", filter.is_pollable)
        .flag("is_finished", filter.is_finished);
    (conditions, order)
}

/// What a list of statuses asks for, its order, and what is counted.
fn status_conditions(filter: StatusFilter) -> (Filter, String, &'static str) {
    let order = order(Tongue::Sqlite, &filter.order, &[], of_status, StatusProperty::Id);
    let is_of_one = filter.message_id.is_some() || filter.conversation_id.is_some();
    let conditions = Filter::default()
        .is("statuses.id", filter.number)
        .is("message_id", filter.message_id)
        .is("conversation_id", filter.conversation_id)
        .is("status", filter.status.map(|status| status.name().to_owned()))
        .compared("at", ">=", filter.from.map(millis))
        .compared("at", "<=", filter.until.map(millis));
    // Each status has its conversation: they are not needed to count.
    let counted = if is_of_one { STATUSES } else { "statuses" };
    (conditions, order, counted)
}

/// Keeps a new conversation.
pub(super) fn insert(connection: &Connection, new: &Conversation) -> Result<(), StoreError> {
    let insert = "INSERT INTO conversations
        (direction, message_id, conversation_id, sender, sender_identifier, receiver, receiver_identifier, process,
         document_type, reference, title, service, expires, is_pollable, is_finished, updated, external_reference,
         channel)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    change(
        connection,
        insert,
        params![
            new.direction.name(),
            new.message_id.as_str(),
            new.conversation_id.as_str(),
            new.sender,
            new.sender_identifier,
            new.receiver,
            new.receiver_identifier,
            new.process,
            new.document_type,
            new.reference,
            new.title,
            new.service.name(),
            millis(new.deadline.moment()),
            new.is_pollable,
            new.is_finished,
            millis(new.updated),
            new.external_reference,
            new.channel,
        ],
    )?;
    Ok(())
}

/// Says what the message of a conversation is about. It is no change of what became of it.
pub(super) fn describe(connection: &Connection, id: &MessageId, about: &About) -> Result<(), StoreError> {
    if *about == About::default() {
        return Ok(());
    }
    let update = "UPDATE conversations SET title = coalesce(?2, title), reference = coalesce(?3, reference)
                  WHERE message_id = ?1 AND direction = 'OUTGOING'";
    change(connection, update, params![id.as_str(), about.title, about.reference]).map(|_| ())
}

/// Whether there is one.
pub(super) fn exists(connection: &Connection, id: &MessageId, direction: Direction) -> Result<bool, StoreError> {
    let query = "SELECT 1 FROM conversations WHERE message_id = ?1 AND direction = ?2";
    Ok(one(connection, query, params![id.as_str(), direction.name()], |_| Ok(()))?.is_some())
}

/// Notes a status as [`judge`] says. What must happen with each new status, exactly once, belongs here.
pub(super) fn register(
    connection: &Connection,
    id: &MessageId,
    direction: Direction,
    new: &NewStatus,
) -> Result<Registered, StoreError> {
    let query = "SELECT * FROM conversations WHERE message_id = ?1 AND direction = ?2";
    let found = one(connection, query, params![id.as_str(), direction.name()], |row| {
        Ok((column::<i64>(row, "id")?, conversation(row)?))
    })?;
    let Some((number, conversation)) = found else { return Ok(Registered::NoConversation) };
    let had = each(connection, "SELECT status FROM statuses WHERE conversation = ?1", &[&number], |row| {
        word(&column::<String>(row, "status")?, Status::named)
    })?;
    let Move::Noted { is_finished, is_pollable } = judge(&conversation, &had, new) else {
        return Ok(Registered::Repeated);
    };
    let insert =
        "INSERT INTO statuses (conversation, at, status, description, raw_receipt) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (name, at) = (new.status.name(), millis(new.at));
    change(connection, insert, params![number, at, name, new.description, new.raw_receipt])?;
    let noted = StatusNoted::of(connection.last_insert_rowid(), &conversation, new);
    statuses::add_last(connection, conversation.service)?;
    pushes::note(connection, &noted)?;
    let update = "UPDATE conversations SET is_finished = ?2, is_pollable = ?3, updated = ?4 WHERE id = ?1";
    change(connection, update, params![number, is_finished, is_pollable, at])?;
    told::keep(Noted { conversation, status: new.clone() });
    Ok(Registered::Noted)
}

/// A conversation with its statuses.
pub(super) fn stored(connection: &Connection, row: &Row<'_>) -> Result<StoredConversation, StoreError> {
    let number = column(row, "id")?;
    let query = format!("SELECT {STATUS} FROM {STATUSES} WHERE statuses.conversation = ?1 ORDER BY number");
    let statuses = each(connection, &query, &[&number], status)?;
    Ok(StoredConversation { number, conversation: conversation(row)?, statuses })
}

fn conversation(row: &Row<'_>) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        direction: word(&column::<String>(row, "direction")?, Direction::named)?,
        message_id: rows::message_id(&column::<String>(row, "message_id")?)?,
        conversation_id: rows::conversation_id(&column::<String>(row, "conversation_id")?)?,
        sender: column(row, "sender")?,
        sender_identifier: column(row, "sender_identifier")?,
        receiver: column(row, "receiver")?,
        receiver_identifier: column(row, "receiver_identifier")?,
        process: column(row, "process")?,
        document_type: column(row, "document_type")?,
        reference: column(row, "reference")?,
        title: column(row, "title")?,
        service: rows::service(row)?,
        deadline: Deadline::at(moment(column(row, "expires")?)?),
        is_pollable: column(row, "is_pollable")?,
        is_finished: column(row, "is_finished")?,
        updated: moment(column(row, "updated")?)?,
        external_reference: column(row, "external_reference")?,
        channel: column(row, "channel")?,
    })
}

pub(super) fn status(row: &Row<'_>) -> Result<StatusRow, StoreError> {
    Ok(StatusRow {
        number: column(row, "number")?,
        conversation_number: column(row, "conversation_number")?,
        conversation_id: rows::conversation_id(&column::<String>(row, "conversation_id")?)?,
        message_id: rows::message_id(&column::<String>(row, "message_id")?)?,
        status: NewStatus {
            status: word(&column::<String>(row, "status")?, Status::named)?,
            at: moment(column(row, "at")?)?,
            description: column(row, "description")?,
            raw_receipt: column(row, "raw_receipt")?,
        },
    })
}

#[cfg(test)]
mod tests;
