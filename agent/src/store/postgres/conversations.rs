//! Conversations and their statuses. [`register`] is the only way by which a status is noted.

use super::connect::Act;
use super::filter::Filter;
use super::rows::{self, clean, column, maybe_clean, millis, moment, natural, word};
use super::{Postgres, act, statuses};
use crate::domain::conversation::{Conversation, Direction, Move, judge};
use crate::domain::{Deadline, MessageId, NewStatus, Service, Services, Status};
use crate::ports::{
    Answer, ConversationFilter, Conversations, Counts, Page, PageRequest, Registered, StatusFilter, StatusRow,
    StoreError, StoredConversation,
};
use std::collections::BTreeMap;
use tokio_postgres::Row;

impl Conversations for Postgres {
    fn register<'a>(
        &'a self,
        id: &'a MessageId,
        direction: Direction,
        status: NewStatus,
    ) -> Answer<'a, Registered, StoreError> {
        act!(self, "note a status", |act| register(&act, id, direction, &status, &self.status_queue))
    }

    fn conversations(
        &self,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Answer<'_, Page<StoredConversation>, StoreError> {
        act!(self, "list conversations", |act| conversations(&act, filter.clone(), page))
    }

    fn forget_conversation(&self, number: i64) -> Answer<'_, (), StoreError> {
        act!(self, "forget a conversation", |act| async {
            act.change("DELETE FROM conversations WHERE id = $1", &[&number]).await.map(|_| ())
        })
    }

    fn statuses(&self, filter: StatusFilter, page: PageRequest) -> Answer<'_, Page<StatusRow>, StoreError> {
        act!(self, "list statuses", |act| async {
            let filter = filter.clone();
            let filter = Filter::default()
                .equals("statuses.id", filter.number)
                .is("message_id", filter.message_id)
                .is("conversation_id", filter.conversation_id)
                .is("status", filter.status.map(Status::name));
            let found = filter.page(&act, STATUS, STATUSES, "statuses.id", page).await?;
            Ok(Page { rows: found.rows.iter().map(status).collect::<Result<_, _>>()?, total: found.total })
        })
    }

    fn counts(&self) -> Answer<'_, Counts, StoreError> {
        act!(self, "count", |act| async {
            let query = "SELECT (SELECT count(*) FROM messages_out) AS outgoing,
                                (SELECT count(*) FROM messages_in) AS incoming,
                                (SELECT count(*) FROM conversations WHERE is_pollable) AS pollable,
                                (SELECT count(*) FROM queue) AS queued";
            let Some(row) = act.one(query, &[]).await? else { return Ok(Counts::default()) };
            Ok(Counts {
                outgoing: natural(&row, "outgoing")?,
                incoming: natural(&row, "incoming")?,
                pollable: natural(&row, "pollable")?,
                queued: natural(&row, "queued")?,
            })
        })
    }
}

pub(super) const STATUSES: &str = "statuses JOIN conversations ON conversations.id = statuses.conversation";
pub(super) const STATUS: &str = "statuses.id AS number, statuses.conversation AS conversation_number, conversation_id, \
                                 message_id, statuses.at AS at, statuses.status AS status, \
                                 statuses.description AS description, statuses.raw_receipt AS raw_receipt";

async fn conversations(
    act: &Act<'_>,
    filter: ConversationFilter,
    page: PageRequest,
) -> Result<Page<StoredConversation>, StoreError> {
    let filter = Filter::default()
        .equals("id", filter.number)
        .is("message_id", filter.message_id)
        .is("conversation_id", filter.conversation_id)
        .is("sender_identifier", filter.sender)
        .is("receiver_identifier", filter.receiver)
        .is("service", filter.service.map(Service::name))
        .is("direction", filter.direction.map(Direction::name))
        .equals("is_pollable", filter.is_pollable)
        .equals("is_finished", filter.is_finished);
    let found = filter.page(act, "*", "conversations", "updated DESC, id DESC", page).await?;
    let numbers = found.rows.iter().map(|row| column(row, "id")).collect::<Result<Vec<i64>, _>>()?;
    let query = format!("SELECT {STATUS} FROM {STATUSES} WHERE statuses.conversation = ANY($1) ORDER BY number");
    let mut statuses: BTreeMap<i64, Vec<StatusRow>> = BTreeMap::new();
    for row in act.each(&query, &[&numbers]).await? {
        let status = status(&row)?;
        statuses.entry(status.conversation_number).or_default().push(status);
    }
    let rows = found.rows.iter().map(|row| {
        let number = column(row, "id")?;
        let statuses = statuses.remove(&number).unwrap_or_default();
        Ok(StoredConversation { number, conversation: conversation(row)?, statuses })
    });
    Ok(Page { rows: rows.collect::<Result<_, StoreError>>()?, total: found.total })
}

/// Keeps a new conversation; false: there is one.
pub(super) async fn insert(act: &Act<'_>, new: &Conversation) -> Result<bool, StoreError> {
    let insert = "INSERT INTO conversations
        (direction, message_id, conversation_id, sender, sender_identifier, receiver, receiver_identifier, process,
         document_type, reference, title, service, expires, is_pollable, is_finished, updated, external_reference,
         channel)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING";
    let kept = act
        .change(
            insert,
            &[
                &new.direction.name(),
                &new.message_id.as_str(),
                &new.conversation_id.as_str(),
                &clean(&new.sender),
                &clean(&new.sender_identifier),
                &clean(&new.receiver),
                &clean(&new.receiver_identifier),
                &clean(&new.process),
                &clean(&new.document_type),
                &clean(&new.reference),
                &clean(&new.title),
                &new.service.name(),
                &millis(new.deadline.moment()),
                &new.is_pollable,
                &new.is_finished,
                &millis(new.updated),
                &maybe_clean(new.external_reference.as_ref()),
                &maybe_clean(new.channel.as_ref()),
            ],
        )
        .await?;
    Ok(kept > 0)
}

/// Notes a status as [`judge`] says. What must happen with each new status, exactly once, belongs here.
pub(super) async fn register(
    act: &Act<'_>,
    id: &MessageId,
    direction: Direction,
    new: &NewStatus,
    queued: &Services,
) -> Result<Registered, StoreError> {
    // Locked first: statuses of a conversation are noted one after the other.
    let query = "SELECT * FROM conversations WHERE message_id = $1 AND direction = $2 FOR UPDATE";
    let Some(row) = act.one(query, &[&id.as_str(), &direction.name()]).await? else {
        return Ok(Registered::NoConversation);
    };
    let (number, conversation): (i64, _) = (column(&row, "id")?, conversation(&row)?);
    let had = act.each("SELECT status FROM statuses WHERE conversation = $1", &[&number]).await?;
    let had =
        had.iter().map(|row| word(column::<&str>(row, "status")?, Status::named)).collect::<Result<Vec<_>, _>>()?;
    let Move::Noted { is_finished, is_pollable } = judge(&conversation, &had, new) else {
        return Ok(Registered::Repeated);
    };
    let insert = "INSERT INTO statuses (conversation, at, status, description, raw_receipt)
                  VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let (description, receipt) = (maybe_clean(new.description.as_ref()), maybe_clean(new.raw_receipt.as_ref()));
    let at = millis(new.at);
    let noted = act.one(insert, &[&number, &at, &new.status.name(), &description, &receipt]).await?;
    if let Some(noted) = noted.filter(|_| queued.has(conversation.service)) {
        statuses::add(act, column(&noted, "id")?).await?;
    }
    let update = "UPDATE conversations SET is_finished = $2, is_pollable = $3, updated = $4 WHERE id = $1";
    act.change(update, &[&number, &is_finished, &is_pollable, &at]).await?;
    Ok(Registered::Noted)
}

fn conversation(row: &Row) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        direction: word(column::<&str>(row, "direction")?, Direction::named)?,
        message_id: rows::message_id(column(row, "message_id")?)?,
        conversation_id: rows::conversation_id(column(row, "conversation_id")?)?,
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

pub(super) fn status(row: &Row) -> Result<StatusRow, StoreError> {
    Ok(StatusRow {
        number: column(row, "number")?,
        conversation_number: column(row, "conversation_number")?,
        conversation_id: rows::conversation_id(column(row, "conversation_id")?)?,
        message_id: rows::message_id(column(row, "message_id")?)?,
        status: NewStatus {
            status: word(column::<&str>(row, "status")?, Status::named)?,
            at: moment(column(row, "at")?)?,
            description: column(row, "description")?,
            raw_receipt: column(row, "raw_receipt")?,
        },
    })
}
