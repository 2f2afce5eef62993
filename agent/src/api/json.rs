//! Bodies of JSON that a client sends, in whichever form of Unicode, as Jackson reads them.

use super::problem::Problem;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use std::error::Error;

/// The body as UTF-8, where it says that it is JSON.
pub(super) async fn body(headers: &HeaderMap, body: Body, limit_bytes: usize) -> Result<Bytes, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let charset = charset_of(media_type).ok_or_else(|| Problem::MediaType(media_type.to_owned()))?;
    let bytes = to_bytes(body, limit_bytes).await.map_err(|error| {
        if is_too_large(&error) {
            return Problem::TooLarge { what: "body", limit_bytes };
        }
        Problem::Unreadable("I/O error while reading input message: it was cut off".into())
    })?;
    match charset {
        Charset::Unicode => unicode(&bytes),
        Charset::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into()),
    }
}

/// Whether it is the length that was wrong.
fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

enum Charset {
    /// Which form of it, the bytes say.
    Unicode,
    Latin1,
}

/// None: it is not JSON, or in letters that nobody reads.
fn charset_of(media_type: &str) -> Option<Charset> {
    let mut parts = media_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return None;
    }
    let charset = parts.find_map(|part| part.strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned()));
    match charset.as_deref().unwrap_or("utf-8") {
        "utf-8" | "utf8" | "us-ascii" | "utf-16" | "utf-16be" | "utf-16le" | "utf-32" | "utf-32be" | "utf-32le" => {
            Some(Charset::Unicode)
        }
        "iso-8859-1" | "latin1" => Some(Charset::Latin1),
        _ => None,
    }
}

/// How many bytes a letter has, and which comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Utf8,
    Utf16 { big_first: bool },
    Utf32 { big_first: bool },
}

/// JSON begins with letters of ASCII: where zeros stand among the first four bytes says the form, unless a mark does. The
/// mark is no part of what was written.
fn form(bytes: &[u8]) -> (Form, usize) {
    let first = |at: usize| bytes.get(at).copied();
    match (first(0), first(1), first(2), first(3)) {
        (Some(0), Some(0), Some(0xfe), Some(0xff)) => (Form::Utf32 { big_first: true }, 4),
        (Some(0xff), Some(0xfe), Some(0), Some(0)) => (Form::Utf32 { big_first: false }, 4),
        (Some(0xfe), Some(0xff), ..) => (Form::Utf16 { big_first: true }, 2),
        (Some(0xff), Some(0xfe), ..) => (Form::Utf16 { big_first: false }, 2),
        (Some(0xef), Some(0xbb), Some(0xbf), _) => (Form::Utf8, 3),
        (Some(0), Some(0), Some(0), Some(_)) => (Form::Utf32 { big_first: true }, 0),
        (Some(1..), Some(0), Some(0), Some(0)) => (Form::Utf32 { big_first: false }, 0),
        (Some(0), Some(1..), ..) => (Form::Utf16 { big_first: true }, 0),
        (Some(1..), Some(0), ..) => (Form::Utf16 { big_first: false }, 0),
        _ => (Form::Utf8, 0),
    }
}

/// The same text in UTF-8.
pub(super) fn unicode(bytes: &Bytes) -> Result<Bytes, Problem> {
    let wrong = |name: &str, at: usize| {
        Problem::Unreadable(format!("JSON parse error: the body is {name} by its first bytes, and byte {at} is not"))
    };
    let (form, mark) = form(bytes);
    let bytes = bytes.slice(mark..);
    match form {
        Form::Utf8 => match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(wrong("UTF-8", mark + error.valid_up_to())),
        },
        Form::Utf16 { big_first } => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units =
                pairs.iter().map(|pair| if big_first { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
            let mut text = String::with_capacity(bytes.len());
            let mut at = mark;
            for letter in char::decode_utf16(units) {
                let letter = letter.map_err(|_| wrong("UTF-16", at))?;
                at += letter.len_utf16() * 2;
                text.push(letter);
            }
            if rest.is_empty() { Ok(text.into()) } else { Err(wrong("UTF-16", mark + pairs.len() * 2)) }
        }
        Form::Utf32 { big_first } => {
            let (fours, rest) = bytes.as_chunks::<4>();
            let mut text = String::with_capacity(fours.len());
            for (at, four) in fours.iter().enumerate() {
                let letter = if big_first { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
                text.push(char::from_u32(letter).ok_or_else(|| wrong("UTF-32", mark + at * 4))?);
            }
            if rest.is_empty() { Ok(text.into()) } else { Err(wrong("UTF-32", mark + fours.len() * 4)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"tittel\" : \"Søknad 📮\"}";

    fn written(form: Form, with_mark: bool) -> Bytes {
        let text: String = if with_mark { format!("\u{feff}{TEXT}") } else { TEXT.into() };
        let wide = text.encode_utf16();
        let bytes: Vec<u8> = match form {
            Form::Utf8 => text.into_bytes(),
            Form::Utf16 { big_first: true } => wide.flat_map(u16::to_be_bytes).collect(),
            Form::Utf16 { big_first: false } => wide.flat_map(u16::to_le_bytes).collect(),
            Form::Utf32 { big_first: true } => {
                text.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect()
            }
            Form::Utf32 { big_first: false } => {
                text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect()
            }
        };
        bytes.into()
    }

    #[test]
    fn each_form_is_read_with_a_mark_and_without() {
        let both = |form: fn(bool) -> Form| [form(true), form(false)];
        let forms = [
            both(|_| Form::Utf8),
            both(|big_first| Form::Utf16 { big_first }),
            both(|big_first| Form::Utf32 { big_first }),
        ];
        for form in forms.into_iter().flatten() {
            for with_mark in [false, true] {
                assert_eq!(unicode(&written(form, with_mark)).unwrap(), TEXT, "{form:?} {with_mark}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let told = |bytes: &'static [u8]| match unicode(&Bytes::from_static(bytes)) {
            Err(Problem::Unreadable(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(told(b"{\"\xe6\"}").ends_with("is UTF-8 by its first bytes, and byte 2 is not"));
        assert!(told(b"\xff\xfe{\0\x00\xd8").ends_with("is UTF-16 by its first bytes, and byte 4 is not"));
        assert!(told(b"{\0\"\0x").ends_with("is UTF-16 by its first bytes, and byte 4 is not"));
        assert!(told(b"\0\0\0{\0\x11\0\0").ends_with("is UTF-32 by its first bytes, and byte 4 is not"));
        assert_eq!(unicode(&Bytes::new()).unwrap(), "");
    }

    #[test]
    fn letters_of_latin_1_are_read_where_they_are_named_and_strange_ones_are_not() {
        assert!(matches!(charset_of("application/json; charset=ISO-8859-1"), Some(Charset::Latin1)));
        assert!(matches!(charset_of("application/vnd.x+json;charset=\"utf-8\""), Some(Charset::Unicode)));
        for strange in ["application/json;charset=koi8-r", "text/plain", "", "text/x+json"] {
            assert!(charset_of(strange).is_none(), "{strange}");
        }
    }
}
