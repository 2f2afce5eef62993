//! Whether a staged version is to be installed now. Values only.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::settings::Mode;
use crate::schedule::Window;
use crate::siblings::Failure;

/// What the decision is made from.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, read once")]
pub struct Situation {
    /// What was set.
    pub mode: Mode,
    /// The window that is open, if one is.
    pub window: Option<Window>,
    /// When the window opened in which the last attempt was made.
    pub attempted_in: Option<Timestamp>,
    /// The tries of these very bytes that have failed without any fault of theirs.
    pub in_vain: InVain,
    /// Whether anything is installed.
    pub installed: bool,
    /// Whether it has waited for longer than `longest_deferral`.
    pub overdue: bool,
    /// Whether a person holds upgrades.
    pub on_hold: bool,
    /// Whether the settings that are set are wrong, and older ones are in force.
    pub wrong_settings: bool,
    /// Whether a person said "now".
    pub said_now: bool,
    /// Whether a person asked for it in the next window.
    pub said_in_window: bool,
    /// How long an upgrade is expected to take.
    pub expected: Duration,
    /// It failed in another home of this supervisor, and no person has said since that it may come here all the same.
    pub failed_elsewhere: Option<Failure>,
    /// In which other home an attempt failed last for which no release is to blame, and when.
    pub stopped_by: Option<(String, Timestamp)>,
    /// What is waited for while it is another home's turn.
    pub turn_waits_for: Option<String>,
}

/// Tries in windows that came one after the other, each of which failed for a reason that says nothing about the release:
/// a full disk, a process that cannot be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InVain {
    /// In how many windows.
    pub windows: u32,
    /// The last of them.
    pub last: Option<Timestamp>,
}

/// So many windows are enough to know that this machine does not mend itself.
pub const WINDOWS_IN_VAIN: u32 = 5;
/// After that long it may have been mended all the same, and nobody has said so.
pub const TRIED_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A last try that lies further ahead than this says that the clock was set back, and counts for nothing.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

impl InVain {
    /// Whether a person must look at this machine before it is tried again.
    pub fn needs_a_person(&self, now: Timestamp) -> bool {
        let since = self.last.map(|last| last.duration_until(now));
        self.windows >= WINDOWS_IN_VAIN && since.is_some_and(|since| since < TRIED_AGAIN_AFTER && since >= -CLOCK_SLACK)
    }
}

/// Install now, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now.
    Now,
    /// The settings say that a person decides.
    WaitsForAPerson,
    /// On hold.
    OnHold,
    /// No window is open.
    WaitsForAWindow,
    /// The window closes before it would be done.
    TooLateInWindow,
    /// It was tried in this window already.
    TriedInThisWindow,
    /// It failed in another home: a person decides.
    FailedElsewhere(Failure),
    /// An attempt failed in this other home, though no release is to blame: none is begun in this window.
    StoppedInThisWindow(String),
    /// All would be well, but it is another home's turn.
    WaitsForItsTurn(String),
    /// The machine has been in the way in too many windows.
    NeedsAPerson,
    /// Nobody knows what a person wants now.
    SettingsAreWrong,
}

/// The decision.
pub fn decide(at: &Situation, now: Timestamp) -> Due {
    if at.wrong_settings {
        return Due::SettingsAreWrong;
    }
    if at.on_hold && !at.said_now && !at.overdue {
        return Due::OnHold;
    }
    // Not even what is overdue: it is known to fail.
    if let Some(failure) = &at.failed_elsewhere {
        return Due::FailedElsewhere(failure.clone());
    }
    let why_not = if at.said_now { None } else { why_not_by_itself(at, now) };
    let turn = || at.turn_waits_for.clone().map(Due::WaitsForItsTurn);
    why_not.or_else(turn).unwrap_or(Due::Now)
}

fn why_not_by_itself(at: &Situation, now: Timestamp) -> Option<Due> {
    let waits_for_a_word = at.mode != Mode::Auto && !at.said_in_window;
    match at.mode {
        Mode::Auto => {}
        Mode::Stage | Mode::Notify | Mode::Off if at.said_in_window => {}
        Mode::Stage | Mode::Notify if at.overdue => {}
        Mode::Stage | Mode::Notify | Mode::Off => return Some(Due::WaitsForAPerson),
    }
    // A first install disturbs nothing and is tried for as long as it takes.
    if at.installed && at.in_vain.needs_a_person(now) {
        return Some(Due::NeedsAPerson);
    }
    let Some(window) = &at.window else {
        // A first install does not wait: there is nothing to disturb.
        let is_kept_back = at.on_hold || waits_for_a_word || at.stopped_by.is_some();
        return (at.installed || is_kept_back).then_some(Due::WaitsForAWindow);
    };
    if at.attempted_in == Some(window.opens) {
        return Some(Due::TriedInThisWindow);
    }
    if let Some((home, failed)) = &at.stopped_by
        && window.opens <= *failed
    {
        return Some(Due::StoppedInThisWindow(home.clone()));
    }
    if at.installed && !crate::schedule::enough_time_left(window, now, at.expected) {
        return Some(Due::TooLateInWindow);
    }
    None
}

/// How long a newer version may be kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// From then on it is installed in the next window whatever keeps it back.
    pub ends: Timestamp,
    /// From then on people are told.
    pub told_from: Timestamp,
}

/// People are told so long ahead, or for half of the time where that is less.
const TOLD_AHEAD: Duration = Duration::from_hours(3 * 24);

impl Deferral {
    /// Of what has waited since then. A beginning that lies ahead says that the clock was set back: it begins now.
    pub fn of(since: Timestamp, longest: Duration, now: Timestamp) -> Self {
        let ends = since.min(now).checked_add(longest).unwrap_or(Timestamp::MAX);
        let ahead = TOLD_AHEAD.min(longest / 2);
        Self { ends, told_from: ends.checked_sub(ahead).unwrap_or(Timestamp::MIN) }
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends
    }
}

/// Why a staged version is not being installed.
pub(super) fn in_words(due: &Due) -> String {
    let text = match due {
        Due::Now => "nothing",
        Due::WaitsForAPerson => "a person to say: kosmos upgrade",
        Due::OnHold => "the end of the hold",
        Due::WaitsForAWindow => "the next window",
        Due::TooLateInWindow => "the next window; this one closes too soon",
        Due::TriedInThisWindow => "the next window; it was tried in this one",
        Due::SettingsAreWrong => "the settings to be mended: kosmos config check",
        Due::NeedsAPerson => "a person to mend this machine and say: kosmos upgrade",
        Due::FailedElsewhere(Failure { home, reason }) => {
            return format!("a person to say: kosmos upgrade; it failed in {home}: {reason}");
        }
        Due::StoppedInThisWindow(home) => return format!("the next window; in this one an upgrade failed in {home}"),
        Due::WaitsForItsTurn(waits_for) => waits_for,
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn situation() -> Situation {
        Situation {
            mode: Mode::Auto,
            window: Some(Window { opens: at(0), closes: at(3600) }),
            attempted_in: None,
            in_vain: InVain::default(),
            installed: true,
            overdue: false,
            on_hold: false,
            wrong_settings: false,
            said_now: false,
            said_in_window: false,
            expected: Duration::from_mins(2),
            failed_elsewhere: None,
            stopped_by: None,
            turn_waits_for: None,
        }
    }

    #[test]
    fn an_upgrade_waits_for_a_window_and_a_first_install_does_not() {
        assert_eq!(decide(&situation(), at(10)), Due::Now);
        let closed = Situation { window: None, ..situation() };
        assert_eq!(decide(&closed, at(10)), Due::WaitsForAWindow);
        assert_eq!(decide(&Situation { installed: false, ..closed }, at(10)), Due::Now);
    }

    #[test]
    fn a_window_sees_one_attempt() {
        let tried = Situation { attempted_in: Some(at(0)), ..situation() };
        assert_eq!(decide(&tried, at(10)), Due::TriedInThisWindow);
        assert_eq!(decide(&Situation { attempted_in: Some(at(-86_400)), ..situation() }, at(10)), Due::Now);
    }

    #[test]
    fn nothing_begins_that_would_not_end_in_the_window() {
        assert_eq!(decide(&situation(), at(3590)), Due::TooLateInWindow);
    }

    #[test]
    fn a_person_who_says_now_is_obeyed_and_a_hold_holds_everything_else() {
        let held = Situation { on_hold: true, ..situation() };
        assert_eq!(decide(&held, at(10)), Due::OnHold);
        assert_eq!(decide(&Situation { said_now: true, window: None, ..held }, at(10)), Due::Now);
    }

    #[test]
    fn after_five_windows_in_vain_a_person_is_needed_for_a_week() {
        let week = TRIED_AGAIN_AFTER.as_secs();
        let window = Some(Window { opens: at(week), closes: at(week + 3600) });
        let vain =
            |windows, last| Situation { in_vain: InVain { windows, last: Some(at(last)) }, window, ..situation() };
        assert_eq!(decide(&vain(4, week), at(week + 5)), Due::Now);
        assert_eq!(decide(&vain(5, week), at(week + 5)), Due::NeedsAPerson);
        assert_eq!(decide(&vain(5, 5), at(week + 4)), Due::NeedsAPerson);
        assert_eq!(decide(&vain(5, 5), at(week + 5)), Due::Now);
        assert_eq!(decide(&vain(6, week), at(week + 5)), Due::NeedsAPerson, "the try after a week was in vain, too");
        assert_eq!(decide(&vain(5, week + 7200), at(week + 5)), Due::Now, "the clock was set back");
        assert_eq!(decide(&Situation { said_now: true, ..vain(5, week) }, at(week + 5)), Due::Now);
        assert_eq!(decide(&Situation { installed: false, ..vain(5, week) }, at(week + 5)), Due::Now);
    }

    #[test]
    fn what_has_waited_too_long_is_installed_in_a_window_and_never_outside_of_one() {
        for kept_back in [
            Situation { mode: Mode::Stage, ..situation() },
            Situation { mode: Mode::Notify, ..situation() },
            Situation { on_hold: true, ..situation() },
            Situation { on_hold: true, mode: Mode::Stage, ..situation() },
        ] {
            assert!(matches!(decide(&kept_back, at(10)), Due::WaitsForAPerson | Due::OnHold));
            let overdue = Situation { overdue: true, ..kept_back };
            assert_eq!(decide(&overdue, at(10)), Due::Now);
            assert_eq!(decide(&overdue, at(3590)), Due::TooLateInWindow);
            let tried = Situation { attempted_in: Some(at(0)), ..overdue.clone() };
            assert_eq!(decide(&tried, at(10)), Due::TriedInThisWindow);
            let closed = Situation { window: None, ..overdue };
            assert_eq!(decide(&closed, at(10)), Due::WaitsForAWindow);
            assert_eq!(decide(&Situation { installed: false, ..closed }, at(10)), Due::WaitsForAWindow);
        }
        let off = Situation { mode: Mode::Off, overdue: true, ..situation() };
        assert_eq!(decide(&off, at(10)), Due::WaitsForAPerson);
    }

    #[test]
    fn a_deferral_ends_after_its_time_and_is_told_three_days_ahead_or_half_of_it() {
        let day = 86_400;
        let two_weeks = Deferral::of(at(0), Duration::from_hours(14 * 24), at(5));
        assert_eq!(two_weeks, Deferral { ends: at(14 * day), told_from: at(11 * day) });
        assert!(two_weeks.is_over(at(14 * day)) && !two_weeks.is_over(at(14 * day - 1)));
        assert_eq!(Deferral::of(at(0), Duration::from_hours(24), at(5)).told_from, at(day / 2));
        assert_eq!(Deferral::of(at(99), Duration::from_hours(1), at(5)).ends, at(3605), "the clock was set back");
    }

    #[test]
    fn nothing_is_installed_under_wrong_settings_whoever_asks() {
        let wrong = Situation { wrong_settings: true, said_now: true, said_in_window: true, ..situation() };
        assert_eq!(decide(&wrong, at(10)), Due::SettingsAreWrong);
        assert_eq!(decide(&Situation { installed: false, ..wrong }, at(10)), Due::SettingsAreWrong);
    }

    #[test]
    fn stage_means_that_a_person_says_when() {
        let staged = Situation { mode: Mode::Stage, ..situation() };
        assert_eq!(decide(&staged, at(10)), Due::WaitsForAPerson);
        assert_eq!(decide(&Situation { said_in_window: true, ..staged.clone() }, at(10)), Due::Now);
        assert_eq!(decide(&Situation { said_in_window: true, window: None, ..staged }, at(10)), Due::WaitsForAWindow);
    }

    fn failure() -> Failure {
        Failure { home: "/srv/a".to_owned(), reason: "it crashed".to_owned() }
    }

    #[test]
    fn what_failed_in_another_home_waits_for_a_person_also_where_nothing_is_installed_and_outside_windows() {
        let failed = Situation { failed_elsewhere: Some(failure()), ..situation() };
        let expected = Due::FailedElsewhere(failure());
        assert_eq!(decide(&failed, at(10)), expected);
        assert_eq!(decide(&Situation { window: None, installed: false, ..failed.clone() }, at(10)), expected);
        // A person's word from before the failure does not count: whoever asks knows only of what has failed by then.
        assert_eq!(decide(&Situation { said_now: true, ..failed.clone() }, at(10)), expected);
        assert_eq!(in_words(&expected), "a person to say: kosmos upgrade; it failed in /srv/a: it crashed");
        assert_eq!(decide(&Situation { on_hold: true, ..failed }, at(10)), Due::OnHold);
    }

    #[test]
    fn a_failure_of_the_machine_stops_the_windows_that_were_open_then_and_no_later_one() {
        let stopped = |seconds| Situation { stopped_by: Some(("/srv/a".to_owned(), at(seconds))), ..situation() };
        assert_eq!(decide(&stopped(5), at(10)), Due::StoppedInThisWindow("/srv/a".to_owned()));
        assert_eq!(decide(&stopped(-5), at(10)), Due::Now);
        assert_eq!(decide(&Situation { said_now: true, ..stopped(5) }, at(10)), Due::Now);
        let first = Situation { installed: false, window: None, ..stopped(5) };
        assert_eq!(decide(&first, at(10)), Due::WaitsForAWindow, "a first install waits for a window then");
    }

    #[test]
    fn one_waits_for_its_turn_when_nothing_else_is_in_the_way_and_so_does_one_that_a_person_wants_now() {
        let second = Situation { turn_waits_for: Some("its turn".to_owned()), ..situation() };
        assert_eq!(decide(&second, at(10)), Due::WaitsForItsTurn("its turn".to_owned()));
        assert_eq!(decide(&Situation { window: None, ..second.clone() }, at(10)), Due::WaitsForAWindow);
        let wanted_now = Situation { said_now: true, window: None, ..second };
        assert_eq!(decide(&wanted_now, at(10)), Due::WaitsForItsTurn("its turn".to_owned()));
    }
}
