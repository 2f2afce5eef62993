//! Where releases come from.

use std::time::Duration;

use bytes::Bytes;

use super::Remedy;
use crate::release::{Checksum, Release, Version};

/// Where releases come from. Every call is cancel safe: it changes nothing here.
pub trait ReleaseSource {
    /// What the source offers on our channel today. A source that has not changed answers from what it said before.
    async fn find(&self) -> Result<Release, SourceError>;
    /// The release of this version, for a person who asks for it by name. Whether it exists shows when it is fetched.
    async fn named(&self, version: &Version) -> Result<Release, SourceError>;
    /// The detached signature, fetched before anything else of the release.
    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError>;
    /// The checksums beside the file; none is no error.
    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError>;
    /// The archive, from the start, or from where an earlier fetch ended if the server still has the same bytes.
    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError>;
}

/// How far an earlier fetch came, and of what.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Resume {
    /// Bytes we have.
    pub offset: u64,
    /// The server's validator for them: a strong `ETag`, or `Last-Modified`.
    pub validator: String,
}

/// An archive that is being fetched.
#[derive(Debug)]
pub struct Opened {
    /// Where the body starts: zero, or the offset that was asked for.
    pub starts_at: u64,
    /// The length of the whole archive where the source says it.
    pub length: Option<u64>,
    /// What to resume with.
    pub validator: Option<String>,
    /// The bytes.
    pub body: Body,
}

/// The bytes of an archive, a chunk at a time, within all limits of size, speed and time.
#[derive(Debug)]
pub enum Body {
    /// Over HTTP.
    Http(Box<crate::sources::http::Download>),
    /// From a folder.
    File(tokio::fs::File),
    /// From memory: tests.
    Memory(std::collections::VecDeque<Result<Bytes, SourceError>>),
}

impl Body {
    /// The next bytes; none at the end. A body that ends early is an error, not an end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        use tokio::io::AsyncReadExt;
        const CHUNK: usize = 64 * 1024;
        match self {
            Self::Http(download) => download.chunk().await,
            Self::File(file) => {
                let mut buffer = vec![0; CHUNK];
                let read = file
                    .read(&mut buffer)
                    .await
                    .map_err(|source| SourceError::Read { what: "archive".into(), source })?;
                buffer.truncate(read);
                Ok((read > 0).then(|| Bytes::from(buffer)))
            }
            Self::Memory(chunks) => chunks.pop_front().transpose(),
        }
    }
}

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// 404: the list, the tag and the files of a release are published by hand, one after the other.
    #[error("fetch {what}: not published yet")]
    NotPublished {
        /// The URL or path.
        what: String,
    },
    /// The source cannot be reached or does not do its part; it may later.
    #[error("fetch {what}")]
    Unreachable {
        /// The URL or path.
        what: String,
        /// The server asked us to wait.
        retry_after: Option<Duration>,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of a folder source cannot be read.
    #[error("read {what}")]
    Read {
        /// The path.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The source gave something that we refuse: too large, too slow, a redirect to plain HTTP, a length that lies.
    #[error("refuse {what}: {reason}")]
    Refused {
        /// The URL or path.
        what: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The list of versions makes no sense.
    #[error("read release list {what}: {reason}")]
    BadList {
        /// The URL or path.
        what: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Settings that only show to be wrong here: a CA file that cannot be read, a proxy that is no URL.
    #[error("set up {what}")]
    SetUp {
        /// The setting.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SourceError {
    /// Retry, give up, or call a person.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NotPublished { .. } | Self::Read { .. } | Self::Refused { .. } | Self::BadList { .. } => {
                Remedy::Retry(None)
            }
            Self::Unreachable { retry_after, .. } => Remedy::Retry(*retry_after),
            Self::SetUp { .. } => Remedy::CallAPerson,
        }
    }
}
