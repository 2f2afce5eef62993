//! What is sent: one JSON object. Its names and its schema number are an interface; readers pass over what they do not
//! know, so the number changes only where a member changes its meaning.

use jiff::Timestamp;
use serde::Serialize;

use crate::notice::About;
use crate::notice::history::Row;
use efm::masking::mask;

const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Body<'a> {
    schema: u32,
    id: &'a str,
    event: &'a str,
    at: Timestamp,
    /// The subject of the mail, where there would be one; else the event in words.
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    downtime_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<&'a str>,
    site: String,
    host: &'a str,
    kosmos: &'static str,
}

/// The whole text. The words in a row are masked and bounded already.
pub(super) fn text(
    id: &str,
    row: &Row,
    subject: Option<&str>,
    about: &About,
    host: &str,
) -> Result<String, serde_json::Error> {
    let version = row.to.as_deref().map_or_else(String::new, |to| format!(" {to}"));
    serde_json::to_string(&Body {
        schema: SCHEMA,
        id,
        event: &row.what,
        at: row.at,
        summary: subject.map_or_else(|| format!("{}{version}", row.what.replace('-', " ")), mask),
        outcome: row.outcome.as_deref(),
        from: row.from.as_deref(),
        to: row.to.as_deref(),
        reason: row.reason.as_deref(),
        downtime_ms: row.downtime_ms,
        attempt: row.attempt.as_deref(),
        site: mask(&about.site),
        host,
        kosmos: env!("CARGO_PKG_VERSION"),
    })
}
