//! `arkivmelding.xml`: which files it names, and what the message is about.

use roxmltree::{Document, Node};

/// What the house needs to know of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arkivmelding {
    /// `referanseDokumentfil`, in the order of `dokumentnummer`.
    pub files: Vec<String>,
    /// `offentligTittel` of the journalpost.
    pub title: Option<String>,
    /// `systemID` of the saksmappe, and the number of the journalpost.
    pub reference: Option<String>,
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnArkivmelding {
    /// Not XML, or another document.
    #[error("it is no arkivmelding: {0}")]
    Unreadable(String),
    /// There is no `mappe` that is a saksmappe.
    #[error("it has no saksmappe")]
    NoSaksmappe,
    /// The saksmappe has no journalpost.
    #[error("its saksmappe has no journalpost")]
    NoJournalpost,
}

impl Arkivmelding {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAnArkivmelding> {
        let unreadable = |why: String| NotAnArkivmelding::Unreadable(why);
        let text = std::str::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}');
        let document = Document::parse(text).map_err(|error| unreadable(error.to_string()))?;
        let root = document.root_element();
        if root.tag_name().name() != "arkivmelding" {
            return Err(unreadable("its root is another".into()));
        }
        let saksmappe = of_type(root, &["mappe"], "saksmappe").ok_or(NotAnArkivmelding::NoSaksmappe)?;
        let journalpost = of_type(saksmappe, &["basisregistrering", "registrering"], "journalpost");
        let journalpost = journalpost.ok_or(NotAnArkivmelding::NoJournalpost)?;
        let number = child(journalpost, "journalpostnummer").filter(|number| !number.is_empty());
        let folder = child(saksmappe, "systemID").unwrap_or_default();
        Ok(Self {
            files: files(journalpost),
            title: child(journalpost, "offentligTittel"),
            reference: number.map(|number| format!("{folder}-{number}")),
        })
    }
}

/// Whether it is a document of XML at all.
pub fn is_xml(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| Document::parse(text.trim_start_matches('\u{feff}')).is_ok())
}

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The first child of one of these names whose `xsi:type` is this, with whatever prefix.
fn of_type<'a, 'i>(parent: Node<'a, 'i>, names: &[&str], wanted: &str) -> Option<Node<'a, 'i>> {
    parent.children().find(|node| {
        let given = node.attribute((XSI, "type")).unwrap_or_default();
        names.contains(&node.tag_name().name()) && given.rsplit(':').next() == Some(wanted)
    })
}

fn child(parent: Node<'_, '_>, name: &str) -> Option<String> {
    let found = parent.children().find(|node| node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim().to_owned())
}

fn files(journalpost: Node<'_, '_>) -> Vec<String> {
    let mut documents: Vec<_> =
        journalpost.children().filter(|node| node.tag_name().name() == "dokumentbeskrivelse").collect();
    let number = |node: &Node<'_, '_>| child(*node, "dokumentnummer").and_then(|number| number.parse::<i64>().ok());
    documents.sort_by_key(|node| number(node).unwrap_or(i64::MAX));
    let objects = documents.iter().flat_map(Node::children);
    let objects = objects.filter(|node| node.tag_name().name() == "dokumentobjekt");
    objects.filter_map(|node| child(node, "referanseDokumentfil")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = include_str!("../../tests/fixtures/arkivmelding.xml");

    #[test]
    fn files_title_and_reference_are_found() {
        let read = Arkivmelding::read(WHOLE.as_bytes()).unwrap();
        assert_eq!(read.files, ["brev.pdf", "vedlegg.pdf"]);
        assert_eq!(read.title.as_deref(), Some("Svar på søknad"));
        assert_eq!(read.reference.as_deref(), Some("4043f2a0-26dc-4f3b-8a36-1f0c4a2f5d11-7"));
    }

    #[test]
    fn what_is_none_is_told() {
        assert!(matches!(Arkivmelding::read(b"x"), Err(NotAnArkivmelding::Unreadable(_))));
        assert!(matches!(Arkivmelding::read(b"<x/>"), Err(NotAnArkivmelding::Unreadable(_))));
        assert_eq!(Arkivmelding::read(b"<arkivmelding/>"), Err(NotAnArkivmelding::NoSaksmappe));
        let other = WHOLE.replace("xsi:type=\"journalpost\"", "xsi:type=\"moete\"");
        assert_eq!(Arkivmelding::read(other.as_bytes()), Err(NotAnArkivmelding::NoJournalpost));
        let bomb = b"<!DOCTYPE a [<!ENTITY b \"c\">]><arkivmelding/>";
        assert!(matches!(Arkivmelding::read(bomb), Err(NotAnArkivmelding::Unreadable(_))));
    }
}
