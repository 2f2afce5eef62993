//! `kosmos.toml`: from text to values that know their lines. Unknown names are errors here, with the nearest known one.

use super::keys::{KEYS, Key, Shape, Unit, in_words, key, sections};
use super::nearest::nearest;
use super::problem::{Place, Problem, quoted, wrong};
use super::value::{Kind, Scalar, Table, Value};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// The file inside the program: comments, and the defaults behind `#`.
pub(super) const EMBEDDED: &str = include_str!("../../../config/kosmos.toml");

/// What a document gives.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) values: Vec<(&'static Key, Value)>,
    pub(super) problems: Vec<Problem>,
}

/// The defaults: the embedded file with the `#` taken from each line `#name = …`.
pub(super) fn defaults() -> Document {
    let mut document = read(&uncommented(EMBEDDED), Path::new("config/kosmos.toml"));
    for (_, value) in &mut document.values {
        match value {
            Value::One(scalar) => scalar.place = Place::Default,
            Value::Tables(_, place) => *place = Place::Default,
            Value::Many(all, place) => {
                *place = Place::Default;
                for scalar in all {
                    scalar.place = Place::Default;
                }
            }
        }
    }
    document
}

fn uncommented(text: &str) -> String {
    let is_default = |rest: &str| rest.starts_with(|first: char| first.is_ascii_lowercase()) && rest.contains(" = ");
    let lines = text.lines().map(|line| line.strip_prefix('#').filter(|rest| is_default(rest)).unwrap_or(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Reads a document; all that is wrong is told at once.
pub(super) fn read(text: &str, path: &Path) -> Document {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading { text, path, document: Document::default() };
    if !errors.is_empty() {
        // What is left of a file that cannot be parsed means little, and more errors would hide the true one.
        let mut last = None;
        for error in errors {
            let line = error.span().map(|span| line_of(text, span.start));
            // The parser may stumble several times over one slip.
            if last.replace(line) == Some(line) {
                continue;
            }
            let place = Place::File { path: path.to_owned(), line };
            let said = error.message().replace('\n', ", ");
            reading.document.problems.push(wrong(format!("it is not TOML: {said}"), hint(text, line)).at(place, ""));
        }
        return reading.document;
    }
    for (name, value) in table.get_ref() {
        reading.top(name, value);
    }
    reading.document
}

/// What would be right on a line that is not TOML; the common slips have a better answer than the grammar.
fn hint(text: &str, line: Option<u32>) -> String {
    let at = line.and_then(|line| usize::try_from(line).ok()).and_then(|line| text.lines().nth(line.saturating_sub(1)));
    let line = at.unwrap_or_default();
    if line.contains('"') && line.contains('\\') {
        "a path with backslashes in single quotes, like 'C:\\kosmos\\key.asc'".into()
    } else if line.trim_start().starts_with("kosmos.") || line.trim_start().starts_with("spring.") {
        "keys of properties files belong in kosmos-local.properties".into()
    } else if let Some((name, value)) = line.split_once('=').filter(|(_, value)| !value.contains(['"', '\'', '['])) {
        let name = name.trim();
        format!("{name} = \"{}\"", if may_be_shown(name) { value.trim() } else { "…" })
    } else {
        "name = \"text\", name = 5, name = true or name = [\"a\", \"b\"], under a [section]".into()
    }
}

/// Whether a value is harmless: that of a setting that we know and that is no secret. In a file that cannot be parsed
/// nobody knows the section.
fn may_be_shown(name: &str) -> bool {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().trim().to_owned();
    let mut all = KEYS.iter().filter(|key| last(key.name) == last(name)).peekable();
    all.peek().is_some() && all.all(|key| !key.is_secret)
}

fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.bytes().take(offset).filter(|&byte| byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

struct Reading<'a> {
    text: &'a str,
    path: &'a Path,
    document: Document,
}

impl Reading<'_> {
    fn place(&self, offset: usize) -> Place {
        Place::File { path: self.path.to_owned(), line: Some(line_of(self.text, offset)) }
    }

    fn top(&mut self, name: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) {
        let section: &str = name.get_ref();
        match value.get_ref() {
            DeValue::Table(table) if sections().contains(&section) => {
                for (inner, value) in table {
                    self.named(&format!("{section}.{}", inner.get_ref()), inner.span().start, value);
                }
            }
            DeValue::Table(_) if key(section).is_none() => self.unknown_section(section, name.span().start),
            DeValue::Table(_)
            | DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => self.named(section, name.span().start, value),
        }
    }

    fn named(&mut self, name: &str, offset: usize, value: &Spanned<DeValue<'_>>) {
        let Some(key) = key(name) else { return self.unknown(name, offset) };
        match self.value(key, value) {
            Ok(value) => self.document.values.push((key, value)),
            Err(problem) => self.document.problems.push(problem),
        }
    }

    fn value(&mut self, key: &Key, given: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
        let place = self.place(given.span().start);
        match (key.shape, given.get_ref()) {
            (Shape::Tables(keys), DeValue::Array(all)) => {
                let all = all.iter().map(|one| self.table(key, keys, one)).collect::<Result<_, _>>()?;
                Ok(Value::Tables(all, place))
            }
            (Shape::Tables(_), _) => {
                let right = format!("a section of its own, [[{}]]", key.name);
                Err(wrong("it is no list of sections", right).at(place, key.name))
            }
            (Shape::One, DeValue::Array(_)) => Err(wrong("it is a list", "one value, without [ ]").at(place, key.name)),
            (Shape::Many | Shape::ManyByComma, DeValue::Array(all)) => {
                let all = all.iter().map(|one| self.scalar(key, one)).collect::<Result<_, _>>()?;
                Ok(Value::Many(all, place))
            }
            (Shape::One, _) => Ok(Value::One(self.scalar(key, given)?)),
            (Shape::Many | Shape::ManyByComma, _) => Ok(Value::Many(vec![self.scalar(key, given)?], place)),
        }
    }

    fn scalar(&self, key: &Key, given: &Spanned<DeValue<'_>>) -> Result<Scalar, Problem> {
        let place = self.place(given.span().start);
        let (text, kind) = match given.get_ref() {
            DeValue::String(text) => (text.to_string(), Kind::Text),
            DeValue::Integer(number) => match i128::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => (number.to_string(), Kind::Integer),
                Err(_) => (number.as_str().to_owned(), Kind::Integer),
            },
            DeValue::Float(number) => (number.as_str().to_owned(), Kind::Float),
            DeValue::Boolean(truth) => (truth.to_string(), Kind::Boolean),
            DeValue::Datetime(moment) => (moment.to_string(), Kind::Moment),
            DeValue::Array(_) => return Err(wrong("it is a list in a list", "a list of values").at(place, key.name)),
            DeValue::Table(_) => return Err(wrong("it is a table", "a value").at(place, key.name)),
        };
        Ok(Scalar { text, kind, unit: Unit::AsWritten, place, name: key.name.to_owned() })
    }

    /// One of several sections of the same name. What is wrong in it is told, and the rest of it is read.
    fn table(&mut self, outer: &Key, keys: &'static [Key], given: &Spanned<DeValue<'_>>) -> Result<Table, Problem> {
        let place = self.place(given.span().start);
        let DeValue::Table(table) = given.get_ref() else {
            let right = format!("a section of its own, [[{}]]", outer.name);
            return Err(wrong("it is no section", right).at(place, outer.name));
        };
        let (mut values, mut is_broken) = (BTreeMap::new(), false);
        for (inner, value) in table {
            let name = format!("{}.{}", outer.name, inner.get_ref());
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let place = self.place(inner.span().start);
                self.document.problems.push(wrong("it is not known", instead_of(&name, outer, keys)).at(place, name));
                continue;
            };
            match self.value(key, value) {
                Ok(value) => drop(values.insert(key.name, value)),
                Err(problem) => {
                    self.document.problems.push(problem);
                    is_broken = true;
                }
            }
        }
        Ok(Table { values, place, is_broken })
    }

    fn unknown_section(&mut self, section: &str, offset: usize) {
        let all: Vec<_> = sections().iter().map(|section| format!("[{section}]")).collect();
        let right = match nearest(section, sections()) {
            Some(near) => format!("perhaps [{near}]"),
            None if section == "kosmos" => "the sections stand by themselves: [schedule], not [kosmos.schedule]".into(),
            None => format!("one of {}", all.join(", ")),
        };
        let place = self.place(offset);
        self.document.problems.push(wrong(format!("{} is no section", quoted(section)), right).at(place, section));
    }

    fn unknown(&mut self, name: &str, offset: usize) {
        let place = self.place(offset);
        self.document.problems.push(wrong("it is not known", instead(name)).at(place, name));
    }
}

/// What somebody who wrote this name in a `[[section]]` may have meant.
fn instead_of(name: &str, outer: &Key, keys: &[Key]) -> String {
    let own: Vec<&str> = keys.iter().filter_map(|key| key.name.rsplit('.').next()).collect();
    match nearest(name.rsplit('.').next().unwrap_or(name), own.iter().copied()) {
        Some(near) => format!("perhaps `{near}` in [[{}]]", outer.name),
        None => format!("one of {}", own.join(", ")),
    }
}

/// What people may call a setting that has another name here, most of them from KOSMOS.
const OTHER_NAMES: [(&str, &str); 7] = [
    ("earlybird", "release.channel"),
    ("autorefresh", "schedule.look"),
    ("shutdownretries", "child.stop_grace"),
    ("shutdownpollintervalinms", "child.stop_grace"),
    ("cron", "schedule.window"),
    ("fingerprint", "release.fingerprints"),
    ("password_path", "mail.password_file"),
];

/// What somebody who wrote this name may have meant.
fn instead(name: &str) -> String {
    let (section, last) = name.split_once('.').unwrap_or(("", name));
    let here = |key: &&Key| key.name.split_once('.').map_or("", |(section, _)| section) == section;
    let last_of = |key: &Key| key.name.rsplit('.').next().unwrap_or(key.name).to_owned();
    let own: Vec<String> = KEYS.iter().filter(here).map(last_of).collect();
    let meant = OTHER_NAMES.iter().find(|(other, _)| nearest(last, [*other]).is_some());
    if let Some((_, name)) = meant {
        return format!("perhaps {}", in_words(name));
    }
    if let Some(near) = nearest(last, own.iter().map(String::as_str)) {
        let full = if section.is_empty() { near.to_owned() } else { format!("{section}.{near}") };
        return format!("perhaps {}", in_words(&full));
    }
    let elsewhere = KEYS.iter().find(|key| nearest(last, [last_of(key).as_str()]).is_some());
    let spring =
        |key: &&Key| key.properties.iter().any(|(property, _)| nearest(last, property.rsplit('.').next()).is_some());
    if let Some(key) = elsewhere.or_else(|| KEYS.iter().find(spring)) {
        return format!("perhaps {}", in_words(key.name));
    }
    format!("one of {}", own.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_names_each_setting_once_as_default_or_as_example() {
        let mut section = String::new();
        let mut named = Vec::new();
        for line in EMBEDDED.lines() {
            if let Some(name) = line.strip_prefix('[').or_else(|| line.strip_prefix("# [[")) {
                section = format!("{}.", name.trim_end_matches(']'));
            } else if let Some((name, _)) = line.trim_start_matches(['#', ' ']).split_once(" = ")
                && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
            {
                named.push(format!("{section}{name}"));
            }
        }
        let is_named = |key: &&Key| !matches!(key.shape, Shape::Tables(_));
        let all = KEYS.iter().chain(crate::config::keys::WEBHOOK).filter(is_named);
        let mut expected: Vec<_> = all.map(|key| key.name.to_owned()).collect();
        named.sort();
        expected.sort();
        assert_eq!(named, expected);
    }

    #[test]
    fn the_embedded_file_sets_nothing_when_it_is_copied_as_it_is() {
        let document = read(EMBEDDED, Path::new("kosmos.toml"));
        assert!(document.values.is_empty() && document.problems.is_empty(), "{document:?}");
    }

    #[test]
    fn the_examples_of_the_embedded_file_are_toml_too() {
        let text: String = EMBEDDED
            .lines()
            .map(|line| match line.strip_prefix("# ").or(line.strip_prefix('#')) {
                Some(rest) if rest.starts_with("[[") => rest,
                Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => rest,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let document = read(&text, Path::new("kosmos.toml"));
        assert_eq!(document.problems, []);
        assert_eq!(document.values.len(), KEYS.len());
    }
}
