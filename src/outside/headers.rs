//! What headers say that every answer may have. Pure.

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// Nobody makes us wait longer than this.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// For how long a server wants to be left alone; bounded.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let said = text(headers, RETRY_AFTER.as_str())?.trim();
    let wait = if let Ok(seconds) = said.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        // The server's own clock, so that a wrong one here does not matter.
        let seconds = date(said)?.as_second() - date(text(headers, DATE.as_str())?)?.as_second();
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    Some(wait.min(LONGEST_WAIT))
}

/// A date as HTTP writes it.
pub fn date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// A header as text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What a server says may be long; what we print of it is not.
pub fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
