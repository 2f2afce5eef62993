//! The long loop: reconcile, then wait for whatever comes first — the child ends, a look is due, a window opens, a
//! person says something, the machine goes down — act, report, and wait again.
//!
//! Start at [`Duty::run`]. One thing is done at a time in [`work`]: a look (may be dropped at any instant) or an
//! attempt (never is). The child is cared for in [`care`] all the while: its restart waits for no look. Nothing here decides: [`due`], [`crashes`]
//! and `update::compare` do.

mod care;
pub mod command;
pub mod crashes;
pub mod due;
pub mod hold;
pub mod housekeeping;
pub mod work;

use std::time::Duration;

use efm::chain::Chain;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::ports::{Doors, Vault};
use crate::release::{Sha256, Version};
use crate::schedule::{Looked, Looks, Window, Windows};
use crate::update::compare::{self, Wish};
use crate::update::{Outcome, Running, UpdateError, Verified, World, reconcile};
use command::{Answer, Command};
use crashes::Crashes;

/// A suspended machine and a clock that was set are noticed after at most so long.
const LONGEST_NAP: Duration = Duration::from_mins(1);
/// So often an upgrade waits for it.
const TAKE_OVER_TRIES: u32 = 10;
/// Expected of an upgrade until one was measured.
const EXPECTED_AT_FIRST: Duration = Duration::from_mins(2);

/// The pauses between tries to take over what was here before us.
const FIRST_TAKE_OVER_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_TAKE_OVER_PAUSE: Duration = Duration::from_mins(15);

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

/// What those who ask for the status are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What runs.
    pub running: Option<Running>,
    /// Whether it was seen healthy since its start.
    pub up: bool,
    /// What its own word is: red components, or why there is no answer.
    pub trouble: Option<String>,
    /// How often it has ended without a steady time since.
    pub crashes: u32,
    /// What is staged, and what it waits for.
    pub staged: Option<(Version, String)>,
    /// The last look.
    pub last_look: Option<LookResult>,
    /// The next one.
    pub next_look: Option<Timestamp>,
    /// The window that is open, or the next one.
    pub window: Option<Window>,
    /// Asked to stop both; the loop does not turn any more.
    pub leaving: bool,
}

/// How a look ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookResult {
    /// When.
    pub at: Timestamp,
    /// Whether the source answered.
    pub reached: bool,
    /// In words.
    pub text: String,
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

/// What was here before us is to be taken over.
#[derive(Clone, Copy, Debug)]
struct TakeOver {
    at: Instant,
    pause: Duration,
    tries: u32,
}

impl TakeOver {
    fn now() -> Self {
        Self { at: Instant::now(), pause: FIRST_TAKE_OVER_PAUSE, tries: 0 }
    }

    /// It could not be verified yet: the source may be away, or a key file missing.
    fn again(self) -> Self {
        let pause = (self.pause * 2).min(LONGEST_TAKE_OVER_PAUSE);
        Self { at: Instant::now() + self.pause, pause, tries: self.tries.saturating_add(1) }
    }

    /// Without it there is no way back from an upgrade; but a release whose signature is gone for ever keeps a site on
    /// an old version for no longer than about an hour.
    fn is_worth_waiting_for(self) -> bool {
        self.tries < TAKE_OVER_TRIES
    }
}

/// A verified version that waits to be installed.
#[derive(Clone)]
struct Staged {
    verified: Verified,
    /// What it is the answer to; asked again before it is installed.
    wish: Wish,
    /// A person asked for it: it is installed in the next window whatever the mode is, and no look by itself takes its
    /// place.
    by_person: bool,
}

/// A person who waits for an answer about an upgrade.
struct Asked {
    wish: Wish,
    now: bool,
    /// A look has found what they want; it is staged.
    found: bool,
    reply: oneshot::Sender<Answer>,
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
            longest_nap: LONGEST_NAP,
        }
    }

    /// The loop turns at least this often: whoever watches us must see that it does.
    #[must_use]
    pub fn napping_at_most(mut self, nap: Duration) -> Self {
        self.longest_nap = nap.min(LONGEST_NAP);
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

    /// Starts what is due, if nothing else is being done.
    fn arrange(&mut self) {
        if *self.world.leave.borrow() {
            // What is under way is ended; nothing is begun any more.
            return;
        }
        if self.may_start() && self.restart_at.is_some_and(|at| at <= Instant::now()) {
            self.restart_at = None;
            self.starting = Some(work::bring_up(self.world, self.bring_up.clone()));
        }
        if self.work.is_none() && self.starting.is_none() {
            self.work = self.next_work();
        }
        self.take_pulse();
    }

    /// Whether what should run may be started: a look is no hindrance, what moves versions about is.
    fn may_start(&self) -> bool {
        let attempting = matches!(self.work, Some(work::Work::Attempt(_)));
        self.running.is_none() && self.starting.is_none() && !attempting
    }

    fn next_work(&mut self) -> Option<work::Work<'w>> {
        let now = Instant::now();
        let is_dirty = self.cleaned.is_none_or(|at| now.duration_since(at) >= housekeeping::EACH);
        let has_looked = self.looked.is_some() || self.looks.next(None, self.world.clock.now()).is_none();
        if is_dirty && has_looked && self.asked.is_none() {
            self.cleaned = Some(now);
            return Some(work::tidy(self.world, self.running.clone(), self.staged.as_ref().map(|it| &it.verified)));
        }
        if let Some(asked) = &self.asked
            && !asked.found
        {
            return Some(work::look(self.world, asked.wish.clone()));
        }
        // What is here already comes before what may be installed: it may be the way back.
        if self.take_over.is_some_and(|take_over| take_over.at <= now) {
            return Some(work::take_over(self.world, self.running.clone()));
        }
        let said_now = self.asked.as_ref().is_some_and(|asked| asked.now);
        let way_back_first = self.take_over.is_some_and(TakeOver::is_worth_waiting_for) && !said_now;
        if let Some(staged) = self.staged.clone()
            && !way_back_first
            && self.due(&staged) == due::Due::Now
        {
            return self.attempt(staged);
        }
        let moment = self.world.clock.now();
        let due = self.looks.next(self.looked.as_ref(), moment)?;
        if due > moment {
            return None;
        }
        self.looked = Some(Looked { at: moment, ..self.looked.unwrap_or_else(|| Looked::well(due)) });
        Some(work::look_by_itself(self.world))
    }

    fn attempt(&mut self, Staged { verified, wish, .. }: Staged) -> Option<work::Work<'w>> {
        match compare::still(self.world, &verified, &wish) {
            Ok(true) => {
                self.attempted = Some((self.open_window().map(|window| window.opens), verified.stored().sha256));
                // What is felt of the old version from now on is the attempt's own doing.
                self.pulse = None;
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
                Some(work::answer_to(&why))
            }
            Outcome::Left => None,
        };
        self.answer(answer.unwrap_or(Answer::Done));
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(asked) = self.asked.take() {
            // The one who asked may have gone; then nobody needs to know.
            let _ = asked.reply.send(answer);
        }
    }

    async fn hear(&mut self, command: Command) -> Option<Ending> {
        match command {
            Command::Upgrade { wish, now, reply } => {
                tracing::info!(?wish, now, "asked to upgrade");
                self.asked = Some(Asked { wish, now, found: false, reply });
                None
            }
            Command::Forgive { version, reply } => {
                let answer = match work::forgive(self.world, &version) {
                    Ok(count) => Answer::Forgiven(count),
                    Err(error) => Answer::Failed { why: Chain(&error).to_string() },
                };
                let _ = reply.send(answer);
                self.looked = None;
                None
            }
            Command::Reload(reply) => {
                // When what is being done is done.
                let _ = reply.send(Answer::Done);
                self.reload = true;
                None
            }
            Command::StopBoth(reply) => self.stop_both(reply).await,
        }
    }

    async fn stop_both(&mut self, reply: oneshot::Sender<Answer>) -> Option<Ending> {
        if !self.may_leave() {
            let _ = reply.send(Answer::Failed { why: "an upgrade is under way; stop after it".to_owned() });
            return None;
        }
        self.work = None;
        self.snapshot.send_modify(|seen| seen.leaving = true);
        if let Some(running) = self.running.take()
            && let Err(error) = crate::update::stop::process_has_ended(self.world, &running.process).await
        {
            let _ = reply.send(Answer::Failed { why: Chain(&error).to_string() });
            self.snapshot.send_modify(|seen| seen.leaving = false);
            self.now_runs(running);
            return None;
        }
        let _ = reply.send(Answer::Done);
        Some(Ending::BothStopped)
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

    fn due(&self, staged: &Staged) -> due::Due {
        let now = self.world.clock.now();
        let window = self.open_window();
        let attempted_in = match &self.attempted {
            Some((opened, sha256)) if *sha256 == staged.verified.stored().sha256 => *opened,
            Some(_) | None => None,
        };
        let state = crate::ports::state_folder(&self.world.settings.home);
        let situation = due::Situation {
            mode: self.world.settings.schedule.mode,
            window,
            attempted_in,
            installed: self.running.is_some()
                || self.restart_at.is_some()
                || self.starting.is_some()
                || self.take_over.is_some()
                || self.is_installed(),
            on_hold: hold::now_in_force(&state, now).is_some(),
            said_now: self.asked.as_ref().is_some_and(|asked| asked.now && asked.found),
            said_in_window: staged.by_person,
            expected: self.expected,
        };
        due::decide(&situation, now)
    }

    /// Whether there is anything that an upgrade would disturb. What cannot be read is not "nothing": then nothing is
    /// installed outside a window.
    fn is_installed(&self) -> bool {
        match self.world.vault.pointer() {
            Ok(None) => false,
            Ok(Some(pointer)) => !matches!(self.world.vault.stored(&pointer.sha256), Ok(None)),
            Err(_) => true,
        }
    }

    /// Until the next moment that matters.
    fn nap(&self) -> Duration {
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
        }
        nap.max(Duration::from_millis(1))
    }

    fn publish(&self) {
        let now = self.world.clock.now();
        self.snapshot.send_modify(|seen| {
            seen.running.clone_from(&self.running);
            seen.crashes = self.crashes.count();
            seen.staged = self.staged.as_ref().map(|staged| {
                (staged.verified.stored().version().clone(), work::in_words(self.due(staged)).to_owned())
            });
            seen.next_look = self.looks.next(self.looked.as_ref(), now);
            seen.window = self.windows.open_or_next(now);
        });
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
