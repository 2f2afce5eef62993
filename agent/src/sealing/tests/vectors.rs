//! What others have sealed is opened: `BouncyCastle`, as the Java integrasjonspunkt calls it, and OpenSSL.

use super::*;
use crate::domain::{Finding, Weakness};

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
