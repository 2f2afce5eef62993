//! Reads `META-INF/ASiCManifest.xml` of others: which signature, which files, which digests. The namespaces differ from one
//! version of the standard to the next, so only the names count.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, ParsingOptions};

const MOST_NODES: u32 = 200_000;
/// Where the signature lies when nothing is said.
const DEFAULT_SIGNATURE: &str = "META-INF/signature.p7s";

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AsicManifest {
    pub(super) signature: String,
    pub(super) files: Vec<Signed>,
}

/// A file that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) name: String,
    /// The algorithm, as a URI.
    pub(super) algorithm: String,
    pub(super) digest: Vec<u8>,
}

impl Signed {
    /// SHA-256 has had a name in each of two standards.
    pub(super) fn is_sha256(&self) -> bool {
        self.algorithm.ends_with("#sha256")
    }
}

/// Reads it; why not is for people.
pub(super) fn read(bytes: &[u8]) -> Result<AsicManifest, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "ASiCManifest.xml is not UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|_| "ASiCManifest.xml is no XML")?;
    let root = document.root_element();
    if root.tag_name().name() != "ASiCManifest" {
        return Err("ASiCManifest.xml has another root".into());
    }
    let named = |node: &Node<'_, '_>, name: &str| node.is_element() && node.tag_name().name() == name;
    let signature = root.children().find(|node| named(node, "SigReference"));
    let signature = signature.and_then(|node| node.attribute("URI")).unwrap_or(DEFAULT_SIGNATURE).to_owned();
    let mut files = Vec::new();
    for reference in root.children().filter(|node| named(node, "DataObjectReference")) {
        let name = reference.attribute("URI").ok_or("ASiCManifest.xml names a file without a name")?;
        let child = |name: &str| reference.children().find(|node| named(node, name));
        let algorithm = child("DigestMethod").and_then(|node| node.attribute("Algorithm")).unwrap_or_default();
        let digest: String =
            child("DigestValue").and_then(|node| node.text()).unwrap_or_default().split_whitespace().collect();
        let digest = STANDARD.decode(digest).map_err(|_| "ASiCManifest.xml has a digest that is no base64")?;
        files.push(Signed { name: name.to_owned(), algorithm: algorithm.to_owned(), digest });
    }
    Ok(AsicManifest { signature, files })
}

/// `%20` is a space; what is no such thing stays.
pub(super) fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}
