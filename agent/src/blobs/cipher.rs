//! How a blob lies on the disk: `efm1`, sixteen random bytes, then chunks of 64 KiB, each sealed with AES-256-GCM.
//!
//! Each blob has a key of its own, derived from the key of the folder, the random bytes and the blob's name: bytes under
//! another name do not open. The nonce is the number of the chunk, and says which chunk is the last: a blob that was cut
//! off, or whose chunks changed places, does not open either.

use super::key::Key;
use crate::domain::BlobId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use ring::hkdf;

pub(super) const MAGIC: &[u8; 4] = b"efm1";
pub(super) const SALT_LENGTH: usize = 16;
pub(super) const CHUNK_LENGTH: usize = 64 << 10;
pub(super) const TAG_LENGTH: usize = 16;

/// Seals or opens the chunks of one blob, in order.
pub(super) struct Cipher {
    key: LessSafeKey,
    next: u64,
}

/// A chunk that does not open.
#[derive(Debug)]
pub(super) struct Spoilt;

impl Cipher {
    pub(super) fn of(key: &Key, salt: &[u8], id: &BlobId) -> Result<Self, Spoilt> {
        let material = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key.bytes());
        let name = id.as_str().to_ascii_lowercase();
        let info = [name.as_bytes()];
        let derived = material.expand(&info, &AES_256_GCM).map_err(|_| Spoilt)?;
        Ok(Self { key: LessSafeKey::new(UnboundKey::from(derived)), next: 0 })
    }

    /// Seals the bytes where they are, and gives what stands behind them.
    pub(super) fn seal(&mut self, chunk: &mut [u8], is_last: bool) -> Result<Tag, Spoilt> {
        let nonce = self.nonce(is_last)?;
        self.key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk).map_err(|_| Spoilt)
    }

    pub(super) fn open(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), Spoilt> {
        let nonce = self.nonce(is_last)?;
        let length = self.key.open_in_place(nonce, Aad::empty(), chunk).map_err(|_| Spoilt)?.len();
        chunk.truncate(length);
        Ok(())
    }

    /// Never the same twice for a key: the key is the blob's own, and chunks are counted.
    fn nonce(&mut self, is_last: bool) -> Result<Nonce, Spoilt> {
        let mut nonce = [0; NONCE_LEN];
        let (flag, number) = nonce.split_at_mut(NONCE_LEN - size_of::<u64>());
        flag.fill(u8::from(is_last));
        number.copy_from_slice(&self.next.to_be_bytes());
        self.next = self.next.checked_add(1).ok_or(Spoilt)?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}
