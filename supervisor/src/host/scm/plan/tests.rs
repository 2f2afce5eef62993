//! What each word does, as it is printed before it is done.

use super::*;
use crate::host::scm::winsw::Registered;
use std::time::Duration;

const HOME: &str = r"C:\integrasjonspunkt";

/// A disk with what is named on it.
#[derive(Clone, Copy)]
struct Disk {
    folder: bool,
    settings: bool,
    rights: bool,
}

const READY: Disk = Disk { folder: true, settings: true, rights: false };

impl Folders for Disk {
    fn is_there(&self, _: &Path) -> bool {
        self.folder
    }
    fn has_settings(&self, _: &Path) -> bool {
        self.settings
    }
    fn are_rights_set(&self, _: &Path, _: &str) -> bool {
        self.rights
    }
}

fn facts() -> Facts {
    Facts {
        name: NAME.to_owned(),
        is_named: false,
        known: None,
        kosmos: Vec::new(),
        program: r"C:\Program Files\kosmos\kosmos.exe".into(),
        preshutdown: Duration::from_secs(150),
    }
}

fn installed(is_up: bool) -> Facts {
    let known = Known {
        command_line: format!(r#""C:\Program Files\kosmos\kosmos.exe" --service --home "{HOME}" run"#),
        account: r"NT SERVICE\kosmos".to_owned(),
        start: Start::Automatic,
        is_up,
        is_whole: true,
    };
    Facts { known: Some(known), ..facts() }
}

fn kosmos(service: &str) -> Found {
    let kosmos =
        Kosmos { service: service.to_owned(), jar: format!(r"{HOME}\kosmos-1.4.2.jar"), folder: Some(HOME.into()) };
    Found { kosmos, is_up: true, is_enabled: true }
}

fn wish() -> Wish {
    Wish { home: None, user: None, with_machine: true }
}

fn text(plan: &Plan<Step>) -> String {
    let steps = plan.steps.iter().map(|step| format!("would: {step}\n"));
    steps.chain(plan.remarks.iter().map(|it| format!("{it}\n"))).collect()
}

fn install(facts: &Facts, wish: Wish, disk: Disk) -> String {
    text(&facts.plan(&Word::Install(wish), &disk).unwrap())
}

#[test]
fn a_fresh_machine_gets_the_service_its_rights_and_a_start() {
    insta::assert_snapshot!(install(&facts(), wish(), READY));
}

#[test]
fn a_machine_with_kosmos_is_taken_over_and_what_it_runs_goes_on() {
    let facts = Facts { name: OTHER_NAME.to_owned(), kosmos: vec![kosmos("kosmos")], ..facts() };
    insta::assert_snapshot!(install(&facts, wish(), READY));
}

#[test]
fn a_folder_without_settings_is_prepared_and_not_started() {
    let disk = Disk { folder: false, settings: false, rights: false };
    let wish = Wish { home: Some(r"D:\ip".into()), user: Some("LocalSystem".into()), with_machine: false };
    insta::assert_snapshot!(install(&facts(), wish, disk));
}

#[test]
fn what_was_said_before_leaves_nothing_to_do() {
    let disk = Disk { rights: true, ..READY };
    assert_eq!(install(&installed(true), wish(), disk), "");
    assert_eq!(install(&installed(false), wish(), disk), "would: start the service kosmos\n");
    let plan = |facts: &Facts, word| text(&facts.plan(&word, &disk).unwrap());
    assert_eq!(plan(&installed(true), Word::Start), "");
    assert_eq!(plan(&installed(false), Word::Stop), "");
    assert_eq!(plan(&facts(), Word::Uninstall), "");
}

#[test]
fn another_program_takes_its_place_without_touching_what_an_administrator_set() {
    let facts = Facts { program: r"C:\new\kosmos.exe".into(), ..installed(true) };
    insta::assert_snapshot!(install(&facts, wish(), Disk { rights: true, ..READY }));
}

#[test]
fn stop_ends_both_restart_and_uninstall_say_what_they_do() {
    let plan = |word| text(&installed(true).plan(&word, &READY).unwrap());
    insta::assert_snapshot!([plan(Word::Stop), plan(Word::Restart), plan(Word::Uninstall)].join("---\n"));
}

#[test]
fn what_cannot_be_decided_is_refused_and_says_what_would_be_right() {
    let two = Facts { kosmos: vec![kosmos("one"), kosmos("two")], ..facts() };
    let refused = |facts: &Facts, word: Word| facts.plan(&word, &READY).unwrap_err().to_string();
    assert!(refused(&two, Word::Install(wish())).contains("--home"));
    assert!(refused(&facts(), Word::Start).contains("kosmos service install"));
    let elsewhere = Wish { home: Some(r"D:\other".into()), ..wish() };
    assert!(refused(&installed(true), Word::Install(elsewhere)).contains("--name"));
}

#[test]
fn a_kosmos_of_another_folder_is_left_alone() {
    let facts = Facts { kosmos: vec![kosmos("kosmos")], ..facts() };
    let elsewhere = Wish { home: Some(r"D:\other".into()), ..wish() };
    assert!(!install(&facts, elsewhere, READY).contains("disable"));
    let written_otherwise = Wish { home: Some(r"c:\INTEGRASJONSPUNKT\".into()), ..wish() };
    assert!(install(&facts, written_otherwise, READY).contains("disable the service kosmos"));
}

#[test]
fn our_name_is_the_first_that_no_other_service_has() {
    let service = |name: &str, line: &str| Registered { name: name.to_owned(), command_line: line.to_owned() };
    let ours = r#""C:\k.exe" --service --home "C:\x" run"#;
    let theirs = r"C:\integrasjonspunkt\kosmos.exe";
    assert_eq!(name_among(&[]), NAME);
    assert_eq!(name_among(&[service("KOSMOS", theirs)]), OTHER_NAME);
    assert_eq!(name_among(&[service("kosmos", ours)]), NAME);
    assert_eq!(name_among(&[service("kosmos", ours), service(OTHER_NAME, ours)]), NAME);
    assert_eq!(name_among(&[service("kosmos", theirs), service(OTHER_NAME, ours)]), OTHER_NAME);
}
