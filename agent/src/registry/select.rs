//! Which of several records counts, and which answers belong to what was asked. Pure.

use crate::ports::{Asked, Entry, Record};

/// The first that takes this document type.
pub(super) fn by_document_type<'a>(records: &'a [Record], standard: &str) -> Option<&'a Record> {
    records.iter().find(|record| record.document_types.iter().any(|taken| taken == standard))
}

/// Whether a signed answer is one to what was asked. It has no time and no question in it: one for somebody else, signed as
/// rightly, could come in its place.
pub(super) fn belongs(asked: &str, answered: &str) -> bool {
    let is_number = |text: &str| matches!(text.len(), 9 | 11) && text.bytes().all(|byte| byte.is_ascii_digit());
    // For a general practitioner the registry answers with the practitioner.
    !is_number(asked) || answered == asked
}

/// Without records of another process than was asked for.
pub(super) fn of_process(mut entry: Entry, asked: &Asked) -> Entry {
    if let Some(process) = &asked.process {
        entry.records.retain(|record| record.process.is_empty() || record.process == *process);
    }
    entry
}
