//! What whoever subscribed is to be told, and how that went.

use super::connect::Act;
use super::filter::{Filter, List};
use super::rows::{self, column, maybe_clean, millis, moment, natural, small, word};
use super::{Postgres, act, subscriptions};
use crate::domain::{Direction, Status, StatusNoted};
use crate::ports::{
    Answer, Attempt, Delivery, Held, KEPT_DELIVERIES, Outcome, Page, PageRequest, Pending, Push, PushSettled,
    PushSettlement, Pushes, StoreError, Told as ToldOf,
};
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::Row;

/// How they are listed.
const DELIVERIES: List<'static> = List { columns: "*", from: "deliveries", counted: "deliveries", order: "id DESC" };

/// So much is given up in one act at most.
const GIVEN_UP_AT_ONCE: i64 = 500;

impl Pushes for Postgres {
    fn lease_lanes<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Answer<'a, Vec<Push>, StoreError> {
        act!(self, "lease lanes", |act| async {
            // What another one is just leasing is passed over; who is just noting a push in it is no reason to.
            let take = "WITH free AS MATERIALIZED (SELECT id FROM subscriptions s
                    WHERE due <= $1 AND (leased_until IS NULL OR leased_until <= $1)
                    AND EXISTS (SELECT 1 FROM pushes WHERE subscription = s.id)
                    ORDER BY due, id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED)
                UPDATE subscriptions SET lease = lease + 1, leased_until = $2, holder = $3
                FROM free WHERE subscriptions.id = free.id
                RETURNING subscriptions.id, lease, push_endpoint, failures";
            let first = "UPDATE pushes SET tried = tried + 1
                         WHERE id = (SELECT min(id) FROM pushes WHERE subscription = $1) RETURNING *";
            let mut taken = Vec::new();
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&millis(now), &millis(until), &holder, &i64::from(most)];
            for lane in act.each(take, &parameters).await? {
                let held = Held { number: column(&lane, "id")?, lease: column(&lane, "lease")? };
                if let Some(row) = act.one(first, &[&held.number]).await? {
                    let tried = small(&row, "tried")?.saturating_sub(1);
                    taken.push(Push {
                        endpoint: column(&lane, "push_endpoint")?,
                        failures: small(&lane, "failures")?,
                        tried,
                        ..push(&row, held)?
                    });
                }
            }
            Ok(taken)
        })
    }

    fn next_push(&self) -> Answer<'_, Option<Timestamp>, StoreError> {
        act!(self, "look at the lanes", |act| async {
            let query = "SELECT min(greatest(due, coalesce(leased_until, due))) AS next FROM subscriptions s
                         WHERE EXISTS (SELECT 1 FROM pushes WHERE subscription = s.id)";
            let next = act.one(query, &[]).await?.map_or(Ok(None), |row| column::<Option<i64>>(&row, "next"))?;
            next.map(moment).transpose()
        })
    }

    fn settle_push<'a>(
        &'a self,
        push: &'a Push,
        attempt: Attempt,
        settlement: PushSettlement,
    ) -> Answer<'a, PushSettled, StoreError> {
        act!(self, "settle a push", |act| settle(&act, push, &attempt, settlement))
    }

    fn deliveries(&self, subscription: i64, page: PageRequest) -> Answer<'_, Page<Delivery>, StoreError> {
        act!(self, "list deliveries", |act| async {
            let filter = Filter::default().equals("subscription", Some(subscription));
            let found = filter.page(&act, &DELIVERIES, page).await?;
            Ok(Page { rows: found.rows.iter().map(delivery).collect::<Result<_, _>>()?, total: found.total })
        })
    }

    fn forget_deliveries(&self, before: Timestamp, most: u32) -> Answer<'_, u64, StoreError> {
        act!(self, "forget deliveries", |act| async {
            let delete =
                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE at < $1 ORDER BY at LIMIT $2)";
            act.change(delete, &[&millis(before), &i64::from(most)]).await
        })
    }
}

/// Notes what each that wants to know is to be told.
pub(super) async fn note(act: &Act<'_>, noted: &StatusNoted) -> Result<(), StoreError> {
    let insert = "INSERT INTO pushes
        (subscription, number, at, message_id, conversation_id, direction, service, status, description)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    for (subscription, wanted) in subscriptions::all(act).await? {
        if wanted.wants(noted) {
            act.change(
                insert,
                &[
                    &subscription,
                    &noted.number,
                    &millis(noted.at),
                    &noted.message_id.as_str(),
                    &noted.conversation_id.as_str(),
                    &noted.direction.name(),
                    &noted.service.name(),
                    &noted.status.name(),
                    &maybe_clean(noted.description.as_ref()),
                ],
            )
            .await?;
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
pub(super) async fn log(
    act: &Act<'_>,
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
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    act.change(
        insert,
        &[
            &subscription,
            &call,
            &status.map(|noted| noted.message_id.as_str()),
            &status.map(|noted| noted.status.name()),
            &i64::from(tried),
            &millis(attempt.at),
            &i64::try_from(attempt.took.as_millis()).unwrap_or(i64::MAX),
            &attempt.code.map(i64::from),
            &maybe_clean(attempt.error.as_ref()),
            &outcome.name(),
        ],
    )
    .await?;
    let trim = "DELETE FROM deliveries WHERE subscription = $1 AND id <=
        (SELECT id FROM deliveries WHERE subscription = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
    act.change(trim, &[&subscription, &i64::from(KEPT_DELIVERIES)]).await.map(|_| ())
}

async fn settle(
    act: &Act<'_>,
    push: &Push,
    attempt: &Attempt,
    settlement: PushSettlement,
) -> Result<PushSettled, StoreError> {
    let lane = push.held.number;
    let ours = "SELECT 1 FROM subscriptions WHERE id = $1 AND lease = $2 FOR NO KEY UPDATE";
    if act.one(ours, &[&lane, &push.held.lease]).await?.is_none() {
        return Ok(PushSettled::LeaseLost);
    }
    let told = Told::Push(push, push.tried.saturating_add(1));
    match settlement {
        PushSettlement::Delivered => {
            remove(act, push).await?;
            log(act, lane, &told, attempt, Outcome::Delivered).await?;
            Ok(PushSettled::Done { given_up: 0 })
        }
        PushSettlement::GivenUp => {
            remove(act, push).await?;
            log(act, lane, &told, attempt, Outcome::GivenUp).await?;
            Ok(PushSettled::Done { given_up: 1 })
        }
        PushSettlement::Again { due, give_up_before } => {
            free(act, lane, millis(due), push.failures.saturating_add(1)).await?;
            let gone = give_up(act, lane, give_up_before).await?;
            if !gone.iter().any(|gone| gone.number == push.number) {
                log(act, lane, &told, attempt, Outcome::Failed).await?;
            }
            for gone in &gone {
                log(act, lane, &Told::Push(gone, gone.tried), attempt, Outcome::GivenUp).await?;
            }
            Ok(PushSettled::Done { given_up: u64::try_from(gone.len()).unwrap_or(u64::MAX) })
        }
    }
}

async fn free(act: &Act<'_>, lane: i64, due: i64, failures: u32) -> Result<(), StoreError> {
    let update = "UPDATE subscriptions SET due = $2, failures = $3, leased_until = NULL, holder = NULL WHERE id = $1";
    act.change(update, &[&lane, &due, &i64::from(failures)]).await.map(|_| ())
}

/// They have answered: what comes next is due at once.
async fn remove(act: &Act<'_>, push: &Push) -> Result<(), StoreError> {
    act.change("DELETE FROM pushes WHERE id = $1", &[&push.number]).await?;
    free(act, push.held.number, 0, 0).await
}

/// Removes what was noted before this.
async fn give_up(act: &Act<'_>, lane: i64, before: Timestamp) -> Result<Vec<Push>, StoreError> {
    let delete = "DELETE FROM pushes WHERE id IN
        (SELECT id FROM pushes WHERE subscription = $1 AND at < $2 ORDER BY id LIMIT $3) RETURNING *";
    let held = Held { number: lane, lease: 0 };
    let gone = act.each(delete, &[&lane, &millis(before), &GIVEN_UP_AT_ONCE]).await?;
    let mut gone = gone.iter().map(|row| push(row, held)).collect::<Result<Vec<_>, _>>()?;
    gone.sort_by_key(|gone| gone.number);
    Ok(gone)
}

fn push(row: &Row, held: Held) -> Result<Push, StoreError> {
    let pending = match noted(row) {
        Ok(noted) => Pending::Status(Box::new(noted)),
        Err(StoreError::Strange { what, why }) => Pending::Unreadable(format!("{what}: {why}")),
        Err(other) => return Err(other),
    };
    let (number, tried) = (column(row, "id")?, small(row, "tried")?);
    Ok(Push { held, number, endpoint: String::new(), tried, failures: 0, pending })
}

fn noted(row: &Row) -> Result<StatusNoted, StoreError> {
    Ok(StatusNoted {
        number: column(row, "number")?,
        at: moment(column(row, "at")?)?,
        message_id: rows::message_id(column(row, "message_id")?)?,
        conversation_id: rows::conversation_id(column(row, "conversation_id")?)?,
        direction: word(column::<&str>(row, "direction")?, Direction::named)?,
        service: rows::service(row)?,
        status: word(column::<&str>(row, "status")?, Status::named)?,
        description: column(row, "description")?,
    })
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let message = column::<Option<&str>>(row, "message_id")?.map(rows::message_id).transpose()?;
    let status = column::<Option<&str>>(row, "status")?.map(|name| word(name, Status::named)).transpose()?;
    Ok(Delivery {
        number: column(row, "id")?,
        call: column(row, "call")?,
        told: message.zip(status).map(|(message_id, status)| ToldOf { message_id, status }),
        tried: small(row, "tried")?,
        attempt: Attempt {
            at: moment(column(row, "at")?)?,
            took: Duration::from_millis(natural(row, "took")?),
            code: column::<Option<i64>>(row, "code")?.and_then(|code| u16::try_from(code).ok()),
            error: column(row, "error")?,
        },
        outcome: word(column::<&str>(row, "outcome")?, Outcome::named)?,
    })
}
