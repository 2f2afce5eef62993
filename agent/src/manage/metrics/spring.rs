//! `/manage/metrics`: as Spring's actuator writes what Micrometer measures.

use super::super::Manage;
use super::{Kind, Meter, Sample, Value, gather};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};

/// `GET /manage/metrics`
pub(in super::super) async fn names(State(manage): State<Manage>) -> Response {
    let names: Vec<_> = gather::all(&manage).await.iter().map(|meter| meter.name).collect();
    Json(json!({ "names": names })).into_response()
}

/// `GET /manage/metrics/{name}?tag=key:value`: of all samples that have these tags, together.
pub(in super::super) async fn one(
    State(manage): State<Manage>,
    Path(name): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let meters = gather::all(&manage).await;
    let Some(meter) = meters.into_iter().find(|meter| meter.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut tags = Vec::new();
    for (_, tag) in query.iter().filter(|(name, _)| name == "tag") {
        let Some((key, value)) = tag.split_once(':') else {
            let message = format!("'{tag}' is no tag; right would be key:value");
            return (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response();
        };
        tags.push((key, value));
    }
    let has = |sample: &&Sample, (key, value): &(&str, &str)| {
        sample.labels.iter().any(|(name, is)| name == key && is == value)
    };
    let samples: Vec<&Sample> = meter.samples.iter().filter(|sample| tags.iter().all(|tag| has(sample, tag))).collect();
    if samples.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(body(&meter, &samples, &tags)).into_response()
}

fn body(meter: &Meter, samples: &[&Sample], asked: &[(&str, &str)]) -> serde_json::Value {
    let mut body = Map::new();
    body.insert("name".into(), meter.name.into());
    body.insert("description".into(), meter.description.into());
    if let Some(unit) = meter.unit {
        body.insert("baseUnit".into(), unit.into());
    }
    body.insert("measurements".into(), measurements(meter.kind, samples).into());
    let mut tags: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in samples.iter().flat_map(|sample| &sample.labels) {
        if !asked.iter().any(|(asked, _)| asked == name) {
            tags.entry(name).or_default().insert(value);
        }
    }
    let tags: Vec<_> = tags.iter().map(|(tag, values)| json!({ "tag": tag, "values": values })).collect();
    body.insert("availableTags".into(), tags.into());
    body.into()
}

fn measurements(kind: Kind, samples: &[&Sample]) -> Vec<serde_json::Value> {
    let measured = |statistic: &str, value: serde_json::Value| json!({ "statistic": statistic, "value": value });
    let numbers = samples.iter().map(|sample| match &sample.value {
        Value::Number(number) => *number,
        Value::Time(_) => 0.0,
    });
    let times = || {
        samples.iter().filter_map(|sample| match &sample.value {
            Value::Number(_) => None,
            Value::Time(time) => Some(time),
        })
    };
    match kind {
        Kind::Gauge => vec![measured("VALUE", numbers.sum::<f64>().into())],
        Kind::Counter => vec![measured("COUNT", numbers.sum::<f64>().into())],
        Kind::Timer => vec![
            measured("COUNT", times().map(|time| time.count).sum::<u64>().into()),
            measured("TOTAL_TIME", times().map(|time| time.total).sum::<f64>().into()),
            measured("MAX", times().map(|time| time.longest).fold(0.0, f64::max).into()),
        ],
    }
}
