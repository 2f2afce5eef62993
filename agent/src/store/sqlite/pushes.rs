//! What whoever subscribed is to be told, and how that went.

use super::filter::{Filter, List};
use super::rows::{self, change, column, each, millis, moment, one, word};
use super::{Sqlite, subscriptions};
use crate::domain::{Direction, Status, StatusNoted};
use crate::ports::{
    Answer, Attempt, Delivery, Held, KEPT_DELIVERIES, Outcome, Page, PageRequest, Pending, Push, PushSettled,
    PushSettlement, Pushes, StoreError, Told as ToldOf,
};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// How they are listed.
const DELIVERIES: List<'static> = List { columns: "*", from: "deliveries", counted: "deliveries", order: "id DESC" };

/// So much is given up in one act at most.
const GIVEN_UP_AT_ONCE: u32 = 500;

impl Pushes for Sqlite {
    fn lease_lanes<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Answer<'a, Vec<Push>, StoreError> {
        let holder = holder.to_owned();
        self.write("lease lanes", move |connection| {
            let take = "UPDATE subscriptions SET lease = lease + 1, leased_until = ?2, holder = ?3
                WHERE id IN (SELECT id FROM subscriptions s WHERE due <= ?1
                             AND (leased_until IS NULL OR leased_until <= ?1)
                             AND EXISTS (SELECT 1 FROM pushes WHERE subscription = s.id)
                             ORDER BY due, id LIMIT ?4)
                RETURNING id, lease, push_endpoint, failures";
            let lanes = each(connection, take, params![millis(now), millis(until), holder, most], |row| {
                let held = Held { number: column(row, "id")?, lease: column(row, "lease")? };
                Ok((held, column::<String>(row, "push_endpoint")?, column::<u32>(row, "failures")?))
            })?;
            let mut taken = Vec::new();
            for (held, endpoint, failures) in lanes {
                let first = "UPDATE pushes SET tried = tried + 1
                             WHERE id = (SELECT min(id) FROM pushes WHERE subscription = ?1) RETURNING *";
                taken.extend(one(connection, first, &[&held.number], |row| {
                    let endpoint = endpoint.clone();
                    let tried = column::<u32>(row, "tried")?.saturating_sub(1);
                    Ok(Push { endpoint, tried, failures, ..push(row, held)? })
                })?);
            }
            Ok(taken)
        })
    }

    fn next_push(&self) -> Answer<'_, Option<Timestamp>, StoreError> {
        self.read("look at the lanes", |connection| {
            let query = "SELECT min(max(due, coalesce(leased_until, due))) AS next FROM subscriptions s
                         WHERE EXISTS (SELECT 1 FROM pushes WHERE subscription = s.id)";
            let next = one(connection, query, &[], |row| column::<Option<i64>>(row, "next"))?;
            next.flatten().map(moment).transpose()
        })
    }

    fn settle_push<'a>(
        &'a self,
        push: &'a Push,
        attempt: Attempt,
        settlement: PushSettlement,
    ) -> Answer<'a, PushSettled, StoreError> {
        let push = push.clone();
        self.write("settle a push", move |connection| settle(connection, &push, &attempt, settlement))
    }

    fn deliveries(&self, subscription: i64, page: PageRequest) -> Answer<'_, Page<Delivery>, StoreError> {
        self.read("list deliveries", move |connection| {
            let filter = Filter::default().is("subscription", Some(subscription));
            filter.page(connection, &DELIVERIES, page, delivery)
        })
    }

    fn forget_deliveries(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError> {
        self.write("forget deliveries", move |connection| {
            let delete =
                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE at < ?1 ORDER BY at LIMIT ?2)";
            let forgotten = change(connection, delete, params![millis(before), most])?;
            Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
        })
    }
}

/// Notes what each that wants to know is to be told.
pub(super) fn note(connection: &Connection, noted: &StatusNoted) -> Result<(), StoreError> {
    let insert = "INSERT INTO pushes
        (subscription, number, at, message_id, conversation_id, direction, service, status, description)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    for (subscription, wanted) in subscriptions::all(connection)? {
        if wanted.wants(noted) {
            let values = params![
                subscription,
                noted.number,
                millis(noted.at),
                noted.message_id.as_str(),
                noted.conversation_id.as_str(),
                noted.direction.name(),
                noted.service.name(),
                noted.status.name(),
                noted.description,
            ];
            change(connection, insert, values)?;
        }
    }
    Ok(())
}

/// What a row of the log is about.
pub(super) enum Told<'a> {
    Ping(&'a str),
    /// With how often it was tried, this time and before.
    Push(&'a Push, u32),
}

/// Notes how a call went; the oldest rows of its lane go when there are too many.
pub(super) fn log(
    connection: &Connection,
    subscription: i64,
    told: &Told<'_>,
    attempt: &Attempt,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let (call, status, tried) = match told {
        Told::Ping(name) => ((*name).to_owned(), None, 1),
        Told::Push(push, tried) => match &push.pending {
            Pending::Status(noted) => (noted.call_id(), Some(noted), *tried),
            Pending::Unreadable(_) => (format!("unreadable_{}", push.number), None, *tried),
        },
    };
    let insert =
        "INSERT INTO deliveries (subscription, call, message_id, status, tried, at, took, code, error, outcome)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let values = params![
        subscription,
        call,
        status.map(|noted| noted.message_id.as_str()),
        status.map(|noted| noted.status.name()),
        tried,
        millis(attempt.at),
        i64::try_from(attempt.took.as_millis()).unwrap_or(i64::MAX),
        attempt.code,
        attempt.error,
        outcome.name(),
    ];
    change(connection, insert, values)?;
    trim(connection, subscription)
}

fn trim(connection: &Connection, subscription: i64) -> Result<(), StoreError> {
    let delete = "DELETE FROM deliveries WHERE subscription = ?1 AND id <=
        (SELECT id FROM deliveries WHERE subscription = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    change(connection, delete, params![subscription, KEPT_DELIVERIES]).map(|_| ())
}

fn settle(
    connection: &Connection,
    push: &Push,
    attempt: &Attempt,
    settlement: PushSettlement,
) -> Result<PushSettled, StoreError> {
    let lane = push.held.number;
    let ours = params![lane, push.held.lease];
    let query = "SELECT 1 FROM subscriptions WHERE id = ?1 AND lease = ?2";
    if one(connection, query, ours, |_| Ok(()))?.is_none() {
        return Ok(PushSettled::LeaseLost);
    }
    let free = |due: i64, failures: u32| {
        let update =
            "UPDATE subscriptions SET due = ?2, failures = ?3, leased_until = NULL, holder = NULL WHERE id = ?1";
        change(connection, update, params![lane, due, failures]).map(|_| ())
    };
    let remove = || change(connection, "DELETE FROM pushes WHERE id = ?1", &[&push.number]);
    let told = Told::Push(push, push.tried.saturating_add(1));
    match settlement {
        PushSettlement::Delivered => {
            remove()?;
            free(0, 0)?;
            log(connection, lane, &told, attempt, Outcome::Delivered)?;
            Ok(PushSettled::Done { given_up: 0 })
        }
        PushSettlement::GivenUp => {
            remove()?;
            free(0, 0)?;
            log(connection, lane, &told, attempt, Outcome::GivenUp)?;
            Ok(PushSettled::Done { given_up: 1 })
        }
        PushSettlement::Again { due, give_up_before } => {
            free(millis(due), push.failures.saturating_add(1))?;
            let gone = give_up(connection, lane, give_up_before)?;
            if !gone.iter().any(|gone| gone.number == push.number) {
                log(connection, lane, &told, attempt, Outcome::Failed)?;
            }
            for gone in &gone {
                log(connection, lane, &Told::Push(gone, gone.tried), attempt, Outcome::GivenUp)?;
            }
            Ok(PushSettled::Done { given_up: u64::try_from(gone.len()).unwrap_or(u64::MAX) })
        }
    }
}

/// Removes what was noted before this.
fn give_up(connection: &Connection, lane: i64, before: Timestamp) -> Result<Vec<Push>, StoreError> {
    let delete = "DELETE FROM pushes WHERE id IN
        (SELECT id FROM pushes WHERE subscription = ?1 AND at < ?2 ORDER BY id LIMIT ?3) RETURNING *";
    let held = Held { number: lane, lease: 0 };
    let mut gone = each(connection, delete, params![lane, millis(before), GIVEN_UP_AT_ONCE], |row| push(row, held))?;
    gone.sort_by_key(|gone| gone.number);
    Ok(gone)
}

fn push(row: &Row<'_>, held: Held) -> Result<Push, StoreError> {
    let pending = match noted(row) {
        Ok(noted) => Pending::Status(Box::new(noted)),
        Err(StoreError::Strange { what, why }) => Pending::Unreadable(format!("{what}: {why}")),
        Err(other) => return Err(other),
    };
    let (number, tried) = (column(row, "id")?, column(row, "tried")?);
    Ok(Push { held, number, endpoint: String::new(), tried, failures: 0, pending })
}

fn noted(row: &Row<'_>) -> Result<StatusNoted, StoreError> {
    Ok(StatusNoted {
        number: column(row, "number")?,
        at: moment(column(row, "at")?)?,
        message_id: rows::message_id(&column::<String>(row, "message_id")?)?,
        conversation_id: rows::conversation_id(&column::<String>(row, "conversation_id")?)?,
        direction: word(&column::<String>(row, "direction")?, Direction::named)?,
        service: rows::service(row)?,
        status: word(&column::<String>(row, "status")?, Status::named)?,
        description: column(row, "description")?,
    })
}

fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let message = column::<Option<String>>(row, "message_id")?.map(|id| rows::message_id(&id)).transpose()?;
    let status = column::<Option<String>>(row, "status")?.map(|name| word(&name, Status::named)).transpose()?;
    Ok(Delivery {
        number: column(row, "id")?,
        call: column(row, "call")?,
        told: message.zip(status).map(|(message_id, status)| ToldOf { message_id, status }),
        tried: column(row, "tried")?,
        attempt: Attempt {
            at: moment(column(row, "at")?)?,
            took: Duration::from_millis(u64::try_from(column::<i64>(row, "took")?).unwrap_or(0)),
            code: column(row, "code")?,
            error: column(row, "error")?,
        },
        outcome: word(&column::<String>(row, "outcome")?, Outcome::named)?,
    })
}
