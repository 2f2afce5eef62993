//! The files of a message as one zip, written a chunk at a time. Synchronous: it runs on a blocking thread.

use crate::domain::File;
use crate::ports::Blobs;
use std::io::{self, Write};
use std::path::Path;
use tokio::runtime::Handle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What an ASiC-E container says first.
const MIME_TYPE: &str = "application/vnd.etsi.asic-e+zip";

/// Writes the files, the primary one first, and flushes them.
pub(super) fn write(path: &Path, files: &[File], blobs: &dyn Blobs, runtime: &Handle) -> io::Result<()> {
    let mut zip = ZipWriter::new(std::fs::File::create_new(path)?);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    zip.start_file("mimetype", SimpleFileOptions::default().compression_method(CompressionMethod::Stored))?;
    zip.write_all(MIME_TYPE.as_bytes())?;
    let mut files: Vec<&File> = files.iter().collect();
    files.sort_by_key(|file| (!file.file.is_primary, file.number));
    for file in files {
        zip.start_file(file.file.filename.as_str(), options)?;
        let mut reader = runtime.block_on(blobs.open(&file.file.blob)).map_err(io::Error::other)?;
        while let Some(bytes) = runtime.block_on(reader.next()).map_err(io::Error::other)? {
            zip.write_all(&bytes)?;
        }
    }
    zip.finish()?.sync_all()
}
