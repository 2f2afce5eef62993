//! The program as a person meets it: one home, whatever folder is typed; exit codes; archives that are carried in.

use outside_world::site::{Said, Site};
use std::path::PathBuf;

fn ended(said: &Said, code: i32, words: &str) {
    assert_eq!(said.code, Some(code), "{said:#?}");
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(words), "{words:?} is not in\n{all}");
}

/// What the help says about an exit code.
fn meaning(site: &Site, code: i32) -> String {
    let help = site.kosmos(&["exit-codes"]).out;
    let line = help.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{code}  ")));
    line.unwrap_or_else(|| panic!("{code} is not in\n{help}")).to_owned()
}

const NOWHERE: &str = "[release]\nlist = \"http://127.0.0.1:9/list.yml\"\ndownloads = \"http://127.0.0.1:9/\"\n";

// ── One home ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A folder with settings, and below it the one in which the integration point lives. Words are typed in the first.
fn with_its_home_elsewhere() -> (Site, PathBuf) {
    let mut site = Site::with("home = 'point'\n[schedule]\nmode = \"stage\"\n");
    let point = site.home().join("point");
    std::fs::create_dir(&point).unwrap();
    let properties = "integrasjonspunkt-local.properties";
    std::fs::rename(site.home().join(properties), point.join(properties)).unwrap();
    std::fs::copy(site.home().join("eformidling-key.asc"), point.join("eformidling-key.asc")).unwrap();
    site.publish("4.0.8", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.until_runs("4.0.8");
    (site, point)
}

#[test]
fn lock_door_log_and_state_are_in_the_home_that_the_settings_name() {
    let (site, point) = with_its_home_elsewhere();
    for name in ["kosmos/lock", "kosmos/current.json", "logs/kosmos.log", "logs/integrasjonspunkt.log", "ran.log"] {
        assert!(point.join(name).exists(), "{name} is not in the home");
    }
    for name in ["kosmos", "logs", "ran.log"] {
        assert!(!site.home().join(name).exists(), "{name} is in the folder of the settings");
    }
    #[cfg(unix)]
    assert!(point.join("kosmos/control.sock").exists());
    let said = site.status()["home"].as_str().map(PathBuf::from).unwrap();
    assert_eq!(said.canonicalize().unwrap(), point.canonicalize().unwrap());
}

#[test]
fn a_second_supervisor_and_an_import_meet_the_same_lock_from_either_folder() {
    let (site, point) = with_its_home_elsewhere();
    let jar = site.home().join("integrasjonspunkt-4.0.9.jar");
    efm::atomic::replace(&jar, &Site::jar("4.0.9", "")).unwrap();
    let holder = format!("held by process {}", site.supervisor());
    for folder in [site.home(), &point] {
        ended(&site.kosmos_at(folder, &["run"]), 31, &holder);
        ended(&site.kosmos_at(folder, &["import", jar.to_str().unwrap()]), 31, &holder);
    }
    assert!(meaning(&site, 31).contains("a second supervisor"));
    assert_eq!(site.status()["supervisor"]["runs"]["version"], "4.0.8");
}

#[test]
fn words_that_are_typed_in_the_folder_of_the_settings_reach_the_supervisor_that_runs() {
    let (mut site, point) = with_its_home_elsewhere();
    site.publish("4.0.9", "");
    ended(&site.kosmos(&["upgrade", "--now"]), 0, "4.0.9");
    assert_eq!(site.until_runs("4.0.9")["installed"]["version"], "4.0.9");
    // The home that is named itself is the same one.
    assert_eq!(site.kosmos_at(&point, &["status"]).code, Some(0));
    ended(&site.kosmos(&["forgive", "4.0.9"]), 0, "nothing was held against it");
    ended(&site.kosmos(&["hold", "--reason", "an election"]), 0, "an election");
    assert_eq!(site.status()["on_hold"]["reason"], "an election");
    ended(&site.kosmos(&["reload"]), 0, "");
    site.until_runs("4.0.9");
    ended(&site.kosmos(&["stop"]), 0, "");
    assert_eq!(site.left().code(), Some(0));
    assert_eq!(site.kosmos(&["status"]).code, Some(30));
    ended(&site.kosmos(&["upgrade"]), 30, "");
}

#[test]
fn a_version_is_forgiven_without_a_supervisor_by_the_settings_of_the_folder_that_was_typed() {
    let (mut site, _point) = with_its_home_elsewhere();
    site.publish("4.0.9", "start=crash");
    site.upgrade_now(20);
    site.until_runs("4.0.8");
    ended(&site.kosmos(&["stop"]), 0, "");
    site.left();
    // Left from the time when the settings lay there; nobody reads them any more.
    site.write("point/kosmos.toml", "what = \"an old life\"\n");
    ended(&site.kosmos(&["forgive", "4.0.9"]), 0, "4.0.9 may be tried again");
    assert_eq!(site.status()["given_up"].as_array().unwrap().len(), 0);
}

// ── Exit codes ──────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_upgrade_while_the_source_is_away_ends_with_the_code_for_it_and_touches_nothing() {
    let mut site = Site::with(&format!("[schedule]\nmode = \"stage\"\n{NOWHERE}"));
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    for words in [&["upgrade"][..], &["upgrade", "--now"], &["upgrade", "--now", "--to", "4.0.8"]] {
        ended(&site.kosmos(words), 32, "127.0.0.1:9");
    }
    ended(&site.kosmos(&["check"]), 32, "127.0.0.1:9");
    assert!(meaning(&site, 32).contains("could not be reached"), "{}", meaning(&site, 32));
    assert!(site.ran().is_empty());
}

#[test]
fn a_check_of_a_version_that_was_given_up_ends_with_the_code_for_a_refusal_by_policy() {
    let mut site = Site::new();
    site.publish("4.0.7", "");
    site.start();
    site.until("it answers", |status| status["supervisor"].is_object());
    site.upgrade_now(0);
    site.publish("4.0.8", "start=crash");
    ended(&site.kosmos(&["check"]), 10, "it is wanted");
    site.upgrade_now(20);
    site.until_runs("4.0.7");
    ended(&site.kosmos(&["check"]), 23, "4.0.8 failed here and is not tried again until other bytes come");
    let plan: serde_json::Value = serde_json::from_str(&site.kosmos(&["check", "--json"]).out).unwrap();
    assert_eq!((&plan["upgrade"], &plan["gates"][0]["open"]), (&false.into(), &false.into()), "{plan:#}");
    ended(&site.kosmos(&["upgrade", "--now"]), 23, "kosmos forgive 4.0.8");
    assert!(meaning(&site, 23).contains("given up"), "{}", meaning(&site, 23));
    ended(&site.kosmos(&["forgive", "4.0.8"]), 0, "it may be tried again");
    ended(&site.kosmos(&["check"]), 10, "it is wanted");
}

// ── What the status says ────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_status_does_not_say_that_a_version_is_staged_when_it_was_installed() {
    let mut site = Site::with("[schedule]\nmode = \"auto\"\n");
    site.publish("4.0.8", "");
    site.start();
    let status = site.until_runs("4.0.8");
    assert!(status["supervisor"]["staged"].is_null(), "{status:#}");
    let said = site.kosmos(&["status"]).out;
    assert!(said.lines().any(|line| line.starts_with("last look") && line.contains("4.0.8")), "{said}");
    assert!(!said.contains("staged"), "{said}");
}

// ── Native programs, carried in ─────────────────────────────────────────────────────────────────────────────────────

/// A native integration point that nothing but files reach, in a window that is always open.
#[cfg(unix)]
fn native() -> Site {
    let site = Site::new();
    let toml = site.settings(&format!(
        "[schedule]\nmode = \"auto\"\nwindow = [\"0 0 * * * *\"]\nwindow_length = \"1h\"\nsplay = \"0s\"\n\
         [child]\nkind = \"native\"\n{NOWHERE}"
    ));
    let lines = toml.lines().filter(|line| !line.starts_with("java = "));
    site.write("kosmos.toml", &lines.fold(String::new(), |all, line| all + line + "\n"));
    site
}

/// Makes a native archive of this name, and its signature beside it.
#[cfg(unix)]
fn carried_in(site: &Site, version: &str, name: &str) -> PathBuf {
    use kosmos::demo::integration_point::ENTRY;
    use kosmos::demo::publisher::Archive;
    let java = outside_world::child::program("false-java").unwrap();
    // The program is unpacked beside its archive, which says how it behaves.
    let script = format!("#!/bin/sh\nexec {} -jar \"${{0%/*}}\"/integrasjonspunkt-*.zip \"$@\"\n", java.display());
    let archive = Archive::new("integrasjonspunkt", version, outside_world::site::now());
    let zip = archive.with(ENTRY, "").with("bin/integrasjonspunkt", script.as_bytes()).bytes().unwrap();
    let usb = site.home().parent().unwrap().join("usb");
    std::fs::create_dir_all(&usb).unwrap();
    let file = usb.join(name);
    efm::atomic::replace(&usb.join(format!("{name}.asc")), site.sign(&zip).as_bytes()).unwrap();
    efm::atomic::replace(&file, &zip).unwrap();
    file
}

#[cfg(unix)]
fn import(site: &Site, file: &std::path::Path) -> Said {
    site.kosmos(&["import", file.to_str().unwrap()])
}

#[cfg(unix)]
#[test]
fn native_archives_are_imported_under_the_name_that_they_are_published_with_and_installed_without_any_source() {
    let mut site = native();
    let here = format!("-{}-{}.zip", std::env::consts::OS, std::env::consts::ARCH);
    let first = carried_in(&site, "4.0.7", &format!("integrasjonspunkt-v4.0.7{here}"));
    ended(&import(&site, &first), 0, "4.0.7 is verified");
    site.start();
    site.until_runs("4.0.7");
    ended(&site.kosmos(&["stop"]), 0, "");
    site.left();
    let second = carried_in(&site, "4.0.8", "integrasjonspunkt-4.0.8.zip");
    ended(&import(&site, &second), 0, "4.0.8 is verified");
    site.start();
    site.until_runs("4.0.8");
    let versions: Vec<_> = site.ran().into_iter().map(|start| start.version).collect();
    assert_eq!(versions, ["4.0.7", "4.0.7", "4.0.8"]);
}

#[cfg(unix)]
#[test]
fn an_archive_of_another_kind_or_for_another_machine_is_not_imported() {
    let site = native();
    let other = carried_in(&site, "4.0.8", "integrasjonspunkt-v4.0.8-windows-x86_64.zip");
    ended(&import(&site, &other), 2, "its name must be like integrasjonspunkt-4.0.8.zip");
    let jar = carried_in(&site, "4.0.8", "integrasjonspunkt-v4.0.8.jar");
    ended(&import(&site, &jar), 2, "its name must be like integrasjonspunkt-4.0.8.zip");
    let java = Site::new();
    let zip = carried_in(&java, "4.0.8", "integrasjonspunkt-4.0.8.zip");
    ended(&import(&java, &zip), 2, "its name must be like integrasjonspunkt-4.0.8.jar");
}
