//! Reads a blob, a chunk at a time.

use super::cipher::{CHUNK_LENGTH, Cipher, MAGIC, SALT_LENGTH, TAG_LENGTH};
use super::disk;
use super::key::Key;
use crate::domain::BlobId;
use crate::ports::{Answer, BlobError, BlobReader};
use bytes::Bytes;
use std::path::Path;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

const SEALED_LENGTH: usize = CHUNK_LENGTH + TAG_LENGTH;

pub(super) struct Reader {
    id: BlobId,
    file: File,
    cipher: Cipher,
    /// What was read of the file and not yet opened; one byte more than a chunk shows that it is not the last.
    ahead: Vec<u8>,
    has_ended: bool,
}

impl Reader {
    pub(super) async fn open(id: BlobId, path: &Path, key: &Key) -> Result<Self, BlobError> {
        let mut file = File::open(path).await.map_err(|source| disk("open", &id, source))?;
        let mut begin = [0; MAGIC.len() + SALT_LENGTH];
        if file.read_exact(&mut begin).await.is_err() {
            return Err(BlobError::Spoilt(id));
        }
        let (magic, salt) = begin.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(BlobError::Spoilt(id));
        }
        let Ok(cipher) = Cipher::of(key, salt, &id) else { return Err(BlobError::Spoilt(id)) };
        Ok(Self { id, file, cipher, ahead: Vec::new(), has_ended: false })
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.has_ended {
            return Ok(None);
        }
        let wanted = SEALED_LENGTH + 1 - self.ahead.len();
        let mut more = (&mut self.file).take(u64::try_from(wanted).unwrap_or(0));
        more.read_to_end(&mut self.ahead).await.map_err(|source| disk("read", &self.id, source))?;
        let is_last = self.ahead.len() <= SEALED_LENGTH;
        let rest = self.ahead.split_off(self.ahead.len().min(SEALED_LENGTH));
        let mut chunk = std::mem::replace(&mut self.ahead, rest);
        self.cipher.open(&mut chunk, is_last).map_err(|_| BlobError::Spoilt(self.id.clone()))?;
        self.has_ended = is_last;
        Ok(if chunk.is_empty() { None } else { Some(chunk.into()) })
    }
}

impl BlobReader for Reader {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(self.chunk())
    }
}
