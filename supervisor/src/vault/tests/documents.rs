//! State files: two copies, checksums, newer ones, and who may write.

use super::*;
use crate::ports::{Floors, Held, Process};

fn held() -> Held {
    Held {
        version: "4.1.0".parse().unwrap(),
        deaths: 1,
        given_up: Some("it never came up".into()),
        signature: Sha256([7; 32]),
    }
}

fn process() -> Process {
    Process { pid: 4711, started: 12, boot: "one".into(), archive: None }
}

/// A home in which every state file has been written at least twice.
fn full_home() -> (tempfile::TempDir, Stored) {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let old = put_in(&folder, "v4.0.7");
    let new = put_in(&folder, "v4.0.8");
    for stored in [&old, &new] {
        folder.point_at(stored).unwrap();
        folder.raise_floors(stored).unwrap();
        folder.hold_against(&stored.sha256, &held()).unwrap();
        folder.write_trial(&trial_of(stored, None)).unwrap();
        folder.remember_child(Some(&process())).unwrap();
    }
    (home, new)
}

fn everything(folder: &Folder) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        folder.pointer().unwrap(),
        folder.trial().unwrap(),
        folder.floors().unwrap(),
        folder.all_held().unwrap(),
        folder.remembered_child().unwrap()
    )
}

const FILES: [&str; 5] = ["current", "trial", "floors", "held", "child"];

fn first(home: &Path, name: &str) -> PathBuf {
    home.join("kosmos").join(format!("{name}.json"))
}

fn second(home: &Path, name: &str) -> PathBuf {
    home.join("kosmos").join(format!("{name}.second.json"))
}

fn spoil_both(home: &Path, name: &str) {
    write(&first(home, name), b"");
    write(&second(home, name), b"{\"document\": \"");
}

#[test]
fn what_is_written_down_is_read_again_by_the_next_supervisor() {
    let home = tempfile::tempdir().unwrap();
    let folder_once = folder(home.path());
    let stored = put_in(&folder_once, "v4.0.8");
    let trial = Trial {
        stage: TrialStage::RollingBack,
        backup: Some(id("copy")),
        child: Some(process()),
        came_up: true,
        deaths: 2,
        ..trial_of(&stored, Some(&stored))
    };
    folder_once.write_trial(&trial).unwrap();
    folder_once.point_at(&stored).unwrap();
    folder_once.hold_against(&stored.sha256, &held()).unwrap();
    folder_once.remember_child(Some(&process())).unwrap();
    drop(folder_once);

    let folder = folder(home.path());
    assert_eq!(folder.trial().unwrap(), Some(trial));
    assert_eq!(folder.pointer().unwrap(), Some(named(&stored)));
    assert_eq!(folder.held_against(&stored.sha256).unwrap(), Some(held()));
    assert_eq!(folder.remembered_child().unwrap(), Some(process()));
    folder.forgive(&stored.sha256).unwrap();
    folder.remember_child(None).unwrap();
    folder.end_trial().unwrap();
    assert_eq!(folder.all_held().unwrap(), []);
    assert_eq!((folder.trial().unwrap(), folder.remembered_child().unwrap()), (None, None));
}

#[test]
fn floors_rise_with_what_is_committed_and_fall_only_by_a_person() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    assert_eq!(folder.floors().unwrap(), Floors::default());
    let old = put_in(&folder, "v4.0.7");
    let new = put_in(&folder, "v4.0.8");
    folder.raise_floors(&new).unwrap();
    folder.raise_floors(&old).unwrap();
    assert_eq!(folder.floors().unwrap().version.as_ref(), Some(new.version()));
    let lower = Floors { version: Some(old.version().clone()), ..Floors::default() };
    folder.lower_floors(&lower).unwrap();
    assert_eq!(folder.floors().unwrap(), lower);
}

#[test]
fn one_broken_copy_is_mended_from_the_other() {
    let (home, _) = full_home();
    let expected = everything(&folder(home.path()));
    for name in FILES {
        for path in [first(home.path(), name), second(home.path(), name)] {
            let whole = fs::read(&path).unwrap();
            let mut flipped = whole.clone();
            flipped[40] ^= 1;
            let half = whole[..whole.len() / 2].to_vec();
            for broken in [Some(Vec::new()), Some(half), Some(flipped), Some(vec![0; 5000]), None] {
                match broken {
                    Some(bytes) => write(&path, &bytes),
                    None => fs::remove_file(&path).unwrap(),
                }
                assert_eq!(everything(&folder(home.path())), expected, "{}", path.display());
                assert_eq!(fs::read(&path).unwrap(), whole, "{}", path.display());
            }
        }
    }
}

#[test]
fn the_copy_that_was_written_later_counts() {
    let (home, new) = full_home();
    let older = fs::read(first(home.path(), "floors")).unwrap();
    let folder = folder(home.path());
    folder.lower_floors(&Floors { version: Some("5.0.0".parse().unwrap()), ..Floors::default() }).unwrap();
    write(&first(home.path(), "floors"), &older);
    assert_eq!(folder.floors().unwrap().version, Some("5.0.0".parse().unwrap()));
    assert_ne!(folder.floors().unwrap().version.as_ref(), Some(new.version()));
}

#[test]
fn two_broken_copies_are_an_error_that_stays_and_names_the_file() {
    let (home, stored) = full_home();
    for name in ["current", "trial", "floors", "held"] {
        spoil_both(home.path(), name);
    }
    let folder = folder(home.path());
    for _ in 0..2 {
        let errors = [
            folder.pointer().unwrap_err(),
            folder.trial().unwrap_err(),
            folder.floors().unwrap_err(),
            folder.held_against(&stored.sha256).unwrap_err(),
        ];
        for (error, name) in errors.iter().zip(["current", "trial", "floors", "held"]) {
            assert!(matches!(error, VaultError::Corrupt { .. }), "{error:?}");
            assert!(error.to_string().contains(&format!("{name}.json")), "{error}");
            assert!(error.to_string().contains("second copy"), "{error}");
        }
    }
    // Nothing may slip past by being written anew on top of what cannot be read.
    assert!(folder.raise_floors(&stored).is_err());
    assert!(folder.hold_against(&stored.sha256, &held()).is_err());
    assert!(folder.forgive(&stored.sha256).is_err());
    assert!(folder.floors().is_err() && folder.all_held().is_err());
}

#[test]
fn pointing_ending_and_a_person_lead_out_of_two_broken_copies_and_keep_them_for_a_look() {
    let (home, stored) = full_home();
    for name in ["current", "trial", "floors"] {
        spoil_both(home.path(), name);
    }
    let folder = folder(home.path());
    folder.point_at(&stored).unwrap();
    folder.end_trial().unwrap();
    folder.lower_floors(&Floors::default()).unwrap();
    assert_eq!(folder.pointer().unwrap(), Some(named(&stored)));
    assert_eq!(folder.trial().unwrap(), None);
    assert_eq!(folder.floors().unwrap(), Floors::default());
    let aside = all_names(&home.path().join("kosmos"))
        .iter()
        .filter(|path| path.to_string_lossy().contains(".corrupt-2026"))
        .count();
    assert_eq!(aside, 6);
}

#[test]
fn a_child_that_cannot_be_read_is_forgotten_and_set_aside() {
    let (home, _) = full_home();
    spoil_both(home.path(), "child");
    assert_eq!(look_into(home.path()).remembered_child().unwrap(), None);
    assert!(first(home.path(), "child").exists());
    assert_eq!(folder(home.path()).remembered_child().unwrap(), None);
    assert!(!first(home.path(), "child").exists());
}

#[test]
fn floors_that_are_gone_are_what_is_pointed_at() {
    let (home, stored) = full_home();
    fs::remove_file(first(home.path(), "floors")).unwrap();
    fs::remove_file(second(home.path(), "floors")).unwrap();
    let floors = folder(home.path()).floors().unwrap();
    assert_eq!(floors, Floors::of(&stored));
}

#[test]
fn a_newer_kosmos_state_is_told_and_never_written_over() {
    let (home, stored) = full_home();
    for name in FILES {
        let text = fs::read_to_string(first(home.path(), name)).unwrap().replace("\"schema\": 1", "\"schema\": 2");
        let covered = &text[..text.rfind("\"sha256\": \"").unwrap()];
        let newer = format!("{covered}\"sha256\": \"{}\"\n}}\n", hashing::of_bytes(covered.as_bytes()));
        write(&first(home.path(), name), newer.as_bytes());
    }
    let folder = folder(home.path());
    let before = picture(home.path(), &["kosmos"]);
    for error in [
        folder.pointer().unwrap_err(),
        folder.trial().unwrap_err(),
        folder.floors().unwrap_err(),
        folder.all_held().unwrap_err(),
        folder.point_at(&stored).unwrap_err(),
        folder.end_trial().unwrap_err(),
        folder.lower_floors(&Floors::default()).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains(".json") && text.contains("newer kosmos (schema 2"), "{text}");
    }
    assert_eq!(picture(home.path(), &["kosmos"]), before);
}

#[test]
fn a_file_of_one_kind_under_the_name_of_another_is_not_believed() {
    let (home, _) = full_home();
    for path in [first(home.path(), "trial"), second(home.path(), "trial")] {
        fs::copy(first(home.path(), "current"), path).unwrap();
    }
    let error = folder(home.path()).trial().unwrap_err().to_string();
    assert!(error.contains("\"current\" where \"trial\" belongs"), "{error}");
}

#[test]
fn files_that_nobody_knows_are_left_alone() {
    let (home, _) = full_home();
    let notes = home.path().join("kosmos/notes.txt");
    write(&notes, b"do not upgrade on Fridays");
    write(&home.path().join("kosmos/versions/README"), b"?");
    let folder = folder(home.path());
    assert_eq!(folder.all_stored().unwrap().len(), 2);
    folder.end_trial().unwrap();
    wait(folder.tidy(&crate::ports::Keep::default())).unwrap();
    assert!(notes.exists() && home.path().join("kosmos/versions/README").exists());
}

#[test]
fn one_who_only_looks_changes_nothing_and_may_look_while_another_works() {
    let (home, stored) = full_home();
    let working = folder(home.path());
    fs::remove_file(second(home.path(), "current")).unwrap();
    let before = picture(home.path(), &["kosmos"]);
    let looking = look_into(home.path());
    assert_eq!(looking.pointer().unwrap(), Some(named(&stored)));
    wait(looking.hash_again(&stored)).unwrap();
    let refused = [
        looking.point_at(&stored).unwrap_err(),
        looking.end_trial().unwrap_err(),
        looking.stage(&stored.tag).map(drop).unwrap_err(),
        wait(looking.back_up(&id("copy"))).unwrap_err(),
        wait(looking.tidy(&crate::ports::Keep::default())).unwrap_err(),
    ];
    assert!(refused.iter().all(|error| efm::chain::Chain(error).to_string().contains("not locked")));
    assert_eq!(picture(home.path(), &["kosmos"]), before);
    drop(working);
}

#[test]
fn a_full_disk_leaves_every_state_file_as_it_was() {
    let (home, stored) = full_home();
    let before = everything(&look_into(home.path()));
    let folder = folder_with(plan(home.path()), Power::with_room_for(10));
    assert!(folder.point_at(&stored).is_err());
    assert!(folder.write_trial(&trial_of(&stored, Some(&stored))).is_err());
    assert!(folder.hold_against(&hashing::of_bytes(b"other"), &held()).is_err());
    assert_eq!(everything(&folder), before);
    nothing_unfinished(home.path());
    // To remove something needs no room.
    folder.end_trial().unwrap();
    assert_eq!(folder.trial().unwrap(), None);
}
