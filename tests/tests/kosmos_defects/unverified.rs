//! What was here before us and cannot be verified: it is never started by us, it is a floor, and it is the way back as
//! soon as its signature can be had.

use crate::world::{DAY, Site, started_by_hand, until, version_of};
use kosmos::duty::command::Answer;

/// A jar that runs, and whose signature nobody has. Nobody told us of it in the list either.
async fn runs_unverified(version: &str) -> Site {
    let site = Site::new();
    let jar = site.path().join(format!("integrasjonspunkt-v{version}.jar"));
    site.write(jar.file_name().unwrap().to_str().unwrap(), site.jar(version, ""));
    started_by_hand(&site, &jar).await;
    site
}

#[tokio::test]
async fn nothing_older_than_what_runs_unverified_is_taken_by_itself() {
    let site = runs_unverified("4.0.7").await;
    site.publish("4.0.6", "");
    for _ in 0..2 {
        let supervisor = site.supervisor(DAY).await;
        supervisor
            .on_duty(async |talk| {
                let look = talk.until_looked().await;
                assert!(look.text.contains("4.0.7 has run here and nothing older is taken"), "{look:?}");
                let answer = talk.upgrade_now().await;
                assert!(matches!(answer, Answer::RefusedByPolicy { .. }), "{answer:?}");
                assert!(talk.seen.borrow().staged.is_none());
            })
            .await;
    }
    assert_eq!(site.started(), ["4.0.7"]);
}

#[tokio::test]
async fn after_an_upgrade_without_a_way_back_has_failed_the_old_one_is_started_once_it_can_be_verified() {
    let site = runs_unverified("4.0.7").await;
    site.publish("4.0.8", "start=crash");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_looked().await;
            let answer = talk.upgrade_now().await;
            assert!(matches!(answer, Answer::NothingRuns { .. }), "{answer:?}");
            assert_eq!(site.started(), ["4.0.7", "4.0.8"], "what was not verified is not started");
            site.write("integrasjonspunkt-v4.0.7.jar.asc", site.sign(&site.jar("4.0.7", "")));
            let running = talk.until_up("4.0.7").await;
            assert_eq!(version_of(Some(&running)).as_deref(), Some("4.0.7"));
        })
        .await;
    until("it is pointed at", async || supervisor.pointer().as_deref() == Some("v4.0.7")).await;
}
