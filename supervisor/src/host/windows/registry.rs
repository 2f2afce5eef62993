//! What the registry knows: JVMs, services, and the source of our events.

#![deny(unsafe_code)]

use std::io;
use std::path::PathBuf;

use windows_registry::{Key, LOCAL_MACHINE};

use crate::host::scm::winsw::Registered;

/// Keys of one level that are looked at: drivers are services too.
const ENTRIES: usize = 5000;
/// Below which all services lie.
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";
/// Below which our events' source lies.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
/// The system's own table of messages: numbers 1 to 1000, each of which is the text alone.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Errors, warnings, information.
const KINDS: u32 = 7;

fn names(key: &Key) -> Vec<String> {
    key.keys().map(|names| names.take(ENTRIES).collect()).unwrap_or_default()
}

/// Homes of JVMs that their installers wrote into the registry: Oracle and most others, Eclipse Adoptium, Microsoft.
pub fn registered_javas() -> Vec<PathBuf> {
    // Vendor's key, what lies between the version and the value, and the value.
    const PLACES: [(&str, &str, &str); 7] = [
        ("SOFTWARE\\JavaSoft\\JDK", "", "JavaHome"),
        ("SOFTWARE\\JavaSoft\\JRE", "", "JavaHome"),
        ("SOFTWARE\\JavaSoft\\Java Runtime Environment", "", "JavaHome"),
        ("SOFTWARE\\Eclipse Adoptium\\JDK", "\\hotspot\\MSI", "Path"),
        ("SOFTWARE\\Eclipse Adoptium\\JRE", "\\hotspot\\MSI", "Path"),
        ("SOFTWARE\\Microsoft\\JDK", "\\hotspot\\MSI", "Path"),
        ("SOFTWARE\\Azul Systems\\Zulu", "", "InstallationPath"),
    ];
    let mut homes = Vec::new();
    for (vendor, below, value) in PLACES {
        let Ok(vendor) = LOCAL_MACHINE.open(vendor) else { continue };
        // The highest version first.
        let mut versions = names(&vendor);
        versions.sort_unstable_by(|one, other| other.cmp(one));
        let home = |version: &String| vendor.open(format!("{version}{below}")).ok()?.get_string(value).ok();
        homes.extend(versions.iter().filter_map(home).map(PathBuf::from));
    }
    homes
}

/// All services with a program of their own.
///
/// # Errors
/// The list cannot be read.
pub(super) fn services() -> io::Result<Vec<Registered>> {
    let all = LOCAL_MACHINE.open(SERVICES).map_err(said)?;
    let service = |name: String| {
        let command_line = all.open(&name).ok()?.get_string("ImagePath").ok()?;
        Some(Registered { name, command_line })
    };
    Ok(names(&all).into_iter().filter_map(service).collect())
}

/// Makes the viewer show our events' text alone.
///
/// # Errors
/// We may not.
pub(super) fn add_source(name: &str) -> io::Result<()> {
    let key = LOCAL_MACHINE.create(format!(r"{SOURCES}\{name}")).map_err(said)?;
    key.set_expand_string("EventMessageFile", MESSAGES).map_err(said)?;
    key.set_u32("TypesSupported", KINDS).map_err(said)
}

/// Takes it back. Events that were written stay.
///
/// # Errors
/// We may not; a source that is not there is no error.
pub(super) fn remove_source(name: &str) -> io::Result<()> {
    let sources = LOCAL_MACHINE.options().read().write().open(SOURCES).map_err(said)?;
    if sources.open(name).is_err() {
        return Ok(());
    }
    sources.remove_tree(name).map_err(said)
}

/// The crate's errors hold a Windows error inside another number; ours are told by the number itself.
fn said(error: impl Into<io::Error>) -> io::Error {
    const OF_WINDOWS: i32 = 0x8007;
    let error = error.into();
    match error.raw_os_error() {
        Some(code) if (code >> 16) & 0xFFFF == OF_WINDOWS => io::Error::from_raw_os_error(code & 0xFFFF),
        _ => error,
    }
}
