//! Looks: when a site asks for releases. Each site has a fixed share of the splay, made from what makes it unlike
//! others, so that thousands of sites do not knock at the same second, and `kosmos schedule` can print the true times.
//!
//! A look that was missed, because the machine slept, is made up for once. Never two looks closer than a minute.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::time::Duration;

use super::cron::Cron;
use super::occurrence::next_after;
use crate::config::settings::{Look, Mode, Schedule};

/// Never two looks closer than this, whatever an expression says.
pub(super) const RATE_FLOOR: SignedDuration = SignedDuration::from_mins(1);
/// The wait after a first failure; it doubles.
const FIRST_RETRY: Duration = Duration::from_mins(1);
/// Neither a failure nor a server makes us wait for longer, unless looks are further apart anyway.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// A last look that lies further ahead than this says that the clock was set back, and counts for nothing.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

/// The last look of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// When it began.
    pub at: Timestamp,
    /// How many looks up to it, and with it, have failed one after the other.
    pub failures: u32,
    /// How long the server asked us to stay away.
    pub retry_after: Option<Duration>,
}

impl Looked {
    /// A look that did not fail.
    pub fn well(at: Timestamp) -> Self {
        Self { at, failures: 0, retry_after: None }
    }
}

/// When a site looks.
#[derive(Clone, Debug)]
pub struct Looks {
    rule: Rule,
    zone: TimeZone,
    share: SignedDuration,
}

#[derive(Clone, Debug)]
enum Rule {
    Every(SignedDuration),
    At(Cron),
    Never,
}

impl Looks {
    /// As they are set, for the site that this text names: whatever makes it unlike others.
    pub fn of(schedule: &Schedule, site: &str) -> Self {
        let rule = match &schedule.look {
            _ if schedule.mode == Mode::Off => Rule::Never,
            Look::Never => Rule::Never,
            Look::At(cron) if cron.is_disabled() => Rule::Never,
            Look::At(cron) => Rule::At(cron.clone()),
            Look::Every(distance) => Rule::Every(signed(*distance).max(RATE_FLOOR)),
        };
        Self { rule, zone: schedule.timezone.clone(), share: signed(share_of(schedule.splay, site)) }
    }

    /// This site's share of the splay.
    pub fn share(&self) -> Duration {
        Duration::try_from(self.share).unwrap_or_default()
    }

    /// When to look next; a moment that has passed means now. None: never.
    ///
    /// Without a last look it is now. After a failure it is a minute, then two, then four … but never later than the
    /// next look that is due anyway, and never before the server wants to hear of us again.
    pub fn next(&self, last: Option<&Looked>, now: Timestamp) -> Option<Timestamp> {
        if matches!(self.rule, Rule::Never) {
            return None;
        }
        let Some(last) = last.filter(|last| now.duration_until(last.at) <= CLOCK_SLACK) else { return Some(now) };
        let due = self.due_after(last.at)?;
        let next = if last.failures == 0 { due } else { due.min(later(last.at, back_off(last.failures))) };
        // The longest a server can keep us away: as long as looks are apart, or an hour where they are closer.
        let longest = last.at.duration_until(due).max(signed(LONGEST_WAIT));
        let kept_away = last.retry_after.map_or(RATE_FLOOR, |asked| signed(asked).clamp(RATE_FLOOR, longest));
        Some(next.max(later(last.at, kept_away)))
    }

    /// The first look after this moment that is due by the clock alone.
    pub(super) fn due_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Never => None,
            Rule::At(cron) => {
                let unshared = moment.checked_sub(self.share).ok()?;
                next_after(cron, &self.zone, unshared)?.checked_add(self.share).ok()
            }
            // A grid that every process can compute: multiples of the distance since 1970, moved by the share.
            Rule::Every(distance) => {
                let (distance, share) = (distance.as_millis(), self.share.as_millis());
                let since = i128::from(moment.as_millisecond()) - share;
                let next = (since.div_euclid(distance) + 1) * distance + share;
                Timestamp::from_millisecond(i64::try_from(next).ok()?).ok()
            }
        }
    }
}

fn back_off(failures: u32) -> SignedDuration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    signed(FIRST_RETRY.saturating_mul(doubled).min(LONGEST_WAIT))
}

/// A fixed share of the splay: from none to all of it, the same for a site each time.
fn share_of(splay: Duration, site: &str) -> Duration {
    let mut hash = [0; 8];
    for (to, from) in hash.iter_mut().zip(Sha256::digest(site.as_bytes())) {
        *to = from;
    }
    let millis = (splay.as_millis().min(u128::from(u32::MAX)) * u128::from(u64::from_be_bytes(hash))) >> 64;
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
