//! The stream of statuses: a line of the logger `STATUS` for each status that was noted, after it is on the disk. Statistics and
//! tracing live off these lines, so their words and the names of their fields are those of the Java one; but what may be a
//! person's number is not hashed, it is left out: a hash of eleven digits is soon turned back.

use crate::domain::{Conversation, NewStatus};
use std::cell::RefCell;

/// A status that was noted in an act that is not over yet.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) conversation: Conversation,
    pub(super) status: NewStatus,
}

impl Noted {
    /// Writes its line.
    pub(super) fn tell(&self) {
        let (about, status) = (&self.conversation, self.status.status.name());
        tracing::info!(
            target: "STATUS",
            correlation_id = about.message_id.as_str(),
            conversation_id = about.conversation_id.as_str(),
            message_id = about.message_id.as_str(),
            sender = about.sender,
            receiver = about.receiver,
            sender_org_number = about.sender_identifier,
            receiver_org_number = about.receiver_identifier,
            process_identifier = about.process,
            document_identifier = about.document_type,
            service_identifier = about.service.name(),
            direction = about.direction.name(),
            status,
            description = self.status.description.as_deref(),
            "Message [id={}] updated with status \"{status}\"",
            about.message_id
        );
    }
}

thread_local! {
    /// What was noted in the act that this thread is at.
    static NOTED: RefCell<Vec<Noted>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a line until the act of this thread is over.
pub(super) fn keep(noted: Noted) {
    NOTED.with(|all| all.borrow_mut().push(noted));
}

/// How many lines are kept.
pub(super) fn kept() -> usize {
    NOTED.with(|all| all.borrow().len())
}

/// Forgets the lines beyond these: their part of the act was undone.
pub(super) fn back_to(kept: usize) {
    NOTED.with(|all| all.borrow_mut().truncate(kept));
}

/// The act is on the disk: writes its lines.
pub(super) fn tell_all() {
    let noted = NOTED.with(|all| std::mem::take(&mut *all.borrow_mut()));
    noted.iter().for_each(Noted::tell);
}
