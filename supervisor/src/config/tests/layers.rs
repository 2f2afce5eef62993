//! Who wins, and what KOSMOS' keys become.

use super::*;
use crate::config::settings::{Channel, Look, MailSecurity, Mode, Source};
use efm::outside::Proxy;
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn references_to_what_kosmos_and_a_jvm_have_by_themselves_are_expanded() {
    let folder = home(&[(
        "kosmos-local.properties",
        "kosmos.integrasjonspunkt.healthURL=${kosmos.integrasjonspunkt.baseURL}/custom/health\n\
         kosmos.integrasjonspunkt.infoURL=${kosmos.integrasjonspunkt.base-url:http://localhost:1}/custom/info\n\
         kosmos.verification.publicKeyPaths[0]=file:${user.dir}/eformidling-key.asc\n\
         kosmos.verification.publicKeyPaths[1]=${user.home}/key.asc\n\
         kosmos.mail.appendSubject=${kosmos.integrasjonspunkt.profile} ${java.io.tmpdir}\n",
    )]);
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let environment = pairs(&[(name, "/home/kosmos"), ("TMP", "/tmp")]);
    let settings = || load(folder.path(), &environment, &[]).unwrap().settings;
    assert_eq!(settings().child.health_url.as_str(), "http://localhost:9093/custom/health");
    assert_eq!(settings().child.info_url.as_str(), "http://localhost:9093/custom/info", "Spring's order");
    let keys = [folder.path().join("eformidling-key.asc"), PathBuf::from("/home/kosmos/key.asc")];
    assert_eq!(settings().release.keys, keys);
    let origins = load(folder.path(), &environment, &[]).unwrap();
    assert_eq!(value(&origins, "mail.append_subject").0, "production /tmp");
    // What is worked out of the integration point's own settings is what it stands for.
    write(&folder, "integrasjonspunkt-local.properties", b"server.port=9094\n");
    assert_eq!(settings().child.health_url.as_str(), "http://localhost:9094/custom/health");
}

#[test]
fn an_empty_folder_gives_the_defaults() {
    let Loaded { settings, warnings, .. } = toml("");
    assert!(matches!(settings.schedule.look, Look::Every(every) if every == Duration::from_mins(15)));
    assert_eq!(settings.schedule.windows[0].text(), "0 30 5,19,21 * * MON-FRI");
    assert_eq!(settings.schedule.window_length, Duration::from_hours(1));
    assert_eq!(settings.schedule.splay, Duration::from_mins(5));
    assert_eq!(settings.schedule.timezone.iana_name(), Some("Europe/Oslo"));
    assert_eq!(settings.schedule.mode, Mode::Auto);
    assert_eq!(settings.child.stop_grace, Duration::from_secs(30));
    assert_eq!(settings.child.start_patience, Duration::from_secs(150));
    assert_eq!(settings.child.start_patience_bound, Duration::from_mins(30));
    assert_eq!(settings.child.probation, Duration::from_mins(10));
    assert_eq!(settings.child.profile, "production");
    assert_eq!(settings.child.health_url.as_str(), "http://localhost:9093/manage/health");
    assert_eq!(settings.child.environment_prefixes_removed, ["spring", "kosmos"]);
    assert_eq!(settings.release.keys, [settings.home.join("eformidling-key.asc")]);
    assert_eq!(settings.release.channel, Channel::Latest);
    assert_eq!(settings.network.jar_limit_bytes, 2 << 30);
    assert_eq!(settings.network.list_limit_bytes, 1 << 20);
    assert_eq!(settings.network.signature_limit_bytes, 64 << 10);
    assert!(matches!(settings.network.way.proxy, Proxy::FromEnvironment));
    assert_eq!(settings.backup.paths, ["integrasjonspunkt.mv.db", "activemq-data", "messages"].map(PathBuf::from));
    assert_eq!(settings.blocklist.duration, Duration::from_hours(2));
    assert!(!settings.blocklist.enabled && settings.mail.is_none() && settings.organisation.is_none());
    let Source::Digdir { list, downloads, artifact } = &settings.release.source else { panic!() };
    assert!(list.as_str().ends_with("efm-integrasjonspunkt/refs/heads/main/latest-versions.yml"));
    assert_eq!(downloads.as_str(), "https://github.com/felleslosninger/efm-integrasjonspunkt/releases/download/");
    assert_eq!(artifact, "integrasjonspunkt");
    // The one thing that a person should say.
    assert_eq!(warnings.iter().map(|warning| warning.setting.as_str()).collect::<Vec<_>>(), ["child.profile"]);
}

#[test]
fn a_folder_may_name_the_homes_of_its_host() {
    let all = toml("[host]\nhomes = [\"a\", \"./b\"]\n");
    let home = &all.settings.home;
    assert_eq!(all.settings.homes, [home.join("a"), home.join("b")]);
    let said = told(&[("kosmos.toml", "[host]\nhomes = [\"a\"]\n[schedule]\nmode = \"stage\"\n")], &[], &[]);
    assert!(said.contains("kosmos.toml:4: warning: schedule.mode: it counts for nothing beside host.homes"), "{said}");
    let said = told(&[("kosmos.toml", "[host]\nhomes = [\"a\", \"b\", \"./a\"]\n")], &[], &[]);
    assert!(said.contains("is named twice"), "{said}");
    // A home that is one of its own host has settings of its own.
    let said = told(&[("kosmos.toml", "[host]\nhomes = [\".\", \"b\"]\n[schedule]\nmode = \"stage\"\n")], &[], &[]);
    assert_eq!(said, "");
}

#[test]
fn each_layer_wins_over_the_one_below_it_setting_by_setting() {
    let files: Pairs<'_> = &[
        ("integrasjonspunkt-local.properties", "kosmos.mail.from=a@ip.no\nkosmos.orgnumber=987464291\nserver.port=1\n"),
        (
            "kosmos-local.properties",
            "kosmos.mail.from=b@kosmos.no\nkosmos.mail.recipient=b@kosmos.no\nkosmos.integrasjonspunkt.baseURL=http://localhost:2",
        ),
        ("kosmos.toml", "[mail]\nfrom = \"c@toml.no\"\nhost = \"c\"\n[child]\nbase_url = \"http://localhost:3\""),
    ];
    let environment: Pairs<'_> =
        &[("KOSMOS_INTEGRASJONSPUNKT_BASEURL", "http://localhost:4"), ("KOSMOS_MAIL_HOST", "d")];
    let all = loaded(files, environment, &[("mail.host", "e")]);
    assert_eq!(value(&all, "organisation"), ("987464291", "integrasjonspunkt-local.properties:2".into()));
    assert_eq!(value(&all, "mail.recipients"), ("b@kosmos.no", "kosmos-local.properties:2".into()));
    assert_eq!(value(&all, "mail.from"), ("c@toml.no", "kosmos.toml:2".into()));
    assert_eq!(
        value(&all, "child.base_url"),
        ("http://localhost:4", "environment KOSMOS_INTEGRASJONSPUNKT_BASEURL".into())
    );
    assert_eq!(value(&all, "child.info_url"), ("http://localhost:4/manage/info", "from child.base_url".into()));
    assert_eq!(value(&all, "mail.host"), ("e", "command line".into()));
    assert_eq!(value(&all, "mail.port"), ("25", "from mail.security".into()));
}

#[test]
fn every_key_of_kosmos_is_understood() {
    let all = properties(
        "kosmos.orgnumber=987464291\nkosmos.schedulerCronExpression=0 0 6 * * ?\n\
         kosmos.integrasjonspunkt.baseURL=http://127.0.0.1:1/ip/\nkosmos.integrasjonspunkt.healthURL=http://localhost:2/h\n\
         kosmos.integrasjonspunkt.infoURL=http://localhost:2/i\nkosmos.integrasjonspunkt.shutdownURL=http://localhost:2/s\n\
         kosmos.integrasjonspunkt.profile=itest\nkosmos.integrasjonspunkt.earlybird=true\n\
         kosmos.integrasjonspunkt.supportedMajorVersion=4\nkosmos.integrasjonspunkt.include-log=true\n\
         kosmos.integrasjonspunkt.autoRefresh=false\nkosmos.integrasjonspunkt.versionsURL=https://example.org/v.yml?raw=1\n\
         kosmos.java-archive-repository-url=https://mirror.example.org/\nkosmos.groupId=group/\nkosmos.artifactId=name\n\
         kosmos.java-archive-repository-connect-timeout-in-ms=1000\nkosmos.java-archive-repository-read-timeout-in-ms=2000\n\
         kosmos.actuatorConnectTimeoutInMs=3000\nkosmos.actuatorReadTimeoutInMs=4000\n\
         kosmos.shutdownRetries=10\nkosmos.shutdownPollIntervalInMs=6000\nkosmos.launchTimeoutInMs=7000\n\
         kosmos.blocklist.enabled=true\nkosmos.blocklist.duration-in-hours=8\n\
         kosmos.verification.publicKeyPaths=file:a.asc, b.asc\n\
         kosmos.environment.prefixesRemovedFromChildProcess[0]=x\nkosmos.environment.prefixesRemovedFromChildProcess[1]=y\n\
         kosmos.mail.recipient=a@example.org\nkosmos.mail.from=b@example.org\nkosmos.mail.appendSubject=c d\n\
         spring.mail.host=mail.example.org\nspring.mail.port=26\nspring.mail.username=u\nspring.mail.password=p\n\
         spring.mail.properties.mail.smtp.starttls.required=true\nspring.mail.properties.mail.smtp.auth=true\n\
         spring.mail.properties.mail.smtp.timeout=9000",
    );
    let Loaded { settings, warnings, .. } = all;
    assert_eq!(warnings, []);
    assert_eq!(settings.organisation.as_deref(), Some("987464291"));
    assert_eq!(settings.schedule.windows[0].text(), "0 0 6 * * ?");
    assert!(matches!(settings.schedule.look, Look::Never));
    let child = settings.child;
    assert_eq!(child.base_url.as_str(), "http://127.0.0.1:1/ip/");
    let urls = [child.health_url, child.info_url, child.shutdown_url].map(String::from);
    assert_eq!(urls, ["http://localhost:2/h", "http://localhost:2/i", "http://localhost:2/s"]);
    assert_eq!((child.profile.as_str(), child.include_log), ("itest", true));
    assert_eq!((child.connect_timeout, child.read_timeout), (Duration::from_secs(3), Duration::from_secs(4)));
    assert_eq!((child.stop_grace, child.start_patience), (Duration::from_mins(1), Duration::from_secs(7)));
    assert_eq!(child.environment_prefixes_removed, ["x", "y"]);
    let release = settings.release;
    assert_eq!((release.channel, release.supported_major), (Channel::Earlybird, Some(4)));
    assert_eq!(release.keys, [settings.home.join("a.asc"), settings.home.join("b.asc")]);
    let Source::Digdir { list, downloads, .. } = release.source else { panic!() };
    assert_eq!(list.as_str(), "https://example.org/v.yml?raw=1");
    assert_eq!(downloads.as_str(), "https://mirror.example.org/group/name/releases/download/");
    assert_eq!(settings.network.way.connect_timeout, Duration::from_secs(1));
    assert_eq!(settings.network.read_timeout, Duration::from_secs(2));
    assert_eq!((settings.blocklist.enabled, settings.blocklist.duration), (true, Duration::from_hours(8)));
    let mail = settings.mail.unwrap();
    assert_eq!((mail.host.as_str(), mail.port, mail.security), ("mail.example.org", 26, MailSecurity::StartTls));
    assert_eq!((mail.from.as_str(), mail.append_subject.as_deref()), ("b@example.org", Some("c d")));
    assert_eq!(mail.login.map(|(user, password)| (user, password.reveal().to_owned())), Some(("u".into(), "p".into())));
    assert_eq!(mail.timeout, Duration::from_secs(9));
}

#[test]
fn all_spellings_of_spring_name_the_same_setting() {
    for key in ["baseURL", "base-url", "baseUrl", "base_url", "BASEURL"] {
        let all = properties(&format!("kosmos.integrasjonspunkt.{key}=http://localhost:1"));
        assert_eq!(value(&all, "child.base_url").0, "http://localhost:1", "{key}");
    }
}

#[test]
fn each_setting_can_be_an_environment_variable_or_a_properties_key() {
    let environment: Pairs<'_> = &[
        ("KOSMOS_SCHEDULE_WINDOWLENGTH", "5m"),
        ("KOSMOS_SCHEDULE_WINDOW_0", "0 0 5,6 * * *"),
        ("KOSMOS_SCHEDULE_WINDOW_1_", "0 0 7,8 * * *"),
        ("KOSMOS_RELEASE_KEYS", "a.asc,b.asc"),
        ("KOSMOS_VERIFICATION_PUBLICKEYPATHS_0_", "not-this.asc"),
        ("PATH", "/bin"),
    ];
    let all = loaded(&[("kosmos-local.properties", "kosmos.schedule.splay=3m")], environment, &[]);
    assert_eq!(all.settings.schedule.window_length, Duration::from_mins(5));
    assert_eq!(value(&all, "schedule.window").0, "0 0 5,6 * * *, 0 0 7,8 * * *");
    assert_eq!(all.settings.release.keys.len(), 2);
    assert_eq!(value(&all, "schedule.splay"), ("3m", "kosmos-local.properties:1".into()));
}

#[test]
fn k_40_the_organisation_comes_from_the_integration_point_and_is_not_required() {
    let own = [("integrasjonspunkt-local.properties", "difi.move.org.number=987464291")];
    assert_eq!(loaded(&own, &[], &[]).settings.organisation.as_deref(), Some("987464291"));
    let referring = [own[0], ("kosmos-local.properties", "kosmos.orgnumber=${difi.move.org.number}")];
    assert_eq!(value(&loaded(&referring, &[], &[]), "organisation").1, "kosmos-local.properties:1");
    assert_eq!(toml("").settings.organisation, None);
}

#[test]
fn the_integration_points_own_port_is_believed_when_nobody_says_more() {
    let of = |text: &str| {
        let all = loaded(&[("integrasjonspunkt-local.properties", text)], &[], &[]);
        value(&all, "child.base_url").0.to_owned()
    };
    assert_eq!(of("server.port=9094"), "http://localhost:9094");
    assert_eq!(of("server.port=9094\nserver.servlet.context-path=/ip"), "http://localhost:9094/ip");
    assert_eq!(of("server.port=9094\nmanagement.server.port=9095\nserver.ssl.key-store=x"), "http://localhost:9095");
    assert_eq!(of("server.ssl.key-store=file:x.p12"), "https://localhost:9093");
    assert_eq!(of("server.ssl.key-store=file:x.p12\nserver.ssl.enabled=false"), "http://localhost:9093");
    assert_eq!(of("server.port=0"), "http://localhost:9093");
    assert_eq!(of("server.port=9094\nkosmos.integrasjonspunkt.baseURL=http://localhost:1"), "http://localhost:1");
}

#[test]
fn springs_profile_is_taken_when_it_is_one_of_the_four() {
    for (spring, profile) in [("staging", "staging"), ("itest,cucumber", "itest"), ("cucumber", "production")] {
        let environment = [("SPRING_PROFILES_ACTIVE", spring)];
        assert_eq!(loaded(&[], &environment, &[]).settings.child.profile, profile);
    }
    let both = [("kosmos-local.properties", "spring.profiles.active=staging\nkosmos.integrasjonspunkt.profile=dev")];
    assert_eq!(loaded(&both, &[], &[]).settings.child.profile, "dev");
}

#[test]
fn the_home_may_be_another_folder_and_the_integration_points_file_is_found_there() {
    let own = home(&[("integrasjonspunkt-local.properties", "difi.move.org.number=987464291\nserver.port=7")]);
    let path = own.path().display().to_string().replace('\\', "/");
    let all = loaded(&[("kosmos-local.properties", &format!("kosmos.integrasjonspunkt.home=file:{path}"))], &[], &[]);
    assert_eq!(all.settings.home, own.path());
    assert_eq!(all.settings.organisation.as_deref(), Some("987464291"));
    assert_eq!(all.settings.release.keys, [own.path().join("eformidling-key.asc")]);
    assert_eq!(value(&all, "child.base_url").0, "http://localhost:7");
}

#[test]
fn a_blank_value_in_a_properties_file_is_no_value() {
    let text = "kosmos.orgnumber=\nkosmos.integrasjonspunkt.supportedMajorVersion=\nkosmos.mail.recipient=\nkosmos.verification.publicKeyPaths=";
    let all = properties(text);
    assert_eq!((all.settings.organisation, all.settings.release.supported_major), (None, None));
    assert!(all.settings.mail.is_none() && all.settings.release.keys.len() == 1);
}

#[test]
fn a_stop_is_never_given_less_time_than_a_stop_takes() {
    assert_eq!(properties("kosmos.shutdownRetries=1").settings.child.stop_grace, Duration::from_secs(30));
    assert_eq!(properties("kosmos.shutdownPollIntervalInMs=20000").settings.child.stop_grace, Duration::from_mins(1));
    assert_eq!(toml("[child]\nstop_grace = \"500ms\"").settings.child.stop_grace, Duration::from_millis(500));
}

#[test]
fn a_default_bound_gives_way_to_a_longer_patience() {
    let all = properties("kosmos.launchTimeoutInMs=7200000");
    assert_eq!(all.settings.child.start_patience_bound, Duration::from_hours(2));
    assert_eq!(value(&all, "child.start_patience_bound").1, "from child.start_patience");
}

#[test]
fn a_secret_may_lie_in_a_file() {
    let files: Pairs<'_> = &[
        ("mail.secret", "hunter2 \r\n"),
        ("proxy.secret", "http://u:hunter3@proxy:8080\n"),
        (
            "kosmos.toml",
            "[mail]\nrecipients = [\"a@b.no\"]\nfrom = \"a@b.no\"\nhost = \"h\"\nusername = \"u\"\npassword_file = \"mail.secret\"\n\
             [network]\nproxy_file = \"proxy.secret\"\nno_proxy = \".b.no\"",
        ),
    ];
    let all = loaded(files, &[], &[]);
    assert_eq!(all.settings.mail.unwrap().login.unwrap().1.reveal(), "hunter2 ");
    let Proxy::Url { url, no_proxy } = all.settings.network.way.proxy else { panic!() };
    assert_eq!((url.reveal(), no_proxy.as_deref()), ("http://u:hunter3@proxy:8080", Some(".b.no")));
    assert_eq!(all.files.len(), 3);
}

#[test]
fn mail_is_spoken_as_springs_keys_say() {
    let of = |text: &str| {
        let base = "kosmos.mail.recipient=a@b.no\nkosmos.mail.from=a@b.no\nspring.mail.host=h\n";
        let mail = properties(&format!("{base}{text}")).settings.mail.unwrap();
        (mail.security, mail.port)
    };
    assert_eq!(of(""), (MailSecurity::Plain, 25));
    assert_eq!(of("spring.mail.properties.mail.smtp.starttls.enable=true"), (MailSecurity::StartTlsIfOffered, 25));
    assert_eq!(of("spring.mail.properties.mail.smtp.starttls.required=true"), (MailSecurity::StartTls, 25));
    assert_eq!(of("spring.mail.properties.mail.smtp.ssl.enable=true"), (MailSecurity::Tls, 465));
    assert_eq!(of("spring.mail.protocol=smtps\nspring.mail.port=1465"), (MailSecurity::Tls, 1465));
}

#[test]
fn silence_about_the_integration_points_mail_server_says_nothing_about_ours() {
    let files: Pairs<'_> = &[
        ("integrasjonspunkt-local.properties", "spring.mail.host=theirs"),
        ("kosmos.toml", "[mail]\nrecipients = [\"a@b.no\"]\nfrom = \"a@b.no\"\nhost = \"ours\""),
    ];
    let mail = loaded(files, &[], &[]).settings.mail.unwrap();
    assert_eq!((mail.host.as_str(), mail.security), ("ours", MailSecurity::StartTlsIfOffered));
}

#[test]
fn a_maven_repository_and_a_folder_are_sources_too() {
    let all = toml("[release]\nsource = \"maven\"\nrepository = \"https://maven.example.org/releases\"");
    let Source::Maven { artifact_folder, artifact } = all.settings.release.source else { panic!() };
    let folder = "https://maven.example.org/releases/no/difi/meldingsutveksling/integrasjonspunkt/";
    assert_eq!((artifact_folder.as_str(), artifact.as_str()), (folder, "integrasjonspunkt"));
    let all = toml("[release]\nsource = \"directory:releases\"");
    let Source::Directory { folder, .. } = all.settings.release.source else { panic!() };
    assert_eq!(folder, all.settings.home.join("releases"));
}

#[test]
fn a_fingerprint_may_have_blanks_and_capitals() {
    let all = toml("[release]\nfingerprints = [\"AEF2 7AA6 948A 3856 932A F98E CA56 4339 3753 ECE3\"]");
    assert_eq!(all.settings.release.fingerprints, ["aef27aa6948a3856932af98eca5643393753ece3"]);
}

#[test]
fn files_of_windows_editors_are_read() {
    let all = loaded(&[("kosmos.toml", "\u{feff}[schedule]\r\nsplay = \"1m\"\r\n")], &[], &[]);
    assert_eq!(value(&all, "schedule.splay"), ("1m", "kosmos.toml:2".into()));
    let folder = home(&[]);
    write(&folder, "kosmos-local.properties", b"kosmos.mail.appendSubject=B\xe6rum\r\n");
    let all = load(folder.path(), &[], &[]).unwrap();
    assert_eq!(value(&all, "mail.append_subject").0, "Bærum");
}

#[test]
fn k_34_an_expression_that_fires_each_second_is_told() {
    let all = properties("kosmos.schedulerCronExpression=* 0/3 * * * ?\nkosmos.integrasjonspunkt.profile=dev");
    assert_eq!(all.warnings.len(), 1);
    assert_eq!(all.warnings[0].right, "perhaps \"0 0/3 * * * ?\"");
}

#[test]
fn k_41_another_machine_is_asked_only_when_a_person_says_so() {
    let text = "[child]\nbase_url = \"https://ip.kommune.no\"\ninfo_url = \"http://[::1]:1/info\"\n";
    let folder = home(&[("kosmos.toml", text)]);
    assert!(load(folder.path(), &[], &[]).is_err());
    let all = toml(&format!("{text}allow_remote = true"));
    assert_eq!(all.settings.child.health_url.as_str(), "https://ip.kommune.no/manage/health");
    for here in ["http://localhost:1", "http://127.8.9.1:1", "https://[::1]:1", "http://LOCALHOST"] {
        assert!(load(home(&[]).path(), &[], &pairs(&[("child.base_url", here)])).is_ok(), "{here}");
    }
}

#[test]
fn what_is_right_counts_though_something_else_is_wrong() {
    let folder = home(&[(
        "kosmos.toml",
        "home = \"ip\"\n[schedule]\nlokk = \"15m\"\nlook = \"soon\"\ntimezone = \"UTC\"\n[child]\nkind = 5\n\
         start_patience = \"1h\"\nstart_patience_bound = \"1m\"\n[release]\nsource = \"maven\"\nkeys = [\"\"]\n\
         [mail]\nrecipients = [\"a@b.no\"]\npassword = \"x\"\n\
         [[notice.webhook]]\nurl = \"nonsense\"\n",
    )]);
    std::fs::create_dir(folder.path().join("ip")).unwrap();
    assert!(load(folder.path(), &[], &[]).is_err());
    let settings = load_what_is_right(folder.path(), &[], &[]).unwrap();
    assert_eq!(settings.home, folder.path().join("ip"));
    assert_eq!(settings.schedule.timezone.iana_name(), Some("UTC"));
    assert!(matches!(settings.schedule.look, Look::Every(every) if every == Duration::from_mins(15)));
    assert!(settings.notice.webhooks.is_empty());
    write(&folder, "kosmos.toml", b"[schedule\nlook");
    assert_eq!(load_what_is_right(folder.path(), &[], &[]).unwrap().home, folder.path());
    write(&folder, "kosmos.toml", b"home = \"nowhere\"");
    assert_eq!(load_what_is_right(folder.path(), &[], &[]).unwrap().home, folder.path());
    assert!(load_what_is_right(&folder.path().join("nowhere"), &[], &[]).is_none());
}
