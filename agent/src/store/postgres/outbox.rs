//! Messages on their way out, and their files.

use super::connect::Act;
use super::filter::{Filter, List};
use super::rows::{self, blob_id, clean, column, maybe_clean, millis, natural, small};
use super::{Postgres, act, conversations, view};
use crate::domain::{
    About, BlobId, Conversation, File, MessageId, NewFile, NewStatus, Outgoing, Service, Services, Status,
};
use crate::ports::{Answer, Attached, Created, MessageProperty, Outbox, OutgoingFilter, Page, PageRequest, StoreError};
use crate::store::columns::{Tongue, of_message, order};
use jiff::Timestamp;
use std::collections::BTreeMap;
use tokio_postgres::Row;

impl Outbox for Postgres {
    fn create(&self, message: Outgoing, conversation: Conversation) -> Answer<'_, Created, StoreError> {
        act!(self, "create a message", |act| create(&act, &message, &conversation, &self.status_queue))
    }

    fn outgoing<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Outgoing>, StoreError> {
        view!(self, |act| async {
            let rows = act.each("SELECT * FROM messages_out WHERE message_id = $1", &[&id.as_str()]).await?;
            Ok(messages(&act, &rows).await?.pop())
        })
    }

    fn all_outgoing(&self, filter: OutgoingFilter, page: PageRequest) -> Answer<'_, Page<Outgoing>, StoreError> {
        view!(self, |act| async {
            let filter = filter.clone();
            let order = order(Tongue::Postgres, &filter.order, &[], of_message, MessageProperty::Id);
            let filter = Filter::default()
                .equals("id", filter.number)
                .equals("updated", filter.updated.map(millis))
                .is("message_id", filter.message_id)
                .is("conversation_id", filter.conversation_id)
                .is("process", filter.process)
                .is("sender_identifier", filter.sender)
                .is("receiver_identifier", filter.receiver)
                .is("service", filter.service.map(Service::name));
            let list = List { columns: "*", from: "messages_out", counted: "messages_out", order: &order };
            let found = filter.page(&act, &list, page).await?;
            Ok(Page { rows: messages(&act, &found.rows).await?, total: found.total })
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
        act!(self, "attach a file", |act| async {
            let attached = attach(&act, id, &file, limit_bytes, now).await?;
            if matches!(attached, Attached::Kept(_)) {
                conversations::describe(&act, id, &about).await?;
            }
            Ok(attached)
        })
    }

    fn discard<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Vec<BlobId>, StoreError> {
        act!(self, "discard a message", |act| remove(&act, id))
    }
}

async fn create(
    act: &Act<'_>,
    new: &Outgoing,
    conversation: &Conversation,
    queued: &Services,
) -> Result<Created, StoreError> {
    let taken = "SELECT 1 FROM messages_out WHERE message_id = $1
                 UNION ALL SELECT 1 FROM conversations WHERE message_id = $1";
    if act.one(taken, &[&new.id.as_str()]).await?.is_some() {
        return Ok(Created::Exists);
    }
    let insert = "INSERT INTO messages_out
        (message_id, conversation_id, process, sender_identifier, receiver_identifier, service, updated, sbd)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let kept = act
        .change(
            insert,
            &[
                &new.id.as_str(),
                &conversation.conversation_id.as_str(),
                &clean(&conversation.process),
                &clean(&conversation.sender_identifier),
                &clean(&conversation.receiver_identifier),
                &new.service.name(),
                &millis(conversation.updated),
                &rows::sbd(&new.envelope)?,
            ],
        )
        .await?;
    // Another one was a little faster. Its row is committed, so ours is not there.
    if kept == 0 || !conversations::insert(act, conversation).await? {
        return if kept == 0 { Ok(Created::Exists) } else { remove(act, &new.id).await.map(|_| Created::Exists) };
    }
    for File { file, .. } in &new.files {
        attach(act, &new.id, file, u64::MAX, conversation.updated).await?;
    }
    let created = NewStatus::plain(Status::Opprettet, conversation.updated);
    conversations::register(act, &new.id, conversation.direction, &created, queued).await?;
    Ok(Created::Kept)
}

/// Rows of `messages_out` with their files.
pub(super) async fn messages(act: &Act<'_>, found: &[Row]) -> Result<Vec<Outgoing>, StoreError> {
    let mut files = files(act, found).await?;
    found.iter().map(|row| message(row, &mut files)).collect()
}

/// The files of messages, by the number of the message.
pub(super) async fn files(act: &Act<'_>, found: &[Row]) -> Result<BTreeMap<i64, Vec<File>>, StoreError> {
    let numbers = found.iter().map(|row| column(row, "id")).collect::<Result<Vec<i64>, _>>()?;
    let mut files: BTreeMap<i64, Vec<File>> = BTreeMap::new();
    for row in act.each("SELECT * FROM files WHERE message = ANY($1) ORDER BY number", &[&numbers]).await? {
        files.entry(column(&row, "message")?).or_default().push(file(&row)?);
    }
    Ok(files)
}

/// A row of `messages_out`, with its files from these.
pub(super) fn message(row: &Row, files: &mut BTreeMap<i64, Vec<File>>) -> Result<Outgoing, StoreError> {
    Ok(Outgoing {
        id: rows::message_id(column(row, "message_id")?)?,
        service: rows::service(row)?,
        envelope: rows::envelope(column(row, "sbd")?)?,
        files: files.remove(&column(row, "id")?).unwrap_or_default(),
    })
}

fn file(row: &Row) -> Result<File, StoreError> {
    let file = NewFile {
        blob: blob_id(column(row, "blob")?)?,
        filename: column(row, "filename")?,
        title: column(row, "title")?,
        mime_type: column(row, "mime_type")?,
        is_primary: column(row, "is_primary")?,
        length_bytes: natural(row, "length")?,
    };
    Ok(File { number: small(row, "number")?, file })
}

async fn attach(
    act: &Act<'_>,
    id: &MessageId,
    file: &NewFile,
    limit_bytes: u64,
    now: Timestamp,
) -> Result<Attached, StoreError> {
    // Locked first: nobody attaches or sends beside us, and what is read next is what counts.
    let lock = "SELECT id FROM messages_out WHERE message_id = $1 FOR UPDATE";
    let Some(row) = act.one(lock, &[&id.as_str()]).await? else { return Ok(Attached::NoSuchMessage) };
    let message: i64 = column(&row, "id")?;
    if act.one("SELECT 1 FROM queue WHERE message = $1", &[&message]).await?.is_some() {
        return Ok(Attached::NoSuchMessage);
    }
    let name = clean(&file.filename);
    let query = "SELECT coalesce(sum(length), 0)::bigint AS bytes, coalesce(max(number), 0) + 1 AS next,
                 coalesce(bool_or(is_primary), false) AS has_primary,
                 coalesce(bool_or(filename = $2), false) AS same_name FROM files WHERE message = $1";
    let Some(there) = act.one(query, &[&message, &name]).await? else { return Ok(Attached::NoSuchMessage) };
    let total = natural(&there, "bytes")?.saturating_add(file.length_bytes);
    if column(&there, "same_name")? {
        return Ok(Attached::SameName);
    }
    if total > limit_bytes {
        return Ok(Attached::TooLarge(total));
    }
    if file.is_primary && column(&there, "has_primary")? {
        return Ok(Attached::SecondPrimary);
    }
    let number: i64 = column(&there, "next")?;
    let length = i64::try_from(file.length_bytes).unwrap_or(i64::MAX);
    let insert = "INSERT INTO files (message, number, blob, filename, title, mime_type, is_primary, length)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (title, mime) = (maybe_clean(file.title.as_ref()), clean(&file.mime_type));
    act.change(insert, &[&message, &number, &file.blob.as_str(), &name, &title, &mime, &file.is_primary, &length])
        .await?;
    act.change("UPDATE messages_out SET updated = $2 WHERE id = $1", &[&message, &millis(now)]).await?;
    Ok(Attached::Kept(u32::try_from(number).unwrap_or(u32::MAX)))
}

/// Removes a message with its files and its place on the queue; names its blobs.
pub(super) async fn remove(act: &Act<'_>, id: &MessageId) -> Result<Vec<BlobId>, StoreError> {
    // Locked first: a file that is being attached is there before we look, or is not attached.
    let lock = "SELECT id FROM messages_out WHERE message_id = $1 FOR UPDATE";
    let Some(row) = act.one(lock, &[&id.as_str()]).await? else { return Ok(Vec::new()) };
    let number: i64 = column(&row, "id")?;
    let found = act.each("SELECT blob FROM files WHERE message = $1 ORDER BY number", &[&number]).await?;
    act.change("DELETE FROM messages_out WHERE id = $1", &[&number]).await?;
    found.iter().map(|row| blob_id(column(row, "blob")?)).collect()
}
