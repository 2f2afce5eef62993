//! Reads a blob, several chunks at a time, on a blocking thread; while they are used, the next ones are read.

use super::cipher::{CHUNK_LENGTH, Cipher, MAGIC, SALT_LENGTH, TAG_LENGTH};
use super::disk;
use super::key::Key;
use crate::domain::BlobId;
use crate::ports::{Answer, BlobError, BlobReader};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use tokio::task::{JoinHandle, spawn_blocking};

const SEALED_LENGTH: usize = CHUNK_LENGTH + TAG_LENGTH;
/// So many chunks are read in a turn. One blob in hand has at most twice as many in memory.
const A_TURN: usize = 2;

pub(super) struct Reader {
    id: BlobId,
    ready: VecDeque<Bytes>,
    rest: Rest,
}

type Turn = Result<(Source, VecDeque<Bytes>), Wrong>;

/// What has not been given yet.
enum Rest {
    Coming(JoinHandle<Turn>),
    Ended,
    /// It is never taken for an end.
    Broken,
}

enum Wrong {
    Disk(io::Error),
    Spoilt,
}

impl Reader {
    /// Opens it, and begins to read.
    pub(super) async fn open(id: BlobId, path: PathBuf, key: &Key) -> Result<Self, BlobError> {
        let opened = spawn_blocking(move || open(&path)).await.map_err(io::Error::other).and_then(|opened| opened);
        let (file, begin) = opened.map_err(|source| disk("open", &id, source))?;
        let salt = begin.as_deref().and_then(|begin| begin.strip_prefix(MAGIC));
        let Some(Ok(cipher)) = salt.map(|salt| Cipher::of(key, salt, &id)) else { return Err(BlobError::Spoilt(id)) };
        let source = Source { file, cipher, ahead: Vec::new(), has_ended: false };
        Ok(Self { id, ready: VecDeque::new(), rest: Rest::Coming(spawn_blocking(|| source.turn())) })
    }

    /// Cancel safe: what is being read stays.
    async fn chunk(&mut self) -> Result<Option<Bytes>, BlobError> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            let turn = match &mut self.rest {
                Rest::Coming(turn) => turn.await.map_err(|error| Wrong::Disk(io::Error::other(error))),
                Rest::Ended => return Ok(None),
                Rest::Broken => return Err(BlobError::Spoilt(self.id.clone())),
            };
            self.rest = Rest::Broken;
            let (source, ready) = turn.and_then(|turn| turn).map_err(|wrong| match wrong {
                Wrong::Disk(source) => disk("read", &self.id, source),
                Wrong::Spoilt => BlobError::Spoilt(self.id.clone()),
            })?;
            self.ready = ready;
            self.rest = if source.has_ended { Rest::Ended } else { Rest::Coming(spawn_blocking(|| source.turn())) };
        }
    }
}

impl BlobReader for Reader {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(self.chunk())
    }
}

/// The file, and its first bytes where it has so many.
fn open(path: &std::path::Path) -> io::Result<(File, Option<Vec<u8>>)> {
    let mut file = File::open(path)?;
    let mut begin = vec![0; MAGIC.len() + SALT_LENGTH];
    match file.read_exact(&mut begin) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((file, None)),
        read => read.map(|()| (file, Some(begin))),
    }
}

/// The file and its cipher; synchronous.
struct Source {
    file: File,
    cipher: Cipher,
    /// What was read of the file and not yet opened; one byte more than a chunk shows that it is not the last.
    ahead: Vec<u8>,
    has_ended: bool,
}

impl Source {
    fn turn(mut self) -> Turn {
        let mut ready = VecDeque::with_capacity(A_TURN);
        while ready.len() < A_TURN && !self.has_ended {
            let chunk = self.chunk()?;
            if !chunk.is_empty() {
                ready.push_back(chunk);
            }
        }
        Ok((self, ready))
    }

    fn chunk(&mut self) -> Result<Bytes, Wrong> {
        let wanted = SEALED_LENGTH + 1 - self.ahead.len();
        self.ahead.reserve_exact(wanted);
        let mut more = (&mut self.file).take(u64::try_from(wanted).unwrap_or(0));
        more.read_to_end(&mut self.ahead).map_err(Wrong::Disk)?;
        let is_last = self.ahead.len() <= SEALED_LENGTH;
        let rest = self.ahead.split_off(self.ahead.len().min(SEALED_LENGTH));
        let mut chunk = std::mem::replace(&mut self.ahead, rest);
        self.cipher.open(&mut chunk, is_last).map_err(|_| Wrong::Spoilt)?;
        self.has_ended = is_last;
        Ok(chunk.into())
    }
}
