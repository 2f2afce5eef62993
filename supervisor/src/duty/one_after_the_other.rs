//! Where one supervisor keeps several homes: an attempt waits for its turn, and what failed in one home is not installed
//! by itself in the others.
//!
//! A person who says `kosmos upgrade` says it of what has failed by then. What fails elsewhere after that, they could not
//! know: it stops this home too, until they say it again.

use super::Duty;
use super::after_look::Staged;
use super::command::Answer;
use super::due::Due;
use crate::ports::{Doors, Happening, Vault};
use crate::release::Sha256;
use crate::siblings::Failure;
use crate::update::Progress;

impl<D: Doors> Duty<'_, D> {
    /// What is due, if it is this home's turn. Otherwise it asks for its turn, or no longer does.
    pub(super) fn if_it_is_its_turn(&mut self, staged: Option<Staged>) -> Option<Staged> {
        let Some(staged) = staged else {
            self.place.withdraw();
            return None;
        };
        let said_now = self.asked.as_ref().is_some_and(|asked| asked.now);
        let mut due = self.due(&staged);
        if matches!(due, Due::Now | Due::WaitsForItsTurn(_)) {
            self.place.ask(said_now);
            due = self.due(&staged);
        } else {
            self.place.withdraw();
        }
        match due {
            Due::Now => return Some(staged),
            Due::WaitsForItsTurn(waits_for) if said_now => {
                self.world.progress.send_replace(Progress::Waiting(waits_for));
            }
            Due::FailedElsewhere(failure) => self.stop_here(&staged, failure),
            Due::WaitsForItsTurn(_)
            | Due::WaitsForAPerson
            | Due::OnHold
            | Due::WaitsForAWindow
            | Due::TooLateInWindow
            | Due::TriedInThisWindow
            | Due::SettingsAreWrong
            | Due::StoppedInThisWindow(_) => {}
            Due::NeedsAPerson => self.tell_what_is_in_vain(&staged),
        }
        None
    }

    /// The first home in which it failed, but for those of which the person who asked for it knew.
    pub(super) fn failed_elsewhere(&self, staged: &Staged) -> Option<Failure> {
        let failures = self.place.failures_of(&staged.verified.stored().sha256);
        failures.into_iter().find(|failure| !staged.in_spite_of.contains(&failure.home))
    }

    /// The homes in which these bytes have failed by now.
    pub(super) fn failed_by_now(&self, bytes: &Sha256) -> Vec<String> {
        self.place.failures_of(bytes).into_iter().map(|failure| failure.home).collect()
    }

    fn stop_here(&mut self, staged: &Staged, failure: Failure) {
        let what = (staged.verified.stored().sha256, failure.clone());
        let is_news = self.stopped_by.replace(what.clone()) != Some(what);
        if !is_news && self.asked.is_none() {
            return;
        }
        let version = staged.verified.stored().version().clone();
        let why = format!(
            "{version} is not installed here by itself: it failed in {}: {}; a person can say here: kosmos upgrade, or \
             there: kosmos forgive {version}",
            failure.home, failure.reason
        );
        self.tell(Happening::FailedElsewhere { version, home: failure.home }, Some(why.clone()));
        if let Some(staged) = &mut self.staged {
            staged.by_person = false;
        }
        if self.asked.is_some() {
            self.world.progress.send_replace(Progress::Idle);
            self.answer(Answer::RefusedByPolicy { why });
        }
    }

    /// An attempt has failed and was rolled back. Where the release is to blame that is written down and counts in the
    /// other homes; where not, they leave this window alone.
    pub(super) fn note_failed_attempt(&self) {
        let bytes = self.waiting.tried.as_ref().map(|tried| tried.sha256);
        let held = bytes.and_then(|bytes| self.world.vault.held_against(&bytes).ok().flatten());
        if held.is_none_or(|held| held.given_up.is_none()) {
            self.place.note_failure(self.world.clock.now());
        }
    }
}
