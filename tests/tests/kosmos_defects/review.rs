//! What a hostile review of our own duty loop has looked for. Most of these were once wrong; a hold, a stop while a
//! restart is pending, and a question before the word to reload were right, and are to stay so.

use crate::world::{DAY, EVENING, NIGHT, Site, until, version_of};
use kosmos::duty::command::{Answer, Command};
use kosmos::duty::{Ending, hold};
use kosmos::ports::{Child, Vault, state_folder};
use kosmos::release::digest;
use kosmos::update::compare::Wish;
use outside_world::liar::{Liar, Lie};
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

async fn with(version: &str, site: Site) -> Site {
    site.publish(version, "");
    site.supervisor(NIGHT).await.install(None).await;
    site
}

fn wish(version: &str, downgrade: Option<&str>) -> Wish {
    Wish::This { version: version.parse().unwrap(), downgrade: downgrade.map(str::to_owned) }
}

/// A server whose jar never comes to its end.
fn slow_server(site: &Site, version: &str) -> Liar {
    let liar = Liar::start().unwrap();
    let (jar, tag) = (site.jar(version, ""), format!("v{version}"));
    let list = format!("integrasjonspunkt:\n  environments:\n    production: {{ latest: {tag} }}\n");
    liar.page("/latest-versions.yml", list, &[]);
    liar.page(&format!("{}.asc", Site::place(&tag)), site.sign(&jar), &[]);
    liar.page(&Site::place(&tag), jar, &[Lie::Stall { percent: 50 }]);
    liar
}

#[tokio::test]
async fn a_crash_while_a_release_is_being_fetched_is_not_left_until_all_of_it_is_here() {
    let site = with("4.0.7", Site::new()).await;
    let liar = slow_server(&site, "4.0.8");
    let place = Site::place("v4.0.8");
    let site = site
        .set("release.list", &liar.url("/latest-versions.yml"))
        .set("release.downloads", &liar.url("/download/"))
        .set("network.read_timeout", "50s");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            let running = talk.until_up("4.0.7").await;
            until("the jar is being fetched", async || !liar.asked(&place).is_empty()).await;
            let began = Instant::now();
            supervisor.world.child.kill(&running.process).await.unwrap();
            talk.until(|seen| seen.up && seen.running.as_ref().is_some_and(|now| !now.process.is(&running.process)))
                .await;
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            assert!(talk.seen.borrow().last_look.is_none(), "the look goes on");
        })
        .await;
    assert_eq!(liar.asked(&place).len(), 1, "and was not begun anew");
}

#[tokio::test]
async fn what_a_person_asked_for_in_the_next_window_is_not_taken_back_by_a_look_that_comes_by_itself() {
    let site = with("4.0.6", Site::new()).await;
    let first = site.supervisor(NIGHT).await;
    site.publish("4.0.7", "");
    first.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    drop(first);
    // 4.0.7 is the newest of the list, so that a look by itself finds nothing newer.
    let supervisor = site.supervisor("2026-11-24T18:29:57Z").await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            let answer = talk.ask(wish("4.0.6", Some("4.0.7 loses messages")), false).await.await.unwrap();
            let Answer::Staged { version, waits_for } = answer else { panic!("{answer:?}") };
            assert_eq!((version.to_string().as_str(), waits_for.as_str()), ("4.0.6", "the next window"));
            let looked = talk.look_again().await;
            assert_eq!(looked.text, "nothing newer");
            assert_eq!(talk.seen.borrow().staged.as_ref().unwrap().0.to_string(), "4.0.6");
            // The window opens at 19:30.
            talk.until_up("4.0.6").await;
        })
        .await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.6"));
}

#[tokio::test]
async fn a_version_that_is_refused_after_it_was_staged_is_not_installed() {
    // A marker that a person put there while it waited for the window.
    let site = with("4.0.7", Site::new().set("blocklist.enabled", "true")).await;
    site.publish("4.0.8", "");
    let marker = "integrasjonspunkt-v4.0.8.blocklisted";
    let supervisor = site.supervisor("2026-11-24T18:29:57Z").await;
    supervisor
        .on_duty(async |talk| {
            talk.until(|seen| seen.staged.is_some()).await;
            site.write(marker, "2099-01-01T00:00:00");
            talk.until(|seen| seen.window.is_some_and(|window| window.opens <= supervisor.world.clock.now())).await;
            talk.until(|seen| seen.staged.is_none()).await;
        })
        .await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.7"));
    drop(supervisor);

    // A list that went back, and a key that was taken away: the next look says so, and it is no longer staged.
    std::fs::remove_file(site.path().join(marker)).unwrap();
    let key = std::fs::read(site.path().join("eformidling-key.asc")).unwrap();
    let other = kosmos::demo::publisher::Publisher::new("other", crate::world::moment(crate::world::BUILT)).unwrap();
    let undo = || {
        site.list("v4.0.8");
        site.write("eformidling-key.asc", &key);
    };
    let list_back = || site.list("v4.0.5");
    let key_gone = || site.write("eformidling-key.asc", other.certificate().unwrap());
    let changes: [(&str, &dyn Fn()); 2] = [("the list goes back", &list_back), ("the key is replaced", &key_gone)];
    for (what, change) in changes {
        undo();
        let supervisor = site.supervisor(DAY).await;
        supervisor
            .on_duty(async |talk| {
                talk.until(|seen| seen.staged.is_some()).await;
                change();
                talk.look_again().await;
                assert!(talk.until(|seen| seen.staged.is_none()).await.staged.is_none(), "{what}");
            })
            .await;
    }
    assert_eq!(site.started(), ["4.0.7"]);
}

#[tokio::test]
async fn in_mode_notify_a_person_can_install_what_was_told() {
    let site = with("4.0.7", Site::new().set("schedule.mode", "notify")).await;
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_looked().await;
            assert_eq!(site.server.shelf().requests(&Site::place("v4.0.8")), 0, "it is only told");
            let answer = talk.upgrade_now().await;
            assert!(matches!(answer, Answer::Upgraded { .. }), "{answer:?}");
        })
        .await;
    assert_eq!(site.told("available").len(), 1);
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.8"));
}

#[tokio::test]
async fn a_version_whose_bytes_have_vanished_is_fetched_again_and_does_not_wait_for_a_window() {
    let site = with("4.0.7", Site::new()).await;
    let supervisor = site.supervisor(DAY).await;
    let running = supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    drop(supervisor);
    // A scanner that does not like its bytes, wherever they lie.
    for jar in site.files(".jar") {
        std::fs::remove_file(jar).unwrap();
    }
    let supervisor = site.supervisor(DAY).await;
    supervisor.world.child.kill(&running.process).await.unwrap();
    supervisor.on_duty(async |talk| talk.until_up("4.0.7").await).await;
    assert_eq!(site.started(), ["4.0.7", "4.0.7"]);
}

#[tokio::test]
async fn whoever_asks_after_the_word_to_reload_is_answered_before_it() {
    let site = with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    let ending = supervisor
        .until_it_leaves(async |talk| {
            talk.until_up("4.0.7").await;
            talk.until(|seen| seen.staged.is_some()).await;
            let (reply, reloaded) = oneshot::channel();
            // Both lie there before either is heard.
            let (asked, answer) = oneshot::channel();
            talk.commands.try_send(Command::Upgrade { wish: Wish::Newest, now: true, reply: asked }).unwrap();
            talk.commands.try_send(Command::Reload(reply)).unwrap();
            let answer = answer.await.unwrap();
            assert!(matches!(answer, Answer::Upgraded { .. }), "{answer:?}");
            assert_eq!(reloaded.await.unwrap(), Answer::Done);
        })
        .await;
    assert_eq!(ending.unwrap(), Ending::Reload);
}

#[tokio::test]
async fn the_word_to_reload_during_a_look_does_not_lose_a_question_that_follows_it() {
    let site = with("4.0.7", Site::new()).await;
    let liar = slow_server(&site, "4.0.8");
    let place = Site::place("v4.0.8");
    let site = site
        .set("release.list", &liar.url("/latest-versions.yml"))
        .set("release.downloads", &liar.url("/download/"))
        .set("network.read_timeout", "2s");
    let supervisor = site.supervisor(DAY).await;
    let ending = supervisor
        .until_it_leaves(async |talk| {
            until("the jar is being fetched", async || !liar.asked(&place).is_empty()).await;
            let (reply, reloaded) = oneshot::channel();
            talk.commands.send(Command::Reload(reply)).await.unwrap();
            assert_eq!(reloaded.await.unwrap(), Answer::Done);
            // Not what the look is about: it answers nobody.
            let answer = talk.ask(wish("4.0.9", None), true).await.await;
            assert!(matches!(answer, Ok(Answer::SourceUnreachable { .. })), "{answer:?}");
        })
        .await;
    assert_eq!(ending.unwrap(), Ending::Reload);
}

#[tokio::test]
async fn to_stop_both_while_a_restart_is_pending_starts_nothing_any_more() {
    let site = with("4.0.7", Site::new()).await;
    let supervisor = site.supervisor(DAY).await;
    // It is started, and cannot be: what follows are pauses, and a restart is pending in each.
    let ending = supervisor
        .until_it_leaves(async |talk| {
            for crash in 1..=3 {
                let running = talk.until_up("4.0.7").await;
                supervisor.world.child.kill(&running.process).await.unwrap();
                talk.until(|seen| seen.crashes == crash).await;
            }
            let (reply, stopped) = oneshot::channel();
            talk.commands.send(Command::StopBoth(reply)).await.unwrap();
            assert_eq!(stopped.await.unwrap(), Answer::Done);
        })
        .await;
    assert_eq!(ending.unwrap(), Ending::BothStopped);
    assert_eq!(supervisor.world.child.find(None).await.unwrap(), None);
}

#[tokio::test]
async fn a_hold_that_begins_while_a_version_waits_holds_it_and_a_person_who_says_now_is_obeyed() {
    let site = with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "");
    let until = crate::world::moment("2026-11-30T00:00:00Z");
    let held = hold::Hold { until: Some(until), reason: "election".into(), since: crate::world::moment(DAY) };
    hold::begin(&state_folder(site.path()), &held).unwrap();
    let supervisor = site.supervisor(EVENING).await;
    supervisor
        .on_duty(async |talk| {
            let seen = talk.until(|seen| seen.staged.is_some()).await;
            assert_eq!(seen.staged.unwrap().1, "the end of the hold");
            assert_eq!(version_of(talk.seen.borrow().running.as_ref()).as_deref(), Some("4.0.7"));
            let answer = talk.upgrade_now().await;
            assert!(matches!(answer, Answer::Upgraded { .. }), "{answer:?}");
        })
        .await;
}

#[tokio::test]
async fn an_upgrade_that_cannot_begin_is_told_and_what_a_person_asked_for_is_tried_in_the_next_window() {
    let site = with("4.0.7", Site::new().set("schedule.mode", "stage")).await;
    site.publish("4.0.8", "");
    let supervisor = site.supervisor("2026-11-24T18:29:57Z").await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            let answer = talk.ask(Wish::Newest, false).await.await.unwrap();
            assert!(matches!(answer, Answer::Staged { .. }), "{answer:?}");
            // Damaged before the window opens.
            let sha256 = digest::sha256(&site.jar("4.0.8", ""));
            let stored = supervisor.world.vault.stored(&sha256).unwrap().unwrap();
            let mut bytes = std::fs::read(&stored.archive).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::remove_file(&stored.archive).unwrap();
            std::fs::File::create(&stored.archive).unwrap().write_all(&bytes).unwrap();
            let waits = |words: &str| {
                let words = words.to_owned();
                move |seen: &kosmos::duty::Snapshot| seen.staged.as_ref().is_some_and(|(_, waits)| *waits == words)
            };
            let is_told = |site: &Site| {
                site.told("warning").iter().any(|row| row.reason.as_ref().unwrap().contains("nothing was touched"))
            };
            until("it is told", async || is_told(&site)).await;
            talk.until(waits("the next window; it was tried in this one")).await;
        })
        .await;
    assert_eq!(site.started(), ["4.0.7"]);
}

#[tokio::test]
async fn bytes_that_were_damaged_since_they_were_staged_are_fetched_again() {
    let site = with("4.0.7", Site::new()).await;
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    let file = supervisor.look().await.unwrap().unwrap().stored().archive.clone();
    let good = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::File::create(&file).unwrap().write_all(&vec![0; good.len()]).unwrap();
    supervisor.look().await.unwrap().unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), good);
    assert_eq!(site.server.shelf().requests(&Site::place("v4.0.8")), 2);
}

/// The pointer names bytes that were damaged: the version before them runs meanwhile, and what was lost comes back.
#[tokio::test]
async fn a_damaged_version_is_replaced_by_the_one_before_it_and_installed_anew_in_a_window() {
    let site = with("4.0.7", Site::new()).await;
    let supervisor = site.supervisor(NIGHT).await;
    site.publish("4.0.8", "");
    let running = supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    drop(supervisor);
    let file = running.stored.as_ref().unwrap().archive.clone();
    let length = file.metadata().unwrap().len();
    std::fs::remove_file(&file).unwrap();
    std::fs::File::create(&file).unwrap().set_len(length).unwrap();
    let supervisor = site.supervisor(DAY).await;
    supervisor.world.child.kill(&running.process).await.unwrap();
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            talk.until(|seen| seen.staged.as_ref().is_some_and(|(version, _)| version.to_string() == "4.0.8")).await;
        })
        .await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.7"));
    drop(supervisor);
    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.8"));
}
