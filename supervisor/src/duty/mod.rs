//! The long loop: reconcile, then wait for whatever comes first — the child ends, a look is due, a window opens, a
//! person says something, the machine goes down — act, report, and wait again.
//!
//! Start at [`Duty::run`]. One thing is done at a time in [`work`]: a look (may be dropped at any instant) or an
//! attempt (never is). What is done next is found in [`next`]; what a look leads to lies in [`after_look`], what is done
//! with what was here before us in [`take_over`], what a person says in [`command`], what a restart must not forget in
//! [`waiting`]. The child is cared for in [`care`] all the while: its restart waits for no look, and for no other home.
//! Where several homes are kept by one supervisor, attempts come [`one_after_the_other`]. Nothing here decides:
//! [`due`], [`crashes`] and `update::compare` do.

mod after_look;
mod care;
pub mod command;
pub mod crashes;
pub mod due;
pub mod hold;
pub mod housekeeping;
mod kept_back;
mod next;
mod one_after_the_other;
mod snapshot;
mod take_over;
pub mod waiting;
mod work;

use std::time::Duration;

use efm::chain::Chain;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::ports::{Doors, Vault};
use crate::release::{Sha256, Version};
use crate::schedule::{Looked, Looks, Window, Windows};
use crate::siblings::{Failure, Place, Turn};
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
    /// Among the other homes of this supervisor.
    place: Place,
    /// While an attempt is under way.
    turn: Option<Turn>,
    /// What was stopped here last because it failed elsewhere, as it was told.
    stopped_by: Option<(Sha256, Failure)>,
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
    waiting: waiting::Waiting,
    /// What of it lies on the disk.
    written: waiting::Waiting,
    looked: Option<Looked>,
    asked: Option<Asked>,
    expected: Duration,
    cleaned: Option<Instant>,
    reload: bool,
    /// What is wrong with the settings that are set; the ones that we have are older.
    wrong_settings: Option<String>,
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
            place: Place::alone(),
            turn: None,
            stopped_by: None,
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
            waiting: waiting::Waiting::default(),
            written: waiting::Waiting::default(),
            looked: None,
            asked: None,
            expected: EXPECTED_AT_FIRST,
            cleaned: None,
            reload: false,
            wrong_settings: None,
            longest_nap: next::LONGEST_NAP,
        }
    }

    /// One of several homes that are upgraded one after the other.
    #[must_use]
    pub fn among(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The settings that are set are wrong, and ours are the last good ones: what runs is kept running, and nothing new
    /// is installed.
    #[must_use]
    pub fn under_wrong_settings(self, wrong: Option<&str>) -> Self {
        Self { wrong_settings: wrong.map(str::to_owned), ..self }
    }

    /// The loop turns at least this often: whoever watches us must see that it does.
    #[must_use]
    pub fn napping_at_most(self, nap: Duration) -> Self {
        Self { longest_nap: nap.min(next::LONGEST_NAP), ..self }
    }

    /// Runs until asked to leave. Not cancel safe: an attempt in its course must be polled to its end.
    pub async fn run(mut self, commands: &mut mpsc::Receiver<Command>) -> Result<Ending, UpdateError> {
        tracing::info!(site = %self.site, "on duty");
        self.begin(reconcile::at_start(self.world).await?);
        self.recall();
        loop {
            if self.reload && self.work.is_none() && self.starting.is_none() && self.asked.is_none() {
                return Ok(Ending::Reload);
            }
            self.arrange();
            // Before what was arranged is begun.
            self.write_down();
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
                () = self.place.changed() => {}
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
            // What an earlier supervisor began waits for nobody.
            AtStart::GoOn(started) => {
                self.turn = Some(self.place.take());
                self.work = Some(work::go_on(self.world, *started));
            }
            AtStart::RollBack(failed) => {
                self.turn = Some(self.place.take());
                self.work = Some(work::roll_back(self.world, *failed));
            }
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
            work::Done::TookOver(seen, result) => self.after_take_over(seen, result),
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
                self.waiting = waiting::Waiting::default();
                self.now_runs(running);
                version.map(|version| Answer::Upgraded { version, downtime })
            }
            Outcome::RolledBack { running, why } => {
                self.note_failed_attempt();
                self.waiting.failed(&why);
                self.forget_what_is_given_up(staged.as_ref());
                self.now_runs(running);
                Some(Answer::RolledBack { why })
            }
            Outcome::NothingRuns { why } => {
                self.note_failed_attempt();
                self.waiting.failed(&why);
                self.forget_what_is_given_up(staged.as_ref());
                self.start_again_later();
                if matches!(self.world.vault.pointer(), Ok(None)) {
                    // What ran before us was never verified. It is the way back as soon as it can be.
                    self.take_over = Some(TakeOver::now());
                }
                Some(Answer::NothingRuns { why })
            }
            Outcome::NotTouched { running, why } => {
                tracing::error!(error = %Chain(&why), "not upgraded, nothing was touched");
                self.waiting.failed(&Chain(&why).to_string());
                if let Some(running) = running {
                    self.now_runs(running);
                }
                self.not_touched(staged, &why);
                if self.staged.is_none() && matches!(why.remedy(), crate::ports::Remedy::Retry(_)) {
                    // The next look stages it again, and this window may still do.
                    self.waiting.may_try_once_more();
                }
                Some(command::answer_to(&why))
            }
            Outcome::Left => None,
        };
        // Only now: what failed is known to the next one.
        self.turn = None;
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
