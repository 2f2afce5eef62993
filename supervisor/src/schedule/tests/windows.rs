//! When windows open, close, touch, and do not open.

use jiff::Timestamp;
use jiff::civil::date;
use std::time::Duration;

use super::{at, local, schedule};
use crate::schedule::{Window, Windows, enough_time_left};

const KOSMOS: &str = "0 30 5,19,21 * * MON-FRI";

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

fn open(windows: &Windows, now: &str) -> Option<(String, String)> {
    windows.open_at(at(now)).map(|window| (local(window.opens), local(window.closes)))
}

#[allow(clippy::unnecessary_wraps, reason = "it is compared with what `open` gives")]
fn pair(opens: &str, closes: &str) -> Option<(String, String)> {
    Some((opens.into(), closes.into()))
}

#[test]
fn a_supervisor_that_starts_in_the_middle_of_a_window_knows_it_is_open() {
    let windows = Windows::of(&schedule(&[KOSMOS]));
    let monday = pair("2026-11-23T05:30:00+01:00", "2026-11-23T06:30:00+01:00");
    assert_eq!(open(&windows, "2026-11-23T05:29:59.999+01:00"), None);
    assert_eq!(open(&windows, "2026-11-23T05:30:00+01:00"), monday);
    assert_eq!(open(&windows, "2026-11-23T06:29:59.999+01:00"), monday);
    assert_eq!(open(&windows, "2026-11-23T06:30:00+01:00"), None);
}

#[test]
fn k_21_a_restart_at_ten_does_not_open_a_window() {
    let windows = Windows::of(&schedule(&[KOSMOS]));
    assert_eq!(open(&windows, "2026-11-23T10:00:00+01:00"), None);
    assert_eq!(windows.next_opening(at("2026-11-23T10:00:00+01:00")).map(local).unwrap(), "2026-11-23T19:30:00+01:00");
}

#[test]
fn a_window_that_was_slept_through_is_not_made_up_for() {
    let windows = Windows::of(&schedule(&[KOSMOS]));
    // Asleep from Friday noon to Monday noon.
    assert_eq!(open(&windows, "2026-11-23T12:00:00+01:00"), None);
}

#[test]
fn windows_that_touch_or_overlap_are_one() {
    // 22:00–23:00, 22:30–23:30, 23:30–00:30, then nothing.
    let windows = Windows::of(&schedule(&["0 0 22 * * *", "0 30 22,23 * * *"]));
    let one = pair("2026-11-23T22:00:00+01:00", "2026-11-24T00:30:00+01:00");
    for now in [
        "2026-11-23T22:00:00+01:00",
        "2026-11-23T23:15:00+01:00",
        "2026-11-23T23:30:00+01:00",
        "2026-11-24T00:29:59+01:00",
    ] {
        assert_eq!(open(&windows, now), one, "{now}");
    }
    assert_eq!(open(&windows, "2026-11-24T00:30:00+01:00"), None);
    assert_eq!(windows.next_opening(at("2026-11-23T22:10:00+01:00")).map(local).unwrap(), "2026-11-24T22:00:00+01:00");
}

#[test]
fn a_window_that_never_closes_stays_open() {
    for text in ["0 0/15 * * * *", "* 0/3 * * * ?", "0 0 * * * *"] {
        let windows = Windows::of(&schedule(&[text]));
        let mut now = at("2026-10-24T22:00:00Z");
        for _ in 0..8 {
            let window = windows.open_at(now).unwrap();
            assert!(window.left(now) > minutes(23 * 60), "{text} {window:?}");
            assert_eq!(windows.next_opening(now), None, "{text}");
            now = now.checked_add(jiff::SignedDuration::from_mins(29)).unwrap();
        }
    }
}

#[test]
fn a_window_of_a_weekend_closes() {
    let mut settings = schedule(&["0 0 22 * * FRI"]);
    settings.window_length = Duration::from_hours(50);
    let weekend = pair("2026-11-20T22:00:00+01:00", "2026-11-23T00:00:00+01:00");
    let windows = Windows::of(&settings);
    for now in ["2026-11-20T22:00:01+01:00", "2026-11-22T23:59:59+01:00"] {
        assert_eq!(open(&windows, now), weekend);
        assert_eq!(windows.next_opening(at(now)).map(local).unwrap(), "2026-11-27T22:00:00+01:00");
    }
    // The same in three parts that touch.
    let mut settings = schedule(&["0 0 22 * * FRI,SAT", "0 0 22 ? * SUN"]);
    settings.window_length = Duration::from_hours(24);
    let windows = Windows::of(&settings);
    assert_eq!(
        open(&windows, "2026-11-20T22:00:00+01:00"),
        pair("2026-11-20T22:00:00+01:00", "2026-11-23T22:00:00+01:00")
    );
    assert_eq!(windows.next_opening(at("2026-11-21T12:00:00+01:00")).map(local).unwrap(), "2026-11-27T22:00:00+01:00");
}

#[test]
fn no_window_opens_on_a_blackout_day_and_an_open_one_ends_where_it_begins() {
    let mut settings = schedule(&["0 30 23 * * *"]);
    // Given in two overlapping parts: 24 to 31 December.
    settings.blackout = vec![(date(2026, 12, 28), date(2026, 12, 31)), (date(2026, 12, 24), date(2026, 12, 29))];
    let windows = Windows::of(&settings);
    assert_eq!(
        open(&windows, "2026-12-23T23:45:00+01:00"),
        pair("2026-12-23T23:30:00+01:00", "2026-12-24T00:00:00+01:00")
    );
    assert_eq!(open(&windows, "2026-12-24T00:00:00+01:00"), None);
    assert_eq!(open(&windows, "2026-12-24T23:45:00+01:00"), None);
    assert_eq!(open(&windows, "2027-01-01T00:15:00+01:00"), None, "the one of the last blackout day never opened");
    assert_eq!(windows.next_opening(at("2026-12-23T23:45:00+01:00")).map(local).unwrap(), "2027-01-01T23:30:00+01:00");
}

#[test]
fn a_blackout_that_is_written_backwards_counts_for_nothing() {
    let mut settings = schedule(&["0 0 22 * * *"]);
    settings.blackout = vec![(date(2026, 12, 31), date(2026, 12, 1))];
    assert!(Windows::of(&settings).open_at(at("2026-12-15T22:00:00+01:00")).is_some());
}

#[test]
fn without_windows_nothing_is_ever_open() {
    for none in [schedule(&[]), schedule(&["-"])] {
        let windows = Windows::of(&none);
        assert_eq!(windows.open_at(at("2026-11-23T05:30:00+01:00")), None);
        assert_eq!(windows.next_opening(at("2026-11-23T05:30:00+01:00")), None);
    }
}

#[test]
fn a_clock_that_is_set_back_changes_the_answer_and_nothing_else() {
    let windows = Windows::of(&schedule(&[KOSMOS]));
    let (inside, outside) = ("2026-11-23T05:45:00+01:00", "2026-11-23T10:00:00+01:00");
    let before = open(&windows, inside);
    assert_eq!(open(&windows, outside), None);
    assert_eq!(open(&windows, inside), before);
    // Machines without a battery start in 1970; others in a far year.
    for odd in [at("1970-01-01T00:00:00Z"), Timestamp::MIN, Timestamp::MAX, at("9000-06-01T00:00:00Z")] {
        let _ = (windows.open_at(odd), windows.next_opening(odd));
    }
}

#[test]
fn no_upgrade_starts_that_is_not_expected_to_end_within_the_window() {
    let (opens, closes) = (at("2026-11-23T05:30:00+01:00"), at("2026-11-23T06:30:00+01:00"));
    let window = Window { opens, closes };
    let fits = |now, expected| enough_time_left(&window, at(now), expected);
    assert!(fits("2026-11-23T06:19:59+01:00", minutes(10)));
    assert!(!fits("2026-11-23T06:20:01+01:00", minutes(10)));
    assert!(!fits("2026-11-23T06:30:00+01:00", Duration::ZERO), "the end is not in it");
    assert!(!fits("2026-11-23T05:29:59+01:00", Duration::ZERO));
    // An upgrade that is expected to take longer than the window may still begin in its first half.
    assert!(fits("2026-11-23T06:00:00+01:00", minutes(300)));
    assert!(!fits("2026-11-23T06:00:01+01:00", minutes(300)));
}
