//! The settings as they are set, or the last good ones where those are wrong. Only `run` and `status` can do with the
//! latter; the file is kept by the supervisor that has the home folder.

use std::io;
use std::path::{Path, PathBuf};

use super::house;
use crate::child::environment;
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
pub(super) fn settle(folder: &Path) -> Result<Settled, Vec<Problem>> {
    match config::load(folder, &environment::all(), &[]) {
        Ok(loaded) => Ok(Settled::Right(Box::new(loaded))),
        Err(problems) => match last_good(folder) {
            Some(settings) => Ok(Settled::LastGood(Box::new(settings), problems)),
            None => Err(problems),
        },
    }
}

fn last_good(folder: &Path) -> Option<Settings> {
    config::perhaps_home(folder, &environment::all()).into_iter().find_map(|home| {
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
        settings.settings(folder).filter(|settings| settings.home == home)
    })
}

/// Keeps what was just found right, for a supervisor that finds it wrong. Failing to is told; nothing depends on it now.
pub(super) fn remember(loaded: &Loaded) {
    let path = file(&loaded.settings.home);
    let written = loaded.last_good.to_text().map_err(io::Error::from).and_then(|text| {
        if std::fs::read(&path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        std::fs::create_dir_all(state_folder(&loaded.settings.home))?;
        efm::atomic::replace_private(&path, &text)
    });
    if let Err(error) = written {
        tracing::warn!(path = %path.display(), %error, "cannot keep the settings");
    }
}

fn file(home: &Path) -> PathBuf {
    state_folder(home).join(house::LAST_GOOD)
}
