//! What is said of signatures that are not as they should be, and when that is refused.

use super::*;
use crate::domain::{Finding, Service};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;

/// The package of the vectors with some of its entries changed, sealed to us.
fn changed(change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    changed_and(&[], change)
}

/// The same, with more entries behind.
fn changed_and(more: &[(&str, &[u8])], change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(ASIC)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let mut entry = from.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let name = entry.name().unwrap().into_owned();
        if let Some(bytes) = change(&name, bytes) {
            to.start_file(&name, SimpleFileOptions::default()).unwrap();
            to.write_all(&bytes).unwrap();
        }
    }
    for (name, bytes) in more {
        to.start_file(*name, SimpleFileOptions::default()).unwrap();
        to.write_all(bytes).unwrap();
    }
    sealed(&to.finish().unwrap().into_inner())
}

/// These bytes, whatever they are, encrypted to us.
pub(super) fn sealed(content: &[u8]) -> Vec<u8> {
    let receiver = crate::sealing::certificate::Certificate::read(&certificate(NEW)).unwrap();
    let mut writer = crate::sealing::envelope::Writer::new(&receiver, Encryption::over(Service::Dpo)).unwrap();
    let mut out = Vec::new();
    writer.write(content, &mut out);
    writer.finish(&mut out);
    out
}

fn sealer_that(authorities: Authorities, refuse: Refuse) -> Sealer {
    let blobs = Arc::new(Memory::default());
    Sealer::new(&keystore(&[NEW]), blobs, Clock::machine(), authorities, refuse).unwrap()
}

fn finding(sealed: &[u8], authorities: Authorities) -> Finding {
    run(open(&sealer_that(authorities, Refuse::default()), sealed, 4096)).unwrap().1.finding
}

fn altered(finding: &Finding) -> &str {
    let Finding::Altered(why) = finding else { panic!("{finding:?}") };
    why
}

#[test]
fn a_signer_is_checked_against_the_authorities_that_are_given() {
    let sealed = changed(|_, bytes| Some(bytes));
    assert_eq!(finding(&sealed, Authorities::default()), Finding::Signed);
    assert_eq!(finding(&sealed, authority()), Finding::Trusted);
    let another = rcgen::generate_simple_self_signed(["authority.example".to_owned()]).unwrap();
    let another = Authorities::of(&[another.cert.der().clone()]).unwrap();
    assert!(matches!(finding(&sealed, another), Finding::Untrusted(_)));
    assert_eq!(Authorities::from_pem(b"").unwrap_err(), "there is no CERTIFICATE section in it");
}

#[test]
fn a_document_that_was_changed_added_or_taken_away_is_named() {
    let of = |sealed: Vec<u8>| finding(&sealed, Authorities::default());
    let other = of(changed(|name, bytes| Some(if name == "arkivmelding.xml" { b"<other/>".to_vec() } else { bytes })));
    assert_eq!(altered(&other), "'arkivmelding.xml' is not as it was signed");
    let less = of(changed(|name, bytes| (name != "blåbær.txt").then_some(bytes)));
    assert_eq!(altered(&less), "'blåbær.txt' was signed and is not there");
    let list = of(changed(|name, mut bytes| {
        if name == "META-INF/ASiCManifest.xml" {
            bytes.push(b'\n');
        }
        Some(bytes)
    }));
    assert_eq!(altered(&list), "the list of files is not the one that was signed");
    let more = of(changed(|name, bytes| Some(if name.ends_with("Manifest.xml") { without(&bytes) } else { bytes })));
    assert!(matches!(more, Finding::Altered(_)));
}

/// The list without its first file.
fn without(manifest: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(manifest).unwrap();
    let begin = text.find("<ns2:DataObject").unwrap();
    let end = text.find("</ns2:DataObjectReference>").unwrap() + "</ns2:DataObjectReference>".len();
    [&text[..begin], &text[end..]].concat().into_bytes()
}

#[test]
fn a_document_beside_the_signed_ones_is_named() {
    let more = changed_and(&[("beside.pdf", b"x")], |_, bytes| Some(bytes));
    assert_eq!(altered(&finding(&more, authority())), "'beside.pdf' is not among the files that were signed");
}

#[test]
fn a_spoilt_signature_does_not_hold_and_a_missing_one_is_told() {
    let spoilt = finding(
        &changed(|name, mut bytes| {
            if name.contains("/signature-") {
                let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
                bytes[last] ^= 1;
            }
            Some(bytes)
        }),
        Authorities::default(),
    );
    assert_eq!(altered(&spoilt), "it was not made with the key of the certificate in it");
    let unsigned = finding(&changed(|name, bytes| (!name.starts_with("META-INF/")).then_some(bytes)), authority());
    assert_eq!(unsigned, Finding::Unsigned);
    let missing = finding(&changed(|name, bytes| (!name.contains("/signature-")).then_some(bytes)), authority());
    assert_eq!(altered(&missing), "the signature that it names is not in it");
}

#[test]
fn what_the_settings_refuse_is_refused_and_nothing_else() {
    let weak = changed(|_, bytes| Some(bytes));
    let unsigned = changed(|name, bytes| (!name.starts_with("META-INF/")).then_some(bytes));
    let taken = |refuse: Refuse, sealed: &[u8]| run(open(&sealer_that(authority(), refuse), sealed, 4096));
    let refuse_weak = Refuse { weak: true, ..Refuse::default() };
    assert!(
        matches!(taken(refuse_weak, &weak), Err(SealError::Refused(verdict)) if verdict.finding == Finding::Trusted)
    );
    assert!(taken(refuse_weak, &unsigned).is_ok());
    let refuse_unsigned = Refuse { unsigned: true, ..Refuse::default() };
    assert!(taken(refuse_unsigned, &weak).is_ok());
    let refused = taken(refuse_unsigned, &unsigned).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "open a package: the settings refuse it (integrasjonspunkt.sealing.refuse): not signed"
    );
}
