//! The content of an encrypted envelope as it comes: one run of octets, or pieces in pieces, each with a length or with
//! an end mark. Holds a few bytes of a head and never content.

use super::ber::{self, CONSTRUCTED, Head, OCTETS, Unreadable};
use super::recipients::Beginning;
use crate::ports::SealError;

/// Pieces in pieces in pieces: nobody goes deeper.
const DEEPEST: usize = 4;
/// Behind the content comes a tag, or attributes that are not encrypted.
const BEHIND_LIMIT_BYTES: usize = 64 << 10;
/// Tag and length.
const HEAD_LIMIT_BYTES: usize = 10;

/// Where in the content.
pub(super) struct Frames {
    /// How many bytes have been read of the whole envelope.
    place: u64,
    /// What is open of the content; where each ends, none: with an end mark.
    open: Vec<Option<u64>>,
    /// So much of a run of octets is to come.
    run: u64,
    head: Vec<u8>,
    /// What comes after the content; none: it has not ended.
    behind: Option<Vec<u8>>,
    ends: [Option<u64>; 4],
    is_authenticated: bool,
}

impl Frames {
    pub(super) fn new(beginning: &Beginning) -> Self {
        let place = u64::try_from(beginning.length).unwrap_or(u64::MAX);
        let mut frames = Self {
            place,
            open: Vec::new(),
            run: 0,
            head: Vec::new(),
            behind: None,
            ends: beginning.ends,
            is_authenticated: beginning.is_authenticated,
        };
        match beginning.content {
            Head { tag, length, .. } if tag & CONSTRUCTED != 0 => {
                frames.open.push(length.map(|length| place.saturating_add(length)));
            }
            Head { length, .. } => frames.run = length.unwrap_or_default(),
        }
        frames.close();
        frames
    }

    /// The next bytes; what of them is content goes to `content`.
    pub(super) fn push(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<(), SealError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(behind) = &mut self.behind {
                if behind.len() + rest.len() > BEHIND_LIMIT_BYTES {
                    return Err(SealError::NotSealed("there is more behind its content than there is room for".into()));
                }
                behind.extend_from_slice(rest);
                return Ok(());
            }
            if self.run > 0 {
                let length = usize::try_from(self.run).unwrap_or(usize::MAX).min(rest.len());
                let (now, later) = rest.split_at(length);
                content(now);
                self.pass(length);
                self.run = self.run.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
                rest = later;
            } else if let Some((first, later)) = rest.split_first() {
                self.head.push(*first);
                self.pass(1);
                rest = later;
                self.begin_piece()?;
            }
            self.close();
        }
        Ok(())
    }

    fn pass(&mut self, length: usize) {
        self.place = self.place.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }

    fn begin_piece(&mut self) -> Result<(), SealError> {
        if self.head == [0, 0] && self.open.last() == Some(&None) {
            self.head.clear();
            self.open.pop();
            if self.open.is_empty() {
                self.behind = Some(Vec::new());
            }
            return Ok(());
        }
        let head = match ber::head(&self.head) {
            Ok(head) => head,
            Err(Unreadable::More) if self.head.len() < HEAD_LIMIT_BYTES => return Ok(()),
            Err(why) => return Err(SealError::NotSealed(format!("a piece of its content: {why}"))),
        };
        if self.head == [0, 0] || head.tag & !CONSTRUCTED != OCTETS {
            return Err(SealError::NotSealed("a piece of its content is of another kind".into()));
        }
        self.head.clear();
        let end = head.length.map(|length| self.place.saturating_add(length));
        let around = self.open.iter().copied().flatten().min();
        if let (Some(end), Some(around)) = (end, around)
            && end > around
        {
            return Err(SealError::NotSealed("a piece of its content is longer than what it is in".into()));
        }
        if head.tag & CONSTRUCTED == 0 {
            self.run = head.length.unwrap_or_default();
        } else if self.open.len() == DEEPEST {
            return Err(SealError::NotSealed("its content lies in pieces of pieces".into()));
        } else {
            self.open.push(end);
        }
        Ok(())
    }

    /// Closes what has ended by its length.
    fn close(&mut self) {
        if self.run > 0 || self.behind.is_some() {
            return;
        }
        while self.head.is_empty() && self.open.last().is_some_and(|end| end.is_some_and(|end| end <= self.place)) {
            self.open.pop();
        }
        if self.open.is_empty() {
            self.behind = Some(Vec::new());
        }
    }

    /// Whether the envelope is whole. Gives the tag that stands beside the content, if it has one.
    pub(super) fn finish(self) -> Result<Option<Vec<u8>>, SealError> {
        let cut = SealError::CutOff(self.place);
        let Some(behind) = self.behind else { return Err(cut) };
        let total = self.place.saturating_add(u64::try_from(behind.len()).unwrap_or(u64::MAX));
        let cut = |()| SealError::CutOff(total);
        let mut rest = behind.as_slice();
        let mut tag = None;
        let [whole, explicit, data, info] = self.ends;
        let at = |rest: &[u8]| total.saturating_sub(u64::try_from(rest.len()).unwrap_or(u64::MAX));
        close_frame(&mut rest, info, at).map_err(cut)?;
        // Attributes, the tag, attributes: each where it is.
        while !rest.is_empty() && !rest.starts_with(&[0]) && data != Some(at(rest)) {
            let mut reader = ber::Reader(rest);
            let element = match reader.next() {
                Ok(Some(element)) => element,
                Ok(None) | Err(Unreadable::More) => return Err(SealError::CutOff(total)),
                Err(Unreadable::Wrong(what)) => return Err(SealError::NotSealed(what.into())),
            };
            match element.tag {
                OCTETS if self.is_authenticated => tag = Some(element.content.to_vec()),
                0xa1 if self.is_authenticated => {
                    return Err(SealError::Unknown("attributes that are authenticated".into()));
                }
                _ => {}
            }
            rest = reader.0;
        }
        for end in [data, explicit, whole] {
            close_frame(&mut rest, end, at).map_err(cut)?;
        }
        if !rest.is_empty() {
            return Err(SealError::NotSealed(format!("{} bytes follow its end", rest.len())));
        }
        Ok(tag)
    }
}

/// What is open ends here: with an end mark, or because its length says so.
fn close_frame(rest: &mut &[u8], end: Option<u64>, at: impl Fn(&[u8]) -> u64) -> Result<(), ()> {
    match end {
        None => *rest = rest.strip_prefix(&[0, 0]).ok_or(())?,
        Some(end) if end != at(rest) => return Err(()),
        Some(_) => {}
    }
    Ok(())
}
