//! Takes messages from a case system: create, upload, send. Acknowledged is stored.

use super::{Desk, Refusal, Trouble};
use crate::domain::{
    Conversation, ConversationId, Deadline, Direction, Envelope, Kind, MessageId, NewFile, NewStatus, Outgoing,
    Participant, ScopeInformation, Service, Written,
};
use crate::ports::{Attached, BlobError, Created, Enqueued, LookupError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
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

/// Keeps a new message, and answers it with its defaults filled in. Cancel safe: it is kept wholly or not at all.
pub async fn create(desk: &Desk, mut envelope: Envelope) -> Result<Envelope, Trouble> {
    let now = desk.clock.now();
    let own = &desk.rules.organisation;
    if let Some(party) = envelope.sender.take() {
        let participant = party.participant.clone().sent_by(own);
        envelope.sender = Some(crate::domain::Party { participant, ..party });
    }
    let service = route(desk, &envelope).await?;
    let id = fill_in(desk, &mut envelope, now)?;
    let conversation = Conversation::of(&envelope, Direction::Outgoing, service, now);
    let conversation = conversation.ok_or(Trouble::Lacks("ConversationId scope"))?;
    // A used id is told before anything else is, so it is looked for before and once more when it is kept.
    if desk.store.outgoing(&id).await?.is_some() {
        return Err(Refusal::MessageExists(id).into());
    }
    check(desk, &envelope, service)?;
    let message = Outgoing { id: id.clone(), service, envelope: envelope.clone(), files: Vec::new() };
    match desk.store.create(message, conversation).await? {
        Created::Kept => Ok(envelope),
        Created::Exists => Err(Refusal::MessageExists(id).into()),
    }
}

async fn route(desk: &Desk, envelope: &Envelope) -> Result<Service, Trouble> {
    if envelope.receiver.is_none() {
        return Ok(if envelope.document.kind == Kind::Print { Service::Dpi } else { Service::Unknown });
    }
    match desk.registry.route(envelope).await {
        Ok(route) => Ok(route.service),
        // Both are one answer to the case system, and the description tells them apart.
        Err(LookupError::NotFound(description) | LookupError::Unavailable(description)) => {
            let process = envelope.process().unwrap_or_default().to_owned();
            Err(Refusal::ReceiverDoesNotAccept { process, description }.into())
        }
    }
}

fn fill_in(desk: &Desk, envelope: &mut Envelope, now: Timestamp) -> Result<MessageId, Trouble> {
    let own = || Participant::organisation(&desk.rules.organisation).into();
    envelope.sender.get_or_insert_with(own);
    let id = match envelope.document.message_id.clone() {
        Some(id) => id,
        None => MessageId::random(desk.random.sixteen()?),
    };
    envelope.document.message_id = Some(id.clone());
    envelope.document.created.get_or_insert_with(|| Written::at(now));
    let expires = Deadline::after(now, desk.rules.time_to_live).moment();
    let scope = envelope.conversation_scope_mut().ok_or(Trouble::Lacks("ConversationId scope"))?;
    if scope.information.is_empty() {
        scope.information.push(ScopeInformation::default());
    }
    if let Some(first) = scope.information.first_mut() {
        first.expected_response.get_or_insert_with(|| Written::at(expires));
    }
    for scope in &mut envelope.scopes {
        if scope.instance.as_ref().is_none_or(|instance| instance.trim().is_empty()) {
            scope.instance = Some(ConversationId::random(desk.random.sixteen()?).to_string());
        }
    }
    Ok(id)
}

/// The checks that look at nothing but the message, in the order in which they win.
fn check(desk: &Desk, envelope: &Envelope, service: Service) -> Result<(), Refusal> {
    if !desk.channels.contains_key(&service) {
        return Err(Refusal::ServiceNotEnabled(service));
    }
    let document = &envelope.document;
    if !document.kind.fits(&document.standard) {
        let (kind, standard) = (document.kind_as_written.clone(), document.standard.clone());
        return Err(Refusal::TypeDoesNotFit { kind, standard });
    }
    Ok(())
}

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
    let is_primary = message.envelope.body.primary_document.as_ref() == Some(&upload.filename);
    let blob = crate::domain::BlobId::random(desk.random.sixteen()?);
    let mut writer = desk.blobs.begin(&blob).await.map_err(|error| not_stored(&error))?;
    let mut bytes = pin!(bytes);
    let mut total = already;
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
    let file = NewFile { blob: blob.clone(), filename: filename.clone(), title, mime_type, is_primary, length_bytes };
    let refusal = match desk.store.attach(id, file, limit, desk.clock.now()).await? {
        Attached::Kept(_) => return Ok(()),
        Attached::NoSuchMessage => not_found(),
        Attached::SameName => Refusal::SameFilename(filename),
        Attached::SecondPrimary => Refusal::SecondPrimary,
        Attached::TooLarge(total) => too_large(total),
    };
    desk.sweep([blob]).await;
    Err(refusal.into())
}

fn not_stored(error: &BlobError) -> Refusal {
    tracing::error!(error = %efm::chain::Chain(error), "an attachment could not be stored");
    Refusal::AttachmentNotStored
}

/// Puts a message on the queue. What happens to it from now on its statuses tell.
pub async fn send(desk: &Desk, id: &MessageId) -> Result<(), Trouble> {
    let now = desk.clock.now();
    let not_found = || Refusal::MessageNotFound(id.to_string());
    let message = desk.store.outgoing(id).await?.ok_or_else(not_found)?;
    if message.envelope.document.kind.needs_file() && message.files.is_empty() {
        return Err(Refusal::MissingFile.into());
    }
    if let Some(deadline) = message.envelope.deadline().filter(|deadline| deadline.is_past(now)) {
        desk.store.register(id, Direction::Outgoing, NewStatus::expired(now)).await?;
        return Err(Refusal::Expired { at: crate::domain::in_oslo(deadline.moment()) }.into());
    }
    match desk.store.enqueue(id, now).await? {
        Enqueued::Queued => desk.queued.notify_one(),
        Enqueued::NoSuchMessage => return Err(not_found().into()),
    }
    Ok(())
}

/// Removes a message that is not to be sent; that it is not there is no error.
pub async fn discard(desk: &Desk, id: &MessageId) -> Result<(), Trouble> {
    let blobs = desk.store.discard(id).await?;
    desk.sweep(blobs).await;
    Ok(())
}
