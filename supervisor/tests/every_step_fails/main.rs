//! Each door of the process fails once, and the supervisor dies before and after each, with the child dying too
//! (a power cut) or living on. After each: something verified runs, only one, and it is what the pointer names.
//!
//! A machine in memory and paused time: thousands of lives in seconds.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::disallowed_methods, reason = "a test writes its own home folder")]

mod care;
mod cut_short;
mod doors;
mod machine;
mod way_back;

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use efm::clock::Clock;
use futures_util::FutureExt;
use jiff::Timestamp;
use kosmos::config::Settings;
use kosmos::demo::publisher::{Archive, Publisher};
use kosmos::duty::Duty;
use kosmos::ports::{Happening, Trial};
use kosmos::update::World;
use tokio::sync::{mpsc, watch};

use doors::{Children, InMemory, Published, Shed, Shelf, Told};
use machine::{Behaviour, Died, Fault, Machine};

/// Long enough for a look, a window, an attempt with its probation, a roll-back, and the next window.
const A_DAY: Duration = Duration::from_mins(135);

struct Site {
    settings: Settings,
    old: Published,
    new: Published,
    home: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self::of("")
    }

    /// Of a native integration point whose data is copied, too.
    fn native() -> Self {
        Self::of("kind = \"native\"\n[backup]\npaths = [\"data\"]\n")
    }

    fn of(more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let built: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        let publisher = Publisher::new("a publisher", built).unwrap();
        std::fs::write(home.path().join("key.asc"), publisher.certificate().unwrap()).unwrap();
        let toml = "[release]\nkeys = [\"key.asc\"]\n[schedule]\nlook = \"15m\"\nsplay = \"0s\"\nwindow = [\"0 0 * * * *\"]\nwindow_length = \"30m\"\n[child]\nprobation = \"20s\"\nstart_patience = \"60s\"\nstart_patience_bound = \"60s\"\n";
        std::fs::write(home.path().join("kosmos.toml"), format!("{toml}{more}")).unwrap();
        let settings = kosmos::config::load(home.path(), &[], &[]).unwrap().settings;
        let program = if cfg!(windows) { "bin/integrasjonspunkt.exe" } else { "bin/integrasjonspunkt" };
        let publish = |version: &str| {
            let archive = Archive::new("integrasjonspunkt", version, built).with(program, "a program");
            let archive = archive.bytes().unwrap();
            let signature = publisher.sign(&archive, built).unwrap().into_bytes();
            Published { tag: format!("v{version}").parse().unwrap(), archive, signature }
        };
        std::fs::create_dir_all(home.path().join("kosmos")).unwrap();
        Self { settings, old: publish("4.0.7"), new: publish("4.0.8"), home }
    }

    fn world(
        &self,
        machine: &Rc<Machine>,
        offers: &[&Published],
        clock: Clock,
    ) -> (World<InMemory>, watch::Sender<bool>) {
        let (leave, left) = watch::channel(false);
        let world = World {
            source: Shelf { machine: machine.clone(), offers: offers.iter().map(|offer| (*offer).clone()).collect() },
            child: Children { machine: machine.clone() },
            vault: Shed { machine: machine.clone(), scratch: self.home.path().to_owned() },
            notice: Told { machine: machine.clone() },
            settings: self.settings.clone(),
            clock,
            progress: watch::channel(kosmos::update::Progress::Idle).0,
            steps: kosmos::update::Steps::default(),
            leave: left,
        };
        (world, leave)
    }

    /// One supervisor's life: until it dies, or until it has been on duty for so long.
    async fn life(
        &self,
        machine: &Rc<Machine>,
        offers: &[&Published],
        clock: &Clock,
        length: Duration,
    ) -> Result<(), Died> {
        let (world, leave) = self.world(machine, offers, clock.clone());
        let (_commands, mut heard) = mpsc::channel(1);
        let duty = Duty::new(&world, "site".into(), watch::channel(kosmos::duty::Snapshot::default()).0);
        let life = async {
            tokio::select! {
                ended = duty.run(&mut heard) => ended.map(|_| ()).map_err(|error| efm::chain::Chain(&error).to_string()),
                () = tokio::time::sleep(length) => Ok(()),
            }
        };
        let outcome = AssertUnwindSafe(life).catch_unwind().await;
        drop(leave);
        match outcome {
            // A supervisor that cannot begin is started again by the system, like one that died.
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Died),
            Err(payload) if payload.is::<Died>() => Err(Died),
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
}

/// What was there before the story begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    OldRuns,
}

struct Story {
    before: Before,
    new: Behaviour,
}

/// What is left when all has come to rest.
#[derive(Debug)]
struct Rest {
    alive: Vec<String>,
    pointer: Option<String>,
    trial: Option<Trial>,
    violations: Vec<String>,
    doors: Vec<&'static str>,
    struck: Option<&'static str>,
    data: String,
    set_aside: Vec<String>,
    told: Vec<Happening>,
}

fn on_paused_time<T>(act: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(act)
}

/// Tells the story with one fault, and what follows it.
fn tell(site: &Site, story: &Story, fault: Option<(usize, Fault)>, child_dies_too: bool) -> Rest {
    on_paused_time(async {
        // What the duty remembers lies in a true folder, which all stories share.
        efm::atomic::remove(&kosmos::duty::waiting::file(&site.home.path().join("kosmos"))).unwrap();
        let machine = Machine::new(&[("4.0.7", Behaviour::Good), ("4.0.8", story.new)]);
        let clock = Clock::paused_at("2026-11-21T08:50:00Z".parse::<Timestamp>().unwrap());
        if story.before == Before::OldRuns {
            let _ = site.life(&machine, &[&site.old], &clock, Duration::from_mins(5)).await;
            assert_eq!(machine.alive(), ["4.0.7"]);
        }
        machine.passed.borrow_mut().clear();
        *machine.fault.borrow_mut() = fault;
        for _ in 0..6 {
            if site.life(&machine, &[&site.old, &site.new], &clock, A_DAY).await.is_ok() {
                break;
            }
            if child_dies_too {
                machine.lose_power();
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let disk = machine.disk.borrow();
        Rest {
            alive: machine.alive(),
            pointer: disk.pointer.as_ref().map(|pointer| pointer.tag.version().to_string()),
            trial: disk.trial.clone(),
            violations: machine.violations.borrow().clone(),
            doors: machine.passed.borrow().clone(),
            struck: *machine.struck.borrow(),
            data: disk.data.clone(),
            set_aside: disk.set_aside.clone(),
            told: machine.told.borrow().iter().map(|event| event.what.clone()).collect(),
        }
    })
}

/// The law: something verified runs, only one, and it is what the pointer names.
fn assert_law(rest: &Rest, expected: &[&str], story: &str) {
    assert_eq!(rest.violations, Vec::<String>::new(), "{story}");
    assert!(rest.trial.is_none(), "{story}: the trial is still open: {:?}", rest.trial);
    match rest.alive.as_slice() {
        [one] => {
            assert_eq!(Some(one), rest.pointer.as_ref(), "{story}: what runs is not what is pointed at");
            assert!(expected.contains(&one.as_str()), "{story}: {one} runs");
        }
        none_or_many => panic!("{story}: {none_or_many:?} run; told {:?}", rest.told),
    }
}

fn every_door(story: &Story, expected: &[&str], until: &str) {
    every_door_of(&Site::new(), story, expected, until, |_, _| {});
}

fn every_door_of(site: &Site, story: &Story, expected: &[&str], until: &str, assert_more: impl Fn(&Rest, &str)) {
    let calm = tell(site, story, None, false);
    assert_law(&calm, expected, "nothing fails");
    assert_more(&calm, "nothing fails");
    // What comes after the story's end is the same health question again and again.
    let end = calm.doors.iter().rposition(|door| *door == until).unwrap() + 3;
    let mut lives = 0;
    for number in 0..end.min(calm.doors.len()) {
        if is_the_same_again(&calm.doors, number) {
            continue;
        }
        for fault in [Fault::Fails, Fault::DiesBefore, Fault::DiesAfter] {
            for child_dies_too in [false, true] {
                let rest = tell(site, story, Some((number, fault)), child_dies_too);
                let place = format!(
                    "door {number} ({}) {fault:?}, child dies too: {child_dies_too}",
                    rest.struck.unwrap_or("never reached")
                );
                assert_law(&rest, expected, &place);
                assert_more(&rest, &place);
                lives += 1;
            }
        }
    }
    println!("{lives} lives through {} doors", end.min(calm.doors.len()));
    assert!(lives > 100);
}

/// The same question is asked again and again while something is waited for: the first two and the last one stand for
/// all of them.
fn is_the_same_again(doors: &[&str], number: usize) -> bool {
    let at = |index: Option<usize>| index.and_then(|index| doors.get(index));
    let here = at(Some(number));
    here == at(number.checked_sub(1)) && here == at(number.checked_sub(2)) && here == at(number.checked_add(1))
}

#[test]
fn every_step_of_an_upgrade_fails_and_the_law_holds() {
    let story = Story { before: Before::OldRuns, new: Behaviour::Good };
    every_door(&story, &["4.0.8"], "mirror");
}

#[test]
fn every_step_of_a_first_install_fails_and_the_law_holds() {
    let story = Story { before: Before::Nothing, new: Behaviour::Good };
    every_door(&story, &["4.0.8"], "mirror");
}

#[test]
fn every_step_of_a_roll_back_of_a_release_that_never_comes_up_fails_and_the_law_holds() {
    let story = Story { before: Before::OldRuns, new: Behaviour::NeverUp };
    every_door(&story, &["4.0.7"], "end trial");
}

#[test]
fn every_step_of_a_roll_back_of_a_release_that_crashes_fails_and_the_law_holds() {
    let story = Story { before: Before::OldRuns, new: Behaviour::Crashes };
    every_door(&story, &["4.0.7"], "end trial");
}

#[test]
fn every_step_of_a_roll_back_of_a_release_that_dies_in_its_probation_fails_and_the_law_holds() {
    let story = Story { before: Before::OldRuns, new: Behaviour::DiesInProbation };
    every_door(&story, &["4.0.7"], "end trial");
}

#[test]
fn a_release_whose_own_database_is_down_is_rolled_back_and_its_data_put_back() {
    let site = Site::new();
    let rest = tell(&site, &Story { before: Before::OldRuns, new: Behaviour::Red }, None, false);
    assert_law(&rest, &["4.0.7"], "red");
    assert_eq!(rest.data, "[4.0.7][4.0.7]", "the new version's writing is gone");
    assert!(rest.told.iter().any(|what| matches!(what, Happening::RolledBack { .. })));
}

#[test]
fn data_of_a_release_that_had_come_up_is_kept() {
    let site = Site::new();
    let rest = tell(&site, &Story { before: Before::OldRuns, new: Behaviour::DiesInProbation }, None, false);
    assert_eq!(rest.data, "[4.0.7][4.0.8][4.0.7]");
}

/// A native one may have taken messages before anybody saw that it is up: whatever fails, and wherever the supervisor or the
/// machine dies, nothing of its data is replaced by a copy from before.
#[test]
fn every_step_of_a_roll_back_of_a_native_release_fails_and_its_data_is_kept() {
    let site = Site::native();
    for new in [Behaviour::Crashes, Behaviour::Red, Behaviour::DiesInProbation] {
        let rest = tell(&site, &Story { before: Before::OldRuns, new }, None, false);
        assert_eq!(rest.data, "[4.0.7][4.0.8][4.0.7]", "{new:?}");
    }
    let story = Story { before: Before::OldRuns, new: Behaviour::NeverUp };
    every_door_of(&site, &story, &["4.0.7"], "end trial", |rest, place| {
        assert!(rest.set_aside.is_empty(), "{place}: a copy was put back, and {:?} was lost", rest.set_aside);
    });
}

#[test]
fn a_native_release_whose_data_its_predecessor_cannot_live_with_is_left_to_a_person() {
    let site = Site::native();
    let machine = Machine::new(&[("4.0.7", Behaviour::Good), ("4.0.8", Behaviour::NeverUp)]);
    *machine.one_way.borrow_mut() = Some("4.0.8");
    on_paused_time(async {
        let clock = Clock::paused_at("2026-11-21T08:50:00Z".parse::<Timestamp>().unwrap());
        let _ = site.life(&machine, &[&site.old], &clock, Duration::from_mins(5)).await;
        assert!(site.life(&machine, &[&site.old, &site.new], &clock, A_DAY).await.is_ok());
    });
    let disk = machine.disk.borrow();
    assert!(disk.data.starts_with("[4.0.7][4.0.8]") && disk.set_aside.is_empty(), "{} {:?}", disk.data, disk.set_aside);
    let told = machine.told.borrow();
    let copy = |reason: &str| reason.contains("the copy from before is backup/");
    let is_told = told.iter().any(|event| {
        matches!(event.what, Happening::RollBackFailed { .. }) && event.reason.as_deref().is_some_and(copy)
    });
    assert!(is_told, "{told:?}");
}

#[test]
fn a_release_that_failed_is_tried_once_and_not_again() {
    let site = Site::new();
    let rest = tell(&site, &Story { before: Before::OldRuns, new: Behaviour::Crashes }, None, false);
    let tries = rest.told.iter().filter(|what| matches!(what, Happening::UpgradeFailed { .. })).count();
    assert_eq!(tries, 1);
}

#[test]
fn a_first_install_that_fails_ends_with_nothing_running_and_a_person_told() {
    let site = Site::new();
    let machine = Machine::new(&[("4.0.8", Behaviour::Crashes)]);
    on_paused_time(async {
        let clock = Clock::paused_at("2026-11-21T08:50:00Z".parse::<Timestamp>().unwrap());
        assert!(site.life(&machine, &[&site.new], &clock, A_DAY).await.is_ok());
        assert!(machine.alive().is_empty());
    });
    let told = machine.told.borrow();
    assert_eq!(told.iter().filter(|event| matches!(event.what, Happening::UpgradeFailed { .. })).count(), 1);
    assert!(told.iter().any(|event| event.reason.as_deref().is_some_and(|reason| reason.contains("nothing runs"))));
    assert!(machine.disk.borrow().pointer.is_none());
}

#[test]
fn a_release_that_kills_the_machine_is_given_up_after_two_deaths() {
    let site = Site::new();
    let machine = Machine::new(&[("4.0.7", Behaviour::Good), ("4.0.8", Behaviour::Good)]);
    on_paused_time(async {
        let clock = Clock::paused_at("2026-11-21T08:50:00Z".parse::<Timestamp>().unwrap());
        let _ = site.life(&machine, &[&site.old], &clock, Duration::from_mins(5)).await;
        let mut deaths = 0;
        for _ in 0..8 {
            let spawned = |machine: &Machine| machine.alive() == ["4.0.8"];
            let (world, _leave) = site.world(&machine, &[&site.old, &site.new], clock.clone());
            let (_commands, mut heard) = mpsc::channel(1);
            let duty = Duty::new(&world, "site".into(), watch::channel(kosmos::duty::Snapshot::default()).0);
            let killed = async {
                while !spawned(&machine) {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            tokio::select! {
                ended = duty.run(&mut heard) => panic!("{ended:?}"),
                () = killed => {
                    machine.lose_power();
                    deaths += 1;
                }
                () = tokio::time::sleep(A_DAY) => break,
            }
        }
        assert_eq!(deaths, 2);
        assert_eq!(machine.alive(), ["4.0.7"]);
    });
    let disk = machine.disk.borrow();
    let held: Vec<_> = disk.held.values().collect();
    assert!(held.iter().any(|held| held.given_up.as_deref().is_some_and(|why| why.contains("died"))), "{held:?}");
}
