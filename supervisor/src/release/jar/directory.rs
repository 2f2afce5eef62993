//! The structure of an archive: its end record, its central directory, and that each entry lies in the file as the
//! directory says, one behind the other, with nothing before, between or after them.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use super::entry::{Entry, Header};
use super::{JarError, shortened};

/// A Spring Boot archive has some hundreds or thousands.
const ENTRIES_AT_MOST: u64 = 200_000;
const DIRECTORY_AT_MOST_BYTES: u64 = 64 << 20;
/// All entries together, inflated.
const CONTENT_AT_MOST_BYTES: u64 = 8 << 30;

const END: u32 = 0x0605_4b50;
const END_LENGTH: u64 = 22;
const END_64: u32 = 0x0606_4b50;
const END_64_LENGTH: u64 = 56;
const LOCATOR_64: u32 = 0x0706_4b50;
const LOCATOR_64_LENGTH: u64 = 20;

/// The central directory, checked against the file.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
}

/// Where the central directory lies.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    offset: u64,
    length: u64,
    entries: u64,
}

impl Directory {
    pub(super) fn read(file: &mut (impl Read + Seek)) -> Result<Self, JarError> {
        let length = file.seek(SeekFrom::End(0)).map_err(JarError::Read)?;
        let place = Place::find(file, length)?;
        let bytes = read_at(file, place.offset, place.length)?;
        let mut rest = bytes.as_slice();
        let mut entries = Vec::new();
        for _ in 0..place.entries {
            entries.push(Entry::central(&mut rest)?);
        }
        if !rest.is_empty() {
            return Err(JarError::Structure("its directory holds more than it counts"));
        }
        unique(&entries)?;
        bounded(&entries)?;
        contiguous(file, &mut entries, place.offset)?;
        Ok(Self { entries })
    }

    /// The entry of this name; an error where another is called the same but for upper and lower case.
    pub(super) fn only(&self, name: &'static str) -> Result<Option<&Entry>, JarError> {
        let mut found = self.entries.iter().filter(|entry| entry.name.eq_ignore_ascii_case(name.as_bytes()));
        match (found.next(), found.next()) {
            (Some(entry), None) if entry.name == name.as_bytes() => Ok(Some(entry)),
            (Some(entry), None) => Err(entry.refused("is not written as it must be, in upper and lower case")),
            (Some(_), Some(other)) => Err(other.refused("is there twice, in upper and lower case")),
            (None, _) => Ok(None),
        }
    }

    pub(super) fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name.as_bytes())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned())
    }
}

impl Place {
    fn find(file: &mut (impl Read + Seek), length: u64) -> Result<Self, JarError> {
        const NO_END: &str = "it does not end as a zip archive ends; it is cut off, or something was put behind it";
        let at = length.checked_sub(END_LENGTH).ok_or(JarError::Structure("it is too short for a zip archive"))?;
        let end = read_at(file, at, END_LENGTH)?;
        let mut end = end.as_slice();
        if u32_of(&mut end)? != END {
            return Err(JarError::Structure(NO_END));
        }
        let (disk, directory_disk) = (u16_of(&mut end)?, u16_of(&mut end)?);
        let (here, entries) = (u16_of(&mut end)?, u16_of(&mut end)?);
        let (size, offset) = (u32_of(&mut end)?, u32_of(&mut end)?);
        if u16_of(&mut end)? != 0 {
            return Err(JarError::Structure(NO_END));
        }
        if disk != 0 || directory_disk != 0 || here != entries {
            return Err(JarError::Structure("it is one part of several"));
        }
        let mut place = Self { offset: offset.into(), length: size.into(), entries: entries.into() };
        let mut ends_at = at;
        // As many as it can count, or more than that.
        if entries == u16::MAX && place.offset + place.length != at {
            (place, ends_at) = Self::many(file, at, &place)?;
        }
        if place.entries > ENTRIES_AT_MOST || place.length > DIRECTORY_AT_MOST_BYTES {
            return Err(JarError::Structure("it has more entries than any release"));
        }
        if place.offset + place.length != ends_at {
            return Err(JarError::Structure(
                "its directory is not where its end record says: something was put before, into or behind the archive, \
                 such as a start script; plain archives only",
            ));
        }
        Ok(place)
    }

    /// More entries than the plain end record can count: the larger one before it. In all else it agrees with the plain
    /// one, which may also leave that to it.
    fn many(file: &mut (impl Read + Seek), end_at: u64, plain: &Self) -> Result<(Self, u64), JarError> {
        const CROOKED: JarError = JarError::Structure("its two end records do not agree");
        let at = end_at.checked_sub(LOCATOR_64_LENGTH + END_64_LENGTH).ok_or(CROOKED)?;
        let bytes = read_at(file, at, END_64_LENGTH + LOCATOR_64_LENGTH)?;
        let mut end = bytes.as_slice();
        let fits = u32_of(&mut end)? == END_64 && u64_of(&mut end)? == END_64_LENGTH - 12;
        let _made_and_needed = u32_of(&mut end)?;
        let one_part = u32_of(&mut end)? == 0 && u32_of(&mut end)? == 0;
        let (here, entries) = (u64_of(&mut end)?, u64_of(&mut end)?);
        let (length, offset) = (u64_of(&mut end)?, u64_of(&mut end)?);
        let located = u32_of(&mut end)? == LOCATOR_64 && u32_of(&mut end)? == 0 && u64_of(&mut end)? == at;
        let agrees = |own: u64, plain: u64| own == plain || plain == u64::from(u32::MAX);
        let agrees = here == entries && agrees(length, plain.length) && agrees(offset, plain.offset);
        // It is there only where it is needed, and nothing of our size needs it for anything but the count.
        let needed = entries >= u64::from(u16::MAX) && length < u64::from(u32::MAX) && offset < u64::from(u32::MAX);
        if fits && one_part && located && u32_of(&mut end)? == 1 && agrees && needed {
            Ok((Self { offset, length, entries }, at))
        } else {
            Err(CROOKED)
        }
    }
}

fn unique(entries: &[Entry]) -> Result<(), JarError> {
    let mut names = HashSet::new();
    match entries.iter().find(|entry| !names.insert(entry.name.as_slice())) {
        Some(entry) => Err(entry.refused("is there twice")),
        None => Ok(()),
    }
}

fn bounded(entries: &[Entry]) -> Result<(), JarError> {
    let total = entries.iter().fold(0_u64, |total, entry| total.saturating_add(entry.length));
    if total > CONTENT_AT_MOST_BYTES {
        return Err(JarError::Structure("it would be larger than 8 GiB when unpacked; no release is"));
    }
    Ok(())
}

/// Entries fill the file from its first byte to the directory, and what stands before each agrees with the directory.
fn contiguous(file: &mut (impl Read + Seek), entries: &mut [Entry], directory_at: u64) -> Result<(), JarError> {
    let mut order: Vec<&mut Entry> = entries.iter_mut().collect();
    order.sort_by_key(|entry| entry.header_at);
    let mut next_starts: Vec<u64> = order.iter().skip(1).map(|entry| entry.header_at).collect();
    next_starts.push(directory_at);
    let mut expected = 0;
    for (entry, next) in order.into_iter().zip(next_starts) {
        if entry.header_at != expected {
            return Err(if expected == 0 {
                JarError::Structure(
                    "something stands before its first entry, such as a start script; plain archives only",
                )
            } else {
                entry.refused("does not begin where the one before it ends")
            });
        }
        entry.locate(file, next)?;
        expected = next;
    }
    if expected != directory_at {
        return Err(JarError::Structure("something stands between its entries and its directory"));
    }
    Ok(())
}

impl Entry {
    pub(super) fn refused(&self, reason: &'static str) -> JarError {
        JarError::Entry { name: shortened(&String::from_utf8_lossy(&self.name)), reason }
    }

    fn central(rest: &mut &[u8]) -> Result<Self, JarError> {
        const SIGNATURE: u32 = 0x0201_4b50;
        if u32_of(rest)? != SIGNATURE {
            return Err(JarError::Structure("its directory has no entry where it should"));
        }
        let made_by = u16_of(rest)?;
        let header = Header::of(rest)?;
        let (comment, disk) = (u16_of(rest)?, u16_of(rest)?);
        let (_internal, external) = (u16_of(rest)?, u32_of(rest)?);
        let header_at = u32_of(rest)?;
        let name = take(rest, header.name_length.into())?.to_vec();
        let extra = take(rest, header.extra_length.into())?;
        let entry = Self::new(name, &header, header_at.into());
        if comment != 0 || disk != 0 || header_at == u32::MAX {
            return Err(entry.refused("has a comment, or lies in another part, or beyond 4 GiB"));
        }
        // Made on Unix, and of the kind "symbolic link".
        if made_by >> 8 == 3 && (external >> 16) & 0xF000 == 0xA000 {
            return Err(entry.refused("is a link"));
        }
        entry.check(extra)?;
        Ok(entry)
    }
}

// ── Little-endian numbers ───────────────────────────────────────────────────────────────────────────────────────────

pub(super) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], JarError> {
    let (taken, after) = rest.split_at_checked(length).ok_or(JarError::Structure("a record in it is cut off"))?;
    *rest = after;
    Ok(taken)
}

fn number<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], JarError> {
    let (taken, after) = rest.split_first_chunk().ok_or(JarError::Structure("a record in it is cut off"))?;
    *rest = after;
    Ok(*taken)
}

pub(super) fn u16_of(rest: &mut &[u8]) -> Result<u16, JarError> {
    number(rest).map(u16::from_le_bytes)
}

pub(super) fn u32_of(rest: &mut &[u8]) -> Result<u32, JarError> {
    number(rest).map(u32::from_le_bytes)
}

fn u64_of(rest: &mut &[u8]) -> Result<u64, JarError> {
    number(rest).map(u64::from_le_bytes)
}

/// So many bytes from there. The caller has bounded them.
pub(super) fn read_at(file: &mut (impl Read + Seek), offset: u64, length: u64) -> Result<Vec<u8>, JarError> {
    file.seek(SeekFrom::Start(offset)).map_err(JarError::Read)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(JarError::Read)?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read == length) {
        Ok(bytes)
    } else {
        Err(JarError::Structure("a record in it is cut off"))
    }
}
