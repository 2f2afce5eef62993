//! Settings to look with, where some are wrong: those are left out, and what depends on them is not looked at. Nothing is run
//! with what comes of it.

use super::keys::KEYS;
use super::{Arguments, Settings, Severity, attempt};
use efm::properties::canonical;
use std::collections::BTreeSet;
use std::path::Path;

/// What a setting stands for may hide another one that is wrong, and so on.
const ROUNDS: usize = 8;

/// Where one of these is wrong, this stands in.
const INSTEAD: &[(&str, &str, &str)] = &[
    ("difi.move.org.number", "difi.move.org.number", "000000000"),
    ("difi.move.org.keystore.", "difi.move.org.keystore.path", ""),
    ("difi.ssl.", "difi.ssl.enabled", "false"),
    ("difi.security.", "difi.move.feature.enable-auth", "false"),
    ("difi.move.dpo.", "difi.move.feature.enableDPO", "false"),
    ("integrasjonspunkt.loopback.", "integrasjonspunkt.loopback.folder", ""),
];

/// What can be looked at all the same, and the keys that were left out; none where not even that can be had.
pub fn without_wrong(
    folder: &Path,
    environment: &[(String, String)],
    arguments: &Arguments,
) -> Option<(Settings, BTreeSet<String>)> {
    let (mut arguments, mut left_out) = (arguments.clone(), BTreeSet::new());
    for _ in 0..ROUNDS {
        let (settings, problems, _) = attempt(folder, environment, &arguments);
        let wrong: BTreeSet<String> =
            problems.iter().filter(|problem| problem.severity == Severity::Error).map(|it| named(&it.key)).collect();
        if wrong.contains("") {
            // A file as a whole: what stands in it is not known.
            return None;
        }
        let new: Vec<String> = wrong.difference(&left_out).cloned().collect();
        if new.is_empty() {
            return settings.map(|settings| (settings, left_out));
        }
        arguments.settings.extend(new.iter().map(|key| instead(key)));
        left_out.extend(new);
    }
    None
}

/// As it is called here, however it was written.
fn named(key: &str) -> String {
    let wanted = canonical(key);
    let known = KEYS.iter().find(|known| canonical(known.name) == wanted);
    known.map_or_else(|| key.to_owned(), |known| known.name.to_owned())
}

fn instead(key: &str) -> (String, String) {
    let group = INSTEAD.iter().find(|(group, ..)| key.starts_with(group));
    let default = || KEYS.iter().find(|known| known.name == key).and_then(|known| known.default).unwrap_or_default();
    let (key, value) = group.map_or_else(|| (key, default()), |(_, key, value)| (*key, *value));
    (key.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(given: &[&str]) -> Option<(Settings, Vec<String>)> {
        let arguments = super::super::split(given.iter().map(|it| (*it).to_owned())).1;
        let found = without_wrong(Path::new("nowhere"), &[], &arguments);
        found.map(|(settings, left_out)| (settings, left_out.into_iter().collect()))
    }

    #[test]
    fn what_is_wrong_is_left_out_and_the_rest_is_as_it_was_given() {
        let (settings, left_out) = looked(&[]).unwrap();
        let missing =
            ["difi.move.org.number", "difi.security.user.name", "difi.security.user.password", "difi.ssl.key-store"];
        assert_eq!(left_out, missing);
        assert_eq!(settings.port, 9093);

        let given = [
            "--difi.move.org.number=910077473",
            "--SERVER.port=many",
            "--difi.ssl.enabled=perhaps",
            "--difi.security.enable=false",
            "--difi.datasource.url=jdbc:h2:mem:x",
            "--difi.move.queue.concurrency=1000",
            "--difi.move.feature.enableDPO=true",
            "--difi.move.dpo.brokerserviceUrl=here",
            "--difi.move.nextmove.lockTimeoutMinutes=7",
        ];
        let (settings, left_out) = looked(&given).unwrap();
        let wrong = [
            "difi.datasource.url",
            "difi.move.dpo.brokerserviceUrl",
            "difi.move.queue.concurrency",
            "difi.ssl.enabled",
            "server.port",
        ];
        assert_eq!(left_out, wrong);
        assert_eq!(settings.organisation, "910077473");
        assert_eq!((settings.lock.as_secs(), settings.concurrency, settings.dpo.is_none()), (420, 10, true));
    }
}
