//! What an archive says of itself, read strictly.
//!
//! Start at [`read`]: it goes over the whole structure of a jar or zip, refuses everything that two readers could see
//! in two ways, and gives [`Said`]. A signature covers bytes, not a name: that old bytes are not served under a new
//! version shows here, in [`Said::must_be`]. `directory` reads the structure, `entry` inflates, `words` reads the
//! properties and the manifest, `program` unpacks a native release.
//!
//! It never unpacks anything but the one program of a native release, and never takes a path from an archive.

mod directory;
mod entry;
mod program;
mod words;

#[cfg(test)]
mod tests;

pub use program::{Platform, unpack};

use jiff::Timestamp;
use std::io::{Read, Seek};

use self::directory::Directory;
use self::words::Words;
use super::{Tag, Version};
use crate::ports::{Needs, Remedy};

/// What an archive says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `build.version`, or `Implementation-Version`, as written.
    pub version: Option<String>,
    /// `build.artifact`, or `Implementation-Title`.
    pub artifact: Option<String>,
    /// `build.group`
    pub group: Option<String>,
    /// `build.time`
    pub built: Option<Timestamp>,
    /// `Build-Jdk-Spec`: the least Java version.
    pub java: Option<u32>,
    /// How many entries it has.
    pub entries: usize,
    /// The entries in `bin/`: where a native release has its program.
    pub programs: Vec<String>,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum JarError {
    /// The file cannot be read.
    #[error("read archive")]
    Read(#[source] std::io::Error),
    /// The archive as a whole is not as it must be.
    #[error("read archive: {0}")]
    Structure(&'static str),
    /// One entry is not as it must be.
    #[error("read archive: entry {name:?} {reason}")]
    Entry {
        /// Its name, shortened.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What it says of itself makes no sense.
    #[error("read {file} in the archive: {reason}")]
    Words {
        /// Where it says so.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It does not say what it is.
    #[error("check archive: it does not say its {what}; META-INF/build-info.properties or the manifest must")]
    Silent {
        /// `version`, `artifact`.
        what: &'static str,
    },
    /// It is something else than what was asked for.
    #[error("check archive: it says that its {what} is {said:?}, and {wanted:?} was asked for")]
    Another {
        /// `version`, `artifact`.
        what: &'static str,
        /// What it says.
        said: String,
        /// What was asked for.
        wanted: String,
    },
    /// A native release has no program for this machine.
    #[error("look for the program in the archive: there is no entry {wanted}")]
    NoProgram {
        /// What it should be called.
        wanted: String,
    },
    /// The program cannot be written.
    #[error("unpack {}", path.display())]
    Unpack {
        /// Where to.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl JarError {
    /// Retry, give up, or call a person.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Read(_) | Self::Unpack { .. } => Remedy::Retry(None),
            Self::Structure(_)
            | Self::Entry { .. }
            | Self::Words { .. }
            | Self::Silent { .. }
            | Self::Another { .. }
            | Self::NoProgram { .. } => Remedy::GiveUp,
        }
    }
}

const BUILD_INFO: &str = "META-INF/build-info.properties";
const BUILD_INFO_IN_CLASSES: &str = "BOOT-INF/classes/META-INF/build-info.properties";
const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// Reads an archive's structure, all of it, and what it says of itself.
///
/// # Errors
/// Everything that two readers could see in two ways, everything beyond bounds, and what makes no sense.
pub fn read(file: &mut (impl Read + Seek)) -> Result<Said, JarError> {
    let directory = Directory::read(file)?;
    let mut said = Said { entries: directory.entries.len(), ..Said::default() };
    let mut sources = Vec::new();
    for name in [BUILD_INFO, BUILD_INFO_IN_CLASSES, MANIFEST] {
        if let Some(entry) = directory.only(name)? {
            let bytes = entry.small(file)?;
            let words = if name == MANIFEST { Words::manifest(&bytes) } else { Words::properties(&bytes) };
            sources.push((name, words.map_err(|reason| JarError::Words { file: name, reason })?));
        }
    }
    said.version = agreed(&sources, "build.version", "implementation-version")?;
    said.artifact = agreed(&sources, "build.artifact", "implementation-title")?;
    said.group = agreed(&sources, "build.group", "")?;
    let built = agreed(&sources, "build.time", "")?;
    said.built = built.map(|text| time(&text)).transpose()?;
    let java = agreed(&sources, "", "build-jdk-spec")?;
    said.java = java.map(|text| java_version(&text)).transpose()?;
    said.programs = directory.names().filter(|name| name.starts_with("bin/") && !name.ends_with('/')).collect();
    Ok(said)
}

/// What the build information says, else the manifest. Two files of build information must not contradict each other:
/// which of them a program reads depends on its class path.
fn agreed(sources: &[(&'static str, Words)], key: &str, attribute: &str) -> Result<Option<String>, JarError> {
    let (infos, manifests): (Vec<_>, Vec<_>) = sources.iter().partition(|(file, _)| *file != MANIFEST);
    let mut found: Option<&str> = None;
    for (file, words) in infos {
        match (found, words.get(key)) {
            (Some(known), Some(other)) if known != other => {
                let reason = format!("{key} is {other:?} here and {known:?} in the other file of that name");
                return Err(JarError::Words { file, reason });
            }
            (known, other) => found = known.or(other),
        }
    }
    let manifest = || manifests.iter().find_map(|(_, words)| words.get(attribute));
    Ok(found.or_else(manifest).map(str::to_owned))
}

fn time(text: &str) -> Result<Timestamp, JarError> {
    text.parse().map_err(|_| JarError::Words {
        file: BUILD_INFO,
        reason: format!("build.time is {text:?}; a time like 2026-11-21T05:30:00Z is right"),
    })
}

/// `17`, or `1.8` as it was written until Java 8.
fn java_version(text: &str) -> Result<u32, JarError> {
    let digits = text.strip_prefix("1.").unwrap_or(text);
    digits.parse().map_err(|_| JarError::Words {
        file: MANIFEST,
        reason: format!("Build-Jdk-Spec is {text:?}; a Java version like 21 is right"),
    })
}

impl Said {
    /// That it is this release of this artifact.
    ///
    /// # Errors
    /// It is another one, or does not say what it is.
    pub fn must_be(&self, tag: &Tag, artifact: &str) -> Result<(), JarError> {
        let said = self.version.as_deref().ok_or(JarError::Silent { what: "version" })?;
        let own: Option<Version> = said.strip_prefix(['v', 'V']).unwrap_or(said).parse().ok();
        let wanted = tag.version().to_string();
        if !own.is_some_and(|own| own.to_string().eq_ignore_ascii_case(&wanted)) {
            return Err(JarError::Another { what: "version", said: shortened(said), wanted });
        }
        let said = self.artifact.as_deref().ok_or(JarError::Silent { what: "artifact" })?;
        if said.eq_ignore_ascii_case(artifact) {
            Ok(())
        } else {
            Err(JarError::Another { what: "artifact", said: shortened(said), wanted: artifact.to_owned() })
        }
    }

    /// What it needs to run.
    pub fn needs(&self) -> Needs {
        Needs { java: self.java }
    }

    /// The version, where it says one that can be compared.
    pub fn comparable_version(&self) -> Option<Version> {
        let said = self.version.as_deref()?;
        said.strip_prefix(['v', 'V']).unwrap_or(said).parse().ok()
    }
}

/// Names and words of an archive are its maker's: not printed without end.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 100;
    text.chars().take(LONGEST).collect()
}
