//! Something runs that we did not start: an upgrade waits until it was taken over, because that is the way back; but not
//! for ever.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use efm::clock::Clock;
use kosmos::duty::command::{Answer, Command};
use kosmos::duty::{Duty, Snapshot};
use kosmos::ports::Happening;
use kosmos::update::compare::Wish;
use tokio::sync::{mpsc, oneshot, watch};

use crate::machine::{Behaviour, Machine};
use crate::{Site, on_paused_time};

/// 4.0.7 was started by KOSMOS or a person, from a jar in the home folder; its signature is nowhere. 4.0.8 is offered.
struct Stranger {
    site: Site,
    machine: Rc<Machine>,
    jar: PathBuf,
}

impl Stranger {
    fn new() -> Self {
        let (site, machine) = (Site::new(), Machine::new(&[("4.0.7", Behaviour::Good), ("4.0.8", Behaviour::Good)]));
        let jar = site.home.path().join("integrasjonspunkt-v4.0.7.jar");
        std::fs::write(&jar, &site.old.archive).unwrap();
        machine.disk.borrow_mut().jars.push((site.old.tag.clone(), jar.clone()));
        Self { site, machine, jar }
    }

    /// A supervisor on duty from 08:50 on, with a window of half an hour each full hour, for as long as the scene takes.
    async fn on_duty(&self, scene: impl AsyncFnOnce(mpsc::Sender<Command>)) {
        self.machine.start_by_hand(self.site.old.tag.version(), &self.jar);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let clock = Clock::paused_at("2026-11-21T08:50:00Z".parse().unwrap());
        let (world, _leave) = self.site.world(&self.machine, &[&self.site.new], clock);
        let (commands, mut heard) = mpsc::channel(1);
        let duty = Duty::new(&world, "site".into(), watch::channel(Snapshot::default()).0);
        tokio::select! {
            ended = duty.run(&mut heard) => panic!("{ended:?}"),
            () = scene(commands) => {}
        }
        assert_eq!(self.machine.violations.borrow().as_slice(), [""; 0]);
    }

    fn pointer(&self) -> Option<String> {
        self.machine.disk.borrow().pointer.as_ref().map(|pointer| pointer.tag.to_string())
    }

    /// From which versions upgrades were told: `none` without a way back.
    fn upgraded_from(&self) -> Vec<String> {
        let told = self.machine.told.borrow();
        let from = told.iter().filter_map(|event| {
            let Happening::Upgraded { from, .. } = &event.what else { return None };
            Some(from.as_ref().map_or("none".to_owned(), ToString::to_string))
        });
        from.collect()
    }
}

#[test]
fn an_upgrade_waits_for_the_take_over_of_what_runs_and_goes_on_when_ten_tries_were_in_vain() {
    let stranger = Stranger::new();
    on_paused_time(stranger.on_duty(async |_| {
        tokio::time::sleep(Duration::from_mins(34)).await;
        // 09:24: a window has been open for long, and the tenth try comes after 36 minutes.
        assert_eq!(stranger.machine.alive(), ["4.0.7"]);
        assert!(stranger.machine.told.borrow().iter().any(|event| matches!(event.what, Happening::Staged { .. })));
        tokio::time::sleep(Duration::from_mins(46)).await;
        // 10:10: the window after that.
        assert_eq!(stranger.machine.alive(), ["4.0.8"]);
    }));
    assert_eq!(stranger.upgraded_from(), ["none"], "without a way back");
}

#[test]
fn an_upgrade_follows_the_take_over_in_the_same_window_and_has_a_way_back() {
    let stranger = Stranger::new();
    on_paused_time(stranger.on_duty(async |_| {
        tokio::time::sleep(Duration::from_mins(12)).await;
        assert_eq!((stranger.machine.alive(), stranger.pointer()), (vec!["4.0.7".to_owned()], None));
        // A person puts the signature beside the jar; it is seen by the try at 21 minutes.
        let beside = stranger.jar.with_file_name("integrasjonspunkt-v4.0.7.jar.asc");
        std::fs::write(beside, &stranger.site.old.signature).unwrap();
        tokio::time::sleep(Duration::from_mins(18)).await;
        assert_eq!(stranger.machine.alive(), ["4.0.8"]);
    }));
    assert_eq!(stranger.upgraded_from(), ["4.0.7"]);
}

#[test]
fn a_person_who_says_now_does_not_wait_for_the_take_over() {
    let stranger = Stranger::new();
    on_paused_time(stranger.on_duty(async |commands| {
        let (reply, answer) = oneshot::channel();
        commands.send(Command::Upgrade { wish: Wish::Newest, now: true, reply }).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_mins(2), answer).await.unwrap().unwrap();
        assert!(matches!(answer, Answer::Upgraded { .. }), "{answer:?}");
        assert_eq!(stranger.machine.alive(), ["4.0.8"]);
    }));
}

#[test]
fn what_nobody_could_verify_is_not_ended_however_long_it_hangs() {
    let mut stranger = Stranger::new();
    stranger.site.settings.child.hang_patience = Some(Duration::from_mins(2));
    on_paused_time(stranger.on_duty(async |_| {
        stranger.machine.processes.borrow_mut()[0].behaviour = Behaviour::NeverUp;
        // Up to the window of nine o'clock.
        tokio::time::sleep(Duration::from_mins(9)).await;
        assert_eq!(stranger.machine.alive(), ["4.0.7"], "it would not be started again");
        let told = stranger.machine.told.borrow();
        assert_eq!(told.iter().filter(|event| matches!(event.what, Happening::Trouble)).count(), 1, "{told:?}");
    }));
}

#[test]
fn what_nobody_could_verify_stays_down_when_it_ends_until_it_can_be_and_a_person_is_told() {
    let stranger = Stranger::new();
    on_paused_time(stranger.on_duty(async |_| {
        tokio::time::sleep(Duration::from_mins(1)).await;
        let process = stranger.machine.processes.borrow()[0].process.clone();
        stranger.machine.end(&process);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(stranger.machine.alive().is_empty(), "only what was verified is started");
        let is_told = |reason: &str| reason.contains("4.0.7 could not be verified") && reason.contains("Nothing runs");
        let told = stranger.machine.told.borrow().iter().filter_map(|it| it.reason.clone()).any(|it| is_told(&it));
        assert!(told, "{:?}", stranger.machine.told.borrow());
        // No window is open before nine: what was here is installed, whether it runs or not.
        assert!(stranger.pointer().is_none());
        let beside = stranger.jar.with_file_name("integrasjonspunkt-v4.0.7.jar.asc");
        std::fs::write(beside, &stranger.site.old.signature).unwrap();
        tokio::time::sleep(Duration::from_mins(6)).await;
        assert_eq!(
            (stranger.machine.alive(), stranger.pointer()),
            (vec!["4.0.7".to_owned()], Some("v4.0.7".to_owned()))
        );
    }));
}
