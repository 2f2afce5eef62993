//! Messages that came in.

use super::filter::{Filter, List};
use super::rows::{self, blob_id, change, column, maybe_moment, millis, one};
use super::{Sqlite, conversations, queue};
use crate::domain::{Conversation, Direction, Envelope, Incoming, MessageId, NewStatus};
use crate::ports::{
    Acknowledged, Answer, Inbox, IncomingFilter, MessageProperty, NewIncoming, Order, Page, PageRequest, Received,
    StoreError,
};
use crate::store::columns::{Tongue, of_message, order};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

/// A peek passes over so many messages that cannot be read.
const UNREADABLE: u32 = 20;

impl Inbox for Sqlite {
    fn receive(&self, new: NewIncoming) -> Answer<'_, Received, StoreError> {
        self.write("keep what came in", move |connection| receive(connection, &new))
    }

    fn incoming<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Incoming>, StoreError> {
        let id = id.clone();
        self.read("read a message", move |connection| incoming(connection, &id))
    }

    fn all_incoming(&self, filter: IncomingFilter, page: PageRequest) -> Answer<'_, Page<Incoming>, StoreError> {
        self.read("list messages", move |connection| {
            let by_age = [Order::up(MessageProperty::LastUpdated)];
            let order = order(Tongue::Sqlite, &filter.order, &by_age, of_message, MessageProperty::Id);
            let list = List { columns: "*", from: "messages_in", counted: "messages_in", order: &order };
            conditions(filter).page(connection, &list, page, message)
        })
    }

    fn lock_next(
        &self,
        filter: IncomingFilter,
        now: Timestamp,
        until: Timestamp,
    ) -> Answer<'_, Option<Incoming>, StoreError> {
        self.write("lock a message", move |connection| {
            let free = format!("(SELECT * FROM messages_in WHERE locked_until IS NULL OR locked_until < {})", millis(now));
            let first = PageRequest { number: 0, size: 1 };
            // The writer is alone: what is found free stays free until it is locked. What cannot be read is locked too,
            // so that it stands in nobody's way.
            for _ in 0..UNREADABLE {
                let list = List { columns: "*", from: &free, counted: &free, order: "updated, id" };
                let found = conditions(filter.clone()).rows(connection, &list, first, |row| {
                    Ok((column::<i64>(row, "id")?, message(row)))
                })?;
                let Some((number, message)) = found.into_iter().next() else { return Ok(None) };
                let lock = "UPDATE messages_in SET locked_until = ?2 WHERE id = ?1";
                change(connection, lock, params![number, millis(until)])?;
                match message {
                    Ok(message) => return Ok(Some(Incoming { locked_until: Some(until), ..message })),
                    Err(error) => {
                        tracing::error!(number, error = %efm::chain::Chain(&error), "a message that came in is passed over");
                    }
                }
            }
            Ok(None)
        })
    }

    fn acknowledge<'a>(
        &'a self,
        id: &'a MessageId,
        status: NewStatus,
        reply: Option<Envelope>,
    ) -> Answer<'a, Acknowledged, StoreError> {
        let id = id.clone();
        self.write("acknowledge a message", move |connection| {
            let Some(message) = incoming(connection, &id)? else { return Ok(Acknowledged::NoSuchMessage) };
            if !message.is_locked(status.at) {
                return Ok(Acknowledged::NotLocked);
            }
            change(connection, "DELETE FROM messages_in WHERE message_id = ?1", &[&id.as_str()])?;
            conversations::register(connection, &id, Direction::Incoming, &status)?;
            if let Some(reply) = &reply {
                queue::add_reply(connection, reply, message.service, status.at)?;
            }
            Ok(Acknowledged::Removed(Box::new(message)))
        })
    }
}

fn conditions(filter: IncomingFilter) -> Filter {
    Filter::default()
        .is("message_id", filter.message_id)
        .is("conversation_id", filter.conversation_id)
        .is("process", filter.process)
        .is("sender_identifier", filter.sender)
        .is("receiver_identifier", filter.receiver)
        .is("service", filter.service.map(|service| service.name().to_owned()))
}

fn receive(connection: &Connection, new: &NewIncoming) -> Result<Received, StoreError> {
    let id = &new.conversation.message_id;
    if conversations::exists(connection, id, Direction::Incoming)? {
        return Ok(Received::Duplicate);
    }
    conversations::insert(connection, &new.conversation)?;
    for status in &new.statuses {
        conversations::register(connection, id, Direction::Incoming, status)?;
    }
    if let Some(message) = &new.message {
        insert(connection, message, &new.conversation)?;
    }
    if let Some(reply) = &new.reply {
        queue::add_reply(connection, reply, new.conversation.service, new.conversation.updated)?;
    }
    Ok(Received::Kept)
}

fn insert(connection: &Connection, message: &Incoming, conversation: &Conversation) -> Result<(), StoreError> {
    let insert = "INSERT INTO messages_in
        (message_id, conversation_id, process, sender_identifier, receiver_identifier, service, updated, sbd, package)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let sender = message.envelope.sender().map(|who| who.primary().to_owned()).unwrap_or_default();
    change(
        connection,
        insert,
        params![
            message.id.as_str(),
            conversation.conversation_id.as_str(),
            conversation.process,
            sender,
            conversation.receiver_identifier,
            message.service.name(),
            millis(conversation.updated),
            rows::sbd(&message.envelope)?,
            message.package.as_ref().map(|blob| blob.as_str().to_owned()),
        ],
    )?;
    Ok(())
}

fn incoming(connection: &Connection, id: &MessageId) -> Result<Option<Incoming>, StoreError> {
    one(connection, "SELECT * FROM messages_in WHERE message_id = ?1", &[&id.as_str()], message)
}

fn message(row: &Row<'_>) -> Result<Incoming, StoreError> {
    Ok(Incoming {
        id: rows::message_id(&column::<String>(row, "message_id")?)?,
        service: rows::service(row)?,
        envelope: rows::envelope(&column::<String>(row, "sbd")?)?,
        package: column::<Option<String>>(row, "package")?.map(|blob| blob_id(&blob)).transpose()?,
        locked_until: maybe_moment(row, "locked_until")?,
    })
}
