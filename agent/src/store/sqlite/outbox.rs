//! Messages on their way out, and their files.

use super::filter::{Filter, List};
use super::rows::{self, blob_id, change, column, each, millis, one};
use super::{Sqlite, conversations};
use crate::domain::{About, BlobId, Conversation, File, MessageId, NewFile, NewStatus, Outgoing, Status};
use crate::ports::{Answer, Attached, Created, MessageProperty, Outbox, OutgoingFilter, Page, PageRequest, StoreError};
use crate::store::columns::{Tongue, of_message, order};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

impl Outbox for Sqlite {
    fn create(&self, message: Outgoing, conversation: Conversation) -> Answer<'_, Created, StoreError> {
        self.write("create a message", move |connection| create(connection, &message, &conversation))
    }

    fn outgoing<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Outgoing>, StoreError> {
        let id = id.clone();
        self.read("read a message", move |connection| outgoing(connection, &id))
    }

    fn all_outgoing(&self, filter: OutgoingFilter, page: PageRequest) -> Answer<'_, Page<Outgoing>, StoreError> {
        self.read("list messages", move |connection| {
            let order = order(Tongue::Sqlite, &filter.order, &[], of_message, MessageProperty::Id);
            let filter = Filter::default()
                .is("id", filter.number)
                .is("updated", filter.updated.map(millis))
                .is("message_id", filter.message_id)
                .is("conversation_id", filter.conversation_id)
                .is("process", filter.process)
                .is("sender_identifier", filter.sender)
                .is("receiver_identifier", filter.receiver)
                .is("service", filter.service.map(|service| service.name().to_owned()));
            let list = List { columns: "*", from: "messages_out", counted: "messages_out", order: &order };
            filter.page(connection, &list, page, |row| message(connection, row))
        })
    }

    fn attach<'a>(
        &'a self,
        id: &'a MessageId,
        file: NewFile,
        about: About,
        limit_bytes: u64,
        now: Timestamp,
    ) -> Answer<'a, Attached, StoreError> {
        let id = id.clone();
        self.write("attach a file", move |connection| {
            let attached = attach(connection, &id, &file, limit_bytes, now)?;
            if matches!(attached, Attached::Kept(_)) {
                conversations::describe(connection, &id, &about)?;
            }
            Ok(attached)
        })
    }

    fn discard<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Vec<BlobId>, StoreError> {
        let id = id.clone();
        self.write("discard a message", move |connection| remove(connection, &id))
    }
}

fn create(connection: &Connection, new: &Outgoing, conversation: &Conversation) -> Result<Created, StoreError> {
    let taken = "SELECT 1 FROM messages_out WHERE message_id = ?1
                 UNION ALL SELECT 1 FROM conversations WHERE message_id = ?1";
    if one(connection, taken, &[&new.id.as_str()], |_| Ok(()))?.is_some() {
        return Ok(Created::Exists);
    }
    let insert = "INSERT INTO messages_out
        (message_id, conversation_id, process, sender_identifier, receiver_identifier, service, updated, sbd)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    change(
        connection,
        insert,
        params![
            new.id.as_str(),
            conversation.conversation_id.as_str(),
            conversation.process,
            conversation.sender_identifier,
            conversation.receiver_identifier,
            new.service.name(),
            millis(conversation.updated),
            rows::sbd(&new.envelope)?,
        ],
    )?;
    for File { file, .. } in &new.files {
        attach(connection, &new.id, file, u64::MAX, conversation.updated)?;
    }
    conversations::insert(connection, conversation)?;
    let created = NewStatus::plain(Status::Opprettet, conversation.updated);
    conversations::register(connection, &new.id, conversation.direction, &created)?;
    Ok(Created::Kept)
}

fn outgoing(connection: &Connection, id: &MessageId) -> Result<Option<Outgoing>, StoreError> {
    let query = "SELECT * FROM messages_out WHERE message_id = ?1";
    one(connection, query, &[&id.as_str()], |row| message(connection, row))
}

/// A row of `messages_out` with its files.
pub(super) fn message(connection: &Connection, row: &Row<'_>) -> Result<Outgoing, StoreError> {
    let number: i64 = column(row, "id")?;
    Ok(Outgoing {
        id: rows::message_id(&column::<String>(row, "message_id")?)?,
        service: rows::service(row)?,
        envelope: rows::envelope(&column::<String>(row, "sbd")?)?,
        files: each(connection, "SELECT * FROM files WHERE message = ?1 ORDER BY number", &[&number], file)?,
    })
}

fn file(row: &Row<'_>) -> Result<File, StoreError> {
    let file = NewFile {
        blob: blob_id(&column::<String>(row, "blob")?)?,
        filename: column(row, "filename")?,
        title: column(row, "title")?,
        mime_type: column(row, "mime_type")?,
        is_primary: column(row, "is_primary")?,
        length_bytes: u64::try_from(column::<i64>(row, "length")?).unwrap_or(0),
    };
    Ok(File { number: column(row, "number")?, file })
}

fn attach(
    connection: &Connection,
    id: &MessageId,
    file: &NewFile,
    limit_bytes: u64,
    now: Timestamp,
) -> Result<Attached, StoreError> {
    let open = "SELECT id FROM messages_out WHERE message_id = ?1
                AND NOT EXISTS (SELECT 1 FROM queue WHERE queue.message = messages_out.id)";
    let Some(message) = one(connection, open, &[&id.as_str()], |row| column::<i64>(row, "id"))? else {
        return Ok(Attached::NoSuchMessage);
    };
    let query = "SELECT coalesce(sum(length), 0) AS bytes, coalesce(max(number), 0) + 1 AS next,
                 coalesce(max(is_primary), 0) AS has_primary,
                 coalesce(max(filename = ?2), 0) AS same_name FROM files WHERE message = ?1";
    let there = one(connection, query, params![message, file.filename], |row| {
        let bytes = u64::try_from(column::<i64>(row, "bytes")?).unwrap_or(0);
        Ok((bytes, column::<u32>(row, "next")?, column::<bool>(row, "has_primary")?, column::<bool>(row, "same_name")?))
    })?;
    let (bytes, number, has_primary, same_name) = there.unwrap_or((0, 1, false, false));
    let total = bytes.saturating_add(file.length_bytes);
    if same_name {
        return Ok(Attached::SameName);
    }
    if total > limit_bytes {
        return Ok(Attached::TooLarge(total));
    }
    if has_primary && file.is_primary {
        return Ok(Attached::SecondPrimary);
    }
    let length = i64::try_from(file.length_bytes).unwrap_or(i64::MAX);
    let insert = "INSERT INTO files (message, number, blob, filename, title, mime_type, is_primary, length)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (name, title, mime) = (&file.filename, &file.title, &file.mime_type);
    change(
        connection,
        insert,
        params![message, number, file.blob.as_str(), name, title, mime, file.is_primary, length],
    )?;
    change(connection, "UPDATE messages_out SET updated = ?2 WHERE id = ?1", params![message, millis(now)])?;
    Ok(Attached::Kept(number))
}

/// Removes a message with its files and its place on the queue; names its blobs.
pub(super) fn remove(connection: &Connection, id: &MessageId) -> Result<Vec<BlobId>, StoreError> {
    let query = "SELECT blob FROM files JOIN messages_out ON messages_out.id = files.message WHERE message_id = ?1";
    let blobs = each(connection, query, &[&id.as_str()], |row| blob_id(&column::<String>(row, "blob")?))?;
    change(connection, "DELETE FROM messages_out WHERE message_id = ?1", &[&id.as_str()])?;
    Ok(blobs)
}
