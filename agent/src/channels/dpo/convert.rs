//! What a message is on its way over the broker. Pure.

use crate::domain::{Envelope, Kind, Participant, Party};
use crate::ports::SystemUser;

/// A name that an organisation gives to one of its integration points has at most so many letters; a UUID has more.
const LONGEST_CHANNEL: usize = 25;

/// The organisation as Altinn names it, `0192:910077473`; on whose behalf it acts does not show.
pub(super) fn organisation(who: &Participant) -> Option<String> {
    match who {
        Participant::Organisation { icd, number, .. } => Some(format!("{icd}:{number}")),
        Participant::Person(_) | Participant::FiksIo(_) | Participant::Nhn(_) => None,
    }
}

/// The envelope as it is sent: whoever acts for another organisation sends as that one.
pub(super) fn transmitted(envelope: &Envelope) -> Envelope {
    let mut envelope = envelope.clone();
    if let Some(Party { participant: who @ Participant::Organisation { part: Some(_), .. }, .. }) = &mut envelope.sender
    {
        *who = Participant::organisation(who.part_or_primary());
    }
    envelope
}

/// The system user of this organisation.
pub(super) fn user_of<'a>(users: &'a [SystemUser], organisation: &str) -> Option<&'a SystemUser> {
    users.iter().find(|user| user.org_id == organisation)
}

/// What we call the transfer: the name of the integration point that is to get a status or receipt, where that is another
/// one than ours; else something that nobody else has.
pub(super) fn reference<'a>(envelope: &'a Envelope, own_channel: Option<&str>, unique: &'a str) -> &'a str {
    let kind = envelope.document.kind;
    let answers = kind == Kind::Status || kind.is_receipt();
    let theirs = envelope.message_channel().filter(|name| answers && !name.is_empty() && Some(*name) != own_channel);
    theirs.unwrap_or(unique)
}

/// Whether a transfer of this reference is for us: with a channel of our own what carries its name, without one what
/// carries nobody's.
pub(super) fn is_ours(reference: Option<&str>, own_channel: Option<&str>) -> bool {
    match own_channel {
        Some(own) => reference == Some(own),
        None => reference.is_none_or(|reference| !is_channel(reference)),
    }
}

fn is_channel(reference: &str) -> bool {
    let may_be = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
    reference.len() <= LONGEST_CHANNEL && reference.bytes().all(may_be)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Scope, ScopeType};

    fn envelope(kind: Kind, sender: &str, channel: Option<&str>) -> Envelope {
        let text = include_bytes!("../../../tests/fixtures/arkivmelding.json");
        let mut envelope = crate::sbd::read_foreign(text).unwrap();
        envelope.document.kind = kind;
        envelope.sender = Participant::parse(sender, "iso6523-actorid-upis").ok().map(Into::into);
        envelope.scopes.extend(channel.map(|name| Scope {
            scope_type: ScopeType::MessageChannel,
            instance: None,
            identifier: Some(name.to_owned()),
            information: Vec::new(),
        }));
        envelope
    }

    #[test]
    fn who_acts_for_another_sends_as_that_one() {
        let sender =
            |text: &str| transmitted(&envelope(Kind::Arkivmelding, text, None)).sender().map(Participant::text);
        assert_eq!(sender("0192:910077473:991825827").as_deref(), Some("0192:991825827"));
        assert_eq!(sender("0192:910077473").as_deref(), Some("0192:910077473"));
    }

    #[test]
    fn a_status_or_receipt_goes_back_to_the_channel_that_its_message_came_from() {
        let named = |kind, channel, own| {
            let envelope = envelope(kind, "0192:910077473", channel);
            reference(&envelope, own, "unique").to_owned()
        };
        assert_eq!(named(Kind::Status, Some("archive"), None), "archive");
        assert_eq!(named(Kind::ArkivmeldingKvittering, Some("archive"), Some("other")), "archive");
        // A message of a case system carries the name of its own channel.
        assert_eq!(named(Kind::Arkivmelding, Some("archive"), None), "unique");
        assert_eq!(named(Kind::Status, Some("archive"), Some("archive")), "unique");
        assert_eq!(named(Kind::Status, None, None), "unique");
    }

    #[test]
    fn what_carries_a_channels_name_is_for_that_channel_alone() {
        let uuid = Some("19efbd4c-413d-4e2c-bbc5-257ef4a65b38");
        for (reference, own, ours) in [
            (uuid, None, true),
            (None, None, true),
            (Some("archive"), None, false),
            (Some(""), None, false),
            (Some("with a blank"), None, true),
            (Some("archive"), Some("archive"), true),
            (Some("other"), Some("archive"), false),
            (uuid, Some("archive"), false),
            (None, Some("archive"), false),
        ] {
            assert_eq!(is_ours(reference, own), ours, "{reference:?} at {own:?}");
        }
    }
}
