//! One file: logical lines, separators, escapes. Follows `java.util.Properties`, but for three things that help people:
//! UTF-8 is tried before ISO-8859-1, white space at the end of a value is dropped (and told), and a broken escape spoils
//! its own entry only.

use std::fmt::Write as _;

/// What Java takes for white space inside a line.
const BLANK: [char; 3] = [' ', '\t', '\u{c}'];

/// A file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// In the order of the file; a key may come twice, and Java takes the last.
    pub entries: Vec<Entry>,
    /// What could not be read.
    pub malformed: Vec<Malformed>,
    /// How the bytes were read.
    pub encoding: Encoding,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As written, without escapes.
    pub key: String,
    /// Without escapes, and without white space at the end.
    pub value: String,
    /// The line where it starts, from one.
    pub line: u32,
    /// White space was dropped from the end of the value. One that is escaped is meant and stays.
    pub trimmed: bool,
    /// A letter or digit that had a backslash before it for no reason, as in `C:\kosmos`: the backslash is lost.
    pub needless_escape: Option<char>,
}

/// How the bytes of a file were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or plain ASCII.
    #[default]
    Utf8,
    /// Not UTF-8: each byte is a character, as Java reads these files.
    Latin1,
}

/// An entry that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line where the entry starts, from one.
    pub line: u32,
    /// Why.
    pub flaw: Flaw,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// `\u12`, or `C:\users`.
    #[error("`\\u` is not followed by four hexadecimal digits")]
    UnicodeEscape,
    /// `\ud83d` without its other half.
    #[error("a `\\u` escape is one half of a character that needs two")]
    HalfACharacter,
    /// Windows editors call it "Unicode".
    #[error("the file is UTF-16")]
    Utf16,
}

impl Properties {
    /// Reads a whole file.
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Self { malformed: vec![Malformed { line: 1, flaw: Flaw::Utf16 }], ..Self::default() };
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (text, encoding) = match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), Encoding::Utf8),
            Err(_) => (bytes.iter().copied().map(char::from).collect(), Encoding::Latin1),
        };
        let mut read = Self { encoding, ..Self::default() };
        for (line, logical) in logical_lines(&text) {
            match entry(line, &logical) {
                Ok(entry) => read.entries.push(entry),
                Err(flaw) => read.malformed.push(Malformed { line, flaw }),
            }
        }
        read
    }
}

/// Writes entries so that Java, and [`Properties::read`], find the same keys and values again.
pub fn write<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        for character in key.chars() {
            let separates = matches!(character, ' ' | '=' | ':' | '#' | '!');
            escape_into(&mut text, character, separates);
        }
        text.push('=');
        let last = value.chars().count().saturating_sub(1);
        for (at, character) in value.chars().enumerate() {
            escape_into(&mut text, character, character == ' ' && (at == 0 || at == last));
        }
        text.push('\n');
    }
    text
}

fn escape_into(text: &mut String, character: char, separates: bool) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{c}' => text.push_str("\\f"),
        '\\' => text.push_str("\\\\"),
        // White space other than the blank would be trimmed at an end; a byte order mark would be taken for one.
        odd if odd != ' ' && (odd.is_whitespace() || odd.is_control() || odd == '\u{feff}') => {
            let mut units = [0; 2];
            for unit in odd.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
        other => {
            if separates {
                text.push('\\');
            }
            text.push(other);
        }
    }
}

/// Joins continued lines, drops comments and blank lines; each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines = natural_lines(text).into_iter().zip(1_u32..);
    let mut found = Vec::new();
    while let Some((first, number)) = lines.next() {
        let mut piece = first.trim_start_matches(BLANK);
        let mut logical = String::new();
        loop {
            // Only while nothing was collected: a continuation that begins with `#` is no comment.
            if logical.is_empty() && piece.starts_with(['#', '!']) {
                break;
            }
            let Some(continued) = piece.strip_suffix('\\').filter(|_| backslashes_at_end(piece) % 2 == 1) else {
                logical.push_str(piece);
                break;
            };
            logical.push_str(continued);
            let Some((next, _)) = lines.next() else { break };
            piece = next.trim_start_matches(BLANK);
        }
        if !logical.is_empty() {
            found.push((number, logical));
        }
    }
    found
}

fn natural_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once(['\n', '\r']) {
        let ended_by_return = rest.get(line.len()..).is_some_and(|end| end.starts_with('\r'));
        rest = if ended_by_return { after.strip_prefix('\n').unwrap_or(after) } else { after };
        lines.push(line);
    }
    lines.push(rest);
    lines
}

fn backslashes_at_end(text: &str) -> usize {
    text.chars().rev().take_while(|&character| character == '\\').count()
}

fn entry(line: u32, logical: &str) -> Result<Entry, Flaw> {
    let (raw_key, raw_value) = split(logical);
    let (kept, trimmed) = trim_end(raw_value);
    let (key, in_key) = unescape(raw_key)?;
    let (value, in_value) = unescape(kept)?;
    Ok(Entry { key, value, line, trimmed, needless_escape: in_key.or(in_value) })
}

/// The key ends at the first `=`, `:` or blank that is not escaped; one `=` or `:` and blanks around it are left out.
fn split(logical: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = logical
        .char_indices()
        .find(|&(_, character)| {
            let ends = !escaped && (matches!(character, '=' | ':') || BLANK.contains(&character));
            escaped = character == '\\' && !escaped;
            ends
        })
        .map_or(logical.len(), |(at, _)| at);
    let (key, rest) = logical.split_at(end);
    let rest = rest.trim_start_matches(BLANK);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(BLANK))
}

fn trim_end(raw: &str) -> (&str, bool) {
    let trimmed = raw.trim_end();
    let escaped = backslashes_at_end(trimmed) % 2 == 1;
    let one_more = raw.get(trimmed.len()..).and_then(|tail| tail.chars().next()).map_or(0, char::len_utf8);
    let end = trimmed.len() + if escaped { one_more } else { 0 };
    (raw.get(..end).unwrap_or(raw), end < raw.len())
}

fn unescape(raw: &str) -> Result<(String, Option<char>), Flaw> {
    let mut text = String::with_capacity(raw.len());
    let mut needless = None;
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('f') => text.push('\u{c}'),
            Some('u') => text.push(unicode(&mut characters)?),
            Some(other) => {
                if other.is_alphanumeric() {
                    needless = needless.or(Some(other));
                }
                text.push(other);
            }
            None => {}
        }
    }
    Ok((text, needless))
}

/// What follows `\u`; a character outside the first plane is written as two escapes.
fn unicode(characters: &mut std::str::Chars<'_>) -> Result<char, Flaw> {
    let first = unit(characters)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Ok(character);
    }
    if characters.next() != Some('\\') || characters.next() != Some('u') {
        return Err(Flaw::HalfACharacter);
    }
    let second = unit(characters)?;
    match char::decode_utf16([first, second]).next() {
        Some(Ok(character)) => Ok(character),
        _ => Err(Flaw::HalfACharacter),
    }
}

fn unit(characters: &mut std::str::Chars<'_>) -> Result<u16, Flaw> {
    let digits: String = characters.by_ref().take(4).collect();
    if digits.len() != 4 || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Flaw::UnicodeEscape);
    }
    u16::from_str_radix(&digits, 16).map_err(|_| Flaw::UnicodeEscape)
}

#[cfg(test)]
mod tests;
