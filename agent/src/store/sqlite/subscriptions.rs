//! Who wants to be told of statuses.

use super::filter::{Filter, List};
use super::pushes::{self, Told};
use super::rows::{change, column, each, one, word};
use super::{Sqlite, failed};
use crate::domain::{self, EventKind, Resource, Subscription};
use crate::ports::{
    Answer, Attempt, Page, PageRequest, Resubscribed, StoreError, StoredSubscription, Subscribed, SubscriptionChange,
    Subscriptions,
};
use rusqlite::{Connection, ErrorCode, Row, params};

/// How they are listed.
const SUBSCRIPTIONS: List<'static> =
    List { columns: STORED, from: "subscriptions", counted: "subscriptions", order: "id" };

impl Subscriptions for Sqlite {
    fn subscribe<'a>(
        &'a self,
        new: &'a Subscription,
        ping: &'a str,
        went: &'a Attempt,
    ) -> Answer<'a, Subscribed, StoreError> {
        let (new, ping, went) = (new.clone(), ping.to_owned(), went.clone());
        self.write("keep a subscription", move |connection| {
            let insert = "INSERT INTO subscriptions (name, push_endpoint, resource, event, filter)
                          VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
            let filter = new.filter.as_ref().map(domain::Filter::text);
            let values = params![new.name, new.push_endpoint, new.resource.name(), new.event.name(), filter];
            if change(connection, insert, values)? == 0 {
                return Ok(Subscribed::Exists);
            }
            let number = connection.last_insert_rowid();
            pushes::log(connection, number, &Told::Ping(&ping), &went, went.outcome())?;
            Ok(Subscribed::Kept(number))
        })
    }

    fn subscription(&self, number: i64) -> Answer<'_, Option<StoredSubscription>, StoreError> {
        self.read("look for a subscription", move |connection| {
            one(connection, &format!("SELECT {STORED} FROM subscriptions WHERE id = ?1"), &[&number], stored)
        })
    }

    fn subscriptions(&self, page: PageRequest) -> Answer<'_, Page<StoredSubscription>, StoreError> {
        self.read("list subscriptions", move |connection| {
            Filter::default().page(connection, &SUBSCRIPTIONS, page, stored)
        })
    }

    fn resubscribe<'a>(
        &'a self,
        number: i64,
        to: &'a SubscriptionChange,
        ping: Option<(&'a str, &'a Attempt)>,
    ) -> Answer<'a, Resubscribed, StoreError> {
        let to = to.clone();
        let ping = ping.map(|(name, went)| (name.to_owned(), went.clone()));
        self.write("change a subscription", move |connection| {
            let Some(changed) = resubscribe(connection, number, &to)? else { return Ok(Resubscribed::Exists) };
            if !changed {
                return Ok(Resubscribed::NoSuchSubscription);
            }
            if let Some((name, went)) = ping {
                pushes::log(connection, number, &Told::Ping(&name), &went, went.outcome())?;
            }
            Ok(Resubscribed::Changed)
        })
    }

    fn unsubscribe(&self, number: i64) -> Answer<'_, bool, StoreError> {
        self.write("remove a subscription", move |connection| {
            Ok(change(connection, "DELETE FROM subscriptions WHERE id = ?1", &[&number])? > 0)
        })
    }

    fn unsubscribe_all(&self) -> Answer<'_, u64, StoreError> {
        self.write("remove all subscriptions", |connection| {
            Ok(u64::try_from(change(connection, "DELETE FROM subscriptions", &[])?).unwrap_or(u64::MAX))
        })
    }
}

/// None: another one has this name and endpoint. False: there is no such subscription.
fn resubscribe(connection: &Connection, number: i64, to: &SubscriptionChange) -> Result<Option<bool>, StoreError> {
    let update = "UPDATE subscriptions SET
        due = CASE WHEN coalesce(?3, push_endpoint) = push_endpoint THEN due ELSE 0 END,
        failures = CASE WHEN coalesce(?3, push_endpoint) = push_endpoint THEN failures ELSE 0 END,
        name = coalesce(?2, name), push_endpoint = coalesce(?3, push_endpoint), resource = coalesce(?4, resource),
        event = coalesce(?5, event), filter = coalesce(?6, filter) WHERE id = ?1";
    let resource = to.resource.map(Resource::name);
    let event = to.event.map(EventKind::name);
    let filter = to.filter.as_ref().map(domain::Filter::text);
    let values = params![number, to.name, to.push_endpoint, resource, event, filter];
    match connection.prepare_cached(update).and_then(|mut it| it.execute(values)) {
        Ok(changed) => Ok(Some(changed > 0)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(None),
        Err(error) => Err(failed("change rows")(error)),
    }
}

const STORED: &str = "id, name, push_endpoint, resource, event, filter, failures, \
                      (SELECT count(*) FROM pushes WHERE subscription = subscriptions.id) AS waiting";

/// Each, for whoever asks what it wants; one that cannot be read is told and left out.
pub(super) fn all(connection: &Connection) -> Result<Vec<(i64, Subscription)>, StoreError> {
    let query = "SELECT id, name, push_endpoint, resource, event, filter FROM subscriptions ORDER BY id";
    let found = each(connection, query, &[], |row| Ok((column::<i64>(row, "id")?, subscription(row))))?;
    let readable = found.into_iter().filter_map(|(number, subscription)| match subscription {
        Ok(subscription) => Some((number, subscription)),
        Err(error) => {
            tracing::error!(subscription = number, %error, "it cannot be read, and is told nothing");
            None
        }
    });
    Ok(readable.collect())
}

fn stored(row: &Row<'_>) -> Result<StoredSubscription, StoreError> {
    Ok(StoredSubscription {
        number: column(row, "id")?,
        subscription: subscription(row)?,
        waiting: u64::try_from(column::<i64>(row, "waiting")?).unwrap_or(0),
        failures: column(row, "failures")?,
    })
}

fn subscription(row: &Row<'_>) -> Result<Subscription, StoreError> {
    let filter = column::<Option<String>>(row, "filter")?;
    Ok(Subscription {
        name: column(row, "name")?,
        push_endpoint: column(row, "push_endpoint")?,
        resource: word(&column::<String>(row, "resource")?, Resource::named)?,
        event: word(&column::<String>(row, "event")?, EventKind::named)?,
        filter: filter.map(|text| word(&text, |text| domain::Filter::parse(text).ok())).transpose()?,
    })
}
