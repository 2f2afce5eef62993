//! Settings: raw text from files, environment and flags becomes [`Settings`], checked once; everything after is valid.
//!
//! Start at [`load`]. The way of a value: `document` (`kosmos.toml`) and `efm::properties` read text; `gather` lays the
//! layers over each other, one value a setting; `worked_out` makes settings of what KOSMOS and Spring say in another way;
//! `sections` gives each value its meaning. Loading never stops at the first error: all are told at once, by
//! [`problems_text`]. This room never changes a file and never reads the process's environment itself.
//!
//! Who wins: defaults < `integrasjonspunkt-local.properties` < `kosmos-local.properties` < `kosmos.toml` < environment <
//! command line, setting by setting. (KOSMOS itself let its file win over the environment.)

mod access;
mod check;
mod document;
mod files;
mod gather;
mod keys;
mod kosmos_defaults;
mod last_good;
mod nearest;
mod problem;
mod reader;
mod remarks;
mod sections;
pub mod settings;
mod show;
mod units;
mod value;
mod worked_out;

pub use access::{check_access, check_files};
pub use files::WhoMayWrite;
pub use last_good::{LastGood, perhaps_home};
pub use problem::{Place, Problem, Severity, problems_text};
pub use settings::Settings;
pub use show::show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Settings that were loaded, and how they came to be.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the rest of the house sees.
    pub settings: Settings,
    /// Each setting with its value and where that came from, in the order of the commented file.
    pub origins: Vec<Effective>,
    /// What a person should look at.
    pub warnings: Vec<Problem>,
    /// The settings files that were read, and the files with secrets.
    pub files: Vec<PathBuf>,
    /// What the next supervisor falls back to if it finds the settings wrong.
    pub last_good: LastGood,
}

/// A setting as it is in the end, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// As in `kosmos.toml`: `schedule.look`; of several sections of one name `notice.webhook[0].url`.
    pub name: String,
    /// Its value, masked where it is secret; none: it is not set.
    pub value: Option<String>,
    /// Where it came from.
    pub place: Place,
}

/// The commented defaults: what `kosmos.toml` may say.
pub fn commented_defaults() -> &'static str {
    document::EMBEDDED
}

/// Loads the settings of a folder. `environment` are the variables of the process; `flags` are settings from the
/// command line, each a name as in `kosmos.toml` and a value. The flag `home` says that the command line named this very
/// folder: then no environment variable names another home. What the files in it say of the home counts all the same.
///
/// # Errors
/// All errors at once, and the warnings among them, in the order of files and lines.
pub fn load(home: &Path, environment: &[(String, String)], flags: &[(String, String)]) -> Result<Loaded, Vec<Problem>> {
    let folder = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    let gathered = gather::gather(&folder, environment, flags);
    let mut files = gathered.files;
    let last_good = LastGood::of(&gathered.values);
    let sections::Read { settings, mut problems, origins, .. } =
        sections::settings(gathered.values, &folder, &mut files);
    problems.extend(gathered.problems);
    if settings.as_ref().is_some_and(|settings| settings.names_other_homes(&folder)) {
        // What nobody has said about a home is not missing in a folder that is none.
        problems.retain(|problem| problem.severity == Severity::Error || problem.place != Place::Default);
    }
    problems.sort_by(|left, right| (&left.place, &left.setting).cmp(&(&right.place, &right.setting)));
    match settings {
        Some(settings) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Loaded { settings, origins, warnings: problems, files, last_good })
        }
        _ => Err(problems),
    }
}

/// The settings for who only looks at what is on the disk, or writes a word there: each that is wrong is as if nobody had
/// set it. Nothing is installed, started or verified by these. None: there is no such folder.
pub fn load_what_is_right(
    home: &Path,
    environment: &[(String, String)],
    flags: &[(String, String)],
) -> Option<Settings> {
    let folder = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    let mut values = gather::gather(&folder, environment, flags).values;
    let defaults: BTreeMap<_, _> =
        document::defaults().values.into_iter().map(|(key, value)| (key.name, value)).collect();
    // Each round takes back at least one setting.
    for _ in 0..=keys::KEYS.len() {
        let read = sections::settings(values.clone(), &folder, &mut Vec::new());
        if read.settings.is_some() {
            return read.settings;
        }
        for name in read.refused {
            match defaults.get(name) {
                Some(value) => values.insert(name, value.clone()),
                None => values.remove(name),
            };
        }
    }
    None
}

#[cfg(test)]
mod tests;
