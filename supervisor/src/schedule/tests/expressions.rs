//! Which expressions are read, which are refused, and in which words.

use super::{at, cron, next, oslo};
use crate::schedule::{Cron, CronError, Field, next_after};

#[test]
fn every_expression_fires_when_the_file_of_expected_times_says() {
    let (mut expression, mut expressions, mut starts) = ("", 0, 0);
    for line in include_str!("times.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((from, expected)) = line.split_once("->") else {
            (expression, expressions) = (line, expressions + 1);
            continue;
        };
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert!(expected.len() >= 2, "{expression} {from}");
        assert_eq!(next(expression, from.trim(), expected.len()), expected, "{expression} from {from}");
        starts += 1;
    }
    assert!(expressions >= 28, "{expressions}");
    assert_eq!(starts, 4 * expressions);
}

#[test]
fn five_fields_that_lack_the_weekday_are_corrected_at_the_end() {
    let error = Cron::parse("0 30 5,19,21 * *").unwrap_err();
    assert!(error.to_string().ends_with("\"0 30 5,19,21 * * *\""), "{error}");
}

#[test]
fn five_fields_are_refused_with_the_corrected_six() {
    let error = Cron::parse("30 5 * * MON-FRI").unwrap_err();
    let CronError::FiveFields { corrected, .. } = &error else { panic!("{error}") };
    assert!(Cron::parse(corrected).is_ok());
    assert_eq!(
        error.to_string(),
        "read cron expression \"30 5 * * MON-FRI\": it has five fields and must have six, seconds first: \
         \"0 30 5 * * MON-FRI\""
    );
    let CronError::FiveFields { corrected, .. } = Cron::parse("0 30 5,19,21 * *").unwrap_err() else { panic!() };
    assert_eq!(corrected, "0 30 5,19,21 * * *");
}

#[test]
fn each_error_says_which_field_and_what_would_be_right() {
    let table = [
        ("60 0 6 * * ?", Field::Second, "60 is not from 0 to 59"),
        ("0 0 24 * * ?", Field::Hour, "24 is not from 0 to 23"),
        ("0 0 6 0 * ?", Field::DayOfMonth, "0 is not from 1 to 31"),
        ("0 0 6 32 * ?", Field::DayOfMonth, "32 is not from 1 to 31"),
        ("0 0 6 * 13 ?", Field::Month, "13 is not from 1 to 12"),
        ("0 0 6 * * 8", Field::DayOfWeek, "8 is not from 0 to 7"),
        ("0 0 6 * * FRI-MON", Field::DayOfWeek, "FRI-MON runs backwards; write FRI-SUN,MON-MON"),
        ("0 0 22-2 * * ?", Field::Hour, "22-2 runs backwards; write 22-23,0-2"),
        ("0 0 6 * NOV-FEB ?", Field::Month, "NOV-FEB runs backwards; write NOV-DEC,JAN-FEB"),
        ("0 ? 6 * * ?", Field::Minute, "? must stand alone, and only in a day field"),
        ("0 0/0 6 * * ?", Field::Minute, "0/0: the step \"0\" must be a number from 1"),
        ("0 0/x 6 * * ?", Field::Minute, "0/x: the step \"x\" must be a number from 1"),
        ("0 0 6 * * MANDAG", Field::DayOfWeek, "MANDAG must be a number from 0 to 7"),
        ("0 0 6 * * MON#6", Field::DayOfWeek, "MON#6: after # must come a number from 1 to 5"),
        ("0 0 6 * * L", Field::DayOfWeek, "L: before L must come a day"),
        ("0 0 6 L-31 * ?", Field::DayOfMonth, "L-31: after L- must come a number of days from 1 to 30"),
        ("0 0 6 WL * ?", Field::DayOfMonth, "WL must be L, L-3, LW or 15W"),
        ("0 0 6 32W * ?", Field::DayOfMonth, "32 is not from 1 to 31"),
        ("0 0 6,, * * ?", Field::Hour, "something is missing"),
        ("0 0 +6 * * ?", Field::Hour, "+6 must be a number from 0 to 23"),
        ("0 0 99999999999999999999 * * ?", Field::Hour, "must be a number"),
        ("0 0 6 * 1L ?", Field::Month, "1L must be a number from 1 to 12"),
    ];
    for (text, wrong, what) in table {
        let error = Cron::parse(text).unwrap_err();
        let CronError::Field { field, reason, .. } = &error else { panic!("{text}: {error}") };
        assert_eq!(*field, wrong, "{text}");
        assert!(reason.contains(what), "{text}: {reason}");
        assert!(error.to_string().contains(&wrong.to_string()), "{error}");
    }
}

#[test]
fn what_an_error_proposes_instead_is_read() {
    for text in ["0 0 6 * * FRI-SUN,MON-MON", "0 0 22-23,0-2 * * ?", "0 0 6 * NOV-DEC,JAN-FEB ?"] {
        assert!(Cron::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn the_wrong_number_of_fields_is_told() {
    assert!(
        matches!(Cron::parse("0 0 6 * * ? 2026"), Err(CronError::SevenFields { corrected, .. }) if corrected == "0 0 6 * * ?")
    );
    for (text, found) in [("", 0), ("0", 1), ("0 0 6", 3), ("0 0 6 * * ? * *", 8)] {
        assert!(matches!(Cron::parse(text), Err(CronError::FieldCount { found: f, .. }) if f == found), "{text}");
    }
    assert!(matches!(Cron::parse("@fortnightly"), Err(CronError::Nickname { .. })));
    assert!(matches!(Cron::parse("\"0 0 6 * * ?\""), Err(CronError::Quoted { .. })));
}

#[test]
fn an_expression_that_never_fires_is_an_error() {
    for text in ["0 0 0 30 2 *", "0 0 0 31 2,4,6,9,11 ?", "0 0 0 L-29 2 ?", "0 0 0 1 * MON#2", "0 0 0 31W 4 *"] {
        assert!(matches!(Cron::parse(text), Err(CronError::Never { .. })), "{text}");
    }
    // Once in 28 years, or in 40 around the year 2100, which has no such day, is not never.
    assert_eq!(
        next("0 0 0 29 2 SUN", "2080-01-01T00:00:00Z", 2),
        ["2088-02-29T00:00:00+01:00", "2128-02-29T00:00:00+01:00"]
    );
    assert_eq!(next("0 0 0 L-28 2 ?", "2026-01-01T00:00:00Z", 1), ["2028-02-01T00:00:00+01:00"]);
}

#[test]
fn a_dash_is_springs_word_for_disabled() {
    let disabled = cron("-");
    assert!(disabled.is_disabled());
    assert_eq!(next_after(&disabled, &oslo(), at("2026-11-21T05:30:00Z")), None);
}

#[test]
fn an_expression_is_kept_as_it_was_written() {
    assert_eq!(cron("  0 0 6 * * sun ").text(), "0 0 6 * * sun");
    assert_eq!(cron("@midnight").to_string(), "@midnight");
}

#[test]
fn an_expression_that_fires_each_second_is_known() {
    for (text, meant) in
        [("* 0/3 * * * ?", "0 0/3 * * * ?"), ("0/1 0 6 * * ?", "0 0 6 * * ?"), ("0-59 * * * * *", "0 * * * * *")]
    {
        assert!(cron(text).every_second(), "{text}");
        assert_eq!(cron(text).once_a_minute().as_deref(), Some(meant));
    }
    assert!(!cron("0/2 0/3 * * * ?").every_second());
    assert_eq!(cron("0 0/3 * * * ?").once_a_minute(), None);
    assert!(!cron("-").every_second());
}

#[test]
fn special_days_can_stand_in_one_list() {
    // The crate that searches would read L,15W as LW.
    assert_eq!(
        next("0 0 3 L,15W,L-2 * ?", "2026-11-01T00:00:00Z", 4),
        [
            "2026-11-16T03:00:00+01:00",
            "2026-11-28T03:00:00+01:00",
            "2026-11-30T03:00:00+01:00",
            "2026-12-15T03:00:00+01:00"
        ]
    );
}

#[test]
fn a_nearest_weekday_never_leaves_its_month() {
    // 31 October 2026 is a Saturday, 31 January 2027 a Sunday, 1 August 2026 a Saturday.
    assert_eq!(next("0 0 3 31W 10 ?", "2026-01-01T00:00:00Z", 1), ["2026-10-30T03:00:00+01:00"]);
    assert_eq!(next("0 0 3 31W 1 ?", "2027-01-01T00:00:00Z", 1), ["2027-01-29T03:00:00+01:00"]);
    assert_eq!(next("0 0 3 1W 8 ?", "2026-01-01T00:00:00Z", 1), ["2026-08-03T03:00:00+02:00"]);
}
