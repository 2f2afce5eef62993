//! What an answer means, from its status and headers. Pure.

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
};
use std::time::Duration;

use efm::outside::headers::{clip, date, retry_after, text};

/// Two changes within this long may have the same `Last-Modified`.
const CHANGES_APART_SECONDS: i64 = 60;
const VALIDATOR_LIMIT: usize = 1024;

/// What an answer is, before its body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The whole thing follows.
    Whole,
    /// The rest follows.
    Rest,
    /// As we know it.
    Unchanged,
    /// There is no rest.
    NoRest,
    /// Look there.
    Elsewhere(String),
    /// Not there, or no longer.
    Missing,
    /// A proxy wants to know who we are.
    ProxyWantsPassword,
    /// It may come later.
    Later(Option<Duration>),
    /// No sense can be made of it.
    Nonsense(String),
}

/// Reads status and headers.
pub fn meaning(status: StatusCode, headers: &HeaderMap) -> Meaning {
    match status {
        StatusCode::OK => Meaning::Whole,
        StatusCode::PARTIAL_CONTENT => Meaning::Rest,
        StatusCode::NOT_MODIFIED => Meaning::Unchanged,
        StatusCode::RANGE_NOT_SATISFIABLE => Meaning::NoRest,
        StatusCode::NOT_FOUND | StatusCode::GONE => Meaning::Missing,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Meaning::ProxyWantsPassword,
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => match text(headers, "location") {
            Some(to) => Meaning::Elsewhere(to.to_owned()),
            None => Meaning::Nonsense(format!("{status} does not say where to")),
        },
        other if other.is_client_error() || other.is_server_error() => Meaning::Later(retry_after(headers)),
        other => Meaning::Nonsense(format!("{other} is no answer to what was asked")),
    }
}

/// A body that must be unpacked first is a way to hide its size; we ask for none.
pub fn encoding(headers: &HeaderMap) -> Result<(), String> {
    match text(headers, CONTENT_ENCODING.as_str()).map(str::trim) {
        None | Some("" | "identity") => Ok(()),
        Some(other) => Err(format!("it comes packed as {:?}, which was not asked for", clip(other))),
    }
}

/// Whether the server itself calls it a web page.
pub fn says_web_page(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str()).is_some_and(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml")
    })
}

/// Whether these are the first bytes of a web page.
pub fn looks_like_web_page(bytes: &[u8]) -> bool {
    const MARKS: [&str; 3] = ["<!doctype html", "<html", "<head"];
    let start = String::from_utf8_lossy(bytes.get(..64).unwrap_or(bytes)).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    MARKS.iter().any(|mark| start.starts_with(mark))
}

/// What a web page in place of a file usually is.
pub const WEB_PAGE: &str =
    "it is a web page; perhaps the login page of a proxy or a portal between here and the server";

/// The validator to resume with: a strong `ETag`, or a `Last-Modified` that is old enough to be sure.
pub fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = text(headers, ETAG.as_str()).filter(|tag| tag.starts_with('"') && tag.len() <= VALIDATOR_LIMIT);
    let settled = || {
        let modified = text(headers, LAST_MODIFIED.as_str())?;
        let apart = date(text(headers, DATE.as_str())?)?.as_second() - date(modified)?.as_second();
        (apart >= CHANGES_APART_SECONDS).then_some(modified)
    };
    strong.or_else(settled).map(str::to_owned)
}

/// Any header as text, bounded.
pub fn remembered_header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    text(headers, name.as_str()).filter(|value| value.len() <= VALIDATOR_LIMIT).map(str::to_owned)
}

/// `Content-Range: bytes 5-9/10` must be the rest from `offset` to the end. The length of the rest, and of the whole.
pub fn rest(headers: &HeaderMap, offset: u64, validator: &str) -> Result<(u64, Option<u64>), String> {
    let said = text(headers, CONTENT_RANGE.as_str()).ok_or("a part came without Content-Range")?;
    let wrong = || format!("bytes from {offset} on were asked for, {:?} came", clip(said));
    let (range, whole) = said.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
    let (first, last) = range.split_once('-').ok_or_else(wrong)?;
    let (first, last): (u64, u64) =
        (first.trim().parse().map_err(|_| wrong())?, last.trim().parse().map_err(|_| wrong())?);
    let whole: Option<u64> = match whole.trim() {
        "*" => None,
        number => Some(number.parse().map_err(|_| wrong())?),
    };
    let ends = last.checked_add(1).ok_or_else(wrong)?;
    if first != offset || ends <= first || whole.is_some_and(|whole| whole != ends) {
        return Err(wrong());
    }
    let name = if validator.starts_with('"') { ETAG } else { LAST_MODIFIED };
    if text(headers, name.as_str()).is_some_and(|now| now != validator) {
        return Err("the file changed while it was fetched; it will be fetched anew".into());
    }
    Ok((ends - first, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_by_the_servers_own_clock() {
        let later = |lines: &[(&'static str, &str)]| meaning(StatusCode::SERVICE_UNAVAILABLE, &headers(lines));
        let seconds = |n| Meaning::Later(Some(Duration::from_secs(n)));
        assert_eq!(later(&[("retry-after", "120")]), seconds(120));
        let now = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(later(&[now, ("retry-after", "Wed, 21 Oct 2015 07:30:00 GMT")]), seconds(120));
        assert_eq!(later(&[now, ("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT")]), seconds(0));
        assert_eq!(later(&[("retry-after", "99999999999")]), seconds(24 * 3600));
        for nonsense in ["", "soon", "-5", "Wed, 99 Oct 2015 07:28:00 GMT"] {
            assert_eq!(later(&[now, ("retry-after", nonsense)]), Meaning::Later(None), "{nonsense}");
        }
    }

    #[test]
    fn statuses_mean_what_they_say() {
        let of = |code: u16| meaning(StatusCode::from_u16(code).unwrap(), &headers(&[]));
        assert_eq!((of(404), of(410)), (Meaning::Missing, Meaning::Missing));
        assert_eq!(of(407), Meaning::ProxyWantsPassword);
        for code in [400, 401, 403, 429, 500, 502, 503] {
            assert_eq!(of(code), Meaning::Later(None), "{code}");
        }
        for code in [201, 204, 300, 302, 305] {
            assert!(matches!(of(code), Meaning::Nonsense(_)), "{code}");
        }
    }

    #[test]
    fn only_the_rest_that_was_asked_for_is_taken() {
        let read = |range: &str| rest(&headers(&[("content-range", range), ("etag", "\"a\"")]), 5, "\"a\"");
        assert_eq!(read("bytes 5-9/10"), Ok((5, Some(10))));
        assert_eq!(read("bytes 5-9/*"), Ok((5, None)));
        for wrong in [
            "bytes 0-9/10",
            "bytes 4-9/10",
            "bytes 6-9/10",
            "bytes 5-8/10",
            "bytes 5-9/9",
            "bytes 5-4/5",
            "bytes */10",
            "items 5-9/10",
            "bytes 5-18446744073709551615/*",
            "bytes -5-9/10",
            "",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(rest(&headers(&[]), 5, "\"a\"").is_err());
        assert!(rest(&headers(&[("content-range", "bytes 5-9/10"), ("etag", "\"b\"")]), 5, "\"a\"").is_err());
    }

    #[test]
    fn only_what_names_exact_bytes_is_a_validator() {
        let (old, now) = ("Wed, 21 Oct 2015 07:00:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(validator(&headers(&[("etag", "\"a\"")])).as_deref(), Some("\"a\""));
        assert_eq!(validator(&headers(&[("etag", "W/\"a\"")])), None);
        assert_eq!(
            validator(&headers(&[("etag", "W/\"a\""), ("last-modified", old), ("date", now)])).as_deref(),
            Some(old)
        );
        assert_eq!(validator(&headers(&[("last-modified", now), ("date", now)])), None);
        assert_eq!(validator(&headers(&[("last-modified", old)])), None);
    }

    #[test]
    fn a_web_page_is_known_by_its_first_words() {
        assert!(looks_like_web_page(b"\xef\xbb\xbf\n <!DOCTYPE html><html>"));
        assert!(looks_like_web_page(b"<HTML lang=nb>"));
        assert!(!looks_like_web_page(b"<?xml version=\"1.0\"?><metadata>"));
        assert!(!looks_like_web_page(b"integrasjonspunkt:"));
        assert!(!looks_like_web_page(b""));
    }

    #[test]
    fn only_bytes_as_they_are_are_taken() {
        assert_eq!(encoding(&headers(&[])), Ok(()));
        assert_eq!(encoding(&headers(&[("content-encoding", "identity")])), Ok(()));
        for packed in ["gzip", "br", "gzip, identity", "GZIP"] {
            assert!(encoding(&headers(&[("content-encoding", packed)])).is_err(), "{packed}");
        }
    }
}
