//! What the disk says about the settings: files that are named and not there, and files that others may write to.

use super::Loaded;
use super::files::{self, FileRead, WhoMayWrite};
use super::problem::{Place, Problem, wrong};
use std::path::{Path, PathBuf};

/// Warns of settings, keys and folders that every user of the machine may write to: who can, decides what runs here.
pub fn check_access(loaded: &Loaded, who: WhoMayWrite) -> Vec<Problem> {
    let settings = &loaded.settings;
    let folders = loaded.files.iter().filter_map(|file| file.parent());
    let named = settings.release.keys.iter().chain(&settings.network.way.ca_file);
    let mut paths: Vec<&Path> = loaded.files.iter().map(PathBuf::as_path).collect();
    paths.extend(folders.chain([settings.home.as_path()]));
    paths.extend(named.map(PathBuf::as_path));
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().filter_map(|path| files::writable_by_others(path, who)).collect()
}

/// Tells which files that the settings name cannot be read. Apart from loading, because a missing key must stop an
/// upgrade, and must not stop what is installed from being started.
pub fn check_files(loaded: &Loaded) -> Vec<Problem> {
    let settings = &loaded.settings;
    let place = |name: &str| {
        let found = loaded.origins.iter().find(|one| one.name == name);
        found.map_or(Place::Default, |one| one.place.clone())
    };
    let mut problems = Vec::new();
    let keys = settings.release.keys.iter().map(|path| ("release.keys", path));
    let network = settings.network.way.ca_file.iter().map(|path| ("network.ca_file", path));
    let mail = settings.mail.iter().filter_map(|mail| mail.ca_file.as_ref()).map(|path| ("mail.ca_file", path));
    for (name, path) in keys.chain(network).chain(mail) {
        let right = match name {
            "release.keys" => "a file with an OpenPGP certificate (Digdir's is published with the integration point)",
            _ => "a PEM file with certificates",
        };
        match files::read(path) {
            FileRead::Bytes(bytes) if !bytes.is_empty() => {}
            FileRead::Bytes(_) => {
                problems.push(wrong(format!("{} is empty", path.display()), right).at(place(name), name));
            }
            FileRead::Absent => {
                problems.push(wrong(format!("{} is not there", path.display()), right).at(place(name), name));
            }
            FileRead::Unreadable(why) => {
                problems.push(wrong(format!("{}: {}", path.display(), why.wrong), right).at(place(name), name));
            }
        }
    }
    for path in settings.backup.paths.iter().filter(|path| settings.home.join(path).is_symlink()) {
        let what = format!("{} is a link: the link is copied, and not what it leads to", path.display());
        let right = "the data itself in the home folder, or a copy made by other means";
        problems.push(wrong(what, right).warn_at(place("backup.paths"), "backup.paths"));
    }
    if let Some(folder) = settings.notice.metrics.as_ref().and_then(|file| file.parent()).filter(|it| !it.is_dir()) {
        // It is for those who watch; nothing else waits for it.
        let what = wrong(format!("{} is not there", folder.display()), "a folder that this program may write to");
        problems.push(what.warn_at(place("notice.metrics"), "notice.metrics"));
    }
    if let Some(java) = settings.child.java.as_ref().filter(|java| !java.exists()) {
        let what = wrong(format!("{} is not there", java.display()), "a program `java`, or the folder of a JVM");
        problems.push(what.at(place("child.java"), "child.java"));
    }
    if let super::settings::Source::Directory { folder, .. } = &settings.release.source
        && !folder.is_dir()
    {
        // A share may come back; it is odd, not wrong.
        let what = wrong(format!("{} is not there", folder.display()), "a folder that this program may read");
        problems.push(what.warn_at(place("release.source"), "release.source"));
    }
    problems
}
