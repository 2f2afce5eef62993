//! How each lie is told.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Asked, Lie, Page, Shared};

/// Longer than any test waits; the end of the server ends it sooner.
const FOR_EVER: Duration = Duration::from_mins(1);
const MOST_ENDLESS_BYTES: usize = 1 << 30;

/// Ten of these, each twice the one before, and the last is a gigabyte.
const YAML_BOMB: &str = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
    e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
    g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\n\
    integrasjonspunkt: {environments: {production: {latest: *h}}}\n";

const LOGIN_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Logg inn</title></head><body><form>Brukernavn</form></body></html>\n";

pub(super) fn answer(shared: &Shared, mut to: &TcpStream, asked: &Asked, page: &Page, lie: &Lie) -> io::Result<()> {
    let etag = page.etag.clone().unwrap_or_else(|| format!("\"{}\"", page.body.len()));
    let body = page.body.as_slice();
    let said = |length: u64, more: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: {etag}\r\n{more}Connection: close\r\n\r\n")
    };
    let whole = || said(length(body), "");
    match lie {
        Lie::Honest => honest(to, asked, body, &etag, ""),
        Lie::Headers { headers } => honest(to, asked, body, &etag, &lines(headers)),
        Lie::Status { code, headers } => {
            write!(to, "HTTP/1.1 {code} No\r\nContent-Length: 0\r\n{}Connection: close\r\n\r\n", lines(headers))
        }
        Lie::Truncated { after } => send(to, &whole(), start(body, *after)),
        Lie::CutAtSixteenth { n } => send(to, &whole(), start(body, body.len() * n / 16)),
        Lie::Endless => endless(to),
        Lie::SaysLength { bytes } => send(to, &said(*bytes, ""), body),
        Lie::TooMuch { bytes } => send(to, &whole(), &[body, &vec![b'!'; *bytes]].concat()),
        Lie::Drip { bytes, every_ms } => {
            to.write_all(whole().as_bytes())?;
            drip(shared, to, body, *bytes, Duration::from_millis(*every_ms))
        }
        Lie::Stall { percent } => {
            send(to, &whole(), start(body, body.len() * percent / 100))?;
            shared.ended_within(FOR_EVER);
            Ok(())
        }
        Lie::Silence => {
            shared.ended_within(FOR_EVER);
            Ok(())
        }
        Lie::Redirect { code, to: place } => redirect(to, *code, place),
        Lie::RedirectLoop => redirect(to, 302, &asked.path),
        Lie::GzipBomb => {
            let bomb = gzip_of_zeros(32);
            send(to, &said(length(&bomb), "Content-Encoding: gzip\r\n"), &bomb)
        }
        Lie::YamlBomb => send(to, &said(length(YAML_BOMB.as_bytes()), ""), YAML_BOMB.as_bytes()),
        Lie::LoginPage { honest_type } => {
            let kind = if *honest_type { "text/html; charset=utf-8" } else { "application/octet-stream" };
            let head = said(length(LOGIN_PAGE.as_bytes()), &format!("Content-Type: {kind}\r\n"));
            send(to, &head, LOGIN_PAGE.as_bytes())
        }
        Lie::HeaderFlood => header_flood(to),
        // The rest of the request lies unread, so that the close is a reset.
        Lie::Reset => Ok(()),
        Lie::ResetAfter { bytes } => send(to, &whole(), start(body, *bytes)),
        Lie::RangeIgnored => send(to, &whole(), body),
        Lie::WrongRange { content_range } => part(to, &etag, content_range, body),
        Lie::OtherRest => {
            let from = range_start(asked).unwrap_or(0).min(body.len());
            let other = vec![b'?'; body.len() - from];
            part(to, "\"other\"", &range(from, body), &other)
        }
        Lie::NeverChanged => write!(to, "HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\nConnection: close\r\n\r\n"),
        Lie::Nonsense => to.write_all(b"220 mail.example.no ESMTP\r\n"),
        Lie::BitFlip { at } => {
            let mut flipped = body.to_vec();
            if let Some(byte) = flipped.get_mut(*at) {
                *byte ^= 1;
            }
            send(to, &whole(), &flipped)
        }
    }
}

fn honest(mut to: &TcpStream, asked: &Asked, body: &[u8], etag: &str, more: &str) -> io::Result<()> {
    let header = |name: &str| asked.headers.get(name).map(String::as_str);
    if header("if-none-match") == Some(etag) {
        return write!(to, "HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n{more}Connection: close\r\n\r\n");
    }
    let same = header("if-range").is_none_or(|known| known == etag);
    match range_start(asked).filter(|_| same) {
        Some(from) if from < body.len() => part(to, etag, &range(from, body), body.get(from..).unwrap_or_default()),
        Some(_) => write!(
            to,
            "HTTP/1.1 416 No\r\nContent-Range: bytes */{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            body.len()
        ),
        None => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: {etag}\r\n{more}Connection: close\r\n\r\n"
            );
            send(to, &head, body)
        }
    }
}

fn part(to: &TcpStream, etag: &str, content_range: &str, rest: &[u8]) -> io::Result<()> {
    let length = rest.len();
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Length: {length}\r\nContent-Range: {content_range}\r\n\
         ETag: {etag}\r\nConnection: close\r\n\r\n"
    );
    send(to, &head, rest)
}

fn range(from: usize, body: &[u8]) -> String {
    format!("bytes {from}-{}/{}", body.len().saturating_sub(1), body.len())
}

fn range_start(asked: &Asked) -> Option<usize> {
    asked.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

fn redirect(mut to: &TcpStream, code: u16, place: &str) -> io::Result<()> {
    write!(to, "HTTP/1.1 {code} Look there\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn endless(mut to: &TcpStream) -> io::Result<()> {
    const PIECE: usize = 1 << 16;
    to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")?;
    let piece = [format!("{PIECE:x}\r\n").as_bytes(), &vec![b'#'; PIECE], b"\r\n"].concat();
    for _ in 0..MOST_ENDLESS_BYTES / PIECE {
        to.write_all(&piece)?;
    }
    Ok(())
}

fn header_flood(mut to: &TcpStream) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\n")?;
    for n in 0..MOST_ENDLESS_BYTES / 1024 {
        to.write_all(format!("X-{n}: {}\r\n", "x".repeat(1000)).as_bytes())?;
    }
    Ok(())
}

fn drip(shared: &Shared, mut to: &TcpStream, body: &[u8], bytes: usize, every: Duration) -> io::Result<()> {
    for piece in body.chunks(bytes.max(1)) {
        to.write_all(piece)?;
        to.flush()?;
        if shared.ended_within(every) {
            break;
        }
    }
    Ok(())
}

fn send(mut to: &TcpStream, head: &str, body: &[u8]) -> io::Result<()> {
    to.write_all(head.as_bytes())?;
    to.write_all(body)
}

fn start(body: &[u8], length: usize) -> &[u8] {
    body.get(..length).unwrap_or(body)
}

fn length(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}

fn lines(headers: &[(String, String)]) -> String {
    headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect()
}

/// So many megabytes of zeros, packed a thousandfold: one member again and again, as the format allows.
fn gzip_of_zeros(megabytes: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory does not fail; a smaller bomb would still be one.
    let _ = packed.write_all(&vec![0; 1 << 20]);
    packed.finish().unwrap_or_default().repeat(megabytes)
}
