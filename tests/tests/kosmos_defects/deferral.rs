//! `longest_deferral`: what is newer is kept back by a mode or a hold for so long and no longer, and then installed in a
//! window, never outside of one.

use crate::world::{DAY, NIGHT, Site, moment, until, version_of};
use kosmos::duty::hold;
use kosmos::ports::state_folder;

/// A week and six days after [`DAY`], outside of all windows.
const NEARLY: &str = "2026-12-07T10:00:00Z";
/// Two weeks and two hours after it, outside of all windows.
const OVER: &str = "2026-12-08T11:00:00Z";
/// In the window that follows.
const IN_WINDOW: &str = "2026-12-08T18:31:00Z";
/// In the next one but one, on the day after.
const NEXT_DAY: &str = "2026-12-09T04:31:00Z";

async fn behind(site: Site) -> Site {
    site.publish("4.0.7", "");
    site.supervisor(NIGHT).await.install(None).await;
    site.publish("4.0.8", "");
    site.set("schedule.longest_deferral", "14d")
}

fn told_ahead(site: &Site) -> Vec<String> {
    let told = site.told("warning").into_iter().filter_map(|row| row.reason);
    told.filter(|reason| reason.contains("longest_deferral")).collect()
}

#[tokio::test]
async fn what_a_mode_keeps_back_is_told_ahead_and_installed_in_the_first_window_after_its_time() {
    let site = behind(Site::new().set("schedule.mode", "stage")).await;
    let words =
        "a person to say: kosmos upgrade; from Tue 2026-12-08 10:00 +01:00 on it is installed in the next window";
    let supervisor = site.supervisor(DAY).await;
    let seen = supervisor.on_duty(async |talk| talk.until(|seen| seen.staged.is_some()).await).await;
    assert!(seen.staged.as_ref().unwrap().1.starts_with(words), "{seen:?}");
    assert_eq!(told_ahead(&site), Vec::<String>::new());
    drop(supervisor);

    // A newer one does not begin the wait anew.
    site.publish("4.0.9", "");
    let supervisor = site.supervisor(NEARLY).await;
    supervisor
        .on_duty(async |talk| {
            let seen = talk.until(|seen| seen.staged.is_some()).await;
            assert!(seen.staged.as_ref().unwrap().1.starts_with(words), "{seen:?}");
            until("it is told", async || !told_ahead(&site).is_empty()).await;
        })
        .await;
    let told = told_ahead(&site);
    assert!(told[0].contains("by mode = \"stage\"") && told[0].contains("2026-12-08 10:00"), "{told:?}");
    drop(supervisor);

    let supervisor = site.supervisor(OVER).await;
    let seen = supervisor.on_duty(async |talk| talk.until(|seen| seen.staged.is_some()).await).await;
    assert_eq!(seen.staged.unwrap().1, "the next window");
    drop(supervisor);
    assert_eq!(site.started().last().unwrap(), "4.0.7");
    let supervisor = site.supervisor(IN_WINDOW).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.9").await).await;
}

#[tokio::test]
async fn what_was_only_to_be_told_is_fetched_when_its_time_is_over() {
    let site = behind(Site::new().set("schedule.mode", "notify")).await;
    for (at, fetched) in [(DAY, 0), (NEARLY, 0), (OVER, 1)] {
        let supervisor = site.supervisor(at).await;
        let seen = supervisor.on_duty(async |talk| {
            talk.until_looked().await;
            talk.until(|seen| seen.staged.is_some() == (fetched > 0)).await
        });
        let seen = seen.await;
        assert_eq!(version_of(seen.running.as_ref()).as_deref().unwrap_or("4.0.7"), "4.0.7");
        assert_eq!(site.server.shelf().requests(&Site::place("v4.0.8")), fetched, "{at}");
    }
    let supervisor = site.supervisor(IN_WINDOW).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
}

#[tokio::test]
async fn a_hold_is_over_when_the_time_is_and_a_blackout_is_not() {
    let site = behind(Site::new().set("schedule.blackout", "2026-12-08")).await;
    let held = hold::Hold { until: None, reason: "forgotten".into(), since: moment(DAY) };
    hold::begin(&state_folder(site.path()), &held).unwrap();
    for (at, waits_for) in [(DAY, "the end of the hold; from Tue 2026-12-08"), (IN_WINDOW, "the next window")] {
        let supervisor = site.supervisor(at).await;
        let seen = supervisor.on_duty(async |talk| talk.until(|seen| seen.staged.is_some()).await).await;
        assert!(seen.staged.as_ref().unwrap().1.starts_with(waits_for), "{at}: {seen:?}");
    }
    assert_eq!(site.started(), ["4.0.7"]);
    let supervisor = site.supervisor(NEXT_DAY).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
}

#[tokio::test]
async fn a_release_that_failed_here_waits_no_more_and_the_one_after_it_begins_to() {
    let site = behind(Site::new().set("schedule.mode", "stage")).await;
    site.publish("4.0.8", "start=crash");
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            talk.upgrade_now().await;
            talk.look_again().await;
        })
        .await;
    drop(supervisor);
    site.publish("4.0.9", "");
    let supervisor = site.supervisor(NEARLY).await;
    let seen = supervisor.on_duty(async |talk| talk.until(|seen| seen.staged.is_some()).await).await;
    assert!(seen.staged.as_ref().unwrap().1.contains("from Mon 2026-12-21"), "{seen:?}");
}
