//! Keeps who wants to be told of statuses. The server is asked whether it is there before it is kept, and kept all the same
//! where it is not, as the Java one does it; the settings may ask for more.

use super::push::attempt;
use super::{Desk, Refusal, Trouble};
use crate::domain::Subscription;
use crate::ports::{
    Attempt, Event, Heard, PageRequest, Resubscribed, StoredSubscription, Subscribed, SubscriptionChange,
};
use tokio::time::Instant;

/// So many are looked at at a time.
const A_PAGE: u32 = 500;

/// Keeps a new one. Who is there already is told so before anybody is called.
pub async fn subscribe(desk: &Desk, new: Subscription) -> Result<StoredSubscription, Trouble> {
    if is_there(desk, &new.name, &new.push_endpoint, None).await? {
        return Err(Refusal::SubscriptionExists.into());
    }
    let (name, went) = ping(desk, &new.push_endpoint).await?;
    match desk.store.subscribe(&new, &name, &went).await? {
        Subscribed::Kept(number) => {
            tracing::info!(subscription = number, "subscribed");
            Ok(StoredSubscription { number, subscription: new, waiting: 0, failures: 0 })
        }
        Subscribed::Exists => Err(Refusal::SubscriptionExists.into()),
    }
}

/// Changes what is given.
pub async fn resubscribe(desk: &Desk, number: i64, change: SubscriptionChange) -> Result<(), Trouble> {
    let was = one(desk, number).await?.subscription;
    let name = change.name.as_deref().unwrap_or(&was.name);
    let endpoint = change.push_endpoint.as_deref().unwrap_or(&was.push_endpoint);
    if is_there(desk, name, endpoint, Some(number)).await? {
        return Err(Refusal::SubscriptionExists.into());
    }
    let is_elsewhere = change.push_endpoint.as_ref().is_some_and(|endpoint| *endpoint != was.push_endpoint);
    let went = match change.push_endpoint.as_deref().filter(|_| is_elsewhere) {
        Some(endpoint) => Some(ping(desk, endpoint).await?),
        None => None,
    };
    let went = went.as_ref().map(|(name, went)| (name.as_str(), went));
    match desk.store.resubscribe(number, &change, went).await? {
        Resubscribed::Changed => {
            desk.noted.notify_one();
            Ok(())
        }
        Resubscribed::Exists => Err(Refusal::SubscriptionExists.into()),
        Resubscribed::NoSuchSubscription => Err(Refusal::SubscriptionNotFound(number).into()),
    }
}

/// Whether another one has this name and this endpoint. Who comes at the same instant is found out by the store.
async fn is_there(desk: &Desk, name: &str, endpoint: &str, but: Option<i64>) -> Result<bool, Trouble> {
    for number in 0.. {
        let page = desk.store.subscriptions(PageRequest { number, size: A_PAGE }).await?;
        let is_same = |one: &StoredSubscription| {
            let other = &one.subscription;
            other.name == name && other.push_endpoint == endpoint && Some(one.number) != but
        };
        if page.rows.iter().any(is_same) {
            return Ok(true);
        }
        if page.rows.is_empty() {
            return Ok(false);
        }
    }
    Ok(false)
}

/// One.
pub async fn one(desk: &Desk, number: i64) -> Result<StoredSubscription, Trouble> {
    let found = desk.store.subscription(number).await?;
    found.ok_or_else(|| Refusal::SubscriptionNotFound(number).into())
}

/// Removes one; what waits for it is not told any more.
pub async fn unsubscribe(desk: &Desk, number: i64) -> Result<(), Trouble> {
    if desk.store.unsubscribe(number).await? {
        return Ok(());
    }
    Err(Refusal::SubscriptionNotFound(number).into())
}

/// Asks the server whether it is there; how that went is noted, and told.
async fn ping(desk: &Desk, endpoint: &str) -> Result<(String, Attempt), Trouble> {
    let id = format!("ping_{}", hex::encode(desk.random.sixteen()?));
    let (at, begun) = (desk.clock.now(), Instant::now());
    let heard = desk.caller.call(endpoint, &Event::Ping { id: id.clone(), at }, at).await;
    let is_there = matches!(heard, Heard::Taken(_));
    let attempt = attempt(heard, at, begun.elapsed());
    if !is_there {
        let error = attempt.error.clone().unwrap_or_default();
        tracing::warn!(call = id, error, "the push endpoint of a subscription does not take a ping");
        if desk.rules.pushing.ping_is_required {
            return Err(Refusal::PingFailed(error).into());
        }
    }
    Ok((id, attempt))
}
