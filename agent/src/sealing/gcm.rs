//! AES-GCM a piece at a time. `ring` and `aes-gcm` take a message whole; this is the mode over the same building stones:
//! counter mode and GHASH.

use aes::cipher::{BlockEncrypt, InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use aes::{Aes128, Aes192, Aes256, Block};
use ctr::{CtrCore, flavors};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

pub(super) const TAG_LENGTH: usize = 16;
const BLOCK: usize = 16;

type Counter<C> = StreamCipherCoreWrapper<CtrCore<C, flavors::Ctr32BE>>;

/// One message.
pub(super) struct Gcm {
    counter: Box<dyn StreamCipher + Send>,
    ghash: GHash,
    /// What is less than a block of ciphertext.
    held: Vec<u8>,
    length: u64,
    /// What the tag is covered with.
    mask: Block,
}

impl Gcm {
    /// None: no key of such a length is known.
    pub(super) fn new(key: &[u8], nonce: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Self::over(Aes128::new_from_slice(key).ok()?, nonce),
            24 => Self::over(Aes192::new_from_slice(key).ok()?, nonce),
            32 => Self::over(Aes256::new_from_slice(key).ok()?, nonce),
            _ => None,
        }
    }

    fn over<C>(cipher: C, nonce: &[u8]) -> Option<Self>
    where
        C: BlockEncrypt + aes::cipher::BlockCipher + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
        C: Send + 'static,
    {
        let mut hash_key = Block::default();
        cipher.encrypt_block(&mut hash_key);
        let ghash = GHash::new(&hash_key);
        let mut first = Block::default();
        if nonce.len() == 12 {
            let (begin, end) = first.split_at_mut(12);
            begin.copy_from_slice(nonce);
            end.copy_from_slice(&1_u32.to_be_bytes());
        } else {
            let mut hash = ghash.clone();
            hash.update_padded(nonce);
            hash.update(&[lengths(0, u64::try_from(nonce.len()).ok()?)]);
            first = hash.finalize();
        }
        let mut mask = first;
        cipher.encrypt_block(&mut mask);
        let (begin, end) = first.split_at(12);
        let count = u32::from_be_bytes(end.try_into().ok()?).wrapping_add(1);
        let mut second = Block::default();
        let (second_begin, second_end) = second.split_at_mut(12);
        second_begin.copy_from_slice(begin);
        second_end.copy_from_slice(&count.to_be_bytes());
        let counter = Counter::from_core(CtrCore::inner_iv_init(cipher, &second));
        Some(Self { counter: Box::new(counter), ghash, held: Vec::new(), length: 0, mask })
    }

    pub(super) fn encrypt(&mut self, bytes: &mut [u8]) {
        self.apply(bytes);
        self.hash(bytes);
    }

    pub(super) fn decrypt(&mut self, bytes: &mut [u8]) {
        self.hash(bytes);
        self.apply(bytes);
    }

    fn apply(&mut self, bytes: &mut [u8]) {
        // It ends after 64 GiB, which nobody may send: what came after that would stay as it is, and the tag not fit.
        let _ = self.counter.try_apply_keystream(bytes);
    }

    fn hash(&mut self, sealed: &[u8]) {
        self.length = self.length.saturating_add(u64::try_from(sealed.len()).unwrap_or(u64::MAX));
        let mut rest = sealed;
        if !self.held.is_empty() {
            let (filling, after) = rest.split_at((BLOCK - self.held.len()).min(rest.len()));
            self.held.extend_from_slice(filling);
            rest = after;
            if self.held.len() < BLOCK {
                return;
            }
            self.ghash.update_padded(&self.held);
            self.held.clear();
        }
        let (whole, later) = rest.split_at(rest.len() / BLOCK * BLOCK);
        self.ghash.update_padded(whole);
        self.held.extend_from_slice(later);
    }

    pub(super) fn tag(mut self) -> [u8; TAG_LENGTH] {
        self.full_tag()
    }

    /// Whether the message ends with this tag, or one that begins so.
    pub(super) fn is_tag(&mut self, tag: &[u8]) -> bool {
        let full = self.full_tag();
        let Some(begin) = full.get(..tag.len()) else { return false };
        !tag.is_empty() && begin.iter().zip(tag).fold(0, |unlike, (one, other)| unlike | (one ^ other)) == 0
    }

    fn full_tag(&mut self) -> [u8; TAG_LENGTH] {
        let mut ghash = self.ghash.clone();
        ghash.update_padded(&self.held);
        ghash.update(&[lengths(0, self.length)]);
        let mut tag = [0; TAG_LENGTH];
        for (place, (one, other)) in tag.iter_mut().zip(ghash.finalize().iter().zip(self.mask)) {
            *place = one ^ other;
        }
        tag
    }
}

/// The last block of GHASH: the lengths of what is authenticated only and of what is encrypted, in bits.
fn lengths(beside: u64, sealed: u64) -> Block {
    let mut block = Block::default();
    let (one, other) = block.split_at_mut(8);
    one.copy_from_slice(&beside.saturating_mul(8).to_be_bytes());
    other.copy_from_slice(&sealed.saturating_mul(8).to_be_bytes());
    block
}
