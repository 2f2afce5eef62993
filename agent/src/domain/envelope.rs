//! The Standard Business Document: who sends what to whom, under which agreement, until when.

use super::{ConversationId, Deadline, Kind, MessageId, Participant, Written};

/// A message as its sender wrote it. Created from what a client sent, it may still lack what has a default;
/// [`crate::flow::accept`](../../flow/accept/index.html) fills it in before anything is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `headerVersion`, 1.0.
    pub header_version: String,
    /// None: ourselves.
    pub sender: Option<Party>,
    /// None: only print has none.
    pub receiver: Option<Party>,
    /// What it is.
    pub document: Document,
    /// Passed through, as JSON.
    pub manifest: Option<String>,
    /// The agreement and the references.
    pub scopes: Vec<Scope>,
    /// The message itself.
    pub body: Body,
}

/// A sender or receiver with whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub participant: Participant,
    /// Passed through, as JSON.
    pub contact_information: Option<String>,
}

impl From<Participant> for Party {
    fn from(participant: Participant) -> Self {
        Self { participant, contact_information: None }
    }
}

/// `documentIdentification`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The document type, a URN.
    pub standard: String,
    /// Not looked at.
    pub type_version: String,
    /// None: one is made.
    pub message_id: Option<MessageId>,
    /// Its type.
    pub kind: Kind,
    /// The type as the client wrote it, which the body is written under.
    pub kind_as_written: String,
    /// Passed through.
    pub multiple_type: Option<bool>,
    /// None: now.
    pub created: Option<Written>,
}

/// `businessScope.scope[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Which.
    pub scope_type: ScopeType,
    /// The conversation, or a reference.
    pub instance: Option<String>,
    /// The process, or the name of a channel.
    pub identifier: Option<String>,
    /// The first counts.
    pub information: Vec<ScopeInformation>,
}

/// `scopeInformation[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeInformation {
    /// Passed through.
    pub requesting_created: Option<String>,
    /// Passed through.
    pub requesting_instance: Option<String>,
    /// When the message expires.
    pub expected_response: Option<Written>,
}

/// `scope[].type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeType {
    /// The conversation, the process and the deadline.
    ConversationId,
    /// The sender's reference.
    SenderRef,
    /// The receiver's reference.
    ReceiverRef,
    /// The message that this one answers.
    ParentId,
    /// The entry in the journal.
    JournalpostId,
    /// Which of several integration points of an organisation.
    MessageChannel,
}

impl ScopeType {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::ConversationId,
        Self::SenderRef,
        Self::ReceiverRef,
        Self::ParentId,
        Self::JournalpostId,
        Self::MessageChannel,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConversationId => "ConversationId",
            Self::SenderRef => "SenderRef",
            Self::ReceiverRef => "ReceiverRef",
            Self::ParentId => "ParentId",
            Self::JournalpostId => "JournalpostId",
            Self::MessageChannel => "MessageChannel",
        }
    }

    /// The one of this name. Java's names of its constants, `CONVERSATION_ID`, are not taken.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope_type| scope_type.name() == name)
    }
}

/// The business message: its text, and what the house needs to know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// As JSON.
    pub text: String,
    /// `hoveddokument`: the name of the main file.
    pub primary_document: Option<String>,
    /// `sikkerhetsnivaa`.
    pub security_level: Option<u8>,
    /// `tittel`: what it is about.
    pub title: Option<String>,
    /// `status` of a status message.
    pub status: Option<String>,
    /// `relatedToMessageId` of a receipt.
    pub related_message: Option<String>,
    /// `receiptType` of a receipt.
    pub receipt_type: Option<String>,
    /// `metadataFiler`: the names of files, and the name of the file that says more of each where it is named.
    pub metadata_files: Vec<(String, Option<String>)>,
    /// Of print: to whom.
    pub receiver_address: Option<Address>,
    /// Of print: back to whom.
    pub return_address: Option<Address>,
}

/// A postal address, as far as it was given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// `navn`
    pub name: Option<String>,
    /// `adresselinje1`
    pub first_line: Option<String>,
    /// `postnummer`
    pub postal_code: Option<String>,
    /// `poststed`
    pub postal_area: Option<String>,
    /// `land`
    pub country: Option<String>,
}

// Without the lines: they are a person's.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("address")
    }
}

impl Envelope {
    /// The scope that names conversation, process and deadline.
    pub fn conversation_scope(&self) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.scope_type == ScopeType::ConversationId)
    }

    /// As above, to fill in.
    pub fn conversation_scope_mut(&mut self) -> Option<&mut Scope> {
        self.scopes.iter_mut().find(|scope| scope.scope_type == ScopeType::ConversationId)
    }

    /// The conversation.
    pub fn conversation_id(&self) -> Option<ConversationId> {
        ConversationId::parse(self.conversation_scope()?.instance.as_deref()?).ok()
    }

    /// The process, a URN.
    pub fn process(&self) -> Option<&str> {
        self.conversation_scope()?.identifier.as_deref()
    }

    /// When it expires.
    pub fn deadline(&self) -> Option<Deadline> {
        let information = self.conversation_scope()?.information.first()?;
        information.expected_response.as_ref().map(|written| Deadline::at(written.moment()))
    }

    /// The name of the channel, when it is for one of several integration points.
    pub fn message_channel(&self) -> Option<&str> {
        let scope = self.scopes.iter().find(|scope| scope.scope_type == ScopeType::MessageChannel)?;
        scope.identifier.as_deref()
    }

    /// Makes it one for this channel.
    pub fn name_channel(&mut self, channel: String) {
        let is_channel = |scope: &&mut Scope| scope.scope_type == ScopeType::MessageChannel;
        match self.scopes.iter_mut().find(is_channel) {
            Some(scope) => scope.identifier = Some(channel),
            None => self.scopes.push(Scope {
                scope_type: ScopeType::MessageChannel,
                instance: None,
                identifier: Some(channel),
                information: Vec::new(),
            }),
        }
    }

    /// The receiver.
    pub fn receiver(&self) -> Option<&Participant> {
        self.receiver.as_ref().map(|party| &party.participant)
    }

    /// The sender.
    pub fn sender(&self) -> Option<&Participant> {
        self.sender.as_ref().map(|party| &party.participant)
    }
}
