//! What keeps a staged version back, in words; how long it may; and what people are told about it.

use jiff::Timestamp;

use super::after_look::Staged;
use super::due::{Deferral, Due, WINDOWS_IN_VAIN, in_words};
use super::{Duty, hold};
use crate::config::settings::Mode;
use crate::ports::{Doors, Happening, state_folder};
use crate::update::compare::Wish;

impl<D: Doors> Duty<'_, D> {
    /// Tells once that nothing more is tried without a person.
    pub(super) fn tell_what_is_in_vain(&mut self, staged: &Staged) {
        let Some(tried) = self.waiting.tried.as_mut().filter(|tried| !tried.told) else { return };
        tried.told = true;
        let why = tried.why.clone().unwrap_or_else(|| "no supervisor lived to see why".to_owned());
        let version = staged.verified.stored().version();
        let reason = format!(
            "{version} could not be installed in {} windows, one after the other, and the release is not to blame: {why}. \
             This needs a person: mend it, and say: kosmos upgrade. Without a word it is tried again in a week",
            tried.windows
        );
        self.tell(Happening::Warning, Some(reason));
    }

    /// What a staged version waits for, in words.
    pub(super) fn waits_for(&self, staged: &Staged) -> String {
        let due = self.due(staged);
        let plain = in_words(&due);
        let why = self.waiting.tried.as_ref().and_then(|tried| tried.why.as_deref());
        let deferral = self.deferral().filter(|_| staged.wish == Wish::Newest);
        match (due, why, deferral) {
            (Due::NeedsAPerson, Some(why), _) => {
                format!("{plain}; in {WINDOWS_IN_VAIN} windows or more it failed: {why}")
            }
            (Due::OnHold | Due::WaitsForAPerson, _, Some(deferral)) => {
                let ends = self.local(deferral.ends);
                format!("{plain}; from {ends} on it is installed in the next window all the same")
            }
            _ if staged.in_spite_of.is_empty() => plain,
            _ => format!("{plain}; a person wants it although it failed in {}", staged.in_spite_of.join(", ")),
        }
    }

    /// How long what waits may be kept back; none: for ever, or nothing waits.
    pub(super) fn deferral(&self) -> Option<Deferral> {
        let schedule = &self.world.settings.schedule;
        let longest = schedule.longest_deferral.filter(|_| schedule.mode != Mode::Off)?;
        let behind = self.waiting.behind.as_ref()?;
        Some(Deferral::of(behind.since, longest, self.world.clock.now()))
    }

    /// Whether what waits has been kept back for too long.
    pub(super) fn is_overdue(&self) -> bool {
        self.deferral().is_some_and(|deferral| deferral.is_over(self.world.clock.now()))
    }

    /// Tells ahead that what is kept back will be installed; again each day, as the notices do with the same words.
    pub(super) fn tell_deferral(&self) {
        let now = self.world.clock.now();
        let Some((deferral, behind)) = self.deferral().zip(self.waiting.behind.as_ref()) else { return };
        let hold = hold::now_in_force(&state_folder(&self.world.settings.home), now);
        let by = match (hold, self.world.settings.schedule.mode) {
            (Some(hold), _) => format!("a hold ({})", hold.reason),
            (None, Mode::Stage) => "mode = \"stage\"".to_owned(),
            (None, Mode::Notify) => "mode = \"notify\"".to_owned(),
            (None, Mode::Auto | Mode::Off) => return,
        };
        if now < deferral.told_from {
            return;
        }
        let newest = self.staged.as_ref().map(|staged| staged.verified.stored().version().to_string());
        let version = newest.unwrap_or_else(|| behind.version.clone());
        let (since, ends) = (self.local(behind.since), self.local(deferral.ends));
        let reason = format!(
            "this site has put off what is newer since {since}, by {by}; longest_deferral is over at {ends}, and from then \
             on {version} is installed in the next window all the same. To choose the time: kosmos upgrade"
        );
        self.tell(Happening::Warning, Some(reason));
    }

    fn local(&self, moment: Timestamp) -> String {
        let zone = self.world.settings.schedule.timezone.clone();
        moment.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
    }
}
