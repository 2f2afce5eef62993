//! Keystores that OpenSSL and Java made (`vectors/make`), and everything that can be wrong with one.

use super::*;
use efm::secret::Secret;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

const PASSWORD: &str = "changeit";

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/keystore/vectors").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(vector(name)).unwrap()
}

fn at(name: &str, kind: Kind, alias: Option<&str>, password: &str) -> Location {
    Location {
        whence: Whence::File(vector(name)),
        kind: Wanted::Known(kind),
        alias: alias.map(Into::into),
        password: Secret::new(password),
    }
}

fn now() -> Timestamp {
    // Later than the vectors, wherever the clock of this machine stands.
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn names(identity: &Identity) -> Vec<String> {
    identity.chain.iter().map(|one| Certificate::read(one).unwrap().subject).collect()
}

/// That ring, which computes with the key, takes it, and that it is the one of the certificate.
fn signs(identity: &Identity) {
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(identity.key.clone_key());
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let certified = rustls::sign::CertifiedKey::new(identity.chain.clone(), key);
    certified.keys_match().unwrap();
}

#[test]
fn whatever_wrote_it_the_key_and_its_chain_come_out() {
    let whole = ["leaf", "between", "root"];
    for (name, alias, chain) in [
        ("openssl.p12", "virksomhet", &whole[..]),
        ("openssl-legacy.p12", "VIRKSOMHET", &whole),
        ("openssl-odd.p12", "virksomhet", &whole),
        ("openssl-aes128.p12", "virksomhet", &whole),
        ("openssl-nomac.p12", "virksomhet", &whole),
        ("java.p12", "virksomhet", &whole),
        ("java.p12", "egen-nokkel", &["java"]),
        ("java.p12", "kurve", &["kurve"]),
        ("java.jks", "Virksomhet", &whole),
        ("java.jks", "Egen-Nokkel", &["java"]),
        ("java.jks", "kurve", &["kurve"]),
        ("java-legacy.p12", "gammel", &["java"]),
        ("bags.pem", "virksomhet", &whole),
        ("bags-encrypted.pem", "virksomhet", &whole),
        ("pair.pem", "1", &["leaf", "between"]),
        ("traditional.pem", "1", &["leaf"]),
        ("curve.pem", "1", &["kurve"]),
    ] {
        let bytes = bytes(name);
        let found = read(&bytes, PASSWORD, Kind::of(&bytes).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"));
        let keystore = &found.keystore;
        let identity = keystore.entry(alias).unwrap_or_else(|| panic!("{name}: {alias} of {keystore:?}"));
        assert_eq!(names(identity), chain, "{name}");
        assert_eq!(found.unusable, [], "{name}");
        signs(identity);
    }
}

#[test]
fn a_wrong_password_is_called_that() {
    for name in [
        "openssl.p12",
        "openssl-legacy.p12",
        "openssl-odd.p12",
        "openssl-nomac.p12",
        "java.p12",
        "java.jks",
        "bags-encrypted.pem",
    ] {
        let bytes = bytes(name);
        for password in ["hunter2", ""] {
            assert_eq!(read(&bytes, password, Kind::of(&bytes).unwrap()).unwrap_err(), Closed::Password, "{name}");
        }
    }
    let empty = bytes("openssl-empty-password.p12");
    assert_eq!(names(&read(&empty, "", Kind::Pkcs12).unwrap().keystore.entries[0]), ["leaf"]);
}

#[test]
fn what_is_wrong_is_said_in_one_sentence_that_says_what_to_do() {
    let told = |location: &Location| {
        let error = open(location, now()).unwrap_err();
        efm::chain::Chain(&error).to_string().replace(&vector("").display().to_string(), "…/")
    };
    let mut all = vec![
        told(&at("openssl.p12", Kind::Pkcs12, Some("virksomhet"), "hunter2")),
        told(&at("java.jks", Kind::Jks, Some("virksomhet"), "hunter2")),
        told(&at("java.jks", Kind::Jks, Some("other"), PASSWORD)),
        told(&at("java.jks", Kind::Jks, None, PASSWORD)),
        told(&at("misfit.pem", Kind::Pem, None, PASSWORD)),
        told(&at("java.jceks", Kind::Jks, Some("x"), PASSWORD)),
        told(&at("make", Kind::Jks, Some("x"), PASSWORD)),
        told(&Location { kind: Wanted::OfSystem, ..at("java.jks", Kind::Jks, None, PASSWORD) }),
        told(&Location { whence: Whence::Vault, ..at("java.jks", Kind::Jks, None, PASSWORD) }),
    ];
    let missing = open(&at("none.p12", Kind::Pkcs12, None, ""), now()).unwrap_err();
    assert!(matches!(missing, CannotOpen::Read { .. }));
    all.push(missing.to_string().replace(&vector("").display().to_string(), "…/"));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_is_only_odd_is_told_and_used() {
    let opened = open(&at("openssl.p12", Kind::Jks, Some("Virksomhet"), PASSWORD), now()).unwrap();
    assert_eq!(opened.remarks, [Remark::IsAnother { called: Kind::Jks, is: Kind::Pkcs12 }]);
    let opened = open(&at("expired.p12", Kind::Pkcs12, None, PASSWORD), now()).unwrap();
    assert!(matches!(opened.remarks[..], [Remark::Expired(_)]), "{:?}", opened.remarks);
    let opened = open(&at("pair.pem", Kind::Pem, Some("virksomhet"), ""), now()).unwrap();
    assert_eq!(opened.remarks, [Remark::NoNames("virksomhet".into())]);
    let before = open(&at("openssl.p12", Kind::Pkcs12, None, PASSWORD), "2001-01-01T00:00:00Z".parse().unwrap());
    assert!(matches!(before.unwrap().remarks[..], [Remark::NotYet(_)]));
}

#[test]
fn a_keystore_in_the_settings_themselves_is_read() {
    let inline = Whence::Inline(bytes("openssl.p12").into());
    let location = Location { whence: inline, ..at("", Kind::Pkcs12, Some("virksomhet"), PASSWORD) };
    assert_eq!(names(&open(&location, now()).unwrap().own)[0], "leaf");
    assert!(!format!("{location:?}").contains(PASSWORD));
}

#[test]
fn nothing_of_a_key_is_printed() {
    let keystore = read(&bytes("java.jks"), PASSWORD, Kind::Jks).unwrap().keystore;
    let key = keystore.entries[0].key.secret_pkcs8_der();
    let shown = format!("{keystore:?}");
    assert!(shown.contains("egen-nokkel") && shown.len() < 400, "{shown}");
    assert!(!shown.contains(&format!("{:?}", &key[40..48]).replace(['[', ']'], "")));
}

/// As Bouncy Castle writes: no length is told beforehand, and texts come in pieces.
fn as_ber(der: &[u8]) -> Vec<u8> {
    let mut ber = Vec::new();
    for value in ber::Values::of(der).all().unwrap() {
        if value.tag & 0x20 != 0 {
            ber.extend([value.tag, 0x80]);
            ber.extend(as_ber(value.content));
            ber.extend([0, 0]);
        } else if value.tag == ber::OCTETS && value.content.len() > 100 {
            ber.extend([0x24, 0x80]);
            for piece in value.content.chunks(1000) {
                ber.extend(ber::value(ber::OCTETS, &[piece]));
            }
            ber.extend([0, 0]);
        } else {
            ber.extend_from_slice(value.whole);
        }
    }
    ber
}

#[test]
fn lengths_that_are_not_told_beforehand_do_no_harm() {
    for name in ["openssl.p12", "openssl-legacy.p12", "java.p12"] {
        let ber = as_ber(&bytes(name));
        assert_eq!(Kind::of(&ber), Some(Kind::Pkcs12));
        assert_eq!(
            names(read(&ber, PASSWORD, Kind::Pkcs12).unwrap().keystore.entry("virksomhet").unwrap())[0],
            "leaf",
            "{name}"
        );
    }
}

#[test]
fn a_changed_byte_is_an_error_and_never_a_fall() {
    for name in ["openssl.p12", "java.jks", "openssl-nomac.p12", "bags.pem", "openssl-aes128.p12"] {
        let whole = bytes(name);
        // Deriving keys takes its time: not each byte.
        for at in (0..whole.len()).step_by(97) {
            let mut broken = whole.clone();
            broken[at] ^= 0x21;
            if let Some(kind) = Kind::of(&broken) {
                let _ = read(&broken, PASSWORD, kind).is_ok();
                let _ = read(&whole[..at], PASSWORD, kind).is_ok();
            }
        }
    }
    // With a seal nothing passes unseen.
    let mut broken = bytes("java.jks");
    broken[30] ^= 1;
    assert_eq!(read(&broken, PASSWORD, Kind::Jks).unwrap_err(), Closed::Password);
    let mut broken = bytes("openssl.p12");
    broken[100] ^= 1;
    assert!(read(&broken, PASSWORD, Kind::Pkcs12).is_err());
}

#[test]
fn a_key_and_its_certificate_are_read_from_pem_and_the_key_is_not_printed() {
    let made = rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap();
    let pem = format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem());
    let keystore = Keystore::from_pem("Own", pem.as_bytes()).unwrap();
    let own = keystore.entry("OWN").unwrap();
    assert_eq!(own.key.secret_pkcs8_der(), made.signing_key.serialize_der());
    assert_eq!(own.chain, [made.cert.der().clone()]);
    let told = |pem: &str| Keystore::from_pem("own", pem.as_bytes()).unwrap_err().to_string();
    assert_eq!(told(&made.signing_key.serialize_pem()), "read it as PEM: there is no certificate for its key");
    assert_eq!(told(&made.cert.pem()), "read it as PEM: there is no PRIVATE KEY section in it");
}
