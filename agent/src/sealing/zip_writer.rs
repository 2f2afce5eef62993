//! A zip that is written front to back: what is long has its sizes behind it (data descriptors), what is short is stored
//! with its sizes before it. Readers that stream can read both; that is why nothing long is merely stored.

use super::names;
use crate::ports::SealError;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use jiff::civil::DateTime;

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Sizes follow the content.
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;
const VERSION: u16 = 20;

/// A zip that is being written.
pub(super) struct Writer {
    /// How many bytes have been written.
    place: u64,
    entries: Vec<Entry>,
    compress: Compress,
    crc: Crc,
    date: u16,
    time: u16,
}

struct Entry {
    name: String,
    comment: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    plain: u32,
    begin: u32,
}

impl Writer {
    /// With this time on each entry.
    pub(super) fn new(now: DateTime) -> Self {
        let part = |number: i8| u16::try_from(number).unwrap_or_default();
        let year = u16::try_from(now.year()).unwrap_or_default().saturating_sub(1980);
        Self {
            place: 0,
            entries: Vec::new(),
            // Letters are mostly PDF, which is packed already: the strongest level would cost tenfold and give nothing.
            compress: Compress::new(Compression::fast(), false),
            crc: Crc::new(),
            date: (year << 9) | (part(now.month()) << 5) | part(now.day()),
            time: (part(now.hour()) << 11) | (part(now.minute()) << 5) | (part(now.second()) / 2),
        }
    }

    /// Something short, as it is.
    pub(super) fn store(
        &mut self,
        name: &str,
        comment: &str,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let mut crc = Crc::new();
        crc.update(bytes);
        let length = u32::try_from(bytes.len()).map_err(|_| too_large())?;
        let mut entry = self.entry(name, STORED)?;
        (entry.comment, entry.crc, entry.packed, entry.plain) = (comment.to_owned(), crc.sum(), length, length);
        self.local(&entry, out)?;
        self.put(bytes, out);
        self.entries.push(entry);
        Ok(())
    }

    /// Begins an entry whose bytes come with [`Self::write`].
    pub(super) fn begin(&mut self, name: &str, out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut entry = self.entry(name, DEFLATED)?;
        entry.flags |= FLAG_DESCRIPTOR;
        self.compress.reset();
        self.crc.reset();
        self.local(&entry, out)?;
        self.entries.push(entry);
        Ok(())
    }

    /// The next bytes of the entry that was begun.
    pub(super) fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.crc.update(bytes);
        self.deflate(bytes, false, out)
    }

    /// The end of the entry that was begun.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.deflate(&[], true, out)?;
        let packed = u32::try_from(self.compress.total_out()).map_err(|_| too_large())?;
        let plain = u32::try_from(self.compress.total_in()).map_err(|_| too_large())?;
        let crc = self.crc.sum();
        if let Some(entry) = self.entries.last_mut() {
            (entry.crc, entry.packed, entry.plain) = (crc, packed, plain);
        }
        let mut descriptor = Vec::new();
        for number in [DESCRIPTOR, crc, packed, plain] {
            descriptor.extend(number.to_le_bytes());
        }
        self.put(&descriptor, out);
        Ok(())
    }

    /// The end of all.
    pub(super) fn finish(mut self, comment: &str, out: &mut Vec<u8>) -> Result<(), SealError> {
        let begin = u32::try_from(self.place).map_err(|_| too_large())?;
        let count = u16::try_from(self.entries.len()).ok().filter(|count| *count < u16::MAX).ok_or_else(too_many)?;
        for entry in std::mem::take(&mut self.entries) {
            let mut written = CENTRAL.to_le_bytes().to_vec();
            written.extend(VERSION.to_le_bytes());
            self.common(&entry, (entry.crc, entry.packed, entry.plain), &mut written)?;
            written.extend(length(&entry.comment)?);
            // Disk, attributes inside and outside.
            written.extend([0; 2 + 2 + 4]);
            written.extend(entry.begin.to_le_bytes());
            written.extend_from_slice(entry.name.as_bytes());
            written.extend_from_slice(entry.comment.as_bytes());
            self.put(&written, out);
        }
        let size = u32::try_from(self.place).map_err(|_| too_large())?.saturating_sub(begin);
        let mut end = END.to_le_bytes().to_vec();
        end.extend([0; 2 + 2]);
        end.extend(count.to_le_bytes());
        end.extend(count.to_le_bytes());
        end.extend(size.to_le_bytes());
        end.extend(begin.to_le_bytes());
        end.extend(length(comment)?);
        end.extend_from_slice(comment.as_bytes());
        self.put(&end, out);
        Ok(())
    }

    fn entry(&self, name: &str, method: u16) -> Result<Entry, SealError> {
        names::check(name).map_err(|why| SealError::File { name: name.to_owned(), why: why.into() })?;
        let begin = u32::try_from(self.place).map_err(|_| too_large())?;
        let flags = if name.is_ascii() { 0 } else { FLAG_UTF8 };
        let (crc, packed, plain) = (0, 0, 0);
        Ok(Entry { name: name.to_owned(), comment: String::new(), flags, method, crc, packed, plain, begin })
    }

    fn local(&mut self, entry: &Entry, out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut written = LOCAL.to_le_bytes().to_vec();
        self.common(entry, (entry.crc, entry.packed, entry.plain), &mut written)?;
        written.extend_from_slice(entry.name.as_bytes());
        self.put(&written, out);
        Ok(())
    }

    /// What both headers of an entry have, from the version needed to the length of the extra field, which is none.
    fn common(&self, entry: &Entry, sizes: (u32, u32, u32), written: &mut Vec<u8>) -> Result<(), SealError> {
        for number in [VERSION, entry.flags, entry.method, self.time, self.date] {
            written.extend(number.to_le_bytes());
        }
        for number in [sizes.0, sizes.1, sizes.2] {
            written.extend(number.to_le_bytes());
        }
        written.extend(length(&entry.name)?);
        written.extend([0; 2]);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(bytes);
        self.place = self.place.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    fn deflate(&mut self, bytes: &[u8], is_last: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
        const ROOM: usize = 32 << 10;
        let flush = if is_last { FlushCompress::Finish } else { FlushCompress::None };
        let broken = || SealError::Machine("deflate does not go on".into());
        let (read, written) = (self.compress.total_in(), self.compress.total_out());
        loop {
            out.reserve(ROOM);
            let consumed = usize::try_from(self.compress.total_in() - read).unwrap_or(usize::MAX);
            let rest = bytes.get(consumed..).unwrap_or_default();
            let is_full = |out: &Vec<u8>| out.len() == out.capacity();
            let status = self.compress.compress_vec(rest, out, flush).map_err(|_| broken())?;
            let consumed = usize::try_from(self.compress.total_in() - read).unwrap_or(usize::MAX);
            let is_done = if is_last { status == Status::StreamEnd } else { consumed >= bytes.len() && !is_full(out) };
            if is_done {
                break;
            }
        }
        self.place = self.place.saturating_add(self.compress.total_out() - written);
        Ok(())
    }
}

fn length(text: &str) -> Result<[u8; 2], SealError> {
    u16::try_from(text.len()).map(u16::to_le_bytes).map_err(|_| SealError::File {
        name: text.chars().take(40).collect(),
        why: "its name is longer than 65535 bytes".into(),
    })
}

fn too_large() -> SealError {
    SealError::File { name: "the package".into(), why: "all files together have more than 4 GiB".into() }
}

fn too_many() -> SealError {
    SealError::File { name: "the package".into(), why: "there are more than 65534 files".into() }
}
