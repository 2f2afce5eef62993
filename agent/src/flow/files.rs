//! The files of a message on its way out: taken in, and looked at when the message is sent.

use super::arkivmelding::{Arkivmelding, NotAnArkivmelding, is_xml};
use super::{Desk, Refusal, Trouble};
use crate::domain::{About, BlobId, File, Kind, MessageId, NewFile, Outgoing, Service, filename};
use crate::ports::{Attached, BlobError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::collections::BTreeSet;
use std::pin::pin;

/// What a client says of a file that it uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its name.
    pub filename: String,
    /// Its title.
    pub title: Option<String>,
    /// Its media type.
    pub mime_type: String,
}

/// A part of a multipart request has at most so many bytes.
const PART_LIMIT_BYTES: u64 = 5 << 20;
/// An XML file that we look into has at most so many.
const XML_LIMIT_BYTES: u64 = 20 << 20;
const ARKIVMELDING: &str = "arkivmelding.xml";

/// Keeps a file of a message: bytes first, then the row that names them. Dropped in the middle, no file was added.
///
/// `length` is what the client says before it sends; a wrong one changes nothing, since bytes are counted.
pub async fn upload<E>(
    desk: &Desk,
    id: &MessageId,
    upload: Upload,
    length: Option<u64>,
    bytes: impl Stream<Item = Result<Bytes, E>> + Send,
) -> Result<(), Trouble> {
    super::about(id);
    let not_found = || Refusal::MessageNotFound(id.to_string());
    let message = desk.store.outgoing(id).await?.ok_or_else(not_found)?;
    let limit = desk.rules.upload_limit_bytes(message.service);
    let already: u64 = message.files.iter().map(|file| file.file.length_bytes).sum();
    let too_large = |total| Refusal::TooLarge { total, service: message.service, limit };
    // What can be known before a gigabyte has come is told before.
    if message.files.iter().any(|file| file.file.filename == upload.filename) {
        return Err(Refusal::SameFilename(upload.filename).into());
    }
    if let Some(total) = length.map(|length| already.saturating_add(length)).filter(|total| *total > limit) {
        return Err(too_large(total).into());
    }
    may_be_added(&message, &upload)?;
    let mut file =
        keep(desk, upload, bytes, limit.saturating_sub(already), |more| too_large(already.saturating_add(more)))
            .await?;
    file.is_primary = is_primary(&message, &file.filename);
    let (blob, filename) = (file.blob.clone(), file.filename.clone());
    let about = match look_into(desk, &message, &file).await {
        Ok(about) => about,
        Err(refused) => {
            desk.sweep([blob]).await;
            return Err(refused);
        }
    };
    let refusal = match desk.store.attach(id, file, about, limit, desk.clock.now()).await? {
        Attached::Kept(_) => return Ok(()),
        // It was there when this began.
        Attached::NoSuchMessage if desk.store.outgoing(id).await?.is_some() => Refusal::AlreadySent(id.clone()),
        Attached::NoSuchMessage => not_found(),
        Attached::SameName => Refusal::SameFilename(filename),
        Attached::SecondPrimary => Refusal::SecondPrimary,
        Attached::TooLarge(total) => too_large(total),
    };
    desk.sweep([blob]).await;
    Err(refusal.into())
}

/// Keeps the bytes of a part of a multipart request; no row names them yet.
pub async fn keep_part<E>(
    desk: &Desk,
    upload: Upload,
    bytes: impl Stream<Item = Result<Bytes, E>> + Send,
) -> Result<NewFile, Trouble> {
    let filename = upload.filename.clone();
    let too_large = |_| Refusal::PartTooLarge { filename: filename.clone(), limit: PART_LIMIT_BYTES };
    keep(desk, upload, bytes, PART_LIMIT_BYTES, too_large).await
}

/// Adds the files of a multipart request to a message that is not stored yet. Says what they say it is about.
pub(super) async fn add_all(desk: &Desk, message: &mut Outgoing, files: Vec<NewFile>) -> Result<About, Trouble> {
    let mut about = About::default();
    let mut names = BTreeSet::new();
    let twice: Vec<_> = files.iter().filter(|file| !names.insert(&file.filename)).collect();
    if !twice.is_empty() {
        let twice: Vec<&str> = twice.iter().map(|file| file.filename.as_str()).collect();
        return Err(Refusal::SameFilename(twice.join(", ")).into());
    }
    let limit = desk.rules.upload_limit_bytes(message.service);
    let mut total = 0_u64;
    for (mut file, number) in files.into_iter().zip(1..) {
        total = total.saturating_add(file.length_bytes);
        if total > limit {
            return Err(Refusal::TooLarge { total, service: message.service, limit }.into());
        }
        let (filename, title, mime_type) = (file.filename.clone(), file.title.clone(), file.mime_type.clone());
        may_be_added(message, &Upload { filename, title, mime_type })?;
        let said = look_into(desk, message, &file).await?;
        about = About { title: said.title.or(about.title), reference: said.reference.or(about.reference) };
        file.is_primary = is_primary(message, &file.filename);
        message.files.push(File { number, file });
    }
    Ok(about)
}

async fn keep<E>(
    desk: &Desk,
    upload: Upload,
    bytes: impl Stream<Item = Result<Bytes, E>> + Send,
    limit: u64,
    too_large: impl Fn(u64) -> Refusal + Send,
) -> Result<NewFile, Trouble> {
    let blob = BlobId::random(desk.random.sixteen()?);
    let mut writer = desk.blobs.begin(&blob).await.map_err(|error| not_stored(&error))?;
    let mut bytes = pin!(bytes);
    let mut total = 0_u64;
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|_| Refusal::AttachmentNotRead)?;
        total = total.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if total > limit {
            return Err(too_large(total).into());
        }
        writer.write(piece).await.map_err(|error| not_stored(&error))?;
    }
    let length_bytes = writer.finish().await.map_err(|error| not_stored(&error))?;
    let Upload { filename, title, mime_type } = upload;
    Ok(NewFile { blob, filename, title, mime_type, is_primary: false, length_bytes })
}

fn not_stored(error: &BlobError) -> Refusal {
    tracing::error!(error = %efm::chain::Chain(error), "an attachment could not be stored");
    Refusal::AttachmentNotStored
}

fn is_primary(message: &Outgoing, filename: &str) -> bool {
    message.envelope.body.primary_document.as_deref() == Some(filename)
}

/// What the service asks of a file before its bytes are looked at.
fn may_be_added(message: &Outgoing, upload: &Upload) -> Result<(), Refusal> {
    if let Err(why) = filename::of_client(&upload.filename) {
        return Err(Refusal::BadFilename { name: upload.filename.clone(), why });
    }
    let is_primary = is_primary(message, &upload.filename);
    let metadata = &message.envelope.body.metadata_files;
    let is_titled = upload.title.as_ref().is_some_and(|title| !title.trim().is_empty());
    match message.service {
        Service::Dpv if !is_titled => Err(Refusal::MissingTitle(Service::Dpv)),
        Service::Dpi if !is_titled && !is_primary => {
            let is_metadata = metadata.iter().any(|(_, of)| of.as_ref() == Some(&upload.filename));
            if is_metadata { Ok(()) } else { Err(Refusal::MissingTitle(Service::Dpi)) }
        }
        Service::Dph if !is_primary && message.envelope.document.kind == Kind::Dialogmelding => {
            if !metadata.iter().any(|(name, _)| *name == upload.filename) {
                return Err(Refusal::MissingTitle(Service::Dph));
            }
            let essence = upload.mime_type.split(';').next().unwrap_or_default().trim();
            if ["application/pdf", "image/png", "image/jpeg"].contains(&essence) {
                Ok(())
            } else {
                Err(Refusal::InvalidContentType(upload.mime_type.clone()))
            }
        }
        Service::Dpo | Service::Dpv | Service::Dpi | Service::Dpf | Service::Dpe | Service::Dph | Service::Unknown => {
            Ok(())
        }
    }
}

/// A file that must be readable is read as soon as it is there. Says what it says the message is about.
async fn look_into(desk: &Desk, message: &Outgoing, file: &NewFile) -> Result<About, Trouble> {
    if message.envelope.document.kind == Kind::Arkivmelding && file.filename == ARKIVMELDING {
        let Arkivmelding { title, reference, .. } = arkivmelding(desk, file).await?;
        return Ok(About { title, reference });
    }
    let is_dialogue = ["dialogmelding.xml", "kvittering.xml"].contains(&file.filename.as_str());
    if message.service == Service::Dph && is_dialogue && !is_xml(&whole(desk, file).await?) {
        return Err(Refusal::InvalidDocument(format!("{} is no XML", file.filename)).into());
    }
    Ok(About::default())
}

async fn arkivmelding(desk: &Desk, file: &NewFile) -> Result<Arkivmelding, Trouble> {
    Arkivmelding::read(&whole(desk, file).await?).map_err(|why| {
        tracing::warn!(%why, "an arkivmelding is refused");
        let refusal = match why {
            NotAnArkivmelding::NoSaksmappe => Refusal::MissingSaksmappe,
            NotAnArkivmelding::Unreadable(_) | NotAnArkivmelding::NoJournalpost => Refusal::ArkivmeldingUnreadable,
        };
        refusal.into()
    })
}

async fn whole(desk: &Desk, file: &NewFile) -> Result<Vec<u8>, Trouble> {
    if file.length_bytes > XML_LIMIT_BYTES {
        return Err(Refusal::ArkivmeldingUnreadable.into());
    }
    let mut reader = desk.blobs.open(&file.blob).await?;
    let mut whole = Vec::new();
    while let Some(bytes) = reader.next().await? {
        whole.extend_from_slice(&bytes);
    }
    Ok(whole)
}

/// What must be there when a message is sent.
pub(super) async fn check_all(desk: &Desk, message: &Outgoing) -> Result<(), Trouble> {
    let has = |name: &str| message.files.iter().any(|file| file.file.filename == name);
    let body = &message.envelope.body;
    let kind = message.envelope.document.kind;
    if kind == Kind::Arkivmelding {
        let file = message.files.iter().find(|file| file.file.filename == ARKIVMELDING);
        let named = arkivmelding(desk, &file.ok_or(Refusal::MissingArkivmelding)?.file).await?.files;
        let missing: Vec<String> = named.into_iter().filter(|name| !has(name)).collect();
        if !missing.is_empty() {
            return Err(Refusal::MissingArkivmeldingFiles(missing).into());
        }
    }
    if kind == Kind::Digital {
        let named = body.metadata_files.iter().flat_map(|(name, of)| [Some(name), of.as_ref()]).flatten();
        let missing: Vec<String> = named.filter(|name| !has(name)).cloned().collect();
        if !missing.is_empty() {
            return Err(Refusal::FileNotFound(missing).into());
        }
    }
    let needs_primary = message.service == Service::Dpi || kind == Kind::Dialogmelding;
    if needs_primary && !message.files.iter().any(|file| file.file.is_primary) {
        return Err(Refusal::MissingPrimary.into());
    }
    Ok(())
}
