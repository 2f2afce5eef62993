//! The words that look at what is on disk, or change a small thing there: verify, schedule, history, hold.

use efm::clock::Clock;
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::args::{Hold, Verify};
use super::exit::Exit;
use super::settings_folder::SettingsFolder;
use super::{complain, house};
use crate::config::Settings;
use crate::duty::hold;
use crate::notice::{self, History};
use crate::ports::state_folder;
use crate::release::inspect::{self, InspectError};
use crate::release::openpgp::{KeyError, Keyring, Policy};
use crate::schedule;

/// `kosmos verify`
pub fn verify(folder: &SettingsFolder, wanted: &Verify) -> Exit {
    let (paths, fingerprints, policy) = if wanted.key.is_empty() {
        let Some(loaded) = folder.load_or_complain() else { return Exit::Settings };
        let rules = loaded.settings.release;
        let pinned = if wanted.fingerprint.is_empty() { rules.fingerprints } else { wanted.fingerprint.clone() };
        (rules.keys, pinned, Policy { accept_expired_key: rules.accept_expired_key })
    } else {
        (wanted.key.clone(), wanted.fingerprint.clone(), Policy { accept_expired_key: false })
    };
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read(&path) {
            Ok(bytes) => files.push((path.display().to_string(), bytes)),
            Err(error) => {
                let right = "put the publisher's certificate there, or name it with --key or in release.keys";
                eprintln!("kosmos: read key {}: {error}; {right}", path.display());
                return Exit::Failed;
            }
        }
    }
    let keyring = match Keyring::read(&files, &fingerprints) {
        Ok(keyring) => keyring,
        Err(error) => {
            complain(&error);
            let is_mistyped = matches!(error, KeyError::NotAFingerprint { .. });
            return if is_mistyped { Exit::Usage } else { Exit::RefusedByVerification };
        }
    };
    let now = Clock::machine().now();
    match inspect::inspect(&wanted.file, wanted.signature.as_deref(), &[], &keyring, &policy, now) {
        Ok(report) => {
            println!("{report}");
            Exit::Done
        }
        Err(error) => {
            complain(&error);
            match error {
                // What could not be read was not judged.
                InspectError::Read { .. } => Exit::Failed,
                InspectError::NoSignature { .. } | InspectError::Refused { .. } | InspectError::Archive { .. } => {
                    Exit::RefusedByVerification
                }
            }
        }
    }
}

/// `kosmos schedule`
pub fn schedule(settings: &Settings) -> Exit {
    println!("{}", schedule::table(&settings.schedule, &house::site(settings), Clock::machine().now()));
    Exit::Done
}

/// `kosmos history`
pub fn history(settings: &Settings, json: bool, last: usize) -> Exit {
    match History::of(&state_folder(&settings.home)).read(last) {
        Ok(rows) if json => {
            for row in rows {
                match serde_json::to_string(&row) {
                    Ok(text) => println!("{text}"),
                    Err(error) => complain(&error),
                }
            }
            Exit::Done
        }
        Ok(rows) => {
            println!("{}", notice::table(&rows, &settings.schedule.timezone));
            Exit::Done
        }
        Err(error) => {
            complain(&error);
            Exit::Failed
        }
    }
}

/// `kosmos hold`
pub fn hold(settings: &Settings, wanted: &Hold) -> Exit {
    let state = state_folder(&settings.home);
    let now = Clock::machine().now();
    let done = if wanted.end {
        hold::end(&state).map(|()| "the hold is over".to_owned())
    } else {
        let until = match wanted.until.as_deref().map(|text| moment(text, settings, now)).transpose() {
            Ok(until) => until,
            Err(why) => {
                eprintln!("kosmos: {why}");
                return Exit::Usage;
            }
        };
        let hold = hold::Hold { until, reason: wanted.reason.clone(), since: now };
        hold::begin(&state, &hold).map(|()| format!("nothing is installed{}: {}", hold.until_text(), hold.reason))
    };
    match done {
        Ok(text) => {
            println!("{text}");
            Exit::Done
        }
        Err(error) => {
            eprintln!("kosmos: write {}: {error}", hold::file(&state).display());
            Exit::Failed
        }
    }
}

/// A day (to its beginning), a local time, or a duration from now.
fn moment(text: &str, settings: &Settings, now: Timestamp) -> Result<Timestamp, String> {
    let zone = settings.schedule.timezone.clone();
    let local = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(|day| day.at(0, 0, 0, 0)));
    let moment = match local {
        Some(local) => local.to_zoned(zone).ok().map(|zoned| zoned.timestamp()),
        None => text.parse::<SignedDuration>().ok().and_then(|length| now.checked_add(length).ok()),
    };
    match moment {
        Some(moment) if moment > now => Ok(moment),
        Some(moment) => Err(format!("read --until {text:?}: {moment} has passed")),
        None => Err(format!("read --until {text:?}: it must be like 2026-12-31, 2026-12-31T18:00 or 48h")),
    }
}
