//! Where bytes from outside come in: each reader of them as a function from bytes, for `fuzz/` and `tests/garbage.rs`.
//!
//! A reader may refuse anything, in words; it may not panic, nor take more time or memory than its input is worth. What it
//! takes it can write again. The program calls none of these.

use crate::keystore::{self, Kind};
use crate::{api, config, flow, sbd, sealing};
use efm::properties::Properties;
use jiff::Timestamp;

/// A reader.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As its target in `fuzz/` is called.
    pub name: &'static str,
    /// Where there is more that it takes besides `fuzz/seeds/<name>`: a folder of the project, and the ending of its files.
    pub also: Option<(&'static str, &'static str)>,
    /// Reads, and says whether it was something.
    pub read: fn(&[u8]) -> bool,
}

const KEYSTORES: &str = "agent/src/keystore/vectors";
const SEALED: &str = "agent/tests/fixtures/sealing";

/// All of them.
pub const ALL: [Entry; 14] = [
    Entry { name: "sbd", also: Some(("agent/tests/fixtures", "json")), read: document },
    Entry { name: "properties", also: Some(("config/samples/kosmos-today", "properties")), read: properties },
    Entry { name: "yaml", also: None, read: config::reads_yaml },
    Entry { name: "settings", also: None, read: config::reads_settings },
    Entry { name: "arkivmelding", also: Some(("agent/tests/fixtures", "xml")), read: flow::reads_arkivmelding },
    Entry { name: "upload", also: None, read: api::reads_upload },
    Entry { name: "pkcs12", also: Some((KEYSTORES, "p12")), read: |bytes| keys(bytes, Kind::Pkcs12) },
    Entry { name: "jks", also: Some((KEYSTORES, "jks")), read: |bytes| keys(bytes, Kind::Jks) },
    Entry { name: "pem", also: Some((KEYSTORES, "pem")), read: |bytes| keys(bytes, Kind::Pem) },
    Entry { name: "asic", also: Some((SEALED, "zip")), read: sealing::reads_asic },
    Entry { name: "cms", also: Some((SEALED, "cms")), read: sealing::reads_cms },
    Entry { name: "signature", also: None, read: sealing::reads_signature },
    Entry { name: "asic_manifest", also: None, read: sealing::reads_asic_manifest },
    Entry { name: "certificate", also: None, read: sealing::reads_certificate },
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

/// With the password of the seeds.
fn keys(bytes: &[u8], kind: Kind) -> bool {
    let _ = Kind::of(bytes);
    let Ok(found) = keystore::read(bytes, "changeit", kind) else { return false };
    for entry in &found.keystore.entries {
        let _ = entry.certificate();
    }
    !found.keystore.entries.is_empty()
}
