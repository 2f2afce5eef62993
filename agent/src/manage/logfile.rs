//! `/manage/logfile`: the log file as it is now, or a piece of it (`Range: bytes=…`), never whole in memory.

use super::Manage;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::io::SeekFrom;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

const PIECE_BYTES: u64 = 64 << 10;

/// `GET /manage/logfile`
pub(super) async fn read(State(manage): State<Manage>, headers: HeaderMap) -> Response {
    let Some(path) = &manage.facts.log_file else { return StatusCode::NOT_FOUND.into_response() };
    let opened = async {
        let file = File::open(path).await?;
        let length = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, length))
    };
    let Ok((file, length)) = opened.await else { return StatusCode::NOT_FOUND.into_response() };
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let whole = Piece { from: 0, end: length };
    let (status, piece) = match asked.map(|range| piece(range, length)) {
        None | Some(Asked::Nonsense) => (StatusCode::OK, whole),
        Some(Asked::Piece(piece)) => (StatusCode::PARTIAL_CONTENT, piece),
        Some(Asked::Beyond) => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response();
        }
    };
    match bytes(file, piece).await {
        Ok(body) => {
            let mut response = (status, [(header::CONTENT_TYPE, "text/plain;charset=UTF-8")], body).into_response();
            let headers = response.headers_mut();
            headers.insert(header::ACCEPT_RANGES, header::HeaderValue::from_static("bytes"));
            headers.insert(header::CONTENT_LENGTH, (piece.end - piece.from).into());
            let range = format!("bytes {}-{}/{length}", piece.from, piece.end.saturating_sub(1));
            if let (StatusCode::PARTIAL_CONTENT, Ok(range)) = (status, range.parse()) {
                headers.insert(header::CONTENT_RANGE, range);
            }
            response
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: u64,
    /// Behind the last byte.
    end: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Piece(Piece),
    Beyond,
    /// Several pieces too: whoever asks for them takes the whole.
    Nonsense,
}

fn piece(range: &str, length: u64) -> Asked {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::Nonsense;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let piece = match (number(first), number(last)) {
        (Some(from), Some(last)) if from <= last => Piece { from, end: last.saturating_add(1).min(length) },
        (Some(from), None) if last.trim().is_empty() => Piece { from, end: length },
        (None, Some(count)) if first.trim().is_empty() => Piece { from: length.saturating_sub(count), end: length },
        _ => return Asked::Nonsense,
    };
    if piece.from >= piece.end { Asked::Beyond } else { Asked::Piece(piece) }
}

async fn bytes(mut file: File, piece: Piece) -> std::io::Result<Body> {
    file.seek(SeekFrom::Start(piece.from)).await?;
    let pieces = stream::try_unfold((file, piece.end - piece.from), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut bytes = vec![0; usize::try_from(left.min(PIECE_BYTES)).unwrap_or(0)];
        let count = file.read(&mut bytes).await?;
        if count == 0 {
            // It was turned over meanwhile: what was promised cannot be kept.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.truncate(count);
        Ok(Some((bytes, (file, left - u64::try_from(count).unwrap_or(left)))))
    });
    Ok(Body::from_stream(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_piece_of_what_there_is() {
        let of = |from, end| Asked::Piece(Piece { from, end });
        for (range, expected) in [
            ("bytes=0-9", of(0, 10)),
            ("bytes=90-", of(90, 100)),
            ("bytes=-10", of(90, 100)),
            ("bytes=-1000", of(0, 100)),
            ("bytes=90-1000", of(90, 100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=9-0", Asked::Nonsense),
            ("bytes=0-1,3-4", Asked::Nonsense),
            ("lines=0-1", Asked::Nonsense),
            ("bytes=18446744073709551615-18446744073709551615", Asked::Beyond),
        ] {
            assert_eq!(piece(range, 100), expected, "{range}");
        }
    }
}
