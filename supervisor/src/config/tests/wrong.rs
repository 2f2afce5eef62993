//! Bad input: each gets one clear message.

use super::*;
use crate::config::keys::KEYS;
use std::fmt::Write as _;

const TOML: &[&str] = &[
    "[schedule]\nlook = 15m",
    "[schedule\nlook = \"15m\"",
    "look = \"15m",
    "[child]\njava = \"C:\\kosmos\\java.exe\"",
    "kosmos.integrasjonspunkt.profile=dev",
    "[schedule]\nlook = \"15m\"\nlook = \"20m\"",
    "[schedul]\nlook = \"15m\"",
    "[kosmos]\nprofile = \"dev\"",
    "[colours]\nred = 1",
    "look = \"15m\"",
    "[schedule]\nlokk = \"15m\"",
    "[child]\nbaseURL = \"http://localhost:1\"",
    "[child]\nlook = \"15m\"",
    "[child]\nearlybird = true",
    "[child]\norganisation = \"987464291\"",
    "[release]\nanything = 1",
    "organization = 987464291",
    "organisation = \"98746429\"",
    "organisation = \"987464292\"",
    "organisation = \"98746429x\"",
    "[schedule]\nlook = 15",
    "[schedule]\nlook = \"15\"",
    "[schedule]\nlook = \"15 minutes\"",
    "[schedule]\nlook = \"-15m\"",
    "[schedule]\nlook = \"\"",
    "[schedule]\nlook = [\"15m\"]",
    "[schedule]\nlook = \"1ms\"",
    "[schedule]\nlook = \"10s\"",
    "[schedule]\nsplay = true",
    "[schedule]\nwindow = [\"30 5 * * MON-FRI\"]",
    "[schedule]\nwindow = [\"* 0/3 * * * ?\"]",
    "[schedule]\nwindow = []",
    "[schedule]\nwindow = [[\"0 0 5 * * *\"]]",
    "[schedule]\nwindow = [5]",
    "[schedule]\nwindow_length = \"900d\"",
    "[schedule]\ntimezone = \"Europe/Olso\"",
    "[schedule]\ntimezone = \"CEST time\"",
    "[schedule]\nmode = \"Automatic\"",
    "[schedule]\nmode = \"atuo\"",
    "[schedule]\nblackout = [\"20.12.2026\"]",
    "[schedule]\nblackout = [\"2027-01-02/2026-12-20\"]",
    "[child]\nkind = \"jar\"",
    "[child]\nprofile = \"prod\"",
    "[child]\nprofile = { name = \"dev\" }",
    "[child]\njava = \"java\"",
    "[child]\narguments = [\"-Xmx1g -Xms1g\"]",
    "[child]\narguments = [\"-Djavax.net.ssl.trustStorePassword=hunter2 -Xmx1g\"]",
    "[mail]\npassword = hunter2",
    "[network]\nproxy = http://ola:hunter2@proxy:8080",
    "[network]\nproxy = \"ola:hunter2@proxy:8080\"",
    "[mail]\npassw0rd = hunter2",
    "[mail]\nhost = \"ola:hunter2@smtp.b.no\"",
    "[release]\nlist = \"http://:hunter2@b.no/list?x=y\"",
    "[child]\narguments = [\"-jar\", \"integrasjonspunkt.jar\"]",
    "[child]\nbase_url = \"localhost:9093\"",
    "[child]\nbase_url = \"http://10.0.0.7:9093\"",
    "[child]\nbase_url = \"http://u:hunter2@localhost:9093\"",
    "[child]\nbase_url = \"http://localhost:99999\"",
    "[child]\nallow_remote = \"true\"",
    "[child]\nallow_remote = 1",
    "[child]\nlog_size = 10",
    "[child]\nlog_size = \"10 Mb/s\"",
    "[child]\nlog_files_kept = -1",
    "[child]\nlog_files_kept = \"5\"",
    "[child]\nstart_patience = \"1h\"\nstart_patience_bound = \"30m\"",
    "[child]\nhang_patience = \"always\"",
    "[child]\nkind = \"native\"\njava = \"/opt/java/bin/java\"",
    "[child]\nkind = \"native\"\nlisten = \"9093\"",
    "[child]\nlisten = \"0.0.0.0:9093\"",
    "[child]\nkind = \"native\"\nlisten = \"127.0.0.1:9094\"",
    "[release]\nsource = \"digdri\"",
    "[release]\nsource = \"/srv/releases\"",
    "[release]\nsource = \"directory:\"",
    "[release]\nsource = \"maven\"",
    "[release]\nsource = \"maven\"\nrepository = \"https://m.example.org\"\ndownloads = \"https://d.example.org\"",
    "[release]\nlist = \"http://example.org/versions.yml\"",
    "[release]\ndownloads = \"ftp://example.org/\"",
    "[release]\nartifact = \"../integrasjonspunkt\"",
    "[release]\nsupported_major = \"v4\"",
    "[release]\nsupported_major = 4.0",
    "[release]\nallow = \"four\"",
    "[release]\nkeys = []",
    "[release]\nkeys = [\"https://example.org/key.asc\"]",
    "[release]\nfingerprints = [\"CA5643393753ECE3\"]",
    "[release]\nfingerprints = [\"AEF27AA6948A3856932AF98ECA5643393753ECE\"]",
    "[release]\nfingerprints = [\"AEF27AA6948A3856932AF98ECA5643393753ECEG\"]",
    "[network]\nproxy = \"proxy.example.org:8080\"",
    "[network]\nproxy = \"socks5://u:hunter2@proxy.example.org\"",
    "[network]\nproxy = \"http://u:hunter2@proxy.example.org/path\"",
    "[network]\nproxy_file = \"absent.secret\"",
    "[network]\nno_proxy = \".example.org\"",
    "[network]\nfastest_per_second = \"5KiB\"",
    "[network]\njar_limit = \"2\"",
    "[backup]\npaths = [\"../messages\", \"/etc\"]",
    "[backup]\npaths = [\".\", \"./\", \"a/../b\", \"kosmos\", \"./Kosmos/backup\", \"C:/data\"]",
    "[backup]\nkeep = 0",
    "[mail]\nrecipients = [\"drift\"]",
    "[mail]\nrecipients = [\"a@b.no\"]\nhost = \"h\"",
    "[mail]\nrecipients = [\"a@b.no\"]\nfrom = \"a@b.no\"",
    "[mail]\nfrom = \"a@b.no\"",
    "[mail]\nappend_subject = \"a\\r\\nBcc: x@y.no\"",
    "[mail]\nhost = \"smtp://example.org\"",
    "[mail]\nhost = \"example.org:25\"",
    "[mail]\nport = 70000",
    "[mail]\nusername = \"u\"",
    "[mail]\npassword = \"hunter2\"",
    "[mail]\nusername = \"u\"\npassword = \"hunter2\"\npassword_file = \"kosmos.toml\"",
    "[mail]\nsecurity = \"ssl\"",
    "[notice]\nmetrics = \"kosmos.txt\"",
    "[notice]\nmetrics = 5",
    "[notice]\nmetrisc = \"kosmos.prom\"",
    "[notice]\nwebhook = \"https://h.example.org/T0K3N\"",
    "[notice.webhook]\nurl = \"https://h.example.org/T0K3N\"",
    "[[notice.webhok]]\nurl = \"https://h.example.org/T0K3N\"",
    "[[notice.webhook]]\n\n[[notice.webhook]]\nurl = \"https://h.example.org/\"",
    "[[notice.webhook]]\nurl = \"http://h.example.org/T0K3N\"",
    "[[notice.webhook]]\nurl = \"http://x.localhost/T0K3N\"",
    "[[notice.webhook]]\nurl = \"h.example.org/T0K3N\"",
    "[[notice.webhook]]\nurl = \"ftp://h.example.org/T0K3N\"",
    "[[notice.webhook]]\nurl = \"https://u:hunter2@h.example.org/T0K3N\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/#T0K3N\"",
    "[[notice.webhook]]\nurl = [\"https://h.example.org/T0K3N\"]",
    "[[notice.webhook]]\nurl_file = \"absent.secret\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nevents = [\"upgraded\", \"crash_lop\", \"everything\"]",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nevents = []",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nevnets = [\"upgraded\"]\ncolour = 1",
    "[[notice.webhook]]\nurl = \"https://h.example.org/a\"\n[[notice.webhook]]\nurl = \"https://h.example.org/b\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nname = \"../on call\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nheader = \"X Api Key\"\ntoken = \"T0K3N\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nheader = \"Webhook-Id\"\ntoken = \"T0K3N\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nheader = \"X-Api-Key\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\ntoken = \"T0K3N\\r\\nX: y\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\ntoken = \"T0K3N\"\ntoken_file = \"kosmos.toml\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nsecret = \"T0K3N\"",
    "[[notice.webhook]]\nurl = \"https://h.example.org/\"\nsecret = \"whsec_T0K3N-T0K3N-T0K3N-T0K3N\"",
    "[blocklist]\nenabled = \"yes\"",
    "[blocklist]\nduration = \"2\"",
    "home = \"absent\"",
];

const PROPERTIES: &[&str] = &[
    "kosmos.orgnumber=98746429",
    "kosmos.orgnumber=${difi.move.org.number}",
    "kosmos.orgnumber=${kosmos.orgnumber}",
    "kosmos.mail.from=${a}\na=${b}\nb=${a}",
    "kosmos.integrasjonspunkt.profile=prod",
    "kosmos.integrasjonspunkt.profile=dev   ",
    "kosmos.integrasjonspunkt.profle=dev",
    "kosmos.integrasjonspunkt.baseURL=http://localhost:1\nkosmos.integrasjonspunkt.base-url=http://localhost:2",
    "kosmos.integrasjonspunkt.baseURL=https://ip.kommune.no",
    "kosmos.verification.publicKeyPaths=keys\\digdir.asc",
    "kosmos.integrasjonspunkt.home=C:\\users",
    "kosmos.integrasjonspunkt.earlybird=perhaps",
    "kosmos.integrasjonspunkt.autoRefresh=nei",
    "kosmos.integrasjonspunkt.supportedMajorVersion=v4.0.8",
    "kosmos.integrasjonspunkt.latest-version=v4.0.8",
    "kosmos.integrasjonspunkt.versionsURL=http://raw.githubusercontent.com/versions.yml",
    "kosmos.java-archive-repository-url=github.com",
    "kosmos.schedulerCronExpression=0 30 5,19,21 * *",
    "kosmos.schedulerCronExpression=* 0/3 * * * ?",
    "kosmos.launchTimeoutInMs=150s",
    "kosmos.launchTimeoutInMs=0",
    "kosmos.launchPollIntervalInMs=1000",
    "kosmos.shutdownRetries=0",
    "kosmos.shutdownRetries=3",
    "kosmos.actuatorReadTimeoutInMs=9999999999",
    "kosmos.blocklist.duration-in-hours=2h",
    "kosmos.verification.publicKeyPaths[0]=a.asc\nkosmos.verification.publicKeyPaths[2]=b.asc",
    "kosmos.verification.publicKeyPaths=classpath:key.asc",
    "kosmos.verification.publicKeyPaths=file:100%.asc",
    "kosmos.mail.from[0]=a@b.no",
    "kosmos.colour=red",
    "spring.mail.hots=smtp",
    "spring.mail.properties.mail.smtp.ssl.trust=*",
    "spring.mail.host=h\nspring.mail.username=u\nspring.mail.password=hunter2\nkosmos.mail.recipient=a@b.no\nkosmos.mail.from=a@b.no",
    "spring.application.name=not ours\nserver.port=not ours\ndifi.move.x=${not.ours}",
];

fn each(name: &str, texts: &[&str]) -> String {
    let one = |text: &&str| {
        let said = told(&[(name, text)], &[], &[]);
        let said = if said.is_empty() { "nothing is said\n".to_owned() } else { said };
        format!("{text}\n{said}\n")
    };
    texts.iter().map(one).collect()
}

#[test]
fn each_wrong_line_of_kosmos_toml_gets_one_clear_message() {
    let text = each("kosmos.toml", TOML);
    let messages = text.lines().filter(|line| line.starts_with("kosmos.toml:") || line.starts_with("    right:"));
    assert!(messages.clone().count() > 100 && messages.clone().all(|line| !line.contains("hunter2")));
    insta::assert_snapshot!("kosmos_toml", text);
}

#[test]
fn each_wrong_line_of_a_properties_file_gets_one_clear_message() {
    insta::assert_snapshot!("properties", each("kosmos-local.properties", PROPERTIES));
}

#[test]
fn what_is_called_right_for_a_five_field_cron_is_its_own_correction() {
    let in_toml = told(&[("kosmos.toml", "[schedule]\nwindow = [\"30 5 * * *\"]")], &[], &[]);
    assert!(in_toml.ends_with("right: \"0 30 5 * * *\"\n"), "{in_toml}");
    let in_properties = told(&[("kosmos-local.properties", "kosmos.schedulerCronExpression=30 5 * * *")], &[], &[]);
    assert!(in_properties.ends_with("right: 0 30 5 * * *\n"), "{in_properties}");
    let with_a_year = told(&[("kosmos.toml", "[schedule]\nlook = \"0 30 5 * * ? 2026\"")], &[], &[]);
    assert!(with_a_year.contains("right: \"0 30 5 * * ?\""), "{with_a_year}");
}

#[test]
fn files_that_are_no_text_are_refused() {
    let of = |name: &str, bytes: &[u8]| {
        let folder = home(&[]);
        write(&folder, name, bytes);
        problems_text(&load(folder.path(), &pairs(&[("KOSMOS_CHILD_PROFILE", "dev")]), &[]).unwrap_err())
    };
    let utf16 = of("kosmos-local.properties", b"\xff\xfek\0=\0v\0");
    let latin1 = of("kosmos.toml", b"[mail]\nappend_subject = \"B\xe6rum\"");
    let large = of("kosmos.toml", &vec![b'#'; (1 << 20) + 1]);
    insta::assert_snapshot!([utf16, latin1, large].concat(), @r##"
kosmos-local.properties:1: the file is UTF-16
    right: save it as UTF-8
kosmos.toml: line 2 is not UTF-8
    right: save it as UTF-8
kosmos.toml: it is larger than 1MiB
    right: a settings file
"##);
}

#[test]
fn a_folder_in_the_place_of_a_file_is_told() {
    let folder = home(&[]);
    std::fs::create_dir(folder.path().join("kosmos.toml")).unwrap();
    let problems = load(folder.path(), &[], &[]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.wrong.starts_with("it cannot be read")), "{problems:?}");
}

#[test]
fn a_home_that_is_not_there_is_told() {
    let folder = home(&[]);
    let problems = load(&folder.path().join("absent"), &[], &[]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.wrong.ends_with("is no folder")), "{problems:?}");
}

#[test]
fn no_value_makes_loading_fall() {
    let long = "9".repeat(10_000);
    let values = [
        "",
        " ",
        "0",
        "-1",
        &long,
        "1e99",
        "true",
        "ø",
        "\u{1F600}m",
        "//",
        "://",
        "http://",
        "http://[",
        "http://@:0",
        "file:",
        "file:%zz",
        "file://",
        "C:",
        "\\\\",
        "..",
        "0/0",
        "[]",
        "[0]",
        "${",
        "${}",
        "${:}",
        "${a:${b:${c:}}}",
        "99999999999999999d",
        "%",
        "@",
        "<>",
        "0000-00-00/",
        "9999-12-31/9999-12-31",
        "directory:\0",
        "* * * * * *",
        "@yearly",
        "Etc/GMT+99",
        ">=99999999999999999999",
    ];
    for value in values {
        let escaped = efm::properties::write(KEYS.iter().map(|key| (key.name, value)));
        let properties: String = escaped.lines().flat_map(|line| ["kosmos.", line, "\n"]).collect();
        told(&[("kosmos-local.properties", &properties)], &[], &[]);
        let quoted = value.chars().fold(String::new(), |mut quoted, letter| {
            write!(quoted, "\\U{:08x}", u32::from(letter)).unwrap();
            quoted
        });
        let mut document = String::new();
        let mut last = "";
        for key in KEYS {
            let (section, name) = key.name.split_once('.').unwrap_or(("", key.name));
            if section != last {
                writeln!(document, "[{section}]").unwrap();
                last = section;
            }
            writeln!(document, "{name} = \"{quoted}\"").unwrap();
        }
        let said = told(&[("kosmos.toml", &document)], &[], &[]);
        assert!(!said.contains("not TOML") && !said.contains(": it is not known\n"), "{said}");
    }
}
