//! The YAML list of versions as Digdir publishes it, read strictly where it concerns us and not at all elsewhere. Pure.
//!
//! ```yaml
//! integrasjonspunkt:
//!   environments:
//!     production: { latest: v4.0.8, earlybird: v4.1.0-beta }
//! ```

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

use crate::config::settings::Channel;
use crate::release::Tag;
use efm::outside::headers::clip;

/// How many environments an error names.
const NAMES_TOLD: usize = 12;

/// The version that the list wants for this profile on this channel; or what is wrong with the list, in words.
pub fn wanted(text: &str, profile: &str, channel: Channel) -> Result<Tag, String> {
    if text.trim().is_empty() {
        return Err("it is no list of versions: it is empty".into());
    }
    let found = serde_saphyr::with_deserializer_from_str_with_options(text, options(), |list| {
        Walk { path: &["integrasjonspunkt", "environments"], profile }.deserialize(list)
    });
    let Environments { names, ours } =
        found.map_err(|error| format!("it is no list of versions: {}", one_line(&error)))?;
    let has = || match names.as_slice() {
        [] => "the list has no environments".to_owned(),
        names => format!("the list has {}", names.join(", ")),
    };
    let Some(ours) = ours else { return Err(format!("there is no environment {profile:?}; {}", has())) };
    let (key, version) = pick(&ours, channel);
    let version = version.ok_or_else(|| format!("{profile} has no {key} version; {}", has()))?;
    if channel == Channel::Earlybird && key == "latest" {
        tracing::info!(profile, version, "no earlybird version in the list, taking latest");
    }
    version.parse().map_err(|error| format!("{key} of {profile}: {error}; {}", has()))
}

fn pick(ours: &Entry, channel: Channel) -> (&'static str, Option<&str>) {
    match (channel, ours.earlybird.text()) {
        (Channel::Earlybird, Some(version)) => ("earlybird", Some(version)),
        (Channel::Earlybird | Channel::Latest, _) => ("latest", ours.latest.text()),
    }
}

/// What a list of some dozen lines needs, with room; nothing that grows.
fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_events: 20_000,
        max_nodes: 10_000,
        max_depth: 16,
        max_documents: 1,
        max_anchors: 0,
        max_aliases: 0,
        max_merge_keys: 0,
        max_total_scalar_bytes: 1 << 20,
    };
    serde_saphyr::options! {
        budget: budget,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
    }
}

/// What is wrong, without the library's advice to those who program with it.
fn one_line(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Bad;
    let at = error.location().map_or_else(String::new, |at| format!(" at line {}, column {}", at.line(), at.column()));
    #[allow(clippy::wildcard_enum_match_arm, reason = "the enum is open; whatever else comes is told as it is")]
    let text = match error.without_snippet() {
        Bad::Budget { .. } => {
            format!("it is larger or deeper than any such list, or unfolds parts of itself (`&`, `*`, `<<`){at}")
        }
        Bad::DuplicateMappingKey { key: Some(key), .. } => format!("{:?} is there twice{at}", clip(key)),
        Bad::DuplicateMappingKey { key: None, .. } => format!("a key is there twice{at}"),
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// The environments of the list: the names of all, the content of ours.
#[derive(Debug, Default)]
struct Environments {
    names: Vec<String>,
    ours: Option<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    #[serde(default)]
    latest: Scalar,
    #[serde(default)]
    earlybird: Scalar,
}

/// A value as it is written: `4.0` stays `4.0`, and is refused as a version later, with words that a person understands.
#[derive(Debug, Default)]
struct Scalar(Option<String>);

impl Scalar {
    fn text(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::<String>::deserialize(from).map(Self)
    }
}

/// Walks down the keys of `path`, then collects the environments.
struct Walk<'a> {
    path: &'a [&'a str],
    profile: &'a str,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Environments;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Environments, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Environments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.first() {
            Some(key) => write!(f, "a map with {key}: in it"),
            None => f.write_str("a map of environments"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Environments, A::Error> {
        match self.path.split_first() {
            Some((key, path)) => below(map, key, Walk { path, ..self }),
            None => environments(map, self.profile),
        }
    }
}

/// The value of one key; the others are not ours to judge.
fn below<'de, A: MapAccess<'de>>(mut map: A, wanted: &str, walk: Walk<'_>) -> Result<Environments, A::Error> {
    let mut walk = Some(walk);
    let mut found = None;
    while let Some(key) = map.next_key::<String>()? {
        match walk.take_if(|_| key == wanted) {
            Some(walk) => found = Some(map.next_value_seed(walk)?),
            None => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    found.ok_or_else(|| A::Error::custom(format!("there is no {wanted}: in it")))
}

fn environments<'de, A: MapAccess<'de>>(mut map: A, profile: &str) -> Result<Environments, A::Error> {
    let mut found = Environments::default();
    while let Some(name) = map.next_key::<String>()? {
        if name == profile {
            found.ours = Some(map.next_value::<Option<Entry>>()?.unwrap_or_default());
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        if found.names.len() < NAMES_TOLD {
            found.names.push(clip(&name));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_TODAY: &str = "\
integrasjonspunkt:
  environments:
    dev:
      latest: v4.0.8
      earlybird: v4.1.0-beta
    staging: { latest: v4.0.8, earlybird: '' }
    production: { latest: 4.0.7, earlybird: }
";

    fn latest(text: &str) -> Result<String, String> {
        wanted(text, "production", Channel::Latest).map(|tag| tag.as_str().to_owned())
    }

    fn with(production: &str) -> String {
        format!("integrasjonspunkt:\n  environments:\n    dev: 3\n    production: {production}\n")
    }

    #[test]
    fn the_list_of_today_is_read_with_and_without_v() {
        let of = |profile, channel| wanted(OF_TODAY, profile, channel).unwrap().as_str().to_owned();
        assert_eq!(of("dev", Channel::Latest), "v4.0.8");
        assert_eq!(of("dev", Channel::Earlybird), "v4.1.0-beta");
        assert_eq!(of("production", Channel::Latest), "4.0.7");
    }

    #[test]
    fn no_earlybird_means_latest() {
        for profile in ["staging", "production"] {
            assert!(wanted(OF_TODAY, profile, Channel::Earlybird).unwrap().as_str().contains("4.0."), "{profile}");
        }
        assert_eq!(wanted(&with("{latest: v4.0.8}"), "production", Channel::Earlybird).unwrap().as_str(), "v4.0.8");
        assert_eq!(
            wanted(&with("{latest: v4.0.8, earlybird: ~}"), "production", Channel::Earlybird).unwrap().as_str(),
            "v4.0.8"
        );
    }

    #[test]
    fn a_profile_that_is_not_there_names_those_that_are() {
        assert_eq!(
            wanted(OF_TODAY, "itest", Channel::Latest).unwrap_err(),
            "there is no environment \"itest\"; the list has dev, staging, production"
        );
    }

    #[test]
    fn k48_a_missing_version_never_becomes_the_word_null() {
        for nothing in ["{}", "{latest: null}", "{latest: ~}", "{latest: }", "{latest: ''}", "", "{latest: ' '}"] {
            assert_eq!(
                latest(&with(nothing)).unwrap_err(),
                "production has no latest version; the list has dev, production",
                "{nothing}"
            );
        }
        assert!(latest(&with("{latest: 'null'}")).unwrap_err().contains("read version \"null\""));
    }

    #[test]
    fn k31_only_a_version_gets_through() {
        for bad in ["4.0", "4", "1e3", "true", "../../x", "'v4.0.8/..'", "'4.0.8 '", "\"4.0.8\\n\"", "v4.0.8\\x"] {
            let text = with(&format!("{{latest: {bad}}}"));
            match latest(&text) {
                // White space around a version is a slip, not an attack.
                Ok(tag) => assert_eq!(tag, "4.0.8", "{bad}"),
                Err(error) => assert!(error.contains("latest of production: read version"), "{bad}: {error}"),
            }
        }
        for no_text in ["[4]", "{a: b}"] {
            assert!(latest(&with(&format!("{{latest: {no_text}}}"))).is_err(), "{no_text}");
        }
    }

    #[test]
    fn what_is_not_ours_need_not_make_sense() {
        let text = "
other: [1, {x: y}]
integrasjonspunkt:
  minimum: 3
  environments:
    dev: broken
    itest: [also, broken]
    production: { latest: v4.0.8, earlybird: rubbish, note: [1, 2] }
";
        assert_eq!(latest(text).unwrap(), "v4.0.8");
        assert!(wanted(text, "production", Channel::Earlybird).unwrap_err().contains("earlybird of production"));
    }

    #[test]
    fn a_list_without_our_product_says_so() {
        for text in ["", "x: 1", "[]", "integrasjonspunkt: 3", "integrasjonspunkt:\n  x: 1", "just words", "<html>"] {
            let error = latest(text).unwrap_err();
            assert!(error.starts_with("it is no list of versions: ") && !error.contains('\n'), "{text}: {error}");
        }
        assert_eq!(
            latest("integrasjonspunkt: {environments: {}}").unwrap_err(),
            "there is no environment \"production\"; the list has no environments"
        );
    }

    #[test]
    fn bombs_and_tricks_are_refused() {
        let doubling = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]", n - 1)).collect::<Vec<_>>().join("\n");
        let deep = format!("x: {}{}", "[".repeat(5000), "]".repeat(5000));
        let good = with("{latest: v4.0.8}");
        let cases = [
            ("billion laughs", format!("a0: &a0 lol\n{doubling}\n{good}")),
            ("depth", format!("{deep}\n{good}")),
            ("alias", format!("v: &v {{latest: v4.0.8}}\n{}", with("*v"))),
            ("merge", format!("v: &v {{latest: v4.0.8}}\n{}", with("{<<: *v}"))),
            ("many nodes", format!("x: [{}]\n{good}", "1,".repeat(50_000))),
            ("two products", format!("{good}{good}")),
            ("two documents", format!("{good}---\n{good}")),
            ("twice the same profile", format!("{good}    production: {{latest: v9.9.9}}\n")),
            ("twice the same key", with("{latest: v4.0.8, latest: v9.9.9}")),
        ];
        for (name, text) in cases {
            let error = latest(&text).unwrap_err();
            // No words of the library for those who program with it.
            assert!(!error.contains("Policy") && !error.contains('{') && !error.contains("budget"), "{name}: {error}");
        }
        insta::assert_snapshot!(
            latest(&with("{latest: v4.0.8, latest: v9.9.9}")).unwrap_err(),
            @r#"it is no list of versions: "latest" is there twice at line 4, column 34"#
        );
        insta::assert_snapshot!(latest(&format!("x: &x 1\n{good}")).unwrap_err(), @"it is no list of versions: it is larger or deeper than any such list, or unfolds parts of itself (`&`, `*`, `<<`) at line 1, column 7");
    }
}
