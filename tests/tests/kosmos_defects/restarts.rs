//! What a restart must not forget: a person's word for the next window, that a window has had its attempt, and how often
//! the machine was in the way. A supervisor that is dropped here is gone as if it were killed.

use crate::world::{DAY, EVENING, NIGHT, Site, Talk, moment, until, version_of};
use kosmos::duty::command::Answer;
use kosmos::duty::{Snapshot, waiting};
use kosmos::ports::state_folder;
use kosmos::update::compare::Wish;
use std::path::PathBuf;

async fn with(version: &str, site: Site) -> Site {
    site.publish(version, "");
    site.supervisor(NIGHT).await.install(None).await;
    site
}

/// A file where the folder of the copies belongs: no upgrade gets past its backup, and no release is to blame.
fn spoil_backups(site: &Site) -> PathBuf {
    let folder = state_folder(site.path()).join("backup");
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    site.write("kosmos/backup", "a file");
    folder
}

fn waits_for(words: &str) -> impl FnMut(&Snapshot) -> bool {
    let words = words.to_owned();
    move |seen| seen.staged.as_ref().is_some_and(|(_, waits)| waits.starts_with(&words))
}

#[tokio::test]
async fn a_word_about_the_next_window_outlives_the_supervisor_that_heard_it() {
    let site = with("4.0.7", Site::new().set("schedule.mode", "stage")).await;
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    let answer = supervisor.on_duty(async |talk| talk.ask(Wish::Newest, false).await.await.unwrap()).await;
    assert!(matches!(&answer, Answer::Staged { waits_for, .. } if waits_for == "the next window"), "{answer:?}");
    drop(supervisor);

    // The next one knows it before it looks, and a look by itself does not take it back.
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until(waits_for("the next window")).await;
            talk.look_again().await;
            talk.until(waits_for("the next window")).await;
        })
        .await;
    drop(supervisor);

    // Nor does it need the release server.
    let nowhere = "http://127.0.0.1:9/";
    let site = site.set("release.list", nowhere).set("release.downloads", nowhere);
    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.8"));
    until("the word is taken back", async || waiting::read(&state_folder(site.path())).unwrap().word.is_none()).await;
}

#[tokio::test]
async fn a_word_to_go_back_is_kept_with_its_reason() {
    let site = with("4.0.7", Site::new().set("schedule.mode", "stage")).await;
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            talk.upgrade_now().await;
            let downgrade = Some("4.0.8 loses attachments".to_owned());
            let wish = Wish::This { version: "4.0.7".parse().unwrap(), downgrade };
            let answer = talk.ask(wish, false).await.await.unwrap();
            assert!(matches!(answer, Answer::Staged { .. }), "{answer:?}");
        })
        .await;
    drop(supervisor);
    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    let decided = site.told("person-decided");
    assert!(decided.iter().any(|row| row.reason.as_ref().unwrap().contains("loses attachments")), "{decided:#?}");
}

#[tokio::test]
async fn a_window_that_has_had_its_attempt_has_had_it_after_a_restart_too() {
    let site = with("4.0.7", Site::new()).await;
    let supervisor = site.supervisor(NIGHT).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    drop(supervisor);
    let spoilt = spoil_backups(&site);
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(NIGHT).await;
    supervisor.on_duty(async |_| until("it failed", async || site.told("rolled-back").len() == 1).await).await;
    drop(supervisor);

    std::fs::remove_file(&spoilt).unwrap();
    let supervisor = site.supervisor(NIGHT).await;
    let seen = supervisor.on_duty(async |talk| talk.until(waits_for("the next window; it was tried")).await).await;
    assert_eq!(version_of(seen.running.as_ref()).as_deref(), Some("4.0.7"));
    assert_eq!(site.told("upgrade-failed").len(), 1);
    drop(supervisor);

    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    until("it is forgotten", async || waiting::read(&state_folder(site.path())).unwrap().tried.is_none()).await;
}

#[tokio::test]
async fn a_file_that_makes_no_sense_is_told_and_stops_nothing() {
    let site = with("4.0.7", Site::new()).await;
    site.write("kosmos/waiting.json", "{\"schema\": 1, \"word\": 7");
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    let told = site.told("warning");
    let reason = told[0].reason.as_ref().unwrap();
    assert!(reason.contains("waiting.json") && reason.contains("say so again: kosmos upgrade"), "{reason}");
    assert!(told[0].at >= moment(EVENING));
}

/// The windows that follow [`NIGHT`].
const WINDOWS: [&str; 5] =
    [EVENING, "2026-11-24T20:31:00Z", "2026-11-25T04:31:00Z", "2026-11-25T18:31:00Z", "2026-11-25T20:31:00Z"];
const ONE_MORE: &str = "2026-11-26T04:31:00Z";

#[tokio::test]
async fn a_machine_that_is_in_the_way_in_five_windows_is_left_to_a_person_or_to_another_week() {
    let site = with("4.0.7", Site::new()).await;
    let supervisor = site.supervisor(DAY).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    drop(supervisor);
    let spoilt = spoil_backups(&site);
    site.publish("4.0.8", "");
    for (number, window) in WINDOWS.iter().enumerate() {
        let supervisor = site.supervisor(window).await;
        let failed = async || site.told("rolled-back").len() == number + 1;
        supervisor.on_duty(async |_| until("it failed", failed).await).await;
    }
    let needs_a_person = "a person to mend this machine and say: kosmos upgrade; in 5 windows or more it failed: ";
    let in_vain = |site: &Site| {
        let told = site.told("warning").into_iter().filter_map(|row| row.reason);
        told.filter(|reason| reason.contains("needs a person")).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let supervisor = site.supervisor(ONE_MORE).await;
        let scene = async |talk: &mut Talk| {
            let seen = talk.until(waits_for(needs_a_person)).await;
            until("a person is told", async || !in_vain(&site).is_empty()).await;
            seen
        };
        let (version, waits_for) = supervisor.on_duty(scene).await.staged.unwrap();
        assert!(version.to_string() == "4.0.8" && waits_for.contains("backup"), "{waits_for}");
        assert_eq!(site.told("upgrade-failed").len(), 5, "nothing is stopped any more");
    }
    assert!(matches!(&in_vain(&site)[..], [once] if once.contains("4.0.8") && once.contains("backup")));

    // A week later it is tried without a word, in vain; then a person has mended it and says so.
    let supervisor = site.supervisor("2026-12-03T04:31:00Z").await;
    supervisor.on_duty(async |_| until("it failed", async || site.told("rolled-back").len() == 6).await).await;
    drop(supervisor);
    let supervisor = site.supervisor("2026-12-03T18:31:00Z").await;
    supervisor
        .on_duty(async |talk| {
            talk.until(waits_for(needs_a_person)).await;
            std::fs::remove_file(&spoilt).unwrap();
            let answer = talk.ask(Wish::Newest, false).await.await.unwrap();
            assert!(matches!(answer, Answer::Staged { .. }), "{answer:?}");
            talk.until_up("4.0.8").await;
        })
        .await;
    assert_eq!(in_vain(&site).len(), 1, "told once");
}

#[tokio::test]
async fn other_bytes_are_tried_where_those_before_them_were_in_vain() {
    let site = with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "");
    let sha256 = kosmos::release::digest::sha256(&site.jar("4.0.8", ""));
    let mut waiting = waiting::Waiting::default();
    for window in WINDOWS {
        let opens = moment(window);
        let window = kosmos::schedule::Window { opens, closes: opens + std::time::Duration::from_hours(1) };
        waiting.try_now(sha256, Some(window), opens);
    }
    waiting::write(&state_folder(site.path()), &waiting).unwrap();
    let supervisor = site.supervisor(ONE_MORE).await;
    supervisor.on_duty(async |talk| talk.until(waits_for("a person to mend")).await).await;
    drop(supervisor);
    site.publish("4.0.9", "");
    let supervisor = site.supervisor(ONE_MORE).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.9").await).await;
}
