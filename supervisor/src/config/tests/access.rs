//! What the disk says.

use super::*;
#[cfg(unix)]
use crate::config::check_access;
use crate::config::check_files;

/// What `host` says on Linux.
#[cfg(unix)]
fn by_mode(path: &std::path::Path) -> Vec<&'static str> {
    use std::os::unix::fs::PermissionsExt;
    let may = path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0);
    if may { vec!["every user of this machine"] } else { Vec::new() }
}

#[cfg(unix)]
#[test]
fn k_32_a_settings_file_that_others_may_write_to_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = home(&[("kosmos.toml", "[child]\nprofile = \"dev\""), ("kosmos-local.properties", "")]);
    let set = |name: &str, mode| {
        std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set("kosmos.toml", 0o644);
    let loaded = load(folder.path(), &[], &[]).unwrap();
    assert_eq!(check_access(&loaded, by_mode), []);
    set("kosmos.toml", 0o666);
    insta::assert_snapshot!(plain(&problems_text(&check_access(&loaded, by_mode)), folder.path()), @r##"
HOME/kosmos.toml: warning: every user of this machine may write to it, and so decide what runs here
    right: chmod o-w HOME/kosmos.toml
"##);
    set("", 0o777);
    assert_eq!(check_access(&loaded, by_mode).len(), 2);
}

#[test]
fn k_43_files_that_are_named_and_not_there_are_told_with_their_line() {
    let text = "[release]\nkeys = [\"there.asc\", \"empty.asc\",\n  \"absent.asc\"]\n[network]\nca_file = \"ca.pem\"\n\
                [child]\nprofile = \"dev\"\njava = \"none/java\"";
    let folder = home(&[("kosmos.toml", text), ("there.asc", "x"), ("empty.asc", "")]);
    let loaded = load(folder.path(), &[], &[]).unwrap();
    insta::assert_snapshot!(plain(&problems_text(&check_files(&loaded)), folder.path()), @r##"
kosmos.toml:2: release.keys: HOME/empty.asc is empty
    right: a file with an OpenPGP certificate (Digdir's is published with the integration point)
kosmos.toml:2: release.keys: HOME/absent.asc is not there
    right: a file with an OpenPGP certificate (Digdir's is published with the integration point)
kosmos.toml:5: network.ca_file: HOME/ca.pem is not there
    right: a PEM file with certificates
kosmos.toml:8: child.java: HOME/none/java is not there
    right: a program `java`, or the folder of a JVM
"##);
}
