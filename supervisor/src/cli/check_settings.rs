//! `kosmos config check`: all errors at once, of one home or of all homes of a host.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use crate::child::environment;
use crate::config::{self, Problem, Severity};

/// Of one home.
pub fn of(home: &Path) -> Exit {
    let problems = problems_of(home);
    if problems.is_empty() {
        println!("the settings are good");
    } else {
        print!("{}", config::problems_text(&problems));
    }
    exit(&problems)
}

/// Of several homes, and of the host folders among what was named.
pub fn of_several(named: &[PathBuf], homes: &[PathBuf]) -> Exit {
    let here = [PathBuf::from(".")];
    let named = if named.is_empty() { &here } else { named };
    let hosts: Vec<Problem> = named.iter().flat_map(|folder| problems_of_host(folder)).collect();
    print!("{}", config::problems_text(&hosts));
    let exits = homes.iter().map(|home| {
        println!("{}:", home.display());
        of(home)
    });
    let exits: Vec<Exit> = exits.collect();
    Exit::worst(exits.into_iter().chain([exit(&hosts)]))
}

fn problems_of(home: &Path) -> Vec<Problem> {
    match config::load(home, &environment::all(), &[]) {
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
fn problems_of_host(folder: &Path) -> Vec<Problem> {
    let loaded = config::load(folder, &environment::all(), &[]).ok();
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let host = loaded.filter(|loaded| loaded.settings.names_other_homes(&folder));
    host.map_or_else(Vec::new, |host| host.warnings)
}

fn exit(problems: &[Problem]) -> Exit {
    if problems.iter().any(|problem| problem.severity == Severity::Error) { Exit::Settings } else { Exit::Done }
}
