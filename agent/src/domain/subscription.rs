//! Who wants to be told of what: a [`Subscription`], its [`Filter`], and what it is told, a [`StatusNoted`].
//!
//! The grammar of a filter is the Java one's, with its corners: parts are joined by `&`, and empty ones at the end do not
//! count; a part is a name of letters, digits and `_`, then `=`, then a list at commas. Names are compared letter by letter,
//! values whatever their case, without trimming. All parts must match, each by any of its values.

use super::{Conversation, ConversationId, Direction, MessageId, NewStatus, Service, Status};
use jiff::Timestamp;

/// What somebody wants to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// A label of its owner's.
    pub name: String,
    /// Whose server is called.
    pub push_endpoint: String,
    /// Which things.
    pub resource: Resource,
    /// What happens to them.
    pub event: EventKind,
    /// Only these; none: all.
    pub filter: Option<Filter>,
}

impl Subscription {
    /// Whether it is to be told of this. There is one kind of thing and of event yet, so only the filter can say no.
    pub fn wants(&self, noted: &StatusNoted) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(noted))
    }
}

/// Which things somebody wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `all`
    All,
    /// `messages`
    Messages,
}

impl Resource {
    /// As the API writes them.
    pub const NAMES: [&'static str; 2] = ["all", "messages"];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Messages => "messages",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::All, Self::Messages].into_iter().find(|resource| resource.name() == name)
    }
}

/// What may happen that somebody wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `all`
    All,
    /// `status`
    Status,
}

impl EventKind {
    /// As the API writes them.
    pub const NAMES: [&'static str; 2] = ["all", "status"];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Status => "status",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::All, Self::Status].into_iter().find(|event| event.name() == name)
    }
}

/// Which statuses somebody wants to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: String,
    parts: Vec<(Name, Vec<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Status,
    Direction,
    Service,
}

/// A text that is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFilter {
    /// There is no such thing to filter by.
    #[error("Unknown filter name: {0}.")]
    Name(String),
    /// There is no such way to compare.
    #[error("Unknown filter operator: {0}.")]
    Operator(String),
    /// A part has another form.
    #[error("The filter part \"{0}\" is not a name, '=' and values.")]
    Part(String),
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NotAFilter> {
        let mut parts: Vec<&str> = text.split('&').collect();
        // Java's split leaves out empty parts at the end, and says of an empty text that it is one part.
        while parts.len() > 1 && parts.last() == Some(&"") {
            parts.pop();
        }
        let is_only_joints = !text.is_empty() && parts == [""];
        let parts = if is_only_joints { Vec::new() } else { parts };
        let parts = parts.into_iter().map(part).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn matches(&self, noted: &StatusNoted) -> bool {
        self.parts.iter().all(|(name, values)| {
            let is = match name {
                Name::Status => noted.status.name(),
                Name::Direction => noted.direction.name(),
                Name::Service => noted.service.name(),
            };
            values.iter().any(|value| value.eq_ignore_ascii_case(is))
        })
    }
}

fn part(text: &str) -> Result<(Name, Vec<String>), NotAFilter> {
    let misshapen = || NotAFilter::Part(text.to_owned());
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (name, rest) = text.split_at(text.find(|letter| !is_of_name(letter)).ok_or_else(misshapen)?);
    if name.is_empty() {
        return Err(misshapen());
    }
    let values = rest.strip_prefix('=').ok_or_else(|| match rest.split_once('=') {
        Some((before, _)) => NotAFilter::Operator(format!("{before}=")),
        None => misshapen(),
    })?;
    if values.is_empty() || values.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        return Err(misshapen());
    }
    let name = match name {
        "status" => Name::Status,
        "direction" => Name::Direction,
        "serviceIdentifier" => Name::Service,
        other => return Err(NotAFilter::Name(other.to_owned())),
    };
    Ok((name, values.split(',').map(str::to_owned).collect()))
}

/// A status was noted: what whoever subscribed is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusNoted {
    /// The status's own number, `id` in `/api/statuses`.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Of which message.
    pub message_id: MessageId,
    /// In which conversation.
    pub conversation_id: ConversationId,
    /// Whether we send or receive.
    pub direction: Direction,
    /// Over which service.
    pub service: Service,
    /// Which status.
    pub status: Status,
    /// For people.
    pub description: Option<String>,
}

impl StatusNoted {
    /// Of the status that was noted under this number.
    pub fn of(number: i64, conversation: &Conversation, new: &NewStatus) -> Self {
        Self {
            number,
            at: new.at,
            message_id: conversation.message_id.clone(),
            conversation_id: conversation.conversation_id.clone(),
            direction: conversation.direction,
            service: conversation.service,
            status: new.status,
            description: new.description.clone(),
        }
    }

    /// The name of this event, the same at each try and for each subscription.
    pub fn call_id(&self) -> String {
        format!("msg_{}_{}", self.message_id, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(status: Status) -> StatusNoted {
        StatusNoted {
            number: 7,
            at: Timestamp::UNIX_EPOCH,
            message_id: MessageId::random([1; 16]),
            conversation_id: ConversationId::random([2; 16]),
            direction: Direction::Incoming,
            service: Service::Dpo,
            status,
            description: None,
        }
    }

    fn takes(filter: &str, status: Status) -> bool {
        Filter::parse(filter).unwrap().matches(&noted(status))
    }

    #[test]
    fn all_parts_must_match_and_of_each_any_value() {
        let filter = "status=FEIL,LEVETID_UTLOPT&direction=INCOMING&serviceIdentifier=DPO,DPI";
        assert!(takes(filter, Status::Feil) && takes(filter, Status::LevetidUtlopt));
        assert!(!takes(filter, Status::Levert));
        assert!(!takes("status=FEIL&direction=OUTGOING", Status::Feil));
        assert!(takes("status=feil&serviceIdentifier=dpo", Status::Feil), "case does not count");
        assert!(!takes("status=FEIL , LEVERT", Status::Levert), "blanks do");
        assert!(!takes("status=FEIL=1", Status::Feil), "a value may hold anything");
    }

    #[test]
    fn empty_parts_count_everywhere_but_at_the_end() {
        assert!(takes("status=FEIL&", Status::Feil) && takes("&", Status::Feil) && takes("&&", Status::Feil));
        let part = |text: &str| Err(NotAFilter::Part(text.to_owned()));
        assert_eq!(Filter::parse(""), part(""));
        assert_eq!(Filter::parse("&status=FEIL"), part(""));
        assert_eq!(Filter::parse("status=FEIL&&direction=INCOMING"), part(""));
        assert_eq!(Filter::parse("status="), part("status="));
        assert_eq!(Filter::parse("=FEIL"), part("=FEIL"));
        assert_eq!(Filter::parse("status"), part("status"));
        assert_eq!(Filter::parse("status=a\nb"), part("status=a\nb"));
    }

    #[test]
    fn a_strange_name_or_operator_is_named() {
        assert_eq!(Filter::parse("Status=FEIL"), Err(NotAFilter::Name("Status".into())));
        assert_eq!(Filter::parse("status!=FEIL"), Err(NotAFilter::Operator("!=".into())));
        assert_eq!(Filter::parse("x=1").unwrap_err().to_string(), "Unknown filter name: x.");
    }

    #[test]
    fn the_name_of_an_event_is_that_of_its_message_and_status() {
        assert_eq!(noted(Status::Feil).call_id(), "msg_01010101-0101-4101-8101-010101010101_7");
    }
}
