//! What became of a message, from its creation to its end: [`judge`] says which statuses may come.

use super::{ConversationId, Deadline, Envelope, MessageId, NewStatus, Service, Status};
use jiff::Timestamp;

/// Whether we send or receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// We send.
    Outgoing,
    /// We receive.
    Incoming,
}

impl Direction {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outgoing => "OUTGOING",
            Self::Incoming => "INCOMING",
        }
    }

    /// The direction of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Outgoing, Self::Incoming].into_iter().find(|direction| direction.name() == name)
    }
}

/// A conversation, as it is stored. It outlives its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Whether we send or receive.
    pub direction: Direction,
    /// Its message.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// The sender's whole text.
    pub sender: String,
    /// On whose behalf the sender acts, or itself.
    pub sender_identifier: String,
    /// The receiver's whole text.
    pub receiver: String,
    /// The receiver's number.
    pub receiver_identifier: String,
    /// The process.
    pub process: String,
    /// The document type.
    pub document_type: String,
    /// Starts as the conversation's name.
    pub reference: String,
    /// Starts as the title that the message itself has, or empty.
    pub title: String,
    /// Over which service.
    pub service: Service,
    /// When it expires.
    pub deadline: Deadline,
    /// The channel is to be asked what became of it.
    pub is_pollable: bool,
    /// Nothing more is waited for.
    pub is_finished: bool,
    /// When something happened to it last.
    pub updated: Timestamp,
    /// What the channel calls it.
    pub external_reference: Option<String>,
    /// Which of the other organisation's integration points is to get what answers its message.
    pub channel: Option<String>,
}

impl Conversation {
    /// The conversation of a new message; none where the envelope lacks what it must have by now.
    pub fn of(envelope: &Envelope, direction: Direction, service: Service, now: Timestamp) -> Option<Self> {
        let message_id = envelope.document.message_id.clone()?;
        let conversation_id = envelope.conversation_id()?;
        let text = |who: Option<&super::Participant>| who.map(super::Participant::text).unwrap_or_default();
        Some(Self {
            direction,
            sender: text(envelope.sender()),
            sender_identifier: envelope.sender().map(|who| who.part_or_primary().to_owned()).unwrap_or_default(),
            receiver: text(envelope.receiver()),
            receiver_identifier: envelope.receiver().map(|who| who.primary().to_owned()).unwrap_or_default(),
            process: envelope.process().unwrap_or_default().to_owned(),
            document_type: envelope.document.standard.clone(),
            reference: conversation_id.to_string(),
            title: envelope.body.title.clone().unwrap_or_default(),
            deadline: envelope.deadline()?,
            is_pollable: false,
            is_finished: false,
            updated: now,
            external_reference: None,
            channel: envelope.message_channel().filter(|name| !name.is_empty()).map(str::to_owned),
            service,
            message_id,
            conversation_id,
        })
    }
}

/// What a message is about, for people; what is not known changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its title.
    pub title: Option<String>,
    /// The sender's own reference.
    pub reference: Option<String>,
}

impl Conversation {
    /// Says what its message is about.
    pub fn describe(&mut self, about: About) {
        if let Some(title) = about.title {
            self.title = title;
        }
        if let Some(reference) = about.reference {
            self.reference = reference;
        }
    }
}

/// What a status does to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It was there already: nothing happens. Each comes at most once.
    Repeated,
    /// It is noted.
    Noted {
        /// Nothing more is waited for, now or before.
        is_finished: bool,
        /// The channel is still to be asked.
        is_pollable: bool,
    },
}

/// What a status does to a conversation that has these statuses. No order is asked for: MOTTATT may come after LEVERT.
pub fn judge(conversation: &Conversation, had: &[Status], new: &NewStatus) -> Move {
    if had.contains(&new.status) {
        return Move::Repeated;
    }
    Move::Noted {
        is_finished: conversation.is_finished || new.status.finishes(),
        is_pollable: conversation.is_pollable && !new.status.ends_polling(),
    }
}
