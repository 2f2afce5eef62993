//! Where bytes from outside come in: each reader of them as a function from bytes, for `fuzz/` and `tests/garbage.rs`.
//!
//! A reader may refuse anything, in words; it may not panic, nor take more time or memory than its input is worth. What it
//! takes it can write again. The program calls none of these.

use crate::{api, config, flow, sbd};
use efm::properties::Properties;
use jiff::Timestamp;

/// A reader.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As its target in `fuzz/` is called.
    pub name: &'static str,
    /// Reads, and says whether it was something.
    pub read: fn(&[u8]) -> bool,
}

/// All of them.
pub const ALL: [Entry; 6] = [
    Entry { name: "sbd", read: document },
    Entry { name: "properties", read: properties },
    Entry { name: "yaml", read: config::reads_yaml },
    Entry { name: "settings", read: config::reads_settings },
    Entry { name: "arkivmelding", read: flow::reads_arkivmelding },
    Entry { name: "upload", read: api::reads_upload },
];

/// Reads with the entry of this name; none of them has another.
pub fn read(name: &str, bytes: &[u8]) -> bool {
    ALL.iter().find(|entry| entry.name == name).is_some_and(|entry| (entry.read)(bytes))
}

/// A Standard Business Document, of a client and of another integration point.
fn document(bytes: &[u8]) -> bool {
    let now = Timestamp::UNIX_EPOCH;
    let (ours, foreign) = (sbd::read(bytes, now), sbd::read_foreign(bytes));
    for envelope in ours.iter().chain(&foreign) {
        // The store keeps it written: what cannot be read again is lost.
        let again = sbd::write(envelope).ok().and_then(|text| sbd::read_foreign(text.get().as_bytes()).ok());
        assert!(again.is_some(), "what was read cannot be written and read again");
    }
    ours.is_ok()
}

fn properties(bytes: &[u8]) -> bool {
    Properties::read(bytes).malformed.is_empty()
}
