//! The samples are true: each loads, without a word.

use super::*;
use crate::config::settings::{Kind, Look, MailSecurity, Source};

fn sample(name: &str) -> Loaded {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/samples").join(name);
    load(&folder, &[], &[]).unwrap_or_else(|problems| panic!("{}", problems_text(&problems)))
}

#[test]
fn a_folder_of_todays_kosmos_goes_on_as_it_is() {
    let Loaded { settings, warnings, .. } = sample("kosmos-today");
    let said: Vec<_> = warnings.iter().map(|warning| warning.setting.as_str()).collect();
    assert_eq!(said, ["kosmos.launchPollIntervalInMs"]);
    assert_eq!(settings.organisation.as_deref(), Some("987464291"));
    assert_eq!(settings.release.supported_major, Some(4));
    assert_eq!(settings.release.keys.len(), 2);
    assert_eq!(settings.child.stop_grace.as_secs(), 60);
    let mail = settings.mail.unwrap();
    assert_eq!(
        (mail.security, mail.port, mail.append_subject.as_deref()),
        (MailSecurity::StartTlsIfOffered, 587, Some("987464291"))
    );
    assert_eq!(mail.login.unwrap().1.reveal(), "hemmelig");
}

#[test]
fn the_windows_sample_is_true() {
    let Loaded { settings, warnings, .. } = sample("windows");
    assert_eq!(warnings, []);
    assert_eq!(settings.release.fingerprints[0].len(), 40);
    assert_eq!(settings.schedule.blackout.len(), 2);
    assert_eq!(settings.mail.unwrap().recipients.len(), 2);
    assert!(settings.child.java.unwrap().to_string_lossy().ends_with(r"jre-21\bin\java.exe"));
}

#[test]
fn the_native_sample_is_true() {
    let Loaded { settings, warnings, .. } = sample("native");
    assert_eq!(warnings, []);
    assert_eq!(settings.child.kind, Kind::Native);
    assert!(matches!(settings.schedule.look, Look::At(_)));
    assert!(matches!(settings.release.source, Source::Directory { .. }));
}
