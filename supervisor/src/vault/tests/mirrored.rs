//! What KOSMOS finds when a site goes back to it.

use super::*;
use crate::ports::Mirror;

fn names(home: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "kosmos");
    names.sort();
    names
}

/// The clock of these tests goes on while they run.
fn assert_is_about(expected: &str, marker: &str) {
    let parse = |text: &str| text.parse::<jiff::civil::DateTime>().unwrap();
    let late = parse(marker).duration_since(parse(expected));
    assert!(marker.len() == expected.len() && (0..60).contains(&late.as_secs()), "{marker}");
}

fn commit(folder: &Folder, text: &str) -> Stored {
    let stored = put_in(folder, text);
    folder.point_at(&stored).unwrap();
    wait(folder.mirror_for_kosmos(&Mirror::Allowlisted(stored.clone()))).unwrap();
    stored
}

#[test]
fn a_version_that_runs_well_has_its_marker_and_its_jar() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    write(&home.path().join("integrasjonspunkt-4.0.7.allowlisted"), b"2026-10-01T05:30:00");
    write(&home.path().join("integrasjonspunkt-v4.0.8.blocklisted"), b"2026-12-01T05:30:00");
    write(&home.path().join("integrasjonspunkt-4.0.8.blocklisted"), b"");
    let stored = commit(&folder, "v4.0.8");
    assert_eq!(names(home.path()), ["integrasjonspunkt-v4.0.8.allowlisted", "integrasjonspunkt-v4.0.8.jar"]);
    let marker = fs::read_to_string(home.path().join("integrasjonspunkt-v4.0.8.allowlisted")).unwrap();
    assert_is_about("2026-11-21T06:30:00.123", &marker);
    let jar = home.path().join("integrasjonspunkt-v4.0.8.jar");
    assert_eq!(fs::read(&jar).unwrap(), bytes_of(&stored.tag));
    // KOSMOS writes to this name in place.
    File::options().write(true).open(&jar).unwrap().write_all(b"half").unwrap();
    wait(folder.hash_again(&stored)).unwrap();
}

#[test]
fn k_26_a_version_that_failed_is_blocked_for_as_long_as_is_set() {
    let home = tempfile::tempdir().unwrap();
    let failed = Mirror::Blocklisted(tag("v4.1.0"));
    let folder_on = folder(home.path());
    wait(folder_on.mirror_for_kosmos(&failed)).unwrap();
    drop(folder_on);
    let marker = home.path().join("integrasjonspunkt-v4.1.0.blocklisted");
    assert_is_about("2026-11-21T08:30:00.123", &fs::read_to_string(&marker).unwrap());
    fs::remove_file(&marker).unwrap();
    let mut plan = plan(home.path());
    plan.blocklist.enabled = false;
    wait(folder_with(plan, Power::default()).mirror_for_kosmos(&failed)).unwrap();
    assert!(!marker.exists());
}

#[test]
fn markers_hold_nothing_back_where_the_blocklist_is_off() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join("integrasjonspunkt-v4.1.0.blocklisted"), b"");
    for enabled in [true, false] {
        let mut plan = plan(home.path());
        plan.blocklist.enabled = enabled;
        let now = "2026-11-21T05:30:00Z".parse().unwrap();
        let held_back = folder_with(plan, Power::default()).blocklisted(now).unwrap();
        assert_eq!(held_back.len(), usize::from(enabled));
    }
}

#[test]
fn k_30_our_own_old_jars_go_and_those_of_others_stay() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    write(&home.path().join("integrasjonspunkt-v4.0.4.jar"), &bytes_of(&tag("v4.0.4")));
    write(&home.path().join("integrasjonspunkt-v4.0.1.jar"), b"of KOSMOS");
    for text in ["v4.0.4", "v4.0.5", "v4.0.6", "v4.0.7"] {
        commit(&folder, text);
    }
    // A person wrote something else under a name of ours.
    write(&home.path().join("integrasjonspunkt-v4.0.6.jar"), b"of a person");
    commit(&folder, "v4.0.8");
    commit(&folder, "v4.0.9");
    assert_eq!(
        names(home.path()),
        [
            "integrasjonspunkt-v4.0.1.jar",
            "integrasjonspunkt-v4.0.4.jar",
            "integrasjonspunkt-v4.0.6.jar",
            "integrasjonspunkt-v4.0.8.jar",
            "integrasjonspunkt-v4.0.9.allowlisted",
            "integrasjonspunkt-v4.0.9.jar",
        ]
    );
    assert_eq!(fs::read(home.path().join("integrasjonspunkt-v4.0.6.jar")).unwrap(), b"of a person");
}

#[test]
fn k_01_other_bytes_under_the_name_of_a_verified_version_are_set_aside() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let jar = home.path().join("integrasjonspunkt-v4.0.8.jar");
    write(&jar, b"a download that KOSMOS never verified");
    let stored = commit(&folder, "v4.0.8");
    assert_eq!(fs::read(&jar).unwrap(), bytes_of(&stored.tag));
    let aside = home.path().join("integrasjonspunkt-v4.0.8.jar.set-aside-1");
    assert_eq!(fs::read(aside).unwrap(), b"a download that KOSMOS never verified");
}

#[test]
fn a_disk_too_full_for_the_jar_still_gets_the_marker() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.8");
    folder.core.disk.power.fill_up(100);
    let mirrored = wait(folder.mirror_for_kosmos(&Mirror::Allowlisted(stored)));
    if mirrored.is_ok() {
        println!("left out: this file system clones files, and needs no room");
        return;
    }
    assert!(matches!(mirrored, Err(VaultError::NoRoom { .. })), "{mirrored:?}");
    assert_eq!(names(home.path()), ["integrasjonspunkt-v4.0.8.allowlisted"]);
}

#[test]
fn a_program_has_a_marker_and_no_jar() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder_with(Plan { kind: Kind::Native, ..plan(home.path()) }, Power::default());
    commit(&folder, "v5.0.0");
    assert_eq!(names(home.path()), ["integrasjonspunkt-v5.0.0.allowlisted"]);
}

#[test]
fn it_is_forgotten_which_jars_are_ours_before_one_of_somebody_else_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    for text in ["v4.0.6", "v4.0.7"] {
        commit(&folder, text);
    }
    for name in ["mirror.json", "mirror.second.json"] {
        write(&home.path().join("kosmos").join(name), b"\0");
    }
    commit(&folder, "v4.0.8");
    commit(&folder, "v4.0.9");
    assert!(names(home.path()).contains(&"integrasjonspunkt-v4.0.6.jar".to_owned()));
}
