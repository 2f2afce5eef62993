//! What a look leads to: a version is staged, what was staged is dropped, a person is answered, a failure is told.

use efm::chain::Chain;
use tokio::time::Instant;

use super::command::{Answer, answer_to};
use super::due::Due;
use super::{Duty, LookResult, housekeeping};
use crate::ports::{Doors, Happening, Remedy, SourceError, Vault};
use crate::release::{Release, Version};
use crate::schedule::Looked;
use crate::update::compare::{self, Refusal, Wish};
use crate::update::{UpdateError, Verified, verify};

/// What somebody can do who asks for the next window while a person holds everything.
const OUT_OF_HOLD: &str = "before that: kosmos hold --end, or kosmos upgrade --now";

/// A verified version that waits to be installed.
#[derive(Clone)]
pub(super) struct Staged {
    pub(super) verified: Verified,
    /// What it is the answer to; asked again before it is installed.
    pub(super) wish: Wish,
    /// A person asked for it: it is installed in the next window whatever the mode is, and no look by itself takes its
    /// place.
    pub(super) by_person: bool,
    /// The homes of this supervisor in which it had failed when that person asked.
    pub(super) in_spite_of: Vec<String>,
}

impl<D: Doors> Duty<'_, D> {
    /// What a look has led to. One that was under way when a person asked for something else answers nobody.
    pub(super) fn after_look(&mut self, wish: &Wish, result: Result<Option<Verified>, UpdateError>) {
        if self.asked.as_ref().is_some_and(|asked| asked.wish != *wish) {
            return;
        }
        let result = match result {
            Ok(Some(verified)) => match self.older_than_what_runs(&verified, wish) {
                Some(refusal) => Err(refusal.into()),
                None => Ok(Some(verified)),
            },
            result => result,
        };
        let now = self.world.clock.now();
        let text = match &result {
            Ok(Some(verified)) => format!("found {}, and verified it", verified.stored().version()),
            Ok(None) => "nothing newer".to_owned(),
            Err(error) => Chain(error).to_string(),
        };
        let reached = !matches!(&result, Err(UpdateError::Source(_)));
        self.note_look(LookResult { at: now, reached, text });
        match result {
            Ok(Some(verified)) => self.stage(verified, wish),
            Ok(None) => {
                self.looked = Some(Looked::well(now));
                if *wish == Wish::Newest {
                    self.waiting.behind = None;
                }
                if self.asked.is_some() || !self.a_person_waits_for_a_window() {
                    self.staged = None;
                }
                self.up_to_date();
            }
            Err(error) => self.look_failed(&error),
        }
    }

    pub(super) fn after_telling(&mut self, result: Result<Option<Version>, UpdateError>) {
        let now = self.world.clock.now();
        let reached = !matches!(&result, Err(UpdateError::Source(_)));
        let text = result.as_ref().map_or_else(|error| Chain(error).to_string(), |_| "asked and compared".to_owned());
        self.note_look(LookResult { at: now, reached, text });
        match result {
            Ok(newer) => {
                self.looked = Some(Looked::well(now));
                match newer {
                    Some(version) => self.waiting.is_behind(&version, now),
                    None => self.waiting.behind = None,
                }
            }
            Err(error) => self.note_failure(&error),
        }
    }

    pub(super) fn up_to_date(&mut self) {
        let version = self.running.as_ref().and_then(|running| running.stored.as_ref());
        let version = version.map(|stored| stored.version().clone());
        self.answer(Answer::UpToDate { version });
    }

    /// What a person asked for and was promised for the next window is not taken back by a look that comes by itself.
    fn a_person_waits_for_a_window(&self) -> bool {
        self.staged.as_ref().is_some_and(|staged| staged.by_person)
    }

    /// Bytes that are pointed at and were gone, and now are back.
    fn is_what_should_run(&self, verified: &Verified) -> bool {
        let pointer = self.world.vault.pointer();
        let is_pointed_at = pointer.is_ok_and(|it| it.is_some_and(|it| it.sha256 == verified.stored().sha256));
        is_pointed_at && self.running.is_none()
    }

    /// Nothing was touched, and a person is told why. What a person asked for is tried again in the next window, unless
    /// it will not pass.
    pub(super) fn not_touched(&mut self, staged: Option<Staged>, why: &UpdateError) {
        let Some(staged) = staged else { return };
        let version = staged.verified.stored().version();
        let reason = format!("{version} was not installed, and nothing was touched: {}", Chain(why));
        self.tell(Happening::Warning, Some(reason));
        // Without a window it would be tried again at once.
        let in_window = self.waiting.tried.as_ref().is_some_and(|tried| tried.window.is_some());
        if staged.by_person && in_window && self.asked.is_none() && why.remedy() != Remedy::GiveUp {
            self.staged = Some(staged);
        }
    }

    /// What was given up waits no more; what comes after it begins to wait when it comes.
    pub(super) fn forget_what_is_given_up(&mut self, staged: Option<&Staged>) {
        let held = staged.and_then(|it| self.world.vault.held_against(&it.verified.stored().sha256).ok().flatten());
        if held.is_some_and(|held| held.given_up.is_some()) {
            self.waiting.behind = None;
        }
    }

    fn stage(&mut self, verified: Verified, wish: &Wish) {
        self.looked = Some(Looked::well(self.world.clock.now()));
        let by_person = self.asked.is_some();
        if !by_person && self.a_person_waits_for_a_window() {
            return;
        }
        let version = verified.stored().version().clone();
        let is_news =
            self.staged.as_ref().is_none_or(|staged| staged.verified.stored().sha256 != verified.stored().sha256);
        if is_news {
            let signer = verified.stored().signer.clone();
            self.tell(Happening::Staged { version: version.clone(), signer }, None);
        }
        if self.is_what_should_run(&verified) {
            self.bring_up = Some(verified);
            self.restart_at = Some(Instant::now());
            return self.up_to_date();
        }
        if let Some(asked) = &mut self.asked {
            asked.found = true;
        }
        if *wish == Wish::Newest {
            self.waiting.is_behind(&version, self.world.clock.now());
        }
        let in_spite_of = if by_person { self.failed_by_now(&verified.stored().sha256) } else { Vec::new() };
        let staged = Staged { verified, wish: wish.clone(), by_person, in_spite_of };
        if by_person {
            self.waiting.begin_anew();
        }
        let waits_for = self.waits_for(&staged);
        let is_on_hold = self.due(&staged) == Due::OnHold;
        self.staged = Some(staged);
        if self.asked.as_ref().is_some_and(|asked| !asked.now) {
            // A promise is kept by the next supervisor too, so it is written down before it is given.
            let lost = if self.write_down() { "" } else { "; this could not be written down: a restart forgets it" };
            self.answer(if is_on_hold {
                let why = format!("{version} is verified and staged; it waits for {waits_for}{lost}; {OUT_OF_HOLD}");
                Answer::RefusedByPolicy { why }
            } else {
                Answer::Staged { version, waits_for: format!("{waits_for}{lost}") }
            });
        }
    }

    pub(super) fn look_failed(&mut self, error: &UpdateError) {
        self.note_failure(error);
        if error.remedy() == Remedy::CallAPerson {
            self.tell(Happening::Warning, Some(format!("no release can be fetched: {}", Chain(error))));
        }
        self.drop_what_is_refused(error);
        if matches!(error, UpdateError::Source(_)) && self.staged.is_none() && self.asked.is_none() {
            self.staged = self.what_waits_in_the_vault();
            if let Some(staged) = &self.staged {
                let version = staged.verified.stored().version().clone();
                self.waiting.is_behind(&version, self.world.clock.now());
            }
        }
        self.answer(answer_to(error));
    }

    /// A version that was imported, or staged before a restart, waits though the source cannot be reached.
    fn what_waits_in_the_vault(&self) -> Option<Staged> {
        let all = self.world.vault.all_stored().ok()?;
        all.iter().find_map(|stored| {
            let release = Release { tag: stored.tag.clone() };
            let upgrade = compare::with_what_is_here(self.world, release, &Wish::Newest).ok()??;
            let is_too_old = upgrade.is_too_old(stored.built, stored.signed).is_some();
            if is_too_old || upgrade.given_up_bytes(&stored.sha256).is_some() {
                return None;
            }
            let verified = verify::lies_here(self.world, &stored.sha256).ok()??;
            if self.older_than_what_runs(&verified, &Wish::Newest).is_some() {
                return None;
            }
            Some(Staged { verified, wish: Wish::Newest, by_person: false, in_spite_of: Vec::new() })
        })
    }

    /// What was staged and is now refused (its key was revoked, a marker was put there, the list went back) is not
    /// installed. What a person asked for is held to the rules once more before it is installed; until then only a
    /// verdict about that very version counts.
    fn drop_what_is_refused(&mut self, error: &UpdateError) {
        let Some(staged) = &self.staged else { return };
        let version = staged.verified.stored().version();
        let speaks_of_it = match error {
            UpdateError::Policy(_) | UpdateError::Keys { .. } => !staged.by_person,
            UpdateError::Verification { tag, .. } => {
                !staged.by_person || tag.parse::<crate::release::Tag>().is_ok_and(|tag| tag.version() == version)
            }
            UpdateError::Source(_)
            | UpdateError::Vault(_)
            | UpdateError::Child(_)
            | UpdateError::WillNotStop { .. }
            | UpdateError::PortTaken { .. } => false,
        };
        if speaks_of_it {
            tracing::warn!(%version, "no longer staged");
            self.staged = None;
        }
    }

    fn note_failure(&mut self, error: &UpdateError) {
        let failures = self.looked.map_or(0, |looked| looked.failures).saturating_add(1);
        let retry_after = match error.remedy() {
            Remedy::Retry(after) => after,
            Remedy::GiveUp | Remedy::CallAPerson => None,
        };
        // What was refused stays refused until the source changes: no need to knock more often.
        let failures = if matches!(error, UpdateError::Source(_)) { failures } else { 0 };
        self.looked = Some(Looked { at: self.world.clock.now(), failures, retry_after });
        if matches!(error, UpdateError::Policy(Refusal::GivenUp { .. })) {
            self.waiting.behind = None;
        }
        let text = Chain(error).to_string();
        let is_daily_life = matches!(
            error,
            UpdateError::Source(SourceError::NotPublished { .. })
                | UpdateError::Policy(Refusal::GivenUp { .. } | Refusal::Older { .. })
        );
        if is_daily_life {
            tracing::info!(%text, "look");
        } else {
            tracing::warn!(%text, "look");
        }
        self.tell_refusal(error, &text);
    }

    pub(super) fn tell_refusal(&mut self, error: &UpdateError, text: &str) {
        if let UpdateError::Verification { tag, .. } = error
            && let Ok(tag) = tag.parse::<crate::release::Tag>()
        {
            self.tell(Happening::Refused { version: tag.version().clone() }, Some(text.to_owned()));
        }
    }

    fn note_look(&self, look: LookResult) {
        tracing::debug!(result = %look.text, "looked");
        housekeeping::remember_look(self.world, &look);
        self.snapshot.send_modify(|seen| seen.last_look = Some(look));
    }
}
