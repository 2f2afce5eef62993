//! Our `OpenPGP` policy beside that of `sequoia-openpgp`, row by row: for the same certificates and the same signature
//! both accept or both refuse, and where they differ the row says why. The rows are in `rows`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what is not as it must be fails it"
)]

mod crooked;
mod rows;
mod with_gpg;

use jiff::Timestamp;
use kosmos::release::openpgp::{Keyring, Policy, Refusal, Witness};
use outside_world::forge::{DAY, Forger, Words, armoured, ed25519};
use pgp::armor::BlockType;
use proptest::prelude::*;
use sequoia_openpgp as sequoia;

use rows::{NOW, Row, Verdict};

fn now() -> Timestamp {
    Timestamp::from_second(i64::from(NOW)).unwrap()
}

fn ours(row: &Row) -> Result<Witness, Refusal> {
    let files: Vec<_> = row.keys.iter().map(|key| ("key".to_owned(), key.clone())).collect();
    let keyring = Keyring::read(&files, &[]).unwrap_or_else(|error| panic!("{}: {error}", row.name));
    let policy = Policy { accept_expired_key: row.accept_expired_key };
    let mut reading = keyring.begin(&row.signature, &[], &policy, now())?;
    for part in row.data.chunks(7) {
        reading.update(part);
    }
    reading.finish()
}

/// Gives the certificates it has, and is content with one good signature.
struct Oracle(Vec<sequoia::Cert>);

impl sequoia::parse::stream::VerificationHelper for Oracle {
    fn get_certs(&mut self, _: &[sequoia::KeyHandle]) -> sequoia::Result<Vec<sequoia::Cert>> {
        Ok(self.0.clone())
    }

    fn check(&mut self, structure: sequoia::parse::stream::MessageStructure<'_>) -> sequoia::Result<()> {
        let mut why = Vec::new();
        for layer in structure {
            if let sequoia::parse::stream::MessageLayer::SignatureGroup { results } = layer {
                for result in results {
                    match result {
                        Ok(_) => return Ok(()),
                        Err(error) => why.push(error.to_string()),
                    }
                }
            }
        }
        Err(sequoia::Error::InvalidOperation(why.join("; ")).into())
    }
}

fn sequoias(row: &Row) -> Result<(), String> {
    use sequoia::parse::{Parse, stream::DetachedVerifierBuilder};
    let mut certificates: Vec<sequoia::Cert> = Vec::new();
    for key in &row.keys {
        for certificate in sequoia::cert::CertParser::from_bytes(key).map_err(|error| error.to_string())? {
            let certificate = certificate.map_err(|error| error.to_string())?;
            match certificates.iter().position(|known| known.fingerprint() == certificate.fingerprint()) {
                Some(place) => {
                    let known = certificates.remove(place);
                    certificates.push(known.merge_public(certificate).unwrap());
                }
                None => certificates.push(certificate),
            }
        }
    }
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(NOW));
    let policy = sequoia::policy::StandardPolicy::at(time);
    DetachedVerifierBuilder::from_bytes(&row.signature)
        .and_then(|it| it.with_policy(&policy, Some(time), Oracle(certificates)))
        .and_then(|mut it| it.verify_bytes(&row.data))
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn our_verdict_is_sequoias_or_the_row_says_why_not() {
    let rows = rows::all();
    let mut wrong = Vec::new();
    for row in &rows {
        let (ours, sequoias) = (ours(row), sequoias(row));
        let expected = match row.verdict {
            Verdict::BothAccept => (true, true),
            Verdict::BothRefuse(_) => (false, false),
            Verdict::OnlySequoiaAccepts(_, _) => (false, true),
            Verdict::OnlyWeAccept(_) => (true, false),
        };
        if (ours.is_ok(), sequoias.is_ok()) != expected {
            wrong.push(format!("{}: ours {ours:?}\n    sequoia {sequoias:?}", row.name));
        }
        if let (Verdict::BothRefuse(said) | Verdict::OnlySequoiaAccepts(said, _), Err(error)) = (row.verdict, &ours)
            && !error.to_string().contains(said)
        {
            wrong.push(format!("{}: {error:?}\n    {error}\n    lacks {said:?}", row.name));
        }
    }
    assert!(rows.len() >= 100, "{} rows", rows.len());
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn digdirs_key_of_2021_is_read_and_has_expired() {
    let file = ("eformidling-key.asc".to_owned(), include_bytes!("../../keys/eformidling-key-2021.asc").to_vec());
    let fingerprint = "AEF27AA6948A3856932AF98ECA5643393753ECE3";
    let keyring = Keyring::read(std::slice::from_ref(&file), &[fingerprint.to_lowercase()]).unwrap();
    let [expiry] = &keyring.expiries(now())[..] else { panic!("one key") };
    assert_eq!(expiry.who.fingerprint, fingerprint);
    assert_eq!(expiry.ends, "2026-04-19T10:00:53Z".parse().unwrap());
    assert_eq!(expiry.days, -216);
    let said = keyring.describe(now());
    assert!(said.starts_with(&format!("key {fingerprint} (")), "{said}");
    assert!(said.ends_with("RSA 4096, expired 2026-04-19T10:00:53Z"), "{said}");

    let year_before: Timestamp = "2025-04-19T10:00:53Z".parse().unwrap();
    assert_eq!(keyring.expiries(year_before)[0].days, 365);
}

/// What one of ours is called, whatever is done to its certificate and its signature.
fn witnessed(keys: &[u8], signature: &[u8], data: &[u8]) -> Option<String> {
    let keyring = Keyring::read(&[("key".to_owned(), keys.to_vec())], &[]).ok()?;
    let _ = (keyring.expiries(now()), keyring.describe(now()));
    let mut reading = keyring.begin(signature, &[], &Policy::default(), now()).ok()?;
    reading.update(data);
    reading.finish().ok().map(|witness| witness.signer.fingerprint)
}

/// Some bytes changed, some taken out, some put in.
fn damaged(bytes: &[u8], damage: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, kind, byte) in damage {
        let place = place % bytes.len();
        match kind % 3 {
            0 => bytes[place] ^= byte,
            1 => drop(bytes.remove(place)),
            _ => bytes.insert(place, *byte),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_us_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), armour: bool) {
        let forger = Forger::proper(ed25519(1, NOW - DAY));
        let bytes = if armour { armoured(BlockType::Signature, &bytes) } else { bytes };
        prop_assert_eq!(witnessed(&bytes, &bytes, b""), None);
        prop_assert_eq!(witnessed(&forger.certificate(), &bytes, b""), None);
    }

    #[test]
    fn whatever_is_damaged_nobody_else_is_witnessed(
        damage in proptest::collection::vec((0usize..2000, any::<u8>(), any::<u8>()), 1..4),
        what in 0..3,
        armour: bool,
    ) {
        let subkey = ed25519(2, NOW - 9 * DAY);
        let words = Words::at(NOW - 9 * DAY).for_signing();
        let forger = Forger::proper(ed25519(1, NOW - 9 * DAY)).subkey(&subkey, &words, Some(&words));
        let (mut key, mut signature) = (forger.certificate(), forger.sign(&Words::at(NOW - DAY), b"data"));
        let mut data = b"data".to_vec();
        if armour {
            key = armoured(BlockType::PublicKey, &key);
            signature = armoured(BlockType::Signature, &signature);
        }
        match what {
            0 => key = damaged(&key, &damage),
            1 => signature = damaged(&signature, &damage),
            _ => data = damaged(&data, &damage[..1]),
        }
        let witnessed = witnessed(&key, &signature, &data);
        prop_assert!(witnessed.is_none() || witnessed == Some(forger.fingerprint()));
        prop_assert!(witnessed.is_none() || data == b"data");
    }
}

#[test]
fn pinned_fingerprints_decide_which_keys_count() {
    let (ours, others) = (Forger::proper(ed25519(1, NOW - 9 * DAY)), Forger::proper(ed25519(2, NOW - 9 * DAY)));
    let files = [("both.pgp".to_owned(), [ours.certificate(), others.certificate()].concat())];
    let signature = others.sign(&Words::at(NOW - DAY), b"");
    let verdict = |pinned: &[String]| {
        let keyring = Keyring::read(&files, pinned).unwrap();
        keyring.begin(&signature, &[], &Policy::default(), now()).and_then(kosmos::release::openpgp::Reading::finish)
    };
    assert!(verdict(&[]).is_ok());
    assert!(verdict(&[others.fingerprint()]).is_ok());
    let small = others.fingerprint().to_lowercase();
    assert!(verdict(&[format!("{}  {}", &small[..20], &small[20..])]).is_ok());
    let refused = verdict(&[ours.fingerprint()]).unwrap_err();
    assert!(matches!(refused, Refusal::UnknownKey { .. }), "{refused}");
    assert!(refused.to_string().contains(&others.fingerprint()) && refused.to_string().contains(&ours.fingerprint()));

    let short = Keyring::read(&files, &[others.fingerprint()[24..].to_owned()]).unwrap_err();
    assert!(short.to_string().contains("40 or 64"), "{short}");
    let missing = Keyring::read(&files, &["0".repeat(40)]).unwrap_err();
    assert!(missing.to_string().contains(&ours.fingerprint()), "{missing}");
}

#[test]
fn a_pinned_subkey_speaks_for_itself_only() {
    let subkey = ed25519(2, NOW - 9 * DAY);
    let words = Words::at(NOW - 9 * DAY).for_signing();
    let forger = Forger::proper(ed25519(1, NOW - 9 * DAY)).subkey(&subkey, &words, Some(&words));
    let by_subkey = Forger::with(subkey).sign(&Words::at(NOW - DAY), b"");
    let by_primary = forger.sign(&Words::at(NOW - DAY), b"");
    let pin = Forger::with(ed25519(2, NOW - 9 * DAY)).fingerprint();
    let keyring = Keyring::read(&[("key".to_owned(), forger.certificate())], &[pin]).unwrap();
    assert!(keyring.begin(&by_subkey, &[], &Policy::default(), now()).unwrap().finish().is_ok());
    assert!(keyring.begin(&by_primary, &[], &Policy::default(), now()).is_err());
}

#[test]
fn a_key_file_that_cannot_be_read_is_an_error_that_names_it() {
    let forger = Forger::proper(ed25519(1, NOW - 9 * DAY));
    let good = ("good.asc".to_owned(), forger.certificate());
    let text = armoured(BlockType::PublicKey, &good.1);
    for (bytes, said) in [
        (b"".to_vec(), "empty"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n".to_vec(), "no OpenPGP block"),
        (text[..text.len() - 30].to_vec(), "cut off"),
        (good.1[..good.1.len() - 3].to_vec(), "cut off"),
        (forger.sign(&Words::at(NOW), b""), "middle of a key"),
        (include_bytes!("../../keys/rsa3072-secret.asc").to_vec(), "secret key"),
        (vec![0x99; 5 << 20], "more than"),
    ] {
        let error = Keyring::read(&[good.clone(), ("bad.asc".to_owned(), bytes)], &[]).unwrap_err().to_string();
        assert!(error.contains("bad.asc") && error.contains(said), "{error} lacks {said}");
    }
    assert!(Keyring::read(&[], &[]).is_err());
}

#[test]
fn a_revocation_that_stands_alone_counts() {
    let before = include_bytes!("../../keys/gpg-revoked-before.asc").to_vec();
    let alone = include_bytes!("../../keys/gpg-revoked-alone.asc").to_vec();
    let signature = include_bytes!("../../keys/gpg-revoked.sig");
    let verdict = |files: &[Vec<u8>]| {
        let files: Vec<_> = files.iter().map(|file| ("key".to_owned(), file.clone())).collect();
        Keyring::read(&files, &[]).unwrap().begin(signature, &[], &Policy::default(), now()).map(|_| ())
    };
    assert_eq!(verdict(std::slice::from_ref(&before)), Ok(()));
    for files in [[before.clone(), alone.clone()], [alone, before]] {
        let refused = verdict(&files).unwrap_err();
        assert!(matches!(refused, Refusal::Revoked { hard: true, .. }), "{refused}");
    }
}
