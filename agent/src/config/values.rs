//! Values as they are written in settings. Each says what would be right where it is not.

use std::time::Duration;
use url::Url;

pub(super) fn flag(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err("true or false"),
    }
}

pub(super) fn organisation(text: &str) -> Result<String, &'static str> {
    let is_number = text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text.to_owned()) } else { Err("an organisation number of nine digits") }
}

pub(super) fn millis(text: &str) -> Result<Duration, &'static str> {
    text.parse().ok().filter(|count| *count > 0).map(Duration::from_millis).ok_or("milliseconds, from 1")
}

/// For one call to somebody else.
pub(super) fn timeout(text: &str) -> Result<Duration, &'static str> {
    const RIGHT: &str = "milliseconds, 1 to 300000";
    let millis = text.parse::<u64>().ok().filter(|millis| (1..=300_000).contains(millis));
    millis.map(Duration::from_millis).ok_or(RIGHT)
}

/// An address that can be asked: HTTPS, or HTTP on this machine.
pub(super) fn address(text: &str) -> Result<Url, &'static str> {
    const RIGHT: &str = "an address like https://host/path; http:// to this machine only";
    let url = Url::parse(text.trim_end_matches('/')).map_err(|_| RIGHT)?;
    if efm::outside::may_be_asked(&url) && url.query().is_none() && url.fragment().is_none() {
        Ok(url)
    } else {
        Err(RIGHT)
    }
}

pub(super) fn number(text: &str, right: &'static str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| right)
}

pub(super) fn counted(text: &str, seconds: u64, right: &'static str) -> Result<Duration, &'static str> {
    let count = text.parse::<u32>().ok().filter(|count| *count > 0).ok_or(right)?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

/// As Spring's `DataSize`: `1GB`, `500 MB`, `1024`; the units are powers of two.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    const RIGHT: &str = "a size such as 250MB, 1GB or 1048576";
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let shift = match text.get(digits.len()..).unwrap_or_default().trim() {
        "" | "B" => 0,
        "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return Err(RIGHT),
    };
    digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << shift)).ok_or(RIGHT)
}
