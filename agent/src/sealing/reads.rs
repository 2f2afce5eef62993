//! The readers of what others have made, each as a function from bytes; for `entries`.

use super::asic_manifest;
use super::ber::Reader;
use super::certificate::Certificate;
use super::cipher::{Decryption, Method};
use super::container::Container;
use super::frames::Frames;
use super::recipients;
use super::trust::Authorities;
use super::unseal::Unsealing;
use super::verify;
use crate::domain::Verdict;
use crate::ports::SealError;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// What comes from outside comes in pieces of any length.
const PIECE: usize = 7;

/// Whether the bytes are a container. In whichever pieces it comes, the same is said of it.
///
/// # Panics
/// It is not: a finding.
pub fn reads_asic(bytes: &[u8]) -> bool {
    let whole = container(bytes, bytes.len());
    let pieces = container(bytes, PIECE);
    let said = |read: &Result<Verdict, SealError>| match read {
        Ok(verdict) => verdict.to_string(),
        Err(why) => why.to_string(),
    };
    assert_eq!(said(&whole), said(&pieces), "a container is another one when it comes in pieces");
    whole.is_ok()
}

fn container(bytes: &[u8], piece: usize) -> Result<Verdict, SealError> {
    let mut container = Container::new();
    bytes.chunks(piece.max(1)).try_for_each(|piece| container.push(piece))?;
    container.finish(&Authorities::default(), Timestamp::UNIX_EPOCH)
}

/// Whether the bytes are an envelope, whoever it is sealed to: what a key would make of it is left out, and its content is
/// decrypted as if the key were all zeros.
///
/// # Panics
/// It is opened by nobody's key, or is another one when it comes in pieces: a finding.
pub fn reads_cms(bytes: &[u8]) -> bool {
    let mut nobody = Unsealing::new(Arc::new([]));
    let opened = bytes.chunks(PIECE).try_for_each(|piece| nobody.push(piece, &mut Vec::new()));
    let opened = opened.and_then(|()| nobody.finish(&mut Vec::new()));
    assert!(opened.is_err(), "opened without a key");
    let (whole, pieces) = (envelope(bytes, bytes.len()), envelope(bytes, PIECE));
    assert!(whole == pieces, "an envelope is another one when it comes in pieces");
    whole.is_some()
}

/// What comes out of it; none: it is no envelope.
fn envelope(bytes: &[u8], piece: usize) -> Option<Vec<u8>> {
    let beginning = recipients::read(bytes).ok()?;
    for recipient in &beginning.recipients {
        let _ = (recipient.wrapping(), recipient.shown());
    }
    let method = Method::read(&beginning.method, Reader(&beginning.parameters)).ok()?;
    let mut decryption = Decryption::new(&method, &vec![0; method.key_length()], !beginning.is_authenticated)?;
    let (mut frames, mut plain) = (Frames::new(&beginning), Vec::new());
    for piece in bytes.get(beginning.length..)?.chunks(piece.max(1)) {
        frames.push(piece, |content| decryption.update(content, &mut plain)).ok()?;
    }
    let tag = frames.finish().ok()?;
    // With that key nothing ends as it should.
    let _ = decryption.finish(tag.as_deref(), &mut plain);
    Some(plain)
}

/// Whether the first element of the bytes is a signature that holds of what stands behind it.
pub fn reads_signature(bytes: &[u8]) -> bool {
    let Ok(Some(cms)) = Reader(bytes).next() else { return false };
    let content = bytes.get(cms.whole.len()..).unwrap_or_default();
    let Ok(holds) = verify::verify(cms.whole, content) else { return false };
    // Whatever came with it is believed here, so that a chain is looked for.
    let others: Vec<_> = holds.others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    drop(Authorities::of(&others).unwrap_or_default().judge(&holds, Timestamp::UNIX_EPOCH));
    true
}

/// Whether the bytes are a list of what was signed.
pub fn reads_asic_manifest(bytes: &[u8]) -> bool {
    let Ok(manifest) = asic_manifest::read(bytes) else { return false };
    for file in &manifest.files {
        drop(asic_manifest::unescaped(&file.name));
    }
    true
}

/// Whether the bytes are a certificate.
pub fn reads_certificate(bytes: &[u8]) -> bool {
    let Ok(certificate) = Certificate::read(bytes) else { return false };
    drop((certificate.shown(), certificate.signer()));
    true
}
