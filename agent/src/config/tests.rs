//! Who wins, what is wrong, and what is told.

use super::*;
use crate::domain::Service;

fn loaded(properties: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    efm::atomic::replace(&folder.path().join("integrasjonspunkt-local.properties"), properties.as_bytes()).unwrap();
    let environment: Vec<_> = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let (_, arguments) = split(arguments.iter().map(|argument| (*argument).to_owned()));
    load(folder.path(), &environment, &arguments)
}

fn text(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

const ENOUGH: &str = "difi.move.org.number=910077473\ndifi.ssl.enabled=false\ndifi.security.enable=false\n";

#[test]
fn arguments_win_over_the_environment_and_that_over_files_and_those_over_the_profile() {
    let file = format!("{ENOUGH}server.port=1\ndifi.move.nextmove.lock-timeout-minutes=7\n");
    let port =
        |environment: &[(&str, &str)], arguments: &[&str]| loaded(&file, environment, arguments).settings.unwrap().port;
    assert_eq!(port(&[], &[]), 1);
    assert_eq!(port(&[("SERVER_PORT", "2")], &[]), 2);
    assert_eq!(port(&[("SERVER_PORT", "2")], &["--server.port=3"]), 3);
    let settings = loaded(&file, &[], &["--spring.profiles.active=production"]).settings.unwrap();
    assert_eq!(settings.registry.as_str(), "https://eformidling.no/adressetjeneste");
    assert!(settings.enabled.has(Service::Dpe));
    assert_eq!(settings.lock, std::time::Duration::from_mins(7));
}

#[test]
fn what_the_supervisor_gives_and_nobody_knows_is_told_and_not_fatal() {
    let loaded = loaded(ENOUGH, &[], &["--management.endpoint.shutdown.enabled=true", "--app.logger.enableSSL=false"]);
    assert_eq!(
        text(&loaded),
        ["warning: command line: app.logger.enableSSL: this version does not know it, and goes on without it; \
          right would be: a key that `integrasjonspunkt config show` lists"]
    );
    assert_eq!(loaded.settings.unwrap().shutdown, Some(ShutdownFrom::Loopback));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = "difi.move.org.number=12\nserver.port=many\ndifi.datasource.url=jdbc:h2:file:./x\n\
                 difi.move.dpo.upload-size-limit=big\n";
    let loaded = loaded(wrong, &[], &["--spring.profiles.active=qa"]);
    assert!(loaded.settings.is_none());
    insta::assert_snapshot!(text(&loaded).join("\n"));
}

#[test]
fn a_folder_of_messages_is_no_channel_for_production() {
    let arguments = ["--integrasjonspunkt.loopback.folder=x", "--spring.profiles.active=production"];
    assert!(loaded(ENOUGH, &[], &arguments).settings.is_none());
    assert!(loaded(ENOUGH, &[], &arguments[..1]).settings.unwrap().loopback.is_some());
}

#[test]
fn yaml_is_read_and_properties_win() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "difi:\n  move:\n    org:\n      number: 910077473\n    nextmove:\n      status-services: [DPE]\n  \
                ssl.enabled: false\n  security: {enable: false}\nserver.port: 1\n";
    efm::atomic::replace(&folder.path().join("integrasjonspunkt-local.yml"), yaml.as_bytes()).unwrap();
    efm::atomic::replace(&folder.path().join("integrasjonspunkt-local.properties"), b"server.port=2").unwrap();
    let loaded = load(folder.path(), &[], &Arguments::default());
    let settings = loaded.settings.unwrap_or_else(|| panic!("{:?}", loaded.problems));
    assert_eq!((settings.port, settings.organisation.as_str()), (2, "910077473"));
    assert!(settings.status_services.has(Service::Dpe) && !settings.status_services.has(Service::Dpo));
}

#[test]
fn secrets_are_never_shown() {
    let file =
        format!("{ENOUGH}difi.security.enable=true\ndifi.security.user.name=u\ndifi.security.user.password=hunter2\n");
    let loaded = loaded(&file, &[], &[]);
    let shown = format!("{:?} {:?} {:?}", loaded.shown, loaded.problems, loaded.settings.unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("********"));
}
