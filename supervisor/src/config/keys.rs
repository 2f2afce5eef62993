//! All settings by name: in `kosmos.toml`, and as Digdir's KOSMOS and Spring call them.

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Section and name in `kosmos.toml`; no section: above the first one.
    pub(super) name: &'static str,
    /// Its keys in properties files besides `kosmos.<name>`, the strongest first.
    pub(super) properties: &'static [(&'static str, Unit)],
    /// One value or several.
    pub(super) shape: Shape,
    /// Its value is never shown.
    pub(super) is_secret: bool,
}

/// One value or several, and how several are written where there is only text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    /// `a, b`
    ManyByComma,
    /// One text is one value, since a value may hold commas.
    Many,
    /// Sections of its own, `[[section.name]]`, each with these. Only `kosmos.toml` can say so much.
    Tables(&'static [Key]),
}

/// In what a bare number is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    AsWritten,
    Milliseconds,
    Hours,
}

const fn one(name: &'static str) -> Key {
    Key { name, properties: &[], shape: Shape::One, is_secret: false }
}

const fn also(name: &'static str, properties: &'static [(&'static str, Unit)]) -> Key {
    Key { properties, ..one(name) }
}

const fn many(name: &'static str, shape: Shape, properties: &'static [(&'static str, Unit)]) -> Key {
    Key { properties, shape, ..one(name) }
}

const fn secret(name: &'static str, properties: &'static [(&'static str, Unit)]) -> Key {
    Key { properties, is_secret: true, ..one(name) }
}

use Unit::{AsWritten, Hours, Milliseconds};

/// In the order in which they are shown.
pub(super) const KEYS: &[Key] = &[
    also("home", &[("kosmos.integrasjonspunkt.home", AsWritten)]),
    also("organisation", &[("kosmos.orgnumber", AsWritten)]),
    many("host.homes", Shape::ManyByComma, &[]),
    one("schedule.look"),
    one("schedule.splay"),
    many("schedule.window", Shape::Many, &[("kosmos.schedulerCronExpression", AsWritten)]),
    one("schedule.window_length"),
    one("schedule.timezone"),
    one("schedule.mode"),
    one("schedule.longest_deferral"),
    many("schedule.blackout", Shape::ManyByComma, &[]),
    one("child.kind"),
    one("child.java"),
    many("child.arguments", Shape::Many, &[]),
    also("child.profile", &[("kosmos.integrasjonspunkt.profile", AsWritten)]),
    one("child.stop_grace"),
    also("child.start_patience", &[("kosmos.launchTimeoutInMs", Milliseconds)]),
    one("child.start_patience_bound"),
    one("child.probation"),
    also("child.base_url", &[("kosmos.integrasjonspunkt.baseURL", AsWritten)]),
    also("child.health_url", &[("kosmos.integrasjonspunkt.healthURL", AsWritten)]),
    also("child.info_url", &[("kosmos.integrasjonspunkt.infoURL", AsWritten)]),
    also("child.shutdown_url", &[("kosmos.integrasjonspunkt.shutdownURL", AsWritten)]),
    one("child.allow_remote"),
    also("child.connect_timeout", &[("kosmos.actuatorConnectTimeoutInMs", Milliseconds)]),
    also("child.read_timeout", &[("kosmos.actuatorReadTimeoutInMs", Milliseconds)]),
    also("child.include_log", &[("kosmos.integrasjonspunkt.include-log", AsWritten)]),
    many(
        "child.environment_prefixes_removed",
        Shape::ManyByComma,
        &[("kosmos.environment.prefixesRemovedFromChildProcess", AsWritten)],
    ),
    one("child.log_size"),
    one("child.log_files_kept"),
    one("child.hang_patience"),
    one("child.listen"),
    many("child.own_components", Shape::ManyByComma, &[]),
    one("release.source"),
    also("release.list", &[("kosmos.integrasjonspunkt.versionsURL", AsWritten)]),
    one("release.downloads"),
    one("release.repository"),
    one("release.group"),
    one("release.artifact"),
    one("release.channel"),
    also("release.supported_major", &[("kosmos.integrasjonspunkt.supportedMajorVersion", AsWritten)]),
    one("release.allow"),
    many("release.keys", Shape::ManyByComma, &[("kosmos.verification.publicKeyPaths", AsWritten)]),
    many("release.fingerprints", Shape::ManyByComma, &[]),
    one("release.accept_expired_key"),
    secret("network.proxy", &[]),
    one("network.proxy_file"),
    one("network.no_proxy"),
    one("network.ca_file"),
    also("network.connect_timeout", &[("kosmos.java-archive-repository-connect-timeout-in-ms", Milliseconds)]),
    also("network.read_timeout", &[("kosmos.java-archive-repository-read-timeout-in-ms", Milliseconds)]),
    one("network.total_timeout"),
    one("network.slowest_per_second"),
    one("network.fastest_per_second"),
    one("network.list_limit"),
    one("network.signature_limit"),
    one("network.jar_limit"),
    many("backup.paths", Shape::ManyByComma, &[]),
    one("backup.keep"),
    many("mail.recipients", Shape::ManyByComma, &[("kosmos.mail.recipient", AsWritten)]),
    also("mail.from", &[("kosmos.mail.from", AsWritten)]),
    also("mail.append_subject", &[("kosmos.mail.appendSubject", AsWritten)]),
    also("mail.host", &[("spring.mail.host", AsWritten)]),
    also("mail.port", &[("spring.mail.port", AsWritten), ("spring.mail.properties.mail.smtp.port", AsWritten)]),
    also("mail.username", &[("spring.mail.username", AsWritten)]),
    secret("mail.password", &[("spring.mail.password", AsWritten)]),
    one("mail.password_file"),
    one("mail.security"),
    also(
        "mail.timeout",
        &[
            ("spring.mail.properties.mail.smtp.timeout", Milliseconds),
            ("spring.mail.properties.mail.smtp.connectiontimeout", Milliseconds),
            ("spring.mail.properties.mail.smtp.writetimeout", Milliseconds),
        ],
    ),
    one("mail.ca_file"),
    one("notice.metrics"),
    Key { shape: Shape::Tables(WEBHOOK), ..one("notice.webhook") },
    also("blocklist.enabled", &[("kosmos.blocklist.enabled", AsWritten)]),
    also("blocklist.duration", &[("kosmos.blocklist.duration-in-hours", Hours)]),
];

/// What a `[[notice.webhook]]` may say.
pub(super) const WEBHOOK: &[Key] = &[
    one("notice.webhook.name"),
    one("notice.webhook.url"),
    one("notice.webhook.url_file"),
    many("notice.webhook.events", Shape::ManyByComma, &[]),
    secret("notice.webhook.secret", &[]),
    one("notice.webhook.secret_file"),
    one("notice.webhook.header"),
    secret("notice.webhook.token", &[]),
    one("notice.webhook.token_file"),
];

/// Keys of KOSMOS and Spring from which a setting is worked out.
pub(super) const WORKED_OUT: &[&str] = &[
    "kosmos.integrasjonspunkt.autoRefresh",
    "kosmos.integrasjonspunkt.earlybird",
    "kosmos.java-archive-repository-url",
    "kosmos.groupId",
    "kosmos.artifactId",
    "kosmos.shutdownRetries",
    "kosmos.shutdownPollIntervalInMs",
    "spring.mail.protocol",
    "spring.mail.ssl.enabled",
    "spring.mail.properties.mail.smtp.auth",
    "spring.mail.properties.mail.smtp.starttls.enable",
    "spring.mail.properties.mail.smtp.starttls.required",
    "spring.mail.properties.mail.smtp.ssl.enable",
];

/// Keys of KOSMOS and Spring that are accepted and do nothing, and what to do about them.
pub(super) const WITHOUT_USE: &[(&str, &str)] = &[
    ("kosmos.launchPollIntervalInMs", "leave it out: a start is noticed when it happens, not at intervals"),
    ("kosmos.integrasjonspunkt.latest-version", "leave it out: versions come from the list"),
    ("kosmos.integrasjonspunkt.earlybird-version", "leave it out: versions come from the list"),
    ("spring.mail.default-encoding", "leave it out: mail is UTF-8"),
    ("spring.mail.test-connection", "leave it out: mail is queued until the server answers"),
    ("spring.mail.jndi-name", "spring.mail.host"),
    ("spring.mail.properties.mail.debug", "leave it out"),
    ("spring.mail.properties.mail.transport.protocol", "spring.mail.protocol"),
    ("spring.mail.properties.mail.smtp.localhost", "leave it out: the name of this machine is taken"),
    (
        "spring.mail.properties.mail.smtp.ssl.trust",
        "[mail] ca_file in kosmos.toml: the server's name and certificate are always checked",
    ),
];

/// The setting of this name.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().chain(WEBHOOK).find(|key| key.name == name)
}

/// The sections, in order.
pub(super) fn sections() -> Vec<&'static str> {
    let mut all: Vec<_> = KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0)).collect();
    all.dedup();
    all
}

/// `look` in `[schedule]`, as a message names a setting.
pub(super) fn in_words(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((section, name)) if key(section).is_some() => format!("`{name}` in [[{section}]]"),
        Some((section, name)) => format!("`{name}` in [{section}]"),
        None => format!("`{name}`, above the first [section]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn no_two_settings_share_a_properties_key_or_an_environment_variable() {
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        for key in KEYS {
            let own = format!("kosmos.{}", key.name);
            for name in key.properties.iter().map(|(name, _)| *name).chain([own.as_str()]) {
                let variable = efm::properties::environment_name(name).replace('_', "");
                let owner = owners.entry(variable).or_insert(key.name);
                assert_eq!(*owner, key.name, "{name}");
            }
        }
        for name in WORKED_OUT.iter().copied().chain(WITHOUT_USE.iter().map(|(name, _)| *name)) {
            assert_eq!(owners.get(&efm::properties::environment_name(name).replace('_', "")), None, "{name}");
        }
    }

    #[test]
    fn each_section_stands_in_one_piece() {
        let mut once = sections();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), sections().len());
    }
}
