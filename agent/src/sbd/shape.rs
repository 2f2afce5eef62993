//! Brings JSON that a client wrote into the form that its type has, as Jackson reads it: unknown members and nulls go, scalars
//! given as texts become what they should be, defaults come in, members stand in the order of the type.

use super::rules::{Constraint, Violation};
use crate::domain::{Participant, Written};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a value may be.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    /// Of at least and at most so many letters.
    Sized(u32, u32),
    /// The number of a person. It is never repeated to anybody.
    Person,
    Whole,
    Flag,
    Day,
    Moment,
    OneOf(&'static [&'static str]),
    Any,
    /// With the name of its Java class.
    Object(&'static str, &'static [Member]),
    List(&'static Shape),
    Map(&'static Shape),
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) is_needed: bool,
    /// As JSON.
    pub(super) default: Option<&'static str>,
}

/// It has another shape. Says nothing of the value: it may be a person's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} must be {right}")]
pub struct Misshapen {
    path: String,
    right: String,
}

impl Shape {
    /// The Java class, which clients see in the codes of a broken rule.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Text | Self::Sized(..) | Self::Person => "java.lang.String",
            Self::Whole => "java.lang.Integer",
            Self::Flag => "java.lang.Boolean",
            Self::Day => "java.time.LocalDate",
            Self::Moment => "java.time.OffsetDateTime",
            Self::OneOf(_) => "java.lang.Enum",
            Self::Any => "java.lang.Object",
            Self::Object(class, _) => class,
            Self::List(_) => "java.util.List",
            Self::Map(_) => "java.util.Map",
        }
    }

    fn right(&self) -> String {
        match self {
            Self::Text | Self::Sized(..) | Self::Person => "a text".into(),
            Self::Whole => "a whole number".into(),
            Self::Flag => "true or false".into(),
            Self::Day => "a day such as 2030-01-31".into(),
            Self::Moment => "a date and time such as 2030-01-31T12:00:00+01:00".into(),
            Self::OneOf(names) => format!("one of {}", names.join(", ")),
            Self::Any => "JSON".into(),
            Self::Object(..) | Self::Map(_) => "an object".into(),
            Self::List(_) => "an array".into(),
        }
    }
}

/// The text in its shape, and the rules that it does not keep.
pub(super) fn shaped(text: &str, shape: &Shape, path: &str) -> Result<(String, Vec<Violation>), Misshapen> {
    let mut shaping = Shaping { out: String::with_capacity(text.len()), found: Vec::new() };
    shaping.value(text, shape, path)?;
    Ok((shaping.out, shaping.found))
}

struct Shaping {
    out: String,
    found: Vec<Violation>,
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

impl Shaping {
    fn value(&mut self, text: &str, shape: &Shape, path: &str) -> Result<(), Misshapen> {
        let wrong = || Misshapen { path: path.to_owned(), right: shape.right() };
        match shape {
            Shape::Object(_, members) => self.object(&parse(text).ok_or_else(wrong)?, members, path),
            Shape::Map(inner) => self.map(&parse(text).ok_or_else(wrong)?, inner, path),
            Shape::List(inner) => self.list(&parse::<Vec<&RawValue>>(text).ok_or_else(wrong)?, inner, path),
            Shape::Any => {
                self.out.push_str(text);
                Ok(())
            }
            Shape::Text
            | Shape::Sized(..)
            | Shape::Person
            | Shape::Whole
            | Shape::Flag
            | Shape::Day
            | Shape::Moment
            | Shape::OneOf(_) => {
                let given: Value = parse(text).ok_or_else(wrong)?;
                let value = scalar(&given, shape).ok_or_else(wrong)?;
                self.keeps(shape, &value, path);
                self.out.push_str(&value.to_string());
                Ok(())
            }
        }
    }

    fn keeps(&mut self, shape: &Shape, value: &Value, path: &str) {
        let text = value.as_str().unwrap_or_default();
        match shape {
            Shape::Sized(min, max) => {
                let length = u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
                if !(*min..=*max).contains(&length) {
                    let size = Constraint::Size { min: *min, max: Some(*max) };
                    self.broken(size, path, Some(value.clone()), shape.class());
                }
            }
            Shape::Person
                if !matches!(Participant::parse(text, "iso6523-actorid-upis"), Ok(Participant::Person(_))) =>
            {
                self.broken(Constraint::Person, path, None, shape.class());
            }
            Shape::Person
            | Shape::Text
            | Shape::Whole
            | Shape::Flag
            | Shape::Day
            | Shape::Moment
            | Shape::OneOf(_)
            | Shape::Any
            | Shape::Object(..)
            | Shape::List(_)
            | Shape::Map(_) => {}
        }
    }

    fn broken(&mut self, constraint: Constraint, path: &str, rejected: Option<Value>, class: &'static str) {
        self.found.push(Violation { constraint, path: path.to_owned(), rejected, class });
    }

    fn object(&mut self, given: &Members<'_>, members: &[Member], path: &str) -> Result<(), Misshapen> {
        self.out.push('{');
        let mut is_first = true;
        for member in members {
            let place = if path.is_empty() { member.name.to_owned() } else { format!("{path}.{}", member.name) };
            let text = given.get(member.name).map(|raw| raw.get()).filter(|text| !is_absent(text, &member.shape));
            let Some(text) = text.or(member.default) else {
                if member.is_needed {
                    self.broken(Constraint::NotNull, &place, None, member.shape.class());
                }
                continue;
            };
            self.name(member.name, &mut is_first);
            self.value(text, &member.shape, &place)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn map(&mut self, given: &Members<'_>, inner: &Shape, path: &str) -> Result<(), Misshapen> {
        self.out.push('{');
        let mut is_first = true;
        for (name, raw) in given.iter().filter(|(_, raw)| raw.get() != "null") {
            self.name(name, &mut is_first);
            self.value(raw.get(), inner, &format!("{path}[{name}]"))?;
        }
        self.out.push('}');
        Ok(())
    }

    fn list(&mut self, given: &[&RawValue], inner: &Shape, path: &str) -> Result<(), Misshapen> {
        self.out.push('[');
        for (index, raw) in given.iter().filter(|raw| raw.get() != "null").enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.value(raw.get(), inner, &format!("{path}[{index}]"))?;
        }
        self.out.push(']');
        Ok(())
    }

    fn name(&mut self, name: &str, is_first: &mut bool) {
        if !std::mem::take(is_first) {
            self.out.push(',');
        }
        self.out.push_str(&Value::from(name).to_string());
        self.out.push(':');
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// An empty text is no number and no flag, which Jackson takes for null.
fn is_absent(text: &str, shape: &Shape) -> bool {
    text == "null" || (text == "\"\"" && matches!(shape, Shape::Whole | Shape::Flag | Shape::Day | Shape::Moment))
}

fn scalar(given: &Value, shape: &Shape) -> Option<Value> {
    let text = match given {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Bool(flag) => Cow::Owned(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    match shape {
        Shape::Whole => text.trim().parse::<i32>().ok().map(Value::from),
        Shape::Flag => match text.trim() {
            "true" | "True" | "TRUE" | "1" => Some(true.into()),
            "false" | "False" | "FALSE" | "0" => Some(false.into()),
            _ => None,
        },
        Shape::Day => text.parse::<jiff::civil::Date>().is_ok().then(|| text.into()),
        Shape::Moment => Written::parse(&text).is_ok().then(|| text.into()),
        Shape::OneOf(names) => names.contains(&&*text).then(|| text.into()),
        Shape::Text
        | Shape::Sized(..)
        | Shape::Person
        | Shape::Any
        | Shape::Object(..)
        | Shape::List(_)
        | Shape::Map(_) => Some(text.into()),
    }
}

/// Control characters within texts, which some case systems write as they are, in the form that JSON has for them.
pub(super) fn without_control_characters(bytes: &[u8]) -> Cow<'_, [u8]> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if !bytes.iter().any(u8::is_ascii_control) {
        return Cow::Borrowed(bytes);
    }
    let mut clean = Vec::with_capacity(bytes.len() + 64);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in bytes {
        if is_text && *byte < 0x20 {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            clean.extend_from_slice(b"\\u00");
            clean.extend_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
            is_escaped = false;
            continue;
        }
        if *byte == b'"' && !is_escaped {
            is_text = !is_text;
        }
        is_escaped = is_text && *byte == b'\\' && !is_escaped;
        clean.push(*byte);
    }
    Cow::Owned(clean)
}
