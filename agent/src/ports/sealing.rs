//! The envelope round the files of a message: signed by its sender, readable by its receiver alone.
//!
//! Both ways are streams. What [`Sealing::seal`] and [`Sealing::open`] answer with is made while it is read, and nothing
//! of it is certain before its end has come: who keeps it keeps it under no name until then.

use super::{Answer, BlobError, BlobReader};
use crate::domain::{File, Service, Verdict};
use std::sync::{Arc, OnceLock};

/// Seals what goes out, and opens what comes in.
pub trait Sealing: Send + Sync {
    /// Packs, signs and encrypts: the bytes to be sent. `receiver` is the receiver's certificate, DER. Each call makes
    /// other bytes of the same package.
    fn seal<'a>(
        &'a self,
        package: &'a ToSeal,
        receiver: &'a [u8],
        how: Encryption,
    ) -> Answer<'a, Box<dyn BlobReader>, SealError>;
    /// Decrypts with whichever own key fits, and looks at what comes out while it passes by. Answers when the first of it
    /// has been decrypted; what is wrong further on is an error of the reader, [`BlobError::Package`].
    fn open(&self, sealed: Box<dyn BlobReader>) -> Answer<'_, Opened, SealError>;
}

/// Packs without an envelope, for what goes to a folder of one's own.
pub trait Packing: Send + Sync {
    /// The container; signed where this site has a key to sign with.
    fn pack<'a>(&'a self, package: &'a ToSeal) -> Answer<'a, Box<dyn BlobReader>, SealError>;
    /// Looks at a container while it passes by. Answers when the first of it has come.
    fn look(&self, package: Box<dyn BlobReader>) -> Answer<'_, Opened, SealError>;
}

/// What is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSeal {
    /// From whom to whom, for `manifest.xml`; none where the service has no such file (DPH).
    pub parties: Option<Parties>,
    /// The files, whose bytes lie among the blobs, in any order.
    pub files: Vec<File>,
}

/// Who is named in `manifest.xml`, as `0192:910077473`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// `avsender`
    pub sender: String,
    /// `mottaker`
    pub receiver: String,
}

/// How it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// The key of the content.
    pub key: KeyEncryption,
    /// The content.
    pub content: ContentEncryption,
}

/// How the key of the content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncryption {
    /// RSA-OAEP with SHA-256, MGF1 with SHA-256, no label.
    Oaep,
    /// RSA PKCS#1 v1.5.
    Pkcs1,
}

/// How the content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentEncryption {
    /// AES-256-CBC.
    Cbc,
    /// AES-256-GCM.
    Gcm,
}

impl Encryption {
    /// What the receivers of this service understand.
    pub fn over(service: Service) -> Self {
        let (key, content) = match service {
            Service::Dpe => (KeyEncryption::Pkcs1, ContentEncryption::Cbc),
            Service::Dph => (KeyEncryption::Oaep, ContentEncryption::Gcm),
            Service::Dpo | Service::Dpv | Service::Dpi | Service::Dpf | Service::Unknown => {
                (KeyEncryption::Oaep, ContentEncryption::Cbc)
            }
        };
        Self { key, content }
    }
}

/// What is being opened.
pub struct Opened {
    /// The ASiC-E container, byte for byte as it was sealed.
    pub package: Box<dyn BlobReader>,
    /// What will be known of its signature.
    pub judgement: Judgement,
}

/// What is known of a package when it has been read to its end: that is where signatures stand.
#[derive(Clone, Debug, Default)]
pub struct Judgement(Arc<Seen>);

#[derive(Default)]
struct Seen {
    verdict: OnceLock<Verdict>,
    arkivmelding: OnceLock<Vec<u8>>,
}

// Without what stands in it.
impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").field("verdict", &self.verdict).finish_non_exhaustive()
    }
}

impl Judgement {
    /// The verdict on its signature; none: the end has not come.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.0.verdict.get()
    }

    /// Says it. The first word counts.
    pub fn pronounce(&self, verdict: Verdict) {
        let _ = self.0.verdict.set(verdict);
    }

    /// Its `arkivmelding.xml`, where it has one that is not too large.
    pub fn arkivmelding(&self) -> Option<&[u8]> {
        self.0.arkivmelding.get().map(Vec::as_slice)
    }

    /// Has seen it.
    pub fn has_seen(&self, arkivmelding: Vec<u8>) {
        let _ = self.0.arkivmelding.set(arkivmelding);
    }
}

/// Why it is not sealed, or not opened. Nothing of what is inside a package is in any of these texts.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// An own certificate or key is none that can seal or open.
    #[error("use own key {alias}: {why}")]
    OwnKey {
        /// Which entry of the keystore.
        alias: String,
        /// Why not.
        why: String,
    },
    /// The receiver's certificate is none to which one could seal.
    #[error("seal to the receiver's certificate: {0}")]
    Receiver(String),
    /// A file cannot be packed.
    #[error("pack file '{name}': {why}")]
    File {
        /// Which.
        name: String,
        /// Why not.
        why: String,
    },
    /// The bytes to be sealed or opened cannot be read.
    #[error("read what is to be sealed or opened")]
    Source(#[source] Box<BlobError>),
    /// What came is no sealed package.
    #[error("open a package: it is no encrypted CMS message: {0}")]
    NotSealed(String),
    /// It is encrypted in a way that this version does not know.
    #[error("open a package: it is encrypted in a way that is not known here: {0}")]
    Unknown(String),
    /// It is sealed to somebody else.
    #[error("open a package: it is encrypted to {sealed_to}, and our certificates are {ours}")]
    WrongRecipient {
        /// Whose certificates it names.
        sealed_to: String,
        /// Which ones we have.
        ours: String,
    },
    /// It does not decrypt. Why not is not told apart: whoever could tell would learn of the key or of the content.
    #[error("open a package: what our key {0} makes of it is no package: sealed otherwise, or damaged on its way")]
    Undecipherable(String),
    /// It ends before its end.
    #[error("open a package: it was cut off after {0} bytes")]
    CutOff(u64),
    /// What was sealed is no package that may be handed on.
    #[error("open a package: {0}")]
    Bad(String),
    /// The settings refuse what was found of the signature.
    #[error("open a package: the settings refuse it (integrasjonspunkt.sealing.refuse): {0}")]
    Refused(Box<Verdict>),
    /// The machine does not do it now: no random bytes, or the program is ending.
    #[error("seal or open: {0}")]
    Machine(String),
}

impl SealError {
    /// Whether another try with the same bytes can end otherwise. What cannot is to be told, put aside, and confirmed to
    /// the channel, so that it does not come again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::OwnKey { .. } | Self::Source(_) | Self::Machine(_) => true,
            Self::Receiver(_)
            | Self::File { .. }
            | Self::NotSealed(_)
            | Self::Unknown(_)
            | Self::WrongRecipient { .. }
            | Self::Undecipherable(_)
            | Self::CutOff(_)
            | Self::Bad(_)
            | Self::Refused(_) => false,
        }
    }

    /// Whether the sender may be told. What could be seen without our key may be; what decrypting brought to light would
    /// let whoever holds a package of somebody else try out, one message at a time, what is in it.
    pub fn may_be_told_to_the_sender(&self) -> bool {
        matches!(self, Self::NotSealed(_) | Self::Unknown(_) | Self::WrongRecipient { .. })
    }
}
