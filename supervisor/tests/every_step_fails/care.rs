//! Between upgrades: what is not well is told once, what hangs is ended once, and who asks hears of what they asked for.

use std::rc::Rc;
use std::time::Duration;

use efm::clock::Clock;
use kosmos::duty::command::{Answer, Command};
use kosmos::duty::{Duty, Snapshot};
use kosmos::ports::{Event, Happening};
use kosmos::update::compare::Wish;
use tokio::sync::{mpsc, oneshot, watch};

use crate::doors::Published;
use crate::machine::{Behaviour, Machine};
use crate::{Site, on_paused_time};

/// 4.0.7 was installed and runs well.
struct House {
    site: Site,
    machine: Rc<Machine>,
    clock: Clock,
}

impl House {
    fn new() -> Self {
        let machine = Machine::new(&[("4.0.7", Behaviour::Good), ("4.0.8", Behaviour::Good)]);
        Self { site: Site::new(), machine, clock: Clock::paused_at("2026-11-21T08:50:00Z".parse().unwrap()) }
    }

    async fn on_duty(
        &self,
        offers: &[&Published],
        scene: impl AsyncFnOnce(mpsc::Sender<Command>, watch::Receiver<Snapshot>),
    ) {
        let _ = self.site.life(&self.machine, &[&self.site.old], &self.clock, Duration::from_mins(2)).await;
        assert_eq!(self.machine.alive(), ["4.0.7"]);
        self.machine.told.borrow_mut().clear();
        let (world, _leave) = self.site.world(&self.machine, offers, self.clock.clone());
        let (commands, mut heard) = mpsc::channel(1);
        let (snapshot, seen) = watch::channel(Snapshot::default());
        let duty = Duty::new(&world, "site".into(), snapshot);
        tokio::select! {
            ended = duty.run(&mut heard) => panic!("{ended:?}"),
            () = scene(commands, seen) => {}
        }
        assert_eq!(self.machine.violations.borrow().as_slice(), [""; 0]);
    }

    fn now_behaves(&self, behaviour: Behaviour) {
        self.machine.processes.borrow_mut()[0].behaviour = behaviour;
    }

    fn told(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.machine.told.borrow().iter().filter(|event| which(event)).count()
    }
}

fn minutes(count: u64) -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_mins(count))
}

#[test]
fn what_is_not_well_for_five_minutes_is_told_once_and_so_is_the_end_of_it() {
    for illness in [Behaviour::Red, Behaviour::NeverUp] {
        let house = House::new();
        let trouble = |event: &Event| matches!(event.what, Happening::Trouble);
        let well = |event: &Event| matches!(event.what, Happening::Well);
        on_paused_time(house.on_duty(&[&house.site.old], async |_, _| {
            minutes(1).await;
            house.now_behaves(illness);
            minutes(3).await;
            house.now_behaves(Behaviour::Good);
            minutes(10).await;
            assert_eq!((house.told(trouble), house.told(well)), (0, 0), "{illness:?}: a short one is not told");
            house.now_behaves(illness);
            minutes(45).await;
            assert_eq!((house.told(trouble), house.told(well)), (1, 0), "{illness:?}");
            house.now_behaves(Behaviour::Good);
            minutes(10).await;
            assert_eq!((house.told(trouble), house.told(well)), (1, 1), "{illness:?}");
        }));
    }
}

#[test]
fn what_hangs_is_ended_and_told_once_and_is_no_crash() {
    let mut house = House::new();
    house.site.settings.child.hang_patience = Some(Duration::from_mins(4));
    on_paused_time(house.on_duty(&[&house.site.old], async |_, seen| {
        minutes(1).await;
        let hung = seen.borrow().running.as_ref().unwrap().process.pid;
        house.now_behaves(Behaviour::NeverUp);
        minutes(7).await;
        let snapshot = seen.borrow().clone();
        assert_ne!(snapshot.running.as_ref().unwrap().process.pid, hung);
        assert_eq!((snapshot.up, snapshot.crashes), (true, 0));
    }));
    let hangs =
        |event: &Event| event.reason.as_deref().is_some_and(|reason| reason.contains("not answered for too long"));
    assert_eq!((house.told(hangs), house.told(|event| matches!(event.what, Happening::Restarted { .. }))), (1, 0));
}

#[test]
fn who_asks_for_something_while_another_attempt_is_under_way_hears_of_what_was_asked_for() {
    let house = House::new();
    on_paused_time(house.on_duty(&[&house.site.old, &house.site.new], async |commands, seen| {
        // The window of nine o'clock: 4.0.8 is in its probation.
        while house.machine.alive() != ["4.0.8"] {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let (reply, answer) = oneshot::channel();
        let wish = Wish::This { version: "4.0.7".parse().unwrap(), downgrade: Some("a test".to_owned()) };
        commands.send(Command::Upgrade { wish, now: true, reply }).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_mins(10), answer).await.unwrap().unwrap();
        let Answer::Upgraded { version, .. } = &answer else { panic!("{answer:?}") };
        assert_eq!(version.to_string(), "4.0.7");
        assert_eq!(house.machine.alive(), ["4.0.7"]);
        let runs = seen.borrow().running.clone().unwrap();
        assert_eq!(runs.stored.unwrap().version().to_string(), "4.0.7");
    }));
    assert_eq!(house.told(|event| matches!(event.what, Happening::Upgraded { .. })), 2);
}

#[test]
fn a_status_during_an_attempt_never_names_a_process_that_is_gone() {
    let house = House::new();
    on_paused_time(house.on_duty(&[&house.site.old, &house.site.new], async |_, mut seen| {
        let mut on_trial = 0;
        let committed = |snapshot: &Snapshot| {
            let version = snapshot
                .running
                .as_ref()
                .and_then(|running| running.stored.as_ref())
                .map(kosmos::ports::Stored::version);
            version.is_some_and(|version| version.to_string() == "4.0.8") && snapshot.up
        };
        let whole = async {
            loop {
                seen.changed().await.unwrap();
                let snapshot = seen.borrow_and_update().clone();
                if committed(&snapshot) {
                    break;
                }
                if let Some(running) = &snapshot.running {
                    assert!(house.machine.lives(&running.process), "{running:?}");
                    let version = running.stored.as_ref().unwrap().version().to_string();
                    on_trial += usize::from(version == "4.0.8" && !snapshot.up);
                }
            }
        };
        tokio::time::timeout(Duration::from_hours(1), whole).await.unwrap();
        assert!(on_trial > 0, "the one on trial is shown");
    }));
}
