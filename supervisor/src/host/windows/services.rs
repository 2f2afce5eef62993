//! What only the supervisor does with Windows' services: those of other programs, the source of its events, its rights in
//! the home folder. The service itself is put into the list by `efm::service::control`.

#![deny(unsafe_code)]

use std::io;
use std::path::Path;
use std::time::Duration;

use efm::service::control::{self, Wrong, not_there};
use efm::service::{Put, sid_of};
use windows_service::service::ServiceAccess;

use super::registry;
use crate::host::scm::winsw::Registered;
use crate::host::scm::{self, sddl};

/// A service of another program that does not end within this is not ended by asking.
const OTHERS_PATIENCE: Duration = Duration::from_mins(1);

/// All services that the registry knows.
///
/// # Errors
/// It cannot be read.
pub fn all() -> io::Result<Vec<Registered>> {
    registry::services()
}

/// Puts the service into the list, and the source of its events beside it. Gives what was refused beside the service.
///
/// # Errors
/// The service itself could not be made.
pub fn put(what: &Put) -> io::Result<Vec<Wrong>> {
    let mut wrongs = control::put(what)?;
    if let Err(why) = registry::add_source(scm::NAME) {
        wrongs.push(Wrong { what: "name the source of its events", why });
    }
    Ok(wrongs)
}

/// Takes it out of the list; one that is not there is no error.
///
/// # Errors
/// We may not.
pub fn remove(name: &str) -> io::Result<()> {
    control::remove(name)?;
    let others = all()?.iter().any(|it| it.name != name && scm::ours(&it.command_line).is_some());
    if others { Ok(()) } else { registry::remove_source(scm::NAME) }
}

/// Keeps a service of another program from being started, now and with the machine. It stays in the list.
///
/// # Errors
/// We may not.
pub fn disable(name: &str) -> io::Result<()> {
    let service = control::open(name, ServiceAccess::CHANGE_CONFIG)?.ok_or_else(|| not_there(name))?;
    super::disable_service(&service)
}

/// Asks a service of another program to end.
///
/// # Errors
/// We may not, or it does not.
pub async fn stop_other(name: &str) -> io::Result<()> {
    control::stop(name, OTHERS_PATIENCE).await
}

/// Lets the service into the home folder, and keeps ordinary users out of the folder of our state in it.
pub fn set_rights(home: &Path, state: &Path, service: &str) -> Vec<Wrong> {
    let sid = sid_of(service);
    let mut wrongs = Vec::new();
    let let_in = super::access_list(home).and_then(|list| match sddl::with_modify(&list, &sid) {
        Some(list) => super::set_access_list(home, &list, list.starts_with("D:P")),
        None => Ok(()),
    });
    wrongs.extend(let_in.err().map(|why| Wrong { what: "let the service write to the home folder", why }));
    let shut = super::set_access_list(state, &sddl::of_our_folder(Some(&sid)), true);
    wrongs.extend(shut.err().map(|why| Wrong { what: "keep ordinary users out of our folder", why }));
    wrongs
}
