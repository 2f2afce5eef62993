//! The power is cut before each step of each act.

use super::*;
use crate::ports::{Held, Keep, Mirror};

#[test]
fn a_cut_while_pointing_leaves_the_old_pointer_or_the_new() {
    every_cut(
        plan,
        &Story {
            prepare: &|folder, _| {
                let old = put_in(folder, "v4.0.7");
                put_in(folder, "v4.0.8");
                folder.point_at(&old).unwrap();
            },
            act: &|folder, _| folder.point_at(&folder.all_stored()?[0]),
            look: &|folder, _| folder.pointer().unwrap().unwrap(),
            may_see: &before_or_after,
        },
    );
}

#[test]
fn a_cut_while_writing_or_ending_a_trial_leaves_the_old_one_or_the_new() {
    let prepare = |folder: &Folder, _: &Path| {
        let stored = put_in(folder, "v4.0.8");
        folder.write_trial(&trial_of(&stored, None)).unwrap();
    };
    every_cut(
        plan,
        &Story {
            prepare: &prepare,
            act: &|folder, _| {
                let mut trial = trial_of(&folder.all_stored()?[0], None);
                trial.stage = TrialStage::Trying;
                trial.backup = Some(id("copy"));
                folder.write_trial(&trial)
            },
            look: &|folder, _| folder.trial().unwrap(),
            may_see: &before_or_after,
        },
    );
    every_cut(
        plan,
        &Story {
            prepare: &prepare,
            act: &|folder, _| folder.end_trial(),
            look: &|folder, _| folder.trial().unwrap(),
            may_see: &before_or_after,
        },
    );
}

#[test]
fn a_cut_while_holding_or_raising_loses_nothing_of_before() {
    let held = |text: &str| Held {
        version: text.parse().unwrap(),
        deaths: 2,
        given_up: Some("died twice".into()),
        signature: Sha256([7; 32]),
    };
    every_cut(
        plan,
        &Story {
            prepare: &|folder, _| folder.hold_against(&hashing::of_bytes(b"one"), &held("4.0.7")).unwrap(),
            act: &|folder, _| folder.hold_against(&hashing::of_bytes(b"two"), &held("4.0.8")),
            look: &|folder, _| folder.all_held().unwrap(),
            may_see: &before_or_after,
        },
    );
    every_cut(
        plan,
        &Story {
            prepare: &|folder, _| {
                let old = put_in(folder, "v4.0.7");
                put_in(folder, "v4.0.8");
                folder.raise_floors(&old).unwrap();
            },
            act: &|folder, _| folder.raise_floors(&folder.all_stored()?[0]),
            look: &|folder, _| folder.floors().unwrap(),
            may_see: &before_or_after,
        },
    );
}

fn admit_as(kind: Kind) {
    let native = move |home: &Path| Plan { kind, ..plan(home) };
    every_cut(
        native,
        &Story {
            prepare: &|folder, _| {
                let staging = fetch(folder, &tag("v4.0.8"), &bytes_of(&tag("v4.0.8"))).unwrap();
                drop(staging);
            },
            act: &|folder, _| {
                let tag = tag("v4.0.8");
                let bytes = bytes_of(&tag);
                let mut staging = folder.stage(&tag)?;
                // What the download does: go on from where it was, which here is nearly always the end.
                let had = usize::try_from(staging.length).unwrap();
                if staging.resume.is_none() {
                    folder.start_anew(&mut staging, Some("\"etag\""))?;
                }
                folder.append(&mut staging, &bytes[had..])?;
                wait(folder.finish(&mut staging))?;
                let program = (kind == Kind::Native).then(|| "integrasjonspunkt".to_owned());
                wait(folder.admit(staging, &Facts { program, ..facts_of(&bytes) })).map(drop)
            },
            look: &|folder, home| {
                let all = folder.all_stored().unwrap();
                for stored in &all {
                    wait(folder.hash_again(stored)).unwrap();
                    assert_eq!(stored.file == stored.archive, kind == Kind::Java);
                    assert!(stored.file.starts_with(home));
                }
                all.iter().map(named).collect::<Vec<_>>()
            },
            may_see: &before_or_after,
        },
    );
}

#[test]
fn a_cut_while_a_jar_is_admitted_leaves_it_whole_or_not_there() {
    admit_as(Kind::Java);
}

#[test]
fn a_cut_while_a_program_is_admitted_leaves_it_whole_or_not_there() {
    admit_as(Kind::Native);
}

#[test]
fn an_admission_that_was_cut_does_not_fetch_again() {
    let home = tempfile::tempdir().unwrap();
    let tag = tag("v4.0.8");
    let bytes = bytes_of(&tag);
    fetch(&folder(home.path()), &tag, &bytes).unwrap();
    for cut in 0.. {
        let power = Power::cut_after(cut, true);
        let folder = folder_with(plan(home.path()), power.clone());
        let Ok(staging) = folder.stage(&tag) else { continue };
        assert_eq!(staging.length, bytes.len() as u64, "cut after {cut}");
        let admitted = wait(folder.admit(staging, &facts_of(&bytes)));
        if !folder.all_stored().unwrap().is_empty() {
            assert!(cut > 5);
            return;
        }
        assert!(admitted.is_err() && power.is_off());
    }
}

fn old_data(home: &Path) {
    write(&home.join("integrasjonspunkt.mv.db"), &[7; 3000]);
    write(&home.join("messages/1/arkivmelding.xml"), b"<one/>");
    write(&home.join("messages/2/empty"), b"");
}

fn new_data(home: &Path) {
    write(&home.join("integrasjonspunkt.mv.db"), &[8; 5000]);
    write(&home.join("messages/3/arkivmelding.xml"), b"<three/>");
    write(&home.join("activemq-data/db-1.log"), b"journal");
}

/// What the copy that counts holds; it must be what its manifest says.
fn copy_that_counts(folder: &Folder) -> Option<super::super::tree::Entries> {
    let folder = folder.core.backups().join("before-4.0.8");
    let copy = super::super::backup::read_manifest(&folder).unwrap()?;
    let tops: Vec<_> = copy.tops.iter().map(|top| top.path.clone()).collect();
    let lies = super::super::backup::copy_in(&folder, copy.number);
    super::super::tree::compare(&lies, &tops, &copy.entries).unwrap().unwrap();
    Some(copy.entries)
}

#[test]
fn a_cut_while_copying_leaves_a_whole_copy_or_none() {
    every_cut(
        plan,
        &Story {
            prepare: &|_, home| old_data(home),
            act: &|folder, _| wait(folder.back_up(&id("before-4.0.8"))),
            look: &|folder, _| copy_that_counts(folder),
            may_see: &before_or_after,
        },
    );
}

#[test]
fn a_cut_while_copying_again_never_loses_the_copy_of_before() {
    every_cut(
        plan,
        &Story {
            prepare: &|folder, home| {
                old_data(home);
                wait(folder.back_up(&id("before-4.0.8"))).unwrap();
                new_data(home);
            },
            act: &|folder, _| wait(folder.back_up(&id("before-4.0.8"))),
            look: &|folder, _| copy_that_counts(folder).unwrap(),
            may_see: &before_or_after,
        },
    );
}

/// After a cut and the same call again the old data lies there, to the last bit, and the new lies beside the copy.
fn put_back_in(power_of: fn(&Folder, &Path)) {
    let saved = |home: &Path| {
        let backup = home.join("kosmos/backup/before-4.0.8");
        let asides: Vec<_> =
            all_names(&backup).into_iter().filter(|path| path.to_string_lossy().contains("set-aside-")).collect();
        ["db-1.log", "arkivmelding.xml", "integrasjonspunkt.mv.db"].map(|name| {
            asides
                .iter()
                .filter(|path| path.ends_with(name))
                .map(|path| hashing::of_bytes(&fs::read(path).unwrap()))
                .collect::<Vec<_>>()
        })
    };
    every_cut(
        plan,
        &Story {
            prepare: &|folder, home| {
                old_data(home);
                wait(folder.back_up(&id("before-4.0.8"))).unwrap();
                new_data(home);
            },
            act: &|folder, home| {
                power_of(folder, home);
                wait(folder.put_back(&id("before-4.0.8")))
            },
            look: &|_, home| {
                let data: Vec<_> =
                    picture(home, &DATA).into_iter().filter(|(_, what)| !what.starts_with("folder")).collect();
                let contents: Vec<_> = data
                    .iter()
                    .map(|(path, _)| (path.clone(), hashing::of_bytes(&fs::read(home.join(path)).unwrap())))
                    .collect();
                (contents, saved(home))
            },
            may_see: &|before, after, seen| {
                // Each file of the new version's data lies in its place or beside the copy; those of the old one in
                // their place or still in the copy.
                let somewhere = |name: &str, bytes: &Sha256| {
                    seen.0.iter().any(|(path, found)| path.ends_with(name) && found == bytes)
                        || seen.1.iter().flatten().any(|found| found == bytes)
                };
                before.0.iter().all(|(path, bytes)| {
                    somewhere(path.rsplit('/').next().unwrap(), bytes) || after.0.iter().any(|(_, kept)| kept == bytes)
                })
            },
        },
    );
}

#[test]
fn a_cut_while_putting_back_is_mended_by_the_same_call() {
    put_back_in(|_, _| {});
}

#[test]
fn a_cut_while_putting_back_across_volumes_is_mended_by_the_same_call() {
    put_back_in(|folder, home| folder.core.disk.power.put_on_another_volume(&home.join("messages")));
}

#[test]
fn a_cut_while_putting_back_on_a_full_disk_is_mended_by_the_same_call() {
    put_back_in(|folder, _| folder.core.disk.power.fill_up(1000));
}

#[test]
fn a_cut_while_mirroring_leaves_kosmos_a_marker_and_whole_jars_at_any_moment() {
    every_cut(
        plan,
        &Story {
            prepare: &|folder, _| {
                for text in ["v4.0.6", "v4.0.7", "v4.0.8"] {
                    let stored = put_in(folder, text);
                    folder.point_at(&stored).unwrap();
                    if text != "v4.0.8" {
                        wait(folder.mirror_for_kosmos(&Mirror::Allowlisted(stored))).unwrap();
                    }
                }
            },
            act: &|folder, _| wait(folder.mirror_for_kosmos(&Mirror::Allowlisted(folder.all_stored()?.remove(0)))),
            look: &|_, home| {
                let now = "2026-11-21T05:30:00[Europe/Oslo]".parse().unwrap();
                let found = super::super::kosmos_home::read(home, &now);
                assert!(found.warnings.is_empty(), "{:?}", found.warnings);
                for (tag, jar) in &found.jars {
                    assert_eq!(fs::read(jar).unwrap(), bytes_of(tag));
                }
                let jars: Vec<_> = found.jars.iter().map(|(tag, _)| tag.to_string()).collect();
                (found.current().unwrap().0.to_string(), jars)
            },
            may_see: &|before, after, seen| seen.0 == before.0 || seen.0 == after.0,
        },
    );
}

#[test]
fn a_cut_while_tidying_never_costs_what_is_needed() {
    every_cut(
        plan,
        &Story {
            prepare: &|folder, home| {
                for text in ["v4.0.5", "v4.0.6", "v4.0.7", "v4.0.8"] {
                    put_in(folder, text);
                }
                let all = folder.all_stored().unwrap();
                folder.point_at(&all[1]).unwrap();
                folder.write_trial(&trial_of(&all[0], Some(&all[1]))).unwrap();
                old_data(home);
                for name in ["a", "b", "c", "d"] {
                    wait(folder.back_up(&id(name))).unwrap();
                }
                write(&home.join("kosmos/versions/4.0.4-0123456789ab/integrasjonspunkt-v4.0.4.jar"), b"half");
            },
            act: &|folder, _| wait(folder.tidy(&Keep::default())),
            look: &|folder, home| {
                let all: Vec<_> = folder.all_stored().unwrap().iter().map(|stored| stored.tag.to_string()).collect();
                (
                    all,
                    all_names(&home.join("kosmos/backup"))
                        .iter()
                        .filter(|path| path.ends_with("manifest.json"))
                        .count(),
                )
            },
            may_see: &|_, after, seen| after.0.iter().all(|needed| seen.0.contains(needed)) && seen.1 >= after.1,
        },
    );
}
