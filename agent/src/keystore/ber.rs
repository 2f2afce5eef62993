//! Just enough of ASN.1 to read keystores and certificates: BER, because Bouncy Castle and old browsers write lengths that
//! are not told beforehand. Never copies but where a text comes in pieces; every depth has an end.

use std::borrow::Cow;

/// Nothing that is real is nested deeper.
const DEPTH: u32 = 24;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, with something inside.
pub(super) const ZERO: u8 = 0xA0;

/// It is no ASN.1, or not the one that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is damaged, or something else: its ASN.1 cannot be read")]
pub struct Malformed;

/// A value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With its tag and its length.
    pub(super) whole: &'a [u8],
}

/// Values, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn next(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (value, rest) = one(self.0, DEPTH)?;
        self.0 = rest;
        Ok(Some(value))
    }

    /// The next one, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Value<'a>, Malformed> {
        self.next()?.filter(|value| value.tag == tag).ok_or(Malformed)
    }

    /// The next one if it has this tag.
    pub(super) fn take_if(&mut self, tag: u8) -> Result<Option<Value<'a>>, Malformed> {
        if self.0.first() == Some(&tag) { self.next() } else { Ok(None) }
    }

    pub(super) fn all(mut self) -> Result<Vec<Value<'a>>, Malformed> {
        let mut all = Vec::new();
        while let Some(value) = self.next()? {
            all.push(value);
        }
        Ok(all)
    }
}

impl<'a> Value<'a> {
    /// What is inside.
    pub(super) fn inside(self) -> Values<'a> {
        Values(self.content)
    }

    /// Bytes, also where they come in pieces; whatever the tag says besides.
    pub(super) fn octets(self) -> Result<Cow<'a, [u8]>, Malformed> {
        const IN_PIECES: u8 = 0x20;
        if self.tag & IN_PIECES == 0 {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut bytes = Vec::new();
        self.pieces(&mut bytes, DEPTH)?;
        Ok(Cow::Owned(bytes))
    }

    fn pieces(self, into: &mut Vec<u8>, depth: u32) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        for piece in self.inside().all()? {
            match piece.tag {
                OCTETS => into.extend_from_slice(piece.content),
                0x24 => piece.pieces(into, depth)?,
                _ => return Err(Malformed),
            }
        }
        Ok(())
    }

    /// A small number that is not negative.
    pub(super) fn number(self) -> Result<u32, Malformed> {
        let digits = without_zeros(self.content);
        if self.content.first().is_none_or(|first| *first > 0x7F) || digits.len() > 4 {
            return Err(Malformed);
        }
        Ok(digits.iter().fold(0, |number, digit| number << 8 | u32::from(*digit)))
    }
}

/// Without the zeros in front.
pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// The only value in there.
pub(super) fn only(bytes: &[u8], tag: u8) -> Result<Value<'_>, Malformed> {
    let mut values = Values::of(bytes);
    values.take(tag)
}

fn one(bytes: &[u8], depth: u32) -> Result<(Value<'_>, &[u8]), Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed)?;
    let (tag, rest) = bytes.split_first().ok_or(Malformed)?;
    let (first, rest) = rest.split_first().ok_or(Malformed)?;
    if tag & 0x1F == 0x1F {
        return Err(Malformed);
    }
    let (content, after) = match first {
        0x80 if tag & 0x20 != 0 => until_the_end(rest, depth)?,
        0..=0x7F => rest.split_at_checked(usize::from(*first)).ok_or(Malformed)?,
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F)).ok_or(Malformed)?;
            let length = digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
            rest.split_at_checked(length).ok_or(Malformed)?
        }
        _ => return Err(Malformed),
    };
    let whole = bytes.get(..bytes.len() - after.len()).ok_or(Malformed)?;
    Ok((Value { tag: *tag, content, whole }, after))
}

/// What stands before two zeros that end a value whose length is not told.
fn until_the_end(bytes: &[u8], depth: u32) -> Result<(&[u8], &[u8]), Malformed> {
    let mut rest = bytes;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            let content = bytes.get(..bytes.len() - rest.len()).ok_or(Malformed)?;
            return Ok((content, after));
        }
        rest = one(rest, depth)?.1;
    }
}

/// As DER: a value of these parts.
pub(super) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let digits = length.to_be_bytes();
    let digits = without_zeros(&digits);
    let mut bytes = Vec::with_capacity(length + 6);
    bytes.push(tag);
    if length < 0x80 {
        bytes.extend(digits.last().or(Some(&0)));
    } else {
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        bytes.extend_from_slice(digits);
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_that_are_not_told_and_texts_in_pieces_are_read() {
        let told = [0x30, 6, 0x04, 4, 1, 2, 3, 4];
        let untold = [0x30, 0x80, 0x24, 0x80, 0x04, 1, 1, 0x24, 5, 0x04, 3, 2, 3, 4, 0, 0, 0, 0];
        for bytes in [&told[..], &untold] {
            let value = only(bytes, SEQUENCE).unwrap();
            assert_eq!(value.whole, bytes);
            let inside = value.inside().next().unwrap().unwrap();
            assert_eq!(*inside.octets().unwrap(), [1, 2, 3, 4]);
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let bytes: Vec<u8> = [0x30, 0x80].repeat(100_000);
        assert_eq!(only(&bytes, SEQUENCE).unwrap_err(), Malformed);
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let written = value(OCTETS, &[&content]);
            assert_eq!(only(&written, OCTETS).unwrap().content, content);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(all) = Values::of(&bytes).all() {
                for value in all {
                    let _ = (value.octets().is_ok(), value.number().is_ok());
                }
            }
        }
    }
}
