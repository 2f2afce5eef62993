//! The three manifests of a package, as we write them. How others' are read is in [`super::asic_manifest`].

use super::names::{ASIC_E, META_INF};
use crate::ports::Parties;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// A file in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) mime_type: String,
    /// SHA-256.
    pub(super) digest: Vec<u8>,
}

/// `manifest.xml`: from whom, to whom, and which document is the first.
pub(super) fn eformidling(parties: &Parties, first: Option<(&str, &str)>) -> String {
    let (sender, receiver) = (escaped(&parties.sender), escaped(&parties.receiver));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<manifest>\n    \
         <mottaker><organisasjon authority=\"iso6523-actorid-upis\">{receiver}</organisasjon></mottaker>\n    \
         <avsender><organisasjon authority=\"iso6523-actorid-upis\">{sender}</organisasjon></avsender>\n"
    );
    if let Some((name, mime_type)) = first {
        let (name, mime_type) = (escaped(name), escaped(mime_type));
        let _ = writeln!(
            xml,
            "    <hoveddokument href=\"{name}\" mime=\"{mime_type}\"><tittel lang=\"no\">Hoveddokument</tittel></hoveddokument>"
        );
    }
    xml.push_str("</manifest>\n");
    xml
}

/// `META-INF/ASiCManifest.xml`: what is signed.
pub(super) fn asic(signature: &str, files: &[Listed]) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
         <ns2:ASiCManifest xmlns=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:ns2=\"http://uri.etsi.org/02918/v1.2.1#\">\n  \
         <ns2:SigReference URI=\"{}\" MimeType=\"application/x-pkcs7-signature\"/>\n",
        escaped(signature)
    );
    for file in files {
        let _ = write!(
            xml,
            "  <ns2:DataObjectReference URI=\"{}\" MimeType=\"{}\">\n    \
             <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n    \
             <DigestValue>{}</DigestValue>\n  </ns2:DataObjectReference>\n",
            escaped(&file.name),
            escaped(&file.mime_type),
            STANDARD.encode(&file.digest)
        );
    }
    xml.push_str("</ns2:ASiCManifest>\n");
    xml
}

/// `META-INF/manifest.xml`: what there is, for `OpenDocument`.
pub(super) fn open_document(files: &[Listed]) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
         <manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\">\n",
    );
    let all = files.iter().map(|file| (file.mime_type.as_str(), file.name.as_str()));
    for (mime_type, name) in std::iter::once((ASIC_E, "/")).chain(all) {
        let _ = writeln!(
            xml,
            "  <manifest:file-entry manifest:media-type=\"{}\" manifest:full-path=\"{}\"/>",
            escaped(mime_type),
            escaped(name)
        );
    }
    xml.push_str("</manifest:manifest>\n");
    xml
}

/// Where the signature lies.
pub(super) fn signature_name(uuid: &str) -> String {
    format!("{META_INF}signature-{uuid}.p7s")
}

/// In text and in attributes. What XML cannot hold at all becomes a question mark: a name like that was refused before.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => safe.push('?'),
            letter => safe.push(letter),
        }
    }
    safe
}
