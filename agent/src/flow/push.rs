//! Tells one push: call, judge, settle. Whose program dies between the call and the settlement calls again, under the same
//! name, when the lease has run out: a push is made at least once.

use super::{Desk, Pushing, Trouble};
use crate::domain::{Backoff, Deadline};
use crate::ports::{Attempt, Event, Heard, Pending, Push, PushSettled, PushSettlement};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// A call that is refused is made so often; then the next one is made.
const REFUSED_AT_MOST: u32 = 5;
/// Who asks to be left alone is left alone for so long at most.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Tells one push. It may be dropped: the push is then made again when the lease has run out.
pub async fn one(desk: &Desk, push: &Push) -> Result<(), Trouble> {
    let (at, begun) = (desk.clock.now(), Instant::now());
    let heard = match &push.pending {
        Pending::Status(noted) => desk.caller.call(&push.endpoint, &Event::Status(noted.clone()), at).await,
        Pending::Unreadable(why) => Heard::Refused(0, format!("the push cannot be read: {why}")),
    };
    let settlement = match &push.pending {
        Pending::Status(_) => decide(&heard, push, &desk.rules.pushing, desk.clock.now()),
        Pending::Unreadable(_) => PushSettlement::GivenUp,
    };
    let attempt = attempt(heard, at, begun.elapsed());
    tell(push, &attempt, settlement);
    match desk.store.settle_push(push, attempt, settlement).await? {
        PushSettled::Done { given_up: 0 } => {}
        PushSettled::Done { given_up } => {
            tracing::error!(subscription = push.held.number, given_up, "pushes are given up; see its deliveries");
        }
        PushSettled::LeaseLost => {
            tracing::warn!(subscription = push.held.number, "somebody else has taken this subscription over");
        }
    }
    Ok(())
}

/// Forgets how calls went that are older than this; says how many.
pub async fn forget(desk: &Desk, older_than: Duration) -> Result<u64, Trouble> {
    const AT_ONCE: u32 = 1000;
    let before = back(desk.clock.now(), older_than);
    let mut forgotten = 0_u64;
    loop {
        let found = desk.store.forget_deliveries(before, AT_ONCE).await?;
        forgotten = forgotten.saturating_add(found);
        if found < u64::from(AT_ONCE) {
            return Ok(forgotten);
        }
    }
}

/// How a call went, for the log.
pub(super) fn attempt(heard: Heard, at: Timestamp, took: Duration) -> Attempt {
    let (code, error) = match heard {
        Heard::Taken(code) => (Some(code), None),
        Heard::Refused(code, why) => (Some(code).filter(|code| *code > 0), Some(why)),
        Heard::Later { code, why, .. } => (code, Some(why)),
    };
    Attempt { at, took, code, error: error.map(|error| efm::masking::mask(&error)) }
}

fn decide(heard: &Heard, push: &Push, rules: &Pushing, now: Timestamp) -> PushSettlement {
    let wanted = match heard {
        Heard::Taken(_) => return PushSettlement::Delivered,
        Heard::Refused(..) if push.tried.saturating_add(1) >= REFUSED_AT_MOST => return PushSettlement::GivenUp,
        Heard::Refused(..) => None,
        Heard::Later { wait, .. } => *wait,
    };
    let backoff = rules.backoff.after(push.failures).unwrap_or(rules.backoff.longest);
    let wait = wanted.map_or(backoff, |wanted| backoff.max(wanted.min(LONGEST_WAIT)));
    PushSettlement::Again { due: Deadline::after(now, wait).moment(), give_up_before: back(now, rules.give_up_after) }
}

fn back(now: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| now.checked_sub(span).ok()).unwrap_or(Timestamp::MIN)
}

fn tell(push: &Push, attempt: &Attempt, settlement: PushSettlement) {
    let (subscription, call) = (
        push.held.number,
        match &push.pending {
            Pending::Status(noted) => noted.call_id(),
            Pending::Unreadable(_) => String::new(),
        },
    );
    let tried = push.tried.saturating_add(1);
    match (settlement, attempt.error.as_deref()) {
        (PushSettlement::Again { due, .. }, error) => {
            tracing::warn!(subscription, call, tried, %due, error, "not pushed, will try again");
        }
        (PushSettlement::GivenUp, error) => tracing::error!(subscription, call, tried, error, "not pushed, given up"),
        (PushSettlement::Delivered, _) => tracing::info!(subscription, call, tried, "pushed"),
    }
}

impl Pushing {
    /// 5 s, 10 s, 20 s … ten minutes, for as long as a push is worth it.
    pub fn backoff() -> Backoff {
        Backoff { first: Duration::from_secs(5), factor: 2, longest: Duration::from_mins(10), again: u32::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Held;

    fn decided(heard: &Heard, tried: u32, failures: u32) -> PushSettlement {
        let held = Held { number: 1, lease: 1 };
        let pending = Pending::Unreadable(String::new());
        let push = Push { held, number: 1, endpoint: String::new(), tried, failures, pending };
        let rules =
            Pushing { backoff: Pushing::backoff(), give_up_after: Duration::from_hours(24), ping_is_required: false };
        decide(heard, &push, &rules, now())
    }

    fn now() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    fn waits(heard: &Heard, tried: u32, failures: u32) -> i64 {
        match decided(heard, tried, failures) {
            PushSettlement::Again { due, give_up_before } => {
                assert_eq!(give_up_before, now() - Duration::from_hours(24));
                due.duration_since(now()).as_secs()
            }
            other @ (PushSettlement::Delivered | PushSettlement::GivenUp) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lane_that_fails_waits_longer_and_longer_and_never_gives_up_before_its_time() {
        let away = Heard::Later { code: None, wait: None, why: "connect: refused".into() };
        let seconds: Vec<_> = (0..9).map(|failures| waits(&away, failures, failures)).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(waits(&away, 5000, u32::MAX), 600);
    }

    #[test]
    fn who_asks_to_be_left_alone_is_within_an_hour() {
        let busy =
            |seconds| Heard::Later { code: Some(503), wait: Some(Duration::from_secs(seconds)), why: "503".into() };
        assert_eq!(waits(&busy(120), 0, 0), 120);
        assert_eq!(waits(&busy(1), 0, 0), 5, "never sooner than without");
        assert_eq!(waits(&busy(100_000), 0, 0), 3600);
    }

    #[test]
    fn what_is_refused_is_given_up_soon_so_that_it_keeps_nothing_else_back() {
        let refused = Heard::Refused(422, "422".into());
        assert_eq!(waits(&refused, 3, 3), 40);
        assert_eq!(decided(&refused, 4, 4), PushSettlement::GivenUp);
        assert_eq!(decided(&Heard::Taken(204), 9, 9), PushSettlement::Delivered);
    }
}
