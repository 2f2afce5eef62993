//! When a site looks, and how far sites are from each other.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

use super::{at, cron, local, schedule};
use crate::config::settings::{Look, Mode, Schedule};
use crate::schedule::{Looked, Looks};

fn every_15_minutes() -> Schedule {
    schedule(&["0 30 5 * * *"])
}

fn at_times(text: &str, splay: Duration) -> Schedule {
    Schedule { look: Look::At(cron(text)), splay, ..every_15_minutes() }
}

fn failed(at: Timestamp, failures: u32, retry_after: Option<Duration>) -> Looked {
    Looked { at, failures, retry_after }
}

#[test]
fn k_36_a_site_has_a_fixed_share_and_sites_are_spread_over_all_of_the_splay() {
    let settings = every_15_minutes();
    let share = |site: &str| Looks::of(&settings, site).share();
    assert_eq!(share("991825827 /srv/ip"), share("991825827 /srv/ip"));
    let mut quarters = [0; 4];
    for site in 0..1_000 {
        let share = share(&format!("site {site}"));
        assert!(share <= settings.splay);
        quarters[usize::try_from(share.as_secs() * 4 / (settings.splay.as_secs() + 1)).unwrap()] += 1;
    }
    assert!(quarters.iter().all(|count| (200..300).contains(count)), "{quarters:?}");
}

#[test]
fn looks_are_on_a_grid_that_does_not_depend_on_when_the_last_one_was() {
    let looks = Looks::of(&every_15_minutes(), "site");
    let first = looks.next(Some(&Looked::well(at("2026-11-21T06:00:00Z"))), at("2026-11-21T06:00:01Z")).unwrap();
    let second = looks.next(Some(&Looked::well(first)), first).unwrap();
    assert_eq!(first.duration_until(second), SignedDuration::from_mins(15));
    // Late by some minutes: the next one is on the grid again.
    let late = first.checked_add(SignedDuration::from_mins(5)).unwrap();
    assert_eq!(looks.next(Some(&Looked::well(late)), late), Some(second));
}

#[test]
fn the_first_look_is_now_and_a_missed_one_is_made_up_for_once() {
    let looks = Looks::of(&every_15_minutes(), "site");
    let now = at("2026-11-23T06:00:00Z");
    assert_eq!(looks.next(None, now), Some(now));
    // Asleep over the weekend: what was due is past, which means now; after it comes the ordinary one.
    let friday = Looked::well(at("2026-11-20T15:00:00Z"));
    assert!(looks.next(Some(&friday), now).unwrap() < now);
    assert!(looks.next(Some(&Looked::well(now)), now).unwrap() > now);
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_happen_twice() {
    let looks = Looks::of(&every_15_minutes(), "site");
    let last = Looked::well(at("2026-11-21T06:00:00Z"));
    let due = looks.next(Some(&last), last.at);
    assert_eq!(looks.next(Some(&last), at("2026-11-21T05:30:00Z")), due, "by half an hour: it waits for what was due");
    let past = at("2016-11-21T06:00:00Z");
    assert_eq!(looks.next(Some(&last), past), Some(past), "by ten years: once now, or it would wait for ten years");
    assert!(looks.next(Some(&Looked::well(past)), past).unwrap() > past);
}

#[test]
fn k_44_failures_are_tried_again_after_one_two_four_minutes_and_never_later_than_what_is_due_anyway() {
    let looks = Looks::of(&at_times("0 0 6 * * *", Duration::ZERO), "site");
    let last = at("2026-11-21T06:00:00+01:00");
    let waits: Vec<i64> = (1..=8)
        .map(|failures| last.duration_until(looks.next(Some(&failed(last, failures, None)), last).unwrap()).as_mins())
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    let at_most = looks.next(Some(&failed(last, u32::MAX, None)), last).unwrap();
    assert_eq!(last.duration_until(at_most).as_mins(), 60);
    // The ordinary look comes before the sixteen minutes are over.
    let looks = Looks::of(&every_15_minutes(), "site");
    let due = looks.next(Some(&Looked::well(last)), last).unwrap();
    assert!(looks.next(Some(&failed(last, 9, None)), last).unwrap() <= due);
}

#[test]
fn a_server_that_asks_us_to_stay_away_is_obeyed_within_reason() {
    let looks = Looks::of(&every_15_minutes(), "site");
    let last = at("2026-11-21T06:00:00+01:00");
    let wait = |seconds| {
        let looked = failed(last, 1, Some(Duration::from_secs(seconds)));
        last.duration_until(looks.next(Some(&looked), last).unwrap()).as_secs()
    };
    assert_eq!(wait(0), 60, "the rate floor");
    assert_eq!(wait(1_800), 1_800);
    assert_eq!(wait(u64::MAX), 3_600, "an hour at most");
}

#[test]
fn two_looks_are_never_closer_than_a_minute() {
    let looks = Looks::of(&at_times("* 0/3 * * * ?", Duration::ZERO), "site");
    let last = at("2026-11-21T06:00:30+01:00");
    let next = looks.next(Some(&Looked::well(last)), last).unwrap();
    assert_eq!(last.duration_until(next), SignedDuration::from_mins(1));
    let too_often = Schedule { look: Look::Every(Duration::from_millis(1)), ..every_15_minutes() };
    let next = Looks::of(&too_often, "site").next(Some(&Looked::well(last)), last).unwrap();
    assert!(last.duration_until(next) >= SignedDuration::from_mins(1));
}

#[test]
fn looks_at_the_times_of_an_expression_are_moved_by_the_share() {
    let settings = at_times("0 30 5,19,21 * * MON-FRI", Duration::from_mins(30));
    let looks = Looks::of(&settings, "another site");
    let share = SignedDuration::try_from(looks.share()).unwrap();
    assert!(share > SignedDuration::ZERO);
    let monday = at("2026-11-23T05:30:00+01:00");
    let moved = monday.checked_add(share).unwrap();
    let friday = Looked::well(at("2026-11-20T21:59:00+01:00"));
    assert_eq!(looks.next(Some(&friday), friday.at), Some(moved));
    assert_eq!(local(looks.next(Some(&Looked::well(monday)), monday).unwrap()), local(moved));
}

#[test]
fn where_nobody_wants_looks_there_are_none() {
    let now = at("2026-11-21T06:00:00Z");
    for settings in [
        Schedule { look: Look::Never, ..every_15_minutes() },
        Schedule { look: Look::At(cron("-")), ..every_15_minutes() },
        Schedule { mode: Mode::Off, ..every_15_minutes() },
    ] {
        assert_eq!(Looks::of(&settings, "site").next(None, now), None);
    }
}
