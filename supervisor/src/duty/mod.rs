//! The long loop: reconcile, then wait for whatever comes first — the child ends, a look is due, a window opens, a
//! person says something, the machine goes down — act, report, and wait again.
//!
//! Start at [`Duty::run`]. One thing is done at a time in [`work`]: a look (may be dropped at any instant) or an
//! attempt (never is). What is done next is found in [`next`]; what a look leads to lies in [`after_look`], what is done
//! with what was here before us in [`take_over`], what a person says in [`command`]. The child is cared for in [`care`]
//! all the while: its restart waits for no look. Nothing here decides: [`due`], [`crashes`] and `update::compare` do.

mod after_look;
mod care;
pub mod command;
pub mod crashes;
pub mod due;
pub mod hold;
pub mod housekeeping;
mod next;
mod snapshot;
mod take_over;
mod work;

use std::time::Duration;

use efm::chain::Chain;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::ports::{Doors, Vault};
use crate::release::{Sha256, Version};
use crate::schedule::{Looked, Looks, Window, Windows};
use crate::update::{Outcome, Running, UpdateError, Verified, World, reconcile};
use after_look::Staged;
use command::{Answer, Asked, Command};
use crashes::Crashes;
pub use snapshot::{LookResult, Snapshot};
use take_over::TakeOver;

/// Expected of an upgrade until one was measured.
const EXPECTED_AT_FIRST: Duration = Duration::from_mins(2);

/// How a supervisor's day ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Asked to leave; the child goes on.
    ChildGoesOn,
    /// Asked to stop both; nothing runs.
    BothStopped,
    /// Settings are to be read again; the child goes on.
    Reload,
}

/// The supervisor on duty.
pub struct Duty<'w, D: Doors> {
    world: &'w World<D>,
    site: String,
    windows: Windows,
    looks: Looks,
    snapshot: watch::Sender<Snapshot>,

    running: Option<Running>,
    up: bool,
    silent_since: Option<Instant>,
    crashes: Crashes,
    pulse: Option<LocalBoxFuture<'w, care::Pulse>>,
    restart_at: Option<Instant>,
    /// What is to be started when nothing runs; none: the pointer, or nothing.
    bring_up: Option<Verified>,
    take_over: Option<TakeOver>,

    work: Option<work::Work<'w>>,
    /// A start of what should run; beside a look, which may take hours.
    starting: Option<work::Work<'w>>,
    staged: Option<Staged>,
    attempted: Option<(Option<Timestamp>, Sha256)>,
    looked: Option<Looked>,
    asked: Option<Asked>,
    expected: Duration,
    cleaned: Option<Instant>,
    reload: bool,
    longest_nap: Duration,
}

impl<'w, D: Doors> Duty<'w, D> {
    /// A supervisor that has not looked at anything yet. `site` is what makes this site unlike others.
    pub fn new(world: &'w World<D>, site: String, snapshot: watch::Sender<Snapshot>) -> Self {
        let schedule = &world.settings.schedule;
        Self {
            world,
            windows: Windows::of(schedule),
            looks: Looks::of(schedule, &site),
            site,
            snapshot,
            running: None,
            up: false,
            silent_since: None,
            crashes: Crashes::default(),
            pulse: None,
            restart_at: None,
            bring_up: None,
            take_over: None,
            work: None,
            starting: None,
            staged: None,
            attempted: None,
            looked: None,
            asked: None,
            expected: EXPECTED_AT_FIRST,
            cleaned: None,
            reload: false,
            longest_nap: next::LONGEST_NAP,
        }
    }

    /// The loop turns at least this often: whoever watches us must see that it does.
    #[must_use]
    pub fn napping_at_most(mut self, nap: Duration) -> Self {
        self.longest_nap = nap.min(next::LONGEST_NAP);
        self
    }

    /// Runs until asked to leave. Not cancel safe: an attempt in its course must be polled to its end.
    pub async fn run(mut self, commands: &mut mpsc::Receiver<Command>) -> Result<Ending, UpdateError> {
        tracing::info!(site = %self.site, "on duty");
        self.begin(reconcile::at_start(self.world).await?);
        loop {
            if self.reload && self.work.is_none() && self.starting.is_none() && self.asked.is_none() {
                return Ok(Ending::Reload);
            }
            self.arrange();
            self.publish();
            let nap = self.nap();
            let idle_enough_to_leave = self.may_leave();
            let nobody_waits = self.asked.is_none();
            let child = self.watched_child();
            tokio::select! {
                biased;
                done = work::done(&mut self.work) => {
                    self.work = None;
                    self.world.progress.send_replace(crate::update::Progress::Idle);
                    if let Some(ending) = self.after_work(done) {
                        return Ok(ending);
                    }
                }
                done = work::done(&mut self.starting) => {
                    self.starting = None;
                    if let work::Done::BroughtUp(result) = done {
                        self.after_bring_up(result);
                    }
                }
                exit = care::ended(self.world, child) => self.child_ended(exit),
                pulse = care::felt(&mut self.pulse) => self.feel(pulse),
                () = self.world.asked_to_leave(), if idle_enough_to_leave => {
                    self.say_goodbye();
                    return Ok(Ending::ChildGoesOn);
                }
                Some(command) = commands.recv(), if nobody_waits => {
                    if let Some(ending) = self.hear(command).await {
                        return Ok(ending);
                    }
                }
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// What reconcile found.
    fn begin(&mut self, found: reconcile::AtStart) {
        use reconcile::AtStart;
        match found {
            AtStart::Runs(running) => self.now_runs(running),
            AtStart::Start(verified) => {
                self.bring_up = Some(verified);
                self.restart_at = Some(Instant::now());
            }
            AtStart::GoOn(started) => self.work = Some(work::go_on(self.world, *started)),
            AtStart::RollBack(failed) => self.work = Some(work::roll_back(self.world, *failed)),
            AtStart::TakeOver(process) => {
                self.take_over = Some(TakeOver::now());
                self.now_runs(Running { process, stored: None });
            }
            AtStart::TakeOverJars(_) => self.take_over = Some(TakeOver::now()),
            AtStart::FirstInstall => tracing::info!("nothing is installed here yet: a first install comes"),
        }
    }

    /// What one thing that was done has led to.
    fn after_work(&mut self, done: work::Done) -> Option<Ending> {
        match done {
            work::Done::Looked(wish, result) => self.after_look(&wish, result),
            work::Done::OnlyTold(result) => self.after_telling(result),
            work::Done::TookOver(result) => self.after_take_over(result),
            work::Done::BroughtUp(_) | work::Done::Tidied => {}
            work::Done::Attempted(Outcome::Left) => {
                self.say_goodbye();
                return Some(Ending::ChildGoesOn);
            }
            work::Done::Attempted(outcome) => self.after_attempt(outcome),
        }
        None
    }

    fn after_attempt(&mut self, outcome: Outcome) {
        let staged = self.staged.take();
        self.bring_up = None;
        self.running = None;
        self.pulse = None;
        let answer = match outcome {
            Outcome::Committed { running, downtime } => {
                self.expected = downtime + self.world.settings.child.probation.min(Duration::from_mins(1));
                let version = running.stored.as_ref().map(|stored| stored.version().clone());
                self.take_over = None;
                self.now_runs(running);
                version.map(|version| Answer::Upgraded { version, downtime })
            }
            Outcome::RolledBack { running, why } => {
                self.now_runs(running);
                Some(Answer::RolledBack { why })
            }
            Outcome::NothingRuns { why } => {
                self.start_again_later();
                Some(Answer::NothingRuns { why })
            }
            Outcome::NotTouched { running, why } => {
                tracing::error!(error = %Chain(&why), "not upgraded, nothing was touched");
                if let Some(running) = running {
                    self.now_runs(running);
                }
                self.not_touched(staged, &why);
                if self.staged.is_none() && matches!(why.remedy(), crate::ports::Remedy::Retry(_)) {
                    // The next look stages it again, and this window may still do.
                    self.attempted = None;
                }
                Some(command::answer_to(&why))
            }
            Outcome::Left => None,
        };
        self.answer(answer.unwrap_or(Answer::Done));
    }

    /// A look may be dropped at any instant, an attempt at none; a watch ends by itself when asked to leave.
    fn may_leave(&self) -> bool {
        self.starting.is_none() && matches!(self.work, None | Some(work::Work::Look(_)))
    }

    fn say_goodbye(&self) {
        let pid = self.running.as_ref().map(|running| running.process.pid);
        tracing::info!(pid, "off duty; what runs goes on");
    }

    fn open_window(&self) -> Option<Window> {
        self.windows.open_at(self.world.clock.now())
    }

    /// The process whose end is waited for; while an attempt is under way it is the attempt that waits.
    fn watched_child(&self) -> Option<crate::ports::Process> {
        match (&self.work, &self.running) {
            (Some(work::Work::Attempt(_)), _) | (_, None) => None,
            (_, Some(running)) => Some(running.process.clone()),
        }
    }

    fn world_pointer_version(&self) -> Option<Version> {
        self.world.vault.pointer().ok().flatten().map(|pointer| pointer.tag.version().clone())
    }
}
