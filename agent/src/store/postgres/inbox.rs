//! Messages that came in.

use super::connect::Act;
use super::filter::{Filter, List};
use super::rows::{self, blob_id, clean, column, maybe_moment, millis};
use super::{Postgres, act, conversations, queue, view};
use crate::domain::{Conversation, Direction, Envelope, Incoming, MessageId, NewStatus, Service, Services};
use crate::ports::{
    Acknowledged, Answer, Inbox, IncomingFilter, MessageProperty, NewIncoming, Order, Page, PageRequest, Received,
    StoreError,
};
use crate::store::columns::{Tongue, of_message, order};
use jiff::Timestamp;
use tokio_postgres::Row;

/// A peek passes over so many messages that cannot be read.
const UNREADABLE: u32 = 20;

impl Inbox for Postgres {
    fn receive(&self, new: NewIncoming) -> Answer<'_, Received, StoreError> {
        act!(self, "keep what came in", |act| receive(&act, &new, &self.status_queue))
    }

    fn incoming<'a>(&'a self, id: &'a MessageId) -> Answer<'a, Option<Incoming>, StoreError> {
        view!(self, |act| async {
            let found = act.one("SELECT * FROM messages_in WHERE message_id = $1", &[&id.as_str()]).await?;
            found.as_ref().map(message).transpose()
        })
    }

    fn all_incoming(&self, filter: IncomingFilter, page: PageRequest) -> Answer<'_, Page<Incoming>, StoreError> {
        view!(self, |act| async {
            let by_age = [Order::up(MessageProperty::LastUpdated)];
            let order = order(Tongue::Postgres, &filter.order, &by_age, of_message, MessageProperty::Id);
            let list = List { columns: "*", from: "messages_in", counted: "messages_in", order: &order };
            let found = conditions(filter.clone()).page(&act, &list, page).await?;
            Ok(Page { rows: found.rows.iter().map(message).collect::<Result<_, _>>()?, total: found.total })
        })
    }

    fn lock_next(
        &self,
        filter: IncomingFilter,
        now: Timestamp,
        until: Timestamp,
    ) -> Answer<'_, Option<Incoming>, StoreError> {
        act!(self, "lock a message", |act| lock_next(&act, conditions(filter.clone()), now, until))
    }

    fn acknowledge<'a>(
        &'a self,
        id: &'a MessageId,
        status: NewStatus,
        reply: Option<Envelope>,
    ) -> Answer<'a, Acknowledged, StoreError> {
        act!(self, "acknowledge a message", |act| acknowledge(&act, id, &status, reply.as_ref(), &self.status_queue))
    }
}

async fn lock_next(
    act: &Act<'_>,
    filter: Filter,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Incoming>, StoreError> {
    let (at_now, at_until) = (filter.next(), filter.next() + 1);
    // What another peek is just locking is passed over.
    let query = format!(
        "WITH free AS MATERIALIZED (SELECT id FROM messages_in
             WHERE (locked_until IS NULL OR locked_until < ${at_now}) AND {}
             ORDER BY updated, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         UPDATE messages_in SET locked_until = ${at_until} FROM free WHERE messages_in.id = free.id
         RETURNING messages_in.*",
        filter.condition()
    );
    let (now, until) = (millis(now), millis(until));
    let mut parameters = filter.parameters();
    parameters.push(&now);
    parameters.push(&until);
    // What cannot be read is locked too, so that it stands in nobody's way.
    for _ in 0..UNREADABLE {
        let Some(row) = act.one(&query, &parameters).await? else { return Ok(None) };
        match message(&row) {
            Ok(message) => return Ok(Some(message)),
            Err(error) => {
                let number: i64 = column(&row, "id")?;
                tracing::error!(number, error = %efm::chain::Chain(&error), "a message that came in is passed over");
            }
        }
    }
    Ok(None)
}

async fn acknowledge(
    act: &Act<'_>,
    id: &MessageId,
    status: &NewStatus,
    reply: Option<&Envelope>,
    queued: &Services,
) -> Result<Acknowledged, StoreError> {
    let found = act.one("SELECT * FROM messages_in WHERE message_id = $1 FOR UPDATE", &[&id.as_str()]).await?;
    let Some(message) = found.as_ref().map(message).transpose()? else { return Ok(Acknowledged::NoSuchMessage) };
    if !message.is_locked(status.at) {
        return Ok(Acknowledged::NotLocked);
    }
    act.change("DELETE FROM messages_in WHERE message_id = $1", &[&id.as_str()]).await?;
    conversations::register(act, id, Direction::Incoming, status, queued).await?;
    if let Some(reply) = reply {
        queue::add_reply(act, reply, message.service, status.at).await?;
    }
    Ok(Acknowledged::Removed(Box::new(message)))
}

fn conditions(filter: IncomingFilter) -> Filter {
    Filter::default()
        .is("message_id", filter.message_id)
        .is("conversation_id", filter.conversation_id)
        .is("process", filter.process)
        .is("sender_identifier", filter.sender)
        .is("receiver_identifier", filter.receiver)
        .is("service", filter.service.map(Service::name))
}

async fn receive(act: &Act<'_>, new: &NewIncoming, queued: &Services) -> Result<Received, StoreError> {
    let id = &new.conversation.message_id;
    // Of two that receive the same, the other one waits here and then finds it.
    if !conversations::insert(act, &new.conversation).await? {
        return Ok(Received::Duplicate);
    }
    for status in &new.statuses {
        conversations::register(act, id, Direction::Incoming, status, queued).await?;
    }
    if let Some(message) = &new.message {
        insert(act, message, &new.conversation).await?;
    }
    if let Some(reply) = &new.reply {
        queue::add_reply(act, reply, new.conversation.service, new.conversation.updated).await?;
    }
    Ok(Received::Kept)
}

async fn insert(act: &Act<'_>, message: &Incoming, conversation: &Conversation) -> Result<(), StoreError> {
    let insert = "INSERT INTO messages_in
        (message_id, conversation_id, process, sender_identifier, receiver_identifier, service, updated, sbd, package)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let sender = message.envelope.sender().map(|who| clean(who.primary())).unwrap_or_default();
    let package = message.package.as_ref().map(|blob| blob.as_str().to_owned());
    act.change(
        insert,
        &[
            &message.id.as_str(),
            &conversation.conversation_id.as_str(),
            &clean(&conversation.process),
            &sender,
            &clean(&conversation.receiver_identifier),
            &message.service.name(),
            &millis(conversation.updated),
            &rows::sbd(&message.envelope)?,
            &package,
        ],
    )
    .await?;
    Ok(())
}

fn message(row: &Row) -> Result<Incoming, StoreError> {
    Ok(Incoming {
        id: rows::message_id(column(row, "message_id")?)?,
        service: rows::service(row)?,
        envelope: rows::envelope(column(row, "sbd")?)?,
        package: column::<Option<&str>>(row, "package")?.map(blob_id).transpose()?,
        locked_until: maybe_moment(row, "locked_until")?,
    })
}
