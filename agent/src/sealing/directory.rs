//! The heads of a zip's entries, and the list at its end, which must say the same.

use super::zip_reader::{Sizes, bad, length, shown};
use crate::ports::SealError;
use std::borrow::Cow;

const CENTRAL: u32 = 0x0201_4b50;
const CENTRAL_LENGTH: usize = 46;
const END: u32 = 0x0605_4b50;
const END_LENGTH: usize = 22;
const END_64: u32 = 0x0606_4b50;
const END_64_PLACE: u32 = 0x0706_4b50;
const END_64_PLACE_LENGTH: usize = 20;
/// The extra field that has long lengths.
const EXTRA_64: u16 = 1;
const NOT_HERE: u64 = 0xffff_ffff;

/// An entry that has passed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: Vec<u8>,
    pub(super) begin: u64,
    pub(super) method: u16,
    pub(super) sizes: Option<Sizes>,
}

/// What stands before an entry.
pub(super) struct Local<'a> {
    flags: u16,
    pub(super) method: u16,
    crc: u32,
    packed: u64,
    plain: u64,
    pub(super) raw_name: &'a [u8],
    extra: &'a [u8],
}

impl<'a> Local<'a> {
    pub(super) fn read(head: &'a [u8]) -> Option<Self> {
        let names = usize::from(short(head, 26)?);
        let extra = usize::from(short(head, 28)?);
        Some(Self {
            flags: short(head, 6)?,
            method: short(head, 8)?,
            crc: long(head, 14)?,
            packed: u64::from(long(head, 18)?),
            plain: u64::from(long(head, 22)?),
            raw_name: head.get(30..30 + names)?,
            extra: head.get(30 + names..30 + names + extra)?,
        })
    }

    pub(super) fn name(&self) -> String {
        text(self.raw_name).into_owned()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.flags & (1 << 13) != 0
    }

    /// None: they stand behind the entry.
    pub(super) fn sizes(&self) -> Result<Option<Sizes>, &'static str> {
        if self.flags & (1 << 3) != 0 {
            return Ok(None);
        }
        let (mut packed, mut plain) = (self.packed, self.plain);
        let mut extra = Extra64::find(self.extra);
        for size in [&mut plain, &mut packed] {
            if *size == NOT_HERE {
                *size = extra.next().ok_or("has no length")?;
            }
        }
        Ok(Some(Sizes { crc: self.crc, packed, plain }))
    }
}

/// Holds the list at the end against what has passed by. `begin`: where it begins.
pub(super) fn check(list: &[u8], begin: u64, entries: &[Listed]) -> Result<(), SealError> {
    let mut place = 0;
    for entry in entries {
        let unlike = || bad(format!("the list at its end does not name '{}' as it came", shown(&text(&entry.name))));
        place += central(list.get(place..).unwrap_or_default(), entry).ok_or_else(unlike)?;
    }
    let directory = place;
    let mut rest = list.get(place..).unwrap_or_default();
    let wrong = |what: &str| bad(format!("its end is not that of a zip: {what}"));
    if long(rest, 0) == Some(CENTRAL) {
        return Err(wrong("it lists more than has come"));
    }
    if long(rest, 0) == Some(END_64) {
        let size = longest(rest, 4).and_then(|size| usize::try_from(size).ok()).and_then(|size| size.checked_add(12));
        rest = size.and_then(|size| rest.get(size..)).ok_or_else(|| wrong("it ends too early"))?;
        if long(rest, 0) != Some(END_64_PLACE) {
            return Err(wrong("the place of the long end is missing"));
        }
        rest = rest.get(END_64_PLACE_LENGTH..).ok_or_else(|| wrong("it ends too early"))?;
    }
    if long(rest, 0) != Some(END) {
        return Err(if END.to_le_bytes().starts_with(rest.get(..rest.len().min(4)).unwrap_or_default()) {
            wrong("it ends too early")
        } else {
            wrong("something else stands there")
        });
    }
    let told = |at| short(rest, at).map(usize::from);
    let (Some(count), Some(comment)) = (told(10), told(20)) else { return Err(wrong("it ends too early")) };
    let (size, offset) = (long(rest, 12).map(u64::from), long(rest, 16).map(u64::from));
    let is = |told: Option<u64>, real: u64| told == Some(real) || told == Some(NOT_HERE);
    if count != entries.len() && count != 0xffff {
        return Err(wrong("it counts other entries than have come"));
    }
    if !is(size, length(directory)) || !is(offset, begin) {
        return Err(wrong("it names another place for its list"));
    }
    match rest.len().checked_sub(END_LENGTH + comment) {
        Some(0) => Ok(()),
        Some(more) => Err(wrong(&format!("{more} bytes follow"))),
        None => Err(wrong("it ends too early")),
    }
}

/// How long the entry of the list is, where it says what came.
fn central(list: &[u8], entry: &Listed) -> Option<usize> {
    if long(list, 0)? != CENTRAL {
        return None;
    }
    let (name, extra, comment) = (short(list, 28)?, short(list, 30)?, short(list, 32)?);
    let (name, extra, comment) = (usize::from(name), usize::from(extra), usize::from(comment));
    let raw_name = list.get(CENTRAL_LENGTH..CENTRAL_LENGTH + name)?;
    let mut extra_64 = Extra64::find(list.get(CENTRAL_LENGTH + name..CENTRAL_LENGTH + name + extra)?);
    let mut size = |told: u32| match u64::from(told) {
        NOT_HERE => extra_64.next(),
        told => Some(told),
    };
    let (packed_told, plain_told) = (long(list, 20)?, long(list, 24)?);
    let plain = size(plain_told)?;
    let packed = size(packed_told)?;
    let begin = size(long(list, 42)?)?;
    let sizes = Sizes { crc: long(list, 16)?, packed, plain };
    let is_same = raw_name == entry.name
        && begin == entry.begin
        && short(list, 10)? == entry.method
        && Some(sizes) == entry.sizes;
    let whole = CENTRAL_LENGTH + name + extra + comment;
    (is_same && list.len() >= whole).then_some(whole)
}

/// The long lengths of an entry, in the order in which they are asked for.
struct Extra64<'a>(&'a [u8]);

impl<'a> Extra64<'a> {
    fn find(extra: &'a [u8]) -> Self {
        let mut rest = extra;
        while let (Some(kind), Some(size)) = (short(rest, 0), short(rest, 2)) {
            let size = usize::from(size);
            let Some(content) = rest.get(4..4 + size) else { break };
            if kind == EXTRA_64 {
                return Self(content);
            }
            rest = rest.get(4 + size..).unwrap_or_default();
        }
        Self(&[])
    }

    fn next(&mut self) -> Option<u64> {
        let number = longest(self.0, 0)?;
        self.0 = self.0.get(8..)?;
        Some(number)
    }
}

/// UTF-8, as everybody writes it by now, whatever the flag says; else a letter a byte.
fn text(name: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(name) {
        Ok(name) => Cow::Borrowed(name),
        Err(_) => Cow::Owned(name.iter().map(|byte| char::from(*byte)).collect()),
    }
}

pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

pub(super) fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn longest(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}
