//! `/manage/prometheus`: text exposition 0.0.4, with names as Micrometer makes them.

use super::super::Manage;
use super::requests::BOUNDS;
use super::{Kind, Meter, Sample, Time, Value, gather};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /manage/prometheus`
pub(in super::super) async fn exposition(State(manage): State<Manage>) -> Response {
    let text = gather::all(&manage).await.iter().fold(String::new(), |mut text, meter| {
        // A string takes all that is written.
        let _ = write_meter(&mut text, meter);
        text
    });
    ([(header::CONTENT_TYPE, TYPE)], text).into_response()
}

fn write_meter(text: &mut String, meter: &Meter) -> std::fmt::Result {
    let mut name = meter.name.replace('.', "_");
    if let Some(unit) = meter.unit {
        name = format!("{name}_{unit}");
    }
    let kind = match meter.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => {
            name.push_str("_total");
            "counter"
        }
        Kind::Timer => "histogram",
    };
    head(text, &name, meter.description, kind)?;
    for sample in &meter.samples {
        match &sample.value {
            Value::Number(number) => line(text, &name, sample, None, *number)?,
            Value::Time(time) => write_time(text, &name, sample, time)?,
        }
    }
    if meter.kind == Kind::Timer {
        let name = format!("{name}_max");
        head(text, &name, meter.description, "gauge")?;
        for sample in &meter.samples {
            if let Value::Time(time) = &sample.value {
                line(text, &name, sample, None, time.longest)?;
            }
        }
    }
    Ok(())
}

fn write_time(text: &mut String, name: &str, sample: &Sample, time: &Time) -> std::fmt::Result {
    for (bound, within) in BOUNDS.iter().zip(time.within) {
        line(text, &format!("{name}_bucket"), sample, Some(&bound.to_string()), within)?;
    }
    line(text, &format!("{name}_bucket"), sample, Some("+Inf"), time.count)?;
    line(text, &format!("{name}_sum"), sample, None, time.total)?;
    line(text, &format!("{name}_count"), sample, None, time.count)
}

fn head(text: &mut String, name: &str, description: &str, kind: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {description}\n# TYPE {name} {kind}")
}

fn line(
    text: &mut String,
    name: &str,
    sample: &Sample,
    bound: Option<&str>,
    value: impl std::fmt::Display,
) -> std::fmt::Result {
    text.push_str(name);
    let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
    let labels: Vec<_> = labels.chain(bound.map(|bound| ("le", bound))).collect();
    for (at, (name, value)) in labels.iter().enumerate() {
        let before = if at == 0 { '{' } else { ',' };
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(text, "{before}{name}=\"{value}\"")?;
    }
    if !labels.is_empty() {
        text.push('}');
    }
    writeln!(text, " {value}")
}
