//! Digdir's releases of today: a YAML list that says which version, and a GitHub release that has the files.
//!
//! The list is a hint and nothing more; what it names is believed only after verification.

use std::path::Path;
use url::Url;

use super::http::Session;
use super::published::Ending;
use super::remembered::Memory;
use super::{Wish, checksums, file_name, place, signature, versions_list};
use crate::config::settings::{Kind, Network};
use crate::ports::{Opened, ReleaseSource, Resume, SourceError};
use crate::release::{Checksum, Release, Tag, Version};
use efm::outside::shown;

/// A YAML list and a GitHub release layout.
#[derive(Clone, Debug)]
pub struct Digdir {
    list: Url,
    downloads: Url,
    artifact: String,
    wish: Wish,
    network: Network,
    memory: Memory,
}

impl Digdir {
    /// `downloads` is the folder above the tags.
    pub fn new(list: Url, downloads: Url, artifact: String, wish: Wish, network: Network, state_folder: &Path) -> Self {
        Self { list, downloads, artifact, wish, network, memory: Memory::new(state_folder) }
    }

    /// `<downloads>/<tag>/integrasjonspunkt-<tag>.jar`, and an ending perhaps.
    fn file(&self, tag: &Tag, ending: &str) -> Result<Url, SourceError> {
        place(&self.downloads, &[tag.as_str(), &(file_name(&self.artifact, tag, self.wish.kind) + ending)])
    }
}

impl ReleaseSource for Digdir {
    async fn find(&self) -> Result<Release, SourceError> {
        let session = Session::new(&self.network)?;
        let text = self.memory.list(&session, &self.list, self.network.list_limit_bytes).await?;
        versions_list::wanted(&text, &self.wish.profile, self.wish.channel)
            .map(|tag| Release { tag })
            .map_err(|reason| SourceError::BadList { what: shown(&self.list), reason })
    }

    /// Tags come with and without a `v`; the signature shows which of the two exists.
    async fn named(&self, version: &Version) -> Result<Release, SourceError> {
        let session = Session::new(&self.network)?;
        let mut missing = None;
        for tag in super::tags_of(version) {
            match signature(&session, &self.network, &self.file(&tag, ".asc")?).await {
                Ok(_) => return Ok(Release { tag }),
                Err(error @ SourceError::NotPublished { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(missing.unwrap_or_else(|| SourceError::NotPublished { what: version.to_string() }))
    }

    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError> {
        let session = Session::new(&self.network)?;
        signature(&session, &self.network, &self.file(&release.tag, ".asc")?).await
    }

    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError> {
        let session = Session::new(&self.network)?;
        let endings: &[Ending] = match self.wish.kind {
            Kind::Java => &[Ending::Sha1],
            Kind::Native => &[Ending::Sha256],
        };
        checksums(&session, &self.network, endings, |ending| self.file(&release.tag, ending)).await
    }

    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError> {
        Session::new(&self.network)?.open(&self.file(&release.tag, "")?, resume).await
    }
}
