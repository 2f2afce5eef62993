//! Which home folders are meant: `--home`, or the working folder, and what a host folder names in its settings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::settings_folder::SettingsFolder;
use crate::host::service::SETTINGS;
use crate::host::system;

/// One home, or several that one supervisor keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Homes {
    /// This one, which is there.
    One(SettingsFolder),
    /// These, in the order in which they are upgraded. One that is not there may come.
    Several(Vec<SettingsFolder>),
}

/// Why a word that is said to one home is not said to these.
pub fn said_to_one<'a>(homes: impl ExactSizeIterator<Item = &'a Path>) -> String {
    let count = homes.len();
    let first = homes.take(1).map(|home| home.display().to_string()).collect::<String>();
    format!("{count} homes are meant, and this word is said to one: name it, like --home {first}")
}

/// What was named on the command line.
///
/// # Errors
/// A folder is not there, or is named twice.
pub(super) fn named(given: &[PathBuf]) -> Result<Homes, String> {
    match given {
        [] => Ok(meant_by(SettingsFolder::unnamed(folder(&where_none_is_named())?))),
        [one] => Ok(meant_by(SettingsFolder::named(folder(one)?))),
        several => {
            let mut homes = Vec::new();
            for given in several {
                match meant_by(SettingsFolder::named(folder(given)?)) {
                    Homes::One(home) => homes.push(home),
                    Homes::Several(of_host) => homes.extend(of_host),
                }
            }
            let mut seen = BTreeSet::new();
            match homes.iter().find(|home| !seen.insert(home.path())) {
                Some(twice) => Err(format!("the home folder {} is named twice", twice.path().display())),
                None => Ok(Homes::Several(homes)),
            }
        }
    }
}

/// The working folder; on Windows the folder that KOSMOS' guide names, where the working folder has no settings.
pub(super) fn where_none_is_named() -> PathBuf {
    let here = PathBuf::from(".");
    if SETTINGS.iter().any(|name| here.join(name).exists()) || crate::ports::state_folder(&here).is_dir() {
        return here;
    }
    system::home_of_old().unwrap_or(here)
}

/// A folder whose settings name homes means these. Where its settings are wrong they name nothing.
fn meant_by(folder: SettingsFolder) -> Homes {
    match folder.load() {
        Ok(loaded) if !loaded.settings.homes.is_empty() => {
            let homes = loaded.settings.homes.iter();
            Homes::Several(homes.map(|home| SettingsFolder::named(without_links(home))).collect())
        }
        Ok(_) | Err(_) => Homes::One(folder),
    }
}

/// A folder that is there, by its whole name.
///
/// # Errors
/// It is not there, or is no folder.
pub fn folder(home: &Path) -> Result<PathBuf, String> {
    let whole =
        std::path::absolute(home).map_err(|error| format!("find the home folder {}: {error}", home.display()))?;
    if whole.exists() && !whole.is_dir() {
        return Err(format!("find the home folder {}: it is a file; --home names a folder", whole.display()));
    }
    if !whole.is_dir() {
        return Err(format!("find the home folder {}: there is no such folder; --home names another", whole.display()));
    }
    Ok(without_links(&whole))
}

/// Links are followed once, so that all words speak of the same folder.
fn without_links(whole: &Path) -> PathBuf {
    std::fs::canonicalize(whole).ok().filter(|_| cfg!(unix)).unwrap_or_else(|| whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(homes: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        efm::atomic::replace(&folder.path().join("kosmos.toml"), format!("[host]\nhomes = {homes}\n").as_bytes())
            .unwrap();
        let path = without_links(folder.path());
        (folder, path)
    }

    #[test]
    fn a_host_folder_means_its_homes_in_their_order_also_one_that_is_not_there_yet() {
        let (_kept, host) = host("[\"b\", \"a\", \"later\"]");
        let expected = ["b", "a", "later"].map(|name| SettingsFolder::named(host.join(name))).to_vec();
        assert_eq!(named(std::slice::from_ref(&host)), Ok(Homes::Several(expected)));
        assert_eq!(named(&[host.join("a")]), Ok(Homes::One(SettingsFolder::named(host.join("a")))));
    }

    #[test]
    fn several_flags_mean_several_homes_and_each_once() {
        let (_kept, host) = host("[]");
        let homes = [host.join("b"), host.join("a")];
        assert_eq!(named(&homes), Ok(Homes::Several(homes.clone().map(SettingsFolder::named).to_vec())));
        assert!(named(&[host.join("a"), host.join("./a")]).unwrap_err().contains("named twice"));
        assert!(named(&[host.join("a"), host.join("gone")]).unwrap_err().contains("there is no such folder"));
    }
}
