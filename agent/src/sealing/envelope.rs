//! Writes the encrypted envelope: CMS `EnvelopedData` with indefinite lengths, so that nobody has to know how long it will
//! be. With AES-GCM it is what `BouncyCastle` streams, too: enveloped data whose content ends with the tag.

use super::certificate::Certificate;
use super::cipher::Encryption;
use super::gcm::TAG_LENGTH;
use super::{der, keys, oids};
use crate::ports::{self, ContentEncryption, SealError};

/// A piece of content is so long at most.
const PIECE: usize = 32 << 10;
const INDEFINITE: u8 = 0x80;

/// An envelope that is being written.
pub(super) struct Writer {
    /// What stands before the content; empty once it is written.
    head: Vec<u8>,
    encryption: Encryption,
    /// Encrypted, and not yet written.
    ready: Vec<u8>,
}

impl Writer {
    /// To this receiver.
    pub(super) fn new(receiver: &Certificate, how: ports::Encryption) -> Result<Self, SealError> {
        let mut key = [0; 32];
        keys::fill(&mut key)?;
        let (encryption, method) = content(&key, how.content)?;
        let (algorithm, sealed) = keys::wrap(receiver, how.key, &key)?;
        let number = der::element(super::ber::INTEGER, &receiver.serial);
        let recipient = der::sequence(&[
            &der::small(0),
            &der::sequence(&[&receiver.issuer, &number]),
            &algorithm,
            &der::octets(&sealed),
        ]);
        let mut head = vec![super::ber::SEQUENCE, INDEFINITE];
        head.extend(der::oid(oids::ENVELOPED_DATA));
        head.extend([super::ber::CONTEXT, INDEFINITE, super::ber::SEQUENCE, INDEFINITE]);
        head.extend(der::small(0));
        head.extend(der::set(vec![recipient]));
        head.extend([super::ber::SEQUENCE, INDEFINITE]);
        head.extend(der::oid(oids::DATA));
        head.extend(method);
        head.extend([super::ber::CONTEXT, INDEFINITE]);
        Ok(Self { head, encryption, ready: Vec::new() })
    }

    /// The next bytes of the content.
    pub(super) fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        out.append(&mut self.head);
        self.encryption.update(plain, &mut self.ready);
        let whole = self.ready.len() / PIECE * PIECE;
        for piece in self.ready.get(..whole).unwrap_or_default().chunks(PIECE) {
            put(piece, out);
        }
        self.ready.drain(..whole);
    }

    /// The end of the content, and of all that is open round it.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        out.append(&mut self.head);
        self.encryption.finish(&mut self.ready);
        for piece in self.ready.chunks(PIECE) {
            put(piece, out);
        }
        // Content, content info, enveloped data, `[0]`, the whole.
        out.extend([0; 5 * 2]);
    }
}

fn put(piece: &[u8], out: &mut Vec<u8>) {
    out.push(super::ber::OCTETS);
    der::length(piece.len(), out);
    out.extend_from_slice(piece);
}

fn content(key: &[u8; 32], how: ContentEncryption) -> Result<(Encryption, Vec<u8>), SealError> {
    match how {
        ContentEncryption::Cbc => {
            let mut iv = [0; 16];
            keys::fill(&mut iv)?;
            Ok((Encryption::cbc(key, &iv), der::algorithm(oids::AES256_CBC, &der::octets(&iv))))
        }
        ContentEncryption::Gcm => {
            let mut nonce = [0; 12];
            keys::fill(&mut nonce)?;
            let tag_length = der::small(u8::try_from(TAG_LENGTH).unwrap_or_default());
            let parameters = der::sequence(&[&der::octets(&nonce), &tag_length]);
            let unknown = || SealError::Machine("AES-256-GCM".into());
            Ok((Encryption::gcm(key, &nonce).ok_or_else(unknown)?, der::algorithm(oids::AES256_GCM, &parameters)))
        }
    }
}
