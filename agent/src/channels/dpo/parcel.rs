//! `sbd.zip`: the envelope, and the sealed package. Made and read in files without a name, which are gone with whoever has
//! them open; zips are written and read on blocking threads, a chunk at a time.

use crate::ports::{Answer, BlobError, BlobReader, SealError};
use bytes::Bytes;
use futures_util::Stream;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The envelope, as it is written today and as it was once.
const SBD: &str = "sbd.json";
const LEGACY: &str = "content.xml";
/// The sealed package; not a zip, whatever it is called.
const PACKAGE: &str = "asic.zip";
/// An envelope larger than this is something else.
const SBD_LIMIT_BYTES: u64 = 5 << 20;
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for their reader.
const WAITING: usize = 2;
/// Of a package that swells more than this nothing is believed: what is encrypted cannot be compressed.
const SWELLS: u64 = 20;
/// What is small may swell.
const SMALL_BYTES: u64 = 16 << 20;
/// More than this a zip of the old form cannot hold.
const OLD_ZIP_BYTES: u64 = 3 << 30;

/// Writes an envelope and the sealed package; says how long it is.
pub(super) async fn pack(
    folder: &Path,
    sbd: String,
    package: Option<Box<dyn BlobReader>>,
    about_bytes: u64,
) -> io::Result<(Arc<File>, u64)> {
    let mut file = tempfile::tempfile_in(folder)?;
    let runtime = tokio::runtime::Handle::current();
    let packed = tokio::task::spawn_blocking(move || {
        let mut zip = ZipWriter::new(&mut file);
        let options = |method| SimpleFileOptions::default().compression_method(method);
        zip.start_file(SBD, options(CompressionMethod::Deflated))?;
        zip.write_all(sbd.as_bytes())?;
        if let Some(mut package) = package {
            let options = options(CompressionMethod::Stored).large_file(about_bytes > OLD_ZIP_BYTES);
            zip.start_file(PACKAGE, options)?;
            while let Some(bytes) = runtime.block_on(package.next()).map_err(io::Error::other)? {
                zip.write_all(&bytes)?;
            }
        }
        zip.finish()?;
        let length = file.seek(SeekFrom::End(0))?;
        Ok((Arc::new(file), length))
    });
    packed.await.map_err(io::Error::other)?
}

/// The bytes of a file from its beginning. Each asker reads at places of its own: one who was given up may still be reading.
pub(super) fn chunks(file: Arc<File>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::try_unfold((file, 0_u64), |(file, at)| async move {
        let reading = Arc::clone(&file);
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            let count = read_at(&reading, &mut chunk, at)?;
            chunk.truncate(count);
            Ok::<_, io::Error>(chunk)
        });
        let chunk = read.await.map_err(io::Error::other)??;
        let after = at.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        Ok((!chunk.is_empty()).then(|| (Bytes::from(chunk), (file, after))))
    })
}

#[cfg(unix)]
fn read_at(file: &File, chunk: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, chunk, at)
}

#[cfg(windows)]
fn read_at(file: &File, chunk: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, chunk, at)
}

/// A file without a name that is being written.
pub(super) struct Scratch(tokio::fs::File);

impl Scratch {
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self(tokio::fs::File::from_std(tempfile::tempfile_in(folder)?)))
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.0.write_all(&bytes).await
    }

    /// It is whole.
    pub(super) async fn finish(mut self) -> io::Result<File> {
        self.0.flush().await?;
        Ok(self.0.into_std().await)
    }
}

/// What lies in a parcel.
pub(super) struct Unpacked {
    pub(super) sbd: Sbd,
    pub(super) package: Option<Box<dyn BlobReader>>,
}

/// The envelope's text.
pub(super) enum Sbd {
    Json(Vec<u8>),
    /// As integration points of old wrote it.
    Xml(Vec<u8>),
}

/// Why a parcel cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadParcel {
    /// It is no such parcel; it never will be one.
    #[error("{0}")]
    Bad(String),
    /// What came is not whole, or something else in its place: a page of somebody in between. It may come well next time.
    #[error("{0}")]
    Spoilt(String),
    /// The machine does not do it now.
    #[error("read what was fetched from the disk: {0}")]
    Machine(io::Error),
}

/// Reads a parcel. Its package is read while it is asked for.
pub(super) async fn unpack(file: File) -> Result<Unpacked, BadParcel> {
    let opened = tokio::task::spawn_blocking(move || open(file)).await;
    let (sbd, archive) = opened.map_err(|error| BadParcel::Machine(io::Error::other(error)))??;
    let package = archive.index_for_name(PACKAGE).map(|index| {
        let (send, chunks) = mpsc::channel(WAITING);
        // It ends with its reader, at the next chunk.
        let reading = tokio::task::spawn_blocking(move || read(archive, index, &send));
        let package: Box<dyn BlobReader> = Box::new(Piped { chunks, reading: Some(reading) });
        package
    });
    Ok(Unpacked { sbd, package })
}

fn open(file: File) -> Result<(Sbd, ZipArchive<File>), BadParcel> {
    let bad = |error: zip::result::ZipError| {
        let why = format!("it is no zip: {error}");
        let io = if let zip::result::ZipError::Io(error) = error { Some(error) } else { None };
        match io.filter(|error| error.kind() != io::ErrorKind::UnexpectedEof) {
            Some(error) => BadParcel::Machine(error),
            None => BadParcel::Spoilt(why),
        }
    };
    let mut archive = ZipArchive::new(file).map_err(bad)?;
    for name in [SBD, LEGACY] {
        let Some(index) = archive.index_for_name(name) else { continue };
        let mut text = Vec::new();
        let entry = archive.by_index(index).map_err(bad)?;
        let read = entry.take(SBD_LIMIT_BYTES + 1).read_to_end(&mut text);
        read.map_err(|error| BadParcel::Spoilt(format!("its {name} cannot be read: {error}")))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > SBD_LIMIT_BYTES {
            return Err(BadParcel::Bad(format!("its {name} has more than {SBD_LIMIT_BYTES} bytes")));
        }
        return Ok((if name == SBD { Sbd::Json(text) } else { Sbd::Xml(text) }, archive));
    }
    Err(BadParcel::Bad(format!("it has no {SBD}")))
}

fn read(mut archive: ZipArchive<File>, index: usize, send: &mpsc::Sender<Result<Bytes, SealError>>) {
    // A download that is not whole may come well next time.
    let passing = |why: &dyn std::fmt::Display| SealError::Machine(format!("{PACKAGE}: {why}"));
    let told = (|| {
        let mut entry = archive.by_index(index).map_err(|error| passing(&error))?;
        let most = entry.compressed_size().saturating_mul(SWELLS).max(SMALL_BYTES);
        let mut length = 0_u64;
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let count = entry.read(&mut chunk).map_err(|error| passing(&error))?;
            chunk.truncate(count);
            length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if length > most {
                return Err(SealError::Bad(format!("{PACKAGE} swells to more than {most} bytes")));
            }
            if count == 0 || send.blocking_send(Ok(chunk.into())).is_err() {
                return Ok(());
            }
        }
    })();
    if let Err(why) = told {
        // Nobody may be there any more to be told.
        let _ = send.blocking_send(Err(why));
    }
}

/// What a blocking thread reads.
struct Piped {
    chunks: mpsc::Receiver<Result<Bytes, SealError>>,
    reading: Option<tokio::task::JoinHandle<()>>,
}

impl BlobReader for Piped {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(async move {
            match self.chunks.recv().await {
                Some(Ok(chunk)) => Ok(Some(chunk)),
                Some(Err(why)) => Err(BlobError::Package(Box::new(why))),
                None => {
                    // An end that is not the thread's own is none.
                    if let Some(reading) = self.reading.take() {
                        let machine = |error| SealError::Machine(format!("read {PACKAGE}: {error}"));
                        reading.await.map_err(|error| BlobError::Package(Box::new(machine(error))))?;
                    }
                    Ok(None)
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
