//! Every lie of a release server that we could think of, told to a real supervisor's look in a home folder where a real,
//! verified integration point runs: one clear error, twice, and everything is as it was. After it an honest release
//! still goes in.
//!
//! One folder a lie in `tests/lies/`: `lie.toml` says what is published and what the server does (see [`fixture`]),
//! `expected.txt` what a person reads. `UPDATE_EXPECTED=1` rewrites the latter; `LIE=name` tells one lie alone.

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test"
)]

mod fixture;
mod forgery;
mod home;

use home::Home;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// So many are told at once: most of them wait.
const AT_ONCE: usize = 6;

/// The lies that must be there, whatever else is.
const NAMED: [&str; 17] = [
    "truncated",
    "endless",
    "slow-drip",
    "wrong-length",
    "wrong-checksum",
    "wrong-key",
    "expired-key",
    "revoked-key",
    "key-id-collision",
    "signature-of-another-file",
    "old-jar-under-a-new-name",
    "version-with-path-characters",
    "redirect-loop",
    "redirect-to-plain-http",
    "gzip-bomb",
    "yaml-bomb",
    "list-without-the-profile",
];

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("lies");
    let mut folders: Vec<_> = std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_lie_that_was_named_has_its_folder_and_every_folder_is_whole() {
    let folders = folders();
    let names: Vec<_> = folders.iter().map(|folder| name(folder)).collect();
    for lie in NAMED {
        assert!(names.iter().any(|name| name == lie), "{lie} has no folder in tests/lies");
    }
    for folder in &folders {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
        files.sort();
        assert_eq!(files, ["expected.txt", "lie.toml"], "{}", folder.display());
        fixture::Fixture::read(folder).unwrap();
    }
}

#[test]
fn no_lie_works_neither_the_first_nor_the_second_time_and_an_honest_release_still_goes_in() {
    #[allow(clippy::disallowed_methods, reason = "how a person tells this test which lie")]
    let wanted = std::env::var("LIE").ok();
    let mut folders = folders();
    folders.retain(|folder| wanted.as_ref().is_none_or(|wanted| *wanted == name(folder)));
    assert!(!folders.is_empty(), "there is no such lie");
    let (waiting, failed) = (Mutex::new(folders), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(folder) = waiting.lock().unwrap().pop() else { break };
                    if let Err(why) = tell(&folder) {
                        failed.lock().unwrap().push(format!("── {}\n{why}", name(&folder)));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} lies were not borne:\n{}", failed.len(), failed.join("\n"));
}

/// Tells one lie; whatever happens, nothing is left running.
fn tell(folder: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut home = runtime.block_on(async { Home::new() });
    let told = catch_unwind(AssertUnwindSafe(|| runtime.block_on(home::tell(folder, &mut home))));
    told.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    })
}
