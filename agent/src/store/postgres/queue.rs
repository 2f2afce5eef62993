//! The queue: what is due, who has it, and what came of it.

use super::connect::Act;
use super::rows::{self, clean, column, maybe_clean, millis, moment, small};
use super::{Postgres, act, conversations, outbox, view};
use crate::domain::{Direction, Envelope, MessageId, Service, Services};
use crate::ports::{Answer, Enqueued, Held, Lane, Leased, Queue, Settled, Settlement, StoreError, Work};
use crate::store::columns::of_lane;
use jiff::Timestamp;
use tokio_postgres::Row;

impl Queue for Postgres {
    fn enqueue<'a>(&'a self, id: &'a MessageId, now: Timestamp) -> Answer<'a, Enqueued, StoreError> {
        act!(self, "queue a message", |act| async {
            // Locked first: nobody attaches a file meanwhile.
            let lock = "SELECT id, service FROM messages_out WHERE message_id = $1 FOR UPDATE";
            let Some(row) = act.one(lock, &[&id.as_str()]).await? else { return Ok(Enqueued::NoSuchMessage) };
            let (number, service): (i64, &str) = (column(&row, "id")?, column(&row, "service")?);
            let insert =
                "INSERT INTO queue (message, service, due) VALUES ($1, $2, $3) ON CONFLICT (message) DO NOTHING";
            act.change(insert, &[&number, &service, &millis(now)]).await?;
            Ok(Enqueued::Queued)
        })
    }

    fn lease<'a>(
        &'a self,
        holder: &'a str,
        lane: &'a Lane,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Answer<'a, Vec<Leased>, StoreError> {
        act!(self, "lease work", |act| async {
            // What another one is just leasing is passed over.
            let of_lane = of_lane(lane);
            let take = format!(
                "WITH free AS MATERIALIZED (SELECT id FROM queue
                    WHERE {of_lane} AND due <= $1 AND (leased_until IS NULL OR leased_until <= $1)
                    ORDER BY due, id LIMIT $4 FOR UPDATE SKIP LOCKED)
                UPDATE queue SET lease = lease + 1, tried = tried + 1, leased_until = $2, holder = $3
                FROM free WHERE queue.id = free.id RETURNING queue.*"
            );
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&millis(now), &millis(until), &holder, &i64::from(most)];
            let mut taken = Vec::new();
            for row in act.each(&take, &parameters).await? {
                taken.push(leased(&act, &row).await?);
            }
            taken.sort_by_key(|leased| leased.held);
            Ok(taken)
        })
    }

    fn renew<'a>(&'a self, leases: &'a [Held], until: Timestamp) -> Answer<'a, u64, StoreError> {
        act!(self, "renew leases", |act| async {
            let numbers: Vec<i64> = leases.iter().map(|held| held.number).collect();
            let counted: Vec<i64> = leases.iter().map(|held| held.lease).collect();
            let renew =
                "UPDATE queue SET leased_until = $3 FROM unnest($1::bigint[], $2::bigint[]) AS held (number, counted)
                         WHERE id = held.number AND lease = held.counted AND leased_until IS NOT NULL";
            act.change(renew, &[&numbers, &counted, &millis(until)]).await
        })
    }

    fn next_due<'a>(&'a self, lane: &'a Lane) -> Answer<'a, Option<Timestamp>, StoreError> {
        view!(self, |act| async {
            let of_lane = of_lane(lane);
            let query =
                format!("SELECT min(greatest(due, coalesce(leased_until, due))) AS next FROM queue WHERE {of_lane}");
            let next = act.one(&query, &[]).await?.map_or(Ok(None), |row| column::<Option<i64>>(&row, "next"))?;
            next.map(moment).transpose()
        })
    }

    fn settle<'a>(&'a self, lease: &'a Leased, settlement: Settlement) -> Answer<'a, Settled, StoreError> {
        act!(self, "settle work", |act| settle(&act, lease, &settlement, &self.status_queue))
    }
}

/// Puts a status message on the queue.
pub(super) async fn add_reply(
    act: &Act<'_>,
    reply: &Envelope,
    service: Service,
    now: Timestamp,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO queue (reply, service, due) VALUES ($1, $2, $3)";
    act.change(insert, &[&rows::sbd(reply)?, &service.name(), &millis(now)]).await.map(|_| ())
}

async fn leased(act: &Act<'_>, row: &Row) -> Result<Leased, StoreError> {
    let held = Held { number: column(row, "id")?, lease: column(row, "lease")? };
    let (message, work) = match column::<Option<i64>>(row, "message")? {
        None => (None, reply(row)),
        Some(number) => {
            let found = act.each("SELECT * FROM messages_out WHERE id = $1", &[&number]).await?;
            let id: Option<MessageId> =
                found.first().and_then(|row| rows::message_id(column(row, "message_id").ok()?).ok());
            let message = outbox::messages(act, &found).await;
            let gone = || strange(&format!("message {number} is not there"));
            (id, message.and_then(|mut found| found.pop().map(Box::new).map(Work::Message).ok_or_else(gone)))
        }
    };
    // A row that cannot be read is work too: it must not keep the others back.
    let work = match work {
        Err(StoreError::Strange { what, why }) => Work::Unreadable { message, why: format!("{what}: {why}") },
        other => other?,
    };
    Ok(Leased { held, tried: small(row, "tried")?.saturating_sub(1), last_error: column(row, "last_error")?, work })
}

fn reply(row: &Row) -> Result<Work, StoreError> {
    let text = column::<Option<&str>>(row, "reply")?.ok_or_else(|| strange("a row with nothing to do"))?;
    Ok(Work::Reply(Box::new(rows::envelope(text)?), rows::service(row)?))
}

fn strange(why: &str) -> StoreError {
    StoreError::Strange { what: "the queue", why: why.to_owned() }
}

async fn settle(
    act: &Act<'_>,
    lease: &Leased,
    settlement: &Settlement,
    queued: &Services,
) -> Result<Settled, StoreError> {
    let Held { number, lease: counted } = lease.held;
    let ours = "SELECT 1 FROM queue WHERE id = $1 AND lease = $2 FOR UPDATE";
    if act.one(ours, &[&number, &counted]).await?.is_none() {
        return Ok(Settled::LeaseLost);
    }
    match settlement {
        Settlement::Again { due, because } => {
            let update = "UPDATE queue SET due = $2, leased_until = NULL, holder = NULL, last_error = $3 WHERE id = $1";
            act.change(update, &[&number, &millis(*due), &clean(because)]).await?;
            Ok(Settled::Done(Vec::new()))
        }
        Settlement::Done { status, external_reference } => {
            act.change("DELETE FROM queue WHERE id = $1", &[&number]).await?;
            let Some(message) = lease.work.message() else { return Ok(Settled::Done(Vec::new())) };
            if let Some(status) = status {
                conversations::register(act, message, Direction::Outgoing, status, queued).await?;
            }
            let update = "UPDATE conversations SET external_reference = coalesce($2, external_reference)
                          WHERE message_id = $1 AND direction = 'OUTGOING'";
            act.change(update, &[&message.as_str(), &maybe_clean(external_reference.as_ref())]).await?;
            outbox::remove(act, message).await.map(Settled::Done)
        }
    }
}
