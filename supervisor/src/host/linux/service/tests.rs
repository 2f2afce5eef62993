//! Plans over machines as systemd describes them; what a plan does to a true one is seen in `.ci/systemd`.

use std::fmt::Write as _;

use super::*;

const INSTALL: Wish = Wish { home: None, user: None, with_machine: true };

fn here(shown: &str) -> Here {
    let units = units::read(shown);
    Here {
        name: None,
        unit: units.first().cloned().unwrap_or_default(),
        kosmos: units.iter().filter_map(Kosmos::of).collect(),
        is_root: true,
        is_packaged: true,
        present: Vec::new(),
    }
}

/// A machine with our unit in this state, and a KOSMOS in each of these folders.
fn machine(state: &str, kosmos: &[&Path]) -> Here {
    let us = unit_name();
    let mut text = format!(
        "Id={us}\nLoadState=loaded\nActiveState={state}\nUnitFileState=enabled\nUser=kosmos\nWorkingDirectory=/nowhere/kosmos\n"
    );
    for (number, home) in kosmos.iter().enumerate() {
        let home = home.display();
        let _ = write!(
            text,
            "\nId=old-{number}.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nKillMode=control-group\n\
             User=root\nGroup=\nEnvironment=SERVER_PORT=9093\nEnvironmentFiles=/etc/ip.env (ignore_errors=yes)\nWorkingDirectory={home}\n\
             ExecStart={{ path=/usr/bin/java ; argv[]=/usr/bin/java -jar {home}/kosmos-1.0.jar ; ignore_errors=no }}\n"
        );
    }
    here(&text)
}

fn unit_name() -> String {
    files::unit_name(None)
}

fn steps(plan: &Plan<Step>) -> String {
    let lines: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn home_with_settings() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    efm::atomic::replace(&home.path().join(SETTINGS[0]), b"server.port=9093\n").unwrap();
    home
}

/// The name of a folder that is made anew each time is no part of a snapshot.
fn told(text: &str, home: &Path) -> String {
    text.replace(&home.display().to_string(), "HOME")
}

#[test]
fn a_kosmos_that_is_found_is_stopped_without_what_it_runs_and_disabled_and_its_home_and_user_are_ours() {
    let home = home_with_settings();
    let plan = machine("inactive", &[home.path()]).plan(&Word::Install(INSTALL)).unwrap();
    assert_eq!(plan.home, home.path());
    assert!(plan.runs_then);
    insta::assert_snapshot!(
        "take-over",
        told(&format!("{}\n--\n{}", steps(&plan), plan.remarks.join("\n")), home.path())
    );
    let Some(Step::Write { text, .. }) = plan.steps.first() else { panic!("{plan:?}") };
    insta::assert_snapshot!("home.conf", told(text, home.path()));
}

#[test]
fn what_was_said_before_has_nothing_left_to_do() {
    let home = home_with_settings();
    let mut here = machine("inactive", &[home.path()]);
    let wish = Word::Install(Wish { home: Some(home.path().to_owned()), ..INSTALL });
    for step in here.plan(&wish).unwrap().steps {
        if let Step::Write { path, text } = step {
            here.present.push((path, text));
        }
    }
    // As systemd sees it after that.
    here.unit = units::read(&format!(
        "Id=kosmos.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nUser=root\nWorkingDirectory={}\n",
        home.path().display()
    ))
    .remove(0);
    let shown = format!(
        "Id=old-0.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nUser=root\nGroup=\nEnvironment=SERVER_PORT=9093\n\
         EnvironmentFiles=/etc/ip.env (ignore_errors=yes)\nWorkingDirectory={0}\n\
         ExecStart={{ path=/usr/bin/java ; argv[]=/usr/bin/java -jar {0}/kosmos-1.0.jar ; ignore_errors=no }}\n",
        home.path().display()
    );
    here.kosmos = units::read(&shown).iter().filter_map(Kosmos::of).collect();
    assert_eq!(steps(&here.plan(&wish).unwrap()), "");
    assert_eq!(steps(&here.plan(&Word::Install(INSTALL)).unwrap()), "", "without naming the folder again");
    assert_eq!(steps(&here.plan(&Word::Start).unwrap()), "");
}

#[test]
fn of_several_kosmos_a_person_says_which() {
    let (one, other) = (home_with_settings(), home_with_settings());
    let here = machine("inactive", &[one.path(), other.path()]);
    let refused = here.plan(&Word::Install(INSTALL)).unwrap_err().to_string();
    assert!(refused.contains("old-0.service") && refused.contains("old-1.service"), "{refused}");
    let plan = here.plan(&Word::Install(Wish { home: Some(other.path().to_owned()), ..INSTALL })).unwrap();
    assert!(steps(&plan).contains("stop old-1.service") && !steps(&plan).contains("old-0"), "{}", steps(&plan));
}

#[test]
fn without_settings_it_is_installed_and_not_started() {
    let here = machine("inactive", &[]);
    let plan = here.plan(&Word::Install(INSTALL)).unwrap();
    assert!(!plan.runs_then && !steps(&plan).contains("start"), "{}", steps(&plan));
    assert!(plan.remarks[0].contains("integrasjonspunkt-local.properties"), "{:?}", plan.remarks);
    assert!(here.plan(&Word::Start).unwrap_err().to_string().contains("put integrasjonspunkt-local.properties"));
}

#[test]
fn a_machine_without_our_package_gets_its_files_and_loses_them_again() {
    let mut here = machine("inactive", &[]);
    here.is_packaged = false;
    here.unit = Unit::default();
    let plan = here.plan(&Word::Install(INSTALL)).unwrap();
    insta::assert_snapshot!("without-a-package", steps(&plan));
    for word in [Word::Start, Word::Stop, Word::Restart] {
        assert!(here.plan(&word).unwrap_err().to_string().contains("kosmos service install"));
    }
    assert_eq!(steps(&here.plan(&Word::Uninstall).unwrap()), "", "nothing was installed");
    for step in plan.steps {
        if let Step::Write { path, text } = step {
            here.present.push((path, text));
        }
    }
    here.unit = machine("active", &[]).unit;
    insta::assert_snapshot!("uninstalled", steps(&here.plan(&Word::Uninstall).unwrap()));
}

#[test]
fn a_folder_that_the_service_could_not_write_is_said_with_the_way_out() {
    let home = home_with_settings();
    let wish = Wish { home: Some(home.path().to_owned()), user: Some("daemon".to_owned()), with_machine: true };
    let refused = machine("inactive", &[]).plan(&Word::Install(wish.clone())).unwrap_err().to_string();
    assert!(refused.contains("chown -R daemon") && refused.contains("--user"), "{refused}");
    let nobody = Wish { user: Some("nobody-of-that-name".to_owned()), ..wish };
    let refused = machine("inactive", &[]).plan(&Word::Install(nobody)).unwrap_err().to_string();
    assert!(refused.contains("there is no user"), "{refused}");
}

#[test]
fn one_who_may_not_is_told_which_right_is_missing() {
    let mut here = machine("inactive", &[]);
    here.is_root = false;
    let refused = here.may_change("install the service").unwrap_err().to_string();
    assert_eq!(refused, "install the service: only root may change services; say it again with sudo");
}
