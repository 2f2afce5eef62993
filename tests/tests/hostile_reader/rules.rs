//! What lies in the vault or in the home folder and waits, with the source there or away.

use kosmos::demo::integration_point::DATABASE;
use kosmos::duty::command::{Answer, Command};
use kosmos::ports::{Child, Floors, Held, Vault};
use kosmos::update::compare::Wish;
use kosmos::update::{Outcome, take_over};
use outside_world::in_process::{DAY, EVENING, NIGHT, Site, Supervisor, Talk, version_of};
use std::path::PathBuf;
use tokio::sync::oneshot;

/// Port 9 is for what throws everything away; here nobody listens to it.
fn away(site: Site) -> Site {
    site.set("release.list", "http://127.0.0.1:9/list.yml").set("release.downloads", "http://127.0.0.1:9/")
}

fn named(version: &str, downgrade: Option<&str>) -> Wish {
    Wish::This { version: version.parse().unwrap(), downgrade: downgrade.map(str::to_owned) }
}

/// 4.0.6 and then 4.0.7 were installed; 4.0.7 runs.
async fn went_on(site: Site) -> Site {
    let supervisor = site.supervisor(NIGHT).await;
    site.publish("4.0.6", "");
    let old = supervisor.install(None).await;
    site.publish("4.0.7", "");
    supervisor.install(Some(&old)).await;
    site
}

async fn say_now(talk: &Talk, wish: Wish) -> Answer {
    talk.ask(wish, true).await.await.unwrap()
}

/// Puts a jar and its signature into the home folder, as KOSMOS or a person would.
fn leave_jar(site: &Site, version: &str) -> PathBuf {
    let (name, jar) = (format!("integrasjonspunkt-v{version}.jar"), site.jar(version, ""));
    site.write(&name, &jar);
    site.write(&format!("{name}.asc"), site.sign(&jar));
    site.path().join(name)
}

async fn import(supervisor: &Supervisor, version: &str, file: &std::path::Path) {
    take_over::import(&supervisor.world, &format!("v{version}").parse().unwrap(), file).await.unwrap();
    for kind in ["", ".asc"] {
        std::fs::remove_file(format!("{}{kind}", file.display())).unwrap();
    }
}

// ── A version that a person names ──────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_version_that_a_person_names_is_installed_from_the_vault_while_the_source_is_away() {
    let maven =
        |site: Site| away(site).set("release.source", "maven").set("release.repository", "http://127.0.0.1:9/maven/");
    let sources: [(&str, &dyn Fn(Site) -> Site); 2] = [("digdir", &away), ("maven", &maven)];
    for (source, away) in sources {
        let site = away(went_on(Site::new()).await);
        let supervisor = site.supervisor(DAY).await;
        supervisor
            .on_duty(async |talk| {
                talk.until_up("4.0.7").await;
                let answer = say_now(talk, named("4.0.6", Some("4.0.7 loses messages"))).await;
                assert!(matches!(answer, Answer::Upgraded { .. }), "{source}: {answer:?}");
                talk.until_up("4.0.6").await;
            })
            .await;
        assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.6"), "{source}");
        assert_eq!(site.started(), ["4.0.6", "4.0.7", "4.0.6"], "{source}");
    }
}

#[tokio::test]
async fn the_rules_hold_for_a_version_that_a_person_names_while_the_source_is_away() {
    let site = away(went_on(Site::new()).await);
    let supervisor = site.supervisor(DAY).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            let answer = say_now(talk, named("4.0.6", None)).await;
            assert!(matches!(answer, Answer::RefusedByPolicy { .. }), "below the floor: {answer:?}");
            let answer = say_now(talk, named("4.0.5", Some("a person"))).await;
            assert!(matches!(answer, Answer::SourceUnreachable { .. }), "not here: {answer:?}");
            let stored = supervisor.world.vault.all_stored().unwrap().pop().unwrap();
            assert_eq!(stored.version().to_string(), "4.0.6");
            let given_up = Some("it lost messages".to_owned());
            let held = Held { version: stored.version().clone(), deaths: 0, given_up, signature: stored.signature };
            supervisor.world.vault.hold_against(&stored.sha256, &held).unwrap();
            let answer = say_now(talk, named("4.0.6", Some("a person"))).await;
            let Answer::RefusedByPolicy { why } = answer else { panic!("given up: {answer:?}") };
            assert!(why.contains("it lost messages"), "{why}");
        })
        .await;
    assert_eq!(supervisor.pointer().as_deref(), Some("v4.0.7"));
    assert_eq!(site.started(), ["4.0.6", "4.0.7"]);
}

/// The list still names the version that the person has left.
#[tokio::test]
async fn a_version_that_a_person_went_back_from_is_not_installed_again_until_it_is_forgiven() {
    let site = went_on(Site::new()).await;
    let supervisor = site.supervisor(NIGHT).await;
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            let answer = say_now(talk, named("4.0.6", Some("it loses messages"))).await;
            assert!(matches!(answer, Answer::Upgraded { .. }), "{answer:?}");
            talk.until_up("4.0.6").await;
            // A window is open: what a look finds now would be installed at once.
            let (reply, _forgiven) = oneshot::channel();
            let version = "0.0.1".parse().unwrap();
            talk.commands.send(Command::Forgive { version, reply }).await.unwrap();
            let says_why = |seen: &kosmos::duty::Snapshot| {
                seen.last_look
                    .as_ref()
                    .is_some_and(|look| look.text.contains("a person went back from it: it loses messages"))
            };
            let seen = talk.until(says_why).await;
            assert!(seen.staged.is_none(), "{seen:?}");
            assert_eq!(version_of(seen.running.as_ref()).as_deref(), Some("4.0.6"));
            // A person can take it back.
            let (reply, forgiven) = oneshot::channel();
            let version = "4.0.7".parse().unwrap();
            talk.commands.send(Command::Forgive { version, reply }).await.unwrap();
            assert_eq!(forgiven.await.unwrap(), Answer::Forgiven(1));
            talk.until_up("4.0.7").await;
        })
        .await;
    assert_eq!(site.started(), ["4.0.6", "4.0.7", "4.0.6", "4.0.7"]);
}

// ── What was imported ───────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn what_was_imported_is_installed_in_the_next_window_while_the_source_is_away() {
    let site = away(went_on(Site::new()).await);
    let supervisor = site.supervisor(DAY).await;
    import(&supervisor, "4.0.8", &leave_jar(&site, "4.0.8")).await;
    let waits_for = supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            talk.until(|seen| seen.staged.is_some()).await.staged.unwrap()
        })
        .await;
    assert_eq!((waits_for.0.to_string().as_str(), waits_for.1.as_str()), ("4.0.8", "the next window"));
    drop(supervisor);
    let supervisor = site.supervisor(EVENING).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(site.started(), ["4.0.6", "4.0.7", "4.0.8"]);
}

#[tokio::test]
async fn what_was_imported_and_is_refused_by_a_rule_is_not_installed_while_the_source_is_away() {
    let site = away(went_on(Site::new()).await.set("release.supported_major", "4").set("blocklist.enabled", "true"));
    let supervisor = site.supervisor(NIGHT).await;
    // Beyond the seat belt, marked, given up, and older than what has run here.
    for version in ["5.0.0", "4.2.0", "4.1.0", "4.0.5"] {
        import(&supervisor, version, &leave_jar(&site, version)).await;
    }
    site.write("integrasjonspunkt-v4.2.0.blocklisted", "2099-01-01T00:00:00");
    let all = supervisor.world.vault.all_stored().unwrap();
    let stored = all.iter().find(|stored| stored.version().to_string() == "4.1.0").unwrap();
    let held = Held {
        version: stored.version().clone(),
        deaths: 0,
        given_up: Some("it crashed".into()),
        signature: stored.signature,
    };
    supervisor.world.vault.hold_against(&stored.sha256, &held).unwrap();
    supervisor
        .on_duty(async |talk| {
            talk.until_up("4.0.7").await;
            let looked = talk.look_again().await;
            assert!(!looked.reached, "{looked:?}");
            assert!(talk.seen.borrow().staged.is_none(), "{:?}", talk.seen.borrow().staged);
        })
        .await;
    assert_eq!(site.started(), ["4.0.6", "4.0.7"]);
}

// ── Jars in the home folder ─────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_jar_in_the_home_folder_that_kosmos_has_blocklisted_is_not_started() {
    let site = Site::new().set("blocklist.enabled", "true");
    leave_jar(&site, "4.0.8");
    site.write("integrasjonspunkt-v4.0.8.allowlisted", "2026-11-20T05:31:02.417");
    site.write("integrasjonspunkt-4.0.8.blocklisted", "2099-01-01T00:00:00");
    site.publish("4.0.9", "");
    let supervisor = site.supervisor(DAY).await;
    // Nothing can be taken over, so it is a first install, and waits for no window.
    supervisor.on_duty(async |talk| talk.until_up("4.0.9").await).await;
    assert_eq!(site.started(), ["4.0.9"]);
    assert!(site.told("adopted").is_empty());
}

#[tokio::test]
async fn a_jar_in_the_home_folder_whose_time_on_the_blocklist_is_over_is_started() {
    let site = Site::new().set("blocklist.enabled", "true");
    leave_jar(&site, "4.0.8");
    site.write("integrasjonspunkt-v4.0.8.allowlisted", "2026-11-20T05:31:02.417");
    site.write("integrasjonspunkt-4.0.8.blocklisted", "2026-11-21T00:00:00");
    site.publish("4.0.8", "");
    let supervisor = site.supervisor(DAY).await;
    supervisor.on_duty(async |talk| talk.until_up("4.0.8").await).await;
    assert_eq!(site.started(), ["4.0.8"]);
}

/// The vault was lost, and what has run here is still known.
#[tokio::test]
async fn a_jar_in_the_home_folder_that_is_older_than_what_has_run_here_is_not_started() {
    let site = Site::new();
    leave_jar(&site, "4.0.7");
    site.write("integrasjonspunkt-v4.0.7.allowlisted", "2026-11-20T05:31:02.417");
    site.publish("4.0.9", "");
    let supervisor = site.supervisor(DAY).await;
    let floors = Floors { version: Some("4.0.8".parse().unwrap()), ..Floors::default() };
    supervisor.world.vault.lower_floors(&floors).unwrap();
    supervisor.on_duty(async |talk| talk.until_up("4.0.9").await).await;
    assert_eq!(site.started(), ["4.0.9"]);
    assert!(site.told("adopted").is_empty());
}

// ── A first install over data ───────────────────────────────────────────────────────────────────────────────────────

/// A site that moves to kosmos by hand: its data is there, and no version of ours ever was.
#[tokio::test]
async fn data_that_was_there_before_a_first_install_is_copied_and_put_back_if_it_never_comes_up() {
    let site = Site::new().set("child.start_patience", "1s").set("child.start_patience_bound", "2s");
    site.write(DATABASE, "messages of a year\n");
    site.publish("4.0.8", &format!("writes={DATABASE}\nstart=down"));
    let supervisor = site.supervisor(NIGHT).await;
    let Outcome::NothingRuns { why } = supervisor.upgrade(None).await else { panic!("it never comes up") };
    assert!(site.files(DATABASE).len() > 1, "what it made of the data is kept too");
    assert_eq!(std::fs::read_to_string(site.path().join(DATABASE)).unwrap(), "messages of a year\n", "{why}");
    assert_eq!(supervisor.world.child.find(None).await.unwrap(), None);
}

#[tokio::test]
async fn data_that_was_there_before_a_first_install_is_migrated_and_its_copy_is_kept() {
    let site = Site::new();
    site.write(DATABASE, "messages of a year\n");
    site.publish("4.0.8", &format!("writes={DATABASE}"));
    site.supervisor(NIGHT).await.install(None).await;
    assert_eq!(std::fs::read_to_string(site.path().join(DATABASE)).unwrap(), "messages of a year\n4.0.8\n");
    let copies: Vec<_> = site.files(DATABASE).into_iter().filter(|file| *file != site.path().join(DATABASE)).collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(std::fs::read_to_string(&copies[0]).unwrap(), "messages of a year\n");
}

#[tokio::test]
async fn a_first_install_where_nothing_was_copies_nothing() {
    let site = Site::new();
    site.publish("4.0.8", "");
    site.supervisor(NIGHT).await.install(None).await;
    assert!(!site.path().join("kosmos/backup").exists());
}
