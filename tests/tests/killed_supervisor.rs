//! The supervisor is killed at two hundred instants of upgrades and roll-backs, with real processes. After each restart
//! a verified version runs, only one, it is what the pointer names, and nothing is left lying about.
//!
//! Start at [`a_supervisor_that_is_killed_at_any_instant_leaves_a_verified_version_running`]. Half of the kills come at
//! an instant of the whole upgrade, the other half at an instant of a step that is waited for, since most steps are
//! short. `KOSMOS_KILL_SEED` repeats the choices of an earlier run; the instants are as exact as the machine is.

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use outside_world::site::{Site, is_at_rest, pause};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How often a supervisor is killed.
const KILLS: u32 = 200;
/// So many at the same time: most of the time they wait.
const SITES: u64 = 8;
/// After a restart a verified version must be up, with no trial open, within this; on a machine that does much else.
const BOUND: Duration = Duration::from_secs(25);
/// So many of the steps must have been hit.
const STEPS_AT_LEAST: usize = 8;

/// The exit code of an upgrade that was rolled back.
const ROLLED_BACK: i32 = 20;

/// A way to behave, how often it comes, and the exit code of `upgrade --now` that is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    name: &'static str,
    behaviour: &'static str,
    exit: i32,
}

const KINDS: [Kind; 8] = [
    Kind { name: "good", behaviour: "writes=integrasjonspunkt.mv.db", exit: 0 },
    Kind { name: "good, slow", behaviour: "start=slow:200", exit: 0 },
    Kind { name: "good, ignores the stop", behaviour: "stop=ignore", exit: 0 },
    Kind { name: "crashes", behaviour: "start=crash", exit: ROLLED_BACK },
    Kind { name: "never up", behaviour: "start=never", exit: ROLLED_BACK },
    Kind { name: "dies in its probation", behaviour: "crash.after=250", exit: ROLLED_BACK },
    Kind { name: "says that it is another", behaviour: "info.version=0.0.1", exit: ROLLED_BACK },
    Kind { name: "forged", behaviour: "", exit: 22 },
];

/// Where the supervisor is, as its log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Reconcile,
    Find,
    Fetch,
    Verify,
    Prepare,
    Stop,
    BackUp,
    Start,
    Watch,
    Commit,
    RollBack,
    AtRest,
}

/// Those that a kill waits for in half of the cases.
const AIMED_AT: [Step; 10] = [
    Step::Find,
    Step::Fetch,
    Step::Verify,
    Step::Prepare,
    Step::Stop,
    Step::BackUp,
    Step::Start,
    Step::Watch,
    Step::Commit,
    Step::RollBack,
];

/// Reads a log as it grows.
#[derive(Default)]
struct Reader {
    read: usize,
    step: Option<Step>,
    since: Option<jiff::Timestamp>,
    /// How long each step took when it was not cut short.
    took: Vec<(Step, Duration)>,
}

impl Reader {
    /// Where it is now.
    fn step(&mut self, site: &Site) -> Step {
        let log = site.log();
        let new = &log[self.read..];
        let whole = new.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole;
        for line in new[..whole].lines() {
            self.hear(line);
        }
        self.step.unwrap_or(Step::Reconcile)
    }

    fn hear(&mut self, line: &str) {
        let Some((time, rest)) = line.split_once(' ') else { return };
        let Some((_, says)) = rest.trim_start().split_once(' ') else { return };
        let now = self.step.unwrap_or(Step::Reconcile);
        let Some(next) = Self::next(now, says.trim_start()).filter(|next| *next != now) else { return };
        let at: Option<jiff::Timestamp> = time.parse().ok();
        if let Some((from, to)) = self.since.zip(at)
            && next != Step::Reconcile
        {
            self.took.push((now, Duration::try_from(from.duration_until(to)).unwrap_or_default()));
        }
        (self.step, self.since) = (Some(next), at);
    }

    fn next(now: Step, says: &str) -> Option<Step> {
        const SAYS: [(&str, Step); 17] = [
            ("on duty", Step::Reconcile),
            ("asked to upgrade", Step::Find),
            ("found ", Step::Fetch),
            ("downloaded ", Step::Verify),
            ("verified ", Step::Prepare),
            ("stop pid", Step::Stop),
            ("back up ", Step::BackUp),
            ("started ", Step::Start),
            ("up version", Step::Watch),
            ("held ", Step::Commit),
            ("settled", Step::AtRest),
            ("failed, roll back", Step::RollBack),
            ("rolled back", Step::AtRest),
            ("looked", Step::AtRest),
            ("not upgraded", Step::AtRest),
            ("a trial is open", Step::Reconcile),
            ("the integration point is up", Step::AtRest),
        ];
        let (_, next) = SAYS.iter().find(|(begins, _)| says.starts_with(begins))?;
        // A roll-back stops and starts, too; and a start outside an upgrade is part of what is done there.
        let looked = says.starts_with("looked");
        let passes = (now == Step::RollBack && matches!(next, Step::Stop | Step::Start))
            || (matches!(now, Step::Reconcile | Step::AtRest) && *next == Step::Start)
            // A look that was asked for ends where the upgrade goes on.
            || (now == Step::Prepare && looked);
        let plans = [("plan=GoOn", Step::Start), ("plan=RollBack", Step::RollBack), ("plan=Finish", Step::Commit)];
        let plan = plans.iter().find(|(plan, _)| says.contains(plan));
        (!passes).then(|| plan.map_or(*next, |(_, step)| *step))
    }
}

/// One site in the torture.
struct Bench {
    site: Site,
    reader: Reader,
    rng: StdRng,
    number: u32,
    forged: BTreeSet<String>,
}

/// What was measured before.
struct Measured {
    whole: BTreeMap<Kind, Duration>,
    steps: BTreeMap<Step, Duration>,
}

/// What came of it.
#[derive(Default)]
struct Tally {
    hit: BTreeMap<Step, u32>,
    kinds: BTreeMap<&'static str, u32>,
    with_child: u32,
    rested: Vec<Duration>,
    left_alone: u32,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut bench = Self {
            site: Site::new(),
            reader: Reader::default(),
            rng: StdRng::seed_from_u64(seed),
            number: 0,
            forged: BTreeSet::new(),
        };
        bench.publish(KINDS[0]);
        std::fs::create_dir(bench.site.home().join("messages")).unwrap();
        for number in 0..20 {
            bench.site.write(&format!("messages/{number}"), &"m".repeat(2000));
        }
        bench.site.start();
        bench.site.until("it answers", |status| status["supervisor"].is_object());
        bench.site.upgrade_now(0);
        bench.site.until("the first install", is_at_rest);
        bench
    }

    fn publish(&mut self, kind: Kind) {
        self.number += 1;
        let version = format!("1.0.{}", self.number);
        if kind.name == "forged" {
            self.forged.insert(self.site.publish_forged(&version));
        } else {
            self.site.publish(&version, kind.behaviour);
        }
    }

    /// How long an upgrade to it takes when nobody is killed.
    fn measure(&mut self, kind: Kind) -> Duration {
        self.publish(kind);
        self.reader.step(&self.site);
        let began = Instant::now();
        self.site.upgrade_now(kind.exit);
        let took = began.elapsed();
        self.site.until("at rest", is_at_rest);
        self.reader.step(&self.site);
        took
    }

    /// One kill, or none when the upgrade was over before.
    fn torture(&mut self, measured: &Measured, tally: &Mutex<Tally>) -> bool {
        let kind = self.any_kind();
        self.publish(kind);
        self.reader.step(&self.site);
        let mut asked = self.site.begin(&["upgrade", "--now"]);
        if self.rng.random_bool(0.5) {
            pause(measured.whole[&kind].mul_f64(self.rng.random()));
        } else {
            let aim = self.aim(kind);
            while self.reader.step(&self.site) != aim && !asked.has_ended() {
                pause(Duration::from_micros(500));
            }
            let length = measured.steps.get(&aim).copied().unwrap_or(Duration::from_millis(10));
            pause(length.mul_f64(self.rng.random()));
        }
        if asked.has_ended() {
            let said = asked.end();
            assert_eq!(said.code, Some(kind.exit), "{}: {said:#?}\n{}", kind.name, self.site.log());
            tally.lock().unwrap().left_alone += 1;
            self.rests(tally);
            return false;
        }
        self.kill(kind, tally);
        let said = asked.end();
        // 30: the supervisor was dead before it could be asked. Or it had answered, and was killed right after.
        let told = said.code == Some(1) && said.err.contains("it ended before it answered");
        assert!(told || said.code == Some(30) || said.code == Some(kind.exit), "{said:?}");
        self.site.start();
        // Now and then also while the next one puts things right.
        if self.rng.random_bool(0.2) {
            pause(Duration::from_millis(self.rng.random_range(0..500)));
            self.kill(kind, tally);
            self.site.start();
        }
        self.rests(tally);
        true
    }

    /// The way back is short and only some come there: half of those are hit on it.
    fn aim(&mut self, kind: Kind) -> Step {
        if kind.exit == ROLLED_BACK && self.rng.random_bool(0.5) {
            return Step::RollBack;
        }
        AIMED_AT[self.rng.random_range(0..AIMED_AT.len())]
    }

    fn any_kind(&mut self) -> Kind {
        // Good ones more often, so that there is always something to go on from.
        let number = self.rng.random_range(0..KINDS.len() + 3);
        KINDS.get(number).copied().unwrap_or(KINDS[0])
    }

    fn kill(&mut self, kind: Kind, tally: &Mutex<Tally>) {
        self.site.kill();
        let with_child = self.rng.random_bool(0.25);
        if with_child {
            self.site.kill_integration_points();
        }
        let step = self.reader.step(&self.site);
        let mut tally = tally.lock().unwrap();
        *tally.hit.entry(step).or_default() += 1;
        *tally.kinds.entry(kind.name).or_default() += 1;
        tally.with_child += u32::from(with_child);
    }

    /// Waits until it is at rest, and looks at everything.
    fn rests(&mut self, tally: &Mutex<Tally>) {
        let began = Instant::now();
        let status = loop {
            if matches!(self.reader.step(&self.site), Step::AtRest | Step::Prepare) || began.elapsed() > BOUND / 2 {
                let status = self.site.status();
                if is_at_rest(&status) {
                    break status;
                }
            }
            assert!(began.elapsed() < BOUND, "not at rest within {BOUND:?}: {:#}", self.site.status());
            pause(Duration::from_millis(20));
        };
        tally.lock().unwrap().rested.push(began.elapsed());
        self.one_verified_version_runs_and_it_is_pointed_at(&status);
        self.nothing_is_left_lying_about();
        self.the_history_tells_each_attempt_once(&status);
    }

    fn one_verified_version_runs_and_it_is_pointed_at(&self, status: &Value) {
        let ran = self.site.ran();
        for start in &ran {
            assert!(!start.beside, "started beside another one: {start:?}");
            assert!(self.site.published.contains_key(&start.sha256), "never verified: {start:?}");
            assert!(!self.forged.contains(&start.sha256), "forged: {start:?}");
        }
        let last = ran.last().unwrap();
        let (version, behaviour) = &self.site.published[&last.sha256];
        assert_eq!(status["installed"]["sha256"], last.sha256.as_str(), "{status:#}");
        assert_eq!(status["installed"]["version"], version.as_str());
        assert_eq!(status["supervisor"]["runs"]["pid"], last.pid, "{status:#}");
        let kind = KINDS.iter().find(|kind| kind.behaviour == behaviour).unwrap();
        assert_eq!(kind.exit, 0, "{version} {} and is pointed at", kind.name);
        let living: Vec<u32> = self.site.integration_points().iter().map(|(pid, _)| *pid).collect();
        assert_eq!(living, [last.pid], "{ran:#?}");
        for name in files(&self.site.home().join("logs")) {
            let text = std::fs::read_to_string(&name).unwrap();
            assert!(!text.contains("two at once"), "{}", name.display());
            assert!(!text.contains("already in use"), "{}", name.display());
        }
    }

    fn nothing_is_left_lying_about(&self) {
        let home = self.site.home();
        let settled = self.site.history();
        let settled: BTreeSet<&str> = settled
            .iter()
            .filter(|row| row["what"] == "upgraded" || row["what"] == "upgrade-failed")
            .filter_map(|row| row["to"].as_str())
            .collect();
        let strange = || {
            let all = files(home);
            let of_no_use = |path: &&std::path::PathBuf| {
                let name = path.strip_prefix(home).unwrap().to_string_lossy().into_owned();
                let staged = name.strip_prefix("kosmos/staging/v").and_then(|rest| rest.split('/').next());
                name.ends_with(".unfinished")
                    || name.contains(".corrupt-")
                    || staged.is_some_and(|version| settled.contains(version))
            };
            let strange: Vec<_> = all.iter().filter(of_no_use).cloned().collect();
            strange.is_empty().then_some(())
        };
        let tidy = outside_world::site::within(BOUND, strange);
        assert!(tidy.is_some(), "left behind in\n{:#?}", files(home));
        for path in files(&home.join("kosmos")) {
            if path.extension().is_some_and(|ending| ending == "json") {
                // It may be replaced, but never torn.
                let Ok(bytes) = std::fs::read(&path) else { continue };
                let read = serde_json::from_slice::<Value>(&bytes);
                assert!(read.is_ok(), "{}: {}", path.display(), String::from_utf8_lossy(&bytes));
                if path.ends_with("put-back.json") {
                    assert_eq!(read.unwrap()["body"]["done"], true, "{}: half put back", path.display());
                }
            }
        }
    }

    fn the_history_tells_each_attempt_once(&self, status: &Value) {
        let history = self.site.history();
        for outcomes in [["upgraded", "upgrade-failed"], ["rolled-back", "roll-back-failed"]] {
            let mut told: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
            for row in history.iter().filter(|row| outcomes.iter().any(|what| row["what"] == *what)) {
                told.entry(row["attempt"].as_str().unwrap()).or_default().push(row);
            }
            for (attempt, rows) in told {
                assert_eq!(rows.len(), 1, "{attempt} ended more than once: {rows:#?}");
            }
        }
        let installed = &status["installed"]["version"];
        let told = history.iter().filter(|row| row["what"] == "upgraded" && row["to"] == *installed).count();
        assert_eq!(told, 1, "the history does not tell that {installed} was installed: {history:#?}");
    }
}

/// All files below a folder; one that goes away meanwhile is not there.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn in_parallel<T: Send, U: Send>(all: Vec<T>, act: impl Fn(T) -> U + Sync) -> Vec<U> {
    let act = &act;
    std::thread::scope(|scope| {
        let threads: Vec<_> = all.into_iter().map(|one| scope.spawn(move || act(one))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why))).collect()
    })
}

fn measure(benches: Vec<Bench>) -> (Vec<Bench>, Measured) {
    let measured = in_parallel(benches.into_iter().zip(KINDS).collect(), |(mut bench, kind)| {
        let took = bench.measure(kind);
        (bench, kind, took)
    });
    let whole = measured.iter().map(|(_, kind, took)| (*kind, *took)).collect();
    let mut all: BTreeMap<Step, Vec<Duration>> = BTreeMap::new();
    for (step, took) in measured.iter().flat_map(|(bench, _, _)| &bench.reader.took) {
        all.entry(*step).or_default().push(*took);
    }
    let median = |mut took: Vec<Duration>| {
        took.sort();
        took[took.len() / 2]
    };
    let steps = all.into_iter().map(|(step, took)| (step, median(took))).collect();
    (measured.into_iter().map(|(bench, ..)| bench).collect(), Measured { whole, steps })
}

#[test]
fn a_supervisor_that_is_killed_at_any_instant_leaves_a_verified_version_running() {
    let given = kosmos::child::environment::variable("KOSMOS_KILL_SEED");
    let seed = given.and_then(|text| text.to_str()?.parse().ok()).unwrap_or_else(rand::random::<u32>);
    println!("KOSMOS_KILL_SEED={seed}");
    let began = Instant::now();
    let benches = in_parallel((0..SITES).collect(), |number| Bench::new((u64::from(seed) << 8) + number));
    let (benches, measured) = measure(benches);
    println!("{:.1} s: an upgrade takes {:?}", began.elapsed().as_secs_f64(), measured.whole);
    println!("a step takes {:?}", measured.steps);

    let (kills, tally) = (AtomicU32::new(0), Mutex::new(Tally::default()));
    in_parallel(benches, |mut bench| {
        while kills.load(Ordering::Relaxed) < KILLS {
            if bench.torture(&measured, &tally) {
                kills.fetch_add(1, Ordering::Relaxed);
            }
        }
    });

    let mut tally = tally.into_inner().unwrap();
    tally.rested.sort();
    let (median, longest) = (tally.rested[tally.rested.len() / 2], *tally.rested.last().unwrap());
    println!("{:.1} s: {} kills hit {:?}", began.elapsed().as_secs_f64(), tally.hit.values().sum::<u32>(), tally.hit);
    println!("the upgrade was to one that is {:?}; {} times its process was killed too", tally.kinds, tally.with_child);
    println!("at rest after {median:?}, at the longest {longest:?}; {} upgrades were left alone", tally.left_alone);
    let hit = AIMED_AT.iter().filter(|step| tally.hit.contains_key(step)).count();
    assert!(hit >= STEPS_AT_LEAST, "only {hit} of the steps were hit: {:?}", tally.hit);
}
