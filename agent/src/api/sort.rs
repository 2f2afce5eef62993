//! `sort=<property>[,<property>…][,asc|desc]`, any number of times, as Spring Data reads it.

use super::problem::Problem;
use crate::ports::{ConversationProperty as C, MessageProperty as M, Order, StatusProperty as S};

/// What each list can be ordered by.
const CONVERSATIONS: &[(&str, C)] = &[
    ("id", C::Id),
    ("conversationId", C::ConversationId),
    ("messageId", C::MessageId),
    ("sender", C::Sender),
    ("senderIdentifier", C::SenderIdentifier),
    ("receiver", C::Receiver),
    ("receiverIdentifier", C::ReceiverIdentifier),
    ("processIdentifier", C::ProcessIdentifier),
    ("documentIdentifier", C::DocumentIdentifier),
    ("messageReference", C::MessageReference),
    ("messageTitle", C::MessageTitle),
    ("lastUpdate", C::LastUpdate),
    ("pollable", C::Pollable),
    ("finished", C::Finished),
    ("expiry", C::Expiry),
    ("direction", C::Direction),
    ("serviceIdentifier", C::ServiceIdentifier),
    ("externalSystemReference", C::ExternalSystemReference),
];

/// The conversation's members also by the path that they have in the Java one.
const STATUSES: &[(&str, S)] = &[
    ("id", S::Id),
    ("lastUpdate", S::LastUpdate),
    ("status", S::Status),
    ("description", S::Description),
    ("convId", S::ConversationNumber),
    ("conversation.id", S::ConversationNumber),
    ("conversationId", S::ConversationId),
    ("conversation.conversationId", S::ConversationId),
    ("messageId", S::MessageId),
    ("conversation.messageId", S::MessageId),
];

const MESSAGES: &[(&str, M)] = &[
    ("id", M::Id),
    ("conversationId", M::ConversationId),
    ("messageId", M::MessageId),
    ("processIdentifier", M::ProcessIdentifier),
    ("receiverIdentifier", M::ReceiverIdentifier),
    ("senderIdentifier", M::SenderIdentifier),
    ("serviceIdentifier", M::ServiceIdentifier),
    ("lastUpdated", M::LastUpdated),
];

pub(super) fn conversations(asked: &[String]) -> Result<Vec<Order<C>>, Problem> {
    read(asked, "Conversation", CONVERSATIONS)
}

pub(super) fn statuses(asked: &[String]) -> Result<Vec<Order<S>>, Problem> {
    read(asked, "MessageStatus", STATUSES)
}

pub(super) fn messages(asked: &[String]) -> Result<Vec<Order<M>>, Problem> {
    read(asked, "NextMoveMessage", MESSAGES)
}

/// Whether there is anything in it.
pub(super) fn is_asked(asked: &[String]) -> bool {
    asked.iter().any(|one| !split(one).0.is_empty())
}

/// The properties, and whether the largest comes first.
fn split(one: &str) -> (Vec<&str>, bool) {
    let mut parts: Vec<&str> = one.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let last_is = |parts: &[&str], word: &str| parts.last().is_some_and(|last| last.eq_ignore_ascii_case(word));
    if last_is(&parts, "ignorecase") {
        parts.pop();
    }
    let is_descending = last_is(&parts, "desc");
    if is_descending || last_is(&parts, "asc") {
        parts.pop();
    }
    (parts, is_descending)
}

/// A property that comes a second time changes nothing any more.
fn read<P: Copy + PartialEq>(
    asked: &[String],
    of: &'static str,
    known: &'static [(&'static str, P)],
) -> Result<Vec<Order<P>>, Problem> {
    let mut orders: Vec<Order<P>> = Vec::new();
    for one in asked {
        let (names, is_descending) = split(one);
        for name in names {
            let found = known.iter().find(|(known, _)| *known == name).map(|(_, by)| *by);
            let by = found.ok_or_else(|| {
                let right = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                Problem::NoProperty { name: name.to_owned(), of, right }
            })?;
            if !orders.iter().any(|order| order.by == by) {
                orders.push(Order { by, is_descending });
            }
        }
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &[&str]) -> Vec<Order<S>> {
        statuses(&asked.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn orders_are_read_as_spring_reads_them() {
        assert_eq!(of(&[]), []);
        assert_eq!(of(&["", ",", "asc", ",desc"]), []);
        assert_eq!(of(&["status"]), [Order::up(S::Status)]);
        assert_eq!(of(&["status,DESC"]), [Order::down(S::Status)]);
        assert_eq!(
            of(&["status,id,desc", "lastUpdate,asc,ignorecase"]),
            [Order::down(S::Status), Order::down(S::Id), Order::up(S::LastUpdate)]
        );
        assert_eq!(of(&["status,desc", "status,asc"]), [Order::down(S::Status)], "the first one counts");
        assert!(!is_asked(&[",asc".to_owned()]) && is_asked(&["id".to_owned()]));
        assert!(matches!(statuses(&["rawReceipt".to_owned()]), Err(Problem::NoProperty { .. })));
    }
}
