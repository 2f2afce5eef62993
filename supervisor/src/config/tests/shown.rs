//! What people read.

use super::*;
use crate::config::show;

#[test]
fn each_setting_is_shown_with_where_it_came_from_and_no_secret() {
    let files: Pairs<'_> = &[
        ("integrasjonspunkt-local.properties", "difi.move.org.number=987464291\nserver.port=9094\n"),
        (
            "kosmos-local.properties",
            "kosmos.schedulerCronExpression=0 0 6 * * ?\nkosmos.shutdownRetries=12\nkosmos.mail.recipient=a@b.no\n\
             kosmos.mail.from=k@b.no\nspring.mail.host=smtp.b.no\nspring.mail.username=u\nspring.mail.password=hunter2\n\
             kosmos.verification.publicKeyPaths[0]=file:a.asc\nkosmos.verification.publicKeyPaths[1]=b.asc",
        ),
        (
            "kosmos.toml",
            "[child]\nprofile = \"staging\"\narguments = [\"-Xmx1g\", \"-Dkeystore.password=hunter2\", \"--keystore.pwd=hunter2\"]\n\
             [network]\nproxy = \"http://u:hunter2@proxy.b.no:8080\"\n",
        ),
    ];
    let folder = home(files);
    let environment = pairs(&[("KOSMOS_SCHEDULE_MODE", "stage")]);
    let mut loaded = load(folder.path(), &environment, &pairs(&[("schedule.look", "never")])).unwrap();
    for one in &mut loaded.origins {
        // Before it is laid out: the folder's name is not as long everywhere.
        one.value = one.value.as_deref().map(|value| plain(value, folder.path()));
    }
    let text = show(&loaded);
    assert!(!text.contains("hunter2"));
    insta::assert_snapshot!(text, @r##"
home                                HOME                                              default
organisation                        987464291                                         integrasjonspunkt-local.properties:1
host.homes                          -                                                 default
schedule.look                       never                                             command line
schedule.splay                      5m                                                default
schedule.window                     0 0 6 * * ?                                       kosmos-local.properties:1
schedule.window_length              1h                                                default
schedule.timezone                   Europe/Oslo                                       default
schedule.mode                       stage                                             environment KOSMOS_SCHEDULE_MODE
schedule.longest_deferral           -                                                 default
schedule.blackout                   -                                                 default
child.kind                          java                                              default
child.java                          -                                                 default
child.arguments                     -Xmx1g, -Dkeystore.password=********, --keystore.pwd=********  kosmos.toml:3
child.profile                       staging                                           kosmos.toml:2
child.stop_grace                    1m                                                kosmos-local.properties:2
child.start_patience                150s                                              default
child.start_patience_bound          30m                                               default
child.probation                     10m                                               default
child.base_url                      http://localhost:9094                             integrasjonspunkt-local.properties:2
child.health_url                    http://localhost:9094/manage/health               from child.base_url
child.info_url                      http://localhost:9094/manage/info                 from child.base_url
child.shutdown_url                  http://localhost:9094/manage/shutdown             from child.base_url
child.allow_remote                  false                                             default
child.connect_timeout               5s                                                default
child.read_timeout                  5s                                                default
child.include_log                   false                                             default
child.environment_prefixes_removed  spring, kosmos                                    default
child.log_size                      10MiB                                             default
child.log_files_kept                5                                                 default
child.hang_patience                 never                                             default
child.listen                        none                                              default
child.own_components                db, jms, livenessState, ping, readinessState      default
release.source                      digdir                                            default
release.list                        https://raw.githubusercontent.com/felleslosninger/efm-integrasjonspunkt/refs/heads/main/latest-versions.yml  default
release.downloads                   https://github.com/felleslosninger/efm-integrasjonspunkt/releases/download/  default
release.repository                  -                                                 default
release.group                       no.difi.meldingsutveksling                        default
release.artifact                    integrasjonspunkt                                 default
release.channel                     latest                                            default
release.supported_major             -                                                 default
release.allow                       -                                                 default
release.keys                        HOME/a.asc, HOME/b.asc                            kosmos-local.properties:8
release.fingerprints                -                                                 default
release.accept_expired_key          false                                             default
network.proxy                       http://********@proxy.b.no:8080                   kosmos.toml:5
network.proxy_file                  -                                                 default
network.no_proxy                    -                                                 default
network.ca_file                     -                                                 default
network.connect_timeout             5s                                                default
network.read_timeout                1m                                                default
network.total_timeout               2m                                                default
network.slowest_per_second          4KiB                                              default
network.fastest_per_second          unlimited                                         default
network.list_limit                  1MiB                                              default
network.signature_limit             64KiB                                             default
network.jar_limit                   2GiB                                              default
backup.paths                        integrasjonspunkt.mv.db, activemq-data, messages  default
backup.keep                         3                                                 default
mail.recipients                     a@b.no                                            kosmos-local.properties:3
mail.from                           k@b.no                                            kosmos-local.properties:4
mail.append_subject                 -                                                 default
mail.host                           smtp.b.no                                         kosmos-local.properties:5
mail.port                           25                                                from mail.security
mail.username                       u                                                 kosmos-local.properties:6
mail.password                       ********                                          kosmos-local.properties:7
mail.password_file                  -                                                 default
mail.security                       plain                                             kosmos-local.properties:5
mail.timeout                        30s                                               default
mail.ca_file                        -                                                 default
notice.metrics                      -                                                 default
notice.webhook                      -                                                 default
blocklist.enabled                   false                                             default
blocklist.duration                  2h                                                default
"##);
}

#[test]
fn each_webhook_is_shown_with_its_own_lines_and_no_secret() {
    let toml = "[notice]\nmetrics = \"kosmos.prom\"\n\n[[notice.webhook]]\nname = \"on-call\"\n\
                url = \"https://hooks.example.org/T0K3N?key=T0K3N\"\nevents = [\"upgraded\", \"crash-loop\"]\n\
                secret = \"a long and secret T0K3N\"\ntoken = \"Bearer T0K3N\"\n\n[[notice.webhook]]\nurl_file = \"url\"\n\
                secret_file = \"key\"\nheader = \"X-Api-Key\"\ntoken_file = \"token\"\n";
    let files: Pairs<'_> = &[
        ("kosmos.toml", toml),
        ("url", "http://127.0.0.1:8080/T0K3N\n"),
        ("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"),
        ("token", "T0K3N"),
    ];
    let folder = home(files);
    let mut loaded = load(folder.path(), &[], &[]).unwrap_or_else(|problems| panic!("{}", problems_text(&problems)));
    let hooks = &loaded.settings.notice.webhooks;
    let header = |number: usize| hooks[number].header.as_ref().map(|(name, value)| (name.as_str(), value.reveal()));
    assert_eq!(hooks.len(), 2);
    assert_eq!((hooks[0].name.as_str(), hooks[1].name.as_str()), ("on-call", "127.0.0.1"));
    assert_eq!(hooks[0].url.reveal(), "https://hooks.example.org/T0K3N?key=T0K3N");
    assert_eq!((header(0), header(1)), (Some(("Authorization", "Bearer T0K3N")), Some(("X-Api-Key", "T0K3N"))));
    assert_eq!(hooks[1].secret.as_ref().unwrap().reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_eq!((hooks[0].events.as_ref().map(Vec::len), hooks[1].events.as_ref()), (Some(2), None));
    assert_eq!(loaded.settings.notice.metrics.as_deref(), Some(folder.path().join("kosmos.prom").as_path()));
    assert!(!format!("{:?}", loaded.settings).contains("T0K3N"));
    loaded.origins.retain(|one| one.name.starts_with("notice"));
    for one in &mut loaded.origins {
        one.value = one.value.as_deref().map(|value| plain(value, folder.path()));
    }
    let text = show(&loaded);
    assert!(!text.contains("T0K3N") && !text.contains("whsec"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_files() {
    let text = told(
        &[
            ("integrasjonspunkt-local.properties", "difi.move.org.number=987464292\nspring.mail.hst=not ours\n"),
            (
                "kosmos-local.properties",
                "kosmos.integrasjonspunkt.profil=dev\nkosmos.orgnumber=${difi.move.org.nummer}\n\nkosmos.blocklist.enabled=ja \n",
            ),
            (
                "kosmos.toml",
                "[schedule]\nlok = \"15m\"\nsplay = \"5\"\n\n[child]\nbase_url = \"http://ip.kommune.no:9093\"\n",
            ),
        ],
        &[("KOSMOS_SCHEDULE_MODE", "automatic"), ("KOSMOS_SCHEDULE_SPLAI", "1m")],
        &[("schedule.look", "soon")],
    );
    insta::assert_snapshot!(text, @r##"
integrasjonspunkt-local.properties:1: difi.move.org.number: 987464292 has a wrong check digit
    right: the number from Brønnøysund: its last digit follows from the others, so one of them is mistyped
kosmos-local.properties:1: warning: kosmos.integrasjonspunkt.profil: it is not known and does nothing
    right: perhaps kosmos.integrasjonspunkt.profile
kosmos-local.properties:2: kosmos.orgnumber: `${difi.move.org.nummer}` is not set anywhere
    right: set difi.move.org.nummer in kosmos-local.properties or integrasjonspunkt-local.properties, or write ${difi.move.org.nummer:default}
kosmos-local.properties:4: kosmos.blocklist.enabled: `ja` is neither true nor false
    right: true or false
kosmos-local.properties:4: warning: kosmos.blocklist.enabled: there was white space at the end, which is left out
    right: no white space at the end of the line
kosmos.toml:2: schedule.lok: it is not known
    right: perhaps `look` in [schedule]
kosmos.toml:3: schedule.splay: `5` has no unit
    right: a number and a unit, like "250ms", "90s", "10m", "1h" or "1h30m"
kosmos.toml:6: child.base_url: `http://ip.kommune.no:9093` is not this machine, where alone processes are started and stopped
    right: http://localhost:9093/; or allow_remote = true in [child] of kosmos.toml, if it is this machine by another name
environment KOSMOS_SCHEDULE_MODE: `automatic` is not known
    right: "auto", "stage", "notify" or "off"
environment KOSMOS_SCHEDULE_SPLAI: warning: it is not known and does nothing
    right: perhaps KOSMOS_SCHEDULE_SPLAY
command line: schedule.look: `soon` is no duration
    right: a number and a unit, like "250ms", "90s", "10m", "1h" or "1h30m"; or a cron expression; or "never"
"##);
}
