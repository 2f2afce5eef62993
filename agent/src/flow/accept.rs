//! Takes messages from a case system: create, upload, send. Acknowledged is stored. The files' part is in [`super::files`].

pub use super::files::{Upload, keep_part, upload};

use super::{Desk, Refusal, Trouble, files, print};
use crate::domain::{
    Address, Body, Conversation, ConversationId, Deadline, Direction, Envelope, Kind, MessageId, NewFile, NewStatus,
    Outgoing, Participant, Scope, ScopeInformation, Service, Written,
};
use crate::ports::{ConversationFilter, Created, Enqueued, LookupError, PageRequest, Route};
use jiff::Timestamp;

/// Keeps a new message, and answers it with its defaults filled in. Cancel safe: it is kept wholly or not at all.
pub async fn create(desk: &Desk, envelope: Envelope) -> Result<Envelope, Trouble> {
    let (message, conversation) = prepare(desk, envelope).await?;
    keep(desk, message, conversation).await
}

/// As [`create`], with files whose bytes lie there already. Where it is refused they are removed.
pub async fn create_whole(desk: &Desk, envelope: Envelope, parts: Vec<NewFile>) -> Result<Envelope, Trouble> {
    let blobs: Vec<_> = parts.iter().map(|part| part.blob.clone()).collect();
    let created = async {
        let (mut message, mut conversation) = prepare(desk, envelope).await?;
        match files::add_all(desk, &mut message, parts).await {
            Ok(about) => conversation.describe(about),
            Err(wrong) => return Err(used_or(desk, &message.id, wrong).await),
        }
        keep(desk, message, conversation).await
    };
    let created = created.await;
    if created.is_err() {
        desk.sweep(blobs).await;
    }
    created
}

/// Removes the bytes of parts that belong to no message.
pub async fn drop_parts(desk: &Desk, parts: Vec<NewFile>) {
    desk.sweep(parts.into_iter().map(|part| part.blob)).await;
}

async fn keep(desk: &Desk, message: Outgoing, conversation: Conversation) -> Result<Envelope, Trouble> {
    let (id, envelope) = (message.id.clone(), message.envelope.clone());
    match desk.store.create(message, conversation).await? {
        Created::Kept => {
            desk.noted.notify_one();
            Ok(envelope)
        }
        Created::Exists => Err(Refusal::MessageExists(id).into()),
    }
}

/// The message with its defaults, when nothing speaks against it. The order of the steps decides which error wins.
async fn prepare(desk: &Desk, mut envelope: Envelope) -> Result<(Outgoing, Conversation), Trouble> {
    let now = desk.clock.now();
    let own = &desk.rules.organisation;
    if let Some(party) = envelope.sender.take() {
        let participant = party.participant.clone().sent_by(own);
        envelope.sender = Some(crate::domain::Party { participant, ..party });
    }
    let Route { service, record } = route(desk, &envelope).await?;
    let id = fill_in(desk, &mut envelope, service, now)?;
    if let (Kind::Print, Some(record)) = (envelope.document.kind, &record) {
        print::fill_in(&mut envelope.body, record);
    }
    let conversation = Conversation::of(&envelope, Direction::Outgoing, service, now);
    let conversation = conversation.ok_or(Trouble::Lacks("ConversationId scope"))?;
    let wrong = match own_certificate(desk).await {
        Ok(()) => check(desk, &envelope, service).err().map(Trouble::from),
        Err(wrong) => Some(wrong.into()),
    };
    if let Some(wrong) = wrong {
        return Err(used_or(desk, &id, wrong).await);
    }
    Ok((Outgoing { id, service, envelope, files: Vec::new() }, conversation))
}

/// A used id is told before anything else that is wrong. Where nothing is, the store tells it when the message is kept,
/// and nobody has to ask.
async fn used_or(desk: &Desk, id: &MessageId, wrong: Trouble) -> Trouble {
    match is_used(desk, id).await {
        Ok(true) => Refusal::MessageExists(id.clone()).into(),
        Ok(false) => wrong,
        Err(trouble) => trouble,
    }
}

async fn is_used(desk: &Desk, id: &MessageId) -> Result<bool, Trouble> {
    if desk.store.outgoing(id).await?.is_some() {
        return Ok(true);
    }
    let filter = ConversationFilter { message_id: Some(id.to_string()), ..ConversationFilter::default() };
    Ok(desk.store.conversations(filter, PageRequest { number: 0, size: 1 }).await?.total > 0)
}

/// What is sealed or signed with a certificate that is not right is of no use to anybody.
async fn own_certificate(desk: &Desk) -> Result<(), Refusal> {
    desk.registry.own_certificate().await.map_err(|wrong| Refusal::InvalidCertificate(wrong.0))
}

async fn route(desk: &Desk, envelope: &Envelope) -> Result<Route, Trouble> {
    if envelope.receiver.is_none() {
        let service = if envelope.document.kind == Kind::Print { Service::Dpi } else { Service::Unknown };
        return Ok(Route { service, record: None });
    }
    if envelope.conversation_scope().is_some() && envelope.process().is_none_or(|process| process.trim().is_empty()) {
        // Today's one asks the registry for the process null, which nobody accepts.
        let description = "the scope ConversationId has no identifier; right would be a process, such as \
                           urn:no:difi:profile:arkivmelding:administrasjon:ver1.0";
        return Err(Refusal::ReceiverDoesNotAccept { process: "null".into(), description: description.into() }.into());
    }
    match desk.registry.route(envelope).await {
        Ok(route) => Ok(route),
        // All are one answer to the case system, and the description tells them apart.
        Err(
            LookupError::NotFound(description)
            | LookupError::Refused(description)
            | LookupError::Unavailable(description),
        ) => {
            let process = envelope.process().unwrap_or_default().to_owned();
            Err(Refusal::ReceiverDoesNotAccept { process, description }.into())
        }
    }
}

fn fill_in(desk: &Desk, envelope: &mut Envelope, service: Service, now: Timestamp) -> Result<MessageId, Trouble> {
    let own = || Participant::organisation(&desk.rules.organisation).into();
    envelope.sender.get_or_insert_with(own);
    let id = match envelope.document.message_id.clone() {
        Some(id) => id,
        None => MessageId::random(desk.random.sixteen()?),
    };
    envelope.document.message_id = Some(id.clone());
    super::about(&id);
    envelope.document.created.get_or_insert_with(|| Written::at(now));
    let expires = Deadline::after(now, desk.rules.time_to_live).moment();
    let scope = envelope.conversation_scope_mut().ok_or(Trouble::Lacks("ConversationId scope"))?;
    if scope.information.is_empty() {
        scope.information.push(ScopeInformation::default());
    }
    if let Some(first) = scope.information.first_mut() {
        first.expected_response.get_or_insert_with(|| Written::at(expires));
    }
    if let Some(channel) = desk.rules.message_channel.as_ref().filter(|_| service == Service::Dpo)
        && envelope.message_channel().is_none_or(|name| name.trim().is_empty())
    {
        envelope.name_channel(channel.clone());
    }
    let is_blank = |scope: &Scope| scope.instance.as_ref().is_none_or(|instance| instance.trim().is_empty());
    if let Some(scope) = envelope.conversation_scope_mut().filter(|scope| service == Service::Dph && is_blank(scope)) {
        // A dialogue is called by its first message.
        scope.instance = Some(id.to_string());
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
    let (document, body) = (&envelope.document, &envelope.body);
    if document.kind == Kind::Arkivmelding && service == Service::Dpf && body.security_level.is_none() {
        return Err(Refusal::BrokenRules(vec!["any.sikkerhetsnivaa".into()]));
    }
    let missing = missing(document.kind, body);
    if !missing.is_empty() {
        return Err(Refusal::BrokenRules(missing));
    }
    if let Some(why) = desk.closed.get(&service) {
        return Err(Refusal::InvalidCertificate(format!("Service {} is closed: {why}", service.name())));
    }
    if !desk.channels.contains_key(&service) {
        return Err(Refusal::ServiceNotEnabled(service));
    }
    if document.kind == Kind::Print {
        complete(body.receiver_address.as_ref(), RECEIVER)?;
        complete(body.return_address.as_ref(), RETURN)?;
    }
    if !document.kind.fits(&document.standard) {
        let (kind, standard) = (document.kind_as_written.clone(), document.standard.clone());
        return Err(Refusal::TypeDoesNotFit { kind, standard });
    }
    let given = envelope.message_channel();
    let ours = desk.rules.message_channel.as_deref();
    if let (Some(given), Some(ours)) = (given.filter(|_| service == Service::Dpo), ours)
        && given != ours
    {
        return Err(Refusal::ChannelInvalid { configured: ours.to_owned(), given: given.to_owned() });
    }
    if service == Service::Dph { health(desk, envelope) } else { Ok(()) }
}

/// Over DPH both are named by NHN, and the sender is one of ours.
fn health(desk: &Desk, envelope: &Envelope) -> Result<(), Refusal> {
    let Some(Participant::Nhn(sender)) = envelope.sender() else {
        return Err(Refusal::Sender("the sender of a dialogue must be an nhn-actorid, such as her-id:8143548".into()));
    };
    let number = sender.strip_prefix("her-id:");
    if number.is_none_or(|number| !desk.rules.her_ids.iter().any(|ours| ours == number)) {
        let text = "the HER id of the sender is not among those of difi.move.dph.her-ids";
        return Err(Refusal::Sender(text.into()));
    }
    if !matches!(envelope.receiver(), Some(Participant::Nhn(_))) {
        let text = "the receiver of a dialogue must be an nhn-actorid: her-id:<number> or fastlege-for:<eleven digits>";
        return Err(Refusal::Receiver(text.into()));
    }
    Ok(())
}

/// What a message of this type must have when its defaults have been filled in.
fn missing(kind: Kind, body: &Body) -> Vec<String> {
    let mut missing = Vec::new();
    let has_primary = matches!(kind, Kind::Digital | Kind::Print | Kind::Dialogmelding);
    if has_primary && body.primary_document.is_none() {
        missing.push("any.hoveddokument".to_owned());
    }
    if kind != Kind::Print {
        return missing;
    }
    for (path, address) in [("mottaker", &body.receiver_address), ("retur.mottaker", &body.return_address)] {
        // One that is not there at all is told by `complete`, with the words for it.
        let Some(address) = address else { continue };
        let lines = [("navn", &address.name), ("land", &address.country)];
        missing.extend(lines.iter().filter(|(_, line)| line.is_none()).map(|(name, _)| format!("any.{path}.{name}")));
    }
    missing
}

type Lines = (&'static str, [&'static str; 3]);
const RECEIVER: Lines = ("mottaker", ["mottaker.postnummer", "mottaker.poststed", "mottaker.adresselinje1"]);
const RETURN: Lines = ("retur", ["retur.postnummer", "retur.poststed", "retur.adresselinje1"]);

fn complete(address: Option<&Address>, (whole, [code, area, first]): Lines) -> Result<(), Refusal> {
    let address = address.ok_or(Refusal::MissingAddress(whole))?;
    for (line, name) in [(&address.postal_code, code), (&address.postal_area, area), (&address.first_line, first)] {
        if line.as_ref().is_none_or(|line| line.trim().is_empty()) {
            return Err(Refusal::MissingAddress(name));
        }
    }
    Ok(())
}

/// Puts a message on the queue. What happens to it from now on its statuses tell.
pub async fn send(desk: &Desk, id: &MessageId) -> Result<(), Trouble> {
    super::about(id);
    let now = desk.clock.now();
    let not_found = || Refusal::MessageNotFound(id.to_string());
    let message = desk.store.outgoing(id).await?.ok_or_else(not_found)?;
    own_certificate(desk).await?;
    if message.envelope.document.kind.needs_file() && message.files.is_empty() {
        return Err(Refusal::MissingFile.into());
    }
    if let Some(deadline) = message.envelope.deadline().filter(|deadline| deadline.is_past(now)) {
        desk.store.register(id, Direction::Outgoing, NewStatus::expired(now)).await?;
        desk.noted.notify_one();
        return Err(Refusal::Expired { at: crate::domain::in_oslo(deadline.moment()) }.into());
    }
    files::check_all(desk, &message).await?;
    match desk.store.enqueue(id, now).await? {
        Enqueued::Queued => desk.queued.ring(),
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
