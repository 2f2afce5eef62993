//! Writes the container: the entries in the order that is asked for, digests while they pass, the signature at the end.

use super::keys::Own;
use super::manifests::{self, Listed};
use super::names::{self, ASIC_E, MANIFEST, META_INF, MIMETYPE};
use super::signature;
use super::zip_writer;
use crate::ports::{Parties, SealError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::digest::{Context, SHA256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A container that is being written.
pub(super) struct Writer {
    zip: zip_writer::Writer,
    own: Arc<[Own]>,
    now: Timestamp,
    signature_name: String,
    listed: Vec<Listed>,
    names: BTreeSet<String>,
    digest: Context,
}

/// What is known of a document before its bytes come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) mime_type: String,
}

impl Writer {
    /// Signed with the first of our keys. `uuid` names the signature.
    pub(super) fn new(own: Arc<[Own]>, now: Timestamp, uuid: &str) -> Self {
        Self {
            zip: zip_writer::Writer::new(now.to_zoned(TimeZone::UTC).datetime()),
            own,
            now,
            signature_name: manifests::signature_name(uuid),
            listed: Vec::new(),
            names: BTreeSet::from([MIMETYPE.to_owned()]),
            digest: Context::new(&SHA256),
        }
    }

    /// What stands before the documents.
    pub(super) fn begin(
        &mut self,
        parties: Option<&Parties>,
        first: Option<&Document>,
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        self.zip.store(MIMETYPE, &said_of_type(), ASIC_E.as_bytes(), out)?;
        let Some(parties) = parties else { return Ok(()) };
        let first = first.map(|first| (first.name.as_str(), first.mime_type.as_str()));
        let manifest = manifests::eformidling(parties, first);
        self.begin_document(&Document { name: MANIFEST.into(), mime_type: "application/xml".into() }, out)?;
        self.write(manifest.as_bytes(), out)?;
        self.end_document(out)
    }

    pub(super) fn begin_document(&mut self, document: &Document, out: &mut Vec<u8>) -> Result<(), SealError> {
        let name = &document.name;
        let cannot = |why: &str| SealError::File { name: name.clone(), why: why.to_owned() };
        names::check(name).map_err(cannot)?;
        if names::is_meta(name) {
            return Err(cannot("names below META-INF/ belong to the package itself"));
        }
        if name.ends_with('/') {
            return Err(cannot("its name is that of a folder"));
        }
        if !self.names.insert(name.clone()) {
            return Err(cannot("the package has a file of this name"));
        }
        self.zip.begin(name, out)?;
        self.digest = Context::new(&SHA256);
        self.listed.push(Listed { name: name.clone(), mime_type: document.mime_type.clone(), digest: Vec::new() });
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.digest.update(bytes);
        self.zip.write(bytes, out)
    }

    pub(super) fn end_document(&mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        let digest = std::mem::replace(&mut self.digest, Context::new(&SHA256)).finish();
        if let Some(listed) = self.listed.last_mut() {
            listed.digest = digest.as_ref().to_vec();
        }
        self.zip.end(out)
    }

    /// Signs, and ends.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        let none = || SealError::OwnKey { alias: "of this site".into(), why: "there is none to sign with".into() };
        let own = self.own.first().ok_or_else(none)?;
        let manifest = manifests::asic(&self.signature_name, &self.listed);
        let signature = signature::sign(own, manifest.as_bytes(), self.now)?;
        let open_document = manifests::open_document(&self.listed);
        self.zip.store(&format!("{META_INF}ASiCManifest.xml"), "", manifest.as_bytes(), out)?;
        self.zip.store(&self.signature_name, "", &signature, out)?;
        self.zip.store(&format!("{META_INF}manifest.xml"), "", open_document.as_bytes(), out)?;
        self.zip.finish(&said_of_type(), out)
    }

    /// Ends without a signature.
    pub(super) fn finish_unsigned(mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        let open_document = manifests::open_document(&self.listed);
        self.zip.store(&format!("{META_INF}manifest.xml"), "", open_document.as_bytes(), out)?;
        self.zip.finish(&said_of_type(), out)
    }
}

fn said_of_type() -> String {
    format!("mimetype={ASIC_E}")
}
