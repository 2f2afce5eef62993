//! What systemd says of its units, and which of them is a KOSMOS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::service::is_kosmos_jar;

/// What is asked of each unit.
pub const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,MainPID,StatusText,KillMode,\
                              WorkingDirectory,User,Group,Environment,EnvironmentFiles,ExecStart";

/// A unit, as `systemctl show` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit(BTreeMap<String, String>);

impl Unit {
    /// One of its properties; empty: none.
    pub fn says(&self, property: &str) -> &str {
        self.0.get(property).map_or("", String::as_str)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.says("Id")
    }

    /// systemd has a file for it.
    pub fn is_there(&self) -> bool {
        self.says("LoadState") == "loaded"
    }

    /// It runs, or is about to.
    pub fn is_active(&self) -> bool {
        ["active", "activating", "reloading"].contains(&self.says("ActiveState"))
    }

    /// It starts with the machine.
    pub fn is_enabled(&self) -> bool {
        ["enabled", "enabled-runtime", "alias"].contains(&self.says("UnitFileState"))
    }

    /// The words that it starts.
    fn words(&self) -> impl Iterator<Item = &str> {
        let commands = self.says("ExecStart").split("argv[]=").skip(1);
        commands.flat_map(|command| command.split(" ; ").next().unwrap_or_default().split(' '))
    }

    /// Its folder: where it works.
    pub fn folder(&self) -> Option<PathBuf> {
        let folder = self.says("WorkingDirectory").trim_start_matches(['!', '-']);
        folder.starts_with('/').then(|| PathBuf::from(folder))
    }
}

/// Reads what `systemctl show` printed of several units.
pub fn read(text: &str) -> Vec<Unit> {
    let unit = |block: &str| {
        let mut properties = BTreeMap::<String, String>::new();
        for (name, value) in block.lines().filter_map(|line| line.split_once('=')) {
            // A property that comes several times is one of several lines.
            let known = properties.entry(name.to_owned()).or_default();
            if !known.is_empty() {
                known.push('\n');
            }
            known.push_str(value);
        }
        Unit(properties)
    };
    text.split("\n\n").map(unit).filter(|unit| !unit.name().is_empty()).collect()
}

/// A unit that runs KOSMOS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kosmos {
    /// The unit.
    pub unit: Unit,
    /// Its home folder.
    pub home: PathBuf,
}

impl Kosmos {
    /// None: it is no KOSMOS, or nobody knows where.
    pub fn of(unit: &Unit) -> Option<Self> {
        let jar = unit.words().find(|word| is_kosmos_jar(word))?;
        let beside = || Path::new(jar).parent().filter(|folder| folder.is_absolute()).map(Path::to_owned);
        Some(Self { home: unit.folder().or_else(beside)?, unit: unit.clone() })
    }

    /// Who it runs as.
    pub fn user(&self) -> &str {
        match self.unit.says("User") {
            "" => "root",
            user => user,
        }
    }

    /// Stopping it would end its integration point too.
    pub fn takes_all_along(&self) -> bool {
        !["process", "none"].contains(&self.unit.says("KillMode"))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const SHOWN: &str = "\
Id=kosmos.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\nFragmentPath=/usr/lib/systemd/system/kosmos.service\n\
WorkingDirectory=/var/lib/kosmos\nUser=kosmos\n\
ExecStart={ path=/usr/bin/kosmos ; argv[]=/usr/bin/kosmos run --home /var/lib/kosmos ; ignore_errors=no ; start_time=[n/a] }\n\
\n\
Id=ip-kosmos.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nKillMode=control-group\nUser=ip\nGroup=ip\n\
Environment=SERVER_PORT=9093 \"X=a b\"\nWorkingDirectory=/opt/ip\nFragmentPath=/etc/systemd/system/ip-kosmos.service\n\
ExecStart={ path=/usr/bin/java ; argv[]=/usr/bin/java -Xmx64m -jar /opt/ip/kosmos-1.2.3.jar ; ignore_errors=no ; pid=7 }\n\
\n\
Id=cron.service\nLoadState=loaded\nActiveState=active\nExecStart={ path=/usr/sbin/cron ; argv[]=/usr/sbin/cron -f ; ignore_errors=no }\n";

    #[test]
    fn a_kosmos_is_found_by_what_it_starts_and_we_are_none() {
        let units = read(SHOWN);
        let found: Vec<Kosmos> = units.iter().filter_map(Kosmos::of).collect();
        assert_eq!(units.len(), 3);
        assert_eq!(found.len(), 1);
        let it = &found[0];
        assert_eq!((it.unit.name(), it.user(), it.home.as_path()), ("ip-kosmos.service", "ip", Path::new("/opt/ip")));
        assert!(it.takes_all_along() && it.unit.is_active() && it.unit.is_enabled());
    }

    #[test]
    fn without_a_working_folder_it_lives_beside_its_jar() {
        let text = "Id=a.service\nWorkingDirectory=\nExecStart={ path=/bin/java ; argv[]=/bin/java -jar /srv/k/kosmos.jar ; x }";
        let found = Kosmos::of(&read(text)[0]).unwrap();
        assert_eq!((found.home.as_path(), found.user()), (Path::new("/srv/k"), "root"));
        let relative = "Id=a.service\nExecStart={ path=/bin/java ; argv[]=/bin/java -jar kosmos.jar ; x }";
        assert_eq!(Kosmos::of(&read(relative)[0]), None);
    }
}
