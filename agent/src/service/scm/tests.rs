//! What each word does, as it is printed before it is done.

use super::*;

const HOME: &str = r"C:\integrasjonspunkt";

/// A disk with what is named on it.
#[derive(Clone, Copy, Default)]
struct Disk {
    folders: &'static [&'static str],
    settings: &'static [&'static str],
    kosmos: bool,
}

impl Folders for Disk {
    fn is_there(&self, folder: &Path) -> bool {
        self.folders.iter().any(|it| Path::new(it) == folder)
    }
    fn has_settings(&self, home: &Path) -> bool {
        self.settings.iter().any(|it| Path::new(it) == home)
    }
    fn has_kosmos(&self, _: &Path) -> bool {
        self.kosmos
    }
}

const READY: Disk = Disk { folders: &[HOME], settings: &[HOME], kosmos: false };

fn facts() -> Facts {
    Facts {
        name: "integrasjonspunkt".to_owned(),
        known: None,
        program: r"C:\Program Files\integrasjonspunkt\integrasjonspunkt.exe".into(),
        working: r"C:\Users\kari".into(),
    }
}

fn installed(is_up: bool) -> Facts {
    let known = Known {
        command_line: format!(
            r#""C:\Program Files\integrasjonspunkt\integrasjonspunkt.exe" run --service --home "{HOME}""#
        ),
        account: r"NT SERVICE\integrasjonspunkt".to_owned(),
        start: Start::Automatic,
        is_up,
        is_whole: true,
    };
    Facts { known: Some(known), ..facts() }
}

fn wish() -> Wish {
    Wish { home: None, user: None, with_machine: true }
}

fn install(facts: &Facts, wish: Wish, disk: Disk) -> String {
    facts.plan(&Word::Install(wish), &disk).map_or_else(|error| error.to_string(), |plan| plan.to_string())
}

fn said(facts: &Facts, word: &Word) -> String {
    facts.plan(word, &READY).map_or_else(|error| error.to_string(), |plan| plan.to_string())
}

#[test]
fn a_folder_with_settings_gets_the_service_its_right_and_a_start() {
    insta::assert_snapshot!(install(&facts(), wish(), READY));
}

#[test]
fn a_machine_with_nothing_gets_a_folder_that_others_are_kept_out_of_and_is_told_what_is_missing() {
    insta::assert_snapshot!(install(&facts(), wish(), Disk::default()));
}

#[test]
fn what_is_as_it_should_be_has_nothing_to_do() {
    assert_eq!(install(&installed(true), wish(), READY), "nothing to do\n");
    assert_eq!(said(&installed(true), &Word::Start), "nothing to do\n");
    assert_eq!(said(&installed(false), &Word::Stop), "nothing to do\n");
    assert_eq!(said(&facts(), &Word::Uninstall), "nothing to do\n");
}

#[test]
fn another_program_takes_its_place_and_what_an_administrator_set_stays() {
    let facts = Facts { program: r"D:\new\integrasjonspunkt.exe".into(), ..installed(true) };
    insta::assert_snapshot!(install(&facts, wish(), READY));
}

#[test]
fn each_word_says_what_it_does() {
    let words = [Word::Uninstall, Word::Start, Word::Stop, Word::Restart];
    let all: Vec<String> = words
        .iter()
        .map(|word| {
            format!(
                "{word:?}
{}",
                said(&installed(true), word)
            )
        })
        .collect();
    insta::assert_snapshot!(all.join(
        "
"
    ));
}

#[test]
fn the_folder_is_the_one_that_is_named_or_was_or_has_settings_or_the_guides_or_our_own() {
    let home = |facts: &Facts, wish: Wish, disk: Disk| facts.plan(&Word::Install(wish), &disk).unwrap().home;
    let named = Wish { home: Some(r"E:\ip".into()), ..wish() };
    assert_eq!(home(&installed(false), named, READY), Path::new(r"E:\ip"));
    let here = Disk { settings: &[r"C:\Users\kari"], ..READY };
    assert_eq!(home(&installed(false), wish(), here), Path::new(HOME));
    assert_eq!(home(&facts(), wish(), here), Path::new(r"C:\Users\kari"));
    assert_eq!(home(&facts(), wish(), READY), Path::new(HOME));
    assert_eq!(home(&facts(), wish(), Disk::default()), Path::new(OWN_HOME));
}

#[test]
fn a_service_that_runs_elsewhere_or_is_another_programs_is_left_alone() {
    let elsewhere = Wish { home: Some(r"E:\ip".into()), ..wish() };
    assert_eq!(
        install(&installed(true), elsewhere, READY),
        "the service integrasjonspunkt works in C:\\integrasjonspunkt: stop it first, or give this one a name of its own \
         with --name"
    );
    let mut others = installed(true);
    let line = r#""C:\kosmos\kosmos.exe" --service --home "C:\integrasjonspunkt" run"#;
    others.known.as_mut().unwrap().command_line = line.to_owned();
    for word in [Word::Install(wish()), Word::Uninstall, Word::Start, Word::Stop, Word::Restart] {
        let refused = said(&others, &word);
        assert!(refused.contains("is another program's") && refused.contains("--name NAME"), "{word:?}: {refused}");
    }
    let none = said(&facts(), &Word::Start);
    assert_eq!(none, "there is no service integrasjonspunkt; integrasjonspunkt service install makes it");
}

#[test]
fn a_folder_that_kosmos_keeps_is_told_of() {
    assert!(install(&facts(), wish(), Disk { kosmos: true, ..READY }).contains("one of the two is one too many"));
}

#[test]
fn one_that_a_person_starts_is_not_started_by_its_install_nor_said_to_come_back() {
    let manual = Wish { with_machine: false, ..wish() };
    let plan = install(&facts(), manual, READY);
    assert!(plan.contains("start        manual") && !plan.contains("start the service"), "{plan}");
    let mut by_hand = installed(true);
    by_hand.known.as_mut().unwrap().start = Start::Manual;
    assert!(!said(&by_hand, &Word::Stop).contains("with the machine"));
}

#[test]
fn rights_are_given_to_the_identity_of_the_service_and_a_new_folder_to_nobody_else() {
    let (home, service) = (PathBuf::from(HOME), "integrasjonspunkt".to_owned());
    let right = format!("*{}:(OI)(CI)M", sid_of(&service));
    let made = Step::MakeFolder { home: home.clone(), service: service.clone() }.rights().unwrap();
    assert_eq!(made, ["/inheritance:r", "/grant", "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", &right]);
    assert_eq!(Step::LetIn { home, service }.rights().unwrap(), ["/grant", &right]);
    assert_eq!(Step::Start("x".to_owned()).rights(), None);
}
