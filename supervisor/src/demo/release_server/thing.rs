//! How one thing on the shelf is answered: whole, a part, or not at all because the client has it.

use bytes::Bytes;
use futures_util::stream::Stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::shelf::{Shelf, Thing};

const PIECE: usize = 64 * 1024;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

pub(super) async fn answer(
    thing: Thing,
    method: &Method,
    asked: &HeaderMap,
    shelf: &Shelf,
) -> io::Result<Response<Body>> {
    let (etag, length) = match &thing {
        Thing::Memory { bytes, etag } => (etag.clone(), u64::try_from(bytes.len()).unwrap_or_default()),
        Thing::File(path) => facts(path).await?,
    };
    if asked.get(header::IF_NONE_MATCH).is_some_and(|known| names(known, &etag)) {
        return Ok(with(empty(StatusCode::NOT_MODIFIED), header::ETAG, etag));
    }
    let still_same = asked.get(header::IF_RANGE).is_none_or(|known| *known == etag);
    let part = asked.get(header::RANGE).filter(|_| still_same).map(|range| part(range, length));
    let (status, start, end) = match part {
        None | Some(Part::Whole) => (StatusCode::OK, 0, length),
        Some(Part::From(start, end)) => (StatusCode::PARTIAL_CONTENT, start, end),
        Some(Part::Nothing) => {
            let range = HeaderValue::try_from(format!("bytes */{length}")).map_err(io::Error::other)?;
            return Ok(with(empty(StatusCode::RANGE_NOT_SATISFIABLE), header::CONTENT_RANGE, range));
        }
    };
    let body = if method == Method::HEAD { nothing() } else { body_of(thing, start, end, shelf.clone()).await? };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{length}", end - 1);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(range).map_err(io::Error::other)?);
    }
    Ok(response)
}

/// `If-None-Match` may hold several, weak ones too.
fn names(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(known), Ok(etag)) = (known.to_str(), etag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

enum Part {
    Whole,
    /// From, and up to but not with.
    From(u64, u64),
    Nothing,
}

/// One range; several at once, or what makes no sense, is answered with the whole, as the standard allows.
fn part(range: &HeaderValue, length: u64) -> Part {
    let read = || {
        let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        if first.is_empty() {
            let tail: u64 = last.parse().ok()?;
            return Some((length.saturating_sub(tail), length));
        }
        let end = if last.is_empty() { length } else { last.parse::<u64>().ok()?.checked_add(1)?.min(length) };
        Some((first.parse::<u64>().ok()?, end))
    };
    match read() {
        None => Part::Whole,
        Some((start, end)) if start < end => Part::From(start, end),
        Some(_) => Part::Nothing,
    }
}

async fn facts(path: &PathBuf) -> io::Result<(HeaderValue, u64)> {
    let facts = tokio::fs::metadata(path).await?;
    let since = facts.modified()?.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    let etag = HeaderValue::try_from(format!("\"{}-{}\"", facts.len(), since.as_nanos())).map_err(io::Error::other)?;
    Ok((etag, facts.len()))
}

async fn body_of(thing: Thing, start: u64, end: u64, shelf: Shelf) -> io::Result<Body> {
    match thing {
        Thing::Memory { bytes, .. } => {
            let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
            Ok(StreamBody::new(pieces(bytes.slice(at(start)..at(end)), shelf)).boxed_unsync())
        }
        Thing::File(path) => {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(io::SeekFrom::Start(start)).await?;
            Ok(StreamBody::new(file_pieces(file.take(end - start), shelf)).boxed_unsync())
        }
    }
}

fn pieces(bytes: Bytes, shelf: Shelf) -> impl Stream<Item = io::Result<Frame<Bytes>>> {
    futures_util::stream::unfold((bytes, shelf), |(mut bytes, shelf)| async move {
        let piece = bytes.split_to(PIECE.min(bytes.len()));
        shelf.sent(piece.len());
        (!piece.is_empty()).then(|| (Ok(Frame::data(piece)), (bytes, shelf)))
    })
}

fn file_pieces(file: tokio::io::Take<tokio::fs::File>, shelf: Shelf) -> impl Stream<Item = io::Result<Frame<Bytes>>> {
    futures_util::stream::unfold((file, shelf), |(mut file, shelf)| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                shelf.sent(read);
                Some((Ok(Frame::data(Bytes::from(piece))), (file, shelf)))
            }
            Err(error) => Some((Err(error), (file, shelf))),
        }
    })
}

fn nothing() -> Body {
    Full::default().map_err(|never: Infallible| match never {}).boxed_unsync()
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(nothing());
    *response.status_mut() = status;
    response
}

fn with(mut response: Response<Body>, name: header::HeaderName, value: HeaderValue) -> Response<Body> {
    response.headers_mut().insert(name, value);
    response
}

pub(super) fn said_length(response: &Response<Body>) -> Option<u64> {
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
