//! `/api/subscriptions`: who wants to be told of statuses. The log of deliveries is ours; the Java one has none.

use super::answer::{json as answer, page};
use super::json;
use super::problem::Problem;
use super::query::Parameters;
use crate::domain::{EventKind, Filter, NotAFilter, Resource, Subscription, in_oslo};
use crate::flow::{Desk, subscribe};
use crate::ports::{Delivery, StoredSubscription, SubscriptionChange};
use crate::sbd::{self, Constraint, Violation};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

type Here = State<Arc<Desk>>;

const LIMIT_BYTES: usize = 64 << 10;
/// A database has an index over both.
const LONGEST_NAME_BYTES: u32 = 500;
const LONGEST_ENDPOINT_BYTES: u32 = 2000;
const LONGEST_FILTER_BYTES: u32 = 2000;
const TEXT: &str = "java.lang.String";

/// `GET /api/subscriptions`
pub(super) async fn list(State(desk): Here, parameters: Parameters) -> Result<Response, Problem> {
    let request = parameters.page();
    parameters.in_one_order()?;
    let found = desk.store.subscriptions(request).await?;
    page(found, request, |stored| Ok(Answer::of(stored)))
}

/// `GET /api/subscriptions/{id}`
pub(super) async fn one(State(desk): Here, Path(id): Path<String>) -> Result<Response, Problem> {
    answer(&Answer::of(subscribe::one(&desk, number(&id)?).await?))
}

/// `POST /api/subscriptions`
pub(super) async fn create(State(desk): Here, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let asked = Asked::read(&json::body(&headers, body, LIMIT_BYTES).await?)?;
    let new = asked.whole(|endpoint| desk.caller.refuses(endpoint))?;
    answer(&Answer::of(subscribe::subscribe(&desk, new).await?))
}

/// `PUT /api/subscriptions/{id}`
pub(super) async fn change(
    State(desk): Here,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let asked = Asked::read(&json::body(&headers, body, LIMIT_BYTES).await?)?;
    let change = asked.change(|endpoint| desk.caller.refuses(endpoint))?;
    subscribe::resubscribe(&desk, number(&id)?, change).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /api/subscriptions/{id}`
pub(super) async fn remove(State(desk): Here, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    subscribe::unsubscribe(&desk, number(&id)?).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /api/subscriptions`
pub(super) async fn remove_all(State(desk): Here) -> Result<StatusCode, Problem> {
    let removed = desk.store.unsubscribe_all().await?;
    tracing::info!(removed, "all subscriptions are removed");
    Ok(StatusCode::OK)
}

/// `GET /api/subscriptions/{id}/deliveries`
pub(super) async fn deliveries(
    State(desk): Here,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let (number, request) = (number(&id)?, parameters.page());
    subscribe::one(&desk, number).await?;
    let found = desk.store.deliveries(number, request).await?;
    page(found, request, |delivery| Ok(DeliveryAnswer::of(delivery)))
}

fn number(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| Problem::IllegalArgument(format!("'{id}' is not the number of a subscription")))
}

// ── What is asked ───────────────────────────────────────────────────────────────────────────────────────────────────

/// A body, before the rules.
#[derive(Debug, Default)]
struct Asked {
    id: Option<Value>,
    name: Option<String>,
    endpoint: Option<String>,
    resource: Option<String>,
    event: Option<String>,
    filter: Option<String>,
}

impl Asked {
    /// Members that nobody knows are passed over, and numbers and flags are taken for texts, as Jackson does.
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let wrong = |why: String| Problem::Unreadable(format!("JSON parse error: {why}"));
        if let Some(depth) = sbd::too_deep(bytes) {
            return Err(sbd::Refused::TooDeep(depth).into());
        }
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        // What is nested deeply is none of these, however deep that is.
        let member = |name: &str| {
            members.get(name).map(|raw| serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::Array(Vec::new())))
        };
        let text = |name: &str| match member(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(scalar.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => Err(wrong(format!("{name} must be a text"))),
        };
        let id = match member("id") {
            None | Some(Value::Null) => None,
            Some(id) if id.as_i64().is_some() => Some(id),
            Some(Value::String(text)) if text.parse::<i64>().is_ok() => text.parse::<i64>().ok().map(Value::from),
            Some(_) => return Err(wrong("id must be a whole number".into())),
        };
        Ok(Self {
            id,
            name: text("name")?,
            endpoint: text("pushEndpoint")?,
            resource: text("resource")?,
            event: text("event")?,
            filter: text("filter")?,
        })
    }

    fn whole(self, refuses: impl Fn(&str) -> Option<String>) -> Result<Subscription, Problem> {
        let mut found = Found::default();
        if let Some(id) = &self.id {
            found.violation(Constraint::Null, "id", Some(id.clone()), "java.lang.Long");
        }
        let needed = [
            ("name", &self.name),
            ("pushEndpoint", &self.endpoint),
            ("resource", &self.resource),
            ("event", &self.event),
        ];
        for (field, value) in needed {
            if value.is_none() {
                found.violation(Constraint::NotNull, field, None, TEXT);
            }
        }
        let change = self.checked(&mut found, refuses);
        let found = found.end()?;
        let SubscriptionChange { name, push_endpoint, resource, event, filter } = change;
        match (name, push_endpoint, resource, event) {
            (Some(name), Some(push_endpoint), Some(resource), Some(event)) => {
                Ok(Subscription { name, push_endpoint, resource, event, filter })
            }
            _ => Err(found.into()),
        }
    }

    fn change(self, refuses: impl Fn(&str) -> Option<String>) -> Result<SubscriptionChange, Problem> {
        let mut found = Found::default();
        let change = self.checked(&mut found, refuses);
        found.end().map(|_| change)
    }

    /// What keeps to the rules; what does not is told.
    fn checked(self, found: &mut Found, refuses: impl Fn(&str) -> Option<String>) -> SubscriptionChange {
        let name = found.sized("name", self.name, LONGEST_NAME_BYTES);
        let push_endpoint = found.sized("pushEndpoint", self.endpoint, LONGEST_ENDPOINT_BYTES);
        let push_endpoint = push_endpoint.filter(|endpoint| match refuses(endpoint) {
            None => true,
            Some(why) => found.told(Constraint::Url, "pushEndpoint", endpoint, &why),
        });
        let resource = found.one_of("resource", self.resource, &Resource::NAMES, Resource::named);
        let event = found.one_of("event", self.event, &EventKind::NAMES, EventKind::named);
        let filter = found.sized("filter", self.filter, LONGEST_FILTER_BYTES);
        let filter = filter.and_then(|text| match Filter::parse(&text) {
            Ok(filter) => Some(filter),
            Err(why) => {
                found.told(Constraint::Filter, "filter", &text, &filter_trouble(&why));
                None
            }
        });
        SubscriptionChange { name, push_endpoint, resource, event, filter }
    }
}

fn filter_trouble(why: &NotAFilter) -> String {
    format!("{why} Right would be: status=FEIL,LEVETID_UTLOPT&direction=INCOMING&serviceIdentifier=DPO")
}

/// What is wrong, all of it.
#[derive(Debug, Default)]
struct Found {
    violations: Vec<Violation>,
    words: Vec<String>,
}

impl Found {
    fn violation(&mut self, constraint: Constraint, field: &str, rejected: Option<Value>, class: &'static str) {
        self.violations.push(Violation { constraint, path: field.to_owned(), rejected, class });
    }

    /// With words for people; false, for filters.
    fn told(&mut self, constraint: Constraint, field: &str, value: &str, why: &str) -> bool {
        self.violation(constraint, field, Some(value.into()), TEXT);
        self.words.push(format!("{field}: {why}"));
        false
    }

    fn sized(&mut self, field: &str, value: Option<String>, most: u32) -> Option<String> {
        value.filter(|text| {
            let fits = u32::try_from(text.len()).is_ok_and(|length| length <= most);
            if !fits {
                self.violation(Constraint::Size { min: 0, max: Some(most) }, field, Some(text.as_str().into()), TEXT);
            }
            fits
        })
    }

    fn one_of<T>(
        &mut self,
        field: &str,
        value: Option<String>,
        allowed: &'static [&'static str],
        named: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = value?;
        let found = named(&value);
        if found.is_none() {
            self.violation(Constraint::OneOf(allowed), field, Some(value.into()), TEXT);
        }
        found
    }

    fn end(self) -> Result<Self, Problem> {
        if self.violations.is_empty() { Ok(self) } else { Err(self.into()) }
    }
}

impl From<Found> for Problem {
    fn from(found: Found) -> Self {
        let description = (!found.words.is_empty()).then(|| found.words.join("; "));
        Self::Invalid { object: "subscription", violations: found.violations, description }
    }
}

// ── What is answered ────────────────────────────────────────────────────────────────────────────────────────────────

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: i64,
    name: String,
    push_endpoint: String,
    resource: &'static str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

impl Answer {
    fn of(stored: StoredSubscription) -> Self {
        let StoredSubscription { number, subscription, .. } = stored;
        Self {
            id: number,
            name: subscription.name,
            push_endpoint: subscription.push_endpoint,
            resource: subscription.resource.name(),
            event: subscription.event.name(),
            filter: subscription.filter.map(|filter| filter.text().to_owned()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryAnswer {
    id: i64,
    webhook_id: String,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(rename = "try")]
    tried: u32,
    at: String,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl DeliveryAnswer {
    fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.number,
            webhook_id: delivery.call,
            event: if delivery.told.is_some() { "status" } else { "ping" },
            status: delivery.told.as_ref().map(|told| told.status.name()),
            message_id: delivery.told.map(|told| told.message_id.to_string()),
            tried: delivery.tried,
            at: in_oslo(delivery.attempt.at),
            duration_ms: u64::try_from(delivery.attempt.took.as_millis()).unwrap_or(u64::MAX),
            code: delivery.attempt.code,
            outcome: delivery.outcome.name(),
            error: delivery.attempt.error,
        }
    }
}
