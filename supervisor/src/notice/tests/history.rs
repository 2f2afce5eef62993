//! The history on disk, and as people read it.

use std::time::Duration;

use super::{at, oslo, upgraded, version};
use crate::notice::{History, Row, json, table};
use crate::ports::{Attempt, Event, Happening};

fn row(number: u32) -> Row {
    Row { reason: Some(format!("number {number}")), ..Row::plain("warning", at("2026-11-21T05:30:00Z")) }
}

fn reasons(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.reason.as_deref().unwrap()).collect()
}

fn story() -> Vec<Row> {
    let attempt = Some(Attempt {
        id: "2026-11-21T05-30-00Z-4.0.8".into(),
        steps: vec![("stop", Duration::from_millis(3_250)), ("start", Duration::from_secs(38))],
    });
    let archive = || "integrasjonspunkt-4.0.8.jar".to_owned();
    let events = [
        Event::of(Happening::Adopted { version: "4.0.7".into(), pid: Some(4711) }),
        Event::of(Happening::Staged { version: version("4.0.8"), signer: "AEF27AA6".into() }),
        Event { attempt: attempt.clone(), ..upgraded() },
        Event {
            reason: Some("component db is DOWN\nsince password=hunter2 01010112345".into()),
            attempt,
            ..Event::of(Happening::UpgradeFailed { archive: archive(), from: None, to: version("4.0.8") })
        },
        Event::of(Happening::RollBackFailed { archive: archive(), to: version("4.0.7"), still_lives: false }),
        Event::of(Happening::KeyExpires { fingerprint: "AEF27AA6".into(), days: -3 }),
        Event { reason: Some("held until Friday".into()), ..Event::of(Happening::PersonDecided) },
    ];
    events.iter().map(|event| Row::of(event, at("2026-11-21T05:30:00Z"))).collect()
}

#[test]
fn the_last_rows_come_back_in_order() {
    let state = tempfile::tempdir().unwrap();
    let history = History::of(state.path());
    assert_eq!(history.read(10).unwrap(), []);
    for number in 0..10 {
        history.append(&row(number)).unwrap();
    }
    assert_eq!(reasons(&history.read(3).unwrap()), ["number 7", "number 8", "number 9"]);
    assert_eq!(history.read(usize::MAX).unwrap().len(), 10);
    assert_eq!(history.read(0).unwrap(), []);
}

#[test]
fn a_row_reads_as_it_was_written() {
    let state = tempfile::tempdir().unwrap();
    let history = History::of(state.path());
    for row in story() {
        history.append(&row).unwrap();
    }
    assert_eq!(history.read(100).unwrap(), story());
}

#[test]
fn a_torn_last_line_loses_itself_and_nothing_after_it() {
    let state = tempfile::tempdir().unwrap();
    let (history, path) = (History::of(state.path()), state.path().join("history.jsonl"));
    history.append(&row(0)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        let torn = [whole.as_slice(), &whole[..cut]].concat();
        efm::atomic::replace(&path, &torn).unwrap();
        history.append(&row(1)).unwrap();
        let rows = history.read(10).unwrap();
        // Cut before the line's own end it is whole after all.
        let expected = if cut == whole.len() - 1 { 3 } else { 2 };
        assert_eq!(rows.len(), expected, "{cut}");
        assert_eq!(rows.last().unwrap().reason.as_deref(), Some("number 1"));
    }
}

#[test]
fn what_a_newer_program_wrote_is_read_as_far_as_it_is_known() {
    let state = tempfile::tempdir().unwrap();
    let line = r#"{"schema":1,"at":"2026-11-21T05:30:00Z","what":"teleported","colour":"green"}"#;
    efm::atomic::replace(&state.path().join("history.jsonl"), format!("garbage\n{line}\n\n").as_bytes()).unwrap();
    let rows = History::of(state.path()).read(10).unwrap();
    assert_eq!(rows.iter().map(|row| row.what.as_str()).collect::<Vec<_>>(), ["teleported"]);
}

#[test]
fn the_history_is_turned_over_by_size_and_stays_bounded() {
    let state = tempfile::tempdir().unwrap();
    let history = History::of(state.path());
    // Ten to a file, and more than all files hold.
    let fat = |number| Row { attempt: Some("x".repeat(110_000)), ..row(number) };
    for number in 0..80 {
        history.append(&fat(number)).unwrap();
    }
    let files: Vec<_> = std::fs::read_dir(state.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    let bytes: u64 = files.iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert!(bytes < 6 << 20, "{bytes}");
    let rows = history.read(25).unwrap();
    assert_eq!(reasons(&rows), (55..80).map(|number| format!("number {number}")).collect::<Vec<_>>());
    // A number that is missing, because the power went while files were renamed, is passed over.
    std::fs::remove_file(state.path().join("history.1.jsonl")).unwrap();
    assert!(history.read(25).unwrap().len() >= 20);
}

#[test]
fn the_table_reads_well() {
    insta::assert_snapshot!(table(&story(), &oslo()));
}

#[test]
fn the_json_says_all_and_no_secret() {
    let json = json(&story()).unwrap();
    assert!(!json.contains("hunter2") && !json.contains("01010112345"));
    insta::assert_snapshot!(json);
}
