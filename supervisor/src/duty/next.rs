//! What is to be done next, and how long nothing is.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::after_look::Staged;
use super::take_over::{self, TakeOver};
use super::{Duty, due, hold, housekeeping, work};
use crate::ports::{Doors, Happening, Vault};
use crate::schedule::Looked;
use crate::update::compare::{self, Wish};

/// A suspended machine and a clock that was set are noticed after at most so long.
pub(super) const LONGEST_NAP: Duration = Duration::from_mins(1);

impl<'w, D: Doors> Duty<'w, D> {
    /// Starts what is due, if nothing else is being done.
    pub(super) fn arrange(&mut self) {
        if *self.world.leave.borrow() {
            // What is under way is ended; nothing is begun any more.
            self.place.withdraw();
            return;
        }
        if self.may_start() && self.restart_at.is_some_and(|at| at <= Instant::now()) {
            self.restart_at = None;
            self.starting = Some(work::bring_up(self.world, self.bring_up.clone()));
        }
        if self.work.is_none() && self.starting.is_none() {
            self.work = self.next_work();
        }
        if self.work.is_some() || self.starting.is_some() {
            // Whoever has something else to do holds nobody up.
            self.place.withdraw();
        }
        self.take_pulse();
    }

    /// Whether what should run may be started: a look is no hindrance, what moves versions about is.
    pub(super) fn may_start(&self) -> bool {
        let attempting = matches!(self.work, Some(work::Work::Attempt(_)));
        self.running.is_none() && self.starting.is_none() && !attempting
    }

    pub(super) fn next_work(&mut self) -> Option<work::Work<'w>> {
        let now = Instant::now();
        let is_dirty = self.cleaned.is_none_or(|at| now.duration_since(at) >= housekeeping::EACH);
        let has_looked = self.looked.is_some() || self.looks.next(None, self.world.clock.now()).is_none();
        if is_dirty && has_looked && self.asked.is_none() {
            self.cleaned = Some(now);
            self.tell_wrong_settings();
            self.tell_deferral();
            return Some(work::tidy(self.world, self.running.clone(), self.staged.as_ref().map(|it| &it.verified)));
        }
        if let Some(asked) = &self.asked
            && !asked.found
        {
            return Some(work::look(self.world, asked.wish.clone()));
        }
        // What is here already comes before what may be installed: it may be the way back.
        if self.take_over.is_some_and(|take_over| take_over.at <= now) {
            return Some(take_over::what_was_here(self.world, self.running.clone()));
        }
        let said_now = self.asked.as_ref().is_some_and(|asked| asked.now);
        let way_back_first = self.take_over.is_some_and(TakeOver::is_worth_waiting_for) && !said_now;
        let staged = self.staged.clone().filter(|_| !way_back_first);
        if let Some(staged) = self.if_it_is_its_turn(staged) {
            return self.attempt(staged);
        }
        let moment = self.world.clock.now();
        let due = self.looks.next(self.looked.as_ref(), moment)?;
        if due > moment {
            return None;
        }
        self.looked = Some(Looked { at: moment, ..self.looked.unwrap_or_else(|| Looked::well(due)) });
        Some(work::look_by_itself(self.world, self.is_overdue()))
    }

    pub(super) fn attempt(&mut self, Staged { verified, wish, .. }: Staged) -> Option<work::Work<'w>> {
        match compare::still(self.world, &verified, &wish) {
            Ok(true) => {
                self.waiting.try_now(verified.stored().sha256, self.open_window(), self.world.clock.now());
                // What is felt of the old version from now on is the attempt's own doing.
                self.pulse = None;
                self.turn = Some(self.place.take());
                Some(work::attempt(self.world, verified, self.running.clone()))
            }
            Ok(false) => {
                self.staged = None;
                self.up_to_date();
                None
            }
            Err(error) => {
                self.staged = None;
                self.look_failed(&error);
                None
            }
        }
    }

    pub(super) fn due(&self, staged: &Staged) -> due::Due {
        let now = self.world.clock.now();
        let window = self.open_window();
        let state = crate::ports::state_folder(&self.world.settings.home);
        let situation = due::Situation {
            mode: self.world.settings.schedule.mode,
            window,
            attempted_in: self.waiting.tried_in(&staged.verified.stored().sha256),
            in_vain: self.waiting.in_vain(&staged.verified.stored().sha256),
            installed: self.running.is_some()
                || self.restart_at.is_some()
                || self.starting.is_some()
                || self.take_over.is_some()
                || self.is_installed(),
            overdue: staged.wish == Wish::Newest && self.is_overdue(),
            on_hold: hold::now_in_force(&state, now).is_some(),
            wrong_settings: self.wrong_settings.is_some(),
            said_now: self.asked.as_ref().is_some_and(|asked| asked.now && asked.found),
            said_in_window: staged.by_person,
            expected: self.expected,
            failed_elsewhere: self.failed_elsewhere(staged),
            stopped_by: self.place.failed_last(),
            turn_waits_for: self.place.waits_for(),
        };
        due::decide(&situation, now)
    }

    /// Whether there is anything that an upgrade would disturb. What cannot be read is not "nothing": then nothing is
    /// installed outside a window.
    pub(super) fn is_installed(&self) -> bool {
        match self.world.vault.pointer() {
            Ok(None) => false,
            Ok(Some(pointer)) => !matches!(self.world.vault.stored(&pointer.sha256), Ok(None)),
            Err(_) => true,
        }
    }

    /// Told again each day, as the notices do with the same words.
    fn tell_wrong_settings(&self) {
        let Some(wrong) = &self.wrong_settings else { return };
        let problems: Vec<&str> = wrong.lines().map(str::trim).collect();
        let reason = format!(
            "the settings are wrong; what runs is kept running with the last good ones, and nothing new is installed until they are right: {}",
            problems.join("; ")
        );
        self.tell(Happening::Warning, Some(reason));
    }

    /// Until the next moment that matters.
    pub(super) fn nap(&self) -> Duration {
        let now = self.world.clock.now();
        let until = |moment: Timestamp| Duration::try_from(now.duration_until(moment)).unwrap_or_default();
        let mut nap = self.longest_nap;
        if self.may_start()
            && let Some(at) = self.restart_at
        {
            nap = nap.min(at.saturating_duration_since(Instant::now()));
        }
        if self.work.is_none() && self.starting.is_none() {
            if let Some(take_over) = self.take_over {
                nap = nap.min(take_over.at.saturating_duration_since(Instant::now()));
            }
            if let Some(look) = self.looks.next(self.looked.as_ref(), now) {
                nap = nap.min(until(look));
            }
            if self.staged.is_some()
                && let Some(window) = self.windows.next_opening(now)
            {
                nap = nap.min(until(window));
            }
            if let Some(settled) = self.place.settles_at() {
                nap = nap.min(settled.saturating_duration_since(Instant::now()));
            }
        }
        nap.max(Duration::from_millis(1))
    }
}
