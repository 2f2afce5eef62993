//! A cron expression in Spring's dialect: read once, checked once, then asked for civil times.

use croner::parser::{CronParser, Seconds, Year};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, date};
use std::fmt;

use super::field::{self, Field, SpecialDay};

/// Longer texts are not read.
const LONGEST: usize = 256;
/// The calendar repeats after so many months: what has not fired by then never does.
const MONTHS_OF_THE_CALENDAR: u32 = 400 * 12;

/// A cron expression in Spring's dialect: six fields, names, `?`, `L`, `W`, `#`, `@daily`; 0 and 7 are Sunday, 1 is
/// Monday; day of month and day of week must both fit. `-` is Spring's word for "disabled": it never fires.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    /// None: disabled.
    firing: Option<Firing>,
}

/// When it fires, in civil time. Whoever has a zone decides what that means on the nights when the clock is set.
#[derive(Clone, Debug)]
pub(super) struct Firing {
    /// It fires when one of them does.
    either: Vec<DayRule>,
    every_second: bool,
    /// It names no hours, so it goes on through a night that has an hour more or less.
    pub(super) every_hour: bool,
}

#[derive(Clone, Debug)]
struct DayRule {
    pattern: croner::Cron,
    /// Only on the day that lies so many days before the last of its month.
    before_last: Option<i8>,
}

/// Why a text is not a cron expression, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// As `crontab` writes them.
    #[error("read cron expression {text:?}: it has five fields and must have six, seconds first: {corrected:?}")]
    FiveFields {
        /// What was written.
        text: String,
        /// What was meant.
        corrected: String,
    },
    /// As Quartz writes them.
    #[error("read cron expression {text:?}: it has seven fields and must have six, without the year: {corrected:?}")]
    SevenFields {
        /// What was written.
        text: String,
        /// What comes nearest.
        corrected: String,
    },
    /// Some other number of fields.
    #[error(
        "read cron expression {text:?}: it has {found} fields and must have six: \
         second minute hour day-of-month month day-of-week, as in \"0 30 5,19,21 * * MON-FRI\""
    )]
    FieldCount {
        /// What was written.
        text: String,
        /// How many.
        found: usize,
    },
    /// One field makes no sense.
    #[error("read cron expression {text:?}: {field}: {reason}")]
    Field {
        /// What was written.
        text: String,
        /// Which.
        field: Field,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// `@something` that is not known.
    #[error(
        "read cron expression {text:?}: it must be one of \
         @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly"
    )]
    Nickname {
        /// What was written.
        text: String,
    },
    /// Quotation marks are part of the value in a properties file.
    #[error("read cron expression {text:?}: it must stand without quotation marks")]
    Quoted {
        /// What was written.
        text: String,
    },
    /// Each field is right by itself, but there is no such day.
    #[error("read cron expression {text:?}: it never fires: no such day ever comes; to switch it off, write -")]
    Never {
        /// What was written.
        text: String,
    },
}

impl CronError {
    /// The expression that was probably meant, where it can be told.
    pub fn corrected(&self) -> Option<&str> {
        match self {
            Self::FiveFields { corrected, .. } | Self::SevenFields { corrected, .. } => Some(corrected),
            Self::FieldCount { .. }
            | Self::Field { .. }
            | Self::Nickname { .. }
            | Self::Quoted { .. }
            | Self::Never { .. } => None,
        }
    }
}

impl Cron {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let shown = || text.chars().take(LONGEST).collect::<String>();
        if text == "-" {
            return Ok(Self { text: text.into(), firing: None });
        }
        if text.starts_with(['"', '\'']) {
            return Err(CronError::Quoted { text: shown() });
        }
        let written_out = if text.starts_with('@') {
            nickname(text).ok_or_else(|| CronError::Nickname { text: shown() })?
        } else {
            text
        };
        let fields: Vec<&str> = written_out.split_whitespace().collect();
        let &[second, minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(wrong_count(shown(), &fields));
        };
        let firing = Firing::read(&shown(), [second, minute, hour, day, month, weekday])?;
        if firing.at_or_after(date(2000, 1, 1).at(0, 0, 0, 0)).is_none() {
            return Err(CronError::Never { text: shown() });
        }
        Ok(Self { text: text.into(), firing: Some(firing) })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is `-`, which never fires.
    pub fn is_disabled(&self) -> bool {
        self.firing.is_none()
    }

    /// Whether it fires in each second of the minutes that it names, which is hardly ever meant.
    pub fn every_second(&self) -> bool {
        self.firing.as_ref().is_some_and(|firing| firing.every_second)
    }

    /// The same expression firing once a minute: what was probably meant by one that fires each second.
    pub fn once_a_minute(&self) -> Option<String> {
        let (first, rest) = self.text.split_once(char::is_whitespace)?;
        (self.every_second() && !first.is_empty()).then(|| format!("0 {}", rest.trim_start()))
    }

    pub(super) fn firing(&self) -> Option<&Firing> {
        self.firing.as_ref()
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

fn nickname(text: &str) -> Option<&'static str> {
    Some(match text.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 0 1 1 *",
        "@monthly" => "0 0 0 1 * *",
        "@weekly" => "0 0 0 * * 0",
        "@daily" | "@midnight" => "0 0 0 * * *",
        "@hourly" => "0 0 * * * *",
        _ => return None,
    })
}

fn wrong_count(text: String, fields: &[&str]) -> CronError {
    match *fields {
        [_, _, _, _, _] => CronError::FiveFields { corrected: six_of_five(&fields.join(" ")), text },
        [ref six @ .., _] if six.len() == 6 => CronError::SevenFields { corrected: six.join(" "), text },
        _ => CronError::FieldCount { text, found: fields.len() },
    }
}

/// The seconds are missing, as in a crontab; or, where that would make no sense, the weekday at the end is.
fn six_of_five(five: &str) -> String {
    let [first, last] = [format!("0 {five}"), format!("{five} *")];
    if Cron::parse(&first).is_err() && Cron::parse(&last).is_ok() { last } else { first }
}

impl Firing {
    fn read(text: &str, fields: [&str; 6]) -> Result<Self, CronError> {
        let wrong = |field: Field, reason: String| CronError::Field { text: text.to_owned(), field, reason };
        let [second, minute, hour, day, month, weekday] = fields;
        if text.len() >= LONGEST {
            return Err(wrong(Field::Second, format!("the whole must be shorter than {LONGEST} letters")));
        }
        let numbers = |field, text| field::numbers(field, text).map_err(|reason| wrong(field, reason));
        let seconds = numbers(Field::Second, second)?;
        let minutes = numbers(Field::Minute, minute)?;
        let hours = numbers(Field::Hour, hour)?;
        let (days, special) = field::days(day).map_err(|reason| wrong(Field::DayOfMonth, reason))?;
        let months = numbers(Field::Month, month)?;
        let weekdays = field::weekdays(weekday).map_err(|reason| wrong(Field::DayOfWeek, reason))?;

        let rule = |day: &str, before_last| {
            let plain = format!(
                "{} {} {} {day} {} {weekdays}",
                field::plain(Field::Second, seconds),
                field::plain(Field::Minute, minutes),
                field::plain(Field::Hour, hours),
                field::plain(Field::Month, months),
            );
            let pattern = parser().parse(&plain).map_err(|error| wrong(Field::DayOfMonth, error.to_string()))?;
            Ok(DayRule { pattern, before_last })
        };
        let mut either = Vec::new();
        if days != 0 {
            either.push(rule(&field::plain(Field::DayOfMonth, days), None)?);
        }
        for special in special {
            either.push(match special {
                SpecialDay::Last => rule("L", None)?,
                SpecialDay::LastWeekday => rule("LW", None)?,
                SpecialDay::NearestWeekday(day) => rule(&format!("{day}W"), None)?,
                SpecialDay::BeforeLast(days) => rule("*", Some(days))?,
            });
        }
        Ok(Self { either, every_second: seconds == Field::Second.full(), every_hour: hours == Field::Hour.full() })
    }

    /// The first civil second, from this one on, at which it fires.
    pub(super) fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        self.either.iter().filter_map(|rule| rule.at_or_after(from)).min()
    }

    /// The last civil second, up to this one, at which it fires.
    pub(super) fn at_or_before(&self, until: DateTime) -> Option<DateTime> {
        self.either.iter().filter_map(|rule| rule.at_or_before(until)).max()
    }
}

/// Six fields, both days must fit, and `0/15` counts: Spring's dialect.
fn parser() -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .dom_and_dow(true)
        .sloppy_ranges(true)
        .build()
}

impl DayRule {
    fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        let mut from = from;
        for _ in 0..MONTHS_OF_THE_CALENDAR {
            let found = self.pattern.find_next_occurrence(&from, true).ok()?;
            let Some(wanted) = self.wanted_day(found.date()) else { return Some(found) };
            if wanted == found.date() {
                return Some(found);
            }
            // On to the wanted day, or where it has passed (or the month is too short) to the next month.
            let day = if wanted > found.date() { wanted } else { found.date().last_of_month().tomorrow().ok()? };
            from = day.at(0, 0, 0, 0);
        }
        None
    }

    fn at_or_before(&self, until: DateTime) -> Option<DateTime> {
        let mut until = until;
        for _ in 0..MONTHS_OF_THE_CALENDAR {
            let found = self.pattern.find_previous_occurrence(&until, true).ok()?;
            let Some(wanted) = self.wanted_day(found.date()) else { return Some(found) };
            if wanted == found.date() {
                return Some(found);
            }
            let first = found.date().first_of_month();
            let day = if wanted < found.date() && wanted >= first { wanted } else { first.yesterday().ok()? };
            until = day.at(23, 59, 59, 0);
        }
        None
    }

    /// The only day of this month that counts; none: each day that the pattern finds. In a month that is too short it
    /// lies in the month before, where it is no match.
    fn wanted_day(&self, found: Date) -> Option<Date> {
        let before = self.before_last?;
        found.last_of_month().checked_sub(before.days()).ok()
    }
}
