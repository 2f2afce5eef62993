//! Who wants to be told of statuses.

use super::connect::Act;
use super::filter::{Filter, List};
use super::pushes::{self, Told};
use super::rows::{clean, column, maybe_clean, natural, small, word};
use super::{Postgres, act};
use crate::domain::{self, EventKind, Resource, Subscription};
use crate::ports::{
    Answer, Attempt, Page, PageRequest, Resubscribed, StoreError, StoredSubscription, Subscribed, SubscriptionChange,
    Subscriptions,
};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

/// How they are listed.
const SUBSCRIPTIONS: List<'static> =
    List { columns: STORED, from: "subscriptions", counted: "subscriptions", order: "id" };

impl Subscriptions for Postgres {
    fn subscribe<'a>(
        &'a self,
        new: &'a Subscription,
        ping: &'a str,
        went: &'a Attempt,
    ) -> Answer<'a, Subscribed, StoreError> {
        act!(self, "keep a subscription", |act| async {
            let insert = "INSERT INTO subscriptions (name, push_endpoint, resource, event, filter)
                          VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id";
            let filter = new.filter.as_ref().map(|filter| clean(filter.text()));
            let (name, endpoint) = (clean(&new.name), clean(&new.push_endpoint));
            let kept = act.one(insert, &[&name, &endpoint, &new.resource.name(), &new.event.name(), &filter]).await?;
            let Some(kept) = kept else { return Ok(Subscribed::Exists) };
            let number = column(&kept, "id")?;
            pushes::log(&act, number, &Told::Ping(ping), went, went.outcome()).await?;
            Ok(Subscribed::Kept(number))
        })
    }

    fn subscription(&self, number: i64) -> Answer<'_, Option<StoredSubscription>, StoreError> {
        act!(self, "look for a subscription", |act| async {
            let query = format!("SELECT {STORED} FROM subscriptions WHERE id = $1");
            act.one(&query, &[&number]).await?.as_ref().map(stored).transpose()
        })
    }

    fn subscriptions(&self, page: PageRequest) -> Answer<'_, Page<StoredSubscription>, StoreError> {
        act!(self, "list subscriptions", |act| async {
            let found = Filter::default().page(&act, &SUBSCRIPTIONS, page).await?;
            Ok(Page { rows: found.rows.iter().map(stored).collect::<Result<_, _>>()?, total: found.total })
        })
    }

    fn resubscribe<'a>(
        &'a self,
        number: i64,
        to: &'a SubscriptionChange,
        ping: Option<(&'a str, &'a Attempt)>,
    ) -> Answer<'a, Resubscribed, StoreError> {
        Box::pin(async move {
            match self.change(number, to, ping).await {
                Err(error) if is_there_already(&error) => Ok(Resubscribed::Exists),
                other => other,
            }
        })
    }

    fn unsubscribe(&self, number: i64) -> Answer<'_, bool, StoreError> {
        act!(self, "remove a subscription", |act| async {
            Ok(act.change("DELETE FROM subscriptions WHERE id = $1", &[&number]).await? > 0)
        })
    }

    fn unsubscribe_all(&self) -> Answer<'_, u64, StoreError> {
        act!(self, "remove all subscriptions", |act| async { act.change("DELETE FROM subscriptions", &[]).await })
    }
}

impl Postgres {
    fn change<'a>(
        &'a self,
        number: i64,
        to: &'a SubscriptionChange,
        ping: Option<(&'a str, &'a Attempt)>,
    ) -> Answer<'a, Resubscribed, StoreError> {
        act!(self, "change a subscription", |act| async {
            let update = "UPDATE subscriptions SET
                due = CASE WHEN coalesce($3, push_endpoint) = push_endpoint THEN due ELSE 0 END,
                failures = CASE WHEN coalesce($3, push_endpoint) = push_endpoint THEN failures ELSE 0 END,
                name = coalesce($2, name), push_endpoint = coalesce($3, push_endpoint),
                resource = coalesce($4, resource), event = coalesce($5, event), filter = coalesce($6, filter)
                WHERE id = $1";
            let (name, endpoint) = (maybe_clean(to.name.as_ref()), maybe_clean(to.push_endpoint.as_ref()));
            let (resource, event) = (to.resource.map(Resource::name), to.event.map(EventKind::name));
            let filter = to.filter.as_ref().map(|filter| clean(filter.text()));
            if act.change(update, &[&number, &name, &endpoint, &resource, &event, &filter]).await? == 0 {
                return Ok(Resubscribed::NoSuchSubscription);
            }
            if let Some((name, went)) = ping {
                pushes::log(&act, number, &Told::Ping(name), went, went.outcome()).await?;
            }
            Ok(Resubscribed::Changed)
        })
    }
}

fn is_there_already(error: &StoreError) -> bool {
    let StoreError::Database { source, .. } = error else { return false };
    let state = source.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    state == Some(&SqlState::UNIQUE_VIOLATION)
}

const STORED: &str = "id, name, push_endpoint, resource, event, filter, failures, \
                      (SELECT count(*) FROM pushes WHERE subscription = subscriptions.id) AS waiting";

/// Each, for whoever asks what it wants, and none of them goes before the act ends. One that cannot be read is told and
/// left out.
pub(super) async fn all(act: &Act<'_>) -> Result<Vec<(i64, Subscription)>, StoreError> {
    // The lock is the one that a row pointing at it takes; who leases the lane does not wait for it.
    let query = "SELECT id, name, push_endpoint, resource, event, filter FROM subscriptions ORDER BY id FOR KEY SHARE";
    let mut all = Vec::new();
    for row in act.each(query, &[]).await? {
        let number: i64 = column(&row, "id")?;
        match subscription(&row) {
            Ok(subscription) => all.push((number, subscription)),
            Err(error) => {
                tracing::error!(subscription = number, %error, "it cannot be read, and is told nothing");
            }
        }
    }
    Ok(all)
}

fn stored(row: &Row) -> Result<StoredSubscription, StoreError> {
    Ok(StoredSubscription {
        number: column(row, "id")?,
        subscription: subscription(row)?,
        waiting: natural(row, "waiting")?,
        failures: small(row, "failures")?,
    })
}

fn subscription(row: &Row) -> Result<Subscription, StoreError> {
    let filter = column::<Option<&str>>(row, "filter")?;
    Ok(Subscription {
        name: column(row, "name")?,
        push_endpoint: column(row, "push_endpoint")?,
        resource: word(column::<&str>(row, "resource")?, Resource::named)?,
        event: word(column::<&str>(row, "event")?, EventKind::named)?,
        filter: filter.map(|text| word(text, |text| domain::Filter::parse(text).ok())).transpose()?,
    })
}
