//! The folder of the settings, and how a word loads them strictly. Words that can do with less have
//! [`settled`](super::settled).

use std::path::{Path, PathBuf};

use crate::child::environment;
use crate::config::{self, Loaded, Problem, Settings};

/// Where the settings lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingsFolder {
    path: PathBuf,
    /// What the command line says about settings.
    flags: Vec<(String, String)>,
}

impl SettingsFolder {
    /// A folder that `--home` names, or one of several: no environment variable moves it, and least of all several to
    /// the same place.
    pub(crate) fn named(path: PathBuf) -> Self {
        let flags = vec![("home".to_owned(), path.display().to_string())];
        Self { path, flags }
    }

    /// The folder that is meant where none is named.
    pub(crate) fn unnamed(path: PathBuf) -> Self {
        Self { path, flags: Vec::new() }
    }

    /// Where the settings lie.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
        self.load().map_err(|problems| super::complain_of(&problems)).ok()
    }

    /// What is right of them; what is wrong is left out. None: there is no such folder.
    pub(super) fn what_is_right(&self) -> Option<Settings> {
        config::load_what_is_right(&self.path, &environment::all(), &self.flags)
    }

    /// Where the state may lie when the settings are wrong.
    pub(super) fn perhaps_home(&self) -> Vec<PathBuf> {
        config::perhaps_home(&self.path, &environment::all(), &self.flags)
    }
}
