//! HTTP with limits. To be written.

use crate::ports::SourceError;
use bytes::Bytes;

/// An archive on its way.
#[derive(Debug)]
pub struct Download(());

impl Download {
    /// The next bytes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(None)
    }
}
