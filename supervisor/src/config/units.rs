//! Durations and sizes as people write them.

use super::problem::{Wrong, quoted, wrong};
use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];
const LIKE_DURATION: &str = "a number and a unit, like \"250ms\", \"90s\", \"10m\", \"1h\" or \"1h30m\"";
const LIKE_SIZE: &str = "a number and a unit, like \"512B\", \"64KiB\", \"10MiB\" or \"2GiB\"";

/// Reads `90s`, `10m`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let refused = |what: &str| wrong(format!("{} {what}", quoted(text)), LIKE_DURATION);
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong("it is empty", LIKE_DURATION));
    }
    let mut milliseconds = 0_u64;
    while !rest.is_empty() {
        let (number, after) = split(rest, |character| character.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if number.is_empty() {
            return Err(refused("is no duration"));
        }
        if unit.is_empty() {
            return Err(refused(if after.is_empty() { "has no unit" } else { "is no duration" }));
        }
        let Some((_, each)) = DURATION_UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(refused("has a unit that is none of ms, s, m, h and d"));
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*each));
        milliseconds = part.and_then(|part| milliseconds.checked_add(part)).ok_or_else(|| refused("is too long"))?;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(milliseconds))
}

/// Reads `64KiB`.
pub(super) fn size(text: &str) -> Result<u64, Wrong> {
    let refused = |what: &str| wrong(format!("{} {what}", quoted(text)), LIKE_SIZE);
    let (number, unit) = split(text.trim(), |character| character.is_ascii_digit());
    let unit = unit.trim();
    if number.is_empty() {
        return Err(refused("is no size"));
    }
    if unit.is_empty() {
        return Err(refused("has no unit"));
    }
    let Some((_, each)) = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        return Err(refused("has a unit that is none of B, KiB, MiB, GiB, kB, MB and GB"));
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(*each)).ok_or_else(|| refused("is too large"))
}

/// Writes what [`duration`] reads, in the largest unit that fits.
pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds == 0 {
        return "0s".into();
    }
    let fitting = DURATION_UNITS.iter().find(|(_, each)| milliseconds.is_multiple_of(u128::from(*each)));
    let (unit, each) = fitting.copied().unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / u128::from(each))
}

/// Writes what [`size`] reads, in the largest unit that fits.
pub(super) fn show_size(bytes: u64) -> String {
    let fitting = SIZE_UNITS.iter().find(|(_, each)| bytes > 0 && bytes.is_multiple_of(*each));
    let (unit, each) = fitting.copied().unwrap_or(("B", 1));
    format!("{}{unit}", bytes / each)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character| !belongs(character)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_and_shown_again() {
        for (text, milliseconds, shown) in [
            ("250ms", 250, "250ms"),
            ("90s", 90_000, "90s"),
            ("10m", 600_000, "10m"),
            ("60m", 3_600_000, "1h"),
            ("1h30m", 5_400_000, "90m"),
            (" 1 h 30 m ", 5_400_000, "90m"),
            ("7d", 604_800_000, "7d"),
            ("0s", 0, "0s"),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
            assert_eq!(show_duration(Duration::from_millis(milliseconds)), shown);
        }
        for (text, bytes, shown) in [
            ("10MiB", 10 << 20, "10MiB"),
            ("64 kib", 64 << 10, "64KiB"),
            ("3MB", 3_000_000, "3MB"),
            ("1500B", 1500, "1500B"),
            ("0B", 0, "0B"),
        ] {
            assert_eq!((size(text).unwrap(), show_size(bytes).as_str()), (bytes, shown), "{text}");
        }
    }

    #[test]
    fn what_has_no_unit_or_no_end_is_refused() {
        for text in ["", "90", "s", "90 sec", "1.5h", "-1s", "1h30", "99999999999999999999d", "9999999999999999d", "1M"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "10", "MiB", "10XiB", "1.5MiB", "99999999999999999999B", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
