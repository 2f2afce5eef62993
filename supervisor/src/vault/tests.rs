//! The vault in a real folder, with a disk that can be cut off before any step.
//!
//! Start at [`every_cut`].

#![allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "small numbers that tests make up")]

mod admit;
mod back_up;
mod cuts;
mod documents;
mod mirrored;
mod tidied;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::Disk;
use super::power::Power;
use super::{Folder, Plan, hashing, lock};
use crate::config::settings::{Backup, Blocklist, Kind};
use crate::ports::{BackupId, Facts, Named, Needs, Staging, Stored, Trial, TrialStage, Vault, VaultError};
use crate::release::{Sha256, Tag};

const NOW: &str = "2026-11-21T05:30:00.123Z";

fn plan(home: &Path) -> Plan {
    Plan {
        home: home.to_owned(),
        kind: Kind::Java,
        artifact: "integrasjonspunkt".into(),
        backup: Backup {
            paths: ["integrasjonspunkt.mv.db", "activemq-data/", "messages/"].map(PathBuf::from).to_vec(),
            keep: 2,
        },
        blocklist: Blocklist { enabled: true, duration: Duration::from_hours(2) },
        timezone: jiff::tz::TimeZone::get("Europe/Oslo").unwrap(),
    }
}

/// Turns the bytes of the "archive" round and calls them the program.
fn unpack_backwards(
    file: &mut File,
    entry: &str,
    to: &Path,
    _limit: u64,
) -> Result<Sha256, Box<dyn std::error::Error + Send + Sync>> {
    if entry != "integrasjonspunkt" {
        return Err(format!("there is no {entry:?} in it").into());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    bytes.reverse();
    File::create_new(to)?.write_all(&bytes)?;
    Ok(hashing::of_bytes(&bytes))
}

fn folder_with(plan: Plan, power: Power) -> Folder {
    let held = lock(&plan.home).unwrap();
    let clock = efm::clock::Clock::paused_at(NOW.parse().unwrap());
    Folder::build(plan, clock, unpack_backwards, Some(held), Disk { power })
}

fn folder(home: &Path) -> Folder {
    folder_with(plan(home), Power::default())
}

fn look_into(home: &Path) -> Folder {
    Folder::to_look_into(plan(home), efm::clock::Clock::paused_at(NOW.parse().unwrap()), unpack_backwards)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn bytes_of(tag: &Tag) -> Vec<u8> {
    format!("the bytes of {tag}").repeat(40).into_bytes()
}

fn facts_of(bytes: &[u8]) -> Facts {
    Facts {
        sha256: hashing::of_bytes(bytes),
        length: bytes.len() as u64,
        needs: Needs { java: Some(21) },
        built: Some(1_763_000_000),
        signed: 1_763_000_100,
        signer: "aef27aa6948a3856932af98eca5643393753ece3".into(),
        signature: b"-----BEGIN PGP SIGNATURE-----".to_vec(),
        program: None,
    }
}

fn fetch(folder: &Folder, tag: &Tag, bytes: &[u8]) -> Result<Staging, VaultError> {
    let mut staging = folder.stage(tag)?;
    folder.start_anew(&mut staging, Some("\"etag\""))?;
    for chunk in bytes.chunks(300) {
        folder.append(&mut staging, chunk)?;
    }
    wait(folder.finish(&mut staging))?;
    Ok(staging)
}

fn put_in(folder: &Folder, text: &str) -> Stored {
    let tag = tag(text);
    let bytes = bytes_of(&tag);
    let staging = fetch(folder, &tag, &bytes).unwrap();
    wait(folder.admit(staging, &facts_of(&bytes))).unwrap()
}

fn named(stored: &Stored) -> Named {
    Named { tag: stored.tag.clone(), sha256: stored.sha256 }
}

fn trial_of(to: &Stored, from: Option<&Stored>) -> Trial {
    Trial {
        id: "2026-11-21T05-30-00Z-4.0.8".into(),
        to: named(to),
        from: from.map(named),
        stage: TrialStage::Stopping,
        backup: None,
        child: None,
        came_up: false,
        left: false,
        deaths: 0,
        red_before: vec!["mail".into()],
    }
}

fn id(text: &str) -> BackupId {
    BackupId(text.into())
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(path);
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// Everything below a folder: what it is, who may use it, when it was written, what it holds.
fn picture(root: &Path, tops: &[&str]) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut to_see: Vec<PathBuf> = tops.iter().map(PathBuf::from).collect();
    while let Some(below) = to_see.pop() {
        let path = root.join(&below);
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let looks = format!("{:?} {:?}", metadata.permissions(), metadata.modified().unwrap());
        let holds = if metadata.is_dir() {
            to_see.extend(fs::read_dir(&path).unwrap().map(|entry| below.join(entry.unwrap().file_name())));
            format!("folder {looks}")
        } else if metadata.file_type().is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else {
            format!("{looks} {:?}", hashing::of_bytes(&fs::read(&path).unwrap()))
        };
        seen.insert(super::tree::key(&below), holds);
    }
    seen
}

const DATA: [&str; 3] = ["integrasjonspunkt.mv.db", "activemq-data", "messages"];

fn all_names(root: &Path) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut to_see = vec![root.to_owned()];
    while let Some(path) = to_see.pop() {
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            to_see.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        seen.push(path);
    }
    seen
}

/// Nothing half lies anywhere in the home folder.
fn nothing_unfinished(home: &Path) {
    let left: Vec<_> = all_names(home).into_iter().filter(|path| super::disk::is_unfinished(path)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What a test of a cut does and looks at.
struct Story<'a, S> {
    /// What lies there before.
    prepare: &'a dyn Fn(&Folder, &Path),
    /// What is cut.
    act: &'a dyn Fn(&Folder, &Path) -> Result<(), VaultError>,
    /// What counts.
    look: &'a dyn Fn(&Folder, &Path) -> S,
    /// Whether what is seen right after a cut may be seen, given what was before and what is after.
    may_see: &'a dyn Fn(&S, &S, &S) -> bool,
}

/// What most acts promise: all or nothing.
fn before_or_after<S: PartialEq>(before: &S, after: &S, seen: &S) -> bool {
    seen == before || seen == after
}

/// Cuts the power before each step of an act, once with all that was written still there and once without what was
/// never flushed; looks at what the next supervisor sees, and lets it do the same again.
fn every_cut<S: PartialEq + Debug>(plan: impl Fn(&Path) -> Plan, story: &Story<'_, S>) {
    let prepared = || {
        // In memory where that is possible: what a flush is good for is played by `power`.
        let home = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let folder = folder_with(plan(home.path()), Power::default());
        (story.prepare)(&folder, home.path());
        (home, folder)
    };
    let (home, folder) = prepared();
    let before = (story.look)(&folder, home.path());
    (story.act)(&folder, home.path()).unwrap();
    let after = (story.look)(&folder, home.path());
    drop(folder);

    for loses_what_is_not_flushed in [false, true] {
        let mut cuts = 0;
        loop {
            let (home, folder) = prepared();
            drop(folder);
            let power = Power::cut_after(cuts, loses_what_is_not_flushed);
            let folder = folder_with(plan(home.path()), power.clone());
            let acted = (story.act)(&folder, home.path());
            drop(folder);
            let when = format!("cut after {cuts} steps, losing what was not flushed: {loses_what_is_not_flushed}");
            let fresh = folder_with(plan(home.path()), Power::default());
            let seen = (story.look)(&fresh, home.path());
            assert!((story.may_see)(&before, &after, &seen), "{when}: {seen:#?}\nbefore {before:#?}\nafter {after:#?}");
            if !power.is_off() {
                acted.unwrap();
                assert_eq!(seen, after, "{when}");
                break;
            }
            (story.act)(&fresh, home.path()).unwrap_or_else(|error| panic!("{when}: {}", efm::chain::Chain(&error)));
            assert_eq!((story.look)(&fresh, home.path()), after, "{when}");
            wait(fresh.tidy(&crate::ports::Keep::default())).unwrap();
            nothing_unfinished(home.path());
            cuts += 1;
        }
        assert!(cuts > 1, "the act has no steps");
    }
}
