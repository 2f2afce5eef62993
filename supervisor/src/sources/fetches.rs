//! Not all at once: where one supervisor keeps many homes, only so many fetch an archive at a time. Lists and signatures
//! are small and wait for nobody.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::AnySource;
use crate::ports::{Body, Opened, ReleaseSource, Resume, SourceError};
use crate::release::{Checksum, Release, Version};

/// So many archives are fetched at a time by one supervisor.
pub const AT_A_TIME: usize = 3;

/// The right to fetch an archive, shared by all who may; first come, first served.
#[derive(Clone, Debug)]
pub struct Fetches(Arc<Semaphore>);

impl Default for Fetches {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

/// A source that waits for others before it fetches an archive.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Where it all comes from.
    pub source: AnySource,
    /// With whom it takes turns.
    pub fetches: Fetches,
}

impl ReleaseSource for Shared {
    async fn find(&self) -> Result<Release, SourceError> {
        self.source.find().await
    }

    async fn named(&self, version: &Version) -> Result<Release, SourceError> {
        self.source.named(version).await
    }

    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError> {
        self.source.signature(release).await
    }

    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError> {
        self.source.checksums(release).await
    }

    /// Waits until it may. Cancel safe: who no longer waits holds nobody up, and a body that is dropped lets the next in.
    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError> {
        // It is never closed; without it a fetch is only less polite.
        let right = self.fetches.0.clone().acquire_owned().await.ok();
        let mut opened = self.source.open(release, resume).await?;
        if let Body::Http(download) = &mut opened.body {
            download.hold(right);
        }
        Ok(opened)
    }
}
