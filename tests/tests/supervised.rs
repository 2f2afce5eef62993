//! The supervisor as a sysadmin has it, with real processes: what it does by itself, what it says when it is asked, and
//! the exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use outside_world::postbox::Postbox;
use outside_world::site::{Said, Site, now};
use serde_json::Value;
use std::time::{Duration, Instant};

/// A window that is twelve hours away, and one that is open now.
fn window(open: bool) -> String {
    let hour = now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    let cron = if open { "0 0 * * * *".to_owned() } else { format!("0 0 {} * * *", (hour + 12) % 24) };
    let length = if open { "2h" } else { "10m" };
    format!(
        "[schedule]\nmode = \"auto\"\nwindow = [\"{cron}\"]\nwindow_length = \"{length}\"\ntimezone = \"UTC\"\nsplay = \"0s\"\n"
    )
}

/// A site on which this version runs.
fn running(version: &str) -> Site {
    let mut site = Site::new();
    site.publish(version, "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.until_runs(version);
    site
}

fn pid(status: &Value) -> u64 {
    status["supervisor"]["runs"]["pid"].as_u64().unwrap()
}

fn ended(said: &Said, code: i32, words: &str) {
    assert_eq!(said.code, Some(code), "{said:#?}");
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(words), "{words:?} is not in\n{all}");
}

#[test]
fn a_first_install_does_not_wait_for_a_window_and_an_upgrade_does() {
    let mut site = Site::with(&window(false));
    site.publish("4.0.7", "");
    site.start();
    site.until_runs("4.0.7");
    assert_eq!(site.ran().len(), 1);

    site.publish("4.0.8", "");
    let said = site.kosmos(&["upgrade"]);
    ended(&said, 0, "4.0.8 is verified and staged; it waits for the next window");
    let status = site.status();
    assert_eq!(status["supervisor"]["staged"]["version"], "4.0.8", "{status:#}");
    assert_eq!(status["supervisor"]["runs"]["version"], "4.0.7");
    assert_eq!(site.ran().len(), 1, "nothing was stopped or started");
    ended(&site.kosmos(&["check"]), 10, "wait: opens");
}

#[test]
fn what_the_integration_point_says_is_in_our_log_where_that_is_asked_for() {
    let mut site = Site::new();
    site.write("kosmos-local.properties", "kosmos.integrasjonspunkt.include-log=true\n");
    site.publish("4.0.7", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.wait_for("a line of its own", || site.log().contains("[INCLUDED] ").then_some(()));
}

#[test]
fn a_cold_start_needs_neither_the_release_server_nor_the_mail_server() {
    let mut site = running("4.0.7");
    assert_eq!(site.kosmos(&["stop"]).code, Some(0));
    assert_eq!(site.left().code(), Some(0));
    // Nobody listens on either port.
    let nowhere = "http://127.0.0.1:9/";
    site.write(
        "kosmos.toml",
        &site.settings(&format!(
            "[schedule]\nmode = \"stage\"\n[release]\nlist = \"{nowhere}list.yml\"\ndownloads = \"{nowhere}\"\n\
             [mail]\nrecipients = [\"drift@example.no\"]\nfrom = \"kosmos@example.no\"\nhost = \"127.0.0.1\"\nport = 9\n"
        )),
    );
    let began = Instant::now();
    site.start();
    site.wait_for("a second start", || (site.ran().len() == 2).then_some(()));
    println!("a cold start took {:?}", began.elapsed());
    site.until_runs("4.0.7");
    ended(&site.kosmos(&["check"]), 32, "connect");
}

#[test]
fn kosmos_stop_ends_both_and_a_supervisor_that_is_asked_to_leave_ends_alone() {
    let mut site = running("4.0.7");
    let before = pid(&site.status());
    ended(&site.kosmos(&["stop"]), 0, "done");
    assert_eq!(site.left().code(), Some(0));
    assert_eq!(site.integration_points(), []);
    assert_eq!(site.ran()[0].ended.as_deref(), Some("0"), "it was asked, not killed");

    site.start();
    let after = site.until_runs("4.0.7");
    assert_ne!(pid(&after), before);
    #[cfg(unix)]
    {
        assert_eq!(site.terminate().code(), Some(0));
        let alone = site.kosmos(&["status"]);
        ended(&alone, 30, "does not run");
        assert!(alone.out.contains("4.0.7"), "{alone:?}");
        site.start();
        assert_eq!(pid(&site.until_runs("4.0.7")), pid(&after), "adopted, not started again");
        assert_eq!(site.ran().len(), 2);
    }
}

#[cfg(unix)]
#[test]
fn what_a_supervisor_left_running_is_stopped_by_the_same_word() {
    let mut site = running("4.0.7");
    assert_eq!(site.terminate().code(), Some(0));
    assert_eq!(site.integration_points().len(), 1);
    ended(&site.kosmos(&["stop"]), 0, "no supervisor ran; the integration point");
    assert_eq!(site.integration_points(), []);
    assert_eq!(site.ran()[0].ended.as_deref(), Some("0"), "it was asked, not killed");
    ended(&site.kosmos(&["stop"]), 30, "none runs in");
}

#[test]
fn a_second_supervisor_says_who_has_the_folder() {
    let site = running("4.0.7");
    let second = site.kosmos(&["run"]);
    println!("{}", second.err);
    ended(&second, 31, &format!("held by process {} ", site.supervisor()));
    site.until_runs("4.0.7");
    assert_eq!(site.ran().len(), 1);
}

#[test]
fn a_killed_integration_point_is_back_within_a_second_and_a_crash_loop_is_told_once() {
    let mut site = running("4.0.7");
    let killed = Instant::now();
    site.kill_integration_points();
    site.wait_for("a second start", || (site.ran().len() == 2).then_some(()));
    let back = killed.elapsed();
    println!("back {back:?} after the kill");
    assert!(back < Duration::from_secs(5), "{back:?}");
    site.until_runs("4.0.7");
    assert_eq!(site.happened("restarted"), 1);

    // A version that passes its probation and dies soon after, again and again.
    site.publish("4.0.8", "crash.after=1500");
    site.upgrade_now(0);
    let looping = site.wait_for("a crash loop", || (site.happened("crash-loop") > 0).then(|| site.history()));
    let restarted = looping.iter().filter(|row| row["what"] == "restarted").count();
    assert!(restarted <= 4, "{looping:#?}");
    let before = site.ran().len();
    // The pauses have grown by now; one more is enough.
    site.wait_for("one more start", || (site.ran().len() > before).then_some(()));
    assert_eq!((site.happened("crash-loop"), site.happened("restarted")), (1, restarted));
    let said = site.kosmos(&["status"]);
    assert!(said.out.contains("4.0.8"), "{}", said.out);
}

#[test]
fn every_way_an_upgrade_ends_has_its_exit_code() {
    let mut site = Site::new();
    ended(&site.kosmos(&["upgrade", "--now"]), 30, "none runs in");
    ended(&site.kosmos(&["reload"]), 30, "none runs in");
    ended(&site.kosmos(&["stop"]), 30, "none runs in");
    ended(&site.kosmos(&["status"]), 30, "nothing");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());

    site.publish("4.0.6", "start=crash");
    let said = site.upgrade_now(21);
    ended(&said, 21, "nothing runs: the process ended by itself with code 1");
    site.publish("4.0.7", "");
    ended(&site.kosmos(&["check"]), 10, "4.0.7");
    ended(&site.upgrade_now(0), 0, "4.0.7 runs");
    ended(&site.upgrade_now(0), 0, "there is nothing newer");
    ended(&site.kosmos(&["check"]), 0, "it is what we have");

    site.publish("4.0.8", "start=crash");
    ended(&site.upgrade_now(20), 20, "failed and rolled back: the process ended by itself with code 1");
    ended(&site.upgrade_now(23), 23, "kosmos forgive 4.0.8");
    ended(&site.kosmos(&["forgive", "4.0.8"]), 0, "it may be tried again");
    ended(&site.upgrade_now(20), 20, "rolled back");

    site.publish_forged("4.0.9");
    ended(&site.upgrade_now(22), 22, "v4.0.9");
    assert!(!site.ran().iter().any(|start| start.version == "4.0.9"));

    site.publish("4.1.0", "");
    ended(&site.upgrade_now(0), 0, "4.1.0 runs");
    let old = ["upgrade", "--now", "--to", "4.0.7"];
    ended(&site.kosmos(&old), 23, "--allow-downgrade");
    let why = ["--allow-downgrade", "--reason", "4.1.0 loses attachments"];
    ended(&site.kosmos(&[&old[..], &why].concat()), 0, "4.0.7 runs");
    site.until_runs("4.0.7");
    let history = site.kosmos(&["history"]).out;
    assert!(history.contains("4.1.0 loses attachments"), "{history}");
    ended(&site.kosmos(&["upgrade", "--sideways"]), 2, "--sideways");
    println!("{history}\n{}", site.kosmos(&["status"]).out);
}

#[test]
fn a_hold_holds_until_it_is_taken_back() {
    let mut site = Site::with(&window(true));
    site.publish("4.0.7", "");
    site.start();
    site.until_runs("4.0.7");
    ended(&site.kosmos(&["hold", "--until", "48h", "--reason", "year end"]), 0, "");
    site.publish("4.0.8", "");
    ended(
        &site.kosmos(&["upgrade"]),
        23,
        "4.0.8 is verified and staged; it waits for the end of the hold; before that: kosmos hold --end",
    );
    ended(&site.kosmos(&["status"]), 0, "year end");
    ended(&site.kosmos(&["check"]), 23, "year end");
    assert_eq!(site.ran().len(), 1);
    ended(&site.kosmos(&["hold", "--end"]), 0, "");
    ended(&site.kosmos(&["upgrade"]), 0, "");
    site.until_runs("4.0.8");
}

#[test]
fn status_and_history_are_json_with_and_without_a_supervisor() {
    let mut site = running("4.0.7");
    let with = site.status();
    let rows = site.history();
    assert_eq!(with["supervisor"]["pid"], site.supervisor());
    assert_eq!(with["installed"]["version"], "4.0.7");
    assert_eq!(rows.last().unwrap()["what"], "upgraded", "{rows:#?}");
    site.kill();
    let without = site.status();
    assert_eq!((&without["supervisor"], &without["installed"]), (&Value::Null, &with["installed"]));
    assert_eq!(site.history(), rows);
}

#[test]
fn status_shows_the_rest_beside_a_pointer_that_is_broken_in_both_copies() {
    let site = running("4.0.7");
    for copy in ["kosmos/current.json", "kosmos/current.second.json"] {
        site.write(copy, "{");
    }
    let said = site.kosmos(&["status"]);
    println!("{}{}", said.err, said.out);
    ended(&said, 1, "unreadable");
    for words in ["4.0.7 (process", "installed    cannot be read", "current.json"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let status = site.status();
    assert_eq!(status["supervisor"]["runs"]["version"], "4.0.7", "{status:#}");
    assert_eq!((&status["floor"], &status["in_vault"][0]), (&"4.0.7".into(), &"4.0.7".into()));
    assert!(status["unreadable"][0].as_str().unwrap().contains("current.json"), "{status:#}");
}

#[test]
fn settings_that_are_broken_while_it_runs_are_told_and_the_old_ones_stay() {
    let site = running("4.0.7");
    let good = site.read("kosmos.toml");
    let before = pid(&site.status());
    site.write("kosmos.toml", &format!("{good}probbation = \"1m\"\n"));
    let said = site.kosmos(&["reload"]);
    ended(&said, 3, "probbation");
    assert!(said.err.contains("goes on with the settings that it has"), "{}", said.err);
    ended(&site.kosmos(&["check"]), 3, "probbation");
    let words = [(&["status"][..], 3), (&["history"], 0), (&["hold", "--until", "48h"], 0), (&["hold", "--end"], 0)];
    for (word, code) in words {
        // They all do their work; the code of status tells how things stand, and the settings are wrong.
        let said = site.kosmos(word);
        ended(&said, code, "");
        assert!(said.err.contains("the settings are wrong: kosmos config check"), "{}", said.err);
    }

    site.write("kosmos.toml", &good);
    ended(&site.kosmos(&["reload"]), 0, "");
    assert_eq!(pid(&site.until_runs("4.0.7")), before);
    assert_eq!(site.ran().len(), 1);
}

#[test]
fn settings_that_are_broken_when_it_starts_keep_the_service_up_and_are_taken_when_they_are_mended() {
    let mut site = running("4.0.7");
    let good = site.read("kosmos.toml");
    ended(&site.kosmos(&["stop"]), 0, "done");
    assert_eq!(site.left().code(), Some(0));
    let postbox = Postbox::open(0).unwrap();
    // Good ones once, with mail; then a person edits.
    let with_mail = with_mail(&site, postbox.port());
    site.write("kosmos.toml", &with_mail);
    site.start();
    site.until_runs("4.0.7");
    site.kill();
    site.kill_integration_points();
    site.write("kosmos.toml", &format!("{with_mail}probbation = \"1m\"\nport = \"x\"\n"));
    site.publish("4.0.8", "");
    site.start();
    let status = site.until_runs("4.0.7");
    for words in ["probbation", "kosmos.toml:"] {
        assert!(status["supervisor"]["wrong_settings"].as_str().unwrap().contains(words), "{status:#}");
    }
    let said = site.kosmos(&["status"]);
    ended(&said, 3, "the last good ones are in force, and nothing new is installed");
    println!("{}{}", said.err, said.out);
    ended(&site.kosmos(&["config", "check"]), 3, "probbation");
    ended(&site.kosmos(&["upgrade", "--now"]), 1, "the settings are wrong");
    ended(&site.kosmos(&["reload"]), 3, "probbation");
    site.wait_for("a mail about it", || {
        let told = postbox.mails().into_iter().find(|mail| mail.subject.starts_with("Warning"))?;
        assert!(told.text.contains("nothing new is installed until they are right"), "{}", told.text);
        assert!(told.text.contains("probbation"), "{}", told.text);
        Some(())
    });
    let before = pid(&status);

    // Mended half, and then all of it: no word is needed, and nothing is restarted.
    site.write("kosmos.toml", &format!("{good}prrobation = \"1m\"\n"));
    site.until("what is wrong now", |status| {
        status["supervisor"]["wrong_settings"].as_str().is_some_and(|wrong| wrong.contains("prrobation"))
    });
    site.write("kosmos.toml", &good);
    let status = site.until("they are taken", |status| {
        outside_world::site::is_at_rest(status) && status["supervisor"]["wrong_settings"].is_null()
    });
    assert_eq!(pid(&status), before);
    ended(&site.kosmos(&["status"]), 0, "4.0.7");
    ended(&site.upgrade_now(0), 0, "4.0.8 runs");
}

#[test]
fn settings_that_were_never_right_start_nothing_and_no_password_is_kept() {
    let mut site = Site::new();
    let good = site.read("kosmos.toml");
    site.write("kosmos.toml", &format!("{good}probbation = \"1m\"\n"));
    ended(&site.kosmos(&["run"]), 3, "probbation");
    ended(&site.kosmos(&["status"]), 3, "probbation");
    let secrets = "[mail]\nrecipients = [\"drift@example.no\"]\nfrom = \"kosmos@example.no\"\nhost = \"127.0.0.1\"\n\
                   port = 9\nusername = \"kosmos\"\npassword = \"hunter2\"\n[network]\n\
                   proxy = \"http://user:hunter3@127.0.0.1:9\"\n";
    site.write("kosmos.toml", &site.settings(secrets));
    site.write(
        "integrasjonspunkt-local.properties",
        &format!("server.port={}\ndifi.move.org.keystore.password=hunter4\n", site.port),
    );
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.kill();
    let kept = site.read("kosmos/settings.json");
    assert!(kept.contains("child.probation") && kept.contains("drift@example.no"), "{kept}");
    assert!(!kept.contains("hunter"), "{kept}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(site.home().join("kosmos/settings.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Garbage in its place is as good as nothing.
    site.write("kosmos/settings.json", "{");
    site.write("kosmos.toml", &format!("{good}probbation = \"1m\"\n"));
    ended(&site.kosmos(&["run"]), 3, "settings.json");
}

fn with_mail(site: &Site, port: u16) -> String {
    site.settings(&format!(
        "[schedule]\nmode = \"stage\"\n[mail]\nrecipients = [\"drift@example.no\"]\nfrom = \"kosmos@example.no\"\n\
         host = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"\n"
    ))
}

#[test]
fn mail_comes_as_kosmos_sent_it_and_late_when_the_mail_server_was_down() {
    let mut site = Site::new();
    let postbox = Postbox::open(0).unwrap();
    let port = postbox.port();
    site.write("kosmos.toml", &with_mail(&site, port));
    site.publish("4.0.7", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.publish("4.0.8", "start=crash");
    site.upgrade_now(20);
    let wanted = |subject: &str, mails: &[String]| mails.iter().filter(|mail| mail.starts_with(subject)).count() == 1;
    let mails = site.wait_for("three mails", || {
        let mails = postbox.subjects();
        wanted("Rollback SUCCESS integrasjonspunkt-v4.0.7.jar", &mails).then_some(mails)
    });
    assert!(wanted("Upgrade SUCCESS integrasjonspunkt-v4.0.7.jar", &mails), "{mails:?}");
    assert!(wanted("Upgrade FAILED integrasjonspunkt-v4.0.8.jar", &mails), "{mails:?}");
    let failed = postbox.mails().into_iter().find(|mail| mail.subject.starts_with("Upgrade FAILED")).unwrap();
    assert!(failed.text.contains("APPLICATION FAILED TO START"), "{}", failed.text);
    println!("{}", failed.text);
    drop(postbox);

    site.publish("4.0.9", "");
    let began = Instant::now();
    site.upgrade_now(0);
    println!("an upgrade with the mail server down took {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let postbox = Postbox::open(port).unwrap();
    // A failing server is asked again after a minute; a supervisor that begins anew asks at once.
    ended(&site.kosmos(&["reload"]), 0, "");
    site.wait_for("the late mail", || {
        wanted("Upgrade SUCCESS integrasjonspunkt-v4.0.9.jar", &postbox.subjects()).then_some(())
    });
}

// ── Taking over from KOSMOS ─────────────────────────────────────────────────────────────────────────────────────────

/// A folder as KOSMOS leaves it: its own settings, the key, a jar without its signature, and a marker that lost its `v`.
fn left_by_kosmos() -> Site {
    let mut site = Site::new();
    std::fs::remove_file(site.home().join("kosmos.toml")).unwrap();
    let jar = Site::jar("4.0.7", "");
    site.publish_bytes("4.0.7", ".jar", jar.clone(), "");
    efm::atomic::replace(&site.home().join("integrasjonspunkt-v4.0.7.jar"), &jar).unwrap();
    site.write("integrasjonspunkt-4.0.7.allowlisted", "2026-10-02T05:31:02.417");
    site.write(
        "kosmos-local.properties",
        &format!(
            "kosmos.integrasjonspunkt.profile=production\nkosmos.integrasjonspunkt.baseURL=http://localhost:{}\n\
             kosmos.integrasjonspunkt.versionsURL={}\nkosmos.java-archive-repository-url={}\n\
             kosmos.groupId=group/\nkosmos.artifactId=artifact/\n\
             kosmos.schedulerCronExpression=0 0 * * * *\nkosmos.verification.publicKeyPaths[0]=file:eformidling-key.asc\n",
            site.port,
            site.server.url("latest-versions.yml").unwrap(),
            site.server.url("").unwrap(),
        ),
    );
    site
}

/// What a sysadmin adds to be quicker than ten minutes: everything else stays in KOSMOS' own file.
const QUICK: &str = "[child]\nprobation = \"300ms\"\nstart_patience = \"3s\"\nstart_patience_bound = \"5s\"\n";

fn quick(site: &Site) {
    let java = outside_world::child::program("false-java").unwrap();
    let downloads = site.server.url("download/").unwrap();
    let more = format!(
        "{QUICK}java = '{}'\n[release]\ndownloads = \"{downloads}\"\n[network]\nproxy = \"none\"\n",
        java.display()
    );
    site.write("kosmos.toml", &more);
}

fn goes_on_from_what_kosmos_left(site: &mut Site) {
    // In the window of KOSMOS' own expression, which is open all the time.
    site.publish("4.0.8", "");
    ended(&site.kosmos(&["upgrade"]), 0, "4.0.8");
    site.until_runs("4.0.8");
    site.publish("4.0.9", "start=crash");
    ended(&site.upgrade_now(20), 20, "rolled back");
    site.until_runs("4.0.8");
    let back = ["upgrade", "--now", "--to", "4.0.7", "--allow-downgrade"];
    ended(&site.kosmos(&back), 0, "4.0.7 runs");
    site.until_runs("4.0.7");
}

#[test]
fn a_folder_that_kosmos_left_is_taken_over_and_its_jar_is_verified_before_it_is_started() {
    let mut site = left_by_kosmos();
    quick(&site);
    site.start();
    let status = site.until_runs("4.0.7");
    assert_eq!(status["installed"]["version"], "4.0.7");
    assert!(status["installed"]["signed_by"].is_string(), "{status:#}");
    assert_eq!(site.ran().len(), 1);
    goes_on_from_what_kosmos_left(&mut site);
}

#[test]
fn what_kosmos_started_is_adopted_and_not_restarted() {
    let mut site = left_by_kosmos();
    quick(&site);
    let started = site.start_as_kosmos("integrasjonspunkt-v4.0.7.jar");
    site.wait_for("it runs", || site.ran().first().map(|start| start.pid));
    site.start();
    let status = site.until("taken over", |status| status["installed"]["version"] == "4.0.7");
    assert_eq!(pid(&status), u64::from(started), "{status:#}");
    site.until_runs("4.0.7");
    assert_eq!(site.ran().len(), 1, "adopted, not restarted");
    assert_eq!(site.happened("adopted"), 1);

    // The next supervisor knows it, too, even when a tidy person has removed the jar from which it was started.
    std::fs::remove_file(site.home().join("integrasjonspunkt-v4.0.7.jar")).unwrap();
    site.kill();
    site.start();
    assert_eq!(pid(&site.until_runs("4.0.7")), u64::from(started));
    assert_eq!((site.ran().len(), site.happened("adopted")), (1, 1));
    goes_on_from_what_kosmos_left(&mut site);
    assert_eq!(site.ran()[0].ended.as_deref(), Some("0"), "it was asked to stop like any other");
}

#[test]
fn a_jar_that_kosmos_left_and_that_is_not_what_was_signed_is_not_started() {
    let mut site = left_by_kosmos();
    quick(&site);
    let other = Site::jar("4.0.7", "output=1");
    efm::atomic::replace(&site.home().join("integrasjonspunkt-v4.0.7.jar"), &other).unwrap();
    site.start();
    // What was published is fetched and started in its place.
    site.until_runs("4.0.7");
    let ran = site.ran();
    assert!(ran.iter().all(|start| site.published.contains_key(&start.sha256)), "{ran:?}");
    println!("{}", site.kosmos(&["history"]).out);
    assert_eq!(site.happened("refused"), 1);
}

// ── Native ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A native program that is false: it is unpacked beside its archive, which says how it behaves.
#[cfg(unix)]
fn publish_native(site: &mut Site, version: &str, behaviour: &str) {
    use kosmos::demo::integration_point::ENTRY;
    use kosmos::demo::publisher::Archive;
    let java = outside_world::child::program("false-java").unwrap();
    let script = format!("#!/bin/sh\nexec {} -jar \"${{0%/*}}\"/integrasjonspunkt-*.zip \"$@\"\n", java.display());
    let archive = Archive::new("integrasjonspunkt", version, now());
    let archive = archive.with(ENTRY, behaviour).with("bin/integrasjonspunkt", script.as_bytes()).bytes().unwrap();
    let ending = format!("-{}-{}.zip", std::env::consts::OS, std::env::consts::ARCH);
    site.publish_bytes(version, &ending, archive, "");
}

/// A supervisor that has installed 4.0.7 as a native program; `more` stands in its `[child]`.
#[cfg(unix)]
fn native_site(more: impl FnOnce(u16) -> String) -> Site {
    let mut site = Site::new();
    let more = more(site.port);
    let toml = site.settings(&format!("[schedule]\nmode = \"stage\"\n[child]\nkind = \"native\"\n{more}"));
    site.write(
        "kosmos.toml",
        &toml.lines().filter(|line| !line.starts_with("java = ")).fold(String::new(), |all, line| all + line + "\n"),
    );
    publish_native(&mut site, "4.0.7", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site
}

#[cfg(unix)]
#[test]
fn a_native_program_is_installed_upgraded_and_rolled_back() {
    let mut site = native_site(|_| String::new());
    publish_native(&mut site, "4.0.8", "");
    site.upgrade_now(0);
    let before = pid(&site.until_runs("4.0.8"));
    site.kill();
    site.start();
    assert_eq!(pid(&site.until_runs("4.0.8")), before, "adopted");
    publish_native(&mut site, "4.0.9", "start=crash");
    site.upgrade_now(20);
    site.until_runs("4.0.8");
    let versions: Vec<_> = site.ran().into_iter().map(|start| start.version).collect();
    assert_eq!(versions, ["4.0.7", "4.0.8", "4.0.9", "4.0.8"]);
}

#[cfg(unix)]
#[test]
fn nobody_is_refused_while_a_native_program_whose_port_is_held_is_exchanged() {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    let mut site = native_site(|port| format!("listen = \"127.0.0.1:{port}\"\n"));
    let port = site.port;
    let (over, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    // Each on a connection of its own: who is refused says so.
    let ask = || -> std::io::Result<()> {
        use std::io::{Read, Write};
        let mut to = std::net::TcpStream::connect(("127.0.0.1", port))?;
        to.set_read_timeout(Some(Duration::from_secs(20)))?;
        to.write_all(b"GET /manage/info HTTP/1.1\r\nHost: x\r\n\r\n")?;
        to.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        to.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(std::io::Error::other(answer)) }
    };
    std::thread::scope(|threads| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                threads.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        ask()?;
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                    std::io::Result::Ok(())
                })
            })
            .collect();
        publish_native(&mut site, "4.0.8", "");
        site.upgrade_now(0);
        publish_native(&mut site, "4.0.9", "start=crash");
        site.upgrade_now(20);
        site.until_runs("4.0.8");
        over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap().unwrap();
        }
    });
    assert!(asked.load(Ordering::Relaxed) > 10, "{asked:?}");
}
