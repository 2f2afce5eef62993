//! Throws away what nobody needs. What is needed is computed from what exists, at the moment of throwing away.
//!
//! Start at [`tidy`]. When the pointer or the trial cannot be read, nothing at all is thrown away: it is not known what
//! is needed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::Core;
use super::backup;
use super::disk::{failed, is_unfinished, names_in, what_lies_at};
use super::kosmos_home;
use super::put_back;
use super::state;
use super::versions;
use crate::ports::{BackupId, Keep, Trial, VaultError};
use crate::release::Sha256;

/// What is fetched and not asked for again is kept for so long.
const STAGING_KEPT: Duration = Duration::from_hours(7 * 24);
/// Folders in the state that others write small files in: the list that was looked at last, mail that waits.
const OF_OTHERS: [&str; 2] = ["look", "outbox"];
/// A file that this very process is writing is no older than this.
const WRITING: Duration = Duration::from_hours(1);

pub(super) fn tidy(core: &Core, keep: &Keep) -> Result<(), VaultError> {
    let trial = state::trial(core)?;
    let mut needed: BTreeSet<Sha256> = keep.versions.iter().copied().collect();
    needed.extend(state::pointer(core)?.map(|pointer| pointer.sha256));
    needed.extend(state::previous(core)?.map(|previous| previous.sha256));
    if let Some(trial) = &trial {
        needed.insert(trial.to.sha256);
        needed.extend(trial.from.as_ref().map(|from| from.sha256));
    }
    tidy_versions(core, &needed)?;
    tidy_backups(core, trial.as_ref())?;
    tidy_staging(core, trial.as_ref())?;
    sweep(core, &core.state, |_| true)?;
    for folder in OF_OTHERS {
        sweep(core, &core.state.join(folder), |_| true)?;
    }
    sweep(core, &core.plan.home, |name| name.starts_with(kosmos_home::BEGINS))
}

fn tidy_versions(core: &Core, needed: &BTreeSet<Sha256>) -> Result<(), VaultError> {
    let whole: BTreeSet<Sha256> = versions::all_stored(core)?.into_iter().map(|stored| stored.sha256).collect();
    for folder in names_in(&core.versions())? {
        let is_folder = what_lies_at(&folder)?.is_some_and(|metadata| metadata.is_dir());
        // Even what is not whole stays when it may be what is needed and nothing else is.
        let may_be_needed = needed
            .iter()
            .any(|sha256| versions::may_hold(&folder, sha256) && !(is_unfinished(&folder) && whole.contains(sha256)));
        if is_folder && may_be_needed {
            sweep(core, &folder, |_| true)?;
        } else if is_folder {
            tracing::info!(path = %folder.display(), "version removed");
            core.disk.remove_tree(&folder)?;
        }
    }
    Ok(())
}

fn tidy_backups(core: &Core, trial: Option<&Trial>) -> Result<(), VaultError> {
    let mut complete = Vec::new();
    for folder in names_in(&core.backups())? {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        let is_in_use = trial.is_some_and(|trial| trial.id == name || trial.backup == Some(BackupId(name.into())));
        if is_unfinished(&folder) {
            core.disk.remove_tree(&folder)?;
        }
        if is_in_use || is_unfinished(&folder) {
            continue;
        }
        match (backup::read_manifest(&folder), put_back::is_half_done(&folder)) {
            (Ok(Some(manifest)), Ok(false)) => {
                sweep(core, &folder, |_| true)?;
                complete.push((manifest.made, folder));
            }
            // Half a copy. What was set aside is never half: it is somebody's data.
            (Ok(None), Ok(false)) if !holds_what_was_set_aside(&folder)? => core.disk.remove_tree(&folder)?,
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) => {
                let error = efm::chain::Chain(&error).to_string();
                tracing::warn!(path = %folder.display(), error, "copy cannot be read; left alone");
            }
        }
    }
    complete.sort();
    let keep = usize::try_from(core.plan.backup.keep).unwrap_or(usize::MAX);
    for (_, folder) in complete.iter().rev().skip(keep) {
        tracing::info!(path = %folder.display(), "copy removed");
        core.disk.remove_tree(folder)?;
    }
    Ok(())
}

fn tidy_staging(core: &Core, trial: Option<&Trial>) -> Result<(), VaultError> {
    for folder in names_in(&core.staging())? {
        let Some(metadata) = what_lies_at(&folder)? else { continue };
        if is_unfinished(&folder) {
            core.disk.remove_tree(&folder)?;
            continue;
        }
        let on_trial =
            trial.is_some_and(|trial| folder.file_name().is_some_and(|name| *name == *trial.to.tag.as_str()));
        if !metadata.is_dir() || on_trial {
            continue;
        }
        sweep(core, &folder, |_| true)?;
        let mut is_old = is_older(core, &folder, STAGING_KEPT)?;
        for file in names_in(&folder)? {
            is_old = is_old && is_older(core, &file, STAGING_KEPT)?;
        }
        if is_old {
            tracing::info!(path = %folder.display(), "old download removed");
            core.disk.remove_tree(&folder)?;
        }
    }
    Ok(())
}

/// Removes what is unfinished in a folder, but not what this process may be writing.
fn sweep(core: &Core, folder: &Path, is_ours: impl Fn(&str) -> bool) -> Result<(), VaultError> {
    let own = format!(".{}-", std::process::id());
    for path in names_in(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let may_be_written = name.contains(&own) && !is_older(core, &path, WRITING)?;
        if is_unfinished(&path) && is_ours(&name) && !may_be_written {
            core.disk.remove_tree(&path)?;
        }
    }
    Ok(())
}

fn holds_what_was_set_aside(folder: &Path) -> Result<bool, VaultError> {
    let is_aside = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("set-aside-");
    Ok(names_in(folder)?.iter().any(|path| path.file_name().is_some_and(is_aside) && !is_unfinished(path)))
}

/// A time that cannot be told, or lies ahead, is young.
fn is_older(core: &Core, path: &Path, than: Duration) -> Result<bool, VaultError> {
    let Some(metadata) = what_lies_at(path)? else { return Ok(false) };
    let modified = metadata.modified().map_err(failed("look at", path))?;
    let Ok(modified) = jiff::Timestamp::try_from(modified) else { return Ok(false) };
    let age = core.clock.now().duration_since(modified);
    Ok(Duration::try_from(age).is_ok_and(|age| age > than))
}
