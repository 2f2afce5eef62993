//! Keeps KOSMOS' own files true, so that a site can go back to it: its markers, and the jar in the home folder.
//!
//! Start at [`mirror`]. A jar that a person or KOSMOS put there is never removed; `mirror.json` remembers which are
//! ours. The jar is a copy and never a hard link: KOSMOS and people write to that name in place, and would write into
//! the version that was verified.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{failed, names_in, refused, unfinished, what_lies_at};
use super::document::Document;
use super::kosmos_home::{ALLOWLISTED, BEGINS, BLOCKLISTED};
use super::{Core, hashing, state, tree};
use crate::config::settings::Kind;
use crate::ports::{Mirror, Stored, VaultError};
use crate::release::{Sha256, Tag};

const OURS: Document = Document::new("mirror");

/// Jars in the home folder that we put there.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ours {
    by_name: BTreeMap<String, Sha256>,
}

pub(super) fn mirror(core: &Core, mirror: &Mirror) -> Result<(), VaultError> {
    match mirror {
        Mirror::Allowlisted(stored) => allow(core, stored),
        Mirror::Blocklisted(tag) => block(core, tag),
    }
}

fn allow(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    // Without the jar the marker is still true, and KOSMOS can fetch the jar.
    let jar = if core.plan.kind == Kind::Java { put_jar(core, stored) } else { Ok(()) };
    let marker = named(core, &stored.tag, ALLOWLISTED);
    if !holds_a_time(&marker) {
        write_time(core, &marker, core.clock.now())?;
    }
    // The new one first: KOSMOS must find one at any moment.
    for path in names_in(&core.plan.home)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_old = name.starts_with(BEGINS) && name.ends_with(ALLOWLISTED) && path != marker;
        if is_old && what_lies_at(&path)?.is_some_and(|metadata| !metadata.is_dir()) {
            core.disk.remove(&path)?;
        }
    }
    let version = stored.version();
    for name in [version.to_string(), format!("v{version}")] {
        core.disk.remove(&core.plan.home.join(format!("{BEGINS}{name}{BLOCKLISTED}")))?;
    }
    jar?;
    remove_old_jars(core, stored)
}

fn block(core: &Core, tag: &Tag) -> Result<(), VaultError> {
    if !core.plan.blocklist.enabled {
        return Ok(());
    }
    let marker = named(core, tag, BLOCKLISTED);
    let until = core.clock.now().checked_add(core.plan.blocklist.duration);
    let until = until.map_err(|error| refused("write", &marker, io::ErrorKind::InvalidInput, error.to_string()))?;
    write_time(core, &marker, until)
}

/// The jar under the name that KOSMOS starts, if these bytes do not lie there already.
fn put_jar(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    let jar = named(core, &stored.tag, ".jar");
    let name = jar.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut ours = read_ours(core)?;
    if let Some(metadata) = what_lies_at(&jar)? {
        let found = if metadata.is_dir() { None } else { hash_of(&jar)? };
        if found == Some(stored.sha256) {
            return Ok(());
        }
        if found.is_none() || ours.by_name.get(&name) != found.as_ref() {
            let aside = free_name(&jar)?;
            let to = aside.display();
            tracing::warn!(path = %jar.display(), %to, "other bytes under the name of a verified version: set aside");
            core.disk.rename(&jar, &aside)?;
        }
    }
    let half = unfinished(&jar);
    core.disk.remove_tree(&half)?;
    let copied = copy_verified(core, stored, &half).and_then(|()| {
        // Written down before the act: what is not known to be ours would lie there for ever.
        if ours.by_name.insert(name, stored.sha256) != Some(stored.sha256) {
            OURS.write(core, &core.state, &ours)?;
        }
        core.disk.rename(&half, &jar)
    });
    if copied.is_err() {
        // The first error is the one worth telling.
        let _ = core.disk.remove_tree(&half);
    }
    copied
}

fn copy_verified(core: &Core, stored: &Stored, to: &Path) -> Result<(), VaultError> {
    tree::copy_file(core, &stored.archive, to)?;
    core.disk.set_mode(to, 0o644)?;
    let found = hashing::of_file(&mut hashing::open_plain(to)?, to)?.0;
    if found == stored.sha256 {
        return Ok(());
    }
    Err(VaultError::Changed { path: stored.archive.clone(), expected: stored.sha256, found })
}

/// Removes jars that we put there, for versions that are neither current nor previous, if they are still as we put
/// them.
fn remove_old_jars(core: &Core, stored: &Stored) -> Result<(), VaultError> {
    let mut needed = BTreeSet::from([stored.sha256]);
    needed.extend(state::pointer(core)?.map(|pointer| pointer.sha256));
    needed.extend(state::previous(core)?.map(|previous| previous.sha256));
    let before = read_ours(core)?;
    let mut ours = before.clone();
    for (name, sha256) in before.by_name.iter().filter(|(_, sha256)| !needed.contains(sha256)) {
        let jar = core.plan.home.join(name);
        let is_file = what_lies_at(&jar)?.is_some_and(|metadata| metadata.is_file());
        if is_file && hash_of(&jar)? == Some(*sha256) {
            tracing::info!(path = %jar.display(), "old jar removed from the home folder");
            core.disk.remove(&jar)?;
        }
        ours.by_name.remove(name);
    }
    if ours == before { Ok(()) } else { OURS.write(core, &core.state, &ours) }
}

fn read_ours(core: &Core) -> Result<Ours, VaultError> {
    match OURS.read::<Ours>(core, &core.state) {
        // Then none is known to be ours, and none is removed.
        Err(VaultError::Corrupt { path, reason }) => {
            tracing::warn!(path = %path.display(), reason, "it is forgotten which jars in the home folder are ours");
            OURS.set_aside(core, &core.state)?;
            Ok(Ours::default())
        }
        read => Ok(read?.unwrap_or_default()),
    }
}

/// What a name leads to, link or not; none: to nothing that can be read as a file.
fn hash_of(path: &Path) -> Result<Option<Sha256>, VaultError> {
    match File::open(path) {
        Ok(mut file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => {
            Ok(Some(hashing::of_file(&mut file, path)?.0))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

fn free_name(jar: &Path) -> Result<PathBuf, VaultError> {
    let name = jar.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 1_u32;
    loop {
        let aside = jar.with_file_name(format!("{name}.set-aside-{number}"));
        if what_lies_at(&aside)?.is_none() {
            return Ok(aside);
        }
        number = number.saturating_add(1);
    }
}

fn named(core: &Core, tag: &Tag, ending: &str) -> PathBuf {
    core.plan.home.join(format!("{BEGINS}{tag}{ending}"))
}

fn holds_a_time(marker: &Path) -> bool {
    const LONGEST: u64 = 64;
    let mut text = String::new();
    let read =
        File::open(marker).and_then(|file| io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text));
    read.is_ok() && text.parse::<jiff::civil::DateTime>().is_ok()
}

/// A local date and time as KOSMOS reads it: to the letter, without a zone and without an end of line.
fn write_time(core: &Core, marker: &Path, time: jiff::Timestamp) -> Result<(), VaultError> {
    let local = time.to_zoned(core.plan.timezone.clone()).datetime();
    core.disk.replace(marker, local.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string().as_bytes())
}
