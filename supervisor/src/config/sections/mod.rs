//! From gathered values to [`Settings`], section by section. Everything that two settings say together is checked here.

mod child;
mod mail;
mod network;
mod notice;
mod release;
mod schedule;

use super::Effective;
use super::check;
use super::keys::KEYS;
use super::problem::{Place, Problem, Wrong, wrong};
use super::reader::{End, Reader};
use super::settings::{Backup, Blocklist, Kind, Settings};
use super::value::{Scalar, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What the sections give.
pub(super) struct Read {
    /// None when one of them lacks a value, which is told.
    pub(super) settings: Option<Settings>,
    pub(super) problems: Vec<Problem>,
    pub(super) origins: Vec<Effective>,
    /// The settings that are wrong.
    pub(super) refused: BTreeSet<&'static str>,
}

/// Reads all sections.
pub(super) fn settings(values: BTreeMap<&'static str, Value>, folder: &Path, files: &mut Vec<PathBuf>) -> Read {
    let mut reader = Reader::new(values, folder);
    let home = home(&mut reader, folder);
    if let Some(home) = &home {
        reader.home.clone_from(home);
    }
    let homes = homes(&mut reader, folder);
    let organisation = reader.one("organisation", check::organisation, String::clone);
    let release = release::read(&mut reader);
    let schedule = schedule::read(&mut reader, release.as_ref());
    let child = child::read(&mut reader);
    let network = network::read(&mut reader, files);
    let backup = backup(&mut reader, child.as_ref().map(|child| child.kind));
    let mail = mail::read(&mut reader, files);
    let notice = notice::read(&mut reader, files);
    let blocklist = blocklist(&mut reader);
    let End { problems, mut shown, refused } = reader.end();
    let origins = KEYS.iter().filter_map(|key| shown.remove(key.name)).flatten().collect();

    let whole = || {
        Some(Settings {
            home: home?,
            schedule: schedule?,
            child: child?,
            release: release?,
            network: network?,
            backup: backup?,
            mail,
            notice,
            blocklist: blocklist?,
            homes,
            organisation,
        })
    };
    Read { settings: whole(), problems, origins, refused }
}

fn home(reader: &mut Reader, folder: &Path) -> Option<PathBuf> {
    let is_folder = |home: PathBuf| {
        let missing = || wrong(format!("{} is no folder", home.display()), "a folder that is there");
        if home.is_dir() { Ok(home) } else { Err(missing()) }
    };
    if !reader.is_set("home") {
        let shown = folder.display().to_string();
        reader.show("home", Some(shown), Place::Default);
        return match is_folder(folder.to_owned()) {
            Ok(home) => Some(home),
            Err(wrong) => {
                reader.refuse("home", wrong);
                None
            }
        };
    }
    reader.one("home", |scalar| is_folder(folder.join(check::path(scalar.text()?)?)), |home| home.display().to_string())
}

/// `[host]`: paths from the folder of the file that names them. One that is not there today may be there later, so it is
/// no error here.
fn homes(reader: &mut Reader, folder: &Path) -> Vec<PathBuf> {
    let path = |scalar: &Scalar| Ok(plainly(&folder.join(check::path(scalar.text()?)?)));
    let homes = reader.many("host.homes", path, |home| home.display().to_string());
    let mut seen = BTreeSet::new();
    if let Some(twice) = homes.iter().find(|home| !seen.insert(*home)) {
        reader.refuse("host.homes", wrong(format!("{} is named twice", twice.display()), "each home once"));
    }
    if !homes.is_empty() && !homes.contains(&plainly(folder)) {
        for name in reader.in_files().into_iter().filter(|name| *name != "host.homes") {
            let right = "the same in the settings of each home; here [host] stands alone";
            reader.warn(name, wrong("it counts for nothing beside host.homes", right));
        }
    }
    homes
}

/// Without `.` in it, so that two ways to write one path are one.
fn plainly(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

/// Of a native integration point nothing is copied unless it is named: a roll-back keeps its data, and while it would be
/// copied everybody waits.
fn backup(reader: &mut Reader, kind: Option<Kind>) -> Option<Backup> {
    const PATHS: &str = "backup.paths";
    let home = reader.home.clone();
    let read = |scalar: &Scalar| check::stays_inside(scalar, &home);
    let mut paths = reader.many(PATHS, read, |path| path.display().to_string());
    if kind == Some(Kind::Native) && !reader.is_set(PATHS) {
        paths.clear();
        reader.show(PATHS, None, Place::From("child.kind"));
    }
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    let keep = reader.need("backup.keep", |scalar| count(scalar, 1, 100), u32::to_string);
    Some(Backup { paths, keep: keep? })
}

fn blocklist(reader: &mut Reader) -> Option<Blocklist> {
    let enabled = reader.need("blocklist.enabled", Scalar::boolean, bool::to_string);
    let duration = duration(reader, "blocklist.duration", Duration::ZERO, DAY * 365);
    Some(Blocklist { enabled: enabled?, duration: duration? })
}

fn duration(reader: &mut Reader, name: &'static str, least: Duration, most: Duration) -> Option<Duration> {
    reader.need(name, |scalar| scalar.duration(least, most), |duration| super::units::show_duration(*duration))
}

fn size(reader: &mut Reader, name: &'static str, least: u64, most: u64) -> Option<u64> {
    reader.need(name, |scalar| scalar.size(least, most), |bytes| super::units::show_size(*bytes))
}

fn count(scalar: &Scalar, least: u32, most: u32) -> Result<u32, Wrong> {
    let number = scalar.number(u64::from(least), u64::from(most))?;
    u32::try_from(number).map_err(|_| wrong(format!("{number} is too much"), format!("from {least} to {most}")))
}

/// A file that is named.
fn file(reader: &mut Reader, name: &'static str) -> Option<PathBuf> {
    let bases = reader.bases();
    let read = |scalar: &Scalar| Ok(bases.find(scalar, &check::path(scalar.text()?)?));
    reader.one(name, read, |path| path.display().to_string())
}

fn is_word(scalar: &Scalar, word: &str) -> bool {
    scalar.text.trim().eq_ignore_ascii_case(word)
}
