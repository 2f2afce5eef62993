//! Reads a zip as it passes by, front to back, and holds it to its word: the list at the end must name what came, in
//! bounds that a bomb does not fit into. Whoever unpacks it later with another reader finds what was looked at here.

use super::directory::{self, Listed};
use super::names;
use crate::ports::SealError;
use flate2::{Crc, Decompress, FlushDecompress, Status};

pub(super) const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: [u8; 4] = 0x0807_4b50_u32.to_le_bytes();
const LOCAL_LENGTH: usize = 30;
const MOST_ENTRIES: usize = 10_000;
/// A package has at most so many bytes when it is unpacked.
const MOST_BYTES: u64 = 64 << 30;
/// It may unpack to so many times its own size, from a size on where that is no accident.
const MOST_RATIO: u64 = 200;
const RATIO_COUNTS_FROM_BYTES: u64 = 256 << 20;
/// The list at the end.
const DIRECTORY_LIMIT_BYTES: usize = 4 << 20;

/// Who is told what is in the zip.
pub(super) trait Listener {
    fn begin(&mut self, name: &str) -> Result<(), SealError>;
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), SealError>;
    fn end(&mut self) -> Result<(), SealError>;
}

/// A zip that passes by.
pub(super) struct Reader {
    stage: Stage,
    /// How many bytes have been read.
    place: u64,
    /// How many bytes came out.
    unpacked: u64,
    entries: Vec<Listed>,
    names: std::collections::BTreeSet<String>,
    entry: Entry,
    crc: Crc,
    decompress: Decompress,
    room: Vec<u8>,
}

enum Stage {
    /// What has come of the head of an entry, or of what is no entry.
    Head(Vec<u8>),
    /// So many bytes as they are.
    Stored(u64),
    Deflated,
    /// What has come of the sizes behind an entry.
    Descriptor(Vec<u8>),
    /// The list at the end.
    Directory(Vec<u8>),
}

/// The entry that is being read.
#[derive(Default)]
struct Entry {
    name: String,
    unpacked: u64,
    /// What its head says of it; none: it stands behind it.
    told: Option<Sizes>,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) plain: u64,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Head(Vec::new()),
            place: 0,
            unpacked: 0,
            entries: Vec::new(),
            names: std::collections::BTreeSet::new(),
            entry: Entry::default(),
            crc: Crc::new(),
            decompress: Decompress::new(false),
            room: vec![0; 32 << 10],
        }
    }

    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], listener: &mut impl Listener) -> Result<(), SealError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let consumed = match self.stage {
                Stage::Head(_) => self.head(rest, listener)?,
                Stage::Stored(_) => self.stored(rest, listener)?,
                Stage::Deflated => self.deflated(rest, listener)?,
                Stage::Descriptor(_) => self.descriptor(rest)?,
                Stage::Directory(_) => self.directory(rest)?,
            };
            self.place = self.place.saturating_add(length(consumed));
            rest = rest.get(consumed..).unwrap_or_default();
            self.settle(listener)?;
        }
        Ok(())
    }

    /// There are no more bytes.
    pub(super) fn finish(&mut self) -> Result<(), SealError> {
        let begun = !self.entries.is_empty();
        match &self.stage {
            Stage::Directory(came) => directory::check(came, self.place - length(came.len()), &self.entries),
            Stage::Head(_) | Stage::Stored(_) | Stage::Deflated | Stage::Descriptor(_) if begun => {
                Err(bad(format!("its container ends in the middle of '{}'", self.entry.name)))
            }
            Stage::Head(_) | Stage::Stored(_) | Stage::Deflated | Stage::Descriptor(_) => Err(not_a_zip()),
        }
    }

    fn head(&mut self, rest: &[u8], listener: &mut impl Listener) -> Result<usize, SealError> {
        let Stage::Head(came) = &mut self.stage else { return Ok(0) };
        // What it is says the first word; how long it is, its last two numbers.
        let wanted = if came.len() < LOCAL_LENGTH { LOCAL_LENGTH } else { local_length(came) };
        let consumed = wanted.saturating_sub(came.len()).min(rest.len());
        came.extend_from_slice(rest.get(..consumed).unwrap_or_default());
        if came.first().is_some_and(|first| *first != b'P') || !LOCAL.to_le_bytes().starts_with(first_four(came)) {
            if self.entries.is_empty() {
                return Err(not_a_zip());
            }
            // Whatever else comes between or behind entries is looked at when all of it is there.
            self.stage = Stage::Directory(std::mem::take(came));
            return Ok(consumed);
        }
        if came.len() >= LOCAL_LENGTH && came.len() == local_length(came) {
            let came = std::mem::take(came);
            let begin = (self.place + length(consumed)).saturating_sub(length(came.len()));
            self.begin(&came, begin, listener)?;
        }
        Ok(consumed)
    }

    fn begin(&mut self, head: &[u8], begin: u64, listener: &mut impl Listener) -> Result<(), SealError> {
        let local = directory::Local::read(head).ok_or_else(not_a_zip)?;
        let name = local.name();
        let wrong = |why: &str| bad(format!("its entry '{}' {why}", shown(&name)));
        names::check(&name).map_err(|why| bad(format!("its entry '{}' may not be unpacked: {why}", shown(&name))))?;
        if names::is_meta(&name) && names::meta(&name).is_none() {
            return Err(wrong("lies below META-INF/, where it does not belong"));
        }
        if self.entries.len() == MOST_ENTRIES {
            return Err(bad(format!("it has more than {MOST_ENTRIES} entries")));
        }
        let known = if names::is_meta(&name) { name.to_ascii_lowercase() } else { name.clone() };
        if !self.names.insert(known) {
            return Err(wrong("comes twice"));
        }
        if local.is_encrypted() {
            return Err(wrong("is encrypted"));
        }
        let told = local.sizes().map_err(wrong)?;
        self.stage = match (local.method, told) {
            (0, Some(sizes)) if sizes.packed == sizes.plain => Stage::Stored(sizes.plain),
            (0, Some(_)) => return Err(wrong("is stored with two lengths")),
            (0, None) => return Err(wrong("is stored, and its length stands only behind it")),
            (8, _) => Stage::Deflated,
            _ => return Err(wrong("is packed in a way that is not known")),
        };
        self.entries.push(Listed { name: local.raw_name.to_vec(), begin, method: local.method, sizes: None });
        listener.begin(&name)?;
        self.entry = Entry { name, unpacked: 0, told, has_ended: false };
        self.crc.reset();
        self.decompress.reset(false);
        Ok(())
    }

    fn stored(&mut self, rest: &[u8], listener: &mut impl Listener) -> Result<usize, SealError> {
        let Stage::Stored(left) = &mut self.stage else { return Ok(0) };
        let consumed = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
        *left -= length(consumed);
        let bytes = rest.get(..consumed).unwrap_or_default();
        self.crc.update(bytes);
        self.count(length(consumed))?;
        listener.bytes(bytes)?;
        Ok(consumed)
    }

    fn deflated(&mut self, rest: &[u8], listener: &mut impl Listener) -> Result<usize, SealError> {
        let begin = self.decompress.total_in();
        loop {
            let consumed = usize::try_from(self.decompress.total_in() - begin).unwrap_or(usize::MAX);
            let (read, written) = (self.decompress.total_in(), self.decompress.total_out());
            let input = rest.get(consumed..).unwrap_or_default();
            let status = self.decompress.decompress(input, &mut self.room, FlushDecompress::None);
            let status = status.map_err(|_| bad(format!("its entry '{}' does not unpack", shown(&self.entry.name))))?;
            let fresh = self.decompress.total_out() - written;
            let count = usize::try_from(fresh).unwrap_or(usize::MAX);
            self.count(fresh)?;
            let bytes = self.room.get(..count).unwrap_or_default();
            self.crc.update(bytes);
            listener.bytes(bytes)?;
            let consumed = usize::try_from(self.decompress.total_in() - begin).unwrap_or(usize::MAX);
            if status == Status::StreamEnd {
                self.ended(self.decompress.total_in());
                return Ok(consumed);
            }
            let stands_still = self.decompress.total_in() == read && fresh == 0;
            if stands_still && consumed < rest.len() {
                return Err(bad(format!("its entry '{}' does not unpack", shown(&self.entry.name))));
            }
            if stands_still || (consumed >= rest.len() && count < self.room.len()) {
                return Ok(rest.len().min(consumed));
            }
        }
    }

    /// The content of the entry has ended, of which so many bytes were packed.
    fn ended(&mut self, packed: u64) {
        self.stage = Stage::Descriptor(Vec::new());
        let sizes = Sizes { crc: self.crc.sum(), packed, plain: self.entry.unpacked };
        if let Some(entry) = self.entries.last_mut() {
            entry.sizes = Some(sizes);
        }
    }

    fn count(&mut self, fresh: u64) -> Result<(), SealError> {
        self.entry.unpacked = self.entry.unpacked.saturating_add(fresh);
        self.unpacked = self.unpacked.saturating_add(fresh);
        if self.unpacked > MOST_BYTES {
            return Err(bad(format!("it unpacks to more than {} GiB", MOST_BYTES >> 30)));
        }
        if self.unpacked > RATIO_COUNTS_FROM_BYTES && self.unpacked / MOST_RATIO > self.place {
            return Err(bad(format!("it unpacks to more than {MOST_RATIO} times its size, as a zip bomb does")));
        }
        Ok(())
    }

    fn descriptor(&mut self, rest: &[u8]) -> Result<usize, SealError> {
        let sizes = self.entries.last().and_then(|entry| entry.sizes);
        let Stage::Descriptor(came) = &mut self.stage else { return Ok(0) };
        let Some(sizes) = sizes else { return Ok(0) };
        let forms = descriptors(sizes);
        let longest = forms.iter().map(Vec::len).max().unwrap_or_default();
        for (consumed, byte) in (1..).zip(rest.iter().take(longest)) {
            came.push(*byte);
            if forms.contains(came) {
                self.stage = Stage::Head(Vec::new());
                return Ok(consumed);
            }
            if !forms.iter().any(|form| form.starts_with(came)) {
                return Err(bad(format!("its entry '{}' is not what is said behind it", shown(&self.entry.name))));
            }
        }
        Ok(rest.len())
    }

    fn directory(&mut self, rest: &[u8]) -> Result<usize, SealError> {
        let Stage::Directory(came) = &mut self.stage else { return Ok(0) };
        if came.len() + rest.len() > DIRECTORY_LIMIT_BYTES {
            return Err(bad("the list at its end is longer than anybody's".into()));
        }
        came.extend_from_slice(rest);
        Ok(rest.len())
    }

    /// Goes on where nothing more has to come: an entry that is stored, or whose sizes stood before it.
    fn settle(&mut self, listener: &mut impl Listener) -> Result<(), SealError> {
        if matches!(self.stage, Stage::Stored(0)) {
            self.ended(self.entry.unpacked);
        }
        let Stage::Descriptor(came) = &self.stage else { return Ok(()) };
        if !came.is_empty() {
            return Ok(());
        }
        let Some(told) = self.entry.told else {
            // Told once; the sizes are still to come.
            if !std::mem::replace(&mut self.entry.has_ended, true) {
                listener.end()?;
            }
            return Ok(());
        };
        if self.entries.last().and_then(|entry| entry.sizes) != Some(told) {
            return Err(bad(format!("its entry '{}' is not what is said before it", shown(&self.entry.name))));
        }
        self.stage = Stage::Head(Vec::new());
        listener.end()
    }
}

/// As it may stand behind an entry: with its mark or without, with short lengths or, where those are long, long ones.
fn descriptors(sizes: Sizes) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    let crc = sizes.crc.to_le_bytes();
    let short = [sizes.packed, sizes.plain].map(u32::try_from);
    let short = match short {
        [Ok(packed), Ok(plain)] => [crc, packed.to_le_bytes(), plain.to_le_bytes()].concat(),
        _ => [&crc[..], &sizes.packed.to_le_bytes(), &sizes.plain.to_le_bytes()].concat(),
    };
    forms.push([&DESCRIPTOR[..], &short].concat());
    if !DESCRIPTOR.starts_with(&crc) {
        forms.push(short);
    }
    forms
}

fn first_four(came: &[u8]) -> &[u8] {
    came.get(..came.len().min(4)).unwrap_or_default()
}

fn local_length(head: &[u8]) -> usize {
    let number = |at| directory::short(head, at).map_or(0, usize::from);
    LOCAL_LENGTH + number(26) + number(28)
}

pub(super) fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A name that somebody else has chosen, fit to be shown.
pub(super) fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(80).collect()
}

pub(super) fn bad(why: String) -> SealError {
    SealError::Bad(why)
}

fn not_a_zip() -> SealError {
    bad("what it holds is no zip".into())
}
