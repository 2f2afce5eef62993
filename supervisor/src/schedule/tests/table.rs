//! What `kosmos schedule` prints.

use jiff::civil::date;
use std::time::Duration;

use super::{at, cron, schedule};
use crate::config::settings::{Look, Mode, Schedule};
use crate::schedule::{span, table};

const SITE: &str = "991825827 /srv/integrasjonspunkt";

#[test]
fn the_default_schedule_reads_well() {
    let text = table(&schedule(&["0 30 5,19,21 * * MON-FRI"]), SITE, at("2026-11-21T05:30:00Z"));
    insta::assert_snapshot!(text);
}

#[test]
fn an_open_window_a_blackout_and_a_night_when_the_clock_is_set_are_marked() {
    let settings = Schedule {
        window_length: Duration::from_mins(90),
        blackout: vec![(date(2026, 10, 27), date(2026, 10, 31)), (date(2026, 11, 3), date(2026, 11, 3))],
        look: Look::At(cron("0 0 6 * * ?")),
        ..schedule(&["0 0 2 * * *"])
    };
    let text = table(&settings, SITE, at("2026-10-24T02:30:00+02:00"));
    insta::assert_snapshot!(text);
}

#[test]
fn k_34_an_expression_that_fires_each_second_gets_a_warning() {
    let settings = Schedule { look: Look::At(cron("* 0/3 * * * ?")), ..schedule(&["* 0/3 * * * ?"]) };
    let text = table(&settings, SITE, at("2026-11-21T05:30:00Z"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_site_without_windows_and_looks_is_told_so() {
    let settings = Schedule { look: Look::Never, mode: Mode::Notify, ..schedule(&["-"]) };
    let text = table(&settings, SITE, at("2026-11-21T05:30:00Z"));
    insta::assert_snapshot!(text);
}

#[test]
fn durations_read_as_people_say_them() {
    let said = [(0, "0ms"), (5_400, "1h 30m"), (45, "45s"), (90_061, "1d 1h 1m 1s")];
    for (seconds, text) in said {
        assert_eq!(span(Duration::from_secs(seconds)), text);
    }
    assert_eq!(span(Duration::from_millis(250)), "250ms");
}
