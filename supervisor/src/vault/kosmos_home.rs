//! Reads what KOSMOS left in the home folder: jars, and its markers `.allowlisted` and `.blocklisted`.
//!
//! Start at [`read`]. Nothing that lies there is ever an error: an empty marker, a strange name, a folder that is gone
//! is a warning for a person to read. Nothing is changed.
//!
//! A marker's name may have lost the `v` of the tag (`integrasjonspunkt-4.0.8.allowlisted` for
//! `integrasjonspunkt-v4.0.8.jar`), so markers and jars are matched by version.

use jiff::{Timestamp, Zoned, civil};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::disk::names_in;
use crate::release::{Tag, Version};

/// Begins the names of all its files, whatever the artifact is called where it comes from.
pub(super) const BEGINS: &str = "integrasjonspunkt-";
pub(super) const ALLOWLISTED: &str = ".allowlisted";
pub(super) const BLOCKLISTED: &str = ".blocklisted";
const JAR: &str = ".jar";
/// A marker holds one date and time; no more is read of it.
const LONGEST_MARKER: u64 = 256;

/// What KOSMOS left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KosmosHome {
    /// Versions that ran well, the one that did last first.
    pub allowlisted: Vec<Allowlisted>,
    /// Versions that it would leave alone now.
    pub blocklisted: Vec<Blocklisted>,
    /// Jars, the newest version first. Nothing is known of their bytes.
    pub jars: Vec<(Tag, PathBuf)>,
    /// What lies there and makes no sense, one sentence each.
    pub warnings: Vec<String>,
}

/// A version that ran well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowlisted {
    /// As the marker names it; the `v` may be lost.
    pub tag: Tag,
    /// When. Where the marker does not say, when it was written.
    pub at: Timestamp,
}

/// A version that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocklisted {
    /// As the marker names it.
    pub tag: Tag,
    /// Until when; none: the marker does not say, so until somebody removes it.
    pub until: Option<Timestamp>,
}

impl KosmosHome {
    /// The jar of a version, with or without a `v`. Where both lie there, the one that is called as asked.
    pub fn jar_of(&self, tag: &Tag) -> Option<&(Tag, PathBuf)> {
        let same = |jar: &&(Tag, PathBuf)| jar.0.version() == tag.version();
        self.jars.iter().find(|jar| jar.0 == *tag).or_else(|| self.jars.iter().find(same))
    }

    /// What ran well last and is still there.
    pub fn current(&self) -> Option<&(Tag, PathBuf)> {
        self.allowlisted.iter().find_map(|marker| self.jar_of(&marker.tag))
    }

    /// Whether KOSMOS would leave this version alone now.
    pub fn is_blocklisted(&self, version: &Version) -> bool {
        self.blocklisted.iter().any(|marker| marker.tag.version() == version)
    }
}

/// Looks through a home folder. The zone of `now` is the zone of the times in the markers.
pub fn read(home: &Path, now: &Zoned) -> KosmosHome {
    let mut found = KosmosHome::default();
    match names_in(home) {
        Ok(paths) => paths.iter().for_each(|path| found.look_at(path, now)),
        Err(error) => found.warnings.push(efm::chain::Chain(&error).to_string()),
    }
    found
        .allowlisted
        .sort_by(|one, other| other.at.cmp(&one.at).then_with(|| other.tag.version().cmp(one.tag.version())));
    found.jars.sort_by(|one, other| other.0.version().cmp(one.0.version()));
    found
}

impl KosmosHome {
    fn look_at(&mut self, path: &Path, now: &Zoned) {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { return };
        let Some(ending) = [ALLOWLISTED, BLOCKLISTED, JAR].into_iter().find(|ending| name.ends_with(ending)) else {
            return;
        };
        let stem = name.strip_suffix(ending).and_then(|stem| stem.strip_prefix(BEGINS));
        let Some(stem) = stem else {
            // Any jar may lie there; a marker is KOSMOS' own.
            if ending != JAR {
                self.warn(path, &format!("its name must begin with {BEGINS}"));
            }
            return;
        };
        let tag: Tag = match stem.parse() {
            Ok(tag) => tag,
            Err(error) => return self.warn(path, &format!("{error}")),
        };
        let metadata = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return self.warn(path, "it is no file"),
            Err(error) => return self.warn(path, &error.to_string()),
        };
        match ending {
            JAR if metadata.len() == 0 => self.warn(path, "it is empty, as a download that failed leaves it"),
            JAR => self.jars.push((tag, path.to_owned())),
            ALLOWLISTED => {
                let written = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                let at = self.time_in(path, now).or(written).unwrap_or(Timestamp::UNIX_EPOCH);
                self.allowlisted.push(Allowlisted { tag, at });
            }
            _ => {
                let until = self.time_in(path, now);
                if until.is_none_or(|until| until > now.timestamp()) {
                    self.blocklisted.push(Blocklisted { tag, until });
                }
            }
        }
    }

    fn time_in(&mut self, path: &Path, now: &Zoned) -> Option<Timestamp> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST_MARKER).read_to_string(&mut text));
        if let Err(error) = read {
            self.warn(path, &error.to_string());
            return None;
        }
        let time = text.trim().parse::<civil::DateTime>().ok();
        let time = time.and_then(|time| time.to_zoned(now.time_zone().clone()).ok());
        if time.is_none() {
            self.warn(path, "it must hold a date and time, like 2026-11-21T05:30:00.123");
        }
        time.map(|time| time.timestamp())
    }

    fn warn(&mut self, path: &Path, what: &str) {
        self.warnings.push(format!("{}: {what}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            efm::atomic::replace(&home.path().join(name), text.as_bytes()).unwrap();
        }
        home
    }

    fn now() -> Zoned {
        "2026-11-21T05:30:00[Europe/Oslo]".parse().unwrap()
    }

    fn tag(text: &str) -> Tag {
        text.parse().unwrap()
    }

    #[test]
    fn k_04_a_marker_that_lost_its_v_finds_its_jar() {
        let home = home_with(&[
            ("integrasjonspunkt-4.0.8.allowlisted", "2026-11-20T05:31:02.417"),
            ("integrasjonspunkt-v4.0.7.allowlisted", "2026-10-02T05:31"),
            ("integrasjonspunkt-v4.0.8.jar", "jar"),
            ("integrasjonspunkt-v4.0.7.jar", "jar"),
        ]);
        let found = read(home.path(), &now());
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        assert_eq!(found.current(), Some(&(tag("v4.0.8"), home.path().join("integrasjonspunkt-v4.0.8.jar"))));
        assert_eq!(found.allowlisted[0].at.to_string(), "2026-11-20T04:31:02.417Z");
        assert_eq!(found.allowlisted[1].at.to_string(), "2026-10-02T03:31:00Z");
    }

    #[test]
    fn what_ran_last_is_current_not_what_has_the_highest_number() {
        let home = home_with(&[
            ("integrasjonspunkt-4.0.9.allowlisted", "2026-10-01T05:30:00"),
            ("integrasjonspunkt-4.0.8.allowlisted", "2026-11-01T05:30:00"),
            ("integrasjonspunkt-4.0.8.jar", "jar"),
            ("integrasjonspunkt-4.0.9.jar", "jar"),
        ]);
        assert_eq!(read(home.path(), &now()).current().unwrap().0, tag("4.0.8"));
    }

    #[test]
    fn k_11_markers_that_make_no_sense_are_told_and_never_stop_anything() {
        let home = home_with(&[
            ("integrasjonspunkt-v4.1.0.blocklisted", ""),
            ("integrasjonspunkt-v4.1.1.blocklisted", "tomorrow"),
            ("integrasjonspunkt-v4.0.8.allowlisted", "\u{0}\u{0}\u{0}"),
            ("stray.allowlisted", ""),
            ("integrasjonspunkt-.blocklisted", ""),
            ("integrasjonspunkt-null.jar", "jar"),
            ("integrasjonspunkt-v4.1.0.jar", ""),
            ("h2.jar", "jar"),
            ("integrasjonspunkt-local.properties", "x=y"),
        ]);
        fs::create_dir(home.path().join("integrasjonspunkt-v9.9.9.jar")).unwrap();
        let found = read(home.path(), &now());
        assert_eq!(found.warnings.len(), 8, "{:#?}", found.warnings);
        assert!(found.jars.is_empty());
        assert_eq!(found.allowlisted.len(), 1);
        assert!(found.is_blocklisted(tag("4.1.0").version()) && found.is_blocklisted(tag("4.1.1").version()));

        let gone = read(&home.path().join("gone"), &now());
        assert_eq!(gone, KosmosHome::default());
    }

    #[test]
    fn a_block_ends_at_its_local_time() {
        let home = home_with(&[
            ("integrasjonspunkt-v4.1.0.blocklisted", "2026-11-21T05:30:01"),
            ("integrasjonspunkt-v4.1.1.blocklisted", "2026-11-21T05:29:59.999"),
        ]);
        let found = read(home.path(), &now());
        assert_eq!(found.blocklisted.len(), 1);
        assert!(found.is_blocklisted(tag("4.1.0").version()));
    }
}
