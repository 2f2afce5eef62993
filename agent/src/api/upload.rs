//! `Content-Disposition` and `Content-Type` of an upload: the name of a file, its title, its media type.

use super::problem::Problem;
use crate::flow::accept::Upload;
use axum::http::{HeaderMap, header};

/// What the headers say of a file. The title in the query wins.
pub(super) fn read(headers: &HeaderMap, title: Option<String>) -> Result<Upload, Problem> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let disposition = text(header::CONTENT_DISPOSITION).ok_or(Problem::MissingHeader("Content-Disposition"))?;
    let media_type = text(header::CONTENT_TYPE).ok_or(Problem::MissingHeader("Content-Type"))?;
    let (filename, name) = disposed(&disposition).ok_or_else(wrong)?;
    let filename = filename.filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let mime_type = media_type_of(&media_type, &filename);
    Ok(Upload { filename, title: title.or(name), mime_type })
}

/// As given; by the ending of the name where nothing is said.
pub(super) fn media_type_of(given: &str, filename: &str) -> String {
    match given.trim() {
        "" | "application/octet-stream" => of_ending(filename).to_owned(),
        given => given.to_owned(),
    }
}

fn wrong() -> Problem {
    Problem::IllegalArgument("Invalid content disposition format".into())
}

type NameAndTitle = (Option<String>, Option<String>);

/// `filename` and `name`; an extended one (`filename*`) wins over a plain one.
fn disposed(text: &str) -> Option<NameAndTitle> {
    let mut parts = at_semicolons(text).into_iter();
    parts.next()?;
    let (mut filename, mut filename_extended, mut name, mut name_extended) = (None, None, None, None);
    for part in parts.filter(|part| !part.trim().is_empty()) {
        let (key, value) = part.split_once('=')?;
        let value = unquoted(value.trim());
        match key.trim().to_ascii_lowercase().as_str() {
            "filename" => filename = Some(value),
            "filename*" => filename_extended = Some(extended(&value)?),
            "name" => name = Some(value),
            "name*" => name_extended = Some(extended(&value)?),
            _ => {}
        }
    }
    Some((filename_extended.or(filename), name_extended.or(name)))
}

/// A `;` between quotation marks is data.
fn at_semicolons(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for letter in text.chars() {
        match letter {
            '"' if !is_escaped => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
        part.push(letter);
    }
    parts.push(part);
    parts
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let (mut plain, mut is_escaped) = (String::new(), false);
    for letter in inner.chars() {
        if letter == '\\' && !is_escaped {
            is_escaped = true;
        } else {
            is_escaped = false;
            plain.push(letter);
        }
    }
    plain
}

/// RFC 5987: `UTF-8''S%C3%B8knad.pdf`
fn extended(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '\'');
    let (charset, _language, value) = (parts.next()?, parts.next()?, parts.next()?);
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

fn of_ending(filename: &str) -> &'static str {
    let ending = filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "html" => "text/html",
        "txt" => "text/plain",
        "xml" => "text/xml",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xltx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odf" => "application/vnd.oasis.opendocument.formula",
        "odt" => "application/vnd.oasis.opendocument.text",
        "fods" => "application/vnd.oasis.opendocument.spreadsheet",
        "fodp" => "application/vnd.oasis.opendocument.presentation",
        "fodg" => "application/vnd.oasis.opendocument.graphics",
        "gif" => "image/gif",
        "jpeg" => "image/jpeg",
        "png" => "image/png",
        "zip" => "application/octet-stream",
        _ => "application/pdf",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(String, Option<String>)> {
        disposed(text).and_then(|(filename, name)| Some((filename?, name)))
    }

    #[test]
    fn names_and_titles_are_read_in_all_their_forms() {
        let both = |filename: &str, name: &str| Some((filename.to_owned(), Some(name.to_owned())));
        assert_eq!(of(r#"attachment; name="Søknad"; filename="brev.pdf""#), both("brev.pdf", "Søknad"));
        assert_eq!(of("inline;filename=a.pdf;name=b"), both("a.pdf", "b"));
        assert_eq!(of(r#"x; filename="a;b \"c\".pdf"; name=d"#), both("a;b \"c\".pdf", "d"));
        assert_eq!(
            of("x; filename=a; filename*=UTF-8''S%C3%B8k.pdf; name*=iso-8859-1'no'S%F8k"),
            both("Søk.pdf", "Søk")
        );
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for wrong in ["attachment; filename", "x; filename*=a", "x; filename*=koi8-r''a", "x; filename*=utf-8''%f"] {
            assert_eq!(disposed(wrong), None, "{wrong}");
        }
    }
}
