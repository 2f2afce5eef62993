//! Versions and tags. The grammar is strict: what is read here may stand in a path and in a URL.

use std::fmt;
use std::str::FromStr;

/// The longest text that is read as a version.
pub const LONGEST: usize = 64;

/// A version that can be compared: `4.0.8`, `4.1.0-beta`, `1.7.93-SNAPSHOT`. Never a leading `v`, never build metadata.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(semver::Version);

/// What the publisher calls a release: a version with or without a leading `v`, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    text: String,
    version: Version,
}

/// The text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read version {shown:?}: it must be three numbers with dots and perhaps a suffix, like 4.0.8, v4.0.8 or 4.1.0-beta"
)]
pub struct NotAVersion {
    shown: String,
}

impl Version {
    /// The first number.
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// Whether it has a suffix such as `-beta`.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// For requirements such as `>=4, <5`.
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let refused = || NotAVersion { shown: text.chars().take(LONGEST).collect() };
        if text.len() > LONGEST || text.contains('+') {
            return Err(refused());
        }
        semver::Version::parse(text).map(Self).map_err(|_| refused())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Tag {
    /// As the publisher wrote it, for URLs and file names.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without the `v`, for comparisons.
    pub fn version(&self) -> &Version {
        &self.version
    }
}

impl FromStr for Tag {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        // What is shown is what was written, the `v` too.
        let refused = |_| NotAVersion { shown: text.chars().take(LONGEST).collect() };
        let version = text.strip_prefix('v').unwrap_or(text).parse().map_err(refused)?;
        Ok(Self { text: text.to_owned(), version })
    }
}

impl From<Version> for Tag {
    fn from(version: Version) -> Self {
        Self { text: version.to_string(), version }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_its_v_and_a_version_has_none() {
        let tag: Tag = "v4.0.8".parse().unwrap();
        assert_eq!((tag.as_str(), tag.version().to_string().as_str()), ("v4.0.8", "4.0.8"));
        assert_eq!(tag.version().major(), 4);
        assert!("v4.0.8".parse::<Version>().is_err());
    }

    #[test]
    fn only_the_grammar_gets_through() {
        for good in ["4.0.8", "4.1.0-beta", "4.1.0-rc.1", "1.7.93-SNAPSHOT", "v2.28.0"] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        let long = format!("4.0.8-{}", "a".repeat(LONGEST));
        for bad in [
            "",
            "v",
            "vv4.0.8",
            "V4.0.8",
            "4.0",
            "4.0.8.1",
            "04.0.8",
            "4.0.8+build",
            "../4.0.8",
            "4.0.8/..",
            "4.0.8-../x",
            "4.0.8-a\\b",
            "4.0.8-a:b",
            " 4.0.8",
            "4.0.8 ",
            "4.0.8\n",
            "4.0.8-é",
            "null",
            "4.0.8-",
            "99999999999999999999.0.0",
            &long,
        ] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_refused_is_shown_as_it_was_written() {
        for written in ["v", "vv4.0.8", "v4.0"] {
            let error = written.parse::<Tag>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("read version {written:?}: ")), "{error}");
        }
    }

    #[test]
    fn a_beta_is_older_than_its_release() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("4.1.0-beta") < version("4.1.0"));
        assert!(version("4.10.0") > version("4.9.9"));
    }
}
