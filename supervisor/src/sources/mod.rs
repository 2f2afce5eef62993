//! Where releases come from: [`digdir`] (a YAML list and GitHub's layout), [`maven`], [`directory`].
//!
//! Start at [`AnySource`]. [`http`] is the only way out of the machine; [`versions_list`], [`published`] read what
//! publishers write; [`fetches`] bounds how much comes at a time; [`remembered`] keeps the last list so that nothing new costs nothing.
//!
//! A source believes nothing and verifies nothing: it brings names and bytes, within limits. No call changes anything
//! here but the remembered list, so every call may be dropped at any moment.

pub mod digdir;
pub mod directory;
pub mod fetches;
pub mod http;
pub mod maven;
pub mod published;
pub mod remembered;
pub mod versions_list;

pub use digdir::Digdir;
pub use directory::Directory;
pub use maven::Maven;

use std::path::Path;
use url::Url;

use crate::config::settings::{Channel, Kind, Network, Settings, Source};
use crate::ports::{Opened, ReleaseSource, Resume, SourceError};
use crate::release::{Checksum, Release, Tag, Version};
use efm::outside::{Cause, shown};
use http::Session;
use published::Ending;

/// The source that the settings name.
#[derive(Clone, Debug)]
pub enum AnySource {
    /// A YAML list and a GitHub release layout.
    Digdir(Digdir),
    /// A Maven repository.
    Maven(Maven),
    /// A folder or a file share.
    Directory(Directory),
}

/// Which of the releases we want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The environment of the list: `production`.
    pub profile: String,
    /// `latest` or `earlybird`.
    pub channel: Channel,
    /// A jar, or an archive for this system.
    pub kind: Kind,
}

impl AnySource {
    /// Reads no file and connects to nobody yet.
    pub fn from_settings(settings: &Settings, state_folder: &Path) -> Self {
        let wish = Wish {
            profile: settings.child.profile.clone(),
            channel: settings.release.channel,
            kind: settings.child.kind,
        };
        Self::new(settings.release.source.clone(), wish, settings.network.clone(), state_folder)
    }

    /// From the settings that concern it.
    pub fn new(source: Source, wish: Wish, network: Network, state_folder: &Path) -> Self {
        match source {
            Source::Digdir { list, downloads, artifact } => {
                Self::Digdir(Digdir::new(list, downloads, artifact, wish, network, state_folder))
            }
            Source::Maven { artifact_folder, artifact } => {
                Self::Maven(Maven::new(artifact_folder, artifact, wish, network, state_folder))
            }
            Source::Directory { folder, artifact } => Self::Directory(Directory::new(folder, artifact, wish, network)),
        }
    }
}

impl ReleaseSource for AnySource {
    async fn find(&self) -> Result<Release, SourceError> {
        match self {
            Self::Digdir(source) => source.find().await,
            Self::Maven(source) => source.find().await,
            Self::Directory(source) => source.find().await,
        }
    }

    async fn named(&self, version: &Version) -> Result<Release, SourceError> {
        match self {
            Self::Digdir(source) => source.named(version).await,
            Self::Maven(source) => source.named(version).await,
            Self::Directory(source) => source.named(version).await,
        }
    }

    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Digdir(source) => source.signature(release).await,
            Self::Maven(source) => source.signature(release).await,
            Self::Directory(source) => source.signature(release).await,
        }
    }

    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError> {
        match self {
            Self::Digdir(source) => source.checksums(release).await,
            Self::Maven(source) => source.checksums(release).await,
            Self::Directory(source) => source.checksums(release).await,
        }
    }

    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError> {
        match self {
            Self::Digdir(source) => source.open(release, resume).await,
            Self::Maven(source) => source.open(release, resume).await,
            Self::Directory(source) => source.open(release, resume).await,
        }
    }
}

/// The name of the archive: `integrasjonspunkt-v4.0.8.jar`, `integrasjonspunkt-v5.0.0-linux-x86_64.zip`.
pub fn file_name(artifact: &str, tag: &Tag, kind: Kind) -> String {
    format!("{artifact}-{tag}{}", name_end(kind))
}

/// The tag in the name of an archive that a person carries in: as it is published, or without the platform.
pub fn tag_in_name(name: &str, artifact: &str, kind: Kind) -> Option<Tag> {
    let published = directory::tag_in(name, artifact, &name_end(kind));
    match kind {
        Kind::Java => published,
        Kind::Native => published.or_else(|| directory::tag_in(name, artifact, ".zip")),
    }
}

/// What stands behind the tag in the name of an archive.
fn name_end(kind: Kind) -> String {
    match kind {
        Kind::Java => ".jar".into(),
        Kind::Native => format!("-{}-{}.zip", std::env::consts::OS, std::env::consts::ARCH),
    }
}

/// How publishers write a version: with a `v` today, without before.
fn tags_of(version: &Version) -> impl Iterator<Item = Tag> {
    let with_v = format!("v{version}").parse::<Tag>().ok();
    with_v.into_iter().chain([Tag::from(version.clone())])
}

/// A file below a folder; the names are encoded, so that none of them can lead elsewhere.
fn place(folder: &Url, names: &[&str]) -> Result<Url, SourceError> {
    let mut url = folder.clone();
    let Ok(mut path) = url.path_segments_mut() else {
        let source = Box::new(Cause::Setting("it must be an address like https://host/folder/".into()));
        return Err(SourceError::SetUp { what: shown(folder), source });
    };
    path.pop_if_empty().extend(names);
    drop(path);
    Ok(url)
}

async fn signature(session: &Session<'_>, network: &Network, url: &Url) -> Result<Vec<u8>, SourceError> {
    session.small(url, network.signature_limit_bytes).await
}

/// Those checksums that are published; one that makes no sense is an error, one that is not there is none.
async fn checksums(
    session: &Session<'_>,
    network: &Network,
    endings: &[Ending],
    place: impl Fn(&str) -> Result<Url, SourceError>,
) -> Result<Vec<Checksum>, SourceError> {
    let mut found = Vec::new();
    for ending in endings {
        let url = place(ending.as_str())?;
        match session.small(&url, network.signature_limit_bytes).await {
            Ok(bytes) => {
                found.push(ending.read(&bytes).map_err(|reason| SourceError::Refused { what: shown(&url), reason })?);
            }
            Err(SourceError::NotPublished { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_made_from_the_tag_whether_the_folder_ends_in_a_slash_or_not() {
        let tag: Tag = "v4.0.8".parse().unwrap();
        for folder in ["https://example.no/releases/download", "https://example.no/releases/download/"] {
            let url = place(&Url::parse(folder).unwrap(), &[tag.as_str(), &file_name("ip", &tag, Kind::Java)]).unwrap();
            assert_eq!(url.as_str(), "https://example.no/releases/download/v4.0.8/ip-v4.0.8.jar");
        }
        assert!(place(&Url::parse("mailto:a@b").unwrap(), &["x"]).is_err());
    }

    #[test]
    fn a_native_archive_is_named_for_this_system() {
        let name = file_name("integrasjonspunkt", &"v5.0.0".parse().unwrap(), Kind::Native);
        let system = if cfg!(windows) { "windows" } else { "linux" };
        assert_eq!(name, format!("integrasjonspunkt-v5.0.0-{system}-{}.zip", std::env::consts::ARCH));
    }
}
