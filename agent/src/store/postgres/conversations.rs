//! Conversations and their statuses. [`register`] is the only way by which a status is noted.

use super::connect::Act;
use super::filter::{Filter, List};
use super::rows::{self, clean, column, maybe_clean, millis, moment, natural, word};
use super::{Postgres, act, pushes, statuses};
use crate::domain::conversation::{About, Conversation, Direction, Move, judge};
use crate::domain::{Deadline, MessageId, NewStatus, Service, Services, Status, StatusNoted};
use crate::ports::{
    Answer, ConversationFilter, ConversationProperty, Conversations, Counts, Order, Page, PageRequest, Registered,
    StatusFilter, StatusProperty, StatusRow, StoreError, StoredConversation,
};
use crate::store::columns::{Tongue, of_conversation, of_status, order};
use crate::store::told::Noted;
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
            let order = order(Tongue::Postgres, &filter.order, &[], of_status, StatusProperty::Id);
            let is_of_one = filter.message_id.is_some() || filter.conversation_id.is_some();
            let filter = Filter::default()
                .equals("statuses.id", filter.number)
                .is("message_id", filter.message_id)
                .is("conversation_id", filter.conversation_id)
                .is("status", filter.status.map(Status::name))
                .compared("at", ">=", filter.from.map(millis))
                .compared("at", "<=", filter.until.map(millis));
            // Each status has its conversation: they are not needed to count.
            let counted = if is_of_one { STATUSES } else { "statuses" };
            let list = List { columns: STATUS, from: STATUSES, counted, order: &order };
            let found = filter.page(&act, &list, page).await?;
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
    let by_change = [Order::down(ConversationProperty::LastUpdate)];
    let order = order(Tongue::Postgres, &filter.order, &by_change, of_conversation, ConversationProperty::Id);
    let filter = Filter::default()
        .equals("id", filter.number)
        .is("message_id", filter.message_id)
        .is("conversation_id", filter.conversation_id)
        .is("sender", filter.whole_sender)
        .is("sender_identifier", filter.sender)
        .is("receiver", filter.whole_receiver)
        .is("receiver_identifier", filter.receiver)
        .is("reference", filter.reference)
        .is("title", filter.title)
        .is("service", filter.service.map(Service::name))
        .is("direction", filter.direction.map(Direction::name))
        .compared("updated", ">=", filter.updated_from.map(millis))
        .compared("updated", "<", filter.updated_before.map(millis))
        .flag("is_pollable", filter.is_pollable)
        .flag("is_finished", filter.is_finished);
    let list = List { columns: "*", from: "conversations", counted: "conversations", order: &order };
    let found = filter.page(act, &list, page).await?;
    Ok(Page { rows: with_statuses(act, &found.rows).await?, total: found.total })
}

/// Conversations with their statuses.
pub(super) async fn with_statuses(act: &Act<'_>, found: &[Row]) -> Result<Vec<StoredConversation>, StoreError> {
    let numbers = found.iter().map(|row| column(row, "id")).collect::<Result<Vec<i64>, _>>()?;
    let query = format!("SELECT {STATUS} FROM {STATUSES} WHERE statuses.conversation = ANY($1) ORDER BY number");
    let mut statuses: BTreeMap<i64, Vec<StatusRow>> = BTreeMap::new();
    for row in act.each(&query, &[&numbers]).await? {
        let status = status(&row)?;
        statuses.entry(status.conversation_number).or_default().push(status);
    }
    let rows = found.iter().map(|row| {
        let number = column(row, "id")?;
        let statuses = statuses.remove(&number).unwrap_or_default();
        Ok(StoredConversation { number, conversation: conversation(row)?, statuses })
    });
    rows.collect()
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

/// Says what the message of a conversation is about. It is no change of what became of it.
pub(super) async fn describe(act: &Act<'_>, id: &MessageId, about: &About) -> Result<(), StoreError> {
    if *about == About::default() {
        return Ok(());
    }
    let update = "UPDATE conversations SET title = coalesce($2, title), reference = coalesce($3, reference)
                  WHERE message_id = $1 AND direction = 'OUTGOING'";
    let (title, reference) = (maybe_clean(about.title.as_ref()), maybe_clean(about.reference.as_ref()));
    act.change(update, &[&id.as_str(), &title, &reference]).await.map(|_| ())
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
    if let Some(noted) = noted {
        let noted = StatusNoted::of(column(&noted, "id")?, &conversation, new);
        if queued.has(conversation.service) {
            statuses::add(act, noted.number).await?;
        }
        pushes::note(act, &noted).await?;
    }
    let update = "UPDATE conversations SET is_finished = $2, is_pollable = $3, updated = $4 WHERE id = $1";
    act.change(update, &[&number, &is_finished, &is_pollable, &at]).await?;
    act.tell(Noted { conversation, status: new.clone() });
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
