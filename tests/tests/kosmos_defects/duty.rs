//! The long day: boots, windows, crashes, mail, markers, and what people are told.

use crate::world::{DAY, EVENING, NIGHT, Site, begun_by_hand, moment, started_by_hand, until, version_of};
use kosmos::duty::command::Answer;
use kosmos::duty::housekeeping::remembered_look;
use kosmos::notice::mails_waiting;
use kosmos::ports::{Child, Vault, VaultError, state_folder};
use kosmos::update::Outcome;
use kosmos::vault;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A site on which this version was installed and is now stopped, as after a boot.
async fn stopped_with(version: &str, site: Site) -> Site {
    site.publish(version, "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    supervisor.world.child.kill(&running.process).await.unwrap();
    site
}

/// KOSMOS: `supported-major-version` set and the tag `v4.0.8` is `parseInt("v4")`, and the service is never started.
#[tokio::test]
async fn k_03_the_seat_belt_understands_a_v_and_stops_an_upgrade_but_never_a_start() {
    let site = Site::new().set("release.supported_major", "4");
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    assert_eq!(version_of(Some(&running)).as_deref(), Some("4.0.8"));
    supervisor.world.child.kill(&running.process).await.unwrap();
    drop(supervisor);

    // The machine boots, and the list has only what the seat belt holds back.
    site.publish("5.0.0", "");
    let supervisor = site.supervisor(NIGHT).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.8").await;
            let looked = talk.until_looked().await;
            assert!(looked.text.contains("release.supported_major = 4"), "{looked:?}");
        })
        .await;
    assert_eq!(site.started(), ["4.0.8", "4.0.8"]);
    assert_eq!(site.server.shelf().requests(&Site::place("v5.0.0")), 0, "what is not wanted is not fetched");
}

/// KOSMOS: the marker's name has lost the `v`, so what it names, the version to go back to, does not exist.
#[tokio::test]
async fn k_04_a_site_whose_marker_lost_its_v_is_taken_over_and_can_go_back_to_that_version() {
    let site = Site::new();
    let jar = site.jar("4.0.8", "");
    site.write("integrasjonspunkt-v4.0.8.jar", &jar);
    site.write("integrasjonspunkt-v4.0.8.jar.asc", site.sign(&jar));
    // A jar that never ran here lies beside it, and is no candidate though its number is higher.
    site.write("integrasjonspunkt-v4.0.9.jar", site.jar("4.0.9", ""));
    site.write("integrasjonspunkt-4.0.8.allowlisted", "2026-11-20T05:31:02.417");
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    let running = supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.8"));
    drop(supervisor);

    site.publish("4.1.0", "start=crash");
    let supervisor = site.supervisor(NIGHT).await;
    let Outcome::RolledBack { running, .. } = supervisor.upgrade(Some(&running)).await else { panic!("it crashes") };
    assert!(supervisor.lives(&running));
    assert_eq!(version_of(Some(&running)).as_deref(), Some("4.0.8"));
    assert_eq!(site.started(), ["4.0.8", "4.1.0", "4.0.8"]);
}

/// KOSMOS asks the network before it starts anything: with GitHub out of reach at boot, nothing runs for 56 hours.
#[tokio::test]
async fn k_05_a_boot_without_network_starts_what_was_committed() {
    let site = stopped_with("4.0.7", Site::new()).await;
    // Nobody listens there, as when the line is down.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for (what, address) in [("refused", nowhere), ("silent", silent.local_addr().unwrap())] {
        let site_started = site.started().len();
        let mut settings = site.settings();
        settings.release.source = kosmos::config::settings::Source::Digdir {
            list: format!("http://{address}/latest-versions.yml").parse().unwrap(),
            downloads: format!("http://{address}/").parse().unwrap(),
            artifact: "integrasjonspunkt".into(),
        };
        let supervisor = site.supervisor_with(settings, DAY).await;
        let running = supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
        assert_eq!(site.started().len(), site_started + 1, "{what}");
        supervisor.world.child.kill(&running.process).await.unwrap();
    }
}

/// KOSMOS: `autoRefresh=false` ends in a null pointer, and the service is not started either.
#[tokio::test]
async fn k_05_a_site_that_never_looks_is_started_all_the_same_also_when_it_comes_from_kosmos() {
    let site = stopped_with("4.0.7", Site::new()).await.set("schedule.look", "never");
    let supervisor = site.supervisor(DAY).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;

    let site = Site::new().set("schedule.look", "never");
    let jar = site.jar("4.0.8", "");
    site.write("integrasjonspunkt-v4.0.8.jar", &jar);
    site.write("integrasjonspunkt-v4.0.8.jar.asc", site.sign(&jar));
    site.write("integrasjonspunkt-4.0.8.allowlisted", "2026-11-20T05:31:02.417");
    let supervisor = site.supervisor(DAY).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(site.server.shelf().all_requests(), 0, "never is never");
}

/// KOSMOS sends mail inside the transaction: with the mail server down, the roll-back never runs.
#[tokio::test]
async fn k_06_a_mail_server_that_hangs_delays_no_roll_back_and_loses_no_mail() {
    // It lets in and says nothing: the worst of servers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let site = Site::new()
        .set("mail.recipients", "drift@example.org")
        .set("mail.from", "kosmos@example.org")
        .set("mail.host", "127.0.0.1")
        .set("mail.port", &port)
        .set("mail.security", "plain");
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let story = async {
        let running = supervisor.install(None).await;
        site.publish("4.0.8", "start=crash");
        let began = Instant::now();
        let outcome = supervisor.upgrade(Some(&running)).await;
        (outcome, began.elapsed())
    };
    let (outcome, took) = tokio::select! {
        told = story => told,
        () = supervisor.world.notice.deliver() => panic!("it delivers for ever"),
    };
    let Outcome::RolledBack { running, .. } = outcome else { panic!("{outcome:?}") };
    assert!(supervisor.lives(&running));
    assert!(took < Duration::from_secs(20), "{took:?}");
    // Upgrade SUCCESS of the first, Upgrade FAILED and Rollback SUCCESS of the second.
    assert_eq!(mails_waiting(&state_folder(site.path())), 3);
}

/// KOSMOS: one health poll that fails, and the same version is started a second time; then blocklisted.
#[tokio::test]
async fn k_10_one_that_does_not_answer_well_is_not_started_a_second_time() {
    for (behaviour, answers) in [("health=flap:100", true), ("health=down", true), ("start=never", false)] {
        let site = Site::new().set("child.start_patience", "1s").set("blocklist.enabled", "true");
        site.publish("4.0.7", "");
        let supervisor = site.supervisor(NIGHT).await;
        let running = supervisor.install(None).await;
        supervisor.world.child.kill(&running.process).await.unwrap();
        drop(supervisor);
        // The same version, ill; it runs when the supervisor begins, and is looked at all the while.
        let jar = site.path().join("sick").join("integrasjonspunkt-v4.0.7.jar");
        std::fs::create_dir(jar.parent().unwrap()).unwrap();
        site.write("sick/integrasjonspunkt-v4.0.7.jar", site.jar("4.0.7", behaviour));
        let sick = if answers { started_by_hand(&site, &jar).await } else { begun_by_hand(&site, &jar).await };
        let supervisor = site.supervisor(NIGHT).await;
        supervisor
            .on_duty(async |talk| {
                talk.until(|seen| seen.running.as_ref().is_some_and(|now| now.process.is(&sick))).await;
                for _ in 0..3 {
                    talk.look_again().await;
                }
                tokio::time::sleep(Duration::from_millis(1500)).await;
            })
            .await;
        assert!(supervisor.world.child.lives(&sick), "{behaviour}");
        assert_eq!(site.started(), ["4.0.7", "4.0.7"], "{behaviour}");
        assert!(site.files(".blocklisted").is_empty(), "{behaviour}");
    }
}

/// KOSMOS: an empty or garbled marker is an exception that nobody catches, in every run.
#[tokio::test]
async fn k_11_garbled_markers_and_garbled_state_never_keep_the_service_down() {
    let site = stopped_with("4.0.7", Site::new().set("blocklist.enabled", "true")).await;
    for (name, text) in [
        ("integrasjonspunkt-v4.0.7.blocklisted", ""),
        ("integrasjonspunkt-4.0.7.blocklisted", "\0\0\0\0"),
        ("integrasjonspunkt-.allowlisted", ""),
        (".allowlisted", "tomorrow"),
        ("integrasjonspunkt-v4.0.8.blocklisted", "2026-13-45T99:99"),
        ("integrasjonspunkt-null.jar", ""),
    ] {
        site.write(name, text);
    }
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    let running = supervisor
        .on_duty(async |talk| {
            let running = talk.until_up("4.0.7").await;
            let looked = talk.until_looked().await;
            assert!(looked.text.contains("blocklisted holds it back until it is removed"), "{looked:?}");
            running
        })
        .await;
    supervisor.world.child.kill(&running.process).await.unwrap();
    drop(supervisor);

    // Our own state, both copies of everything.
    for file in site.files(".json") {
        let is_state = file.parent() == Some(&state_folder(site.path()));
        if is_state && !file.ends_with("last-look.json") {
            efm::atomic::replace(&file, b"\0\0{").unwrap();
        }
    }
    let supervisor = site.supervisor(DAY).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
}

/// KOSMOS: two on one folder, both download, both launch.
#[tokio::test]
async fn defect_11_and_k_20_the_second_supervisor_of_a_folder_is_told_who_has_it() {
    let site = Site::new();
    let supervisor = site.supervisor(DAY).await;
    match vault::lock(site.path()) {
        Err(VaultError::Locked { holder, .. }) => {
            assert!(holder.starts_with(&std::process::id().to_string()), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    // Whoever only looks can do so, and can change nothing.
    let looking =
        vault::Folder::to_look_into(vault::Plan::of(&site.settings()), efm::clock::Clock::machine(), |_, _, _, _| {
            Err("nothing is unpacked".into())
        });
    assert!(looking.pointer().unwrap().is_none());
    assert!(looking.end_trial().is_err() && looking.remember_child(None).is_err());
    drop(supervisor);
    vault::lock(site.path()).unwrap();
}

/// KOSMOS: its first run does not ask for the hour: a restart at ten upgrades at ten.
#[tokio::test]
async fn k_21_a_restart_outside_the_window_upgrades_nothing() {
    let site = stopped_with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "");
    for _ in 0..2 {
        let supervisor = site.supervisor(DAY).await;
        supervisor
            .on_duty(async |talk| {
                talk.until_up("4.0.7").await;
                let seen = talk.until(|seen| seen.staged.is_some()).await;
                assert_eq!(seen.staged.unwrap().1, "the next window");
                // Nothing comes of it.
                talk.look_again().await;
                assert_eq!(version_of(talk.seen.borrow().running.as_ref()).as_deref(), Some("4.0.7"));
            })
            .await;
        assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.7"));
    }
    assert_eq!(site.started(), ["4.0.7", "4.0.7"], "started once after the boot, and adopted after the restart");
}

/// KOSMOS: what crashes after 21:30 on a Friday lies there until Monday.
#[tokio::test]
async fn defect_05_and_k_22_one_that_crashes_is_started_again_at_once() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    let took = supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            let began = Instant::now();
            supervisor.world.child.kill(&running.process).await.unwrap();
            talk.until(|seen| seen.up && seen.running.as_ref().is_some_and(|now| !now.process.is(&running.process)))
                .await;
            began.elapsed()
        })
        .await;
    println!("up again {took:?} after the kill");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(site.told("restarted").len(), 1);
    site.assert_never_two_at_once();
}

/// KOSMOS: restarting it loses the child; on Windows it is left behind or killed with it.
#[tokio::test]
async fn defect_12_what_runs_is_adopted_and_never_restarted_because_the_supervisor_was() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let running = site.supervisor(NIGHT).await.install(None).await;
    for _ in 0..3 {
        let supervisor = site.supervisor(DAY).await;
        let adopted = supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
        assert!(adopted.process.is(&running.process));
    }
    // Also when it leaves in an orderly way.
    let supervisor = site.supervisor(DAY).await;
    let ending = supervisor
        .until_it_leaves(async |talk| {
            talk.until_up("4.0.7").await;
            supervisor.leave.send_replace(true);
        })
        .await;
    assert_eq!(ending.unwrap(), kosmos::duty::Ending::ChildGoesOn);
    assert!(supervisor.lives(&running));
    assert_eq!(site.started(), ["4.0.7"]);
}

/// KOSMOS needs a JVM of 150 to 300 MB to sleep. Ours needs none; the figures are the bench's.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn defect_13_the_supervisor_runs_without_a_jvm_and_in_a_few_megabytes() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let running = site.supervisor(NIGHT).await.install(None).await;
    // Even the child's JVM is gone from the disk: what runs is cared for.
    let site = site.set("child.java", "/nowhere/java");
    let settings = site.settings();
    let supervisor = site.supervisor_with(settings, DAY).await;
    let adopted = supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    assert!(adopted.process.is(&running.process));
    // This process holds a supervisor, a release server and all other tests, unoptimised.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    println!("resident with all tests: {kilobytes} kB");
    assert!(kilobytes < 150_000, "{kilobytes} kB");
}

/// KOSMOS looks, fetches, stops and starts in one breath, in the maintenance window.
#[tokio::test]
async fn defect_15_what_is_fetched_by_day_is_only_stopped_and_started_in_the_window() {
    let site = stopped_with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "");
    let place = Site::place("v4.0.8");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            talk.until(|seen| seen.staged.is_some()).await;
        })
        .await;
    drop(supervisor);
    assert_eq!(site.server.shelf().requests(&place), 1);
    site.server.shelf().forget_counts();
    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(site.server.shelf().requests(&place), 0, "not fetched again");
    assert_eq!(site.started(), ["4.0.7", "4.0.7", "4.0.8"]);
}

/// KOSMOS: no status, no history; that nothing was checked for weeks is invisible.
#[tokio::test]
async fn defect_16_and_k_37_what_happened_and_what_is_waited_for_can_be_read() {
    let site = stopped_with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "start=crash");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            let running = talk.until_up("4.0.7").await;
            let seen = talk.until(|seen| seen.staged.is_some()).await;
            assert_eq!(version_of(seen.running.as_ref()).as_deref(), Some("4.0.7"));
            assert_eq!(seen.staged.unwrap().0.to_string(), "4.0.8");
            assert!(seen.next_look.unwrap() > moment(DAY) && seen.window.unwrap().opens > moment(DAY));
            assert!(matches!(talk.upgrade_now().await, Answer::RolledBack { .. }));
            assert!(!supervisor.lives(&running));
        })
        .await;
    let look = remembered_look(&state_folder(site.path())).unwrap();
    assert!(look.text.contains("found 4.0.8, and verified it"), "{look:?}");
    let rows: Vec<String> = site.history().into_iter().map(|row| row.what).collect();
    for what in ["upgraded", "staged", "upgrade-failed", "rolled-back"] {
        assert!(rows.iter().any(|row| row == what), "{what}: {rows:?}");
    }
    let failed = site.told("upgrade-failed").remove(0);
    assert_eq!((failed.from.as_deref(), failed.to.as_deref()), (Some("4.0.7"), Some("4.0.8")));
    assert!(failed.reason.unwrap().contains("ended by itself with code 1"));
    assert!(!failed.steps.is_empty());
}

/// KOSMOS: the roll-back is a start and a hope. Ours is watched, and where it fails too, nothing is given up.
#[tokio::test]
async fn k_25_a_roll_back_is_proven_and_one_that_fails_is_told_and_tried_again_and_again() {
    let site = Site::new();
    site.publish("4.0.7", "");
    let supervisor = site.supervisor(NIGHT).await;
    let running = supervisor.install(None).await;
    // Its jar is lost to an over-eager scanner while 4.0.8 is tried: there is no way back.
    site.publish("4.0.8", "start=slow:1500\ncrash.after=1000");
    let old = running.stored.clone().unwrap();
    let lose = async {
        until("4.0.8 has begun", async || site.started().last().is_some_and(|version| version == "4.0.8")).await;
        std::fs::rename(&old.archive, site.path().join("scanner.took-it")).unwrap();
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! {
        outcome = supervisor.upgrade(Some(&running)) => outcome,
        () = lose => unreachable!(),
    };
    assert!(matches!(outcome, Outcome::NothingRuns { .. }), "{outcome:?}");
    assert_eq!(site.told("roll-back-failed").len(), 1, "{:?}", site.history());
    drop(supervisor);

    // The scanner lets go of it; nobody has to say a word.
    let supervisor = site.supervisor(DAY).await;
    let began = supervisor
        .on_duty(async |talk| {
            std::fs::rename(site.path().join("scanner.took-it"), &old.archive).unwrap();
            talk.until_up("4.0.7").await
        })
        .await;
    assert!(supervisor.lives(&began));
}
