//! Where folders and files are found.

use super::*;
use std::path::PathBuf;

#[test]
fn files_that_kosmos_settings_name_lie_beside_them_where_the_home_is_elsewhere() {
    let folder = home(&[
        ("key.asc", "beside the settings"),
        ("eformidling-key.asc", "beside the settings"),
        ("kosmos-local.properties", "kosmos.integrasjonspunkt.home=ip\nkosmos.mail.ca_file=ca.pem\n"),
    ]);
    let ip = folder.path().join("ip");
    std::fs::create_dir(&ip).unwrap();
    std::fs::File::create(ip.join("ca.pem")).unwrap();
    let loaded = || load(folder.path(), &[], &[]).unwrap();
    assert_eq!(loaded().settings.home, ip);
    assert_eq!(loaded().settings.release.keys, [folder.path().join("eformidling-key.asc")], "KOSMOS' default");
    let shown = loaded();
    assert_eq!(value(&shown, "release.keys").0, folder.path().join("eformidling-key.asc").display().to_string());
    assert_eq!(value(&shown, "mail.ca_file").0, ip.join("ca.pem").display().to_string(), "not beside them");
    let named = b"kosmos.integrasjonspunkt.home=ip\nkosmos.verification.publicKeyPaths[0]=file:key.asc\n";
    write(&folder, "kosmos-local.properties", named);
    assert_eq!(loaded().settings.release.keys, [folder.path().join("key.asc")]);
    // Ours begin at the home folder, as the commented file says.
    write(&folder, "kosmos.toml", b"[release]\nkeys = [\"key.asc\"]\n");
    assert_eq!(loaded().settings.release.keys, [ip.join("key.asc")]);
    std::fs::remove_file(folder.path().join("kosmos.toml")).unwrap();
    std::fs::remove_file(folder.path().join("key.asc")).unwrap();
    assert_eq!(loaded().settings.release.keys, [ip.join("key.asc")], "else in the home folder");
}

#[test]
fn a_path_to_copy_is_the_same_however_it_is_written() {
    let all = toml("[backup]\npaths = [\"./messages\", \"messages\", \"a/./b/\", \"file:./c\"]");
    assert_eq!(all.settings.backup.paths, ["messages", "a/b", "c"].map(PathBuf::from));
    assert_eq!(value(&all, "backup.paths").0.split(", ").next(), Some("messages"));
}

#[cfg(unix)]
#[test]
fn what_is_reached_through_a_link_is_not_copied_and_a_link_is_told() {
    let folder = home(&[("kosmos.toml", "[backup]\npaths = [\"elsewhere/messages\"]")]);
    std::fs::create_dir(folder.path().join("true")).unwrap();
    std::os::unix::fs::symlink("true", folder.path().join("elsewhere")).unwrap();
    let said = problems_text(&load(folder.path(), &[], &[]).unwrap_err());
    assert!(said.contains("`elsewhere/messages` leads through elsewhere, which is a link"), "{said}");
    write(&folder, "kosmos.toml", b"[backup]\npaths = [\"elsewhere\"]");
    let said = problems_text(&crate::config::check_files(&load(folder.path(), &[], &[]).unwrap()));
    assert!(said.contains("warning: backup.paths: elsewhere is a link"), "{said}");
}

#[test]
fn a_folder_that_the_command_line_names_is_stronger_than_the_environment() {
    let folder = home(&[]);
    let other = tempfile::tempdir().unwrap();
    let elsewhere = other.path().display().to_string();
    let named = [("home".to_owned(), folder.path().display().to_string())];
    for name in ["KOSMOS_HOME", "KOSMOS_INTEGRASJONSPUNKT_HOME"] {
        let environment = pairs(&[(name, &elsewhere)]);
        let home_with = |flags| load(folder.path(), &environment, flags).unwrap().settings.home;
        assert_eq!(home_with(&[]), other.path());
        assert_eq!(home_with(&named), folder.path());
        let shown = load(folder.path(), &environment, &named).unwrap();
        assert_eq!(value(&shown, "home").1, "command line");
    }
    // What the files in that folder say counts, and may refer to the variable.
    let environment = pairs(&[("KOSMOS_HOME", &elsewhere)]);
    write(&folder, "kosmos-local.properties", b"kosmos.integrasjonspunkt.home=${KOSMOS_HOME}\n");
    assert_eq!(load(folder.path(), &environment, &named).unwrap().settings.home, other.path());
}

#[test]
fn of_a_native_integration_point_only_what_is_named_is_copied() {
    let native = toml("[child]\nkind = \"native\"");
    assert!(native.settings.backup.paths.is_empty(), "{:?}", native.settings.backup.paths);
    assert_eq!(value(&native, "backup.paths").1, "from child.kind");
    let named = toml("[child]\nkind = \"native\"\n[backup]\npaths = [\"messages\"]");
    assert_eq!(named.settings.backup.paths, ["messages"].map(PathBuf::from));
}
