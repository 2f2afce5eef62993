//! Sunday 29 March 2026: 02:00+01:00 becomes 03:00+02:00. Sunday 25 October 2026: 03:00+02:00 becomes 02:00+01:00.

use jiff::tz::TimeZone;

use super::{at, cron, local, next, oslo, schedule};
use crate::schedule::occurrence::latest_between;
use crate::schedule::{Windows, next_after};

const SPRING: &str = "2026-03-29T00:00:00+01:00";
const AUTUMN: &str = "2026-10-25T00:00:00+02:00";

#[test]
fn a_named_time_that_the_clock_jumps_over_is_the_moment_of_the_jump() {
    for text in [
        "0 30 2 * * *",
        "0 0 2 * * *",
        "59 59 2 * * *",
        "0 0/10 2 * * *",
        "* * 2 * * *",
        "0 30 2 29 3 ?",
        "0 30 2 ? * SUN#5",
    ] {
        assert_eq!(next(text, SPRING, 1), ["2026-03-29T03:00:00+02:00"], "{text}");
    }
    // It and the one that is there anyway are one.
    assert_eq!(next("0 0 2,3,4 * * *", SPRING, 2), ["2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"]);
}

#[test]
fn a_named_time_that_comes_twice_is_the_first() {
    assert_eq!(next("0 30 2 * * *", AUTUMN, 2), ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]);
    assert_eq!(next("0 0 2,3 * * *", AUTUMN, 2), ["2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"]);
    // A supervisor that starts between the two does not hear of the second.
    assert_eq!(next("0 30 2 * * *", "2026-10-25T02:45:00+02:00", 1), ["2026-10-26T02:30:00+01:00"]);
    assert_eq!(next("0 30 2 * * *", "2026-10-25T02:15:00+01:00", 1), ["2026-10-26T02:30:00+01:00"]);
}

#[test]
fn an_expression_that_names_no_hour_follows_the_clock() {
    assert_eq!(
        next("0 0/15 * * * *", "2026-03-29T01:30:00+01:00", 3),
        ["2026-03-29T01:45:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:15:00+02:00"]
    );
    assert_eq!(next("0 30 * * * *", "2026-03-29T01:30:00+01:00", 1), ["2026-03-29T03:30:00+02:00"]);
    // All eight quarters of the two hours.
    let found = next("0 0/15 * * * *", "2026-10-25T01:59:00+02:00", 9);
    assert_eq!(found[3..5], ["2026-10-25T02:45:00+02:00", "2026-10-25T02:00:00+01:00"]);
    assert_eq!(found[8], "2026-10-25T03:00:00+01:00");
}

#[test]
fn looking_back_finds_what_looking_ahead_found() {
    for text in
        ["0 30 2 * * *", "0 0/10 2 * * *", "0 0/15 * * * *", "0 30 1,2,3 * * *", "* 0/3 * * * ?", "0 0 3 L-3 * ?"]
    {
        for from in [SPRING, AUTUMN, "2026-02-26T12:00:00Z"] {
            let (cron, zone, mut now) = (cron(text), oslo(), at(from));
            for _ in 0..20 {
                let found = next_after(&cron, &zone, now).unwrap();
                assert_eq!(latest_between(&cron, &zone, now, found), Some(found), "{text} {}", local(found));
                let short = found.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap();
                assert_eq!(latest_between(&cron, &zone, now, short), None, "{text} {}", local(found));
                now = found;
            }
        }
    }
}

#[test]
fn a_window_of_an_hour_is_open_for_an_hour_on_both_nights() {
    let windows = Windows::of(&schedule(&["0 30 2 * * *"]));
    let open = |text| windows.open_at(at(text)).map(|window| (local(window.opens), local(window.closes)));
    let spring = Some(("2026-03-29T03:00:00+02:00".to_owned(), "2026-03-29T04:00:00+02:00".to_owned()));
    assert_eq!(open("2026-03-29T01:59:59+01:00"), None);
    assert_eq!(open("2026-03-29T03:00:00+02:00"), spring);
    assert_eq!(open("2026-03-29T03:59:59+02:00"), spring);
    assert_eq!(open("2026-03-29T04:00:00+02:00"), None);
    // From 02:30 to 02:30 by the clock on the wall, once.
    let autumn = Some(("2026-10-25T02:30:00+02:00".to_owned(), "2026-10-25T02:30:00+01:00".to_owned()));
    assert_eq!(open("2026-10-25T02:30:00+02:00"), autumn);
    assert_eq!(open("2026-10-25T02:29:59+01:00"), autumn);
    assert_eq!(open("2026-10-25T02:30:00+01:00"), None);
}

#[test]
fn other_zones_and_fixed_offsets_work_too() {
    // Lord Howe sets its clock by half an hour: 2026-10-04 02:00+10:30 becomes 02:30+11:00.
    let howe = TimeZone::get("Australia/Lord_Howe").unwrap();
    let found = next_after(&cron("0 15 2 * * *"), &howe, at("2026-10-04T01:00:00+10:30")).unwrap();
    assert_eq!(found, at("2026-10-04T02:30:00+11:00"));
    let utc = next_after(&cron("0 30 2 * * *"), &TimeZone::UTC, at("2026-03-29T00:00:00Z")).unwrap();
    assert_eq!(utc, at("2026-03-29T02:30:00Z"));
    // Apia left out 30 December 2011.
    let apia = TimeZone::get("Pacific/Apia").unwrap();
    let found = next_after(&cron("0 0 12 30 12 ?"), &apia, at("2011-12-29T12:00:00-10:00")).unwrap();
    assert_eq!(found, at("2011-12-31T00:00:00+14:00"));
}
