//! The one thing that is being done: a look, a take-over, a start, an attempt, a tidying up.

use std::time::Duration;

use efm::chain::Chain;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::{Duty, housekeeping};
use crate::config::settings::Mode;
use crate::ports::{Child, Doors, Event, Happening, Named, Notice, Process, Vault, VaultError};
use crate::release::Version;
use crate::update::compare::Wish;
use crate::update::reconcile::{next_best, same_file};
use crate::update::roll_back::{self, Failed};
use crate::update::start::{self, Started};
use crate::update::{self, Outcome, Running, UpdateError, Verified, World, stop, verify, watch};

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
    OnlyTold(Result<Option<Version>, UpdateError>),
    /// Which version runs, as far as it says so; and what was taken over.
    TookOver(Option<Version>, Result<Option<Verified>, UpdateError>),
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

/// A look that is due by itself. What has waited too long is fetched though people only wanted to be told.
pub(super) fn look_by_itself<D: Doors>(world: &World<D>, overdue: bool) -> Work<'_> {
    if overdue || world.settings.schedule.mode != Mode::Notify {
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

impl<D: Doors> Duty<'_, D> {
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
}
