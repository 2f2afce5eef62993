//! A date as somebody wrote it: it goes back to its writer with the writer's own offset.

use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// What the house lives by; a date without a zone is read so.
const OSLO: &str = "Europe/Oslo";

/// A text that is no date and time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a date and time such as 2030-01-31T12:00:00+01:00")]
pub struct NotADate(pub String);

/// A moment with the offset that it was written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(Zoned);

impl Written {
    /// Reads ISO 8601; without an offset it is the time in Oslo.
    ///
    /// # Errors
    /// It is no date and time.
    pub fn parse(text: &str) -> Result<Self, NotADate> {
        static PARSER: DateTimeParser = DateTimeParser::new();
        let wrong = || NotADate(text.to_owned());
        if let Ok(pieces) = PARSER.parse_pieces(text)
            && let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset())
        {
            let zoned = pieces.date().to_datetime(time).to_zoned(TimeZone::fixed(offset));
            return zoned.map(Self).map_err(|_| wrong());
        }
        let civil: DateTime = text.parse().map_err(|_| wrong())?;
        // A day alone is no moment.
        if !text.contains(['T', 't', ' ']) {
            return Err(wrong());
        }
        civil.to_zoned(oslo()).map(Self).map_err(|_| wrong())
    }

    /// This moment with the offset that Oslo has then.
    pub fn at(moment: Timestamp) -> Self {
        Self(moment.to_zoned(oslo()))
    }

    /// The moment.
    pub fn moment(&self) -> Timestamp {
        self.0.timestamp()
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let offset = self.0.offset();
        let civil = self.0.datetime();
        if offset.is_zero() {
            return write!(f, "{civil}Z");
        }
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        write!(f, "{civil}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// A moment as the answers show it: whole milliseconds, Oslo's offset.
pub fn in_oslo(moment: Timestamp) -> String {
    let whole = Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment);
    Written::at(whole).to_string()
}

/// When this day begins in Oslo.
pub fn day_begins(day: Date) -> Timestamp {
    // A day at the ends of time has no moment there.
    let end = if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    day.to_zoned(oslo()).map_or(end, |begins| begins.timestamp())
}

/// The zone data is bundled, so this is Oslo; UTC would be the answer of a build without it.
fn oslo() -> TimeZone {
    TimeZone::get(OSLO).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_goes_back_as_it_came() {
        for text in ["2030-01-01T00:00:00+01:00", "2030-06-01T10:00:00-05:30", "2030-01-01T00:00:00.123Z"] {
            assert_eq!(Written::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn without_a_zone_it_is_oslo() {
        assert_eq!(Written::parse("2030-07-01T10:00:00").unwrap().to_string(), "2030-07-01T10:00:00+02:00");
        assert_eq!(Written::parse("2030-01-01T10:00:00").unwrap().to_string(), "2030-01-01T10:00:00+01:00");
    }

    #[test]
    fn a_day_begins_at_midnight_in_oslo_whatever_the_season() {
        for (day, begins) in [("2030-07-01", "2030-06-30T22:00:00Z"), ("2030-01-01", "2029-12-31T23:00:00Z")] {
            assert_eq!(day_begins(day.parse().unwrap()).to_string(), begins);
        }
        assert_eq!((day_begins(Date::MIN), day_begins(Date::MAX) > Timestamp::UNIX_EPOCH), (Timestamp::MIN, true));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "tomorrow", "2030-01-01", "2030-13-01T00:00:00Z", "12:00:00"] {
            assert!(Written::parse(text).is_err(), "{text}");
        }
    }
}
