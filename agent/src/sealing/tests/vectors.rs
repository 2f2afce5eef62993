//! What others have sealed is opened: the Java integrasjonspunkt's own classes, `BouncyCastle` as it calls it, and OpenSSL.

use super::*;
use crate::domain::{Finding, Weakness};
use efm_world::identity::{NORD, SOR};

macro_rules! vector {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../tests/fixtures/sealing/", $name, ".cms")).as_slice())
    };
}

const VECTORS: [(&str, &[u8]); 11] = [
    vector!("java-oaep-aes256-cbc"),
    vector!("java-oaep-aes256-gcm"),
    vector!("java-pkcs1-aes256-cbc"),
    vector!("openssl-oaep-sha1-aes128-cbc"),
    vector!("openssl-oaep-sha256-aes256-cbc"),
    vector!("openssl-oaep-sha256-mgf1-sha1"),
    vector!("openssl-pkcs1-3des"),
    vector!("openssl-pkcs1-aes128-cbc-key-identifier"),
    vector!("openssl-pkcs1-aes192-cbc-streamed"),
    vector!("openssl-pkcs1-aes256-gcm-authenticated"),
    vector!("openssl-two-recipients"),
];

#[test]
fn what_others_have_sealed_is_opened_byte_for_byte_in_whichever_pieces_it_comes() {
    let sealer = sealer(&[OLD, NEW]);
    for (name, sealed) in VECTORS {
        for piece in [1, 7, 1000, sealed.len()] {
            let (asic, verdict) = run(open(&sealer, sealed, piece)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(asic == ASIC, "{name} in pieces of {piece}");
            assert_eq!(verdict.finding, Finding::Signed, "{name}");
        }
    }
}

#[test]
fn a_java_signature_holds_is_weak_and_names_its_signer() {
    let (_, verdict) = run(open(&sealer(&[NEW]), VECTORS[0].1, 4096)).unwrap();
    assert_eq!(verdict.weak, [Weakness::Sha1]);
    let signer = verdict.signer.unwrap();
    assert_eq!(signer.organisation.as_deref(), Some("910077473"));
    assert_eq!(signer.subject, "CN=Bjarne kommune new, SERIALNUMBER=910077473, O=Bjarne kommune, C=NO");
    assert_eq!(signer.issuer, "CN=Test authority, O=Test AS, C=NO");
}

#[test]
fn each_vector_cut_off_anywhere_is_refused_and_each_with_a_byte_more() {
    let sealer = sealer(&[OLD, NEW]);
    for (name, sealed) in VECTORS {
        for length in (0..sealed.len()).step_by(211).chain([sealed.len() - 1, sealed.len() - 2]) {
            let cut = run(open(&sealer, &sealed[..length], 4096));
            assert!(cut.is_err(), "{name} opens with {length} of {} bytes", sealed.len());
        }
        let more = [sealed, &[0]].concat();
        assert!(run(open(&sealer, &more, 4096)).is_err(), "{name} opens with a byte more");
    }
}

/// What the Java integrasjonspunkt's own classes have sealed, in each way that they know; `agent/tests/java` made them.
const JAVA: [(&str, &[u8]); 3] = [
    ("dpo", include_bytes!("../../../tests/fixtures/java/dpo.cms")),
    ("dpe", include_bytes!("../../../tests/fixtures/java/dpe.cms")),
    ("gcm", include_bytes!("../../../tests/fixtures/java/gcm.cms")),
];

#[test]
fn what_the_java_integrasjonspunkt_has_sealed_is_opened_and_its_signature_holds() {
    for (name, sealed) in JAVA {
        what_java_has_sealed_is_opened(name, sealed);
    }
}

/// The documents of `Twin.java`, from north to south.
pub(super) fn what_java_has_sealed_is_opened(name: &str, sealed: &[u8]) {
    for piece in [1, 1000, sealed.len()] {
        let opened = run(open(&sealer(&[SOR.pem.as_bytes()]), sealed, piece));
        let (asic, verdict) = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((&verdict.finding, &verdict.weak[..]), (&Finding::Signed, &[Weakness::Sha1][..]), "{name}");
        assert_eq!(verdict.signer.unwrap().organisation.as_deref(), Some(NORD.number), "{name}");
        let entries = entries(&asic);
        let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
        let first = ["mimetype", "manifest.xml", "arkivmelding.xml", "bl\u{e5}b\u{e6}r og r\u{f8}mme.txt", "tom.pdf"];
        assert_eq!(names[..5], first, "{name}");
        assert_eq!(names[5], "META-INF/ASiCManifest.xml", "{name}");
        assert_eq!(entries[2].1, b"<arkivmelding/>", "{name}");
        assert_eq!(entries[3].1, "bl\u{e5}b\u{e6}r og r\u{f8}mme\n".repeat(200).as_bytes(), "{name}");
        assert!(entries[4].1.is_empty(), "{name}");
    }
}

/// All that is in a container, in its order.
fn entries(asic: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(asic)).unwrap();
    let all = 0..zip.len();
    all.map(|at| {
        let mut entry = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.name().unwrap().into_owned(), bytes)
    })
    .collect()
}
