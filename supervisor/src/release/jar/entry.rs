//! One entry of an archive: what the directory says of it, what stands before it in the file, and its bytes.

use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

use super::JarError;
use super::directory::{read_at, take, u16_of, u32_of};

/// What properties and manifests may take.
const SMALL_AT_MOST_BYTES: u64 = 1 << 20;
/// Deflate cannot do better than 1032 : 1.
const DEFLATE_RATIO_AT_MOST: u64 = 1032;
const LOCAL_LENGTH: u64 = 30;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The sizes stand behind the data.
const DESCRIPTOR: u16 = 1 << 3;
/// Two bits of the compression's level, the descriptor, and that the name is UTF-8. All others change what is read.
const FLAGS_UNDERSTOOD: u16 = 0b0000_1000_0000_1110;

/// One entry, as the directory has it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    pub(super) length: u64,
    pub(super) header_at: u64,
    data_at: u64,
}

/// The part of a header that stands in the directory and before the entry alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    length: u32,
    pub(super) name_length: u16,
    pub(super) extra_length: u16,
}

impl Header {
    pub(super) fn of(rest: &mut &[u8]) -> Result<Self, JarError> {
        let _version_needed = u16_of(rest)?;
        let (flags, method) = (u16_of(rest)?, u16_of(rest)?);
        let _time_and_date = u32_of(rest)?;
        let (crc, packed, length) = (u32_of(rest)?, u32_of(rest)?, u32_of(rest)?);
        Ok(Self { flags, method, crc, packed, length, name_length: u16_of(rest)?, extra_length: u16_of(rest)? })
    }
}

impl Entry {
    pub(super) fn new(name: Vec<u8>, header: &Header, header_at: u64) -> Self {
        let Header { flags, method, crc, packed, length, .. } = *header;
        Self { name, flags, method, crc, packed: packed.into(), length: length.into(), header_at, data_at: 0 }
    }

    /// All that can be said of it from the directory alone.
    pub(super) fn check(&self, extra: &[u8]) -> Result<(), JarError> {
        self.check_name()?;
        if self.flags & !FLAGS_UNDERSTOOD != 0 {
            return Err(self.refused("is encrypted, or made in a way that we do not know"));
        }
        if self.method != STORED && self.method != DEFLATED {
            return Err(self.refused("is packed in a way that we do not know; stored and deflated are right"));
        }
        if self.packed >= u64::from(u32::MAX) || self.length >= u64::from(u32::MAX) {
            return Err(self.refused("calls itself larger than 4 GiB"));
        }
        if self.method == STORED && (self.packed != self.length || (self.flags & DESCRIPTOR != 0 && self.length != 0)) {
            return Err(self.refused("is stored, and does not say its length"));
        }
        if self.method == DEFLATED && self.length > self.packed.saturating_mul(DEFLATE_RATIO_AT_MOST) {
            return Err(self.refused("cannot be as large as it says"));
        }
        if self.name.ends_with(b"/") && self.length != 0 {
            return Err(self.refused("is a folder with content"));
        }
        self.check_extra(extra)
    }

    fn check_name(&self) -> Result<(), JarError> {
        let crooked = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'\\' | b':');
        let folders = || self.name.strip_suffix(b"/").unwrap_or(&self.name).split(|byte| *byte == b'/');
        if self.name.is_empty()
            || self.name.iter().any(crooked)
            || folders().any(|part| matches!(part, b"" | b"." | b".."))
        {
            return Err(self.refused("has a name that is no plain path inside the archive"));
        }
        Ok(())
    }

    /// Additions that readers may skip, each with its own length. The one that says other sizes than the header is what
    /// two readers see in two ways, and nothing of our size needs it.
    fn check_extra(&self, mut extra: &[u8]) -> Result<(), JarError> {
        const ZIP64: u16 = 0x0001;
        const UNICODE_NAME: u16 = 0x7075;
        const ENCRYPTION: u16 = 0x9901;
        while !extra.is_empty() {
            let crooked = |_| self.refused("has additions that do not end where they should");
            let kind = u16_of(&mut extra).map_err(crooked)?;
            let length = u16_of(&mut extra).map_err(crooked)?;
            take(&mut extra, length.into()).map_err(crooked)?;
            match kind {
                ZIP64 => return Err(self.refused("has a second set of sizes, which nothing below 4 GiB needs")),
                UNICODE_NAME => return Err(self.refused("has a second name")),
                ENCRYPTION => return Err(self.refused("is encrypted")),
                _ => {}
            }
        }
        Ok(())
    }

    /// Compares what stands before it in the file with the directory, and finds its bytes. They and what describes them
    /// end where the next entry begins.
    pub(super) fn locate(&mut self, file: &mut (impl Read + Seek), next: u64) -> Result<(), JarError> {
        const SIGNATURE: u32 = 0x0403_4b50;
        let fixed = read_at(file, self.header_at, LOCAL_LENGTH)?;
        let mut fixed = fixed.as_slice();
        let signed = u32_of(&mut fixed)? == SIGNATURE;
        let local = Header::of(&mut fixed)?;
        let names = u64::from(local.name_length) + u64::from(local.extra_length);
        self.data_at = self.header_at + LOCAL_LENGTH + names;
        let described = self.flags & DESCRIPTOR != 0;
        let sizes = |local: (u32, u32, u32)| (local.0, u64::from(local.1), u64::from(local.2));
        let own = (self.crc, self.packed, self.length);
        let said = sizes((local.crc, local.packed, local.length));
        let agrees = said == own || (described && said == (0, 0, 0));
        if !signed || local.flags != self.flags || local.method != self.method || !agrees || self.data_at > next {
            return Err(self.refused("is not in the file what it is in the directory"));
        }
        let names = read_at(file, self.header_at + LOCAL_LENGTH, names)?;
        let mut names = names.as_slice();
        if take(&mut names, local.name_length.into())? != self.name {
            return Err(self.refused("has another name in the file than in the directory"));
        }
        self.check_extra(names)?;
        let ends = self.data_at + self.packed;
        match next.checked_sub(ends) {
            Some(0) if !described => Ok(()),
            Some(length @ (12 | 16)) if described => self.check_descriptor(&read_at(file, ends, length)?),
            Some(_) => Err(self.refused("does not end where the next one begins")),
            None => Err(self.refused("reaches into the next one")),
        }
    }

    fn check_descriptor(&self, descriptor: &[u8]) -> Result<(), JarError> {
        const SIGNATURE: &[u8] = b"PK\x07\x08";
        const WITH_SIGNATURE: usize = 16;
        let mut rest = match descriptor.strip_prefix(SIGNATURE) {
            Some(rest) if descriptor.len() == WITH_SIGNATURE => rest,
            Some(_) | None => descriptor,
        };
        let said = (u32_of(&mut rest)?, u64::from(u32_of(&mut rest)?), u64::from(u32_of(&mut rest)?));
        if said == (self.crc, self.packed, self.length) && rest.is_empty() {
            Ok(())
        } else {
            Err(self.refused("is described in one way behind its data and in another in the directory"))
        }
    }

    /// Its bytes, where it is one of the small ones.
    pub(super) fn small(&self, file: &mut (impl Read + Seek)) -> Result<Vec<u8>, JarError> {
        let mut bytes = Vec::new();
        self.copy(file, SMALL_AT_MOST_BYTES, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes its bytes out, not more than the limit, and exactly those that the directory describes.
    pub(super) fn copy(&self, file: &mut (impl Read + Seek), limit: u64, to: &mut impl Write) -> Result<(), JarError> {
        if self.length > limit {
            return Err(self.refused("is larger than anything of its kind"));
        }
        file.seek(SeekFrom::Start(self.data_at)).map_err(JarError::Read)?;
        let packed = file.take(self.packed);
        // One byte more than it says, to see that it lies.
        let (read, crc) = if self.method == DEFLATED {
            let mut inflated = DeflateDecoder::new(packed).take(self.length + 1);
            let poured = pour(&mut inflated, to);
            if poured.is_ok() && inflated.get_ref().total_in() != self.packed {
                return Err(self.refused("holds more than its data"));
            }
            poured
        } else {
            pour(&mut packed.take(self.length + 1), to)
        }
        .map_err(|error| {
            // What the inflater says of data that it cannot inflate.
            let damaged =
                matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
            if damaged { self.refused("is damaged") } else { JarError::Read(error) }
        })?;
        if read == self.length && crc == self.crc { Ok(()) } else { Err(self.refused("is damaged")) }
    }
}

fn pour(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<(u64, u32)> {
    const CHUNK: usize = 64 * 1024;
    let mut buffer = vec![0; CHUNK];
    let (mut length, mut crc) = (0_u64, Crc::new());
    loop {
        let read = from.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((length, crc.sum()));
        }
        crc.update(bytes);
        to.write_all(bytes)?;
        length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}
