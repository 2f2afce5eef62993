//! Hostile packages, one by one: each has one clear reason, none takes much, none brings anything down.

use super::verdicts::sealed;
use super::*;
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

const TYPE: &[u8] = b"application/vnd.etsi.asic-e+zip";

/// What is told of a package that holds this.
fn told(content: &[u8]) -> String {
    run(open(&sealer(&[NEW]), &sealed(content), 4096)).unwrap_err().to_string()
}

/// A zip of these entries, the type first. Names are written as they are.
fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("mimetype", TYPE)].iter().chain(entries) {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same with a name of the same length put in the place of another, which no writer would write.
fn renamed(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    replaced(&zip_of(&[(from, b"x"), ("b.txt", b"y")]), from.as_bytes(), to.as_bytes())
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut all = bytes.to_vec();
    for at in 0..all.len() - from.len() {
        if &all[at..at + from.len()] == from {
            all[at..at + from.len()].copy_from_slice(to);
        }
    }
    all
}

#[test]
fn names_that_lead_elsewhere_or_come_twice_are_named() {
    let entry = |name: &str, why: &str| format!("open a package: its entry '{name}' may not be unpacked: {why}");
    assert_eq!(told(&renamed("aa/b", "../b")), entry("../b", "its name leads out of its folder"));
    assert_eq!(told(&renamed("a/bb", "/abb")), entry("/abb", "its name is an absolute path"));
    assert_eq!(told(&renamed("aabc", "C:bc")), entry("C:bc", "its name is an absolute path"));
    assert_eq!(told(&renamed("aabc", "..\\c")), entry("..\\c", "its name has a backslash"));
    assert_eq!(told(&renamed("aabc", "a\0bc")), entry("a?bc", "its name has a control character"));
    assert_eq!(told(&renamed("a.txt", "b.txt")), "open a package: its entry 'b.txt' comes twice");
    assert_eq!(told(&renamed("mimetypf", "mimetype")), "open a package: its entry 'mimetype' comes twice");
    let meta = zip_of(&[("META-INF/run.exe", b"x")]);
    assert_eq!(
        told(&meta),
        "open a package: its entry 'META-INF/run.exe' lies below META-INF/, where it does not belong"
    );
}

#[test]
fn a_zip_bomb_ends_long_before_it_has_gone_off() {
    let bomb = zip_of(&[("bomb", &vec![0; 300 << 20])]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(told(&bomb), "open a package: it unpacks to more than 200 times its size, as a zip bomb does");
    let signature = zip_of(&[("META-INF/signature-1.p7s", &vec![0; 3 << 20])]);
    assert_eq!(told(&signature), "open a package: its entry 'META-INF/signature-1.p7s' is larger than any signature");
}

#[test]
fn more_entries_than_anybody_sends_are_refused() {
    let names: Vec<String> = (0..10_001).map(|number| format!("{number}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(told(&zip_of(&entries)), "open a package: it has more than 10000 entries");
}

#[test]
fn a_list_that_does_not_say_what_came_is_refused() {
    let good = zip_of(&[("a.txt", b"aaaa"), ("b.txt", b"b")]);
    // The last time that a name stands there is in the list.
    let at = good.windows(5).rposition(|five| five == b"a.txt").unwrap();
    let mut other = good.clone();
    other[at] = b'c';
    assert_eq!(told(&other), "open a package: the list at its end does not name 'a.txt' as it came");
    let cut = &good[..good.len() - 5];
    assert_eq!(told(cut), "open a package: its end is not that of a zip: it ends too early");
    let more = [&good[..], b"more"].concat();
    assert_eq!(told(&more), "open a package: its end is not that of a zip: 4 bytes follow");
    let in_the_middle = &good[..good.windows(5).position(|five| five == b"b.txt").unwrap() + 5];
    assert!(told(in_the_middle).starts_with("open a package: its container ends in the middle of"));
}

#[test]
fn what_is_no_asic_container_is_told() {
    let no_type = replaced(&zip_of(&[]), b"mimetype", b"mimetypo");
    assert_eq!(
        told(&no_type),
        "open a package: its first entry is 'mimetypo', and that of an ASiC container is 'mimetype'"
    );
    let mut other = zip::ZipWriter::new(Cursor::new(Vec::new()));
    other.start_file("mimetype", SimpleFileOptions::default()).unwrap();
    other.write_all(b"application/epub+zip").unwrap();
    let other = other.finish().unwrap().into_inner();
    assert_eq!(told(&other), "open a package: its 'mimetype' is not that of an ASiC container");
}

const NO_PACKAGE: &str =
    "open a package: what our key key-1 makes of it is no package: sealed otherwise, or damaged on its way";

#[test]
fn a_key_that_does_not_fit_padding_that_is_wrong_and_garbage_inside_are_told_in_the_same_words() {
    assert_eq!(told(b"garbage"), NO_PACKAGE);
    assert_eq!(told(b""), NO_PACKAGE);
    assert_eq!(told(&vec![b'P'; 100_000]), NO_PACKAGE);
    let mut sealed = sealed(ASIC);
    let key = sealed.windows(4).position(|four| four == [0x04, 0x82, 0x01, 0x00]).unwrap() + 100;
    sealed[key] ^= 1;
    assert_eq!(run(open(&sealer(&[NEW]), &sealed, 4096)).unwrap_err().to_string(), NO_PACKAGE);
}

#[test]
fn what_is_not_for_us_names_for_whom_it_is_and_that_may_be_told() {
    let sealed = include_bytes!("../../../tests/fixtures/sealing/openssl-to-stranger.cms");
    let error = run(open(&sealer(&[OLD, NEW]), sealed, 4096)).unwrap_err();
    assert!(error.may_be_told_to_the_sender() && !error.may_pass());
    let told = error.to_string();
    let serial = crate::sealing::certificate::Certificate::read(&certificate(STRANGER)).unwrap().signer().serial;
    let begin =
        format!("open a package: it is encrypted to certificate {serial} of CN=Test authority, O=Test AS, C=NO");
    assert!(told.starts_with(&begin), "{told}");
    assert!(run(open(&sealer(&[STRANGER]), sealed, 4096)).is_ok());
}

#[test]
fn what_is_not_sealed_at_all_is_told() {
    let told = |bytes: &[u8]| run(open(&sealer(&[NEW]), bytes, 4096)).unwrap_err().to_string();
    assert_eq!(told(b""), "open a package: it was cut off after 0 bytes");
    assert_eq!(told(ASIC), "open a package: it is no encrypted CMS message: it begins with no sequence");
    assert_eq!(
        told(b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"),
        "open a package: it is no encrypted CMS message: it is signed, and not encrypted"
    );
    let well = [0x30, 0x80].repeat(200_000);
    assert!(told(&well).contains("it has no type"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Bytes of a good container changed anywhere: opened or refused, and never anything else.
    #[test]
    fn a_container_that_was_changed_anywhere_is_opened_or_refused(
        changes in proptest::collection::vec((0..ASIC.len(), any::<u8>()), 1..6), piece in 1..4000_usize,
    ) {
        let mut changed = ASIC.to_vec();
        for (at, byte) in changes {
            changed[at] = byte;
        }
        let mut container = crate::sealing::container::Container::new();
        let pushed = changed.chunks(piece).try_for_each(|piece| container.push(piece));
        if pushed.is_ok() {
            let _ = container.finish(&Authorities::default(), Timestamp::UNIX_EPOCH);
        }
    }

    /// The same of an envelope, and of a signature.
    #[test]
    fn an_envelope_that_was_changed_anywhere_is_opened_or_refused(
        changes in proptest::collection::vec((0..700_usize, any::<u8>()), 1..6), piece in 1..4000_usize,
    ) {
        let mut changed = include_bytes!("../../../tests/fixtures/sealing/java-oaep-aes256-gcm.cms").to_vec();
        for (at, byte) in changes {
            changed[at] = byte;
        }
        let beginning = crate::sealing::recipients::read(&changed);
        if let Ok(beginning) = beginning {
            let mut frames = crate::sealing::frames::Frames::new(&beginning);
            let rest = changed.get(beginning.length..).unwrap_or_default();
            if rest.chunks(piece).try_for_each(|piece| frames.push(piece, |_| {})).is_ok() {
                let _ = frames.finish();
            }
        }
        let _ = crate::sealing::verify::verify(&changed, b"");
        let _ = crate::sealing::certificate::Certificate::read(&changed);
    }

    #[test]
    fn whatever_comes_as_a_signature_or_a_manifest_is_read_or_refused(bytes: Vec<u8>) {
        let _ = crate::sealing::verify::verify(&bytes, b"");
        let _ = crate::sealing::asic_manifest::read(&bytes);
    }
}
