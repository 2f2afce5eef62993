//! ASN.1 as others write it: tags, lengths definite and indefinite, bounded in depth. Reads from a slice; what is too
//! large for one is read by [`super::frames`]. Never panics, never copies but where octets lie in pieces.

use std::borrow::Cow;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, `[1]`, `[2]`, `[3]` with something in it; without: [`PLAIN`] and the number.
pub(super) const CONTEXT: u8 = 0xa0;
pub(super) const PLAIN: u8 = 0x80;
/// What a tag has that holds other elements.
pub(super) const CONSTRUCTED: u8 = 0x20;

/// Deeper than anything that is sent to us.
const DEEPEST: u8 = 24;

/// Why it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It goes on behind the end.
    More,
    /// It is none of what is known here.
    Wrong(&'static str),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::More => write!(f, "it ends too early"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// What stands before the content of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) tag: u8,
    /// None: until an end mark.
    pub(super) length: Option<u64>,
    /// How many bytes tag and length have.
    pub(super) size: usize,
}

/// Reads tag and length.
pub(super) fn head(input: &[u8]) -> Result<Head, Unreadable> {
    let (Some(&tag), Some(&first)) = (input.first(), input.get(1)) else { return Err(Unreadable::More) };
    if tag & 0x1f == 0x1f {
        return Err(Unreadable::Wrong("a tag of several bytes"));
    }
    match first {
        0x80 if tag & CONSTRUCTED == 0 => Err(Unreadable::Wrong("a simple value without a length")),
        0x80 => Ok(Head { tag, length: None, size: 2 }),
        0..0x80 => Ok(Head { tag, length: Some(u64::from(first)), size: 2 }),
        0xff => Err(Unreadable::Wrong("a length that is none")),
        _ => {
            let count = usize::from(first & 0x7f);
            if count > size_of::<u64>() {
                return Err(Unreadable::Wrong("a length of more than eight bytes"));
            }
            let bytes = input.get(2..2 + count).ok_or(Unreadable::More)?;
            let length = bytes.iter().fold(0_u64, |length, byte| (length << 8) | u64::from(*byte));
            Ok(Head { tag, length: Some(length), size: 2 + count })
        }
    }
}

/// An element that lies in a slice whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// Without tag, length and end mark.
    pub(super) content: &'a [u8],
    /// With all of them.
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// What is in it.
    pub(super) fn inside(&self) -> Reader<'a> {
        Reader(self.content)
    }

    /// Octets, which may lie in pieces.
    pub(super) fn octets(&self) -> Result<Cow<'a, [u8]>, Unreadable> {
        if self.tag & CONSTRUCTED == 0 {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut all = Vec::new();
        let mut pieces = self.inside();
        while let Some(piece) = pieces.next()? {
            if piece.tag & !CONSTRUCTED != OCTETS {
                return Err(Unreadable::Wrong("octets in pieces, of which one is none"));
            }
            all.extend_from_slice(&piece.octets()?);
        }
        Ok(Cow::Owned(all))
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next one; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, Unreadable> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (element, rest) = element(self.0, DEEPEST)?;
        self.0 = rest;
        Ok(Some(element))
    }

    /// The next one, whatever it is.
    pub(super) fn any(&mut self, what: &'static str) -> Result<Element<'a>, Unreadable> {
        self.next()?.ok_or(Unreadable::Wrong(what))
    }

    /// The next one, which must be of this kind.
    pub(super) fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, Unreadable> {
        let element = self.any(what)?;
        if element.tag == tag { Ok(element) } else { Err(Unreadable::Wrong(what)) }
    }

    /// The next one where it is of this kind.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Unreadable> {
        if self.0.first() == Some(&tag) { self.next() } else { Ok(None) }
    }
}

fn element(input: &[u8], deepest: u8) -> Result<(Element<'_>, &[u8]), Unreadable> {
    let head = head(input)?;
    let behind = input.get(head.size..).ok_or(Unreadable::More)?;
    if let Some(length) = head.length {
        let length = usize::try_from(length).map_err(|_| Unreadable::More)?;
        let (content, rest) = behind.split_at_checked(length).ok_or(Unreadable::More)?;
        let whole = input.get(..head.size + length).ok_or(Unreadable::More)?;
        return Ok((Element { tag: head.tag, content, whole }, rest));
    }
    let deepest = deepest.checked_sub(1).ok_or(Unreadable::Wrong("more depth than anything that is sent"))?;
    let mut rest = behind;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            let length = behind.len() - rest.len();
            let content = behind.get(..length).ok_or(Unreadable::More)?;
            let whole = input.get(..head.size + length + 2).ok_or(Unreadable::More)?;
            return Ok((Element { tag: head.tag, content, whole }, after));
        }
        rest = element(rest, deepest)?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_kinds_of_length_are_read() {
        let mut reader = Reader(&[0x30, 0x80, 0x02, 0x01, 0x05, 0x00, 0x00, 0x04, 0x81, 0x01, 0x07]);
        let first = reader.expect(SEQUENCE, "").unwrap();
        assert_eq!(first.content, [0x02, 0x01, 0x05]);
        assert_eq!(first.whole.len(), 7);
        assert_eq!(reader.expect(OCTETS, "").unwrap().content, [0x07]);
        assert_eq!(reader.next(), Ok(None));
    }

    #[test]
    fn octets_in_pieces_are_put_together() {
        let mut reader = Reader(&[0x24, 0x80, 0x04, 0x01, 1, 0x24, 0x03, 0x04, 0x01, 2, 0, 0]);
        assert_eq!(&*reader.any("").unwrap().octets().unwrap(), [1, 2]);
    }

    #[test]
    fn a_well_of_indefinite_lengths_has_a_bottom() {
        let well = [0x30, 0x80].repeat(100_000);
        assert!(matches!(Reader(&well).next(), Err(Unreadable::Wrong(_))));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader(&bytes);
            while let Ok(Some(element)) = reader.next() {
                let _ = element.octets();
            }
        }
    }
}
