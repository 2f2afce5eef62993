//! `kosmos config check`: all errors at once, of one home or of all homes of a host.

use std::path::{self, PathBuf};

use super::exit::Exit;
use super::homes;
use super::settings_folder::SettingsFolder;
use crate::config::{self, Problem, Severity};

/// Of one home.
pub(super) fn of(home: &SettingsFolder) -> Exit {
    let problems = problems_of(home);
    if problems.is_empty() {
        println!("the settings are good");
    } else {
        print!("{}", config::problems_text(&problems));
    }
    exit(&problems)
}

/// Of several homes, and of the host folders among what was named.
pub(super) fn of_several(named: &[PathBuf], homes: &[SettingsFolder]) -> Exit {
    let named: Vec<_> = match named {
        [] => vec![SettingsFolder::unnamed(homes::where_none_is_named())],
        named => named.iter().map(|folder| SettingsFolder::named(folder.clone())).collect(),
    };
    let hosts: Vec<Problem> = named.iter().flat_map(problems_of_host).collect();
    print!("{}", config::problems_text(&hosts));
    let exits = homes.iter().map(|home| {
        println!("{}:", home.path().display());
        of(home)
    });
    let exits: Vec<Exit> = exits.collect();
    Exit::worst(exits.into_iter().chain([exit(&hosts)]))
}

fn problems_of(home: &SettingsFolder) -> Vec<Problem> {
    match home.load() {
        Ok(loaded) => {
            let mut problems = loaded.warnings.clone();
            problems.extend(config::check_files(&loaded));
            problems.extend(config::check_access(&loaded, crate::host::system::ordinary_writers));
            problems
        }
        Err(problems) => problems,
    }
}

/// What is said in a host folder: nothing that is about a home, since it is none.
fn problems_of_host(folder: &SettingsFolder) -> Vec<Problem> {
    let loaded = folder.load().ok();
    let folder = path::absolute(folder.path()).unwrap_or_else(|_| folder.path().to_owned());
    let host = loaded.filter(|loaded| loaded.settings.names_other_homes(&folder));
    host.map_or_else(Vec::new, |host| host.warnings)
}

fn exit(problems: &[Problem]) -> Exit {
    if problems.iter().any(|problem| problem.severity == Severity::Error) { Exit::Settings } else { Exit::Done }
}
