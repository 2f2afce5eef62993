//! Writes a blob beside its name, and renames it when it is whole.

use super::cipher::{CHUNK_LENGTH, Cipher, MAGIC, SALT_LENGTH, TAG_LENGTH};
use super::disk;
use super::key::Key;
use crate::domain::BlobId;
use crate::ports::{Answer, BlobError, BlobWriter};
use bytes::Bytes;
use efm::atomic;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

pub(super) struct Writer {
    id: BlobId,
    path: PathBuf,
    beside: PathBuf,
    file: Option<File>,
    cipher: Cipher,
    chunk: Vec<u8>,
    length: u64,
}

impl Writer {
    pub(super) async fn begin(id: BlobId, path: PathBuf, key: &Key) -> Result<Self, BlobError> {
        let begin = |source| disk("begin", &id, source);
        let mut salt = [0; SALT_LENGTH];
        let random = SystemRandom::new().fill(&mut salt).map_err(|_| io::Error::other("no random bytes"));
        random.map_err(begin)?;
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(begin)?;
        }
        let beside = path.with_extension(format!("{}{}", hex::encode(salt), atomic::UNFINISHED));
        let mut file = File::create_new(&beside).await.map_err(begin)?;
        file.write_all(MAGIC).await.map_err(begin)?;
        file.write_all(&salt).await.map_err(begin)?;
        let cipher = Cipher::of(key, &salt, &id).map_err(|_| begin(io::Error::other("derive its key")))?;
        let chunk = Vec::with_capacity(CHUNK_LENGTH + TAG_LENGTH);
        Ok(Self { id, path, beside, file: Some(file), cipher, chunk, length: 0 })
    }

    async fn put(&mut self, is_last: bool) -> Result<(), BlobError> {
        let sealed = self.cipher.seal(&mut self.chunk, is_last).map_err(|_| io::Error::other("seal a chunk"));
        sealed.map_err(|source| disk("write", &self.id, source))?;
        if let Some(file) = &mut self.file {
            file.write_all(&self.chunk).await.map_err(|source| disk("write", &self.id, source))?;
        }
        self.chunk.clear();
        Ok(())
    }

    async fn end(mut self: Box<Self>) -> Result<u64, BlobError> {
        self.put(true).await?;
        if let Some(mut file) = self.file.take() {
            let flushed = async {
                file.flush().await?;
                file.sync_all().await
            };
            flushed.await.map_err(|source| disk("flush", &self.id, source))?;
        }
        let (from, to) = (self.beside.clone(), self.path.clone());
        let renamed = tokio::task::spawn_blocking(move || atomic::rename(&from, &to)).await;
        let renamed = renamed.map_err(io::Error::other).and_then(|renamed| renamed);
        renamed.map_err(|source| disk("name", &self.id, source))?;
        self.beside.clear();
        Ok(self.length)
    }
}

impl BlobWriter for Writer {
    fn write(&mut self, bytes: Bytes) -> Answer<'_, (), BlobError> {
        Box::pin(async move {
            let mut rest = bytes;
            while !rest.is_empty() {
                // A full chunk is written when more comes: the last one is not known before its end.
                if self.chunk.len() == CHUNK_LENGTH {
                    self.put(false).await?;
                }
                let piece = rest.split_to(rest.len().min(CHUNK_LENGTH - self.chunk.len()));
                self.chunk.extend_from_slice(&piece);
                self.length = self.length.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Answer<'static, u64, BlobError> {
        Box::pin(self.end())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.beside.as_os_str().is_empty() {
            // What remains is swept at the next start.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}
