//! The file for Prometheus, read by a strict reader of its format.

use efm::clock::Clock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[path = "../../../../tests/house/exposition.rs"]
mod exposition;

use super::{at, mail_to, names, open_at, upgraded, version, warning};
use exposition::{Family, parse};

use crate::notice::{History, Notices, OnDuty, Runs, Standing};
use crate::ports::{Event, Happening, Notice};

const NOW: &str = "2026-11-21T05:30:00Z";

/// A home with a name that must be escaped.
fn standing() -> Standing {
    let seconds = |text: &str| at(text);
    Standing {
        home: "C:\\sites\\\"Vik\"".into(),
        on_duty: Some(OnDuty {
            runs: Some(Runs { version: Some("4.0.8".into()), started: Some(seconds("2026-11-21T05:00:00Z")) }),
            up: true,
            crashes_in_a_row: 2,
            last_look: Some((seconds("2026-11-21T05:15:00Z"), true)),
            next_look: Some(seconds("2026-11-21T05:31:00Z")),
            window: Some((seconds("2026-11-21T19:30:00Z"), seconds("2026-11-21T20:30:00Z"))),
            staged: Some("4.0.9".into()),
            keys: vec![("aef27aa6948a3856932af98eca5643393753ece3".into(), seconds("2027-04-19T00:00:00Z"))],
            held: vec![("4.0.7".into(), true), ("4.1.0".into(), false)],
            on_hold: true,
        }),
    }
}

fn to(state: &Path, file: &Path) -> Notices {
    let notices = open_at(state, Some(mail_to(&["drift@example.no"])), Clock::paused_at(at(NOW)));
    notices.with_metrics(Some(file.to_owned()))
}

async fn written(notices: &Notices, file: &PathBuf) -> BTreeMap<String, Family> {
    notices.write_metrics(&standing()).await;
    parse(&std::fs::read_to_string(file).unwrap())
}

/// The value of a sample with this label, or without one besides the home.
fn value(families: &BTreeMap<String, Family>, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
    let own = |labels: &[(String, String)]| match label {
        Some((name, value)) => labels.iter().any(|(is, says)| is == name && says == value),
        None => labels.len() == 1,
    };
    families.get(name)?.samples.iter().find(|(labels, _)| own(labels)).map(|(_, value)| *value)
}

#[tokio::test]
async fn the_file_says_how_it_stands_in_the_format_of_prometheus() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kosmos.prom");
    let notices = to(folder.path(), &file);
    notices.tell(upgraded());
    let families = written(&notices, &file).await;
    let seconds = |text: &str| i32::try_from(at(text).as_second()).map(f64::from).unwrap();
    for (name, label, expected) in [
        ("kosmos_build_info", Some(("version", env!("CARGO_PKG_VERSION"))), 1.0),
        ("kosmos_written_at_seconds", None, seconds(NOW)),
        ("kosmos_running", None, 1.0),
        ("kosmos_integrasjonspunkt_up", None, 1.0),
        ("kosmos_integrasjonspunkt_info", Some(("version", "4.0.8")), 1.0),
        ("kosmos_integrasjonspunkt_started_at_seconds", None, seconds("2026-11-21T05:00:00Z")),
        ("kosmos_integrasjonspunkt_crashes_in_a_row", None, 2.0),
        ("kosmos_last_look_at_seconds", None, seconds("2026-11-21T05:15:00Z")),
        ("kosmos_last_look_reached", None, 1.0),
        ("kosmos_last_successful_look_at_seconds", None, seconds("2026-11-21T05:15:00Z")),
        ("kosmos_next_look_at_seconds", None, seconds("2026-11-21T05:31:00Z")),
        ("kosmos_window_opens_at_seconds", None, seconds("2026-11-21T19:30:00Z")),
        ("kosmos_window_closes_at_seconds", None, seconds("2026-11-21T20:30:00Z")),
        ("kosmos_staged", None, 1.0),
        ("kosmos_staged_info", Some(("version", "4.0.9")), 1.0),
        (
            "kosmos_key_expires_at_seconds",
            Some(("fingerprint", "aef27aa6948a3856932af98eca5643393753ece3")),
            seconds("2027-04-19T00:00:00Z"),
        ),
        ("kosmos_held_versions", None, 2.0),
        ("kosmos_held_version_info", Some(("state", "suspected")), 1.0),
        ("kosmos_on_hold", None, 1.0),
        ("kosmos_upgrade_attempts_total", Some(("outcome", "success")), 1.0),
        ("kosmos_upgrade_attempts_total", Some(("outcome", "failure")), 0.0),
        ("kosmos_roll_backs_total", Some(("outcome", "failure")), 0.0),
        ("kosmos_integrasjonspunkt_crashes_total", None, 0.0),
        ("kosmos_events_total", Some(("event", "upgraded")), 1.0),
        ("kosmos_last_upgrade_at_seconds", None, seconds(NOW)),
        ("kosmos_last_upgrade_downtime_seconds", None, 41.25),
        ("kosmos_outbox_length", Some(("kind", "mail")), 1.0),
        ("kosmos_outbox_oldest_age_seconds", Some(("kind", "mail")), 0.0),
    ] {
        assert_eq!(value(&families, name, label), Some(expected), "{name} {label:?}");
    }
    for (name, family) in &families {
        assert!(name.starts_with("kosmos_"));
        for labels in family.samples.keys() {
            assert_eq!(labels[0], ("home".to_owned(), "C:\\sites\\\"Vik\"".to_owned()), "{name}");
        }
    }
    insta::assert_snapshot!(std::fs::read_to_string(&file).unwrap());
}

#[tokio::test]
async fn sums_go_on_after_a_restart_and_after_the_history_forgot() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kosmos.prom");
    let restarted = || Event::of(Happening::Restarted { version: version("4.0.8") });
    let crashes = |families: &BTreeMap<String, Family>| value(families, "kosmos_integrasjonspunkt_crashes_total", None);
    // There is a history before anybody counts.
    let silent = open_at(folder.path(), None, Clock::paused_at(at(NOW)));
    silent.tell(restarted());
    silent.tell(restarted());
    let first = to(folder.path(), &file);
    assert_eq!(crashes(&written(&first, &file).await), Some(2.0));
    first.tell(restarted());
    assert_eq!(crashes(&written(&first, &file).await), Some(3.0));
    assert_eq!(crashes(&written(&first, &file).await), Some(3.0), "each is counted once");
    // Told, and the supervisor died before it counted; and another process told something meanwhile.
    first.tell(restarted());
    silent.tell(restarted());
    let second = to(folder.path(), &file);
    assert_eq!(crashes(&written(&second, &file).await), Some(5.0));
    // A line is being written, or was torn.
    let path = folder.path().join("history.jsonl");
    let whole = std::fs::read(&path).unwrap();
    efm::atomic::replace(&path, &[whole.as_slice(), b"{\"half\":"].concat()).unwrap();
    assert_eq!(crashes(&written(&second, &file).await), Some(5.0));
    second.tell(restarted());
    assert_eq!(crashes(&written(&second, &file).await), Some(6.0));
    // The history is turned over, and at last nothing of it is left.
    let older = folder.path().join("history.1.jsonl");
    efm::atomic::rename(&path, &older).unwrap();
    assert_eq!(crashes(&written(&second, &file).await), Some(6.0));
    second.tell(restarted());
    assert_eq!(crashes(&written(&second, &file).await), Some(7.0));
    efm::atomic::remove(&older).unwrap();
    efm::atomic::remove(&path).unwrap();
    assert_eq!(crashes(&written(&second, &file).await), Some(7.0));
    second.tell(restarted());
    let third = to(folder.path(), &file);
    assert_eq!(crashes(&written(&third, &file).await), Some(8.0));
    // Sums that make no sense are made anew from what there is.
    efm::atomic::replace(&folder.path().join("counts.json"), b"{").unwrap();
    let fourth = to(folder.path(), &file);
    assert_eq!(crashes(&written(&fourth, &file).await), Some(1.0));
}

#[tokio::test]
async fn a_look_that_reached_its_source_is_remembered_while_others_fail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kosmos.prom");
    let looked = |when: &str, reached| {
        let mut standing = standing();
        standing.on_duty.as_mut().unwrap().last_look = Some((at(when), reached));
        standing
    };
    for (standing, expected) in [
        (looked("2026-11-20T00:00:00Z", false), None),
        (looked("2026-11-20T01:00:00Z", true), Some("2026-11-20T01:00:00Z")),
        (looked("2026-11-20T02:00:00Z", false), Some("2026-11-20T01:00:00Z")),
    ] {
        to(folder.path(), &file).write_metrics(&standing).await;
        let families = parse(&std::fs::read_to_string(&file).unwrap());
        let found = value(&families, "kosmos_last_successful_look_at_seconds", None);
        assert_eq!(found, expected.map(|when| f64::from(i32::try_from(at(when).as_second()).unwrap())));
    }
}

#[tokio::test]
async fn a_supervisor_that_leaves_says_so_and_says_nothing_of_what_it_no_longer_sees() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kosmos.prom");
    let notices = to(folder.path(), &file);
    notices.tell(upgraded());
    written(&notices, &file).await;
    notices.write_metrics(&Standing { on_duty: None, ..standing() }).await;
    let families = parse(&std::fs::read_to_string(&file).unwrap());
    assert_eq!(value(&families, "kosmos_running", None), Some(0.0));
    assert_eq!(value(&families, "kosmos_upgrade_attempts_total", Some(("outcome", "success"))), Some(1.0));
    for gone in ["kosmos_integrasjonspunkt_up", "kosmos_next_look_at_seconds", "kosmos_staged"] {
        assert!(!families.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn a_folder_that_is_gone_is_told_once_and_its_return_is_noticed() {
    let (state, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("gone").join("kosmos.prom");
    let notices = to(state.path(), &file);
    for _ in 0..3 {
        notices.write_metrics(&standing()).await;
    }
    // Also a new supervisor knows that it was told.
    to(state.path(), &file).write_metrics(&standing()).await;
    assert_eq!(names(&notices), ["metrics-failed"]);
    notices.tell(warning("another thing"));
    assert_eq!(names(&notices), ["metrics-failed", "warning"], "nothing else is hurt");
    std::fs::create_dir(folder.path().join("gone")).unwrap();
    let notices = to(state.path(), &file);
    written(&notices, &file).await;
    std::fs::remove_dir_all(folder.path().join("gone")).unwrap();
    notices.write_metrics(&standing()).await;
    assert_eq!(names(&notices), ["metrics-failed", "warning", "metrics-failed"]);
}

#[tokio::test]
async fn what_a_killed_supervisor_left_is_swept_and_nothing_else_is() {
    let (state, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("kosmos.prom");
    for name in ["kosmos.prom.17-0.unfinished", "node.prom.17-0.unfinished", "kosmos.prom.old", "node.prom"] {
        efm::atomic::replace(&folder.path().join(name), b"").unwrap();
    }
    written(&to(state.path(), &file), &file).await;
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["kosmos.prom", "kosmos.prom.old", "node.prom", "node.prom.17-0.unfinished"]);
}

#[tokio::test]
async fn without_a_file_nothing_is_written_and_nothing_counted() {
    let state = tempfile::tempdir().unwrap();
    let notices = open_at(state.path(), None, Clock::paused_at(at(NOW))).with_metrics(None);
    assert!(!notices.has_metrics());
    notices.tell(upgraded());
    notices.write_metrics(&standing()).await;
    let told = tokio::time::timeout(Duration::from_millis(20), notices.something_told()).await;
    assert!(told.is_err());
    assert!(!state.path().join("counts.json").exists());
    assert_eq!(History::of(state.path()).read(10).unwrap().len(), 1);
}
