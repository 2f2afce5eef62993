//! Words and figures as a Norwegian reads them.

use crate::domain::{Direction, Status, in_oslo};
use efm::manage;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// What stands in the database, as it may be shown: what may name a person is masked.
pub(super) fn shown(text: &str) -> String {
    efm::masking::mask(text)
}

/// A word with a colour. The word says all that the colour does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) text: &'static str,
}

impl Badge {
    const fn new(class: &'static str, text: &'static str) -> Self {
        Self { class, text }
    }

    pub(super) const WAITS: Self = Self::new("quiet", "Venter");
    pub(super) const UNDER_WAY: Self = Self::new("good", "Sendes nå");
    pub(super) const TRIED: Self = Self::new("odd", "Prøves igjen");

    pub(super) fn health(status: manage::Status) -> Self {
        match status {
            manage::Status::Up => Self::new("good", "I orden"),
            manage::Status::Down => Self::new("bad", "Virker ikke"),
            manage::Status::OutOfService => Self::new("odd", "Tar ikke imot"),
            manage::Status::Unknown => Self::new("odd", "Se nærmere"),
        }
    }

    pub(super) fn status(status: Status) -> Self {
        match status {
            Status::Opprettet => Self::new("quiet", "Opprettet"),
            Status::Sendt => Self::new("quiet", "Sendt"),
            Status::Mottatt => Self::new("quiet", "Mottatt"),
            Status::Levert => Self::new("good", "Levert"),
            Status::Lest => Self::new("good", "Lest"),
            Status::Feil => Self::new("bad", "Feil"),
            Status::Annet => Self::new("quiet", "Annet"),
            Status::InnkommendeMottatt => Self::new("quiet", "Innkommende mottatt"),
            Status::InnkommendeLevert => Self::new("good", "Innkommende levert"),
            Status::LevetidUtlopt => Self::new("bad", "Levetid utløpt"),
        }
    }

    /// Of a certificate.
    pub(super) fn days(days: i64, is_valid: bool) -> Self {
        match (is_valid, days) {
            (false, ..0) => Self::new("bad", "Utløpt"),
            (false, _) => Self::new("bad", "Ikke gyldig"),
            (true, ..30) => Self::new("odd", "Utløper snart"),
            (true, _) => Self::new("good", "Gyldig"),
        }
    }
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Outgoing => "Utgående",
        Direction::Incoming => "Innkommende",
    }
}

/// A moment, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) iso: String,
    pub(super) text: String,
}

impl Moment {
    pub(super) fn of(at: Timestamp) -> Self {
        let zone = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
        Self { iso: in_oslo(at), text: at.to_zoned(zone).strftime("%d.%m.%Y kl. %H:%M:%S").to_string() }
    }
}

/// `3 dager 4 t`, `12 min`, `8 s`.
pub(super) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} t {minutes} min"),
        (1, ..) => format!("1 dag {hours} t"),
        _ => format!("{days} dager {hours} t"),
    }
}

/// `302,2 GB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut tenths, mut unit) = (u128::from(count) * 10, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{count} B") } else { format!("{},{} {name}", tenths / 10, tenths % 10) }
}

/// `12 345`, with a space that does not break.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_norwegians_read_them() {
        for (seconds, text) in
            [(8, "8 s"), (125, "2 min"), (3_700, "1 t 1 min"), (90_000, "1 dag 1 t"), (273_600, "3 dager 4 t")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        for (number, text) in
            [(0, "0 B"), (999, "999 B"), (1_500, "1,5 kB"), (302_214_873_088, "302,2 GB"), (u64::MAX, "18446744,1 TB")]
        {
            assert_eq!(bytes(number), text);
        }
        for (number, text) in [(1, "1"), (999, "999"), (1_000, "1\u{a0}000"), (1_234_567, "1\u{a0}234\u{a0}567")] {
            assert_eq!(count(number), text);
        }
        let moment = Moment::of("2026-07-01T10:00:00Z".parse().unwrap());
        assert_eq!(
            (moment.iso.as_str(), moment.text.as_str()),
            ("2026-07-01T12:00:00+02:00", "01.07.2026 kl. 12:00:00")
        );
    }
}
