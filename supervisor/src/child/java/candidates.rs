//! Where JVMs lie: what is set, `JAVA_HOME`, `PATH`, the Windows registry, the usual folders; in this order.

use crate::child::environment;
use crate::host::system;
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The program's name.
const JAVA: &str = if cfg!(windows) { "java.exe" } else { "java" };
/// Entries of a folder that are looked at.
const FOLDER_ENTRIES: usize = 200;

/// Where a JVM was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the settings.
    Settings,
    /// Environment.
    JavaHome,
    /// Environment.
    Path,
    /// The Windows registry.
    Registry,
    /// Where JVMs lie as a rule.
    UsualFolder,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settings => "child.java",
            Self::JavaHome => "JAVA_HOME",
            Self::Path => "PATH",
            Self::Registry => "the registry",
            Self::UsualFolder => "a usual folder",
        })
    }
}

/// All JVMs of the machine, each once. The one that is set comes first, whether it is there or not.
pub fn of_machine(set: Option<&Path>) -> Vec<(PathBuf, Place)> {
    let mut found: Vec<(PathBuf, Place)> = Vec::new();
    if let Some(set) = set {
        let program = if set.is_dir() { in_home(set) } else { set.to_owned() };
        found.push((program, Place::Settings));
    }
    let there = |(program, place): (PathBuf, Place)| program.is_file().then_some((program, place));
    let home = environment::variable("JAVA_HOME").map(|home| (in_home(Path::new(&home)), Place::JavaHome));
    found.extend(home.into_iter().filter_map(there));
    found.extend(in_path().into_iter().map(|program| (program, Place::Path)).filter_map(there));
    let registered = system::registered_javas().into_iter().map(|home| (in_home(&home), Place::Registry));
    found.extend(registered.filter_map(there));
    let usual = system::java_folders().into_iter().flat_map(|folder| homes_below(&folder));
    found.extend(usual.map(|home| (in_home(&home), Place::UsualFolder)).filter_map(there));
    each_once(found)
}

fn in_home(home: &Path) -> PathBuf {
    home.join("bin").join(JAVA)
}

/// Relative entries are left out: they would name a file of whatever folder we happen to be in.
fn in_path() -> Vec<PathBuf> {
    let path = environment::variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(JAVA)).collect()
}

/// Folders in it, the highest name first: most often that is the newest.
fn homes_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut homes: Vec<PathBuf> = entries.flatten().take(FOLDER_ENTRIES).map(|entry| entry.path()).collect();
    homes.sort_unstable_by(|one, other| other.cmp(one));
    homes
}

/// The same program under another name is the same program.
fn each_once(found: Vec<(PathBuf, Place)>) -> Vec<(PathBuf, Place)> {
    let mut known = HashSet::new();
    let mut is_new = |program: &Path| known.insert(program.canonicalize().unwrap_or_else(|_| program.to_owned()));
    found.into_iter().filter(|(program, _)| is_new(program)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_comes_first_even_when_it_is_not_there() {
        let set = Path::new("/no/such/java");
        let all = of_machine(Some(set));
        assert_eq!(all.first(), Some(&(set.to_owned(), Place::Settings)));
        assert!(all.iter().skip(1).all(|(_, place)| *place != Place::Settings));
    }

    #[test]
    fn a_folder_that_is_set_means_the_java_in_it() {
        let home = tempfile::tempdir().unwrap();
        let all = of_machine(Some(home.path()));
        assert_eq!(all.first().unwrap().0, home.path().join("bin").join(JAVA));
    }

    #[test]
    fn the_newest_name_in_a_folder_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["jdk-17", "jdk-21"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        assert_eq!(homes_below(folder.path()), [folder.path().join("jdk-21"), folder.path().join("jdk-17")]);
    }
}
