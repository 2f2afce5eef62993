//! Bytes to packets: armoured or binary, one block or several, text around them, all within bounds.
//!
//! The one place where the library parses what came from outside, so also the one that survives its panics.

use pgp::armor::{BlockType, Dearmor, DearmorOptions};
use pgp::packet::{Packet, PacketHeader};
use pgp::types::{PacketLength, Tag};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More packets than this are no key file of anybody.
const PACKETS_AT_MOST: usize = 20_000;

/// A packet, or the kind of one that the library does not understand.
#[derive(Debug)]
pub(super) enum Piece {
    /// Understood.
    Whole(Box<Packet>),
    /// A packet of this kind that is not understood: an unknown version or algorithm, or damaged.
    Opaque(Tag),
}

/// What was expected in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Certificate,
    Signature,
}

/// Runs code of the library on bytes from outside; none where it panicked.
pub(super) fn guarded<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok()
}

/// All packets of a file, in order. The error says what is wrong with it.
pub(super) fn read(bytes: &[u8], wanted: Wanted) -> Result<Vec<Piece>, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match bytes {
        [] => Err("it is empty".into()),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Err("it was saved as UTF-16 text; save it as plain ASCII".into()),
        [first, ..] if first & 0x80 != 0 => packets(bytes),
        _ => {
            let mut pieces = Vec::new();
            for block in blocks(bytes)? {
                pieces.append(&mut packets(&dearmor(&block, wanted)?)?);
            }
            Ok(pieces)
        }
    }
}

/// The armoured blocks of a text, each with its lines trimmed; what stands around them is ignored.
fn blocks(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        match &mut open {
            None if line.starts_with("-----BEGIN PGP ") => open = Some(format!("{line}\n")),
            None => {}
            Some(block) => {
                block.push_str(line);
                block.push('\n');
                if line.starts_with("-----END PGP ") {
                    blocks.extend(open.take());
                }
            }
        }
    }
    match (open, blocks.is_empty()) {
        (Some(_), _) => Err("an armoured block has no end; the file is cut off".into()),
        (None, true) => Err("there is no OpenPGP block in it".into()),
        (None, false) => Ok(blocks),
    }
}

fn dearmor(block: &str, wanted: Wanted) -> Result<Vec<u8>, String> {
    let read = guarded(|| {
        let mut reader = Dearmor::with_options(block.as_bytes(), DearmorOptions::new().set_limit(block.len()));
        let mut bytes = Vec::new();
        let done = reader.read_to_end(&mut bytes);
        done.map(|_| (reader.typ, bytes))
    });
    let Some(Ok((kind, bytes))) = read else { return Err("the armour around it is damaged".into()) };
    let expected = match wanted {
        Wanted::Certificate => BlockType::PublicKey,
        Wanted::Signature => BlockType::Signature,
    };
    match kind {
        Some(kind) if kind == expected => Ok(bytes),
        Some(BlockType::PrivateKey) => Err("it holds a secret key; keep that away, and export the public one".into()),
        Some(kind) => Err(format!("it holds a {kind}, not a {expected}")),
        None => Err("the armour around it has no type".into()),
    }
}

fn packets(bytes: &[u8]) -> Result<Vec<Piece>, String> {
    let split = || {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let Ok(header) = PacketHeader::try_from_reader(&mut rest) else {
                return Err("a packet has no proper start; the file is damaged or cut off".into());
            };
            let PacketLength::Fixed(length) = header.packet_length() else {
                return Err("a packet does not say how long it is".into());
            };
            let body = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
            let Some((body, after)) = body else { return Err("its last packet is cut off".to_owned()) };
            rest = after;
            pieces.push(match Packet::from_reader(header, body) {
                Ok(packet) => Piece::Whole(Box::new(packet)),
                Err(_) => Piece::Opaque(header.tag()),
            });
            if pieces.len() > PACKETS_AT_MOST {
                return Err(format!("it has more than {PACKETS_AT_MOST} packets"));
            }
        }
        Ok(pieces)
    };
    guarded(split).unwrap_or_else(|| Err("it is damaged in a way that the OpenPGP library does not survive".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_openpgp_is_named_for_what_it_is() {
        for (bytes, said) in [
            (&b""[..], "empty"),
            (b"<html>login</html>", "no OpenPGP block"),
            (b"\xFF\xFE-\0-\0", "UTF-16"),
            (b"-----BEGIN PGP SIGNATURE-----\n\nwsB", "cut off"),
            (b"-----BEGIN PGP SIGNATURE-----\n\n!!!!\n-----END PGP SIGNATURE-----\n", "damaged"),
            (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n", "secret key"),
            (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", "not a PGP SIGN"),
            (b"\xC2\xC1\x00\x04", "cut off"),
        ] {
            let error = read(bytes, Wanted::Signature).unwrap_err();
            assert!(error.contains(said), "{error} lacks {said}");
        }
    }
}
