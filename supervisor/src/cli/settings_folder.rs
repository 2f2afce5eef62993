//! The folder of the settings, and how each word loads them: strictly, or as far as they are right.

use std::path::{Path, PathBuf};

use crate::child::environment;
use crate::config::{self, Loaded, Problem, Settings};

/// Where the settings lie.
#[derive(Clone, Debug)]
pub(crate) struct SettingsFolder {
    path: PathBuf,
    /// What the command line says about settings.
    flags: Vec<(String, String)>,
}

impl SettingsFolder {
    /// The folder that `--home` names, or the working folder.
    pub(crate) fn of(named: Option<&Path>) -> Result<Self, String> {
        let path = whole(named.unwrap_or(Path::new(".")))?;
        let flags = named.map(|_| ("home".to_owned(), path.display().to_string()));
        Ok(Self { path, flags: flags.into_iter().collect() })
    }

    /// Loads the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(crate) fn load(&self) -> Result<Loaded, Vec<Problem>> {
        config::load(&self.path, &environment::all(), &self.flags)
    }

    /// Loads the settings, or prints all that is wrong with them. Warnings are for `run` and `config check` to tell.
    pub(crate) fn load_or_complain(&self) -> Option<Loaded> {
        self.load().map_err(|problems| eprint!("{}", config::problems_text(&problems))).ok()
    }

    /// For words that must work while the settings are wrong: what is wrong is left out, and that it is so is said.
    pub(crate) fn load_what_is_right(&self) -> Option<Settings> {
        if let Ok(loaded) = self.load() {
            return Some(loaded.settings);
        }
        eprintln!("kosmos: the settings are wrong: kosmos config check; what is wrong in them is left out here");
        config::load_what_is_right(&self.path, &environment::all(), &self.flags)
    }

    /// The folder that the settings say is home: there are the lock, the state and the control door. Settings that are
    /// wrong keep nobody from asking a supervisor that runs.
    pub(crate) fn home(&self) -> PathBuf {
        let settings = config::load_what_is_right(&self.path, &environment::all(), &self.flags);
        settings.map_or_else(|| self.path.clone(), |settings| settings.home)
    }
}

fn whole(home: &Path) -> Result<PathBuf, String> {
    let whole =
        std::path::absolute(home).map_err(|error| format!("find the home folder {}: {error}", home.display()))?;
    if whole.exists() && !whole.is_dir() {
        return Err(format!("find the home folder {}: it is a file; --home names a folder", whole.display()));
    }
    if !whole.is_dir() {
        return Err(format!("find the home folder {}: there is no such folder; --home names another", whole.display()));
    }
    // Links are followed once, so that all words speak of the same folder.
    Ok(std::fs::canonicalize(&whole).ok().filter(|_| cfg!(unix)).unwrap_or(whole))
}
