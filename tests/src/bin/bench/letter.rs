//! What is sent: a document of 1 kB, or one with a file.

use std::sync::atomic::{AtomicU64, Ordering};

/// How large a document is, with its header.
pub const BYTES: usize = 1000;
/// What a file upload says of itself.
pub const FILE: &str = "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=brev.pdf\r\n";
/// What a document says of itself.
pub const JSON: &str = "Content-Type: application/json\r\n";

static NEXT: AtomicU64 = AtomicU64::new(1);

/// An id that this process has not used.
pub fn id() -> String {
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // Spread as random ones are: they are keys of tables.
    let spread = next.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-{:04x}-4000-8000-{:012x}", spread >> 32, (spread >> 16) & 0xffff, next)
}

/// A document of [`BYTES`] bytes to this organisation.
pub fn document(id: &str, receiver: &str) -> String {
    let head = format!(
        r#"{{"standardBusinessDocumentHeader":{{"headerVersion":"1.0","sender":[{{"identifier":{{"value":"0192:{}","authority":"iso6523-actorid-upis"}}}}],"receiver":[{{"identifier":{{"value":"0192:{receiver}","authority":"iso6523-actorid-upis"}}}}],"documentIdentification":{{"standard":"urn:no:difi:avtalt:xsd::avtalt","typeVersion":"2.0","type":"avtalt","instanceIdentifier":"{id}"}},"businessScope":{{"scope":[{{"type":"ConversationId","instanceIdentifier":"{id}","identifier":"urn:no:difi:profile:avtalt:avtalt:ver1.0"}}]}}}},"avtalt":{{"identifier":"bench","content":""#,
        crate::point::OWN
    );
    let end = "\"}}";
    let filling = BYTES.saturating_sub(head.len() + end.len());
    format!("{head}{}{end}", "x".repeat(filling))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_document_has_its_size_and_can_be_read_by_the_integration_point() {
        let document = super::document(&super::id(), crate::point::OTHER);
        assert_eq!(document.len(), super::BYTES);
        integrasjonspunkt::sbd::read(document.as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(super::id(), super::id());
    }
}
