//! The one thing that is being done: a look, a take-over, a start, an attempt, a tidying up. And what each leads to.

use std::time::Duration;

use efm::chain::Chain;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::command::Answer;
use super::due::Due;
use super::{Duty, LookResult, Staged, housekeeping};
use crate::config::settings::Mode;
use crate::ports::{Child, Doors, Event, Happening, Named, Notice, Process, Remedy, SourceError, Vault, VaultError};
use crate::release::{Release, Tag};
use crate::schedule::Looked;
use crate::update::compare::{self, Refusal, Wish};
use crate::update::reconcile::{next_best, same_file};
use crate::update::roll_back::{self, Failed};
use crate::update::start::{self, Started};
use crate::update::{self, Outcome, Running, UpdateError, Verified, World, stop, take_over, verify, watch};

/// What is being done.
pub(super) enum Work<'w> {
    /// May be dropped at any instant.
    Look(LocalBoxFuture<'w, Done>),
    /// Is polled to its end.
    Attempt(LocalBoxFuture<'w, Done>),
    /// Is polled to its end.
    BringUp(LocalBoxFuture<'w, Done>),
    /// Is polled to its end: it removes files on another thread.
    Tidy(LocalBoxFuture<'w, Done>),
}

/// What was done.
pub(super) enum Done {
    Looked(Wish, Result<Option<Verified>, UpdateError>),
    /// Asked and compared, and nothing was fetched: no answer to a person who wants it installed.
    OnlyTold(Result<(), UpdateError>),
    TookOver(Result<Option<Verified>, UpdateError>),
    BroughtUp(Result<Option<Running>, UpdateError>),
    Attempted(Outcome),
    Tidied,
}

/// Resolves when the work is done; never if there is none.
pub(super) async fn done(work: &mut Option<Work<'_>>) -> Done {
    match work {
        Some(Work::Look(future) | Work::Attempt(future) | Work::BringUp(future) | Work::Tidy(future)) => future.await,
        None => std::future::pending().await,
    }
}

/// A look that is due by itself.
pub(super) fn look_by_itself<D: Doors>(world: &World<D>) -> Work<'_> {
    if world.settings.schedule.mode != Mode::Notify {
        return look(world, Wish::Newest);
    }
    Work::Look(Box::pin(async move { Done::OnlyTold(update::notify_only(world, &Wish::Newest).await) }))
}

pub(super) fn look<D: Doors>(world: &World<D>, wish: Wish) -> Work<'_> {
    Work::Look(Box::pin(async move {
        let found = update::look(world, &wish).await;
        Done::Looked(wish, found)
    }))
}

pub(super) fn attempt<D: Doors>(world: &World<D>, new: Verified, running: Option<Running>) -> Work<'_> {
    Work::Attempt(Box::pin(async move { Done::Attempted(update::attempt(world, new, running).await) }))
}

pub(super) fn go_on<D: Doors>(world: &World<D>, started: Started) -> Work<'_> {
    Work::Attempt(Box::pin(async move {
        let watched = watch::until_healthy(world, started).await;
        Done::Attempted(update::conclude(world, watched).await)
    }))
}

pub(super) fn roll_back<D: Doors>(world: &World<D>, failed: Failed) -> Work<'_> {
    Work::Attempt(Box::pin(async move { Done::Attempted(roll_back::to_previous(world, failed).await) }))
}

pub(super) fn tidy<'w, D: Doors>(world: &'w World<D>, running: Option<Running>, staged: Option<&Verified>) -> Work<'w> {
    let staged = staged.map(|staged| staged.stored().sha256);
    Work::Tidy(Box::pin(async move {
        housekeeping::all(world, running.as_ref(), staged).await;
        Done::Tidied
    }))
}

/// Starts what the pointer names. Bytes that are damaged are told, and the next best version is started.
pub(super) fn bring_up<D: Doors>(world: &World<D>, wanted: Option<Verified>) -> Work<'_> {
    Work::BringUp(Box::pin(async move { Done::BroughtUp(start_wanted(world, wanted).await) }))
}

async fn start_wanted<D: Doors>(world: &World<D>, wanted: Option<Verified>) -> Result<Option<Running>, UpdateError> {
    let pointer = match world.vault.pointer() {
        // What makes no sense in both its copies keeps nothing down; it is written anew from what is started.
        Err(VaultError::Corrupt { .. }) => None,
        read => read?,
    };
    let named = match &pointer {
        Some(pointer) => verify::lies_here(world, &pointer.sha256)?,
        None => None,
    };
    let wanted = match wanted.or(named) {
        Some(wanted) => wanted,
        // What was once committed here is gone: the next best of what is left is better than nothing.
        None if world.vault.floors().map_or(true, |floors| floors.version.is_some()) => {
            let Some(other) = next_best(world, pointer.as_ref()).await? else { return Ok(None) };
            other
        }
        None => return Ok(None),
    };
    if let Some(stray) = world.child.find(None).await? {
        return meet(world, stray, &wanted).await;
    }
    match start::again(world, &wanted).await {
        Ok(process) => {
            point_at_what_was_started(world, pointer.as_ref(), &wanted);
            Ok(Some(running(process, &wanted)))
        }
        Err(UpdateError::Vault(error @ crate::ports::VaultError::Changed { .. })) => {
            let Some(pointer) = pointer else { return Err(error.into()) };
            let reason = Chain(&error).to_string();
            world.notice.tell(Event { reason: Some(reason), ..Event::of(Happening::Warning) });
            let Some(other) = next_best(world, Some(&pointer)).await? else { return Err(error.into()) };
            let process = start::again(world, &other).await?;
            point_at_what_was_started(world, Some(&pointer), &other);
            Ok(Some(running(process, &other)))
        }
        Err(error) => Err(error),
    }
}

/// Something of this home runs though we thought that nothing did. Never a second one beside it: one of ours that is
/// not the wanted one is ended first, and what a person has started is left alone.
async fn meet<D: Doors>(world: &World<D>, stray: Process, wanted: &Verified) -> Result<Option<Running>, UpdateError> {
    let archive = stray.archive.clone().unwrap_or_default();
    if same_file(&archive, &wanted.stored().file) {
        return Ok(Some(running(stray, wanted)));
    }
    let versions = crate::ports::state_folder(&world.settings.home);
    if archive.starts_with(&versions) || versions.canonicalize().is_ok_and(|versions| archive.starts_with(versions)) {
        tracing::warn!(pid = stray.pid, archive = %archive.display(), "another version of ours still runs");
        stop::process_has_ended(world, &stray).await?;
        let process = start::again(world, wanted).await?;
        return Ok(Some(running(process, wanted)));
    }
    Ok(Some(Running { process: stray, stored: None }))
}

/// The next best that was started is what is pointed at from now on, or it would be taken for what we wanted, and what
/// was lost for what we have.
fn point_at_what_was_started<D: Doors>(world: &World<D>, pointer: Option<&Named>, started: &Verified) {
    if pointer.is_some_and(|pointer| pointer.sha256 == started.stored().sha256) {
        return;
    }
    if let Err(error) = world.vault.point_at(started.stored()) {
        tracing::warn!(error = %Chain(&error), "cannot point at what was started");
    }
}

fn running(process: Process, verified: &Verified) -> Running {
    Running { process, stored: Some(verified.stored().clone()) }
}

/// What KOSMOS or a person left: its archive is verified, moves into the vault and is pointed at. What runs goes on.
pub(super) fn take_over<D: Doors>(world: &World<D>, running: Option<Running>) -> Work<'_> {
    Work::Look(Box::pin(async move { Done::TookOver(take_over_now(world, running).await) }))
}

async fn take_over_now<D: Doors>(world: &World<D>, running: Option<Running>) -> Result<Option<Verified>, UpdateError> {
    let version = match &running {
        Some(running) => version_of(world, &running.process).await,
        None => None,
    };
    let mut last = None;
    for (tag, jar) in world.vault.jars_in_home()? {
        let is_what_runs = match &running {
            Some(running) => {
                running.process.archive.as_deref().is_some_and(|archive| same_file(archive, &jar))
                    || version.as_deref().is_some_and(|said| said == tag.version().to_string())
            }
            None => true,
        };
        if !is_what_runs {
            continue;
        }
        if running.is_none() && !may_be_started(world, &tag)? {
            continue;
        }
        match take_over::import(world, &tag, &jar).await {
            Ok(verified) => return Ok(Some(verified)),
            // What ran here last comes first: another one takes its place only if it is refused for good.
            Err(error) if error.remedy() != Remedy::GiveUp => return Err(error),
            Err(error) => {
                tracing::warn!(%tag, error = %Chain(&error), "cannot take over");
                last = Some(error);
            }
        }
    }
    last.map_or(Ok(None), Err)
}

/// KOSMOS' own markers, and what has run here since, count for a jar that would be started.
fn may_be_started<D: Doors>(world: &World<D>, tag: &Tag) -> Result<bool, UpdateError> {
    let blocked = world.vault.blocklisted(world.clock.now())?.iter().any(|(it, _)| it.version() == tag.version());
    let below = world.vault.floors()?.version.is_some_and(|floor| *tag.version() < floor);
    if blocked || below {
        tracing::info!(%tag, blocked, below, "a jar in the home folder is left alone");
    }
    Ok(!blocked && !below)
}

async fn version_of<D: Doors>(world: &World<D>, process: &Process) -> Option<String> {
    let said = world.child.examine(process).await.ok()?.version?;
    Some(said.strip_prefix('v').map_or(said.clone(), str::to_owned))
}

/// Takes back all that is held against a version; says against how many bytes it was.
pub fn forgive<D: Doors>(world: &World<D>, version: &crate::release::Version) -> Result<usize, VaultError> {
    let of_it: Vec<_> = world.vault.all_held()?.into_iter().filter(|(_, held)| held.version == *version).collect();
    for (bytes, _) in &of_it {
        world.vault.forgive(bytes)?;
    }
    if !of_it.is_empty() {
        let reason = Some(format!("{version} may be tried again"));
        world.notice.tell(Event { reason, ..Event::of(Happening::PersonDecided) });
    }
    Ok(of_it.len())
}

/// Why a staged version is not being installed.
pub(super) fn in_words(due: Due) -> &'static str {
    match due {
        Due::Now => "nothing",
        Due::WaitsForAPerson => "a person to say: kosmos upgrade",
        Due::OnHold => "the end of the hold",
        Due::WaitsForAWindow => "the next window",
        Due::TooLateInWindow => "the next window; this one closes too soon",
        Due::TriedInThisWindow => "the next window; it was tried in this one",
    }
}

/// What an error that touched nothing is to the one who asked.
pub(super) fn answer_to(error: &UpdateError) -> Answer {
    let why = Chain(error).to_string();
    match error {
        UpdateError::Policy(_) => Answer::RefusedByPolicy { why },
        UpdateError::Verification { .. } | UpdateError::Keys { .. } => Answer::RefusedByVerification { why },
        UpdateError::Source(_) => Answer::SourceUnreachable { why },
        UpdateError::Vault(_)
        | UpdateError::Child(_)
        | UpdateError::WillNotStop { .. }
        | UpdateError::PortTaken { .. } => Answer::Failed { why },
    }
}

impl<D: Doors> Duty<'_, D> {
    /// What a look has led to. One that was under way when a person asked for something else answers nobody.
    pub(super) fn after_look(&mut self, wish: &Wish, result: Result<Option<Verified>, UpdateError>) {
        if self.asked.as_ref().is_some_and(|asked| asked.wish != *wish) {
            return;
        }
        let now = self.world.clock.now();
        let text = match &result {
            Ok(Some(verified)) => format!("{} is verified and staged", verified.stored().version()),
            Ok(None) => "nothing newer".to_owned(),
            Err(error) => Chain(error).to_string(),
        };
        let reached = !matches!(&result, Err(UpdateError::Source(_)));
        self.note_look(LookResult { at: now, reached, text });
        match result {
            Ok(Some(verified)) => self.stage(verified, wish),
            Ok(None) => {
                self.looked = Some(Looked::well(now));
                if self.asked.is_some() || !self.a_person_waits_for_a_window() {
                    self.staged = None;
                }
                self.up_to_date();
            }
            Err(error) => self.look_failed(&error),
        }
    }

    pub(super) fn after_telling(&mut self, result: Result<(), UpdateError>) {
        let now = self.world.clock.now();
        let reached = !matches!(&result, Err(UpdateError::Source(_)));
        let text = result.as_ref().map_or_else(|error| Chain(error).to_string(), |()| "asked and compared".to_owned());
        self.note_look(LookResult { at: now, reached, text });
        match result {
            Ok(()) => self.looked = Some(Looked::well(now)),
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
        let in_window = matches!(self.attempted, Some((Some(_), _)));
        if staged.by_person && in_window && self.asked.is_none() && why.remedy() != Remedy::GiveUp {
            self.staged = Some(staged);
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
        let staged = Staged { verified, wish: wish.clone(), by_person };
        if let Some(asked) = &mut self.asked {
            asked.found = true;
        }
        if self.asked.as_ref().is_some_and(|asked| !asked.now) {
            let waits_for = in_words(self.due(&staged)).to_owned();
            self.answer(Answer::Staged { version, waits_for });
        }
        self.staged = Some(staged);
    }

    pub(super) fn look_failed(&mut self, error: &UpdateError) {
        self.note_failure(error);
        if error.remedy() == Remedy::CallAPerson {
            self.tell(Happening::Warning, Some(format!("no release can be fetched: {}", Chain(error))));
        }
        self.drop_what_is_refused(error);
        if matches!(error, UpdateError::Source(_)) && self.staged.is_none() && self.asked.is_none() {
            self.staged = self.what_waits_in_the_vault();
        }
        self.answer(answer_to(error));
    }

    /// A version that was imported, or staged before a restart, waits though the source cannot be reached.
    fn what_waits_in_the_vault(&self) -> Option<Staged> {
        let all = self.world.vault.all_stored().ok()?;
        all.iter().find_map(|stored| {
            let release = Release { tag: stored.tag.clone() };
            let upgrade = compare::with_what_is_here(self.world, release, &Wish::Newest).ok()??;
            if upgrade.given_up_bytes(&stored.sha256).is_some() {
                return None;
            }
            let verified = verify::lies_here(self.world, &stored.sha256).ok()??;
            Some(Staged { verified, wish: Wish::Newest, by_person: false })
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

    fn tell_refusal(&mut self, error: &UpdateError, text: &str) {
        if let UpdateError::Verification { tag, .. } = error
            && let Ok(tag) = tag.parse::<crate::release::Tag>()
        {
            self.tell(Happening::Refused { version: tag.version().clone() }, Some(text.to_owned()));
        }
    }

    pub(super) fn after_take_over(&mut self, result: Result<Option<Verified>, UpdateError>) {
        match result {
            Ok(Some(verified)) => self.took_over(&verified),
            // No jar, or none that says it is what runs: nothing can be taken over, but what runs goes on.
            Ok(None) => {
                if self.running.is_some() {
                    tracing::warn!(
                        "what runs came from an archive that is not in the home folder; it goes on as it is"
                    );
                }
                self.take_over = None;
            }
            Err(error) => {
                let text = format!("not taken over yet: {}", Chain(&error));
                tracing::warn!(%text, "take over");
                self.tell_refusal(&error, &text);
                self.tell(Happening::Warning, Some(text));
                let may_pass = matches!(error.remedy(), Remedy::Retry(_) | Remedy::CallAPerson);
                self.take_over = self.take_over.filter(|_| may_pass).map(super::TakeOver::again);
            }
        }
    }

    fn took_over(&mut self, verified: &Verified) {
        let stored = verified.stored().clone();
        if let Err(error) = self.world.vault.point_at(&stored).and_then(|()| self.world.vault.raise_floors(&stored)) {
            tracing::error!(error = %Chain(&error), "cannot point at what was taken over");
            self.take_over = self.take_over.map(super::TakeOver::again);
            return;
        }
        self.take_over = None;
        tracing::info!(version = %stored.version(), "took over");
        let version = stored.version().to_string();
        let pid = self.running.as_ref().map(|running| running.process.pid);
        self.tell(Happening::Adopted { version, pid }, None);
        if let Some(running) = &mut self.running {
            running.stored = Some(stored);
            // No archive: it is not started from where the vault has it, but the pointer speaks of it from now on.
            let process = Process { archive: None, ..running.process.clone() };
            if let Err(error) = self.world.vault.remember_child(Some(&process)) {
                tracing::warn!(error = %Chain(&error), "cannot remember the process");
            }
            // Its version is known now: whether it is up is asked at once.
            self.pulse = None;
        } else {
            self.bring_up = Some(verified.clone());
            self.restart_at = Some(Instant::now());
        }
    }

    pub(super) fn after_bring_up(&mut self, result: Result<Option<Running>, UpdateError>) {
        match result {
            Ok(Some(running)) => {
                self.now_runs(running);
            }
            // Nothing is here that could be started; a take-over that has ended meanwhile may say otherwise.
            Ok(None) => {}
            Err(error) => {
                tracing::error!(error = %Chain(&error), "cannot start");
                let after = self.crashes.ended(Instant::now());
                self.restart_at = Some(Instant::now() + after.pause.max(Duration::from_secs(1)));
                if after.loop_began {
                    self.tell_loop(&Chain(&error).to_string());
                }
            }
        }
    }

    pub(super) fn tell(&self, what: Happening, reason: Option<String>) {
        self.world.notice.tell(Event { reason, ..Event::of(what) });
    }

    fn note_look(&self, look: LookResult) {
        tracing::debug!(result = %look.text, "looked");
        housekeeping::remember_look(self.world, &look);
        self.snapshot.send_modify(|seen| seen.last_look = Some(look));
    }
}
