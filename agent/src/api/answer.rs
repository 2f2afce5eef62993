//! Bodies of answers: JSON, pages of lists.

use super::problem::Problem;
use crate::domain::Envelope;
use crate::ports::{Page, PageRequest};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;

/// A body of JSON.
pub(super) fn json<T: Serialize>(body: &T) -> Result<Response, Problem> {
    let text = serde_json::to_string(body).map_err(|error| Problem::Broken(error.to_string()))?;
    let mut response = pretty(&text).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A document.
pub(super) fn sbd(envelope: &Envelope) -> Result<Box<RawValue>, Problem> {
    crate::sbd::write(envelope).map_err(|error| Problem::Broken(error.to_string()))
}

/// A page in no order that anybody asked for, as Spring Data writes it.
pub(super) fn page<T, B: Serialize>(
    page: Page<T>,
    request: PageRequest,
    body: impl Fn(T) -> Result<B, Problem>,
) -> Result<Response, Problem> {
    ordered(page, request, false, body)
}

/// A page of a list that has an order of its own.
pub(super) fn sorted_page<T, B: Serialize>(
    page: Page<T>,
    request: PageRequest,
    body: impl Fn(T) -> Result<B, Problem>,
) -> Result<Response, Problem> {
    ordered(page, request, true, body)
}

/// A page in the order that was asked for, or in none.
pub(super) fn maybe_sorted_page<T, B: Serialize>(
    found: Page<T>,
    request: PageRequest,
    is_sorted: bool,
    body: impl Fn(T) -> Result<B, Problem>,
) -> Result<Response, Problem> {
    if is_sorted { sorted_page(found, request, body) } else { page(found, request, body) }
}

fn ordered<T, B: Serialize>(
    page: Page<T>,
    request: PageRequest,
    is_sorted: bool,
    body: impl Fn(T) -> Result<B, Problem>,
) -> Result<Response, Problem> {
    let sort = if is_sorted { SORTED } else { UNSORTED };
    let content = page.rows.into_iter().map(body).collect::<Result<Vec<_>, _>>()?;
    let count = content.len();
    let pages = page.total.div_ceil(u64::from(request.size).max(1));
    json(&PageBody {
        pageable: Pageable {
            page_number: request.number,
            page_size: request.size,
            sort,
            offset: request.offset(),
            paged: true,
            unpaged: false,
        },
        last: u64::from(request.number) + 1 >= pages,
        total_elements: page.total,
        total_pages: pages,
        size: request.size,
        number: request.number,
        sort,
        number_of_elements: count,
        first: request.number == 0,
        empty: count == 0,
        content,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageBody<B> {
    content: Vec<B>,
    pageable: Pageable,
    last: bool,
    total_elements: u64,
    total_pages: u64,
    size: u32,
    number: u32,
    sort: Sort,
    number_of_elements: usize,
    first: bool,
    empty: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pageable {
    page_number: u32,
    page_size: u32,
    sort: Sort,
    offset: u64,
    paged: bool,
    unpaged: bool,
}

#[derive(Clone, Copy, Serialize)]
struct Sort {
    sorted: bool,
    unsorted: bool,
    empty: bool,
}

const SORTED: Sort = Sort { sorted: true, unsorted: false, empty: false };
const UNSORTED: Sort = Sort { sorted: false, unsorted: true, empty: true };

/// JSON as Jackson's default printer lays it out: `"key" : value`, an object over lines, an array in one.
pub(super) fn pretty(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() + compact.len() / 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    // For each open bracket: whether it is an object.
    let mut open: Vec<bool> = Vec::new();
    let mut letters = compact.chars().peekable();
    while let Some(letter) = letters.next() {
        if is_text {
            out.push(letter);
            is_text = letter != '"' || is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            '"' => {
                is_text = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                if letters.next_if(|next| *next == '}' || *next == ']').is_some() {
                    out.push_str(if letter == '{' { " }" } else { " ]" });
                    continue;
                }
                open.push(letter == '{');
                if letter == '{' {
                    depth += 1;
                    line(&mut out, depth);
                } else {
                    out.push(' ');
                }
            }
            '}' => {
                open.pop();
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push('}');
            }
            ']' => {
                open.pop();
                out.push_str(" ]");
            }
            ',' if open.last() == Some(&true) => {
                out.push(',');
                line(&mut out, depth);
            }
            ',' => out.push_str(", "),
            ':' => out.push_str(" : "),
            // What was passed through may have been laid out by its writer.
            other if other.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Standard alphabet, padded.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let index = usize::try_from(bits >> shift & 63).unwrap_or(0);
            let letter = ALPHABET.get(index).copied().map_or('=', char::from);
            text.push(if at <= three.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_as_jackson_does() {
        let compact = r#"{"a":[],"b":{ },"c":[{"d":1,"e":"x,{\\\"y"},[1,2]],"f":null}"#;
        let laid_out = "{\n  \"a\" : [ ],\n  \"b\" : { },\n  \"c\" : [ {\n    \"d\" : 1,\n    \"e\" : \"x,{\\\\\\\"y\"\n  }, [ 1, 2 ] ],\n  \"f\" : null\n}";
        assert_eq!(pretty(compact), laid_out);
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("ÿþ", "w7/Dvg==")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
