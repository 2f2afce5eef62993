//! What `${…}` in a properties file may refer to though nobody set it: KOSMOS' own defaults, which its jar has inside, and
//! the properties of every JVM. They are no settings of ours: those have their defaults in the commented file.

use efm::properties::Sources;
use std::path::Path;

/// By key, as KOSMOS' documentation has them.
const DEFAULTS: &[(&str, &str)] = &[
    ("kosmos.orgnumber", "${difi.move.org.number}"),
    ("kosmos.schedulerCronExpression", "0 30 5,19,21 * * MON-FRI"),
    ("kosmos.integrasjonspunkt.baseURL", "http://localhost:9093"),
    ("kosmos.integrasjonspunkt.healthURL", "${kosmos.integrasjonspunkt.baseURL}/manage/health"),
    ("kosmos.integrasjonspunkt.infoURL", "${kosmos.integrasjonspunkt.baseURL}/manage/info"),
    ("kosmos.integrasjonspunkt.shutdownURL", "${kosmos.integrasjonspunkt.baseURL}/manage/shutdown"),
    ("kosmos.integrasjonspunkt.home", "${user.dir}"),
    ("kosmos.integrasjonspunkt.profile", "production"),
    ("kosmos.integrasjonspunkt.earlybird", "false"),
    ("kosmos.integrasjonspunkt.include-log", "false"),
    ("kosmos.integrasjonspunkt.autoRefresh", "true"),
    (
        "kosmos.integrasjonspunkt.versionsURL",
        "https://raw.githubusercontent.com/felleslosninger/efm-integrasjonspunkt/refs/heads/main/latest-versions.yml",
    ),
    ("kosmos.java-archive-repository-url", "https://github.com"),
    ("kosmos.groupId", "felleslosninger"),
    ("kosmos.artifactId", "efm-integrasjonspunkt/"),
    ("kosmos.java-archive-repository-connect-timeout-in-ms", "5000"),
    ("kosmos.java-archive-repository-read-timeout-in-ms", "60000"),
    ("kosmos.actuatorConnectTimeoutInMs", "5000"),
    ("kosmos.actuatorReadTimeoutInMs", "5000"),
    ("kosmos.shutdownRetries", "3"),
    ("kosmos.shutdownPollIntervalInMs", "5000"),
    ("kosmos.launchTimeoutInMs", "150000"),
    ("kosmos.launchPollIntervalInMs", "1000"),
    ("kosmos.blocklist.enabled", "false"),
    ("kosmos.blocklist.duration-in-hours", "2"),
    ("kosmos.verification.publicKeyPaths[0]", "file:eformidling-key.asc"),
    ("kosmos.environment.prefixesRemovedFromChildProcess[0]", "spring"),
    ("kosmos.environment.prefixesRemovedFromChildProcess[1]", "kosmos"),
];

/// Lays them below all that is given. `folder` is that of the settings, in which KOSMOS works.
pub(super) fn lay_below(sources: &mut Sources, folder: &Path, environment: &[(String, String)]) {
    for (key, value) in DEFAULTS {
        sources.set_default(key, value);
    }
    let variable = |wanted: &str| {
        let is_it = |name: &str| if cfg!(windows) { name.eq_ignore_ascii_case(wanted) } else { name == wanted };
        environment.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value.as_str())
    };
    sources.set_default("user.dir", &folder.display().to_string());
    if let Some(home) = variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" }) {
        sources.set_default("user.home", home);
    }
    // On Unix a JVM does not ask TMPDIR.
    let temporary = if cfg!(windows) { variable("TMP").or_else(|| variable("TEMP")) } else { Some("/tmp") };
    if let Some(temporary) = temporary {
        sources.set_default("java.io.tmpdir", temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::{KEYS, WITHOUT_USE, WORKED_OUT};
    use efm::properties::{canonical, without_index};

    #[test]
    fn each_is_a_key_that_we_know() {
        let of_keys = KEYS.iter().flat_map(|key| key.properties.iter().map(|(name, _)| *name));
        let others = WORKED_OUT.iter().copied().chain(WITHOUT_USE.iter().map(|(name, _)| *name));
        let known: Vec<String> = of_keys.chain(others).map(canonical).collect();
        for (key, _) in DEFAULTS {
            let key = canonical(key);
            assert!(known.iter().any(|known| known == without_index(&key).0), "{key}");
        }
    }

    #[test]
    fn none_leads_to_something_that_only_a_site_can_know_but_the_number_of_its_organisation() {
        let mut sources = Sources::default();
        let environment = ["HOME", "USERPROFILE", "TMP"].map(|name| (name.to_owned(), "/somewhere".to_owned()));
        lay_below(&mut sources, Path::new("/opt/kosmos"), &environment);
        let jvm = ["user.dir", "user.home", "java.io.tmpdir"];
        let all = DEFAULTS.iter().map(|(key, _)| *key).chain(jvm).filter(|key| *key != "kosmos.orgnumber");
        for key in all {
            let entry = efm::properties::write([("x", format!("${{{key}}}").as_str())]);
            sources.push_file(Path::new("x"), efm::properties::Properties::read(entry.as_bytes()));
            let found = sources.text("x").unwrap().unwrap().text;
            assert!(!found.is_empty() && !found.contains('$'), "{key}: {found}");
        }
    }
}
