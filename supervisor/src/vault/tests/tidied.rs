//! What is thrown away, and above all what is not.

use super::*;
use crate::ports::Keep;
use proptest::prelude::*;

fn complete_copies(home: &Path) -> Vec<String> {
    let backups = super::super::disk::names_in(&home.join("kosmos/backup")).unwrap();
    backups
        .iter()
        .filter(|path| path.join("manifest.json").exists())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn set_age(path: &Path, days: u64) {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let then = std::time::SystemTime::from(now) - Duration::from_hours(24 * days);
    let file = File::open(path).unwrap();
    file.set_modified(then).unwrap();
}

#[test]
fn old_versions_go_and_what_runs_and_ran_before_it_stays() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    for text in ["v4.0.5", "v4.0.6", "v4.0.7", "v4.0.8"] {
        let stored = put_in(&folder, text);
        folder.point_at(&stored).unwrap();
    }
    let staged = put_in(&folder, "v4.0.9");
    wait(folder.tidy(&Keep { versions: vec![staged.sha256] })).unwrap();
    let tags: Vec<_> = folder.all_stored().unwrap().iter().map(|stored| stored.tag.to_string()).collect();
    assert_eq!(tags, ["v4.0.9", "v4.0.8", "v4.0.7"]);
}

#[test]
fn the_newest_copies_stay_and_so_does_the_one_that_a_trial_names() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join("integrasjonspunkt.mv.db"), b"data");
    // Made one after the other; the clock of the vault says when.
    for (number, name) in ["z-first", "second", "a-third", "fourth"].into_iter().enumerate() {
        let now = format!("2026-11-2{}T05:30:00Z", number + 1);
        let clock = efm::clock::Clock::paused_at(now.parse().unwrap());
        let folder = Folder::build(
            plan(home.path()),
            clock,
            unpack_backwards,
            Some(lock(home.path()).unwrap()),
            Disk::default(),
        );
        wait(folder.back_up(&id(name))).unwrap();
    }
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.8");
    folder.write_trial(&Trial { backup: Some(id("z-first")), ..trial_of(&stored, None) }).unwrap();
    fs::create_dir_all(home.path().join("kosmos/backup/half/copy-1/messages")).unwrap();
    write(&home.path().join("kosmos/backup/person/set-aside-1/messages/one.xml"), b"<one/>");
    wait(folder.tidy(&Keep::default())).unwrap();
    assert_eq!(complete_copies(home.path()), ["a-third", "fourth", "z-first"]);
    assert!(!home.path().join("kosmos/backup/half").exists());
    assert!(home.path().join("kosmos/backup/person/set-aside-1/messages/one.xml").exists());
}

#[test]
fn downloads_that_nobody_asked_for_in_a_week_go_and_so_does_what_is_unfinished() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    for (text, days) in [("v4.0.7", 8), ("v4.0.8", 6)] {
        drop(fetch(&folder, &tag(text), b"bytes").unwrap());
        let staging = home.path().join("kosmos/staging").join(text);
        for name in ["archive.part", "resume.json", "."] {
            set_age(&staging.join(name), days);
        }
    }
    let own = std::process::id();
    for name in [
        "kosmos/current.json.1-7.unfinished",
        "kosmos/look/0a1b.json.1-7.unfinished",
        "kosmos/outbox/1.json.1-7.unfinished",
        "integrasjonspunkt-v4.0.8.allowlisted.1-7.unfinished",
    ] {
        write(&home.path().join(name), b"half");
    }
    let being_written = home.path().join(format!("kosmos/child.json.{own}-7.unfinished"));
    write(&being_written, b"half");
    let of_somebody_else = home.path().join("letter.unfinished");
    write(&of_somebody_else, b"dear");
    wait(folder.tidy(&Keep::default())).unwrap();
    let staging = home.path().join("kosmos/staging");
    assert!(!staging.join("v4.0.7").exists() && staging.join("v4.0.8/archive.part").exists());
    assert!(being_written.exists() && of_somebody_else.exists());
    set_age(&being_written, 1);
    fs::remove_file(of_somebody_else).unwrap();
    wait(folder.tidy(&Keep::default())).unwrap();
    nothing_unfinished(home.path());
}

#[test]
fn nothing_is_thrown_away_while_it_is_not_known_what_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.7");
    put_in(&folder, "v4.0.8");
    folder.point_at(&stored).unwrap();
    for name in ["current.json", "current.second.json"] {
        write(&home.path().join("kosmos").join(name), b"");
    }
    assert!(wait(folder.tidy(&Keep::default())).is_err());
    assert_eq!(folder.all_stored().unwrap().len(), 2);
}

#[derive(Clone, Debug)]
struct Scene {
    versions: usize,
    half: Vec<bool>,
    pointed_at: Vec<usize>,
    trial: Option<(usize, Option<usize>)>,
    keep: Vec<usize>,
    copies: usize,
    trial_copy: Option<usize>,
    copies_kept: u32,
}

fn scenes() -> impl Strategy<Value = Scene> {
    let one = 0..6_usize;
    (
        1..6_usize,
        proptest::collection::vec(any::<bool>(), 6),
        proptest::collection::vec(one.clone(), 0..3),
        proptest::option::of((one.clone(), proptest::option::of(one.clone()))),
        proptest::collection::vec(one.clone(), 0..3),
        0..5_usize,
        proptest::option::of(one),
        0..4_u32,
    )
        .prop_map(|(versions, half, pointed_at, trial, keep, copies, trial_copy, copies_kept)| Scene {
            versions,
            half,
            pointed_at,
            trial,
            keep,
            copies,
            trial_copy,
            copies_kept,
        })
}

fn play(scene: &Scene) {
    let home = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut plan = plan(home.path());
    plan.backup.keep = scene.copies_kept;
    let folder = folder_with(plan, Power::default());
    let all: Vec<_> = (0..scene.versions).map(|number| put_in(&folder, &format!("v4.0.{number}"))).collect();
    let at = |number: &usize| &all[number % all.len()];
    for number in &scene.pointed_at {
        folder.point_at(at(number)).unwrap();
    }
    let copy = |number: usize| format!("copy-of-{number}");
    for number in 0..scene.copies {
        wait(folder.back_up(&id(&copy(number)))).unwrap();
    }
    if let Some((to, from)) = &scene.trial {
        let backup = scene.trial_copy.filter(|number| *number < scene.copies).map(|number| id(&copy(number)));
        folder.write_trial(&Trial { backup, ..trial_of(at(to), from.as_ref().map(at)) }).unwrap();
    }
    // Some are not whole any more; what is needed of them stays even so.
    for (stored, _) in all.iter().zip(&scene.half).filter(|(_, half)| **half) {
        fs::remove_file(stored.archive.with_file_name("release.json")).unwrap();
        fs::remove_file(stored.archive.with_file_name("release.second.json")).unwrap();
    }
    let mut needed: Vec<Sha256> = scene.keep.iter().map(|number| at(number).sha256).collect();
    let keep = Keep { versions: needed.clone() };
    needed.extend(folder.pointer().unwrap().map(|pointer| pointer.sha256));
    let trial = folder.trial().unwrap();
    needed.extend(
        trial.iter().flat_map(|trial| [Some(trial.to.sha256), trial.from.as_ref().map(|from| from.sha256)]).flatten(),
    );

    wait(folder.tidy(&keep)).unwrap();

    for stored in &all {
        if needed.contains(&stored.sha256) {
            assert!(stored.archive.exists(), "{} is gone", stored.tag);
        }
    }
    let copies = complete_copies(home.path());
    assert!(copies.len() >= scene.copies.min(scene.copies_kept as usize), "{copies:?}");
    if let Some(named) = trial.and_then(|trial| trial.backup) {
        assert!(copies.contains(&named.0), "{copies:?}");
    }
    let seen = picture(home.path(), &["kosmos"]);
    wait(folder.tidy(&keep)).unwrap();
    assert_eq!(picture(home.path(), &["kosmos"]), seen, "the second tidying finds something to do");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_lies_there_tidying_never_removes_what_is_needed(scene in scenes()) {
        play(&scene);
    }
}
