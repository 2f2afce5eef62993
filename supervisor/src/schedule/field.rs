//! The six fields of an expression, read as Spring reads them and written out plainly, so that nothing is left to the
//! dialect of the crate that searches.

use std::fmt;

/// One of the six fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0–59
    Second,
    /// 0–59
    Minute,
    /// 0–23
    Hour,
    /// 1–31, `L`, `L-3`, `LW`, `15W`, `?`
    DayOfMonth,
    /// 1–12, `JAN`–`DEC`
    Month,
    /// 0–7 (0 and 7 are Sunday), `MON`–`SUN`, `5L`, `MON#2`, `?`
    DayOfWeek,
}

/// A set of small numbers, one bit each.
pub(super) type Bits = u64;

/// A day of the month that is not simply a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpecialDay {
    /// `L`
    Last,
    /// `L-3`: so many days before the last.
    BeforeLast(i8),
    /// `LW`: the last Monday to Friday.
    LastWeekday,
    /// `15W`: the Monday to Friday nearest to it, within the month.
    NearestWeekday(u32),
}

const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

impl Field {
    const fn least(self) -> u32 {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::DayOfWeek => 0,
            Self::DayOfMonth | Self::Month => 1,
        }
    }

    const fn most(self) -> u32 {
        match self {
            Self::Second | Self::Minute => 59,
            Self::Hour => 23,
            Self::DayOfMonth => 31,
            Self::Month => 12,
            Self::DayOfWeek => 7,
        }
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::DayOfWeek => &WEEKDAYS,
            Self::Month => &MONTHS,
            Self::Second | Self::Minute | Self::Hour | Self::DayOfMonth => &[],
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "a number from 0 to 59, a range like 0-29, a step like 0/15 or *",
            Self::Hour => "a number from 0 to 23, a range like 8-15, a step like 0/2 or *",
            Self::DayOfMonth => "a number from 1 to 31, L, L-3, LW, 15W, ? or *",
            Self::Month => "a number from 1 to 12, a name like JAN, or *",
            Self::DayOfWeek => "a number from 0 to 7 (0 and 7 are Sunday), a name like MON, 5L, MON#2, ? or *",
        }
    }

    /// Every number of the field.
    pub(super) fn full(self) -> Bits {
        // Sunday has two numbers; 0 stands for both.
        let most = if self == Self::DayOfWeek { 6 } else { self.most() };
        bits(self.least(), most, 1)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

/// A field without anything special: seconds, minutes, hours, months.
pub(super) fn numbers(field: Field, text: &str) -> Result<Bits, String> {
    let mut set = 0;
    for item in text.split(',') {
        set |= numbers_of_item(field, item)?;
    }
    Ok(set)
}

/// Days of the month: numbers, and special days.
pub(super) fn days(text: &str) -> Result<(Bits, Vec<SpecialDay>), String> {
    if text == "?" {
        return Ok((Field::DayOfMonth.full(), Vec::new()));
    }
    let (mut set, mut special) = (0, Vec::new());
    for item in text.split(',') {
        let upper = item.to_ascii_uppercase();
        if upper.contains(['L', 'W']) {
            special.push(special_day(item, &upper)?);
        } else {
            set |= numbers_of_item(Field::DayOfMonth, item)?;
        }
    }
    Ok((set, special))
}

/// Days of the week as plain text: `*`, or a list of `1`, `1#2`, `1L` with 0 for Sunday.
pub(super) fn weekdays(text: &str) -> Result<String, String> {
    if text == "?" {
        return Ok("*".into());
    }
    let (mut set, mut special) = (0, Vec::new());
    for item in text.split(',') {
        let upper = item.to_ascii_uppercase();
        if let Some((day, nth)) = upper.split_once('#') {
            let day = number(Field::DayOfWeek, day)? % 7;
            if !matches!(nth, "1" | "2" | "3" | "4" | "5") {
                return Err(format!("{item}: after # must come a number from 1 to 5, as in MON#2"));
            }
            special.push(format!("{day}#{nth}"));
        } else if let Some(day) = upper.strip_suffix('L') {
            if day.is_empty() {
                return Err(format!("{item}: before L must come a day, as in FRIL for the last Friday of the month"));
            }
            special.push(format!("{}L", number(Field::DayOfWeek, day)? % 7));
        } else {
            set |= numbers_of_item(Field::DayOfWeek, item)?;
        }
    }
    // Both numbers of Sunday are one day.
    if set & bit(7) != 0 {
        set = (set & !bit(7)) | bit(0);
    }
    if special.is_empty() || set == Field::DayOfWeek.full() {
        return Ok(plain(Field::DayOfWeek, set));
    }
    if set != 0 {
        special.push(plain(Field::DayOfWeek, set));
    }
    Ok(special.join(","))
}

/// A set written out: `*` where it is everything, else a list.
pub(super) fn plain(field: Field, set: Bits) -> String {
    if set == field.full() {
        return "*".into();
    }
    let listed: Vec<String> =
        (field.least()..=field.most()).filter(|n| set & bit(*n) != 0).map(|n| n.to_string()).collect();
    listed.join(",")
}

fn special_day(item: &str, upper: &str) -> Result<SpecialDay, String> {
    if upper == "L" {
        return Ok(SpecialDay::Last);
    }
    if upper == "LW" {
        return Ok(SpecialDay::LastWeekday);
    }
    if let Some(before) = upper.strip_prefix("L-") {
        return match before.parse() {
            Ok(days @ 1..=30) => Ok(SpecialDay::BeforeLast(days)),
            _ => Err(format!("{item}: after L- must come a number of days from 1 to 30, as in L-3")),
        };
    }
    if let Some(day) = upper.strip_suffix('W') {
        return number(Field::DayOfMonth, day).map(SpecialDay::NearestWeekday);
    }
    Err(format!("{item} must be L, L-3, LW or 15W"))
}

/// One item of a list: `*`, `5`, `5-9`, each perhaps with `/step`.
fn numbers_of_item(field: Field, item: &str) -> Result<Bits, String> {
    let (range, step) = match item.split_once('/') {
        None => (item, None),
        Some((range, step)) => (range, Some(step)),
    };
    let (from, to) = if range == "*" {
        // Spring counts weekdays from Monday: */2 is Monday, Wednesday, Friday, Sunday.
        (if field == Field::DayOfWeek { 1 } else { field.least() }, field.most())
    } else if let Some((from, to)) = range.split_once('-') {
        range_of(field, item, from, to)?
    } else {
        let from = number(field, range)?;
        // 5/10 is from 5 to the end; a 5 without a step is only 5.
        (from, if step.is_some() { field.most() } else { from })
    };
    let step = match step.map(|text| (text, digits(text))) {
        None => 1,
        Some((_, Some(step @ 1..))) => step,
        Some((text, _)) => return Err(format!("{item}: the step {text:?} must be a number from 1")),
    };
    Ok(bits(from, to, step))
}

fn range_of(field: Field, item: &str, from: &str, to: &str) -> Result<(u32, u32), String> {
    let (mut first, last) = (number(field, from)?, number(field, to)?);
    if field == Field::DayOfWeek && first == 7 {
        first = 0;
    }
    if first <= last {
        return Ok((first, last));
    }
    let (bottom, top) = match field {
        Field::DayOfWeek if digits(from).is_none() => ("MON".to_owned(), "SUN".to_owned()),
        Field::DayOfWeek => ("1".into(), "7".into()),
        Field::Month if digits(from).is_none() => ("JAN".into(), "DEC".into()),
        Field::Second | Field::Minute | Field::Hour | Field::DayOfMonth | Field::Month => {
            (field.least().to_string(), field.most().to_string())
        }
    };
    Err(format!("{item} runs backwards; write {from}-{top},{bottom}-{to}"))
}

fn number(field: Field, text: &str) -> Result<u32, String> {
    let upper = text.to_ascii_uppercase();
    let named = (1..).zip(field.names()).find(|(_, name)| **name == upper).map(|(n, _)| n);
    match named.or_else(|| digits(text)) {
        Some(n) if n >= field.least() && n <= field.most() => Ok(n),
        Some(n) => Err(format!("{n} is not from {} to {}", field.least(), field.most())),
        None if text.is_empty() => Err(format!("something is missing; it must be {}", field.example())),
        None if text == "?" => {
            Err(format!("? must stand alone, and only in a day field; it must be {}", field.example()))
        }
        None => Err(format!("{text} must be {}", field.example())),
    }
}

/// A number of at most four digits and nothing else.
fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn bit(n: u32) -> Bits {
    1_u64.checked_shl(n).unwrap_or(0)
}

fn bits(from: u32, to: u32, step: u32) -> Bits {
    let (mut set, mut n) = (0, from);
    while n <= to {
        set |= bit(n);
        n = n.saturating_add(step);
    }
    set
}
