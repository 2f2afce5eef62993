//! The two streams: sealing and opening, each a reader that does its work on a blocking thread, a piece at a time.

use super::asic_writer::{self, Document};
use super::certificate::Certificate;
use super::container::Container;
use super::envelope;
use super::keys::{self, Own};
use super::trust::Authorities;
use super::unseal::Unsealing;
use crate::domain::{BlobId, File, Finding, Refuse};
use crate::keystore::Keystore;
use crate::ports::{
    Answer, BlobError, BlobReader, Blobs, Encryption, Judgement, Opened, Parties, SealError, Sealing, ToSeal,
};
use bytes::Bytes;
use efm::clock::Clock;
use std::collections::VecDeque;
use std::sync::Arc;

/// What is asked of the source before the next bytes are handed on: fewer turns between threads.
const A_PIECE: usize = 256 << 10;

/// Seals and opens with the keys of this site.
pub struct Sealer {
    own: Arc<[Own]>,
    blobs: Arc<dyn Blobs>,
    clock: Clock,
    authorities: Arc<Authorities>,
    refuse: Refuse,
}

impl Sealer {
    /// With these keys: the first one signs, whichever fits opens.
    ///
    /// # Errors
    /// An entry is no key that can seal and open.
    pub fn new(
        keystore: &Keystore,
        blobs: Arc<dyn Blobs>,
        clock: Clock,
        authorities: Authorities,
        refuse: Refuse,
    ) -> Result<Self, SealError> {
        let own: Result<Vec<Own>, SealError> = keystore
            .entries
            .iter()
            .map(|entry| {
                let chain = entry.chain.iter().map(|certificate| certificate.to_vec()).collect();
                Own::read(&entry.alias, entry.key.secret_pkcs8_der(), chain)
            })
            .collect();
        let own: Arc<[Own]> = own?.into();
        if own.is_empty() {
            return Err(SealError::OwnKey { alias: "of this site".into(), why: "the keystore has no key".into() });
        }
        Ok(Self { own, blobs, clock, authorities: Arc::new(authorities), refuse })
    }
}

impl Sealing for Sealer {
    fn seal<'a>(
        &'a self,
        package: &'a ToSeal,
        receiver: &'a [u8],
        how: Encryption,
    ) -> Answer<'a, Box<dyn BlobReader>, SealError> {
        Box::pin(async move {
            let receiver = Certificate::read(receiver).map_err(|why| SealError::Receiver(why.to_string()))?;
            let envelope = envelope::Writer::new(&receiver, how)?;
            pressed(package, &self.own, Some(envelope), &self.blobs, &self.clock)
        })
    }

    fn open(&self, sealed: Box<dyn BlobReader>) -> Answer<'_, Opened, SealError> {
        Box::pin(async move {
            let unsealing = Some(Unsealing::new(Arc::clone(&self.own)));
            opened(sealed, unsealing, &self.authorities, self.refuse, &self.clock).await
        })
    }
}

/// Does something long where it keeps nobody waiting.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SealError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| SealError::Machine(error.to_string()))
}

/// What holds the package may itself know that no later try ends otherwise.
fn of_source(error: BlobError) -> SealError {
    if let BlobError::Package(error) = error { *error } else { SealError::Source(Box::new(error)) }
}

fn package(error: SealError) -> BlobError {
    BlobError::Package(Box::new(error))
}

// ── Out ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The package, made while it is read; encrypted where there is an envelope.
pub(super) fn pressed(
    package: &ToSeal,
    own: &Arc<[Own]>,
    envelope: Option<envelope::Writer>,
    blobs: &Arc<dyn Blobs>,
    clock: &Clock,
) -> Result<Box<dyn BlobReader>, SealError> {
    let mut uuid = [0; 16];
    keys::fill(&mut uuid)?;
    let uuid = BlobId::random(uuid);
    let asic = asic_writer::Writer::new(Arc::clone(own), clock.now(), uuid.as_str());
    let mut files = package.files.clone();
    files.sort_by_key(|file| (!file.file.is_primary, file.number));
    // Who seals always signs.
    let is_signed = envelope.is_some() || !own.is_empty();
    let press = Press { asic, is_signed, envelope, plain: Vec::new(), sealed: Vec::new() };
    Ok(Box::new(Sealed {
        press: Some(Box::new(press)),
        next: Step::Begin(package.parties.clone()),
        files: files.into(),
        blobs: Arc::clone(blobs),
    }))
}

/// Packs and encrypts.
struct Press {
    asic: asic_writer::Writer,
    is_signed: bool,
    envelope: Option<envelope::Writer>,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

impl Press {
    /// Does one thing with the container, and encrypts what came of it.
    fn with(
        &mut self,
        act: impl FnOnce(&mut asic_writer::Writer, &mut Vec<u8>) -> Result<(), SealError>,
    ) -> Result<(), SealError> {
        act(&mut self.asic, &mut self.plain)?;
        match &mut self.envelope {
            Some(envelope) => {
                envelope.write(&self.plain, &mut self.sealed);
                self.plain.clear();
            }
            None => self.sealed.append(&mut self.plain),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>, SealError> {
        if self.is_signed {
            self.asic.finish(&mut self.plain)?;
        } else {
            self.asic.finish_unsigned(&mut self.plain)?;
        }
        match self.envelope {
            Some(mut envelope) => {
                envelope.write(&self.plain, &mut self.sealed);
                envelope.finish(&mut self.sealed);
            }
            None => self.sealed.append(&mut self.plain),
        }
        Ok(self.sealed)
    }
}

/// What is being sealed.
struct Sealed {
    /// None: it has ended, or was given up.
    press: Option<Box<Press>>,
    next: Step,
    files: VecDeque<File>,
    blobs: Arc<dyn Blobs>,
}

enum Step {
    Begin(Option<Parties>),
    NextFile,
    InFile(Box<dyn BlobReader>),
}

impl Sealed {
    /// The next sealed bytes; none at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, BlobError> {
        while let Some(mut press) = self.press.take() {
            match &mut self.next {
                Step::Begin(parties) => {
                    let parties = parties.take();
                    let first = self.files.front().map(document);
                    press.with(|asic, out| asic.begin(parties.as_ref(), first.as_ref(), out)).map_err(package)?;
                    self.next = Step::NextFile;
                }
                Step::NextFile => {
                    let Some(file) = self.files.pop_front() else {
                        let sealed = aside(move || press.finish()).await.and_then(|sealed| sealed);
                        return sealed.map(|sealed| Some(sealed.into())).map_err(package);
                    };
                    let document = document(&file);
                    press.with(|asic, out| asic.begin_document(&document, out)).map_err(package)?;
                    self.next = Step::InFile(self.blobs.open(&file.file.blob).await?);
                }
                Step::InFile(reader) => {
                    let (bytes, has_ended) = gather(&mut **reader).await?;
                    if has_ended {
                        self.next = Step::NextFile;
                    }
                    let pressed = aside(move || {
                        for bytes in bytes {
                            press.with(|asic, out| asic.write(&bytes, out))?;
                        }
                        if has_ended {
                            press.with(asic_writer::Writer::end_document)?;
                        }
                        Ok(press)
                    });
                    press = pressed.await.and_then(|pressed| pressed).map_err(package)?;
                }
            }
            let sealed = std::mem::take(&mut press.sealed);
            self.press = Some(press);
            if !sealed.is_empty() {
                return Ok(Some(sealed.into()));
            }
        }
        Ok(None)
    }
}

impl BlobReader for Sealed {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(self.piece())
    }
}

fn document(file: &File) -> Document {
    Document { name: file.file.filename.clone(), mime_type: file.file.mime_type.clone() }
}

/// Some pieces of a source, and whether it has ended.
async fn gather(source: &mut dyn BlobReader) -> Result<(Vec<Bytes>, bool), BlobError> {
    let (mut pieces, mut length) = (Vec::new(), 0);
    while length < A_PIECE {
        let Some(bytes) = source.next().await? else { return Ok((pieces, true)) };
        length += bytes.len();
        pieces.push(bytes);
    }
    Ok((pieces, false))
}

// ── In ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The package as it is read; decrypted where it is sealed.
pub(super) async fn opened(
    source: Box<dyn BlobReader>,
    unsealing: Option<Unsealing>,
    authorities: &Arc<Authorities>,
    refuse: Refuse,
    clock: &Clock,
) -> Result<Opened, SealError> {
    let judgement = Judgement::default();
    let knife = Knife { unsealing, container: Container::new(), plain: Vec::new() };
    let mut opening = Opening {
        source,
        knife: Some(Box::new(knife)),
        ready: None,
        judgement: judgement.clone(),
        authorities: Arc::clone(authorities),
        refuse,
        clock: clock.clone(),
    };
    // To whom it is sealed is known before the first byte of it is.
    opening.ready = opening.piece().await?;
    Ok(Opened { package: Box::new(opening), judgement })
}

/// Decrypts, and looks at what passes by.
struct Knife {
    unsealing: Option<Unsealing>,
    container: Container,
    plain: Vec<u8>,
}

impl Knife {
    fn push(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        let begin = self.plain.len();
        match &mut self.unsealing {
            Some(unsealing) => unsealing.push(bytes, &mut self.plain)?,
            None => self.plain.extend_from_slice(bytes),
        }
        self.look(begin)
    }

    fn look(&mut self, begin: usize) -> Result<(), SealError> {
        let pushed = self.container.push(self.plain.get(begin..).unwrap_or_default());
        // A wrong key makes noise of the first byte on, and is one with the other ways not to decrypt.
        match &self.unsealing {
            Some(unsealing) if pushed.is_err() && !self.container.has_begun() => {
                Err(SealError::Undecipherable(unsealing.key()))
            }
            _ => pushed,
        }
    }

    fn finish(&mut self) -> Result<(), SealError> {
        let begin = self.plain.len();
        let Some(unsealing) = &mut self.unsealing else { return Ok(()) };
        unsealing.finish(&mut self.plain)?;
        let key = unsealing.key();
        self.look(begin)?;
        if self.container.has_begun() { Ok(()) } else { Err(SealError::Undecipherable(key)) }
    }
}

/// What is being opened.
struct Opening {
    source: Box<dyn BlobReader>,
    /// None: it has ended, or was given up.
    knife: Option<Box<Knife>>,
    /// Decrypted already.
    ready: Option<Bytes>,
    judgement: Judgement,
    authorities: Arc<Authorities>,
    refuse: Refuse,
    clock: Clock,
}

impl Opening {
    /// The next decrypted bytes; none at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, SealError> {
        while let Some(mut knife) = self.knife.take() {
            let (pieces, has_ended) = gather(&mut *self.source).await.map_err(of_source)?;
            let cut = aside(move || {
                for piece in pieces {
                    knife.push(&piece)?;
                }
                if has_ended {
                    knife.finish()?;
                }
                Ok(knife)
            });
            knife = cut.await.and_then(|cut| cut)?;
            let plain = std::mem::take(&mut knife.plain);
            if has_ended {
                self.judge(*knife)?;
            } else {
                self.knife = Some(knife);
            }
            if !plain.is_empty() {
                return Ok(Some(plain.into()));
            }
        }
        Ok(None)
    }

    fn judge(&self, mut knife: Knife) -> Result<(), SealError> {
        if let Some(arkivmelding) = knife.container.arkivmelding() {
            self.judgement.has_seen(arkivmelding);
        }
        let is_sealed = knife.unsealing.is_some();
        let verdict = knife.container.finish(&self.authorities, self.clock.now())?;
        if self.refuse.is_refused(&verdict) {
            return Err(SealError::Refused(Box::new(verdict)));
        }
        // Who hands over in a folder of one's own need not sign.
        if is_sealed || verdict.finding != Finding::Unsigned {
            self.judgement.pronounce(verdict);
        }
        Ok(())
    }
}

impl BlobReader for Opening {
    fn next(&mut self) -> Answer<'_, Option<Bytes>, BlobError> {
        Box::pin(async move {
            if let Some(ready) = self.ready.take() {
                return Ok(Some(ready));
            }
            self.piece().await.map_err(package)
        })
    }
}
