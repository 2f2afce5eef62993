//! Three homes under one supervisor, each with a machine in memory of its own, on paused time: their upgrades come one
//! after the other, in their order, and stop at the first failure.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::disallowed_methods, reason = "a test writes its own home folders")]

#[path = "../every_step_fails/doors.rs"]
#[allow(dead_code, reason = "shared with the test of every step")]
mod doors;
mod homes;
#[path = "../every_step_fails/machine.rs"]
#[allow(dead_code, reason = "shared with the test of every step")]
mod machine;

use std::time::Duration;

use kosmos::duty::command::Answer;
use kosmos::ports::Happening;

use homes::{AN_HOUR, Homes, on_paused_time};
use machine::Behaviour;

const OLD: &str = "4.0.7";
const NEW: &str = "4.0.8";

#[test]
fn three_homes_that_are_due_at_once_go_one_after_the_other_in_their_order_and_without_a_pause() {
    let homes = Homes::new([Behaviour::Good; 3]);
    on_paused_time(async {
        homes.install_the_old().await;
        homes.live(AN_HOUR).await;
    });
    assert_eq!(homes.alive(), [NEW, NEW, NEW]);
    assert_eq!(homes.most_attempts_at_once(), 1);
    let attempts = homes.attempts();
    assert_eq!(attempts.iter().map(|attempt| attempt.home).collect::<Vec<_>>(), [0, 1, 2]);
    for pair in attempts.windows(2) {
        let pause = pair[1].began - pair[0].ended;
        assert!(pause <= Duration::from_secs(1), "{pause:?} between two");
    }
}

#[test]
fn first_installs_come_one_after_the_other_too() {
    let homes = Homes::new([Behaviour::Good; 3]);
    on_paused_time(homes.live(Duration::from_mins(5)));
    assert_eq!(homes.alive(), [NEW, NEW, NEW]);
    assert_eq!(homes.most_attempts_at_once(), 1);
}

#[test]
fn a_release_that_fails_in_the_second_home_is_not_installed_in_the_third_and_that_is_told_once() {
    let homes = Homes::new([Behaviour::Good, Behaviour::Crashes, Behaviour::Good]);
    on_paused_time(async {
        homes.install_the_old().await;
        homes.live(AN_HOUR * 3).await;
    });
    assert_eq!(homes.alive(), [NEW, OLD, OLD]);
    let told = homes.told(2);
    let stopped: Vec<_> = told.iter().filter(|what| matches!(what, Happening::FailedElsewhere { .. })).collect();
    let [Happening::FailedElsewhere { version, home }] = stopped.as_slice() else { panic!("{told:?}") };
    assert_eq!((version.to_string().as_str(), home.as_str()), (NEW, "home 1"));
    let waits_for = homes.waits_for(2).unwrap();
    assert!(waits_for.contains("it failed in home 1: the process ended by itself"), "{waits_for}");
}

#[test]
fn what_failed_in_one_home_is_known_to_the_next_supervisor() {
    let homes = Homes::new([Behaviour::Crashes, Behaviour::Good, Behaviour::Good]);
    on_paused_time(async {
        homes.install_the_old().await;
        // It dies in the middle of the window, right after the first one was rolled back.
        homes.live_until(|homes| homes.told(0).iter().any(|what| matches!(what, Happening::RolledBack { .. }))).await;
        assert_eq!(homes.alive(), [OLD, OLD, OLD]);
        homes.live(AN_HOUR * 3).await;
    });
    assert_eq!(homes.alive(), [OLD, OLD, OLD]);
    assert_eq!(homes.attempts().len(), 1);
}

#[test]
fn a_person_who_says_upgrade_in_spite_of_the_failure_is_obeyed() {
    for now in [true, false] {
        let homes = Homes::new([Behaviour::Crashes, Behaviour::Good, Behaviour::Good]);
        let answer = on_paused_time(async {
            homes.install_the_old().await;
            homes.live(AN_HOUR).await;
            let answer = homes.live_and_ask(1, now, AN_HOUR * 2).await;
            assert_eq!(homes.alive(), [OLD, NEW, OLD], "now: {now}");
            answer
        });
        if now {
            assert!(matches!(answer, Answer::Upgraded { .. }), "{answer:?}");
        } else {
            let Answer::Staged { waits_for, .. } = answer else { panic!("{answer:?}") };
            assert!(waits_for.contains("although it failed in home 0"), "{waits_for}");
        }
    }
}

#[test]
fn a_word_from_before_the_failure_was_said_without_knowing_of_it() {
    let homes = Homes::new([Behaviour::Crashes, Behaviour::Good, Behaviour::Good]);
    on_paused_time(async {
        homes.install_the_old().await;
        let answer = homes.live_and_ask(1, false, AN_HOUR * 2).await;
        assert!(matches!(answer, Answer::Staged { .. }), "{answer:?}");
    });
    assert_eq!(homes.alive(), [OLD, OLD, OLD]);
}

#[test]
fn one_who_wants_it_now_while_another_home_is_upgraded_waits_and_hears_that_it_failed_there() {
    let homes = Homes::new([Behaviour::Crashes, Behaviour::Good, Behaviour::Good]);
    let answer = on_paused_time(async {
        homes.install_the_old().await;
        homes.live_and_ask_during_the_first_attempt(2).await
    });
    let Answer::RefusedByPolicy { why } = answer else { panic!("{answer:?}") };
    assert!(why.contains("it failed in home 0"), "{why}");
    assert_eq!(homes.most_attempts_at_once(), 1);
    assert_eq!(homes.alive(), [OLD, OLD, OLD]);
}

#[test]
fn what_is_forgiven_where_it_failed_goes_on_in_the_others() {
    let homes = Homes::new([Behaviour::Crashes, Behaviour::Good, Behaviour::Good]);
    on_paused_time(async {
        homes.install_the_old().await;
        homes.live_until(|homes| homes.told(0).iter().any(|what| matches!(what, Happening::RolledBack { .. }))).await;
        homes.machines[0].disk.borrow_mut().held.clear();
        homes.live(Duration::from_mins(10)).await;
    });
    assert_eq!(homes.alive(), [OLD, NEW, NEW], "the window in which it failed goes on for those in which it did not");
}

#[test]
fn a_failure_of_the_machine_stops_this_window_and_not_the_next_one() {
    let homes = Homes::new([Behaviour::Good; 3]);
    on_paused_time(async {
        homes.install_the_old().await;
        *homes.machines[0].shut.borrow_mut() = Some("back up");
        let began = tokio::time::Instant::now();
        homes
            .live_until(|homes| {
                // After the first window, and before the second.
                if began.elapsed() > Duration::from_mins(45) && homes.machines[0].shut.borrow_mut().take().is_some() {
                    assert_eq!(homes.alive(), [OLD, OLD, OLD]);
                    assert_eq!(homes.attempts().len(), 1);
                    assert!(homes.machines[0].disk.borrow().held.values().all(|held| held.given_up.is_none()));
                }
                homes.alive() == [NEW, NEW, NEW] && homes.attempts().len() == 4
            })
            .await;
    });
    assert_eq!(homes.attempts().iter().map(|attempt| attempt.home).collect::<Vec<_>>(), [0, 0, 1, 2]);
}

#[test]
fn while_the_machine_is_blamed_the_others_say_so() {
    let homes = Homes::new([Behaviour::Good; 3]);
    on_paused_time(async {
        homes.install_the_old().await;
        *homes.machines[0].shut.borrow_mut() = Some("back up");
        homes.live(Duration::from_mins(20)).await;
    });
    let waits_for = homes.waits_for(1).unwrap();
    assert_eq!(waits_for, "the next window; in this one an upgrade failed in home 0");
}

#[test]
fn a_home_whose_window_is_shut_holds_nobody_up() {
    let mut homes = Homes::new([Behaviour::Good; 3]);
    homes.open_only_at_night(0);
    on_paused_time(async {
        homes.install_the_old().await;
        homes.live(AN_HOUR).await;
    });
    assert_eq!(homes.alive(), [OLD, NEW, NEW]);
}

#[test]
fn a_crash_in_one_home_does_not_wait_for_the_upgrade_of_another() {
    let homes = Homes::new([Behaviour::Good; 3]);
    on_paused_time(async {
        homes.install_the_old().await;
        let restarted = homes.live_and_crash_during_the_first_attempt(2).await;
        assert!(restarted < Duration::from_secs(2), "{restarted:?}");
    });
    assert_eq!(homes.most_attempts_at_once(), 1);
}
