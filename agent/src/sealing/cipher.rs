//! The ciphers of contents, a piece at a time: CBC with padding, GCM with its tag.
//!
//! What is wrong at the end of a content has one error, which says nothing more: [`Spoilt`].

use super::ber::{INTEGER, OCTETS, Reader, SEQUENCE};
use super::gcm::{Gcm, TAG_LENGTH};
use super::oids;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, InnerIvInit, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use des::TdesEde3;

/// A content that does not end as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spoilt;

/// How a content is encrypted, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    kind: Kind,
    iv: Vec<u8>,
    tag_length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
    TripleDesCbc,
    Aes128Gcm,
    Aes192Gcm,
    Aes256Gcm,
}

const KINDS: [(&[u8], Kind); 7] = [
    (oids::AES128_CBC, Kind::Aes128Cbc),
    (oids::AES192_CBC, Kind::Aes192Cbc),
    (oids::AES256_CBC, Kind::Aes256Cbc),
    (oids::TRIPLE_DES_CBC, Kind::TripleDesCbc),
    (oids::AES128_GCM, Kind::Aes128Gcm),
    (oids::AES192_GCM, Kind::Aes192Gcm),
    (oids::AES256_GCM, Kind::Aes256Gcm),
];

impl Method {
    /// Reads it; what is not known is said in words.
    pub(super) fn read(name: &[u8], mut parameters: Reader<'_>) -> Result<Self, String> {
        let known = KINDS.iter().find(|(known, _)| *known == name);
        let Some((_, kind)) = known else { return Err(format!("content with {}", oids::dotted(name))) };
        let wrong = |what: &str| format!("{} with {what}", oids::dotted(name));
        if !kind.is_gcm() {
            let iv = parameters.expect(OCTETS, "iv").map_err(|_| wrong("no initial vector"))?.content.to_vec();
            let expected = if *kind == Kind::TripleDesCbc { 8 } else { 16 };
            if iv.len() != expected {
                return Err(wrong("an initial vector of another length"));
            }
            return Ok(Self { kind: *kind, iv, tag_length: 0 });
        }
        let mut inner = parameters.expect(SEQUENCE, "parameters").map_err(|_| wrong("no parameters"))?.inside();
        let iv = inner.expect(OCTETS, "nonce").map_err(|_| wrong("no nonce"))?.content.to_vec();
        let tag_length = match inner.optional(INTEGER).map_err(|_| wrong("parameters that cannot be read"))? {
            // Shorter tags are the default, and shorter ones than that can be guessed.
            None => 12,
            Some(length) => match length.content {
                [length @ 12..=16] => usize::from(*length),
                _ => return Err(wrong("a tag of another length than 12 to 16 bytes")),
            },
        };
        if iv.is_empty() || iv.len() > 64 {
            return Err(wrong("a nonce of another length"));
        }
        Ok(Self { kind: *kind, iv, tag_length })
    }

    /// How many bytes its key has.
    pub(super) fn key_length(&self) -> usize {
        match self.kind {
            Kind::Aes128Cbc | Kind::Aes128Gcm => 16,
            Kind::Aes192Cbc | Kind::Aes192Gcm | Kind::TripleDesCbc => 24,
            Kind::Aes256Cbc | Kind::Aes256Gcm => 32,
        }
    }

    /// Whether its end is authenticated.
    pub(super) fn is_gcm(&self) -> bool {
        self.kind.is_gcm()
    }
}

impl Kind {
    fn is_gcm(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }
}

// ── In ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Decrypts a content.
pub(super) struct Decryption {
    chain: Chain,
    /// What is not decrypted yet: it may be the end.
    held: Vec<u8>,
    /// How much of the end is no content.
    tail: Tail,
}

enum Chain {
    Cbc(Box<dyn Blocks>),
    Gcm(Box<Gcm>),
}

#[derive(Clone, Copy)]
enum Tail {
    /// The last block has padding; so long is a block.
    Padding(usize),
    /// So many bytes of tag.
    Tag(usize),
}

trait Blocks: Send {
    fn decrypt(&mut self, whole_blocks: &mut [u8]);
}

impl<C: BlockDecryptMut + Send> Blocks for C {
    fn decrypt(&mut self, whole_blocks: &mut [u8]) {
        let (blocks, _) = InOutBuf::from(whole_blocks).into_chunks();
        self.decrypt_blocks_inout_mut(blocks);
    }
}

impl Decryption {
    /// With this key. `has_tag_inside`: the tag is the end of the content, as `BouncyCastle` streams it, and not beside it.
    pub(super) fn new(method: &Method, key: &[u8], has_tag_inside: bool) -> Option<Self> {
        fn cbc<C: KeyIvInit + BlockDecryptMut + Send + 'static>(key: &[u8], iv: &[u8]) -> Option<Chain> {
            C::new_from_slices(key, iv).ok().map(|cipher| Chain::Cbc(Box::new(cipher)))
        }
        let iv = &method.iv;
        let chain = match method.kind {
            Kind::Aes128Cbc => cbc::<cbc::Decryptor<Aes128>>(key, iv)?,
            Kind::Aes192Cbc => cbc::<cbc::Decryptor<Aes192>>(key, iv)?,
            Kind::Aes256Cbc => cbc::<cbc::Decryptor<Aes256>>(key, iv)?,
            Kind::TripleDesCbc => cbc::<cbc::Decryptor<TdesEde3>>(key, iv)?,
            Kind::Aes128Gcm | Kind::Aes192Gcm | Kind::Aes256Gcm => Chain::Gcm(Box::new(Gcm::new(key, iv)?)),
        };
        let tail = match chain {
            Chain::Cbc(_) => Tail::Padding(iv.len()),
            Chain::Gcm(_) => Tail::Tag(if has_tag_inside { method.tag_length } else { 0 }),
        };
        Some(Self { chain, held: Vec::new(), tail })
    }

    /// The next bytes of the content.
    pub(super) fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(sealed);
        let ready = match self.tail {
            // The last block is held back, also where it is whole.
            Tail::Padding(block) => self.held.len().saturating_sub(1) / block * block,
            Tail::Tag(length) => self.held.len().saturating_sub(length),
        };
        let begin = out.len();
        out.extend(self.held.drain(..ready));
        let Some(fresh) = out.get_mut(begin..) else { return };
        match &mut self.chain {
            Chain::Cbc(blocks) => blocks.decrypt(fresh),
            Chain::Gcm(gcm) => gcm.decrypt(fresh),
        }
    }

    /// The end of the content; `tag` where it stands beside it.
    pub(super) fn finish(mut self, tag: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Spoilt> {
        match (&mut self.chain, self.tail) {
            (Chain::Cbc(blocks), Tail::Padding(block)) => {
                if self.held.len() != block {
                    return Err(Spoilt);
                }
                blocks.decrypt(&mut self.held);
                let padding = usize::from(*self.held.last().ok_or(Spoilt)?);
                let begin = block.checked_sub(padding).filter(|begin| *begin < block).ok_or(Spoilt)?;
                let (content, rest) = self.held.split_at_checked(begin).ok_or(Spoilt)?;
                if rest.iter().any(|byte| usize::from(*byte) != padding) {
                    return Err(Spoilt);
                }
                out.extend_from_slice(content);
                Ok(())
            }
            (Chain::Gcm(gcm), Tail::Tag(length)) => {
                let tag = tag.unwrap_or(&self.held);
                let is_long_enough = tag.len() >= 12 && (length == 0 || tag.len() == length);
                if is_long_enough && gcm.is_tag(tag) { Ok(()) } else { Err(Spoilt) }
            }
            _ => Err(Spoilt),
        }
    }
}

// ── Out ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Encrypts a content with a key of 32 bytes.
pub(super) enum Encryption {
    /// AES-256-CBC.
    Cbc {
        /// The chain.
        cipher: Box<cbc::Encryptor<Aes256>>,
        /// What is less than a block.
        held: Vec<u8>,
    },
    /// AES-256-GCM, the tag at the end of the content.
    Gcm(Box<Gcm>),
}

impl Encryption {
    pub(super) fn cbc(key: &[u8; 32], iv: &[u8; 16]) -> Self {
        let cipher = cbc::Encryptor::inner_iv_init(Aes256::new(key.into()), iv.into());
        Self::Cbc { cipher: Box::new(cipher), held: Vec::new() }
    }

    pub(super) fn gcm(key: &[u8; 32], nonce: &[u8; 12]) -> Option<Self> {
        Some(Self::Gcm(Box::new(Gcm::new(key, nonce)?)))
    }

    /// The next bytes of the content.
    pub(super) fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        match self {
            Self::Cbc { cipher, held } => {
                let whole = (held.len() + plain.len()) / BLOCK * BLOCK;
                let (now, later) = plain.split_at(whole.saturating_sub(held.len()).min(plain.len()));
                if whole > 0 {
                    out.append(held);
                    out.extend_from_slice(now);
                }
                held.extend_from_slice(later);
                encrypt(cipher, out, begin);
            }
            Self::Gcm(gcm) => {
                out.extend_from_slice(plain);
                if let Some(fresh) = out.get_mut(begin..) {
                    gcm.encrypt(fresh);
                }
            }
        }
    }

    /// The end of the content: padding or tag.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        let begin = out.len();
        match self {
            Self::Cbc { mut cipher, mut held } => {
                let padding = BLOCK - held.len() % BLOCK;
                held.resize(held.len() + padding, u8::try_from(padding).unwrap_or_default());
                out.append(&mut held);
                encrypt(&mut cipher, out, begin);
            }
            Self::Gcm(gcm) => {
                let tag: [u8; TAG_LENGTH] = gcm.tag();
                out.extend_from_slice(&tag);
            }
        }
    }
}

const BLOCK: usize = 16;

fn encrypt(cipher: &mut cbc::Encryptor<Aes256>, out: &mut [u8], begin: usize) {
    if let Some(fresh) = out.get_mut(begin..) {
        let (blocks, _) = InOutBuf::from(fresh).into_chunks();
        cipher.encrypt_blocks_inout_mut(blocks);
    }
}
