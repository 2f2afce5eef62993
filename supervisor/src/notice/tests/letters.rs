//! What mails say, and when they are not sent again.

use efm::clock::Clock;
use std::path::Path;
use std::time::Duration;

use super::{about, at, mail_to, names, oslo, upgraded, version, warning};
use crate::config::settings::Mode;
use crate::notice::outbox::{Lane, Letter};
use crate::notice::{About, Notices, letter};
use crate::ports::{Attempt, Event, Happening, Notice};

const NOW: &str = "2026-11-21T05:30:00Z";

fn notices(state: &Path, mode: Mode) -> Notices {
    Notices::open(state, Some(mail_to(&["drift@example.no"])), about(mode), Clock::paused_at(at(NOW)))
}

/// The subjects of all mails that wait, oldest first.
fn subjects(notices: &Notices) -> Vec<String> {
    let waiting = notices.outbox.waiting();
    waiting
        .iter()
        .map(|path| notices.outbox.open::<Letter>(&Lane::Mail, path, at(NOW)).unwrap().unwrap().subject)
        .collect()
}

#[tokio::test]
async fn the_subjects_are_those_of_kosmos() {
    let state = tempfile::tempdir().unwrap();
    let mail =
        crate::config::settings::Mail { append_subject: Some(" Vik kommune ".into()), ..mail_to(&["x@example.no"]) };
    let notices = Notices::open(state.path(), Some(mail), about(Mode::Auto), Clock::paused_at(at(NOW)));
    let (archive, to) = (|| "integrasjonspunkt-4.0.8.jar".to_owned(), || version("4.0.8"));
    notices.tell(upgraded());
    notices.tell(Event::of(Happening::UpgradeFailed { archive: archive(), from: None, to: to() }));
    notices.tell(Event::of(Happening::RolledBack { archive: archive(), to: to() }));
    notices.tell(Event::of(Happening::RollBackFailed { archive: archive(), to: to(), still_lives: false }));
    assert_eq!(
        subjects(&notices),
        [
            "Upgrade SUCCESS integrasjonspunkt-4.0.8.jar - Vik kommune",
            "Upgrade FAILED integrasjonspunkt-4.0.8.jar - Vik kommune",
            "Rollback SUCCESS integrasjonspunkt-4.0.8.jar - Vik kommune",
            "Rollback FAILED integrasjonspunkt-4.0.8.jar - Vik kommune",
        ]
    );
}

#[tokio::test]
async fn each_end_of_an_attempt_is_told_once_also_by_the_supervisor_that_follows_a_dead_one() {
    let state = tempfile::tempdir().unwrap();
    let of = |id: &str| Some(Attempt { id: id.into(), steps: Vec::new() });
    notices(state.path(), Mode::Auto).tell(Event { attempt: of("one"), ..upgraded() });
    let next = notices(state.path(), Mode::Auto);
    next.tell(Event { attempt: of("one"), ..upgraded() });
    next.tell(Event { attempt: of("two"), ..upgraded() });
    assert_eq!(names(&next), ["upgraded", "upgraded"]);
    assert_eq!(subjects(&next).len(), 2);
}

#[tokio::test]
async fn a_release_that_is_refused_for_another_reason_is_told_again_and_for_the_same_one_it_is_not() {
    let state = tempfile::tempdir().unwrap();
    let refused = |reason: &str| Event {
        reason: Some(reason.into()),
        ..Event::of(Happening::Refused { version: version("4.0.9") })
    };
    let told = notices(state.path(), Mode::Auto);
    told.tell(refused("half of the file"));
    told.tell(refused("half of the file"));
    told.tell(refused("the signature is somebody else's"));
    told.tell(refused("half of the file"));
    assert_eq!(subjects(&told).len(), 2);
    assert_eq!(names(&told).len(), 2);
}

#[tokio::test]
async fn a_roll_back_that_failed_says_whether_anything_runs() {
    for (still_lives, says) in [(true, "its process, which does not come up"), (false, "nothing: a person is needed")] {
        let to = version("4.0.7");
        let event =
            Event::of(Happening::RollBackFailed { archive: "integrasjonspunkt-4.0.7.jar".into(), to, still_lives });
        let body = letter::body(&event, "Rollback FAILED", &about(Mode::Auto), at(NOW));
        assert!(body.contains(says), "{body}");
    }
}

#[tokio::test]
async fn a_crash_loop_is_told_once_and_its_end_once() {
    let state = tempfile::tempdir().unwrap();
    let looping = || Event::of(Happening::CrashLoop { version: version("4.0.8") });
    let steady = || Event::of(Happening::Steady { version: version("4.0.8") });
    let told = notices(state.path(), Mode::Auto);
    told.tell(steady());
    told.tell(looping());
    told.tell(looping());
    // A restart of the supervisor forgets nothing.
    let told = notices(state.path(), Mode::Auto);
    told.tell(looping());
    told.tell(steady());
    told.tell(steady());
    told.tell(looping());
    assert_eq!(subjects(&told), ["Crash loop 4.0.8", "Running steadily 4.0.8", "Crash loop 4.0.8"]);
}

#[tokio::test]
async fn a_key_is_told_at_ninety_thirty_and_seven_days_and_daily_when_past() {
    let state = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for days in (-3..=100).rev() {
        let notices = notices(state.path(), Mode::Auto);
        let before = notices.waiting();
        for _ in 0..3 {
            notices.tell(Event::of(Happening::KeyExpires { fingerprint: "AEF27AA6".into(), days }));
        }
        if notices.waiting() > before {
            told.push(days);
        }
        assert!(notices.waiting() <= before + 1);
    }
    assert_eq!(told, [90, 30, 7, -1, -2, -3]);
    // Extended, and near its end again years later.
    let notices = notices(state.path(), Mode::Auto);
    for days in [1_800, 89] {
        notices.tell(Event::of(Happening::KeyExpires { fingerprint: "AEF27AA6".into(), days }));
    }
    let subjects = subjects(&notices);
    assert_eq!(subjects[0], "Signing key expires in 90 days");
    assert_eq!(subjects[3], "Signing key EXPIRED");
    assert_eq!(subjects.last().unwrap(), "Signing key expires in 89 days");
}

#[tokio::test]
async fn a_silent_source_is_told_at_seven_and_fourteen_days_and_anew_after_it_came_back() {
    let state = tempfile::tempdir().unwrap();
    let notices = notices(state.path(), Mode::Auto);
    for days in (0..40).chain([0]).chain(0..8) {
        notices.tell(Event::of(Happening::Stale { days }));
    }
    assert_eq!(
        subjects(&notices),
        ["No release list for 7 days", "No release list for 14 days", "No release list for 7 days"]
    );
}

#[tokio::test]
async fn a_refused_release_is_told_once_and_not_at_each_look() {
    let state = tempfile::tempdir().unwrap();
    let notices = notices(state.path(), Mode::Auto);
    for release in ["4.0.9", "4.0.9", "4.1.0", "4.0.9"] {
        notices.tell(Event::of(Happening::Refused { version: version(release) }));
    }
    assert_eq!(subjects(&notices), ["Upgrade REFUSED 4.0.9", "Upgrade REFUSED 4.1.0"]);
    assert_eq!(names(&notices), ["refused", "refused"], "nor is the history filled with it");
}

#[tokio::test]
async fn who_must_act_is_told_of_a_new_release_and_who_need_not_is_not() {
    for (mode, expected) in [
        (Mode::Auto, vec![]),
        (Mode::Stage, vec!["Upgrade READY 4.0.9"]),
        (Mode::Notify, vec!["Upgrade AVAILABLE 4.0.9"]),
    ] {
        let state = tempfile::tempdir().unwrap();
        let notices = notices(state.path(), mode);
        for _ in 0..2 {
            notices.tell(Event::of(Happening::Available { version: version("4.0.9") }));
            notices.tell(Event::of(Happening::Staged { version: version("4.0.9"), signer: "AEF27AA6".into() }));
        }
        assert_eq!(subjects(&notices), expected);
        assert_eq!(names(&notices), ["available", "staged"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_warning_is_told_once_a_day() {
    let state = tempfile::tempdir().unwrap();
    let notices = notices(state.path(), Mode::Auto);
    for _ in 0..3 * 24 {
        notices.tell(warning("the disk is nearly full"));
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    // From 05:30 on the first day to 05:30 on the fourth.
    assert_eq!(notices.waiting(), 4);
}

#[test]
fn a_whole_mail_reads_well() {
    let event = Event {
        reason: Some("version 4.0.8 answered after 38 s".into()),
        attempt: Some(Attempt { id: "2026-11-21T05-30-00Z-4.0.8".into(), steps: Vec::new() }),
        ..upgraded()
    };
    let about = About { site: "991825827 on host7, /srv/ip".into(), zone: oslo(), mode: Mode::Auto };
    insta::assert_snapshot!(letter::body(&event, "Upgrade SUCCESS integrasjonspunkt-4.0.8.jar", &about, at(NOW)));
}

#[test]
fn k_29_a_mail_is_bounded_and_holds_no_secret_and_no_identity_number() {
    let line = "INFO user 01010112345 logged in with password=hunter2 token: abcdef æøå\n";
    let event = Event {
        log: Some(line.repeat(50_000) + "the end, æøå\n"),
        reason: Some("Authorization: Basic aHVudGVyMg== ".repeat(1_000)),
        ..upgraded()
    };
    let body = letter::body(&event, "subject", &about(Mode::Auto), at(NOW));
    assert!(body.len() < 100 * 1024 + 4 * 1024, "{}", body.len());
    for secret in ["01010112345", "hunter2", "abcdef", "aHVudGVyMg"] {
        assert!(!body.contains(secret), "{secret}");
    }
    assert!(body.contains("[what was before this is left out]\nINFO user ********"), "cut at a line");
    assert!(body.ends_with("the end, æøå\n"), "the end of the log is what is kept");
    let subject = letter::whole_subject(&"x".repeat(1_000), Some("password=hunter2\r\nBcc: a"));
    assert!(subject.len() <= 200 && !subject.contains(['\r', '\n']));
}
