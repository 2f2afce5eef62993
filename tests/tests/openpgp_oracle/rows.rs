//! The rows: what a key file, a signature and an archive may look like, and who accepts that.

use outside_world::forge::{DAY, Forger, Words, armoured, ed25519, ed25519_of, packet, rsa, sign};
use pgp::armor::BlockType;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Notation, RevocationCode, SecretKey, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Duration, Fingerprint, KeyDetails, KeyId, KeyVersion, Timestamp};

use super::crooked::{certification, flipped, relabelled, timeless, with_unknown_critical_part};

/// 2026-11-21T05:30:00Z
pub(crate) const NOW: u32 = 1_795_239_000;
/// When most keys were made, and when most of them signed.
const MADE: u32 = NOW - 1000 * DAY;
const SIGNED: u32 = NOW - 500 * DAY;
const DATA: &[u8] = b"the bytes of an archive, as far as a signature is concerned\r\n";
const NAME: &str = "Forger <forger@example.org>";

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) signature: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) accept_expired_key: bool,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    BothAccept,
    /// What our refusal says.
    BothRefuse(&'static str),
    /// What our refusal says, and why we are stricter.
    OnlySequoiaAccepts(&'static str, &'static str),
    /// Why we are not as strict.
    OnlyWeAccept(&'static str),
}
use Verdict::{BothAccept, BothRefuse, OnlySequoiaAccepts, OnlyWeAccept};

pub(crate) fn all() -> Vec<Row> {
    [
        good_keys(),
        files(),
        subkeys(),
        revoked_and_expired_subkeys(),
        expiry(),
        words_about_oneself(),
        revocation(),
        undone_revocation(),
        strength(),
        types(),
        times(),
        parts(),
        damage(),
        issuers(),
        several_signatures(),
        made_by_gpg(),
    ]
    .concat()
}

fn row(name: &'static str, key: &Forger, signature: Vec<u8>, verdict: Verdict) -> Row {
    Row { name, keys: vec![key.certificate()], signature, data: DATA.into(), accept_expired_key: false, verdict }
}

impl Row {
    fn accepting_expired_keys(mut self) -> Self {
        self.accept_expired_key = true;
        self
    }

    fn with_keys(mut self, keys: &[Vec<u8>]) -> Self {
        self.keys = keys.to_vec();
        self
    }

    fn over(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }
}

/// The key of most rows.
fn key() -> SecretKey {
    ed25519(1, MADE)
}

fn other() -> SecretKey {
    ed25519(2, MADE)
}

fn rsa2048() -> SecretKey {
    rsa(include_str!("../../keys/rsa2048-secret.asc"))
}

fn rsa3072() -> SecretKey {
    rsa(include_str!("../../keys/rsa3072-secret.asc"))
}

fn rsa4096() -> SecretKey {
    rsa(include_str!("../../keys/rsa4096-secret.asc"))
}

/// The words of a proper signature of data.
fn words() -> Words {
    Words::at(SIGNED)
}

/// The words of a proper key about itself.
fn made() -> Words {
    Words::at(MADE)
}

fn rsa_made() -> Words {
    Words::at(rsa3072().created_at().as_secs())
}

fn forger() -> Forger {
    Forger::proper(key())
}

fn good() -> Vec<u8> {
    forger().sign(&words(), DATA)
}

fn good_keys() -> Vec<Row> {
    let simple = |name, key: SecretKey, verdict| {
        let forger = Forger::proper(key);
        row(name, &forger, forger.sign(&words(), DATA), verdict)
    };
    let over = |name, hash| row(name, &forger(), forger().sign(&words().over(hash), DATA), BothAccept);
    vec![
        simple("ed25519 as GnuPG writes it", key(), BothAccept),
        simple("ed25519 as RFC 9580 writes it, version 4", ed25519_of(KeyVersion::V4, 3, MADE), BothAccept),
        simple("ed25519, version 6", ed25519_of(KeyVersion::V6, 3, MADE), BothAccept),
        simple("rsa 3072", rsa3072(), BothAccept),
        simple("rsa 4096", rsa4096(), BothAccept),
        simple("rsa 2048", rsa2048(), OnlySequoiaAccepts("RSA of at least 3072 bits", "our own bar is 3072 bits")),
        over("sha-256", HashAlgorithm::Sha256),
        over("sha-384", HashAlgorithm::Sha384),
        over("sha-512", HashAlgorithm::Sha512),
    ]
}

fn files() -> Vec<Row> {
    let armour = || armoured(BlockType::Signature, &good());
    let certificate = || forger().certificate();
    let armoured_key = || armoured(BlockType::PublicKey, &certificate());
    let stranger = || Forger::proper(other()).certificate();
    let crlf = |text: Vec<u8>| String::from_utf8(text).unwrap().replace('\n', "\r\n").into_bytes();
    let surrounded = [b"Here it is:\n\n".to_vec(), armour(), b"\nregards\n".to_vec()].concat();
    let signed = |name, signature: Vec<u8>| row(name, &forger(), signature, BothAccept);
    let known = |name, keys: &[Vec<u8>]| signed(name, good()).with_keys(keys);
    vec![
        signed("armoured signature", armour()),
        signed("armour with carriage returns", crlf(armour())),
        signed("text around the armour", surrounded),
        known("armoured key", &[armoured_key()]),
        Row {
            verdict: OnlyWeAccept("a byte order mark is no reason to go without upgrades"),
            ..known("key saved by a Windows editor", &[[b"\xEF\xBB\xBF".to_vec(), crlf(armoured_key())].concat()])
        },
        known("two keys in one file, the second signed", &[[stranger(), certificate()].concat()]),
        known("two key files, the second signed", &[stranger(), certificate()]),
        known(
            "two armoured blocks in one file, the second signed",
            &[[armoured(BlockType::PublicKey, &stranger()), armoured_key()].concat()],
        ),
        row("empty file", &forger(), forger().sign(&words(), b""), BothAccept).over(b""),
    ]
}

fn subkeys() -> Vec<Row> {
    let main = || Forger::with(key()).user(NAME, &made().for_certifying());
    let by_subkey = || sign(&other(), SignatureType::Binary, &words(), DATA);
    let bound = || main().subkey(&other(), &made().for_signing(), Some(&made()));
    let version6 = |seed| ed25519_of(KeyVersion::V6, seed, MADE);
    let bound6 = Forger::with(version6(1)).direct(&made().for_certifying());
    let bound6 = bound6.subkey(&version6(2), &made().for_signing(), Some(&made()));
    let weak_consent = rsa_made().over(HashAlgorithm::Sha1);
    let weakly_bound = Forger::with(key()).user(NAME, &made().for_certifying()).subkey(
        &rsa3072(),
        &rsa_made().for_signing(),
        Some(&weak_consent),
    );
    let below_short_rsa = Forger::with(rsa2048()).user(NAME, &rsa_made().for_certifying()).subkey(
        &other(),
        &rsa_made().for_signing(),
        Some(&rsa_made()),
    );
    let thief = Forger::proper(ed25519(9, MADE)).subkey(&other(), &made().for_signing(), None);
    let silent = Forger::with(key()).user(NAME, &made());
    let no = BothRefuse;
    vec![
        row("signing subkey", &bound(), by_subkey(), BothAccept),
        row(
            "signing subkey, version 6",
            &bound6,
            sign(&version6(2), SignatureType::Binary, &words(), DATA),
            BothAccept,
        ),
        row(
            "subkey without its own consent",
            &main().subkey(&other(), &made().for_signing(), None),
            by_subkey(),
            no("does not confirm"),
        ),
        row(
            "subkey whose consent was hashed with SHA-1",
            &weakly_bound,
            sign(&rsa3072(), SignatureType::Binary, &words(), DATA),
            no("does not confirm"),
        ),
        row("subkey bound by somebody else", &thief, by_subkey(), no("does not confirm")),
        row(
            "subkey for certifying",
            &main().subkey(&other(), &made().for_certifying(), None),
            by_subkey(),
            no("signs files"),
        ),
        row("primary key that does not sign", &bound(), bound().sign(&words(), DATA), no("signs files")),
        row("key that does not say what it is for", &silent, silent.sign(&words(), DATA), no("signs files")),
        row(
            "subkey below a short rsa key",
            &below_short_rsa,
            by_subkey(),
            OnlySequoiaAccepts("RSA of at least 3072 bits", "a chain is as strong as its weakest part"),
        ),
    ]
}

fn revoked_and_expired_subkeys() -> Vec<Row> {
    let main = |words: Words| Forger::with(key()).user(NAME, &words.for_certifying());
    let bound = || main(made()).subkey(&other(), &made().for_signing(), Some(&made()));
    let by_subkey = |name, certificate: &Forger, verdict| {
        row(name, certificate, sign(&other(), SignatureType::Binary, &words(), DATA), verdict)
    };
    let later = |code| Words::at(SIGNED + 100 * DAY).because(code);
    let before = Words::at(SIGNED - DAY).because(RevocationCode::KeyRetired);
    let short = made().for_signing().key_lasts(400 * DAY);
    let expired_main = main(made().key_lasts(400 * DAY)).subkey(&other(), &made().for_signing(), Some(&made()));
    let compromised = || later(RevocationCode::KeyCompromised);
    let no = BothRefuse;
    vec![
        by_subkey("subkey of a compromised certificate", &bound().revoked(&compromised()), no("compromised")),
        by_subkey("compromised subkey", &bound().without_subkey(&other(), &compromised()), no("compromised")),
        by_subkey(
            "subkey retired after it signed",
            &bound().without_subkey(&other(), &later(RevocationCode::KeyRetired)),
            BothAccept,
        ),
        by_subkey("subkey retired before it signed", &bound().without_subkey(&other(), &before), no("retired")),
        by_subkey(
            "subkey that was expired when it signed",
            &main(made()).subkey(&other(), &short, Some(&made())),
            no("expired before"),
        ),
        by_subkey("subkey without an end below an expired certificate", &expired_main, no("expired before")),
        by_subkey(
            "subkey that outlives its certificate",
            &main(made().key_lasts(400 * DAY)).subkey(
                &other(),
                &made().for_signing().key_lasts(2000 * DAY),
                Some(&made()),
            ),
            no("expired before"),
        ),
    ]
}

fn expiry() -> Vec<Row> {
    let ends = |days| Forger::with(key()).user(NAME, &made().for_signing().key_lasts(days * DAY));
    let long = |at| Words::at(at).for_signing().key_lasts(3000 * DAY);
    let of = |name, certificate: &Forger, verdict| row(name, certificate, good(), verdict);
    let refreshed = ends(700).user(NAME, &long(MADE + 600 * DAY));
    let replaced = || Forger::with(key()).user(NAME, &long(NOW - 10 * DAY));
    let late = ends(600).user(NAME, &long(MADE + 700 * DAY));
    let in_the_gap = forger().sign(&Words::at(MADE + 650 * DAY), DATA);
    let shortened = ends(2000).user(NAME, &Words::at(SIGNED - DAY).for_signing().key_lasts(400 * DAY));
    let no = BothRefuse("expired before");
    vec![
        of(
            "key expired after it signed",
            &ends(700),
            OnlySequoiaAccepts(
                "accept_expired_key",
                "whoever steals an expired key dates as he likes: the site decides",
            ),
        ),
        of("key expired after it signed, which the site accepts", &ends(700), BothAccept).accepting_expired_keys(),
        of("key was expired when it signed", &ends(400), no),
        of("key was expired when it signed, for a site that accepts such", &ends(400), no).accepting_expired_keys(),
        of("key that expired in the second in which it signed", &ends(500), no),
        of("key that ends later", &ends(2000), BothAccept),
        of("refreshed in the same certificate", &refreshed, BothAccept),
        of("refreshed by a second file", &refreshed, BothAccept)
            .with_keys(&[ends(700).certificate(), replaced().certificate()]),
        of("refreshed by a first file", &refreshed, BothAccept)
            .with_keys(&[replaced().certificate(), ends(700).certificate()]),
        of(
            "refreshed, the older words thrown away",
            &replaced(),
            OnlyWeAccept("GnuPG keeps the newest words only; every refresh would lose the signatures from before it"),
        ),
        row(
            "signed between the end and its late refresh",
            &late,
            in_the_gap,
            OnlyWeAccept("the owner has said since that the key was good then; GnuPG sees it so, too"),
        ),
        of("shortened later", &shortened, no),
        of("end taken away later", &ends(400).user(NAME, &Words::at(MADE + 100 * DAY).for_signing()), BothAccept),
        of("expired by direct-key words", &Forger::with(key()).direct(&made().for_signing().key_lasts(400 * DAY)), no),
    ]
}

fn words_about_oneself() -> Vec<Row> {
    let of = |name, certificate: &Forger, verdict| row(name, certificate, good(), verdict);
    let lasting = |days| Forger::with(key()).user(NAME, &made().for_signing().lasts(days * DAY));
    let critical = made().for_signing().insisting(notation("a@example.org"));
    let nameless6 = Forger::with(ed25519_of(KeyVersion::V6, 3, MADE)).user(NAME, &made().for_signing());
    let no = BothRefuse("valid now");
    vec![
        of("direct-key words only", &Forger::with(key()).direct(&made().for_signing()), BothAccept),
        of("key that nothing binds", &Forger::with(key()), no),
        of("words that have ended", &lasting(100), no),
        of(
            "words that have ended since",
            &lasting(700),
            OnlySequoiaAccepts("valid now", "nothing says today that the key is good"),
        ),
        of("words with a critical notation", &Forger::with(key()).user(NAME, &critical), no),
        row(
            "version 6 without direct-key words",
            &nameless6,
            nameless6.sign(&words(), DATA),
            OnlySequoiaAccepts("valid now", "RFC 9580 wants what is said of the key said of the key, not of a name"),
        ),
    ]
}

fn revocation() -> Vec<Row> {
    let after = |code| Words::at(SIGNED + DAY).because(code);
    let before = |code| Words::at(SIGNED - DAY).because(code);
    let of = |name, words: Words, verdict| row(name, &forger().revoked(&words), good(), verdict);
    let weak = Words::at(SIGNED).over(HashAlgorithm::Sha1).because(RevocationCode::KeyCompromised);
    let rsa = Forger::proper(rsa3072());
    let no = BothRefuse;
    vec![
        of("compromised", after(RevocationCode::KeyCompromised), no("compromised")),
        of("revoked without a reason", Words::at(SIGNED + DAY), no("without a reason")),
        of("revoked for no particular reason", after(RevocationCode::NoReason), no("without a reason")),
        of("revoked for a reason that nobody knows", after(RevocationCode::Private100), no("without a reason")),
        of("superseded after it signed", after(RevocationCode::KeySuperseded), BothAccept),
        of("superseded before it signed", before(RevocationCode::KeySuperseded), no("superseded")),
        of("retired after it signed", after(RevocationCode::KeyRetired), BothAccept),
        of("retired before it signed", before(RevocationCode::KeyRetired), no("retired")),
        row("compromised, said with SHA-1", &rsa.clone().revoked(&weak), rsa.sign(&words(), DATA), no("compromised")),
    ]
}

fn undone_revocation() -> Vec<Row> {
    let compromised = Words::at(SIGNED - DAY).because(RevocationCode::KeyCompromised);
    let retired = Words::at(SIGNED - DAY).because(RevocationCode::KeyRetired);
    let taken_back = Words::at(SIGNED - DAY).because(RevocationCode::CertUserIdInvalid);
    let again = Words::at(SIGNED - 1).for_signing();
    let certificate = forger().certificate();
    let revoked = forger().revoked(&compromised).certificate();
    let by_itself = packet(&forger().revocation(&compromised));
    let strangers = packet(&Forger::proper(other()).revocation(&compromised));
    let of = |name, certificate: &Forger, verdict| row(name, certificate, good(), verdict);
    let known = |name, keys: &[Vec<u8>], verdict| of(name, &forger(), verdict).with_keys(keys);
    let no = BothRefuse("compromised");
    vec![
        of("compromised, then spoken for again", &forger().revoked(&compromised).user(NAME, &again), no),
        of(
            "retired, then spoken for again",
            &forger().revoked(&retired).user(NAME, &again),
            OnlySequoiaAccepts("retired", "a revocation once seen is not undone"),
        ),
        known("compromised in the older of two files", &[revoked.clone(), certificate.clone()], no),
        known("compromised in the newer of two files", &[certificate.clone(), revoked], no),
        known("revocation after all else in the file", &[[certificate.clone(), by_itself].concat()], no),
        known("revocation by a stranger", &[[certificate, strangers].concat()], BothAccept),
        of(
            "only name taken back",
            &forger().without_user(NAME, &taken_back),
            OnlySequoiaAccepts("valid now", "then nothing that still stands says what the key is for"),
        ),
    ]
}

fn strength() -> Vec<Row> {
    let rsa = || Forger::proper(rsa3072());
    let over = |name, hash, verdict| row(name, &rsa(), rsa().sign(&words().over(hash), DATA), verdict);
    let signature = || rsa().sign(&words(), DATA);
    let weakly_bound = || Forger::with(rsa3072()).user(NAME, &rsa_made().for_signing().over(HashAlgorithm::Sha1));
    let narrow = "nobody makes them; the door is no wider than it must be";
    vec![
        over("sha-1", HashAlgorithm::Sha1, BothRefuse("SHA-1")),
        over("md5", HashAlgorithm::Md5, BothRefuse("MD5")),
        over("ripemd-160", HashAlgorithm::Ripemd160, BothRefuse("RIPEMD")),
        over("sha-224", HashAlgorithm::Sha224, OnlySequoiaAccepts("SHA-224", narrow)),
        over("sha3-256", HashAlgorithm::Sha3_256, BothRefuse("SHA3-256")),
        row("key bound with SHA-1", &weakly_bound(), signature(), BothRefuse("valid now")),
        row(
            "key bound with SHA-1, then with SHA-512",
            &weakly_bound().user(NAME, &rsa_made().for_signing()),
            signature(),
            BothAccept,
        ),
    ]
}

fn types() -> Vec<Row> {
    let text = b"two\nlines\n";
    let of = |name, signature, said| row(name, &forger(), signature, BothRefuse(said));
    vec![
        row(
            "text",
            &forger(),
            sign(&key(), SignatureType::Text, &words(), text),
            OnlySequoiaAccepts("type is 0x01", "an archive is no text; its line ends may not be changed"),
        )
        .over(text),
        of("standalone", relabelled(&sign(&key(), SignatureType::Binary, &words(), b""), 0x02), "type is 0x02"),
        of("certification served as a signature of data", certification(&key(), &words()), "type is 0x13"),
        of("binary relabelled as text", relabelled(&good(), 0x01), "type is 0x01"),
        of("binary relabelled as third-party confirmation", relabelled(&good(), 0x50), "type is 0x50"),
    ]
}

fn times() -> Vec<Row> {
    let of = |name, words: Words, verdict| row(name, &forger(), forger().sign(&words, DATA), verdict);
    let again = SubpacketData::SignatureCreationTime(Timestamp::from_secs(SIGNED - DAY));
    let twice = "what matters is not believed when it contradicts itself";
    vec![
        row("no time", &forger(), timeless(&key(), &words(), DATA), BothRefuse("when it was made")),
        of("two times", words().saying(again), OnlySequoiaAccepts("more than once", twice)),
        of("dated two days ahead", Words::at(NOW + 2 * DAY), BothRefuse("clock")),
        of("dated an hour ahead", Words::at(NOW + 3600), OnlyWeAccept("clocks of sites differ; a day is allowed")),
        of("dated before its key", Words::at(MADE - DAY), BothRefuse("made later")),
        of("dated with its key", Words::at(MADE), BothAccept),
        of("expired signature", words().lasts(100 * DAY), BothRefuse("holds until")),
        of("signature that ends now", words().lasts(500 * DAY), BothRefuse("holds until")),
        of("signature that ends later", words().lasts(900 * DAY), BothAccept),
    ]
}

fn notation(name: &'static str) -> SubpacketData {
    SubpacketData::Notation(Notation { readable: true, name: name.into(), value: "1".into() })
}

fn parts() -> Vec<Row> {
    let of = |name, words: Words, verdict| row(name, &forger(), forger().sign(&words, DATA), verdict);
    let unknown = || SubpacketData::Other(63, vec![1].into());
    let mut unsigned = words();
    unsigned.unsigned.push(Subpacket::critical(unknown()).unwrap());
    let lasts = SubpacketData::SignatureExpirationTime(Duration::from_secs(900 * DAY));
    let unknown_critical = with_unknown_critical_part(&key(), &words(), DATA);
    vec![
        row("unknown critical part", &forger(), unknown_critical, BothRefuse("subpacket 63")),
        of(
            "experimental critical part",
            words().insisting(SubpacketData::Experimental(101, vec![1].into())),
            BothRefuse("subpacket 101"),
        ),
        of("critical notation", words().insisting(notation("a@example.org")), BothRefuse("a@example.org")),
        of("notation", words().saying(notation("a@example.org")), BothAccept),
        of("unknown part", words().saying(unknown()), BothAccept),
        of("known critical part", words().insisting(lasts), BothAccept),
        of("unknown critical part that is not signed", unsigned, BothAccept),
    ]
}

fn damage() -> Vec<Row> {
    let of = |name, signature, said| row(name, &forger(), signature, BothRefuse(said));
    let over = |name, data: &[u8]| of(name, good(), "is not over these").over(data);
    let good = good();
    vec![
        over("bit flipped in the data", &flipped(DATA, 9)),
        over("data cut off", &DATA[..20]),
        over("data with more behind", &[DATA, b"\0"].concat()),
        over("data with carriage returns lost", &DATA[..DATA.len() - 2]),
        over("no data", b""),
        of("bit flipped in the time", flipped(&good, 13), "is not over these"),
        of("bit flipped in the arithmetic", flipped(&good, good.len() - 5), "is not over these"),
        row("bit flipped in the hint at the digest", &forger(), flipped(&good, good.len() - 69), {
            OnlySequoiaAccepts("is not over these", "a file with a bit turned over is fetched again")
        }),
        of("signature cut off", good[..40].to_vec(), "cut off"),
        of("no signature", vec![], "empty"),
        of("a web page", b"<html><body>Please log in</body></html>".to_vec(), "no OpenPGP block"),
        of("the certificate itself", forger().certificate(), "something else than signatures"),
    ]
}

fn issuers() -> Vec<Row> {
    let stranger = Forger::proper(other());
    let named = |names_issuer, hints_issuer| Words { names_issuer, hints_issuer, ..words() };
    let hint = |mut words: Words, id: KeyId| {
        words.unsigned.push(Subpacket::regular(SubpacketData::IssuerKeyId(id)).unwrap());
        words
    };
    let naming = |key: &SecretKey, issuer: Fingerprint| {
        let words = named(false, true).saying(SubpacketData::IssuerFingerprint(issuer));
        sign(key, SignatureType::Binary, &words, DATA)
    };
    let (ours, theirs) = (key().legacy_key_id(), other().legacy_key_id());
    let of = |name, signature, verdict| row(name, &forger(), signature, verdict);
    let both_keys = || [stranger.certificate(), forger().certificate()];
    let no = BothRefuse;
    vec![
        of("a stranger's key", stranger.sign(&words(), DATA), no("made it, and only")),
        of("key id only, not signed, as old GnuPG writes it", forger().sign(&named(false, true), DATA), BothAccept),
        of("fingerprint only", forger().sign(&named(true, false), DATA), BothAccept),
        of("neither", forger().sign(&named(false, false), DATA), no("which key made it")),
        of("a stranger's with our key id", stranger.sign(&hint(named(false, false), ours), DATA), no("is not over")),
        of("a stranger's with our fingerprint", naming(&other(), key().fingerprint()), no("is not over")),
        of("ours with another's key id", forger().sign(&hint(named(false, false), theirs), DATA), no("made it, and")),
        of(
            "ours whose signed part names another key that we have",
            naming(&key(), other().fingerprint()),
            OnlySequoiaAccepts("is not over these", "it was made to be taken for that one's"),
        )
        .with_keys(&both_keys()),
        of("both key ids on it, both keys known", forger().sign(&hint(named(false, true), theirs), DATA), BothAccept)
            .with_keys(&both_keys()),
        of("another key of ours with that key id on it", forger().sign(&hint(named(false, false), theirs), DATA), {
            no("is not over")
        })
        .with_keys(&both_keys()),
    ]
}

fn several_signatures() -> Vec<Row> {
    let (good, strange) = (good(), Forger::proper(other()).sign(&words(), DATA));
    let stale = forger().sign(&words().lasts(DAY), DATA);
    let broken = flipped(&good, good.len() - 5);
    let armour = |bytes: &[u8]| armoured(BlockType::Signature, bytes);
    let of = |name, parts: &[&[u8]], verdict| row(name, &forger(), parts.concat(), verdict);
    vec![
        of("a good one, then a stranger's", &[&good, &strange], BothAccept),
        of("a stranger's, then a good one", &[&strange, &good], BothAccept),
        of("an expired one, then a good one", &[&stale, &good], BothAccept),
        of("a good one, then an expired one", &[&good, &stale], BothAccept),
        of("a broken one, then a good one", &[&broken, &good], BothAccept),
        of("two that do not count", &[&strange, &stale], BothRefuse("holds until")),
        of("of a version to come, then a good one", &[b"\xC2\x05\x63\0\0\0\0", &good], {
            OnlyWeAccept("a publisher may sign for old and new readers in one file")
        }),
        row("two blocks, the second good", &forger(), [armour(&strange), armour(&good)].concat(), {
            OnlyWeAccept("a key change may leave two blocks in one file")
        }),
    ]
}

fn made_by_gpg() -> Vec<Row> {
    const GPG_DATA: &[u8] = include_bytes!("../../keys/data.bin");
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../keys/", $name)).as_slice()
        };
    }
    let of = |name, keys: &[&[u8]], signature: &[u8], verdict| {
        let keys: Vec<_> = keys.iter().map(|key| key.to_vec()).collect();
        row(name, &forger(), signature.to_vec(), verdict).with_keys(&keys).over(GPG_DATA)
    };
    let rsa: &[&[u8]] = &[file!("gpg-rsa4096.pgp")];
    let (old, refreshed) = (file!("gpg-expiring.asc"), file!("gpg-expiring-refreshed.asc"));
    let (early, later) = (file!("gpg-expiring.sig"), file!("gpg-expiring-later.sig"));
    let (before, revoked) = (file!("gpg-revoked-before.asc"), file!("gpg-revoked.asc"));
    let text = "an archive is no text; its line ends may not be changed";
    let replaced = "GnuPG keeps the newest words only; every refresh would lose the signatures from before it";
    let site = "whoever steals an expired key dates as he likes: the site decides";
    vec![
        of("gpg: rsa 4096", rsa, file!("gpg-rsa4096.sig"), BothAccept),
        of("gpg: rsa 4096, armoured", rsa, file!("gpg-rsa4096-armoured.asc"), BothAccept),
        of("gpg: sha-1", rsa, file!("gpg-rsa4096-sha1.sig"), BothRefuse("SHA-1")),
        of("gpg: text", rsa, file!("gpg-rsa4096-text.sig"), OnlySequoiaAccepts("type is 0x01", text)),
        of("gpg: expired signature", rsa, file!("gpg-rsa4096-ends.sig"), BothRefuse("holds until")),
        of("gpg: wrong file", rsa, file!("gpg-rsa4096.sig"), BothRefuse("is not over these")).over(b"other"),
        of("gpg: ed25519 subkey", &[file!("gpg-ed25519.asc")], file!("gpg-ed25519-subkey.sig"), BothAccept),
        of("gpg: nist p-256", &[file!("gpg-nistp256.asc")], file!("gpg-nistp256.sig"), BothAccept),
        of("gpg: expired since", &[old], early, OnlySequoiaAccepts("accept_expired_key", site)),
        of("gpg: expired since, which the site accepts", &[old], early, BothAccept).accepting_expired_keys(),
        of("gpg: expired before", &[old], later, BothRefuse("expired before")),
        of("gpg: refreshed", &[refreshed], later, BothAccept),
        of("gpg: signed before the refresh", &[refreshed], early, OnlyWeAccept(replaced)),
        of("gpg: signed before the refresh, both files here", &[old, refreshed], early, BothAccept),
        of("gpg: before the revocation", &[before], file!("gpg-revoked.sig"), BothAccept),
        of("gpg: revoked", &[revoked], file!("gpg-revoked.sig"), BothRefuse("revoked")),
    ]
}
