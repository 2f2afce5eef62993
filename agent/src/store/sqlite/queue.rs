//! The queue: what is due, who has it, and what came of it.

use super::rows::{self, change, column, each, millis, moment, one};
use super::{Sqlite, conversations, outbox};
use crate::domain::{Direction, Envelope, MessageId, Service};
use crate::ports::{Answer, Enqueued, Held, Lane, Leased, Queue, Settled, Settlement, StoreError, Work};
use crate::store::columns::of_lane;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

impl Queue for Sqlite {
    fn enqueue<'a>(&'a self, id: &'a MessageId, now: Timestamp) -> Answer<'a, Enqueued, StoreError> {
        let id = id.clone();
        self.write("queue a message", move |connection| {
            let insert = "INSERT INTO queue (message, service, due)
                SELECT id, service, ?2 FROM messages_out WHERE message_id = ?1 ON CONFLICT (message) DO NOTHING";
            change(connection, insert, params![id.as_str(), millis(now)])?;
            let query = "SELECT 1 FROM messages_out WHERE message_id = ?1";
            let is_there = one(connection, query, &[&id.as_str()], |_| Ok(()))?.is_some();
            Ok(if is_there { Enqueued::Queued } else { Enqueued::NoSuchMessage })
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
        let (holder, of_lane) = (holder.to_owned(), of_lane(lane));
        self.write("lease work", move |connection| {
            let take = format!(
                "UPDATE queue SET lease = lease + 1, tried = tried + 1, leased_until = ?2, holder = ?3
                WHERE id IN (SELECT id FROM queue
                             WHERE {of_lane} AND due <= ?1 AND (leased_until IS NULL OR leased_until <= ?1)
                             ORDER BY due, id LIMIT ?4)
                RETURNING id, lease, tried, message, reply, service, last_error"
            );
            let parameters = params![millis(now), millis(until), holder, most];
            let mut leased = each(connection, &take, parameters, |row| leased(connection, row))?;
            leased.sort_by_key(|leased| leased.held);
            Ok(leased)
        })
    }

    fn renew<'a>(&'a self, leases: &'a [Held], until: Timestamp) -> Answer<'a, u64, StoreError> {
        let leases = leases.to_vec();
        self.write("renew leases", move |connection| {
            let renew = "UPDATE queue SET leased_until = ?3 WHERE id = ?1 AND lease = ?2 AND leased_until IS NOT NULL";
            let mut renewed = 0;
            for held in leases {
                renewed += change(connection, renew, params![held.number, held.lease, millis(until)])?;
            }
            Ok(u64::try_from(renewed).unwrap_or(u64::MAX))
        })
    }

    fn next_due<'a>(&'a self, lane: &'a Lane) -> Answer<'a, Option<Timestamp>, StoreError> {
        let of_lane = of_lane(lane);
        self.read("look at the queue", move |connection| {
            let query = format!("SELECT min(max(due, coalesce(leased_until, due))) AS next FROM queue WHERE {of_lane}");
            let next = one(connection, &query, &[], |row| column::<Option<i64>>(row, "next"))?;
            next.flatten().map(moment).transpose()
        })
    }

    fn settle<'a>(&'a self, lease: &'a Leased, settlement: Settlement) -> Answer<'a, Settled, StoreError> {
        let lease = lease.clone();
        self.write("settle work", move |connection| settle(connection, &lease, &settlement))
    }
}

/// Puts a status message on the queue.
pub(super) fn add_reply(
    connection: &Connection,
    reply: &Envelope,
    service: Service,
    now: Timestamp,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO queue (reply, service, due) VALUES (?1, ?2, ?3)";
    change(connection, insert, params![rows::sbd(reply)?, service.name(), millis(now)]).map(|_| ())
}

fn leased(connection: &Connection, row: &Row<'_>) -> Result<Leased, StoreError> {
    let tried = column::<u32>(row, "tried")?.saturating_sub(1);
    let held = Held { number: column(row, "id")?, lease: column(row, "lease")? };
    Ok(Leased { held, tried, last_error: column(row, "last_error")?, work: work(connection, row)? })
}

/// A row that cannot be read is work too: it must not keep the others back.
fn work(connection: &Connection, row: &Row<'_>) -> Result<Work, StoreError> {
    let (work, message) = match column::<Option<i64>>(row, "message")? {
        Some(number) => {
            let query = "SELECT * FROM messages_out WHERE id = ?1";
            let found = one(connection, query, &[&number], |row| {
                Ok((outbox::message(connection, row), rows::message_id(&column::<String>(row, "message_id")?).ok()))
            })?;
            let (found, id) = found.unwrap_or_else(|| (Err(strange(&format!("message {number} is not there"))), None));
            (found.map(|message| Work::Message(Box::new(message))), id)
        }
        None => (reply(row), None),
    };
    match work {
        Err(StoreError::Strange { what, why }) => Ok(Work::Unreadable { message, why: format!("{what}: {why}") }),
        other => other,
    }
}

fn reply(row: &Row<'_>) -> Result<Work, StoreError> {
    let text = column::<Option<String>>(row, "reply")?.ok_or_else(|| strange("a row with nothing to do"))?;
    Ok(Work::Reply(Box::new(rows::envelope(&text)?), rows::service(row)?))
}

fn strange(why: &str) -> StoreError {
    StoreError::Strange { what: "the queue", why: why.to_owned() }
}

fn settle(connection: &Connection, lease: &Leased, settlement: &Settlement) -> Result<Settled, StoreError> {
    let ours = params![lease.held.number, lease.held.lease];
    if one(connection, "SELECT 1 FROM queue WHERE id = ?1 AND lease = ?2", ours, |_| Ok(()))?.is_none() {
        return Ok(Settled::LeaseLost);
    }
    match settlement {
        Settlement::Again { due, because } => {
            let update = "UPDATE queue SET due = ?2, leased_until = NULL, holder = NULL, last_error = ?3 WHERE id = ?1";
            change(connection, update, params![lease.held.number, millis(*due), because])?;
            Ok(Settled::Done(Vec::new()))
        }
        Settlement::Done { status, external_reference } => {
            change(connection, "DELETE FROM queue WHERE id = ?1", &[&lease.held.number])?;
            let Some(message) = lease.work.message() else { return Ok(Settled::Done(Vec::new())) };
            if let Some(status) = status {
                conversations::register(connection, message, Direction::Outgoing, status)?;
            }
            let update = "UPDATE conversations SET external_reference = coalesce(?2, external_reference)
                          WHERE message_id = ?1 AND direction = 'OUTGOING'";
            change(connection, update, params![message.as_str(), external_reference])?;
            outbox::remove(connection, message).map(Settled::Done)
        }
    }
}
