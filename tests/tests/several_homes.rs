//! One supervisor for three homes, with real processes: all of them come up, are upgraded one after the other, and none
//! of them suffers from what is wrong in another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use outside_world::host::Host;
use outside_world::site::Site;
use serde_json::Value;

/// A window that is open now.
const OPEN: &str = "[schedule]\nmode = \"auto\"\nwindow = [\"0 0 * * * *\"]\nwindow_length = \"2h\"\nsplay = \"0s\"\n";

fn pid(site: &Site) -> u64 {
    site.status()["supervisor"]["runs"]["pid"].as_u64().unwrap()
}

/// When the last attempt of a site began and ended, as its history says.
fn last_attempt(site: &Site) -> (jiff::Timestamp, jiff::Timestamp) {
    let history = site.history();
    let row = history.iter().rfind(|row| row["attempt"].is_string()).unwrap();
    let ended: jiff::Timestamp = row["at"].as_str().unwrap().parse().unwrap();
    let took: u64 = row["steps"].as_array().unwrap().iter().filter_map(|step| step["ms"].as_u64()).sum();
    (ended - jiff::SignedDuration::from_millis(i64::try_from(took).unwrap()), ended)
}

fn ask_all_to_look(host: &Host) {
    for site in &host.sites {
        assert_eq!(site.kosmos(&["reload"]).code, Some(0));
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn three_homes_under_one_supervisor_come_up_and_are_upgraded_one_after_the_other() {
    let mut host = Host::with(3, &format!("{OPEN}[child]\ninclude_log = true\n"));
    for (number, version) in ["4.0.7", "4.0.8"].into_iter().enumerate() {
        host.publish(version, "");
        if number == 0 {
            host.start();
        } else {
            ask_all_to_look(&host);
        }
        let attempts: Vec<_> = host
            .sites
            .iter()
            .map(|site| {
                site.until_runs(version);
                last_attempt(site)
            })
            .collect();
        let mut in_time = attempts.clone();
        in_time.sort();
        for pair in in_time.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "two at once: {attempts:?}");
        }
    }
    let supervisors: Vec<_> = host.sites.iter().map(|site| site.status()["supervisor"]["pid"].clone()).collect();
    assert!(supervisors.iter().all(|pid| *pid == supervisors[0]), "{supervisors:?}");

    let said = host.kosmos(&["status"]);
    assert_eq!((said.code, lines(&said.out).len()), (Some(0), 3), "{said:#?}");
    for (line, site) in lines(&said.out).into_iter().zip(&host.sites) {
        assert!(line.starts_with(&site.home().display().to_string()) && line.contains("  4.0.8 (process "), "{line}");
    }
    let json: Value = serde_json::from_str(&host.kosmos(&["status", "--json"]).out).unwrap();
    assert_eq!(json["homes"][2]["status"]["supervisor"]["runs"]["version"], "4.0.8", "{json:#}");
    let said = host.kosmos(&["upgrade"]);
    assert!(said.code == Some(2) && said.err.contains("3 homes are meant"), "{said:#?}");
    each_log_is_about_its_own_home(&host);
}

fn each_log_is_about_its_own_home(host: &Host) {
    for site in &host.sites {
        let log = site.log();
        assert!(log.contains("on duty") && !log.contains("home{"), "{log}");
        for other in host.sites.iter().filter(|other| other.home() != site.home()) {
            assert!(!log.contains(&other.home().display().to_string()), "{log}");
        }
        let pid = pid(site).to_string();
        assert!(log.contains(&pid), "{log}");
        assert!(log.contains("[INCLUDED] "), "what its own integration point says: {log}");
    }
    let name = host.sites[0].home().display().to_string();
    assert!(host.said().contains(&format!("home{{at={name}}}: on duty")), "{}", host.said());
}

#[test]
fn a_broken_release_hits_one_home_only_and_a_person_may_say_otherwise() {
    let mut host = Host::with(3, OPEN);
    host.publish("4.0.7", "");
    host.start();
    for site in &host.sites {
        site.until_runs("4.0.7");
    }
    host.publish("4.0.8", "start=crash\n");
    ask_all_to_look(&host);
    let hit = |host: &Host| host.sites.iter().position(|site| site.happened("rolled-back") > 0);
    let first = host.sites[0].wait_for("one is hit", || hit(&host));
    let others: Vec<usize> = (0..3).filter(|number| *number != first).collect();
    for &number in &others {
        let status = host.sites[number].until("it says why not", |status| {
            let waits_for = status["supervisor"]["staged"]["waits_for"].as_str().unwrap_or_default();
            waits_for.contains(&format!("it failed in {}", host.sites[first].home().display()))
        });
        assert_eq!(status["supervisor"]["runs"]["version"], "4.0.7");
        assert_eq!(host.sites[number].happened("failed-elsewhere"), 1);
    }
    // A restart forgets none of it.
    host.kill();
    host.start();
    for &number in &others {
        host.sites[number].until("it still says why not", |status| {
            status["supervisor"]["staged"]["waits_for"].as_str().unwrap_or_default().contains("it failed in ")
        });
        assert_eq!(host.sites[number].ran().len(), 1, "nothing was stopped or started");
    }
    let said = host.sites[others[1]].kosmos(&["upgrade", "--now"]);
    assert_eq!(said.code, Some(20), "a person is obeyed, and it fails there too: {said:#?}");
    assert_eq!(host.sites[others[0]].ran().len(), 1);
    assert_eq!(host.sites[others[0]].happened("failed-elsewhere"), 1, "told once");
}

#[test]
fn a_supervisor_that_is_killed_leaves_all_running_and_the_next_one_adopts_all() {
    let mut host = Host::with(3, OPEN);
    host.publish("4.0.7", "");
    host.start();
    let before: Vec<u64> = host
        .sites
        .iter()
        .map(|site| {
            site.until_runs("4.0.7");
            pid(site)
        })
        .collect();
    host.kill();
    for (site, pid) in host.sites.iter().zip(&before) {
        let alive: Vec<u64> = site.integration_points().iter().map(|(pid, _)| u64::from(*pid)).collect();
        assert_eq!(alive, [*pid]);
    }
    host.start();
    let after: Vec<u64> = host
        .sites
        .iter()
        .map(|site| {
            site.until_runs("4.0.7");
            pid(site)
        })
        .collect();
    assert_eq!(before, after);
    #[cfg(unix)]
    {
        assert_eq!(host.terminate().code(), Some(0));
        assert!(host.sites.iter().all(|site| site.integration_points().len() == 1));
    }
}

#[test]
fn a_home_with_wrong_settings_and_one_that_is_another_ones_keep_nobody_down_and_come_when_they_can() {
    let mut host = Host::with(3, OPEN);
    host.publish("4.0.7", "");
    let good = host.sites[0].read("kosmos.toml");
    host.sites[0].write("kosmos.toml", &good.replace("mode", "mood"));
    // Somebody else's supervisor.
    host.sites[1].start();
    host.sites[1].until_runs("4.0.7");
    host.start();
    host.sites[2].until_runs("4.0.7");
    assert!(host.sites[0].ran().is_empty());
    let said = host.kosmos(&["status"]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(lines(&said.out)[0].contains("the settings are wrong: kosmos config check --home"), "{said:#?}");
    let said = host.kosmos(&["config", "check"]);
    assert!(said.code == Some(3) && said.out.contains("mood"), "{said:#?}");
    host.sites[1].wait_for("the lock is told", || host.said().contains("held by process").then_some(()));
    assert!(host.said().contains("mood"), "{}", host.said());

    host.sites[0].write("kosmos.toml", &good);
    host.sites[0].until_runs("4.0.7");
    let pid_before = pid(&host.sites[1]);
    host.sites[1].kill();
    host.sites[1].until("it is kept now", |status| status["supervisor"].is_object());
    assert_eq!(pid(&host.sites[1]), pid_before, "adopted");
    #[cfg(unix)]
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
#[cfg(unix)]
fn the_exit_code_says_that_a_home_was_not_kept() {
    let mut host = Host::with(2, OPEN);
    host.publish("4.0.7", "");
    host.sites[0].write("kosmos.toml", "[schedule]\nmood = 1\n");
    host.start();
    host.sites[1].until_runs("4.0.7");
    assert_eq!(host.terminate().code(), Some(3));
}

#[test]
fn one_that_is_stopped_stops_alone() {
    let mut host = Host::with(2, OPEN);
    host.publish("4.0.7", "");
    host.start();
    for site in &host.sites {
        site.until_runs("4.0.7");
    }
    assert_eq!(host.sites[0].kosmos(&["stop"]).code, Some(0));
    assert!(host.sites[0].integration_points().is_empty());
    assert!(host.sites[0].status()["supervisor"].is_null());
    host.sites[1].until_runs("4.0.7");
    let said = host.kosmos(&["status"]);
    assert_eq!(said.code, Some(30), "{said:#?}");
    assert!(lines(&said.out)[0].contains("no supervisor runs; installed: 4.0.7"), "{said:#?}");
}
