//! A supervisor is gone while a version is on trial, killed or asked to leave, and nobody sees what becomes of it.

use std::rc::Rc;
use std::time::Duration;

use efm::clock::Clock;
use kosmos::duty::{Duty, Ending, Snapshot};
use kosmos::ports::Happening;
use tokio::sync::{mpsc, watch};

use crate::machine::{Behaviour, Machine};
use crate::{A_DAY, Site, on_paused_time};

/// A version is up after five seconds; all that happens before it is happens in moments.
const A_MOMENT: Duration = Duration::from_millis(100);

/// How the supervisor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    Killed,
    Asked,
}

/// What becomes of the version on trial then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    GoesOn,
    Ends,
    EndsWithTheMachine,
}

/// 4.0.7 runs, and 4.0.8 was published.
struct Trial {
    site: Site,
    machine: Rc<Machine>,
    clock: Clock,
}

impl Trial {
    fn new() -> Self {
        let machine = Machine::new(&[("4.0.7", Behaviour::Good), ("4.0.8", Behaviour::Good)]);
        Self { site: Site::new(), machine, clock: Clock::paused_at("2026-11-21T08:50:00Z".parse().unwrap()) }
    }

    async fn old_runs(&self) {
        let _ = self.site.life(&self.machine, &[&self.site.old], &self.clock, Duration::from_mins(5)).await;
        assert_eq!(self.machine.alive(), ["4.0.7"]);
    }

    /// A supervisor's life until 4.0.8 was started and before it is up.
    async fn cut_short(&self, goes: Goes, child: Child) {
        let (world, leave) = self.site.world(&self.machine, &[&self.site.old, &self.site.new], self.clock.clone());
        let (_commands, mut heard) = mpsc::channel(1);
        let duty = Duty::new(&world, "site".into(), watch::channel(Snapshot::default()).0);
        let tried = async {
            // The supervisor comes first: it must have seen what there is before it goes.
            loop {
                tokio::time::sleep(A_MOMENT).await;
                if self.machine.alive() == ["4.0.8"] {
                    break;
                }
            }
        };
        {
            let life = duty.run(&mut heard);
            tokio::pin!(life);
            tokio::select! {
                ended = &mut life => panic!("{ended:?}"),
                () = tried => {}
                () = tokio::time::sleep(A_DAY) => panic!("it was never tried"),
            }
            if goes == Goes::Asked {
                leave.send_replace(true);
                assert_eq!(life.await.unwrap(), Ending::ChildGoesOn);
            }
        }
        assert!(!self.machine.disk.borrow().trial.as_ref().unwrap().came_up, "nobody saw it come up");
        match child {
            Child::GoesOn => {}
            Child::Ends => {
                let process = self.machine.processes.borrow()[0].process.clone();
                self.machine.end(&process);
            }
            Child::EndsWithTheMachine => self.machine.lose_power(),
        }
        tokio::time::sleep(A_MOMENT).await;
    }

    /// The next supervisor, who is offered nothing new.
    async fn next_one_tidies_up(&self) {
        let _ = self.site.life(&self.machine, &[&self.site.old], &self.clock, Duration::from_mins(10)).await;
        assert!(self.machine.disk.borrow().trial.is_none());
        assert_eq!(self.machine.violations.borrow().as_slice(), [""; 0]);
    }

    /// The next supervisor, who is offered the same release again, for more than one window.
    async fn next_one_is_offered_it_again(&self) {
        let _ = self.site.life(&self.machine, &[&self.site.old, &self.site.new], &self.clock, A_DAY).await;
        assert_eq!(self.machine.violations.borrow().as_slice(), [""; 0]);
    }

    fn data(&self) -> String {
        self.machine.disk.borrow().data.clone()
    }

    fn is_given_up(&self) -> bool {
        self.machine.disk.borrow().held.values().any(|held| held.given_up.is_some())
    }

    fn reasons_of_roll_backs(&self) -> Vec<String> {
        let told = self.machine.told.borrow();
        let back = told
            .iter()
            .filter(|event| matches!(event.what, Happening::RolledBack { .. } | Happening::RollBackFailed { .. }));
        back.filter_map(|event| event.reason.clone()).collect()
    }
}

/// It may have come up and taken messages while no supervisor ran.
#[test]
fn data_of_a_version_that_nobody_saw_come_up_is_kept_and_the_old_one_runs_on_it() {
    for child in [Child::Ends, Child::EndsWithTheMachine] {
        let trial = Trial::new();
        on_paused_time(async {
            trial.old_runs().await;
            trial.cut_short(Goes::Killed, child).await;
            trial.next_one_tidies_up().await;
        });
        assert_eq!(trial.machine.alive(), ["4.0.7"], "{child:?}");
        assert_eq!(trial.data(), "[4.0.7][4.0.8][4.0.7]", "{child:?}: nothing was put back");
        assert!(trial.machine.disk.borrow().set_aside.is_empty(), "{child:?}");
        let reasons = trial.reasons_of_roll_backs();
        assert!(reasons[0].contains("its data was kept, because it may have come up"), "{child:?}: {reasons:?}");
        assert!(reasons[0].contains("the copy from before is backup/"), "{child:?}: {reasons:?}");
    }
}

#[test]
fn data_of_a_version_with_which_two_supervisors_died_is_kept_too() {
    let trial = Trial::new();
    on_paused_time(async {
        trial.old_runs().await;
        trial.cut_short(Goes::Killed, Child::GoesOn).await;
        trial.cut_short(Goes::Killed, Child::GoesOn).await;
        trial.next_one_tidies_up().await;
    });
    assert_eq!(trial.machine.alive(), ["4.0.7"]);
    assert_eq!(trial.data(), "[4.0.7][4.0.8][4.0.7]");
    assert!(trial.is_given_up(), "two deaths are enough");
}

#[test]
fn the_copy_is_put_back_when_the_old_version_cannot_live_with_the_data_and_that_data_is_set_aside() {
    for child in [Child::Ends, Child::EndsWithTheMachine] {
        let trial = Trial::new();
        *trial.machine.one_way.borrow_mut() = Some("4.0.8");
        on_paused_time(async {
            trial.old_runs().await;
            trial.cut_short(Goes::Killed, child).await;
            trial.next_one_tidies_up().await;
        });
        assert_eq!(trial.machine.alive(), ["4.0.7"], "{child:?}");
        assert_eq!(trial.data(), "[4.0.7][4.0.7]", "{child:?}: the copy, and the old version on it");
        let set_aside = trial.machine.disk.borrow().set_aside.clone();
        assert_eq!(set_aside, ["[4.0.7][4.0.8][4.0.7]"], "{child:?}: tried first, put back once, nothing thrown away");
        let reasons = trial.reasons_of_roll_backs();
        let told = reasons.iter().any(|reason| reason.contains("then the copy was put back, and that data set aside"));
        assert!(told, "{child:?}: {reasons:?}");
    }
}

/// A trial was left on purpose (a kosmos of its own was upgraded), and then the machine was booted.
#[test]
fn a_version_that_ended_with_the_machine_while_no_supervisor_ran_is_tried_again() {
    let trial = Trial::new();
    on_paused_time(async {
        trial.old_runs().await;
        trial.cut_short(Goes::Asked, Child::EndsWithTheMachine).await;
        trial.next_one_tidies_up().await;
        assert_eq!(trial.machine.alive(), ["4.0.7"]);
        assert!(!trial.is_given_up(), "the machine is to blame");
        trial.next_one_is_offered_it_again().await;
    });
    assert_eq!(trial.machine.alive(), ["4.0.8"]);
}

#[test]
fn a_version_that_ended_by_itself_while_no_supervisor_ran_is_given_up() {
    let trial = Trial::new();
    on_paused_time(async {
        trial.old_runs().await;
        trial.cut_short(Goes::Asked, Child::Ends).await;
        trial.next_one_tidies_up().await;
        assert!(trial.is_given_up(), "the release is to blame");
        trial.next_one_is_offered_it_again().await;
    });
    assert_eq!(trial.machine.alive(), ["4.0.7"]);
}

#[test]
fn a_version_that_was_left_on_trial_and_goes_on_is_committed_by_the_next_supervisor_and_costs_no_death() {
    let trial = Trial::new();
    on_paused_time(async {
        trial.old_runs().await;
        for _ in 0..3 {
            trial.cut_short(Goes::Asked, Child::GoesOn).await;
        }
        trial.next_one_is_offered_it_again().await;
    });
    assert_eq!(trial.machine.alive(), ["4.0.8"]);
    assert_eq!(trial.data(), "[4.0.7][4.0.8]", "it was started once");
    assert!(trial.machine.disk.borrow().held.is_empty());
}
