//! Writes a blob beside its name, and renames it when it is whole.
//!
//! Bytes are gathered, and handed to a blocking thread several chunks at a time: while that one seals and writes, the
//! next bytes come in. A small file is one such turn from its creation to its name.

use super::cipher::{CHUNK_LENGTH, Cipher, MAGIC, SALT_LENGTH};
use super::disk;
use super::key::Key;
use super::mark::Place;
use crate::domain::BlobId;
use crate::ports::{Answer, BlobError, BlobWriter};
use bytes::Bytes;
use efm::atomic;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;

/// So much is gathered; a whole number of chunks. One blob in hand has at most twice as much in memory.
const GATHERED_LENGTH: usize = 2 * CHUNK_LENGTH;

pub(super) struct Writer {
    id: BlobId,
    gathered: Vec<u8>,
    length: u64,
    sink: Turn,
}

/// Who has the file: we, or a blocking thread.
enum Turn {
    Ours(Box<Sink>),
    Theirs(JoinHandle<io::Result<Box<Sink>>>),
    /// An earlier turn went wrong.
    Lost,
}

impl Writer {
    pub(super) fn begin(id: BlobId, path: PathBuf, key: &Key, place: Place) -> Result<Self, BlobError> {
        let begin = |source| disk("begin", &id, source);
        let mut salt = [0; SALT_LENGTH];
        let random = SystemRandom::new().fill(&mut salt).map_err(|_| io::Error::other("no random bytes"));
        random.map_err(begin)?;
        let beside = path.with_extension(format!("{}{}", hex::encode(salt), atomic::UNFINISHED));
        let cipher = Cipher::of(key, &salt, &id).map_err(|_| begin(io::Error::other("derive its key")))?;
        let sink = Box::new(Sink { place, path, beside, salt, cipher, file: None });
        Ok(Self { id, gathered: Vec::new(), length: 0, sink: Turn::Ours(sink) })
    }

    /// Hands over what was gathered. Cancel safe: dropped while it waits for the turn before, nothing was handed over.
    async fn hand_over(&mut self) -> Result<(), BlobError> {
        self.take_back().await?;
        let Turn::Ours(mut sink) = std::mem::replace(&mut self.sink, Turn::Lost) else { return Err(self.lost()) };
        let gathered = std::mem::take(&mut self.gathered);
        self.sink = Turn::Theirs(tokio::task::spawn_blocking(move || {
            sink.put(gathered, false)?;
            Ok(sink)
        }));
        Ok(())
    }

    async fn take_back(&mut self) -> Result<(), BlobError> {
        if let Turn::Theirs(turn) = &mut self.sink {
            let sink = turn.await.map_err(io::Error::other).and_then(|sink| sink);
            self.sink = Turn::Lost;
            self.sink = Turn::Ours(sink.map_err(|source| disk("write", &self.id, source))?);
        }
        Ok(())
    }

    fn lost(&self) -> BlobError {
        disk("write", &self.id, io::Error::other("it could not be written before"))
    }

    async fn end(mut self: Box<Self>) -> Result<u64, BlobError> {
        self.take_back().await?;
        let Turn::Ours(mut sink) = std::mem::replace(&mut self.sink, Turn::Lost) else { return Err(self.lost()) };
        let rest = std::mem::take(&mut self.gathered);
        let named = tokio::task::spawn_blocking(move || {
            sink.put(rest, true)?;
            sink.name()
        });
        let named = named.await.map_err(io::Error::other).and_then(|named| named);
        named.map_err(|source| disk("finish", &self.id, source))?;
        Ok(self.length)
    }
}

impl BlobWriter for Writer {
    fn write(&mut self, bytes: Bytes) -> Answer<'_, (), BlobError> {
        Box::pin(async move {
            let mut rest = bytes;
            while !rest.is_empty() {
                // What is full is handed over when more comes: the last chunk is not known before its end.
                if self.gathered.len() == GATHERED_LENGTH {
                    self.hand_over().await?;
                }
                let piece = rest.split_to(rest.len().min(GATHERED_LENGTH - self.gathered.len()));
                self.gathered.extend_from_slice(&piece);
                self.length = self.length.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Answer<'static, u64, BlobError> {
        Box::pin(self.end())
    }
}

/// The file and its cipher; synchronous. Dropped before it is named, it leaves nothing.
struct Sink {
    place: Place,
    path: PathBuf,
    beside: PathBuf,
    salt: [u8; SALT_LENGTH],
    cipher: Cipher,
    file: Option<File>,
}

impl Sink {
    /// Whole chunks, unless it is the end.
    fn put(&mut self, mut bytes: Vec<u8>, is_end: bool) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                self.place.look()?;
                let mut file = create(&self.beside)?;
                file.write_all(MAGIC)?;
                file.write_all(&self.salt)?;
                none.insert(file)
            }
        };
        let mut left = bytes.len();
        // Nothing at all is one chunk, too.
        let empty: &mut [u8] = &mut [];
        let chunks: Box<dyn Iterator<Item = &mut [u8]>> =
            if left == 0 { Box::new(std::iter::once(empty)) } else { Box::new(bytes.chunks_mut(CHUNK_LENGTH)) };
        for chunk in chunks {
            left -= chunk.len();
            let tag = self.cipher.seal(chunk, is_end && left == 0).map_err(|_| io::Error::other("seal a chunk"))?;
            file.write_all(chunk)?;
            file.write_all(tag.as_ref())?;
        }
        Ok(())
    }

    /// On the disk, and then under its name.
    fn name(mut self: Box<Self>) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Err(io::Error::other("nothing was written")) };
        let named = file.sync_all().and_then(|()| {
            drop(file);
            // Under its name it is taken for kept: only in the folder that it will be looked for in.
            self.place.look()?;
            atomic::rename(&self.beside, &self.path)
        });
        if named.is_err() {
            let _ = std::fs::remove_file(&self.beside);
        }
        named
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What remains is swept at the next start.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

/// A new file; its folder, too, where it is not there yet, and durably: a file outlives a power cut only in a folder that
/// does. Never what that one lies in.
fn create(path: &Path) -> io::Result<File> {
    match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    if let Some(folder) = path.parent() {
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        atomic::sync_folder_of(folder)?;
    }
    File::create_new(path)
}
