//! Sealing as a whole. The keys and vectors are in `agent/tests/fixtures/sealing`, with the script that made them.

mod hostile;
mod large;
mod oracles;
mod properties;
mod vectors;
mod verdicts;

use super::{Authorities, Sealer};
use crate::domain::{BlobId, File, NewFile, Refuse, Verdict};
use crate::keystore::Keystore;
use crate::ports::{Answer, BlobError, BlobReader, BlobWriter, Blobs, Encryption, Parties, SealError, Sealing, ToSeal};
use bytes::Bytes;
use efm::clock::Clock;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeMap;
use std::sync::Arc;

const OLD: &[u8] = include_bytes!("../../../tests/fixtures/sealing/old.pem");
const NEW: &[u8] = include_bytes!("../../../tests/fixtures/sealing/new.pem");
const STRANGER: &[u8] = include_bytes!("../../../tests/fixtures/sealing/stranger.pem");
const AUTHORITY: &[u8] = include_bytes!("../../../tests/fixtures/sealing/authority.crt");
const ASIC: &[u8] = include_bytes!("../../../tests/fixtures/sealing/asic.zip");

/// Blobs in memory, given out in pieces of this length.
#[derive(Default)]
struct Memory {
    blobs: BTreeMap<BlobId, Bytes>,
    piece: usize,
}

/// Bytes in pieces.
struct Pieces(Bytes, usize);

impl BlobReader for Pieces {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        let piece = self.0.split_to(self.0.len().min(self.1.max(1)));
        Box::pin(async move { Ok((!piece.is_empty()).then_some(piece)) })
    }
}

impl Blobs for Memory {
    fn begin<'a>(&'a self, _: &'a BlobId) -> Answer<'a, Box<dyn BlobWriter>, BlobError> {
        unimplemented!("nobody writes here")
    }

    fn open<'a>(&'a self, id: &'a BlobId) -> Answer<'a, Box<dyn BlobReader>, BlobError> {
        let found = self.blobs.get(id).cloned().ok_or_else(|| BlobError::Missing(id.clone()));
        let piece = self.piece;
        Box::pin(async move { found.map(|bytes| -> Box<dyn BlobReader> { Box::new(Pieces(bytes, piece)) }) })
    }

    fn older(&self, _: u8, _: Timestamp) -> Answer<'_, Vec<BlobId>, BlobError> {
        unimplemented!("nobody asks here")
    }

    fn remove<'a>(&'a self, _: &'a BlobId) -> Answer<'a, (), BlobError> {
        unimplemented!("nobody removes here")
    }
}

fn keystore(pems: &[&[u8]]) -> Keystore {
    let mut all = Keystore::default();
    for (pem, number) in pems.iter().zip(1..) {
        all.entries.extend(Keystore::from_pem(&format!("key-{number}"), pem).unwrap().entries);
    }
    all
}

fn certificate(pem: &[u8]) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}

fn authority() -> Authorities {
    Authorities::from_pem(AUTHORITY).unwrap()
}

fn sealer_over(pems: &[&[u8]], blobs: Arc<dyn Blobs>) -> Sealer {
    Sealer::new(&keystore(pems), blobs, Clock::machine(), Authorities::default(), Refuse::default()).unwrap()
}

fn sealer(pems: &[&[u8]]) -> Sealer {
    sealer_over(pems, Arc::new(Memory::default()))
}

/// What is to be sealed of these files, and where their bytes are.
fn to_seal(files: &[(&str, &[u8])], piece: usize) -> (ToSeal, Memory) {
    let mut memory = Memory { piece, ..Memory::default() };
    let mut listed = Vec::new();
    for ((name, bytes), number) in files.iter().zip(1..) {
        let blob = BlobId::random([u8::try_from(number).unwrap(); 16]);
        memory.blobs.insert(blob.clone(), Bytes::copy_from_slice(bytes));
        let file = NewFile {
            blob,
            filename: (*name).to_owned(),
            title: None,
            mime_type: "application/octet-stream".into(),
            is_primary: number == 2,
            length_bytes: u64::try_from(bytes.len()).unwrap(),
        };
        listed.push(File { number, file });
    }
    let parties = Parties { sender: "0192:910077473".into(), receiver: "0192:910075918".into() };
    (ToSeal { parties: Some(parties), files: listed }, memory)
}

async fn all(mut reader: Box<dyn BlobReader>) -> Result<Vec<u8>, BlobError> {
    let mut all = Vec::new();
    while let Some(bytes) = reader.next().await? {
        assert!(!bytes.is_empty());
        all.extend_from_slice(&bytes);
    }
    assert!(reader.next().await.unwrap().is_none(), "what has ended goes on");
    Ok(all)
}

/// The whole of it, and the verdict.
async fn open(sealer: &Sealer, package: &[u8], piece: usize) -> Result<(Vec<u8>, Verdict), SealError> {
    let opened = sealer.open(Box::new(Pieces(Bytes::copy_from_slice(package), piece))).await?;
    let asic = all(opened.package).await.map_err(|error| {
        let BlobError::Package(error) = error else { panic!("{error}") };
        *error
    })?;
    Ok((asic, opened.judgement.verdict().unwrap().clone()))
}

async fn seal(own: &[u8], files: &[(&str, &[u8])], to: &[u8], how: Encryption) -> Vec<u8> {
    let (package, memory) = to_seal(files, 1000);
    let sealer = sealer_over(&[own], Arc::new(memory));
    all(sealer.seal(&package, &certificate(to), how).await.unwrap()).await.unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
