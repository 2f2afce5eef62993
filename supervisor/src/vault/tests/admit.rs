//! Fetching into staging, moving in, and the last look before a start.

use super::*;
use crate::ports::{Held, Keep};

fn resume_of(home: &Path, tag: &Tag) -> (u64, Option<(u64, String)>) {
    let staging = folder(home).stage(tag).unwrap();
    assert_eq!(staging.length, fs::metadata(&staging.file).unwrap().len());
    (staging.length, staging.resume.map(|resume| (resume.offset, resume.validator)))
}

#[test]
fn a_download_that_was_cut_goes_on_from_what_is_sure() {
    let home = tempfile::tempdir().unwrap();
    let tag = tag("v4.0.8");
    let part = home.path().join("kosmos/staging/v4.0.8/archive.part");
    drop(fetch(&folder(home.path()), &tag, &[1; 1000]).unwrap());
    let noted = |length| (length, Some((length, "\"etag\"".to_owned())));
    assert_eq!(resume_of(home.path(), &tag), noted(1000));
    // More bytes on the disk than noted: they were never flushed, and may be anything.
    File::options().append(true).open(&part).unwrap().write_all(&[2; 500]).unwrap();
    assert_eq!(resume_of(home.path(), &tag), noted(1000));
    assert!(fs::read(&part).unwrap().iter().all(|byte| *byte == 1));
    // Fewer than noted.
    File::options().write(true).open(&part).unwrap().set_len(400).unwrap();
    assert_eq!(resume_of(home.path(), &tag), noted(400));
    // A note that makes no sense: nothing is sure.
    write(&home.path().join("kosmos/staging/v4.0.8/resume.json"), b"{");
    assert_eq!(resume_of(home.path(), &tag), (0, None));
}

#[test]
fn what_is_fetched_goes_on_where_it_was_cut_every_sixteen_mebibytes() {
    let home = tempfile::tempdir().unwrap();
    let tag = tag("v4.0.8");
    let folder = folder(home.path());
    let mut staging = folder.stage(&tag).unwrap();
    folder.start_anew(&mut staging, Some("\"etag\"")).unwrap();
    let chunk = vec![3; 1024 * 1024];
    for _ in 0..20 {
        folder.append(&mut staging, &chunk).unwrap();
    }
    drop(staging);
    let staging = folder.stage(&tag).unwrap();
    assert_eq!(staging.length, 16 * 1024 * 1024);
    let mut staging = staging;
    folder.append(&mut staging, b"tail").unwrap();
    assert!(fs::read(&staging.file).unwrap().ends_with(b"\x03tail"));
}

#[test]
fn without_a_validator_nothing_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let tag = tag("v4.0.8");
    let folder_once = folder(home.path());
    let mut staging = folder_once.stage(&tag).unwrap();
    folder_once.start_anew(&mut staging, None).unwrap();
    folder_once.append(&mut staging, b"bytes").unwrap();
    wait(folder_once.finish(&mut staging)).unwrap();
    drop((staging, folder_once));
    assert_eq!(resume_of(home.path(), &tag), (0, None));
}

#[test]
fn what_is_thrown_away_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let staging = fetch(&folder, &tag("v4.0.8"), b"bytes").unwrap();
    folder.discard(staging).unwrap();
    assert!(!home.path().join("kosmos/staging/v4.0.8").exists());
    assert_eq!(folder.stage(&tag("v4.0.8")).unwrap().length, 0);
}

#[test]
fn k_02_a_full_disk_leaves_no_half_chunk_and_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder_with(plan(home.path()), Power::default());
    let mut staging = folder.stage(&tag("v4.0.8")).unwrap();
    folder.start_anew(&mut staging, Some("\"etag\"")).unwrap();
    folder.core.disk.power.fill_up(1500);
    folder.append(&mut staging, &[1; 1000]).unwrap();
    let error = folder.append(&mut staging, &[2; 1000]).unwrap_err();
    assert!(matches!(error, VaultError::NoRoom { needed: 1000, .. }), "{error:?}");
    assert_eq!((staging.length, fs::metadata(&staging.file).unwrap().len()), (1000, 1000));
    folder.core.disk.power.fill_up(100_000);
    folder.append(&mut staging, &[2; 1000]).unwrap();
    assert_eq!(fs::read(&staging.file).unwrap(), [[1; 1000], [2; 1000]].concat());
}

#[test]
fn k_30_a_full_disk_while_admitting_leaves_nothing_half_and_the_next_try_succeeds() {
    let bytes = bytes_of(&tag("v4.0.8"));
    for room in [0, 20, 200] {
        let home = tempfile::tempdir().unwrap();
        let folder_full = folder(home.path());
        let staging = fetch(&folder_full, &tag("v4.0.8"), &bytes).unwrap();
        drop(folder_full);
        let folder_full = folder_with(plan(home.path()), Power::with_room_for(room));
        assert!(wait(folder_full.admit(staging, &facts_of(&bytes))).is_err());
        assert_eq!(folder_full.all_stored().unwrap(), []);
        drop(folder_full);
        let folder = folder(home.path());
        let staging = folder.stage(&tag("v4.0.8")).unwrap();
        assert_eq!(staging.length, bytes.len() as u64);
        wait(folder.admit(staging, &facts_of(&bytes))).unwrap();
        nothing_unfinished(home.path());
    }
}

#[test]
fn an_admitted_version_is_all_that_was_said_of_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    for text in ["v4.0.7", "v4.1.0-beta", "v4.0.8"] {
        put_in(&folder, text);
    }
    let all = folder.all_stored().unwrap();
    let tags: Vec<_> = all.iter().map(|stored| stored.tag.as_str()).collect();
    assert_eq!(tags, ["v4.1.0-beta", "v4.0.8", "v4.0.7"]);
    let stored = &all[1];
    let bytes = bytes_of(&tag("v4.0.8"));
    let facts = facts_of(&bytes);
    assert_eq!(folder.stored(&facts.sha256).unwrap().as_ref(), Some(stored));
    assert_eq!(stored.archive.file_name().unwrap(), "integrasjonspunkt-v4.0.8.jar");
    assert_eq!((stored.length, stored.built, stored.signed), (facts.length, facts.built, facts.signed));
    assert_eq!((&stored.needs, &stored.signer), (&facts.needs, &facts.signer));
    assert_eq!(fs::read(&stored.archive).unwrap(), bytes);
    assert_eq!(fs::read(stored.archive.with_file_name("signature.asc")).unwrap(), facts.signature);
    assert!(!home.path().join("kosmos/staging/v4.0.8").exists());
    assert!(!stored.archive.with_file_name("resume.json").exists());
    wait(folder.hash_again(stored)).unwrap();
}

#[cfg(unix)]
#[test]
fn staging_is_private_and_a_version_is_for_nobody_to_write() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let bytes = bytes_of(&tag("v4.0.8"));
    let staging = fetch(&folder, &tag("v4.0.8"), &bytes).unwrap();
    assert_eq!(mode(staging.file.parent().unwrap()), 0o700);
    assert_eq!(mode(&home.path().join("kosmos/staging")), 0o700);
    assert_eq!(mode(&staging.file), 0o600);
    let facts = Facts { program: Some("integrasjonspunkt".into()), ..facts_of(&bytes) };
    let stored = wait(folder.admit(staging, &facts)).unwrap();
    assert_eq!((mode(&stored.archive), mode(&stored.file)), (0o444, 0o555));
}

#[test]
fn a_program_is_unpacked_and_its_bytes_are_looked_at_before_each_start() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder_with(Plan { kind: Kind::Native, ..plan(home.path()) }, Power::default());
    let bytes = bytes_of(&tag("v4.0.8"));
    let facts = Facts { program: Some("integrasjonspunkt".into()), ..facts_of(&bytes) };
    let staging = fetch(&folder, &tag("v4.0.8"), &bytes).unwrap();
    let stored = wait(folder.admit(staging, &facts)).unwrap();
    assert_eq!(stored.archive.extension().unwrap(), "zip");
    assert_eq!(fs::read(&stored.file).unwrap(), bytes.iter().rev().copied().collect::<Vec<_>>());
    wait(folder.hash_again(&stored)).unwrap();
    write(&stored.file, b"something else");
    assert!(matches!(wait(folder.hash_again(&stored)), Err(VaultError::Changed { path, .. }) if path == stored.file));
}

#[test]
fn an_archive_without_the_program_is_refused_and_nothing_moves_in() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let bytes = bytes_of(&tag("v4.0.8"));
    let facts = Facts { program: Some("other".into()), ..facts_of(&bytes) };
    let staging = fetch(&folder, &tag("v4.0.8"), &bytes).unwrap();
    let error = wait(folder.admit(staging, &facts)).unwrap_err();
    assert!(matches!(&error, VaultError::Unpack { reason, .. } if reason.contains("\"other\"")), "{error:?}");
    assert_eq!(folder.all_stored().unwrap(), []);
    nothing_unfinished(home.path());
}

#[test]
fn another_length_than_was_verified_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let bytes = bytes_of(&tag("v4.0.8"));
    let mut staging = fetch(&folder, &tag("v4.0.8"), &bytes).unwrap();
    folder.append(&mut staging, b"more").unwrap();
    assert!(wait(folder.admit(staging, &facts_of(&bytes))).is_err());
}

#[test]
fn k_33_a_file_that_was_changed_replaced_or_opened_to_others_is_not_started() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.8");
    let bytes = fs::read(&stored.archive).unwrap();
    let mut changed = bytes.clone();
    changed[7] ^= 1;
    write(&stored.archive, &changed);
    assert!(matches!(wait(folder.hash_again(&stored)), Err(VaultError::Changed { .. })));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = || efm::chain::Chain(&wait(folder.hash_again(&stored)).unwrap_err()).to_string();
        write(&stored.archive, &bytes);
        for mode in [0o664, 0o646] {
            chmod(&stored.archive, mode);
            assert!(refused().contains("others than its owner may write it"), "{}", refused());
        }
        chmod(&stored.archive, 0o444);
        wait(folder.hash_again(&stored)).unwrap();
        let version = stored.archive.parent().unwrap();
        chmod(version, 0o777);
        assert!(refused().contains("others than its owner may write it"), "{}", refused());
        chmod(version, 0o755);
        let elsewhere = home.path().join("same.jar");
        fs::rename(&stored.archive, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &stored.archive).unwrap();
        assert!(refused().contains("not a link"), "{}", refused());
        fs::remove_file(&stored.archive).unwrap();
        fs::create_dir(&stored.archive).unwrap();
        assert!(refused().contains("must be a file"), "{}", refused());
        fs::remove_dir(&stored.archive).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&stored.archive).status().unwrap().success());
        assert!(refused().contains("must be a file"), "{}", refused());
    }
}

#[cfg(unix)]
#[test]
fn k_33_a_file_that_is_touched_between_its_hash_and_its_start_is_read_again_and_not_started() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.8");
    // A hash counts for later only once the file system's clock has moved on since the file came in.
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while folder.core.lately.last(&stored.archive).is_none() {
        assert!(std::time::Instant::now() < until, "its hash is never believed");
        wait(folder.hash_again(&stored)).unwrap();
    }
    wait(folder.untouched(&stored)).unwrap();
    let mut changed = fs::read(&stored.archive).unwrap();
    changed[7] ^= 1;
    write(&stored.archive, &changed);
    assert!(matches!(wait(folder.untouched(&stored)), Err(VaultError::Changed { .. })));
    assert!(matches!(wait(folder.hash_again(&stored)), Err(VaultError::Changed { .. })));
}

#[test]
fn the_same_version_twice_is_no_error_and_a_spoilt_one_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.8");
    let first_file = fs::metadata(&stored.archive).unwrap().modified().unwrap();
    assert_eq!(put_in(&folder, "v4.0.8"), stored);
    assert_eq!(fs::metadata(&stored.archive).unwrap().modified().unwrap(), first_file);
    let mut spoilt = bytes_of(&stored.tag);
    spoilt[3] ^= 1;
    write(&stored.archive, &spoilt);
    assert_eq!(put_in(&folder, "v4.0.8"), stored);
    wait(folder.hash_again(&stored)).unwrap();
    nothing_unfinished(home.path());
}

#[test]
fn bytes_that_were_given_up_are_never_skipped_as_being_there_already() {
    let home = tempfile::tempdir().unwrap();
    let folder = folder(home.path());
    let stored = put_in(&folder, "v4.0.8");
    let held = Held {
        version: stored.version().clone(),
        deaths: 0,
        given_up: Some("it never came up".into()),
        signature: stored.signature,
    };
    folder.hold_against(&stored.sha256, &held).unwrap();
    let marker = stored.archive.with_file_name("left-by-the-first");
    write(&marker, b"");
    assert_eq!(put_in(&folder, "v4.0.8"), stored);
    assert!(!marker.exists(), "the folder is the old one");
    assert_eq!(folder.held_against(&stored.sha256).unwrap(), Some(held));
}

#[test]
fn what_is_not_whole_is_never_answered_with() {
    let lose: [fn(&Path); 5] = [
        |folder| {
            for name in ["release.json", "release.second.json"] {
                fs::remove_file(folder.join(name)).unwrap();
            }
        },
        |folder| fs::remove_file(folder.join("integrasjonspunkt-v4.0.8.jar")).unwrap(),
        |folder| write(&folder.join("integrasjonspunkt-v4.0.8.jar"), b"shorter"),
        |folder| {
            for name in ["release.json", "release.second.json"] {
                write(&folder.join(name), b"{}");
            }
        },
        |folder| fs::rename(folder, folder.with_file_name("4.0.9-000000000000")).unwrap(),
    ];
    for lost in lose {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(home.path());
        let stored = put_in(&folder, "v4.0.8");
        lost(stored.archive.parent().unwrap());
        assert_eq!(folder.all_stored().unwrap(), []);
        assert_eq!(folder.stored(&stored.sha256).unwrap(), None);
        wait(folder.tidy(&Keep::default())).unwrap();
        assert_eq!(fs::read_dir(home.path().join("kosmos/versions")).unwrap().count(), 0);
        assert_eq!(put_in(&folder, "v4.0.8"), stored);
    }
}

#[test]
fn a_home_with_blanks_and_letters_of_ours_works() {
    let above = tempfile::tempdir().unwrap();
    let home = above.path().join("Møte på Åsen (1)");
    fs::create_dir(&home).unwrap();
    let folder = folder(&home);
    let stored = put_in(&folder, "v4.0.8");
    folder.point_at(&stored).unwrap();
    wait(folder.hash_again(&stored)).unwrap();
    wait(folder.mirror_for_kosmos(&crate::ports::Mirror::Allowlisted(stored))).unwrap();
    wait(folder.back_up(&id("copy"))).unwrap();
    wait(folder.put_back(&id("copy"))).unwrap();
}
