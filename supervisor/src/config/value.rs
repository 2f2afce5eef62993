//! A value as it was given, before anybody knows what it means, and the first steps to meaning.

use super::keys::Unit;
use super::problem::{Place, Wrong, quoted, wrong};
use super::units;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was given for a setting.
#[derive(Clone, Debug)]
pub(super) enum Value {
    One(Scalar),
    Many(Vec<Scalar>, Place),
    Tables(Vec<Table>, Place),
}

/// What one `[[section]]` gives.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) values: BTreeMap<&'static str, Value>,
    pub(super) place: Place,
    /// A value in it made no sense, which is told; the rest would only seem to lack it.
    pub(super) is_broken: bool,
}

impl Value {
    pub(super) fn place(&self) -> &Place {
        match self {
            Self::One(scalar) => &scalar.place,
            Self::Many(_, place) | Self::Tables(_, place) => place,
        }
    }
}

/// A single value.
#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) place: Place,
    /// The setting as it is written there.
    pub(super) name: String,
}

// Without the text: it may be a password.
impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.name, self.place)
    }
}

/// What kind of value the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// From a place where all is text.
    Loose,
    Text,
    Integer,
    Float,
    Boolean,
    Moment,
}

impl Scalar {
    /// Text, not empty.
    pub(super) fn text(&self) -> Result<&str, Wrong> {
        if !matches!(self.kind, Kind::Loose | Kind::Text) {
            let right = format!("text in quotation marks: \"{}\"", self.text);
            return Err(wrong(format!("{} is not text", quoted(&self.text)), right));
        }
        let text = self.text.trim();
        if text.is_empty() {
            return Err(wrong("it is empty", "a value, or leave it out"));
        }
        Ok(text)
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, least: u64, most: u64) -> Result<u64, Wrong> {
        let right = format!("a whole number from {least} to {most}");
        if self.kind == Kind::Text {
            let right = format!("{right}, without quotation marks");
            return Err(wrong(format!("{} is text", quoted(&self.text)), right));
        }
        let number = self.text.trim().replace('_', "").parse().ok();
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| wrong(format!("{} is no number that fits here", quoted(&self.text)), right))
    }

    /// True or false; where all is text, with Spring's other words for it.
    pub(super) fn boolean(&self) -> Result<bool, Wrong> {
        let text = self.text.trim().to_ascii_lowercase();
        match (self.kind, text.as_str()) {
            (Kind::Boolean, "true") | (Kind::Loose, "true" | "yes" | "on" | "1") => Ok(true),
            (Kind::Boolean, "false") | (Kind::Loose, "false" | "no" | "off" | "0") => Ok(false),
            (Kind::Text, "true" | "false") => {
                Err(wrong(format!("{} is text", quoted(&self.text)), format!("{text}, without quotation marks")))
            }
            _ => Err(wrong(format!("{} is neither true nor false", quoted(&self.text)), "true or false")),
        }
    }

    /// A duration within bounds.
    pub(super) fn duration(&self, least: Duration, most: Duration) -> Result<Duration, Wrong> {
        let duration = match (self.unit, self.kind) {
            (Unit::Milliseconds, _) => Duration::from_millis(self.counted(most_milliseconds(most), "milliseconds")?),
            (Unit::Hours, _) => Duration::from_hours(self.counted(most.as_secs() / 3600, "hours")?),
            (Unit::AsWritten, Kind::Integer | Kind::Float) => {
                let right =
                    format!("a number and a unit in quotation marks, like \"{}s\" or \"{}m\"", self.text, self.text);
                return Err(wrong(format!("{} has no unit", quoted(&self.text)), right));
            }
            (Unit::AsWritten, Kind::Loose | Kind::Text | Kind::Boolean | Kind::Moment) => {
                units::duration(self.text()?)?
            }
        };
        within(duration, least, most, |duration| units::show_duration(*duration))
    }

    fn counted(&self, most: u64, what: &str) -> Result<u64, Wrong> {
        self.number(0, most).map_err(|wrong| Wrong { right: format!("{} of {what}", wrong.right), ..wrong })
    }

    /// A size within bounds.
    pub(super) fn size(&self, least: u64, most: u64) -> Result<u64, Wrong> {
        if matches!(self.kind, Kind::Integer | Kind::Float) {
            let right =
                format!("a number and a unit in quotation marks, like \"{}KiB\" or \"{}MiB\"", self.text, self.text);
            return Err(wrong(format!("{} has no unit", quoted(&self.text)), right));
        }
        within(units::size(self.text()?)?, least, most, |bytes| units::show_size(*bytes))
    }

    /// One of several words, each with its meaning.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Result<T, Wrong> {
        let words = || choices.iter().map(|(word, _)| *word);
        let all = words().map(|word| format!("\"{word}\"")).collect::<Vec<_>>();
        let text = self.text().map_err(|mut wrong| {
            wrong.right = one_of(&all);
            wrong
        })?;
        let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let right = match super::nearest::nearest(text, words()) {
                Some(near) => format!("perhaps \"{near}\"; {}", one_of(&all)),
                None => one_of(&all),
            };
            wrong(format!("{} is not known", quoted(text)), right)
        })
    }
}

/// The word of a meaning.
pub(super) fn word_of<T: PartialEq>(choices: &[(&'static str, T)], meaning: &T) -> String {
    choices.iter().find(|(_, each)| each == meaning).map_or("", |(word, _)| word).to_owned()
}

fn one_of(all: &[String]) -> String {
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => all.join(""),
    }
}

fn most_milliseconds(most: Duration) -> u64 {
    u64::try_from(most.as_millis()).unwrap_or(u64::MAX)
}

fn within<T: PartialOrd + Copy>(value: T, least: T, most: T, show: impl Fn(&T) -> String) -> Result<T, Wrong> {
    let right = || format!("from {} to {}", show(&least), show(&most));
    if value < least {
        return Err(wrong(format!("{} is too little", show(&value)), right()));
    }
    if value > most {
        return Err(wrong(format!("{} is too much", show(&value)), right()));
    }
    Ok(value)
}
