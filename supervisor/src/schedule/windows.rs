//! Windows: when a stop and a start may happen. A window opens where an expression fires and stays open for its length;
//! windows that touch are one; none opens on a blackout day, and one that is open ends where such a day begins.
//!
//! A window that was missed, because the machine slept, is never made up for: the next one comes.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::time::Duration;

use super::cron::Cron;
use super::occurrence::{just_before, latest_between, next_after};
use crate::config::settings;

/// How far ahead and back touching windows are joined: what is open for more than a week is always open. It is told to
/// close then, and when that time comes nearer, later.
const HORIZON: SignedDuration = SignedDuration::from_hours(8 * 24);
/// No more windows than these are joined.
const JOINED_AT_MOST: u32 = 2_000;

/// A time in which a stop and a start may happen; the end is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub opens: Timestamp,
    /// The first moment after it.
    pub closes: Timestamp,
}

impl Window {
    /// How long it is.
    pub fn length(&self) -> Duration {
        Duration::try_from(self.opens.duration_until(self.closes)).unwrap_or_default()
    }

    /// How long it is still open.
    pub fn left(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_until(self.closes)).unwrap_or_default()
    }
}

/// Whether an upgrade that is expected to take so long may start now. What is expected counts for no more than half of
/// the window, so that a window shorter than a slow upgrade still lets it begin in its first half.
pub fn enough_time_left(window: &Window, now: Timestamp, expected: Duration) -> bool {
    now >= window.opens && now < window.closes && window.left(now) >= expected.min(window.length() / 2)
}

/// All windows of a site.
#[derive(Clone, Debug)]
pub struct Windows {
    crons: Vec<Cron>,
    length: SignedDuration,
    zone: TimeZone,
    /// From the first moment of a blackout to the first one after it; sorted, apart.
    blackouts: Vec<(Timestamp, Timestamp)>,
}

impl Windows {
    /// As they are set.
    pub fn of(schedule: &settings::Schedule) -> Self {
        Self {
            crons: schedule.windows.clone(),
            length: SignedDuration::try_from(schedule.window_length).unwrap_or(SignedDuration::MAX),
            zone: schedule.timezone.clone(),
            blackouts: joined(&schedule.blackout, &schedule.timezone),
        }
    }

    /// The window that is open, if one is: a supervisor that starts in the middle of it knows.
    pub fn open_at(&self, now: Timestamp) -> Option<Window> {
        let last = self.still_open(now)?;
        Some(Window { opens: self.joined_back(last, now), closes: self.joined_on(last, now).0 })
    }

    /// When a window opens next: after the one that is open, if one is. None: never, or what is open does not
    /// close.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        match self.open_at(now) {
            None => self.opening_after(now),
            Some(window) if self.closes(now) => self.opening_after(window.closes),
            Some(_) => None,
        }
    }

    /// The window that is open, or the one that comes next.
    pub fn open_or_next(&self, now: Timestamp) -> Option<Window> {
        self.open_at(now).or_else(|| self.next_opening(now).and_then(|opens| self.open_at(opens)))
    }

    /// Whether what is open now ever closes.
    pub(super) fn closes(&self, now: Timestamp) -> bool {
        self.still_open(now).is_none_or(|last| self.joined_on(last, now).1)
    }

    /// The blackouts that end after `now`: first moment, and first moment after.
    pub(super) fn blackouts_from(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.blackouts.iter().copied().filter(move |(_, end)| *end > now)
    }

    /// The last opening whose own window has not closed.
    fn still_open(&self, now: Timestamp) -> Option<Timestamp> {
        let earliest = now.checked_sub(self.length).unwrap_or(Timestamp::MIN);
        self.latest_opening(earliest, now).filter(|opens| self.end_of(*opens) > now)
    }

    fn opening_after(&self, now: Timestamp) -> Option<Timestamp> {
        let mut after = now;
        // Each turn but the last passes one blackout.
        for _ in 0..=self.blackouts.len() {
            let opens = self.crons.iter().filter_map(|cron| next_after(cron, &self.zone, after)).min()?;
            match self.blackout_at(opens) {
                None => return Some(opens),
                Some((_, end)) => after = just_before(end),
            }
        }
        None
    }

    fn latest_opening(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let mut until = until;
        for _ in 0..=self.blackouts.len() {
            let opens = self.crons.iter().filter_map(|cron| latest_between(cron, &self.zone, after, until)).max()?;
            match self.blackout_at(opens) {
                None => return Some(opens),
                Some((start, _)) => until = just_before(start),
            }
        }
        None
    }

    fn end_of(&self, opens: Timestamp) -> Timestamp {
        let end = opens.checked_add(self.length).unwrap_or(Timestamp::MAX);
        match self.blackouts.iter().find(|(start, _)| *start > opens) {
            Some((start, _)) => end.min(*start),
            None => end,
        }
    }

    /// The end of what begins with this opening, and whether it is a true end or only as far as we look.
    fn joined_on(&self, opens: Timestamp, now: Timestamp) -> (Timestamp, bool) {
        let (mut last, mut closes) = (opens, self.end_of(opens));
        for _ in 0..JOINED_AT_MOST {
            let Some(next) = self.latest_opening(last, closes) else { return (closes, true) };
            let end = self.end_of(next);
            if end <= closes {
                return (closes, true);
            }
            (last, closes) = (next, end);
            if now.duration_until(closes) > HORIZON {
                break;
            }
        }
        (closes, false)
    }

    fn joined_back(&self, opens: Timestamp, now: Timestamp) -> Timestamp {
        let mut opens = opens;
        for _ in 0..JOINED_AT_MOST {
            if opens.duration_until(now) > HORIZON {
                break;
            }
            let earliest = just_before(opens.checked_sub(self.length).unwrap_or(Timestamp::MIN));
            match self.opening_after(earliest) {
                Some(before) if before < opens && self.end_of(before) >= opens => opens = before,
                _ => break,
            }
        }
        opens
    }

    fn blackout_at(&self, moment: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.blackouts.iter().copied().find(|(start, end)| *start <= moment && moment < *end)
    }
}

/// Days become moments; what overlaps or touches becomes one.
fn joined(days: &[(Date, Date)], zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
    let midnight = |day: Date| day.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).ok();
    let mut apart: Vec<_> = days
        .iter()
        .filter_map(|(first, last)| Some((midnight(*first)?, midnight(last.checked_add(1.day()).ok()?)?)))
        .filter(|(start, end)| start < end)
        .collect();
    apart.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(apart.len());
    for (start, end) in apart {
        match joined.last_mut() {
            Some((_, before)) if start <= *before => *before = end.max(*before),
            _ => joined.push((start, end)),
        }
    }
    joined
}
