//! A package as it passes by on its way in: its entries are hashed, what is signed is held against them at the end.

use super::asic_manifest;
use super::names::{self, Meta};
use super::trust::Authorities;
use super::verify::{self, DoesNot};
use super::zip_reader::{Listener, Reader, bad, shown};
use crate::domain::{Finding, Verdict};
use crate::ports::SealError;
use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use std::collections::BTreeMap;

/// What a container says first, of either kind.
const ASIC: &str = "application/vnd.etsi.asic-";
/// A manifest or a signature has at most so many bytes, and all of them together so many.
const META_LIMIT_BYTES: usize = 2 << 20;
const ALL_META_LIMIT_BYTES: usize = 8 << 20;

/// Of this document the bytes are kept, up to so many: what a message is about stands in it.
const ARKIVMELDING: &str = "arkivmelding.xml";
const ARKIVMELDING_LIMIT_BYTES: usize = 4 << 20;

/// A container that passes by.
pub(super) struct Container {
    zip: Reader,
    contents: Contents,
}

/// What is remembered of it.
#[derive(Default)]
struct Contents {
    now: Option<Now>,
    is_first: bool,
    digests: BTreeMap<String, Vec<u8>>,
    manifests: Vec<Vec<u8>>,
    /// By name, in small letters.
    signatures: BTreeMap<String, Vec<u8>>,
    has_xades: bool,
    kept: usize,
    arkivmelding: Option<Vec<u8>>,
}

/// The entry that passes by.
struct Now {
    name: String,
    what: What,
}

enum What {
    Type(Vec<u8>),
    Folder,
    /// With its bytes, where they are kept.
    Document(Box<Context>, Option<Vec<u8>>),
    Kept(Meta, Vec<u8>),
    Ignored,
}

impl Container {
    pub(super) fn new() -> Self {
        Self { zip: Reader::new(), contents: Contents { is_first: true, ..Contents::default() } }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        self.zip.push(bytes, &mut self.contents)
    }

    /// The `arkivmelding.xml` that passed by.
    pub(super) fn arkivmelding(&mut self) -> Option<Vec<u8>> {
        self.contents.arkivmelding.take()
    }

    /// Whether it is a zip so far.
    pub(super) fn has_begun(&self) -> bool {
        !self.contents.is_first
    }

    /// There are no more bytes: what is to be said of the signature.
    pub(super) fn finish(mut self, authorities: &Authorities, now: Timestamp) -> Result<Verdict, SealError> {
        self.zip.finish()?;
        Ok(self.contents.judge(authorities, now))
    }
}

impl Listener for Contents {
    fn begin(&mut self, name: &str) -> Result<(), SealError> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let what = if name == names::MIMETYPE {
            What::Type(Vec::new())
        } else if is_first {
            return Err(bad(format!(
                "its first entry is '{}', and that of an ASiC container is 'mimetype'",
                shown(name)
            )));
        } else if name.ends_with('/') {
            What::Folder
        } else if names::is_meta(name) {
            match names::meta(name) {
                Some(kind @ (Meta::Manifest | Meta::Signature)) => What::Kept(kind, Vec::new()),
                Some(Meta::Xades) => {
                    self.has_xades = true;
                    What::Ignored
                }
                Some(Meta::Other) | None => What::Ignored,
            }
        } else {
            What::Document(Box::new(Context::new(&SHA256)), (name == ARKIVMELDING).then(Vec::new))
        };
        self.now = Some(Now { name: name.to_owned(), what });
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        let Some(now) = &mut self.now else { return Ok(()) };
        match &mut now.what {
            What::Document(digest, kept) => {
                digest.update(bytes);
                // One that is too large is not kept at all.
                *kept = kept.take().filter(|kept| kept.len() + bytes.len() <= ARKIVMELDING_LIMIT_BYTES);
                if let Some(kept) = kept {
                    kept.extend_from_slice(bytes);
                }
            }
            What::Folder if !bytes.is_empty() => {
                return Err(bad(format!("its folder '{}' has content", shown(&now.name))));
            }
            What::Type(kept) if kept.len() + bytes.len() > 256 => return Err(not_asic()),
            What::Type(kept) => kept.extend_from_slice(bytes),
            What::Kept(_, kept) => {
                self.kept += bytes.len();
                if kept.len() + bytes.len() > META_LIMIT_BYTES || self.kept > ALL_META_LIMIT_BYTES {
                    return Err(bad(format!("its entry '{}' is larger than any signature", shown(&now.name))));
                }
                kept.extend_from_slice(bytes);
            }
            What::Folder | What::Ignored => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), SealError> {
        let Some(Now { name, what }) = self.now.take() else { return Ok(()) };
        match what {
            What::Document(digest, kept) => {
                self.arkivmelding = kept.or(self.arkivmelding.take());
                self.digests.insert(name, digest.finish().as_ref().to_vec());
            }
            What::Type(said) if !said.starts_with(ASIC.as_bytes()) => return Err(not_asic()),
            What::Kept(Meta::Manifest, kept) => self.manifests.push(kept),
            What::Kept(_, kept) => {
                self.signatures.insert(name.to_ascii_lowercase(), kept);
            }
            What::Type(_) | What::Folder | What::Ignored => {}
        }
        Ok(())
    }
}

fn not_asic() -> SealError {
    bad("its 'mimetype' is not that of an ASiC container".into())
}

impl Contents {
    /// Every document must be under a signature that holds. The first of several signers is named.
    fn judge(&self, authorities: &Authorities, now: Timestamp) -> Verdict {
        let mut verdict: Option<Verdict> = None;
        let mut unsigned: std::collections::BTreeSet<&str> = self.digests.keys().map(String::as_str).collect();
        for manifest in &self.manifests {
            match self.one(manifest, authorities, now, &mut unsigned) {
                Ok(one) => verdict = Some(verdict.map_or(one.clone(), |first| worse(first, one))),
                Err(fails) => return *fails,
            }
        }
        match verdict {
            None if self.has_xades => Verdict {
                finding: Finding::Unchecked("it is a XAdES signature".into()),
                signer: None,
                weak: Vec::new(),
            },
            None => Verdict { finding: Finding::Unsigned, signer: None, weak: Vec::new() },
            Some(verdict) => match unsigned.first() {
                Some(name) => Verdict {
                    finding: Finding::Altered(format!("'{}' is not among the files that were signed", shown(name))),
                    ..verdict
                },
                None => verdict,
            },
        }
    }

    fn one<'a>(
        &'a self,
        manifest: &[u8],
        authorities: &Authorities,
        now: Timestamp,
        unsigned: &mut std::collections::BTreeSet<&'a str>,
    ) -> Result<Verdict, Box<Verdict>> {
        let nobody = |finding| Box::new(Verdict { finding, signer: None, weak: Vec::new() });
        let read = asic_manifest::read(manifest).map_err(|why| nobody(Finding::Unchecked(why)))?;
        let cms = self.signatures.get(&read.signature.to_ascii_lowercase());
        let cms = cms.ok_or_else(|| nobody(Finding::Altered("the signature that it names is not in it".into())))?;
        let holds = verify::verify(cms, manifest).map_err(|does_not| {
            let (finding, signer) = match does_not {
                DoesNot::Hold { why, signer } => (Finding::Altered(why), signer),
                DoesNot::Tell { why, signer } => (Finding::Unchecked(why), signer),
            };
            Box::new(Verdict { finding, signer: signer.map(|signer| signer.signer()), weak: Vec::new() })
        })?;
        let by_signer = |finding| {
            let (signer, weak) = (Some(holds.signer.signer()), holds.weak.clone());
            Box::new(Verdict { finding, signer, weak })
        };
        for signed in &read.files {
            let unescaped = asic_manifest::unescaped(&signed.name);
            let found = self.digests.get_key_value(&signed.name).or_else(|| self.digests.get_key_value(&unescaped));
            let Some((name, digest)) = found else {
                return Err(by_signer(Finding::Altered(format!(
                    "'{}' was signed and is not there",
                    shown(&signed.name)
                ))));
            };
            if !signed.is_sha256() {
                return Err(by_signer(Finding::Unchecked(format!("the digest of '{}' is not SHA-256", shown(name)))));
            }
            if *digest != signed.digest {
                return Err(by_signer(Finding::Altered(format!("'{}' is not as it was signed", shown(name)))));
            }
            unsigned.remove(name.as_str());
        }
        Ok(*by_signer(authorities.judge(&holds, now)))
    }
}

/// Of two signatures that both hold, what is to be said of both.
fn worse(first: Verdict, second: Verdict) -> Verdict {
    let is_worse = matches!(second.finding, Finding::Untrusted(_)) && !matches!(first.finding, Finding::Untrusted(_));
    let mut weak = first.weak.clone();
    weak.extend(second.weak.iter().filter(|weakness| !first.weak.contains(weakness)));
    let one = if is_worse { second } else { first };
    Verdict { weak, ..one }
}
