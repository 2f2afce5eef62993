//! The settings as they are set, or the last good ones where those are wrong: [`settle`]. Words that only look, or write a
//! small thing down, must work above all when something is wrong: they take what is right of the settings where no good
//! ones were ever kept: [`to_look`]. The file is kept by the supervisor that has the home folder.

use std::io;
use std::path::{Path, PathBuf};

use super::house;
use super::settings_folder::SettingsFolder;
use crate::config::{self, LastGood, Loaded, Problem, Settings};
use crate::ports::state_folder;

/// What there is to go on with.
pub(super) enum Settled {
    /// What is set, and it is right.
    Right(Box<Loaded>),
    /// What is set is wrong; these were the last good ones.
    LastGood(Box<Settings>, Vec<Problem>),
}

impl Settled {
    /// What is gone by.
    pub(super) fn settings(&self) -> &Settings {
        match self {
            Self::Right(loaded) => &loaded.settings,
            Self::LastGood(settings, _) => settings,
        }
    }
}

/// What there is to go on with; if nothing, all that is wrong.
pub(super) fn settle(folder: &SettingsFolder) -> Result<Settled, Vec<Problem>> {
    match folder.load() {
        Ok(loaded) => Ok(Settled::Right(Box::new(loaded))),
        Err(problems) => match last_good(folder) {
            Some(settings) => Ok(Settled::LastGood(Box::new(settings), problems)),
            None => Err(problems),
        },
    }
}

/// For words that must work while the settings are wrong.
#[derive(Debug)]
pub(super) struct ToLook {
    /// What there is to go by.
    pub(super) settings: Settings,
    /// None: they are what is set.
    pub(super) wrong: Option<Wrong>,
}

/// What is wrong with the settings that are set.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    /// All of it.
    pub(super) text: String,
    /// Whether there are last good ones for a supervisor to go by.
    pub(super) has_last_good: bool,
}

/// The settings to look with: those that are set, else the last good ones, else what is right of those that are set.
///
/// # Errors
/// There is no such folder.
pub(super) fn to_look(folder: &SettingsFolder) -> Result<ToLook, Vec<Problem>> {
    let (settings, problems, has_last_good) = match settle(folder) {
        Ok(Settled::Right(loaded)) => return Ok(ToLook { settings: loaded.settings, wrong: None }),
        Ok(Settled::LastGood(settings, problems)) => (*settings, problems, true),
        Err(problems) => match folder.what_is_right() {
            Some(settings) => (settings, problems, false),
            None => return Err(problems),
        },
    };
    let wrong = Wrong { text: config::problems_text(&problems), has_last_good };
    Ok(ToLook { settings, wrong: Some(wrong) })
}

/// As [`to_look`], and says on stderr that the settings are wrong and what is gone by instead.
pub(super) fn to_look_or_complain(folder: &SettingsFolder) -> Option<ToLook> {
    let to_look = to_look(folder).map_err(|problems| super::complain_of(&problems)).ok()?;
    if let Some(wrong) = &to_look.wrong {
        let instead = if wrong.has_last_good {
            "the last good ones count here"
        } else {
            "what is wrong in them is left out here"
        };
        eprintln!("kosmos: the settings are wrong: kosmos config check; {instead}");
    }
    Some(to_look)
}

/// The folder that the settings say is home: there are the lock, the state and the control door. Settings that are wrong
/// keep nobody from asking a supervisor that runs.
pub(super) fn home(folder: &SettingsFolder) -> PathBuf {
    to_look(folder).map_or_else(|_| folder.path().to_owned(), |to_look| to_look.settings.home)
}

fn last_good(folder: &SettingsFolder) -> Option<Settings> {
    folder.perhaps_home().into_iter().find_map(|home| {
        let path = file(&home);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                eprintln!("kosmos: read {}: {error}", path.display());
                return None;
            }
        };
        let settings = LastGood::read(&text).map_err(|why| eprintln!("kosmos: read {}: {why}", path.display())).ok()?;
        // Those of another home are not ours.
        settings.settings(folder.path()).filter(|settings| settings.home == home)
    })
}

/// Keeps what was just found right, for a supervisor that finds it wrong. Failing to is told; nothing depends on it now.
pub(super) fn remember(loaded: &Loaded) {
    let path = file(&loaded.settings.home);
    let written = loaded.last_good.to_text().map_err(io::Error::from).and_then(|text| {
        if std::fs::read(&path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        efm::owner::make_folders(&state_folder(&loaded.settings.home))?;
        efm::atomic::replace_private(&path, &text)
    });
    if let Err(error) = written {
        tracing::warn!(path = %path.display(), %error, "cannot keep the settings");
    }
}

fn file(home: &Path) -> PathBuf {
    state_folder(home).join(house::LAST_GOOD)
}
