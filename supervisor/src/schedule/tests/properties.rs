//! Random expressions, made from sets of numbers that the test knows, against those sets.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;

use super::{cron, local, oslo};
use crate::schedule::occurrence::latest_between;
use crate::schedule::{Cron, next_after};

/// What an expression was made from; an empty set is `*`.
#[derive(Clone, Debug)]
struct Made {
    seconds: BTreeSet<i8>,
    minutes: BTreeSet<i8>,
    hours: BTreeSet<i8>,
    days: BTreeSet<i8>,
    months: BTreeSet<i8>,
    weekdays: BTreeSet<i8>,
}

impl Made {
    fn text(&self) -> String {
        let list = |set: &BTreeSet<i8>| {
            let listed: Vec<String> = set.iter().map(ToString::to_string).collect();
            if listed.is_empty() { "*".to_owned() } else { listed.join(",") }
        };
        [&self.seconds, &self.minutes, &self.hours, &self.days, &self.months, &self.weekdays].map(list).join(" ")
    }

    fn fits(&self, time: jiff::civil::DateTime) -> bool {
        let fits = |set: &BTreeSet<i8>, n: i8| set.is_empty() || set.contains(&n);
        fits(&self.seconds, time.second())
            && fits(&self.minutes, time.minute())
            && fits(&self.hours, time.hour())
            && fits(&self.days, time.day())
            && fits(&self.months, time.month())
            && (fits(&self.weekdays, time.weekday().to_sunday_zero_offset())
                || (time.weekday() == jiff::civil::Weekday::Sunday && self.weekdays.contains(&7)))
    }
}

fn made() -> impl Strategy<Value = Made> {
    let set = |least: i8, most: i8| prop::collection::btree_set(least..=most, 0..4);
    (set(0, 59), set(0, 59), set(0, 23), set(1, 28), set(1, 12), set(0, 7)).prop_map(
        |(seconds, minutes, hours, days, months, weekdays)| Made { seconds, minutes, hours, days, months, weekdays },
    )
}

/// Anywhere from 2020 to 2035, and often near the nights when the clock is set.
fn moment() -> impl Strategy<Value = Timestamp> {
    let near = |second: i64| second - 7_200..second + 7_200;
    let seconds = prop_oneof![
        1_577_836_800_i64..2_051_222_400,
        near(1_774_746_000), // 2026-03-29T01:00:00Z
        near(1_792_890_000), // 2026-10-25T01:00:00Z
    ];
    (seconds, 0..1_000_000_000_i32).prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_next_is_later_fits_its_fields_and_nothing_before_it_does(made in made(), now in moment()) {
        let (cron, zone) = (cron(&made.text()), oslo());
        let next = next_after(&cron, &zone, now).unwrap();
        prop_assert!(next > now);
        let civil = zone.to_datetime(next);
        let just_jumped = zone.preceding(next + SignedDuration::from_nanos(1)).next().is_some_and(|t| t.timestamp() == next);
        prop_assert!(made.fits(civil) || (just_jumped && !made.hours.is_empty()), "{} {}", made.text(), local(next));
        // The two hours after `now`, second by second.
        let mut second = Timestamp::from_second(now.as_second() + 1).unwrap();
        let end = next.min(second + SignedDuration::from_hours(2));
        while second < end {
            let civil = zone.to_datetime(second);
            let again = !made.hours.is_empty()
                && zone.to_ambiguous_timestamp(civil).earlier().unwrap() != second;
            prop_assert!(!made.fits(civil) || again, "{} left out {}", made.text(), local(second));
            second += SignedDuration::from_secs(1);
        }
        prop_assert_eq!(latest_between(&cron, &zone, now, next), Some(next));
    }

    #[test]
    fn a_later_now_never_gives_an_earlier_answer(made in made(), one in moment(), other in moment()) {
        let (cron, zone) = (cron(&made.text()), oslo());
        let (earlier, later) = (one.min(other), one.max(other));
        prop_assert!(next_after(&cron, &zone, earlier) <= next_after(&cron, &zone, later));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[-0-9*/,?LW# A-Z@]{0,40}") {
        let _ = Cron::parse(&text);
    }

    #[test]
    fn no_text_at_all_makes_the_parser_panic(text in ".{0,300}") {
        let _ = Cron::parse(&text);
    }
}
