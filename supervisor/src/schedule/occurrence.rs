//! From civil time to moments, and what the two daylight-saving nights mean.
//!
//! The rule: an expression that names hours fires once for each time that it names. A time that the clock jumps over in
//! spring counts as the moment of the jump; a time that comes twice in autumn counts as its first. An expression whose
//! hour field is every hour (`0 0/15 * * * *`) follows the clock: nothing for the hour that is not there, and both
//! times for the hour that is there twice.
//!
//! Time is looked at one stretch of equal offset after the other, so that no table of transitions is ever searched by
//! trying seconds.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::cron::{Cron, Firing};

/// More stretches of equal offset than four hundred years have.
const STRETCHES_AT_MOST: u32 = 2_000;

/// The first moment after `now` at which it fires; none: never again.
pub fn next_after(cron: &Cron, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let firing = cron.firing()?;
    let mut stretch = Stretch::around(zone, now);
    for _ in 0..STRETCHES_AT_MOST {
        let beyond = match stretch.first_after(firing, now) {
            Search::Found(moment) => return Some(moment),
            Search::Beyond(moment) => moment,
            Search::Nothing => return None,
        };
        // No offset is further off than a day: what lies well before the civil time found can be left out.
        let skip_to = beyond.checked_sub(SignedDuration::from_hours(48)).unwrap_or(stretch.until);
        if stretch.until == Timestamp::MAX {
            return None;
        }
        stretch = Stretch::around(zone, skip_to.max(stretch.until));
    }
    None
}

/// The last moment after `after` and up to `until` at which it fires.
pub(super) fn latest_between(cron: &Cron, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let firing = cron.firing()?;
    let mut stretch = Stretch::around(zone, until);
    for _ in 0..STRETCHES_AT_MOST {
        if let Some(moment) = stretch.last_until(firing, until) {
            return (moment > after).then_some(moment);
        }
        if stretch.from <= after {
            return None;
        }
        stretch = Stretch::around(zone, just_before(stretch.from));
    }
    None
}

/// A stretch of time in which the zone's offset does not change.
struct Stretch {
    from: Timestamp,
    /// The first moment that is not in it.
    until: Timestamp,
    offset: Offset,
    /// The offset just before it.
    offset_before: Offset,
}

enum Search {
    Found(Timestamp),
    /// Not in this stretch; about then.
    Beyond(Timestamp),
    Nothing,
}

impl Stretch {
    fn around(zone: &TimeZone, moment: Timestamp) -> Self {
        let after = moment.checked_add(1.nanosecond()).unwrap_or(Timestamp::MAX);
        let offset = zone.to_offset(moment);
        let from = zone.preceding(after).next().map_or(Timestamp::MIN, |transition| transition.timestamp());
        let until = zone.following(moment).next().map_or(Timestamp::MAX, |transition| transition.timestamp());
        let offset_before = if from == Timestamp::MIN { offset } else { zone.to_offset(just_before(from)) };
        Self { from, until, offset, offset_before }
    }

    fn first_after(&self, firing: &Firing, after: Timestamp) -> Search {
        if self.from > after && self.jumps_over_a_time(firing) {
            return Search::Found(self.from);
        }
        let start = if self.from > after {
            self.civil(self.from)
        } else {
            match self.civil(after).checked_add(1.second()) {
                Ok(start) => start,
                Err(_) => return Search::Nothing,
            }
        };
        let Some(found) = firing.at_or_after(start.max(self.first_civil(firing))) else { return Search::Nothing };
        match self.offset.to_timestamp(found) {
            Ok(moment) if moment < self.until => Search::Found(moment),
            Ok(moment) => Search::Beyond(moment),
            Err(_) => Search::Nothing,
        }
    }

    fn last_until(&self, firing: &Firing, until: Timestamp) -> Option<Timestamp> {
        let end = until.min(just_before(self.until));
        let found = firing.at_or_before(self.civil(end)).filter(|found| *found >= self.first_civil(firing));
        let moment = found.and_then(|found| self.offset.to_timestamp(found).ok());
        // The jump is the first moment of the stretch, so it comes last.
        moment.or_else(|| self.jumps_over_a_time(firing).then_some(self.from))
    }

    /// The first civil time of the stretch that counts: what has been there before the clock was set back counts once.
    fn first_civil(&self, firing: &Firing) -> DateTime {
        let first = self.civil(self.from);
        if firing.every_hour { first } else { first.max(whole_seconds(self.offset_before.to_datetime(self.from))) }
    }

    /// Whether the clock was set forward at its start, over a time at which it would have fired.
    fn jumps_over_a_time(&self, firing: &Firing) -> bool {
        let (old, new) = (self.offset_before.to_datetime(self.from), self.civil(self.from));
        !firing.every_hour && old < new && firing.at_or_after(whole_seconds(old)).is_some_and(|found| found < new)
    }

    fn civil(&self, moment: Timestamp) -> DateTime {
        whole_seconds(self.offset.to_datetime(moment))
    }
}

/// Expressions know whole seconds; a fraction is cut off.
fn whole_seconds(time: DateTime) -> DateTime {
    time.with().subsec_nanosecond(0).build().unwrap_or(time)
}

pub(super) fn just_before(moment: Timestamp) -> Timestamp {
    moment.checked_sub(1.nanosecond()).unwrap_or(moment)
}
