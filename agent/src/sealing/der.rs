//! ASN.1 as we write it: definite lengths, in memory. What streams is written by [`super::envelope`].

use super::ber::{CONTEXT, INTEGER, NULL, OCTETS, OID, SEQUENCE, SET};

/// An element of this content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut whole = vec![tag];
    length(content.len(), &mut whole);
    whole.extend_from_slice(content);
    whole
}

/// Writes a length.
pub(super) fn length(length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(u8::MAX));
            out.extend(bytes);
        }
    }
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// In the order that DER asks for.
pub(super) fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    element(SET, &parts.concat())
}

/// `[n]` around this.
pub(super) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    element(CONTEXT | number, content)
}

pub(super) fn oid(oid: &[u8]) -> Vec<u8> {
    element(OID, oid)
}

pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    element(OCTETS, bytes)
}

pub(super) fn small(number: u8) -> Vec<u8> {
    element(INTEGER, &[number])
}

pub(super) fn null() -> Vec<u8> {
    element(NULL, &[])
}

/// An algorithm with parameters that are written already.
pub(super) fn algorithm(name: &[u8], parameters: &[u8]) -> Vec<u8> {
    sequence(&[&oid(name), parameters])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::ber::Reader;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let written = octets(&content);
            let read = Reader(&written).expect(OCTETS, "").unwrap();
            assert_eq!(read.content, content);
            assert_eq!(read.whole, written);
        }
    }
}
