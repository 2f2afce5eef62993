//! What is kept of good settings, and what comes out of it again.

use super::{home, load, pairs};
use crate::config::settings::Mode;
use crate::config::{LastGood, Loaded, perhaps_home};

const TOML: &str = "[child]\narguments = [\"-Xmx1g\", \"-Da=b,c\"]\nprobation = \"7m\"\n\
    [schedule]\nwindow = [\"0 0 3 * * MON,TUE\", \"0 0 4 * * *\"]\n";
/// In milliseconds, and with a reference that leads to another file.
const KOSMOS: &str = "kosmos.launchTimeoutInMs=90000\nkosmos.orgnumber=${difi.move.org.number}\n";
const OWN: &str = "difi.move.org.number=987464291\nserver.port=9193\ndifi.move.org.keystore.password=hunter2\n";

fn kept(loaded: &Loaded) -> LastGood {
    LastGood::read(&loaded.last_good.to_text().unwrap()).unwrap()
}

#[test]
fn what_was_set_in_any_file_comes_out_as_it_went_in_and_looks_are_off() {
    let files =
        [("kosmos.toml", TOML), ("kosmos-local.properties", KOSMOS), ("integrasjonspunkt-local.properties", OWN)];
    let folder = home(&files);
    let loaded = load(folder.path(), &pairs(&[("KOSMOS_CHILD_PROFILE", "staging")]), &[]).unwrap();
    let text = String::from_utf8(loaded.last_good.to_text().unwrap()).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let mut expected = loaded.settings.clone();
    expected.schedule.mode = Mode::Off;
    let again = kept(&loaded).settings(folder.path()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{expected:?}"));
    assert_eq!(again.child.start_patience.as_secs(), 90);
    assert_eq!(again.child.base_url.port(), Some(9193));
}

#[test]
fn no_secret_is_kept_and_a_login_without_its_password_is_none() {
    let toml = "[mail]\nrecipients = [\"a@b.no\"]\nfrom = \"a@b.no\"\nhost = \"mail.b.no\"\nusername = \"kosmos\"\n\
        password = \"hunter2\"\n[network]\nproxy = \"http://user:hunter2@proxy:8080\"\n";
    let folder = home(&[("kosmos.toml", toml)]);
    let loaded = load(folder.path(), &[], &[]).unwrap();
    assert!(!String::from_utf8(loaded.last_good.to_text().unwrap()).unwrap().contains("hunter2"));
    let mail = kept(&loaded).settings(folder.path()).unwrap().mail.unwrap();
    assert!(mail.login.is_none() && mail.host == "mail.b.no");
}

#[test]
fn a_password_file_that_has_gone_costs_the_mail_and_not_the_service() {
    let toml = "[child]\nprobation = \"7m\"\n[mail]\nrecipients = [\"a@b.no\"]\nfrom = \"a@b.no\"\n\
        host = \"mail.b.no\"\nusername = \"kosmos\"\npassword_file = \"secret.txt\"\n";
    let folder = home(&[("kosmos.toml", toml), ("secret.txt", "hunter2\n")]);
    let loaded = load(folder.path(), &[], &[]).unwrap();
    let login = kept(&loaded).settings(folder.path()).unwrap().mail.unwrap().login;
    assert!(login.is_some(), "it is read anew");
    std::fs::remove_file(folder.path().join("secret.txt")).unwrap();
    let without = kept(&loaded).settings(folder.path()).unwrap();
    assert!(without.mail.is_none());
    assert_eq!(without.child.probation.as_secs(), 7 * 60);
}

#[test]
fn what_is_kept_beside_settings_that_were_named_goes_with_them_when_they_are_moved() {
    let (folder, elsewhere) = (home(&[("kosmos.toml", TOML)]), home(&[]));
    let named = pairs(&[("home", &folder.path().display().to_string())]);
    let loaded = load(folder.path(), &[], &named).unwrap();
    assert_eq!(loaded.settings.home, folder.path());
    assert_eq!(kept(&loaded).settings(elsewhere.path()).unwrap().home, elsewhere.path());
    // What the environment says of the home counts only for a folder that nobody named, as with right settings.
    let environment = pairs(&[("KOSMOS_HOME", &elsewhere.path().display().to_string())]);
    assert_eq!(perhaps_home(folder.path(), &environment, &named), [folder.path()]);
    assert_eq!(perhaps_home(folder.path(), &environment, &[]), [elsewhere.path(), folder.path()]);
}

#[test]
fn what_makes_no_sense_is_nothing_and_what_is_not_known_any_more_is_left_out() {
    assert!(LastGood::read(b"{").is_err());
    let newer = LastGood::read(br#"{"schema": 2, "settings": {}}"#).unwrap_err();
    assert!(newer.contains("a newer kosmos"), "{newer}");
    let folder = home(&[]);
    let strange = LastGood::read(br#"{"schema": 1, "settings": {"child.colour": [{"text": "red"}]}}"#).unwrap();
    assert!(strange.settings(folder.path()).is_some());
    let wrong = LastGood::read(br#"{"schema": 1, "settings": {"child.probation": [{"text": "red"}]}}"#).unwrap();
    assert!(wrong.settings(folder.path()).is_none());
}
