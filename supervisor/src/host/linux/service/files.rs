//! The files of the service: what the packages have, for those who have no package, and what differs for another home.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::units::Unit;

/// The unit of the packages.
pub const UNIT: &str = include_str!("../../../../../packaging/systemd/kosmos.service");
/// The unit with a name.
pub const NAMED_UNIT: &str = include_str!("../../../../../packaging/systemd/kosmos@.service");
/// Its user.
pub const SYSUSERS: &str = include_str!("../../../../../packaging/systemd/kosmos.sysusers");
/// Its folders.
pub const TMPFILES: &str = include_str!("../../../../../packaging/systemd/kosmos.tmpfiles");
/// Where the program lies that the packages bring.
pub const PACKAGED: &str = "/usr/bin/kosmos";
/// Where it is put without a package.
pub const OWN: &str = "/usr/local/bin/kosmos";

/// What differs from the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs<'u> {
    /// The program.
    pub program: &'static str,
    /// The home folder.
    pub home: &'u Path,
    /// The user.
    pub user: &'u str,
    /// The unit of KOSMOS, whose environment the integration point has.
    pub kosmos: Option<&'u Unit>,
}

/// The name of a unit.
pub fn unit_name(name: Option<&str>) -> String {
    name.map_or_else(|| "kosmos.service".to_owned(), |name| format!("kosmos@{name}.service"))
}

/// The home folder that a unit has by itself.
pub fn home_of_unit(name: Option<&str>) -> PathBuf {
    PathBuf::from(name.map_or_else(|| "/var/lib/kosmos".to_owned(), |name| format!("/var/lib/kosmos-{name}")))
}

/// Where what differs is written.
pub fn beside(unit: &str) -> PathBuf {
    PathBuf::from(format!("/etc/systemd/system/{unit}.d/home.conf"))
}

/// What differs, in systemd's words. `Err`: a path that systemd could not read.
pub fn differing(differs: &Differs<'_>) -> Result<String, String> {
    let home =
        differs.home.to_str().filter(|home| !home.chars().any(|letter| letter.is_control() || "\"\\".contains(letter)));
    let home = home.ok_or_else(|| {
        format!("systemd cannot name the home folder {}: it has strange letters in it", differs.home.display())
    })?;
    // `%` begins a word of systemd's.
    let home = home.replace('%', "%%");
    let quoted = format!("\"{home}\"");
    let escaped = home.replace(' ', "\\x20");
    let program = differs.program;
    let mut text = format!(
        "# Written by `kosmos service install`; `kosmos service uninstall` removes it.\n\n[Unit]\nRequiresMountsFor={quoted}\n\
         ConditionPathExists=\nConditionPathExists={home}\n\n[Service]\n\
         ExecStart=\nExecStart={program} run --home {quoted}\n\
         ExecReload=\nExecReload={program} reload --home {quoted}\n\
         WorkingDirectory={home}\nUser={}\n",
        differs.user,
    );
    let group = differs.kosmos.map_or("", |unit| unit.says("Group"));
    let _ = writeln!(text, "Group={group}");
    let _ = writeln!(text, "StateDirectory=\nReadWritePaths={quoted}");
    if ["/home/", "/root/", "/run/user/"].iter().any(|hidden| home.starts_with(hidden)) {
        let _ = writeln!(
            text,
            "# Of the homes of people nothing is seen but this.\nProtectHome=tmpfs\nBindPaths={escaped}"
        );
    }
    if let Some(unit) = differs.kosmos {
        if !unit.says("Environment").is_empty() {
            let _ = writeln!(
                text,
                "# As {} has it.\nEnvironment={}",
                unit.name(),
                unit.says("Environment").replace('%', "%%")
            );
        }
        for line in unit.says("EnvironmentFiles").lines() {
            let (file, optional) = line.rsplit_once(" (ignore_errors=").unwrap_or((line, "no)"));
            let _ = writeln!(text, "EnvironmentFile={}{file}", if optional == "yes)" { "-" } else { "" });
        }
    }
    Ok(text)
}

/// A packaged file, for a program that lies elsewhere.
pub fn for_own_program(unit: &str) -> String {
    unit.replace(&format!("={PACKAGED} "), &format!("={OWN} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_with_a_name_is_the_other_one_but_for_its_folders() {
        let unlike = |text: &str, name: &str| {
            let body = text.split_once("\n\n").unwrap().1.to_owned();
            body.replace(&format!("/kosmos{name}"), "/kosmos")
                .replace(&format!("Directory=kosmos{name}\n"), "Directory=kosmos\n")
        };
        assert_eq!(unlike(NAMED_UNIT, "-%i").replace(" (%i)\n", "\n"), unlike(UNIT, ""));
        assert!(NAMED_UNIT.contains("run --home /var/lib/kosmos-%i\n"));
    }

    #[test]
    fn without_a_package_the_unit_starts_the_program_that_was_put_there() {
        let unit = for_own_program(UNIT);
        assert!(
            unit.contains("ExecStart=/usr/local/bin/kosmos run")
                && unit.contains("ExecReload=/usr/local/bin/kosmos reload")
        );
        assert!(!unit.contains(PACKAGED));
    }

    #[test]
    fn a_path_that_systemd_cannot_read_is_refused() {
        let differs = |home| Differs { program: OWN, home: Path::new(home), user: "ip", kosmos: None };
        assert!(differing(&differs("/opt/a\"b")).is_err());
        let text = differing(&differs("/home/per/mitt punkt 100%")).unwrap();
        assert!(text.contains("--home \"/home/per/mitt punkt 100%%\"\n"), "{text}");
        assert!(text.contains("BindPaths=/home/per/mitt\\x20punkt\\x20100%%\n"), "{text}");
    }
}
